/* From an image file, or from pixels in memory, to the bytes that a network sees. */
#ifndef CNN_IMAGE_LOAD_H
#define CNN_IMAGE_LOAD_H

#include "cnn/status.h"
#include "image/decode.h"
#include "image/resize.h"

#include <stddef.h>
#include <stdint.h>

/* Computes a hash of size and colours. Copies have the same hash in any lossless file format. The
 * probability that any two of a million different images have the same hash is 3e-8.
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_image_content(const cnn_image *image, uint64_t *content,
                                          cnn_error *error);

/* Decodes `path` (PNG, JPEG, BMP, TGA or PNM, whatever its extension), turns it upright by its EXIF
 * data, and resizes it: pixels[channels][height][width]. Grey is stb_image's
 * (77 R + 150 G + 29 B) / 256. Alpha is dropped. 16 bits become 8. An image with more pixels than
 * allowed is refused before it is decoded. content: set to cnn_image_content; may be NULL.
 * CNN_ERROR_DATA with a reason, without the path; CNN_ERROR_RUNTIME if memory or descriptors run
 * out. */
CNN_MUST_USE cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings,
                                       uint8_t *pixels, uint64_t *content, cnn_error *error);

/* The same for pixels in memory: rows of `width` pixels of 1 to 4 bytes (grey, grey + alpha, RGB,
 * RGBA), `stride` bytes apart. */
CNN_MUST_USE cnn_status cnn_image_convert(const uint8_t *from, int width, int height, int channels,
                                          size_t stride, const cnn_image_settings *settings,
                                          uint8_t *pixels, cnn_error *error);

#endif
