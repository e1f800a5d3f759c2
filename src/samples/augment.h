/* Augmentation: random changes of training images, different in every epoch, so that a network does
 * not learn by heart where things happened to lie and how bright they happened to be. What is done
 * to an image is a pure function of (seed, epoch, image): augment.c draws it, augment_pixels.c
 * applies it, on bytes and in integers, so that every machine computes the same. */
#ifndef CNN_SAMPLES_AUGMENT_H
#define CNN_SAMPLES_AUGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The config's `augment`. All zero: images stay unchanged. */
typedef struct cnn_augment_settings {
    bool flip_horizontal, flip_vertical; /* with probability 1/2 */
    double shift;                        /* share of width and height, each way: 0 … 0.5 */
    double rotate;                       /* degrees, each way: 0 … 180 */
    double zoom;                         /* scaled by 1 - zoom … 1 + zoom: 0 … 0.5 */
    double shear;                        /* degrees, each way: 0 … 45 */
    double brightness;                   /* share of the full range, each way: 0 … 1 */
    double contrast;                     /* factor 1 - contrast … 1 + contrast: 0 … 1 */
    double saturation;                   /* factor 1 - saturation … 1 + saturation: 0 … 1 */
    double cutout; /* side of a square, share of the shorter side: 0 … 0.5 */
    double noise;  /* deviation, share of the full range: 0 … 0.5 */
} cnn_augment_settings;

/* Does any setting change images? */
bool cnn_augment_is_on(const cnn_augment_settings *settings);

/* The shape of images, at most 4096 × 4096: bytes [channels][height][width]. */
typedef struct cnn_augment_shape {
    int channels, height, width;
} cnn_augment_shape;

/* Maps a position (x, y) of the result to one axis of the source: start + x across + y down, in
 * 2^-32 pixels, modulo 2^64. Positions outside 0 … last are reflected at 0 and at last, as often as
 * needed. */
typedef struct cnn_augment_axis {
    uint64_t start, across, down;
    uint32_t last;   /* 2^-8 pixels */
    uint32_t period; /* of reflection, 2^-8 pixels: 2 last */
    uint32_t
        bias; /* a multiple of the period, included in start, so that no position is negative */
} cnn_augment_axis;

/* What happens to one image in one epoch. */
typedef struct cnn_augmentation {
    cnn_augment_shape shape;
    cnn_augment_axis u, v; /* column and row of the source */
    bool whole;            /* only flips and whole pixels: bytes are copied, not interpolated */
    int32_t saturation;    /* factor of the distance from grey, 2^-16 */
    int32_t factor;        /* v becomes factor v + offset; 2^-16 */
    int32_t offset;        /* 2^-16, half a grey level for rounding in it */
    int32_t noise;         /* 2^-16 grey levels for 1 of the sum of four random bytes; 0: none */
    uint64_t noise_key;
    int cut_left, cut_right, cut_top, cut_bottom; /* first column and row in the square, and after
                                                   * it; empty if there is no square */
    uint8_t cut_fill[3];
} cnn_augmentation;

/* Draws what happens to `image` (bytes of the shape), number `index` of the dataset, in an epoch
 * (from 1). Every setting has its own random numbers, so that turning one on does not change the
 * others.
 *
 * Geometry: a point p of the image moves to c + t + R S Z F (p - c), c the middle of the image; F
 * flips, Z scales, S shears along rows (x += tan(shear) y), R rotates, t shifts by whole pixels.
 * Each pixel of the result is interpolated bilinearly at the position that it came from, once for
 * all of these. Saturation, with grey = (77 R + 150 G + 29 B) / 256: grey + s (v - grey). Contrast
 * and brightness, with m the mean of all bytes of the image: m + f (v - m) + 255 b. Cutout (DeVries
 * and Taylor: "Improved regularization of convolutional neural networks with Cutout", 2017): a
 * square whose middle is any pixel, so that part of it may be outside, filled with the image's mean
 * colour. */
void cnn_augment_draw(const cnn_augment_settings *settings, uint64_t seed, uint64_t epoch,
                      size_t index, const cnn_augment_shape *shape, const uint8_t *image,
                      cnn_augmentation *out);

/* Pixels that are computed at a time. Even, because two pixels share their random bits. */
enum { CNN_AUGMENT_RUN = 128 };

typedef uint8_t cnn_augment_run[3][CNN_AUGMENT_RUN];

/* Pixels x … x + count - 1 of row y of the result, to[channel][0 … count - 1]; x is even and count
 * at most CNN_AUGMENT_RUN. */
void cnn_augment_pixels(const cnn_augmentation *what, const uint8_t *image, int y, int x, int count,
                        cnn_augment_run to);

/* The colour part of cnn_augment_run: saturation, contrast, brightness and noise of the run at (x,
 * y). */
void cnn_augment_recolour(const cnn_augmentation *what, int y, int x, int count,
                          cnn_augment_run pixels);

/* The complete result, to[channels][height][width]. */
void cnn_augment_image(const cnn_augmentation *what, const uint8_t *image, uint8_t *to);

#endif
