/* Augmentation: random changes to training images, different in every epoch, so that a network does
 * not memorise position and brightness. The changes to an image are a pure function of (seed,
 * epoch, image). augment.c draws them. augment_pixels.c applies them to bytes, in integer
 * arithmetic, so that every machine computes the same. */
#ifndef CNN_SAMPLES_AUGMENT_H
#define CNN_SAMPLES_AUGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The config's `augment`. All zero: no augmentation. */
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
    double noise;  /* standard deviation, share of the full range: 0 … 0.5 */
} cnn_augment_settings;

/* Do the settings change anything? */
bool cnn_augment_is_on(const cnn_augment_settings *settings);

/* The shape of images, at most 4096 × 4096: bytes [channels][height][width]. */
typedef struct cnn_augment_shape {
    int channels, height, width;
} cnn_augment_shape;

/* Maps a place (x, y) of the result to one axis of the source: start + x across + y down, in 2^-32
 * pixels, modulo 2^64. Places outside 0 … last are reflected at 0 and at last, as often as needed.
 */
typedef struct cnn_augment_axis {
    uint64_t start, across, down;
    uint32_t last;   /* 2^-8 pixels */
    uint32_t period; /* of reflection, 2^-8 pixels: 2 last */
    uint32_t bias;   /* a multiple of the period, included in start so that no place is negative */
} cnn_augment_axis;

/* The changes to one image in one epoch. */
typedef struct cnn_augmentation {
    cnn_augment_shape shape;
    cnn_augment_axis u, v; /* column and row of the source */
    bool whole;            /* only flips and whole pixels: bytes are copied, not interpolated */
    int32_t saturation;    /* factor for the distance from grey, in 2^-16 */
    int32_t factor;        /* v becomes factor v + offset; in 2^-16 */
    int32_t offset;        /* in 2^-16; includes half a grey level for rounding */
    int32_t noise;         /* 2^-16 grey levels per unit of the sum of four random bytes; 0: none */
    uint64_t noise_key;
    int cut_left, cut_right, cut_top, cut_bottom; /* columns and rows of the square: the first one,
                                                   * and the first one after it; 0: no square */
    uint8_t cut_fill[3];
} cnn_augmentation;

/* Draws the changes to `image` (bytes of the shape), number `index` of the dataset, in an epoch
 * (from 1). Every setting has its own random number, so that switching one on does not affect the
 * others.
 *
 * Geometry: a point p of the image moves to c + t + R S Z F (p - c), where c is the image's middle,
 * F flips, Z scales, S shears along rows (x += tan(shear) y), R rotates, and t shifts by whole
 * pixels. Each pixel of the result is interpolated bilinearly, once for all of these.
 *
 * Colour: saturation, with grey = (77 R + 150 G + 29 B) / 256: grey + s (v - grey). Contrast and
 * brightness, with m the mean of all bytes of the image: m + f (v - m) + 255 b.
 *
 * Cutout (DeVries and Taylor: "Improved regularization of convolutional neural networks with
 * Cutout", 2017): a square, filled with the image's mean colour. Its middle is any pixel, so part
 * of it may be outside the image. */
void cnn_augment_draw(const cnn_augment_settings *settings, uint64_t seed, uint64_t epoch,
                      size_t index, const cnn_augment_shape *shape, const uint8_t *image,
                      cnn_augmentation *out);

/* Pixels that are computed at a time. Even, since two pixels share their random bits. */
enum { CNN_AUGMENT_RUN = 128 };

typedef uint8_t cnn_augment_run[3][CNN_AUGMENT_RUN];

/* Computes pixels x … x + count - 1 of row y of the result: to[channel][0 … count - 1]. x must be
 * even and count at most CNN_AUGMENT_RUN. */
void cnn_augment_pixels(const cnn_augmentation *what, const uint8_t *image, int y, int x, int count,
                        cnn_augment_run to);

/* Only the changes to colours: saturation, contrast, brightness and noise of the run at (x, y). */
void cnn_augment_recolour(const cnn_augmentation *what, int y, int x, int count,
                          cnn_augment_run pixels);

/* Computes the whole result, to[channels][height][width]. */
void cnn_augment_image(const cnn_augmentation *what, const uint8_t *image, uint8_t *to);

#endif
