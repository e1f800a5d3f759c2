/* Draws the changes to an image. */
#include "samples/augment.h"

#include "base/elementary.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

/* The random numbers of an image, by use. */
enum {
    DRAW_FLIP_HORIZONTAL,
    DRAW_FLIP_VERTICAL,
    DRAW_SHIFT_ACROSS,
    DRAW_SHIFT_DOWN,
    DRAW_ROTATE,
    DRAW_ZOOM,
    DRAW_SHEAR,
    DRAW_BRIGHTNESS,
    DRAW_CONTRAST,
    DRAW_SATURATION,
    DRAW_CUTOUT_ACROSS,
    DRAW_CUTOUT_DOWN,
    DRAW_NOISE,
};

#define RADIANS 0x1.1df46a2529d39p-6 /* per degree */
/* Standard deviation of the sum of four bytes uniform in 0 … 255: sqrt(4 (256^2 - 1) / 12). */
#define FOUR_BYTES_DEVIATION 0x1.2799e08ba411ep+7

/* The largest distance of a place from the image, in pixels: 4096, scaled by up to 2, sheared and
 * shifted. */
#define FARTHEST ((uint32_t)1 << 15)

bool cnn_augment_is_on(const cnn_augment_settings *settings) {
    const cnn_augment_settings *s = settings;
    return s->flip_horizontal || s->flip_vertical || s->shift > 0.0 || s->rotate > 0.0 ||
           s->zoom > 0.0 || s->shear > 0.0 || s->brightness > 0.0 || s->contrast > 0.0 ||
           s->saturation > 0.0 || s->cutout > 0.0 || s->noise > 0.0;
}

/* --- random numbers of one image --- */

static double uniform(uint64_t key, int draw) {
    return cnn_random_uniform(key, CNN_RANDOM_AUGMENT, 0, (uint64_t)draw);
}

/* Uniform from -amount to amount. */
static double either_way(uint64_t key, int draw, double amount) {
    return amount > 0.0 ? amount * (2.0 * uniform(key, draw) - 1.0) : 0.0;
}

static double sign(uint64_t key, int draw, bool flip) {
    return flip && uniform(key, draw) < 0.5 ? -1.0 : 1.0;
}

/* x 2^bits, rounded to an integer. */
static int64_t fixed(double x, int bits) {
    return (int64_t)floor(x * (double)((int64_t)1 << bits) + 0.5);
}

/* --- geometry --- */

/* The axis on which pixel (x, y) of the result comes from
 * middle + across (x - other_x) + down (y - other_y). */
static cnn_augment_axis make_axis(double middle, double across, double down, double other_x,
                                  double other_y, int size) {
    cnn_augment_axis axis = {.last = (uint32_t)(size - 1) << 8};
    axis.period = 2 * axis.last;
    if (size > 1) {
        uint32_t period = axis.period >> 8;
        axis.bias = (FARTHEST / period + 1) * axis.period;
    }
    double start = middle - across * other_x - down * other_y + (double)(axis.bias >> 8);
    axis.start = (uint64_t)fixed(start, 32);
    axis.across = (uint64_t)fixed(across, 32);
    axis.down = (uint64_t)fixed(down, 32);
    return axis;
}

/* The inverse of R S Z F is F Z^-1 S^-1 R^-1. */
static void draw_geometry(const cnn_augment_settings *settings, uint64_t key,
                          cnn_augmentation *out) {
    const cnn_augment_shape *shape = &out->shape;
    double flip_x = sign(key, DRAW_FLIP_HORIZONTAL, settings->flip_horizontal);
    double flip_y = sign(key, DRAW_FLIP_VERTICAL, settings->flip_vertical);
    double shift_x =
        floor(either_way(key, DRAW_SHIFT_ACROSS, settings->shift * shape->width) + 0.5);
    double shift_y = floor(either_way(key, DRAW_SHIFT_DOWN, settings->shift * shape->height) + 0.5);
    double angle = either_way(key, DRAW_ROTATE, settings->rotate) * RADIANS;
    double slant = either_way(key, DRAW_SHEAR, settings->shear) * RADIANS;
    double shrink = 1.0 / (1.0 + either_way(key, DRAW_ZOOM, settings->zoom));
    double c = cnn_cosine(angle), s = cnn_sine(angle);
    double shear = cnn_sine(slant) / cnn_cosine(slant);
    double middle_x = 0.5 * (shape->width - 1), middle_y = 0.5 * (shape->height - 1);
    double other_x = middle_x + shift_x, other_y = middle_y + shift_y;
    double across = flip_x * shrink, down = flip_y * shrink;
    out->whole = !(settings->rotate > 0.0 || settings->zoom > 0.0 || settings->shear > 0.0);
    out->u = make_axis(middle_x, across * (c + shear * s), across * (s - shear * c), other_x,
                       other_y, shape->width);
    out->v = make_axis(middle_y, down * -s, down * c, other_x, other_y, shape->height);
}

/* --- colour --- */

/* The mean of each channel. */
static void measure(const cnn_augment_shape *shape, const uint8_t *image, double mean[3]) {
    size_t plane = (size_t)shape->height * (size_t)shape->width;
    for (int c = 0; c < shape->channels; c++) {
        const uint8_t *pixels = image + (size_t)c * plane;
        uint64_t sum = 0;
        for (size_t i = 0; i < plane; i++) {
            sum += pixels[i];
        }
        mean[c] = (double)sum / (double)plane;
    }
}

static void draw_colour(const cnn_augment_settings *settings, uint64_t key, const double mean[3],
                        cnn_augmentation *out) {
    double middle = 0.0;
    for (int c = 0; c < out->shape.channels; c++) {
        middle += mean[c] / out->shape.channels;
    }
    double brightness = either_way(key, DRAW_BRIGHTNESS, settings->brightness);
    double contrast = 1.0 + either_way(key, DRAW_CONTRAST, settings->contrast);
    double saturation = 1.0 + either_way(key, DRAW_SATURATION, settings->saturation);
    out->saturation = (int32_t)fixed(saturation, 16);
    out->factor = (int32_t)fixed(contrast, 16);
    out->offset = (int32_t)fixed((1.0 - contrast) * middle + 255.0 * brightness + 0.5, 16);
}

static void draw_noise(const cnn_augment_settings *settings, uint64_t key, cnn_augmentation *out) {
    if (settings->noise > 0.0) {
        out->noise = (int32_t)fixed(255.0 * settings->noise / FOUR_BYTES_DEVIATION, 16);
        out->noise_key = cnn_random_bits(key, CNN_RANDOM_AUGMENT, 0, DRAW_NOISE);
    }
}

/* --- cutout --- */

/* First and last + 1 of `side` pixels around a random one of 0 … size - 1, clipped to the image. */
static void draw_side(double random, int side, int size, int *first, int *end) {
    int middle = (int)(random * size);
    int from = middle - side / 2;
    *first = from > 0 ? from : 0;
    *end = from + side < size ? from + side : size;
}

static void draw_cutout(const cnn_augment_settings *settings, uint64_t key, const double mean[3],
                        cnn_augmentation *out) {
    const cnn_augment_shape *shape = &out->shape;
    int shorter = shape->width < shape->height ? shape->width : shape->height;
    int side = (int)floor(settings->cutout * shorter + 0.5);
    if (side == 0) {
        return;
    }
    draw_side(uniform(key, DRAW_CUTOUT_ACROSS), side, shape->width, &out->cut_left,
              &out->cut_right);
    draw_side(uniform(key, DRAW_CUTOUT_DOWN), side, shape->height, &out->cut_top, &out->cut_bottom);
    cnn_augment_run pixel;
    for (int c = 0; c < shape->channels; c++) {
        pixel[c][0] = (uint8_t)(mean[c] + 0.5);
    }
    cnn_augment_recolour(out, 0, 0, 1, pixel);
    for (int c = 0; c < shape->channels; c++) {
        out->cut_fill[c] = pixel[c][0];
    }
}

void cnn_augment_draw(const cnn_augment_settings *settings, uint64_t seed, uint64_t epoch,
                      size_t index, const cnn_augment_shape *shape, const uint8_t *image,
                      cnn_augmentation *out) {
    uint64_t key = cnn_random_bits(seed, CNN_RANDOM_AUGMENT, epoch, (uint64_t)index);
    double mean[3] = {0.0, 0.0, 0.0};
    *out = (cnn_augmentation){.shape = *shape};
    if (settings->contrast > 0.0 || settings->cutout > 0.0) {
        measure(shape, image, mean);
    }
    draw_geometry(settings, key, out);
    draw_colour(settings, key, mean, out);
    draw_cutout(settings, key, mean, out);
    draw_noise(settings, key, out); /* after the cutout, whose colour has no noise */
}
