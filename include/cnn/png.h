/* Pictures as PNG, in memory. */
#ifndef CNN_PNG_H
#define CNN_PNG_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* *bytes: pixels[height][width][channels] (1: grey, 3: red, green, blue) as a PNG file of *size
 * bytes. The same bytes for the same pixels, as long as libpng and zlib are the same.
 * CNN_ERROR_RUNTIME if a side is longer than libpng allows (a million pixels) or memory is refused.
 * Free with cnn_png_free. */
CNN_MUST_USE cnn_status cnn_png_encode(int channels, int height, int width, const uint8_t *pixels,
                                       uint8_t **bytes, size_t *size, cnn_error *error);
/* The same in a fifth of the time, but a third larger. */
CNN_MUST_USE cnn_status cnn_png_encode_fast(int channels, int height, int width,
                                            const uint8_t *pixels, uint8_t **bytes, size_t *size,
                                            cnn_error *error);
void cnn_png_free(uint8_t *bytes); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
