/* From an image file, or from pixels in memory, to the bytes that a network sees. */
#ifndef CNN_IMAGE_LOAD_H
#define CNN_IMAGE_LOAD_H

#include "cnn/status.h"
#include "image/decode.h"
#include "image/resize.h"

#include <stddef.h>
#include <stdint.h>

/* Computes a hash of what is in the file, whatever the settings: size, colours (grey is colour with
 * three equal parts), alpha where it is not 255 everywhere, and the low bytes of colours of 16
 * bits. Copies have the same hash in any lossless file format; so has a copy in 16 bits of an image
 * of 8 bits (each value times 257), and one with an alpha channel that is 255 everywhere. The
 * probability that any two of a million different images have the same hash is 3e-8.
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_image_content(const cnn_image *image, uint64_t *content,
                                          cnn_error *error);

/* Decodes `path` (PNG, JPEG, BMP, TGA or PNM, whatever its extension), turns it upright by its EXIF
 * data, and resizes it: pixels[channels][height][width]. Grey is stb_image's
 * (77 R + 150 G + 29 B) / 256. Range and alpha as in cnn_image_adjust. An image with more pixels
 * than allowed is refused before it is decoded. content: set to cnn_image_content; may be NULL.
 * CNN_ERROR_DATA with a reason, without the path; CNN_ERROR_RUNTIME if memory or descriptors run
 * out. */
CNN_MUST_USE cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings,
                                       uint8_t *pixels, uint64_t *content, cnn_error *error);

/* Applies range, then alpha, of the settings to the pixels of an image. A range of
 * CNN_RANGE_STRETCH whose ends are not known yet is like CNN_RANGE_FULL. The samples, and alpha,
 * stay as they are. */
void cnn_image_adjust(cnn_image *image, const cnn_image_settings *settings);

/* Resizes pixels in memory whose range and alpha are those of the settings already: rows of `width`
 * pixels of 1 to 4 bytes (grey, grey + alpha, RGB, RGBA), `stride` bytes apart. */
CNN_MUST_USE cnn_status cnn_image_convert(const uint8_t *from, int width, int height, int channels,
                                          size_t stride, const cnn_image_settings *settings,
                                          uint8_t *pixels, cnn_error *error);

/* The same, but applies range and alpha first, as cnn_image_load does to a file of 8 bits. */
CNN_MUST_USE cnn_status cnn_image_adjust_and_convert(const uint8_t *from, int width, int height,
                                                     int channels, size_t stride,
                                                     const cnn_image_settings *settings,
                                                     uint8_t *pixels, cnn_error *error);

#endif
