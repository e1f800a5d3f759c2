/* Applies the drawn changes to an image, a run of pixels at a time, in integer arithmetic. */
#include "samples/augment.h"

#include "base/random.h"

#include <string.h>

#define ONE 0x10000 /* as 2^-16 */
#define FOUR_BYTES_MEAN 510

/* --- geometry --- */

/* Reflects a place on the axis until it is in 0 … last. `place` is in 2^-32 pixels and includes the
 * bias; the result is in 2^-8 pixels. */
static uint32_t reflect(const cnn_augment_axis *axis, uint64_t place) {
    uint32_t at = (uint32_t)((place + ((uint64_t)1 << 23)) >> 24);
    if (at - axis->bias <= axis->last) {
        return at - axis->bias;
    }
    if (axis->period == 0) {
        return 0;
    }
    at %= axis->period;
    return at > axis->last ? axis->period - at : at;
}

static uint64_t start_at(const cnn_augment_axis *axis, int y, int x) {
    return axis->start + axis->across * (uint64_t)x + axis->down * (uint64_t)y;
}

/* Copies whole pixels of one row. */
static void copy_row(const cnn_augmentation *what, const uint8_t *image, int y, int x, int count,
                     cnn_augment_run to) {
    const cnn_augment_shape *shape = &what->shape;
    size_t width = (size_t)shape->width, plane = (size_t)shape->height * width;
    const uint8_t *row = image + (reflect(&what->v, start_at(&what->v, y, x)) >> 8) * width;
    uint64_t u = start_at(&what->u, y, x);
    for (int i = 0; i < count; i++, u += what->u.across) {
        const uint8_t *from = row + (reflect(&what->u, u) >> 8);
        for (int c = 0; c < shape->channels; c++) {
            to[c][i] = from[(size_t)c * plane];
        }
    }
}

/* The four neighbours of a place: the first one, the distances to the others in the array, and the
 * weights of the right and the lower ones, times 256. */
typedef struct neighbours {
    uint32_t first, right, below;
    uint32_t share_right, share_below;
} neighbours;

/* The lower of the two neighbours on an axis. At the far end it is the last pixel but one. */
static uint32_t lower_neighbour(uint32_t place, uint32_t last) {
    return place < last || place == 0 ? place >> 8 : (place >> 8) - 1;
}

static uint8_t interpolate(const uint8_t *from, const neighbours *n) {
    uint32_t top = from[0] * (256 - n->share_right) + from[n->right] * n->share_right;
    from += n->below;
    uint32_t bottom = from[0] * (256 - n->share_right) + from[n->right] * n->share_right;
    return (uint8_t)((top * (256 - n->share_below) + bottom * n->share_below + 0x8000) >> 16);
}

static void warp_row(const cnn_augmentation *what, const uint8_t *image, int y, int x, int count,
                     cnn_augment_run to) {
    const cnn_augment_shape *shape = &what->shape;
    uint32_t width = (uint32_t)shape->width;
    size_t plane = (size_t)shape->height * (size_t)width;
    neighbours n = {.right = width > 1, .below = shape->height > 1 ? width : 0};
    uint64_t u = start_at(&what->u, y, x), v = start_at(&what->v, y, x);
    for (int i = 0; i < count; i++, u += what->u.across, v += what->v.across) {
        uint32_t column = reflect(&what->u, u), row = reflect(&what->v, v);
        uint32_t left = lower_neighbour(column, what->u.last);
        uint32_t upper = lower_neighbour(row, what->v.last);
        n.share_right = column - (left << 8);
        n.share_below = row - (upper << 8);
        const uint8_t *from = image + (size_t)upper * width + left;
        for (int c = 0; c < shape->channels; c++) {
            to[c][i] = interpolate(from + (size_t)c * plane, &n);
        }
    }
}

/* --- colour --- */

/* 2^-16 grey levels to a byte. */
static uint8_t to_byte(int32_t level) {
    level = level < 0 ? 0 : level;
    return (uint8_t)(level > 0xffffff ? 255 : level >> 16);
}

static void saturate(int32_t factor, int count, cnn_augment_run pixels) {
    for (int i = 0; i < count; i++) {
        int32_t grey = (77 * pixels[0][i] + 150 * pixels[1][i] + 29 * pixels[2][i]) >> 8;
        for (int c = 0; c < 3; c++) {
            pixels[c][i] = to_byte(grey * ONE + factor * (pixels[c][i] - grey) + ONE / 2);
        }
    }
}

static void set_tone(const cnn_augmentation *what, int count, uint8_t *pixels) {
    for (int i = 0; i < count; i++) {
        pixels[i] = to_byte(what->factor * pixels[i] + what->offset);
    }
}

/* set_tone with noise. Each value is a sum of four uniform bytes, which is nearly normally
 * distributed (within 3.45 standard deviations). pair: the number of the first two pixels. */
static void set_noisy_tone(const cnn_augmentation *what, uint64_t pair, int count,
                           uint8_t *pixels) {
    int32_t offset = what->offset - FOUR_BYTES_MEAN * what->noise;
    for (int i = 0; i < count; i += 2, pair++) {
        uint64_t bits = cnn_random_mix(what->noise_key ^ pair);
        uint64_t twos = (bits & 0x00ff00ff00ff00ffU) + ((bits >> 8) & 0x00ff00ff00ff00ffU);
        uint64_t fours = twos + (twos >> 16); /* the sums: bits 0 … 15 and 32 … 47 */
        int32_t sums[2] = {(int32_t)(fours & 0xffff), (int32_t)((fours >> 32) & 0xffff)};
        for (int j = 0; j < 2 && i + j < count; j++) {
            pixels[i + j] = to_byte(what->factor * pixels[i + j] + what->noise * sums[j] + offset);
        }
    }
}

void cnn_augment_recolour(const cnn_augmentation *what, int y, int x, int count,
                          cnn_augment_run pixels) {
    const cnn_augment_shape *shape = &what->shape;
    uint64_t pairs = ((uint64_t)shape->width + 1) / 2; /* per row */
    if (shape->channels == 3 && what->saturation != ONE) {
        saturate(what->saturation, count, pixels);
    }
    for (int c = 0; c < shape->channels; c++) {
        uint64_t row = (uint64_t)c * (uint64_t)shape->height + (uint64_t)y;
        if (what->noise > 0) {
            set_noisy_tone(what, row * pairs + (uint64_t)x / 2, count, pixels[c]);
        } else if (what->factor != ONE || what->offset != ONE / 2) {
            set_tone(what, count, pixels[c]);
        }
    }
}

/* --- all changes --- */

static void cut_out(const cnn_augmentation *what, int y, int x, int count, cnn_augment_run pixels) {
    int first = what->cut_left > x ? what->cut_left - x : 0;
    int end = what->cut_right < x + count ? what->cut_right - x : count;
    if (y >= what->cut_top && y < what->cut_bottom && first < end) {
        for (int c = 0; c < what->shape.channels; c++) {
            for (int i = first; i < end; i++) {
                pixels[c][i] = what->cut_fill[c];
            }
        }
    }
}

void cnn_augment_pixels(const cnn_augmentation *what, const uint8_t *image, int y, int x, int count,
                        cnn_augment_run to) {
    if (what->whole) {
        copy_row(what, image, y, x, count, to);
    } else {
        warp_row(what, image, y, x, count, to);
    }
    cnn_augment_recolour(what, y, x, count, to);
    cut_out(what, y, x, count, to);
}

void cnn_augment_image(const cnn_augmentation *what, const uint8_t *image, uint8_t *to) {
    const cnn_augment_shape *shape = &what->shape;
    size_t width = (size_t)shape->width, plane = (size_t)shape->height * width;
    cnn_augment_run run;
    for (int y = 0; y < shape->height; y++) {
        for (int x = 0; x < shape->width; x += CNN_AUGMENT_RUN) {
            int left = shape->width - x;
            int count = left < CNN_AUGMENT_RUN ? left : CNN_AUGMENT_RUN;
            cnn_augment_pixels(what, image, y, x, count, run);
            for (int c = 0; c < shape->channels; c++) {
                memcpy(to + (size_t)c * plane + (size_t)y * width + (size_t)x, run[c],
                       (size_t)count);
            }
        }
    }
}
