#include "image/tiff_pixels.h"

#include <string.h>

enum { SAMPLES_MAX = 5 }; /* CMYK and alpha */

bool cnn_tiff_is_wide(const cnn_tiff_kind *kind) {
    return kind->bits > 8;
}

int cnn_tiff_channels(const cnn_tiff_kind *kind) {
    return (kind->colours == CNN_TIFF_GREY ? 1 : 3) + (kind->alpha == CNN_TIFF_NO_ALPHA ? 0 : 1);
}

/* --- unpacking --- */

/* Sample i of a row whose samples have fewer than 8 bits, or 12, the high bits first. */
static unsigned sample_at(const uint8_t *row, size_t i, unsigned bits) {
    size_t at = i * bits;
    if (bits == 12) {
        const uint8_t *pair = row + at / 8;
        return at % 8 == 0 ? (unsigned)pair[0] << 4 | pair[1] >> 4 : (pair[0] & 15U) << 8 | pair[1];
    }
    return (unsigned)row[at / 8] >> (8 - bits - at % 8) & ((1U << bits) - 1);
}

static void unpack_wide(const cnn_tiff_kind *kind, const uint8_t *row, size_t count,
                        size_t per_pixel, size_t used, uint16_t *to) {
    for (size_t x = 0; x < count; x++, to += kind->kept) {
        for (size_t s = 0; s < used; s++) {
            size_t i = x * per_pixel + s;
            if (kind->bits == 16) { /* in the byte order of this machine */
                memcpy(to + s, row + 2 * i, 2);
            } else {
                unsigned sample = sample_at(row, i, 12);
                to[s] = (uint16_t)(sample << 4 | sample >> 8);
            }
        }
    }
}

static void unpack_bytes(const cnn_tiff_kind *kind, const uint8_t *row, size_t count,
                         size_t per_pixel, size_t used, uint8_t *to) {
    unsigned bits = (unsigned)kind->bits;
    unsigned scale = kind->colours == CNN_TIFF_PALETTE ? 1 : 255 / ((1U << bits) - 1);
    for (size_t x = 0; x < count; x++, to += kind->kept) {
        for (size_t s = 0; s < used; s++) {
            size_t i = x * per_pixel + s;
            to[s] = bits == 8 ? row[i] : (uint8_t)(sample_at(row, i, bits) * scale);
        }
    }
}

void cnn_tiff_unpack(const cnn_tiff_kind *kind, const uint8_t *row, size_t count, size_t per_pixel,
                     size_t used, size_t first, void *samples) {
    bool wide = cnn_tiff_is_wide(kind);
    if (per_pixel == (size_t)kind->kept && (kind->bits == 8 || kind->bits == 16)) {
        memcpy(samples, row, count * per_pixel * (wide ? 2 : 1));
    } else if (wide) {
        unpack_wide(kind, row, count, per_pixel, used, (uint16_t *)samples + first);
    } else {
        unpack_bytes(kind, row, count, per_pixel, used, (uint8_t *)samples + first);
    }
}

/* --- colours --- */

/* a × b / 255, rounded. */
static int multiply(int a, int b) {
    int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

/* As Pillow converts CMYK, without a colour profile. */
static void convert_cmyk(const uint8_t *cmyk, uint8_t *rgb) {
    int light = 255 - cmyk[3];
    for (int c = 0; c < 3; c++) {
        int colour = light - multiply(cmyk[c], light);
        rgb[c] = (uint8_t)(colour > 0 ? colour : 0);
    }
}

/* Divides colours by alpha; of a transparent pixel, they are 0. */
static void divide_by_alpha(uint8_t *colours, int count, unsigned alpha) {
    for (int c = 0; c < count; c++) {
        unsigned colour = alpha > 0 ? colours[c] * 255U / alpha : 0;
        colours[c] = (uint8_t)(colour < 255 ? colour : 255);
    }
}

/* Writes the colours and the alpha of a pixel. */
static void convert_pixel(const cnn_tiff_kind *kind, const uint8_t *samples, uint8_t *pixel) {
    int colours = kind->colours == CNN_TIFF_GREY ? 1 : 3;
    switch (kind->colours) {
    case CNN_TIFF_GREY:
        pixel[0] = kind->white_is_zero ? (uint8_t)(255 - samples[0]) : samples[0];
        break;
    case CNN_TIFF_PALETTE:
        memcpy(pixel, kind->palette[samples[0]], 3);
        break;
    case CNN_TIFF_RGB:
        memcpy(pixel, samples, 3);
        break;
    case CNN_TIFF_CMYK:
        convert_cmyk(samples, pixel);
        break;
    }
    if (kind->alpha != CNN_TIFF_NO_ALPHA) {
        pixel[colours] = samples[kind->kept - 1];
        if (kind->alpha == CNN_TIFF_PREMULTIPLIED) {
            divide_by_alpha(pixel, colours, pixel[colours]);
        }
    }
}

void cnn_tiff_to_pixels(const cnn_tiff_kind *kind, const void *samples, size_t count,
                        uint8_t *pixels) {
    size_t kept = (size_t)kind->kept;
    size_t channels = (size_t)cnn_tiff_channels(kind);
    for (size_t i = 0; i < count; i++, pixels += channels) {
        uint8_t bytes[SAMPLES_MAX] = {0};
        for (size_t s = 0; s < kept; s++) {
            bytes[s] = cnn_tiff_is_wide(kind)
                           ? (uint8_t)(((const uint16_t *)samples)[i * kept + s] >> 8)
                           : ((const uint8_t *)samples)[i * kept + s];
        }
        convert_pixel(kind, bytes, pixels);
    }
}
