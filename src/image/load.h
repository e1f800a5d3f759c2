/* From an image file, or from pixels in memory, to the bytes that a network sees. */
#ifndef CNN_IMAGE_LOAD_H
#define CNN_IMAGE_LOAD_H

#include "cnn/status.h"
#include "image/decode.h"
#include "image/resize.h"

#include <stddef.h>
#include <stdint.h>

/* Names how the pixels of a file become those that a network sees: resampler and grey. Models state
 * it, so that none sees other pixels than in its training. Another name whenever the same file
 * gives other pixels. */
#define CNN_IMAGE_PIXELS "pillow-bilinear"

/* Computes a hash of size and colours. Copies have the same hash in any lossless file format. The
 * probability that any two of a million different images have the same hash is 3e-8.
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_image_content(const cnn_image *image, uint64_t *content,
                                          cnn_error *error);

/* Decodes `path` (PNG, JPEG, BMP, TGA or PNM, whatever its extension), turns it upright by its EXIF
 * data, and resizes it (cnn_image_resize): pixels[channels][height][width]. Grey is Pillow's
 * (19595 R + 38470 G + 7471 B + 32768) / 65536. Alpha is dropped. 16 bits become 8. An image with
 * more pixels than allowed is refused before it is decoded. buffers: NULL for one image alone.
 * content: set to cnn_image_content; may be NULL. CNN_ERROR_DATA with a reason, without the path;
 * CNN_ERROR_RUNTIME if memory or descriptors run out. */
CNN_MUST_USE cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings,
                                       cnn_image_buffers *buffers, uint8_t *pixels,
                                       uint64_t *content, cnn_error *error);

/* The same for pixels in memory. */
CNN_MUST_USE cnn_status cnn_image_convert(const cnn_pixels *from,
                                          const cnn_image_settings *settings,
                                          cnn_image_buffers *buffers, uint8_t *pixels,
                                          cnn_error *error);

/* The pixels of a decoded image, which they share. */
cnn_pixels cnn_image_pixels(const cnn_image *image);

#endif
