/* From an image file, or from pixels in memory, to the bytes that a network sees. */
#ifndef CNN_IMAGE_LOAD_H
#define CNN_IMAGE_LOAD_H

#include "cnn/status.h"
#include "image/decode.h"
#include "image/resize.h"

#include <stddef.h>
#include <stdint.h>

/* Names the method that turns the pixels of a file into those that a network sees: resampler and
 * grey. Models store it, so that each sees the same pixels as in its training. The name must change
 * whenever the same file gives other pixels. */
#define CNN_IMAGE_PIXELS "pillow-bilinear"

/* Computes a hash of the content of the file, whatever the settings: size, colours (grey is colour
 * with three equal parts), alpha where it is not 255 everywhere, and the low bytes of colours of 16
 * bits. Copies have the same hash in any lossless file format; so has a copy in 16 bits of an image
 * of 8 bits (each value times 257), and one with an alpha channel that is 255 everywhere. The
 * probability that any two of a million different images have the same hash is 3e-8.
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_image_content(const cnn_image *image, uint64_t *content,
                                          cnn_error *error);

/* Decodes `path` (PNG, JPEG, BMP, TGA or PNM, whatever its extension), turns it upright by its EXIF
 * data, and resizes it (cnn_image_resize): pixels[channels][height][width]. Grey is Pillow's
 * (19595 R + 38470 G + 7471 B + 32768) / 65536. Range and alpha as in cnn_image_adjust. An image
 * with more pixels than allowed is refused before it is decoded. buffers: NULL for one image alone.
 * content: set to cnn_image_content; may be NULL. CNN_ERROR_DATA with a reason, without the path;
 * CNN_ERROR_RUNTIME if memory or descriptors run out. */
CNN_MUST_USE cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings,
                                       cnn_image_buffers *buffers, uint8_t *pixels,
                                       uint64_t *content, cnn_error *error);

/* Applies range, then alpha, of the settings to the pixels of an image. A range of
 * CNN_RANGE_STRETCH whose ends are not known yet is like CNN_RANGE_FULL. The samples, and alpha,
 * stay as they are. */
void cnn_image_adjust(cnn_image *image, const cnn_image_settings *settings);

/* The same as cnn_image_load for pixels in memory whose range and alpha are those of the settings
 * already. */
CNN_MUST_USE cnn_status cnn_image_convert(const cnn_pixels *from,
                                          const cnn_image_settings *settings,
                                          cnn_image_buffers *buffers, uint8_t *pixels,
                                          cnn_error *error);

/* The pixels of a decoded image, which they share. */
cnn_pixels cnn_image_pixels(const cnn_image *image);

/* The same, but applies range and alpha first, as cnn_image_load does to a file of 8 bits. */
CNN_MUST_USE cnn_status cnn_image_adjust_and_convert(const cnn_pixels *from,
                                                     const cnn_image_settings *settings,
                                                     cnn_image_buffers *buffers, uint8_t *pixels,
                                                     cnn_error *error);

#endif
