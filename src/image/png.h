/* Checks PNG images before they are decoded. */
#ifndef CNN_IMAGE_PNG_H
#define CNN_IMAGE_PNG_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does the file bytes[size] start as a PNG? */
bool cnn_png_is(const uint8_t *bytes, size_t size);

/* Refuses a PNG that is cut short, or in which a chunk has a wrong CRC. (The Adler-32 checksum of
 * the pixels is compared when they are decompressed, in stb.c.)
 *
 * *apple: the file is of Apple's variant, as Xcode puts it into apps (chunk CgBI): blue before red,
 * colours multiplied by alpha. Only its usual form is accepted: 8 bits, RGB or RGBA.
 *
 * CNN_ERROR_DATA with the place in the file. */
CNN_MUST_USE cnn_status cnn_png_check(const uint8_t *bytes, size_t size, bool *apple,
                                      cnn_error *error);

/* Divides the colours of pixels[count][4] (RGBA) by alpha. Pixels of alpha 0 stay as they are. */
void cnn_png_divide_by_alpha(uint8_t *pixels, size_t count);

#endif
