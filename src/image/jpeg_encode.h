/* Pictures as JPEG, in memory. */
#ifndef CNN_IMAGE_JPEG_ENCODE_H
#define CNN_IMAGE_JPEG_ENCODE_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

/* *bytes: pixels[height][width][3] (red, green, blue; sides from 1 to 4096) as a JPEG file of *size
 * bytes, of quality 85 with halved colour planes: noise takes 0.75 bytes per pixel. The same bytes
 * for the same pixels, as long as libjpeg is the same. CNN_ERROR_RUNTIME if memory is refused. Free
 * with cnn_free. */
CNN_MUST_USE cnn_status cnn_jpeg_encode(int height, int width, const uint8_t *pixels,
                                        uint8_t **bytes, size_t *size, cnn_error *error);

#endif
