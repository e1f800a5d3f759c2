#include "image/quality.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>

enum { LEVELS = 256 };

/* One pixel in this number may be darker than `darkest`, and one lighter than `lightest`. */
enum { RARE = 100 };

/* A part of a grey image. */
typedef struct area {
    const uint8_t *first; /* its top left pixel */
    size_t width, height, stride;
} area;

/* grey: [pixels], from three planes of as many. The weights are ITU-R BT.601's, in 65536ths. */
static void make_grey(const uint8_t *planes, size_t pixels, uint8_t *grey) {
    const uint8_t *red = planes, *green = planes + pixels, *blue = planes + 2 * pixels;
    for (size_t i = 0; i < pixels; i++) {
        grey[i] = (uint8_t)((19595u * red[i] + 38470u * green[i] + 7471u * blue[i] + 32768u) >> 16);
    }
}

static bool row_is_black(const area *a, size_t y) {
    const uint8_t *row = a->first + y * a->stride;
    for (size_t x = 0; x < a->width; x++) {
        if (row[x] != 0) {
            return false;
        }
    }
    return true;
}

static bool column_is_black(const area *a, size_t x) {
    for (size_t y = 0; y < a->height; y++) {
        if (a->first[y * a->stride + x] != 0) {
            return false;
        }
    }
    return true;
}

/* Removes black rows and columns from the edges; of an image that is all black, none. */
static area without_bars(area whole) {
    area a = whole;
    while (a.height > 0 && row_is_black(&a, a.height - 1)) {
        a.height--;
    }
    if (a.height == 0) {
        return whole;
    }
    while (row_is_black(&a, 0)) {
        a.first += a.stride;
        a.height--;
    }
    while (column_is_black(&a, a.width - 1)) {
        a.width--;
    }
    while (column_is_black(&a, 0)) {
        a.first++;
        a.width--;
    }
    return a;
}

static void count_levels(const area *a, size_t histogram[LEVELS]) {
    for (size_t y = 0; y < a->height; y++) {
        const uint8_t *row = a->first + y * a->stride;
        for (size_t x = 0; x < a->width; x++) {
            histogram[row[x]]++;
        }
    }
}

static int occurring(const size_t histogram[LEVELS]) {
    int levels = 0;
    for (int v = 0; v < LEVELS; v++) {
        levels += histogram[v] > 0;
    }
    return levels;
}

/* Mean and variance of `count` integers from their sum and the sum of their squares. */
static double variance(int64_t sum, int64_t squares, size_t count) {
    double mean = (double)sum / (double)count;
    double result = (double)squares / (double)count - mean * mean;
    return result > 0.0 ? result : 0.0;
}

/* The variance of the Laplacian over all pixels that have four neighbours; 0 if there are none. */
static double laplacian_variance(const area *a) {
    int64_t sum = 0, squares = 0;
    if (a->width < 3 || a->height < 3) {
        return 0.0;
    }
    for (size_t y = 1; y + 1 < a->height; y++) {
        const uint8_t *row = a->first + y * a->stride;
        const uint8_t *above = row - a->stride, *below = row + a->stride;
        for (size_t x = 1; x + 1 < a->width; x++) {
            int value = 4 * row[x] - above[x] - below[x] - row[x - 1] - row[x + 1];
            sum += value;
            squares += (int64_t)value * value;
        }
    }
    return variance(sum, squares, (a->width - 2) * (a->height - 2));
}

static cnn_image_quality measure(const area *a) {
    size_t histogram[LEVELS] = {0};
    size_t count = a->width * a->height;
    int64_t sum = 0, squares = 0;
    count_levels(a, histogram);
    for (int v = 0; v < LEVELS; v++) {
        sum += v * (int64_t)histogram[v];
        squares += (int64_t)v * v * (int64_t)histogram[v];
    }
    int darkest = 0, lightest = LEVELS - 1;
    for (size_t darker = histogram[0]; darker <= count / RARE; darker += histogram[darkest]) {
        darkest++;
    }
    for (size_t lighter = histogram[LEVELS - 1]; lighter <= count / RARE;
         lighter += histogram[lightest]) {
        lightest--;
    }
    double contrast = variance(sum, squares, count);
    return (cnn_image_quality){
        .darkest = (uint8_t)darkest,
        .lightest = (uint8_t)lightest,
        .levels = (uint16_t)occurring(histogram),
        .counted = (uint32_t)count,
        .brightness = (float)((double)sum / (double)count),
        .sharpness = contrast > 0.0 ? (float)(laplacian_variance(a) / contrast) : 0.0f};
}

cnn_status cnn_image_quality_measure(const uint8_t *pixels, const cnn_image_settings *settings,
                                     cnn_image_quality *quality, cnn_error *error) {
    size_t width = (size_t)settings->width, height = (size_t)settings->height;
    uint8_t *grey = NULL;
    if (settings->channels == 3) {
        grey = cnn_alloc(width * height, 1);
        if (!grey) {
            return cnn_fail_memory(error, "an image");
        }
        make_grey(pixels, width * height, grey);
    }
    area seen = {.first = grey ? grey : pixels, .width = width, .height = height, .stride = width};
    if (settings->resize == CNN_RESIZE_LETTERBOX) {
        seen = without_bars(seen);
    }
    *quality = measure(&seen);
    cnn_free(grey);
    return CNN_OK;
}
