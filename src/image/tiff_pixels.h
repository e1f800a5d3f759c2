/* From the samples of a TIFF to pixels. */
#ifndef CNN_IMAGE_TIFF_PIXELS_H
#define CNN_IMAGE_TIFF_PIXELS_H

#include "image/decode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cnn_tiff_colours {
    CNN_TIFF_GREY,
    CNN_TIFF_PALETTE,
    CNN_TIFF_RGB,
    CNN_TIFF_CMYK,
} cnn_tiff_colours;

typedef enum cnn_tiff_alpha {
    CNN_TIFF_NO_ALPHA,
    CNN_TIFF_PLAIN_ALPHA,
    CNN_TIFF_PREMULTIPLIED, /* the colours are multiplied by alpha */
} cnn_tiff_alpha;

/* What the samples of a pixel mean. */
typedef struct cnn_tiff_kind {
    cnn_tiff_colours colours;
    cnn_tiff_alpha alpha;
    int kept;                /* samples of a pixel that are used: the colours, alpha */
    int bits;                /* of a sample in the file: 1, 2, 4, 8, 12 or 16 */
    bool white_is_zero;      /* grey only */
    uint8_t palette[256][3]; /* RGB */
} cnn_tiff_kind;

/* Are samples kept in 16 bits? Otherwise in 8. */
bool cnn_tiff_is_wide(const cnn_tiff_kind *kind);

/* Channels of the pixels. */
int cnn_tiff_channels(const cnn_tiff_kind *kind);

/* Unpacks the samples of a row of the file: count pixels of `per_pixel` samples, of which the first
 * `used` become sample first, first + 1, … of each pixel of `samples`, [count][kept], uint8_t or,
 * if wide, uint16_t. The range of a sample becomes 0 … 255 or 0 … 65535, except in a palette. */
void cnn_tiff_unpack(const cnn_tiff_kind *kind, const uint8_t *row, size_t count, size_t per_pixel,
                     size_t used, size_t first, void *samples);

/* Converts samples[count][kept] to pixels[count][channels], as Pillow does: of 16 bits, the high
 * byte. May work in place (pixels == samples) if a pixel takes as many bytes as its samples. */
void cnn_tiff_to_pixels(const cnn_tiff_kind *kind, const void *samples, size_t count,
                        uint8_t *pixels);

#endif
