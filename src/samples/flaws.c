#include "samples/flaws.h"

#include "base/elementary.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

const cnn_flaw_row cnn_flaw_table[CNN_FLAWS] = {
    {"nearly_black", "are nearly black"},
    {"nearly_white", "are nearly white"},
    {"few_levels", "have few grey levels"},
    {"dark", "are far darker than the rest"},
    {"bright", "are far brighter than the rest"},
    {"blurred", "are blurred, compared with the rest"},
};

/* Grey values, of 255. Of 70,000 images of clothes, 396 photographs and 253 MRI slices, none is
 * beyond these limits; the fewest levels are 18. */
enum { BLACK = 31, WHITE = 224, FEW_LEVELS = 16, COUNTED_LEAST = 256 };

/* The least number of images that can be compared. */
enum { COMPARED_LEAST = 20 };

#define Z_LIMIT 3.5
#define Z_FACTOR 0.6745 /* the upper quartile of the normal distribution */

/* The least differences that count: of grey values, and of logarithms of sharpness (a factor 4). */
#define BRIGHTNESS_LEAST 32.0
#define SHARPNESS_LEAST 1.3862943611198906

static unsigned flaws_alone(const cnn_image_quality *q) {
    return (q->lightest <= BLACK ? CNN_FLAW_BLACK : 0u) |
           (q->darkest >= WHITE ? CNN_FLAW_WHITE : 0u) |
           (q->levels < FEW_LEVELS && q->counted >= COUNTED_LEAST ? CNN_FLAW_FEW_LEVELS : 0u);
}

/* Room for the values of a comparison. */
typedef struct work {
    double *value;     /* [count], NaN: not compared */
    double *sorted;    /* [count] */
    double *deviation; /* [count] */
    bool *stands_out;  /* [count] */
} work;

/* The median of values[count], which it sorts; of an even number, the mean of two. count > 0. */
static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, cnn_compare_doubles);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

/* The median deviation from `middle` of the sorted values on one side of it (side -1 or 1), or on
 * both (0). */
static double spread(const work *w, size_t count, double middle, int side) {
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        double d = w->sorted[i] - middle;
        if (side == 0 || d * side >= 0.0) {
            w->deviation[used++] = fabs(d);
        }
    }
    return median(w->deviation, used);
}

/* Keeps stands_out for those images of the label (-1: all images) whose value is far above the
 * median (side 1) or below it (-1), by at least `least`. */
static void compare(work *w, const uint8_t *labels, size_t count, int label, int side,
                    double least) {
    size_t compared = 0;
    for (size_t i = 0; i < count; i++) {
        if ((label < 0 || labels[i] == label) && !isnan(w->value[i])) {
            w->sorted[compared++] = w->value[i];
        }
    }
    if (compared < COMPARED_LEAST) {
        for (size_t i = 0; i < count && label < 0; i++) {
            w->stands_out[i] = false;
        }
        return; /* a small class is compared with all images only */
    }
    double middle = median(w->sorted, compared);
    double both = spread(w, compared, middle, 0), one = spread(w, compared, middle, side);
    double limit = Z_LIMIT / Z_FACTOR * (both > one ? both : one);
    for (size_t i = 0; i < count; i++) {
        double d = side * (w->value[i] - middle); /* no comparison with NaN is true */
        if ((label < 0 || labels[i] == label) && !(d > limit && d >= least)) {
            w->stands_out[i] = false;
        }
    }
}

static void mark(work *w, const uint8_t *labels, size_t count, int side, double least,
                 cnn_flaw flaw, uint8_t *flaws) {
    for (size_t i = 0; i < count; i++) {
        w->stands_out[i] = true;
    }
    for (int label = -1; label < 2; label++) {
        compare(w, labels, count, label, side, least);
    }
    for (size_t i = 0; i < count; i++) {
        flaws[i] = (uint8_t)(flaws[i] | (w->stands_out[i] ? (unsigned)flaw : 0u));
    }
}

static cnn_status find(const cnn_image_quality *quality, const uint8_t *labels, size_t count,
                       work *w, uint8_t *flaws, cnn_error *error) {
    if (!w->value || !w->sorted || !w->deviation || !w->stands_out) {
        return cnn_fail_memory(error, "comparing images");
    }
    for (size_t i = 0; i < count; i++) {
        w->value[i] = flaws[i] ? (double)NAN : (double)quality[i].brightness;
    }
    mark(w, labels, count, -1, BRIGHTNESS_LEAST, CNN_FLAW_DARK, flaws);
    mark(w, labels, count, 1, BRIGHTNESS_LEAST, CNN_FLAW_BRIGHT, flaws);
    for (size_t i = 0; i < count; i++) {
        bool alone = isnan(w->value[i]) || !(quality[i].sharpness > 0.0f);
        w->value[i] = alone ? (double)NAN : cnn_log((double)quality[i].sharpness);
    }
    mark(w, labels, count, -1, SHARPNESS_LEAST, CNN_FLAW_BLURRED, flaws);
    return CNN_OK;
}

cnn_status cnn_flaws_find(const cnn_image_quality *quality, const uint8_t *labels, size_t count,
                          uint8_t *flaws, cnn_error *error) {
    work w = {.value = cnn_alloc(count, sizeof *w.value),
              .sorted = cnn_alloc(count, sizeof *w.sorted),
              .deviation = cnn_alloc(count, sizeof *w.deviation),
              .stands_out = cnn_alloc(count, sizeof *w.stands_out)};
    for (size_t i = 0; i < count; i++) {
        flaws[i] = (uint8_t)flaws_alone(&quality[i]);
    }
    cnn_status status = find(quality, labels, count, &w, flaws, error);
    cnn_free(w.value);
    cnn_free(w.sorted);
    cnn_free(w.deviation);
    cnn_free(w.stands_out);
    return status;
}
