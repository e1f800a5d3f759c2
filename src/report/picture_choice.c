#include "report/picture_choice.h"

#include "report/gallery.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"

#include <math.h>
#include <string.h>

typedef struct chooser {
    const cnn_report_images *images;
    const double *thresholds;
    cnn_keyed *keyed; /* [images->count], of one group at a time */
    bool *shown;      /* [images->count] */
} chooser;

/* A key that ascends with a number from 0 up. */
static uint64_t key_of(double number) {
    uint64_t bits;
    number += 0.0; /* makes -0 a 0 */
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static bool is_in(const cnn_report_images *images, size_t i, cnn_picture_group group) {
    int label = images->labels[i];
    bool correct = images->predicted[i] == label;
    switch (group) {
    case CNN_PICTURES_MISTAKES_0:
    case CNN_PICTURES_MISTAKES_1:
        return !correct && label == (group == CNN_PICTURES_MISTAKES_1);
    case CNN_PICTURES_TYPICAL_0:
    case CNN_PICTURES_TYPICAL_1:
        return correct && label == (group == CNN_PICTURES_TYPICAL_1);
    default:
        return true;
    }
}

/* Small for images that come first. */
static double distance(const chooser *c, size_t i, cnn_picture_group group) {
    double p = c->images->probabilities[i];
    if (group == CNN_PICTURES_UNCERTAIN) {
        return fabs(p - c->thresholds[i]);
    }
    return c->images->labels[i] == 1 ? p : 1.0 - p; /* of the label */
}

/* Sorts the images of the group that are not shown yet. False if memory is refused. */
static bool sort_group(const chooser *c, cnn_picture_group group, size_t *count) {
    *count = 0;
    for (size_t i = 0; i < c->images->count; i++) {
        if (!c->shown[i] && is_in(c->images, i, group)) {
            c->keyed[(*count)++] = (cnn_keyed){.key = key_of(distance(c, i, group)), .value = i};
        }
    }
    return cnn_sort_by_key(c->keyed, *count);
}

static cnn_status choose(const chooser *c, cnn_picture_group group, cnn_picture_choice *choice,
                         cnn_error *error) {
    bool typical = group == CNN_PICTURES_TYPICAL_0 || group == CNN_PICTURES_TYPICAL_1;
    size_t most = typical ? CNN_PICTURES_MAX / 2 : CNN_PICTURES_MAX, found;
    if (!sort_group(c, group, &found)) {
        return cnn_fail_memory(error, "the pictures");
    }
    size_t count = found < most ? found : most;
    size_t first = typical ? (found - count) / 2 : 0; /* around the median */
    choice->found[group] = found;
    choice->count[group] = count;
    for (size_t i = 0; i < count; i++) {
        size_t image = c->keyed[first + i].value;
        choice->image[group][i] = image;
        c->shown[image] = true;
    }
    return CNN_OK;
}

cnn_status cnn_picture_choice_make(const cnn_report_images *images, const double *thresholds,
                                   cnn_picture_choice *choice, cnn_error *error) {
    static const cnn_picture_group order[] = {CNN_PICTURES_MISTAKES_0, CNN_PICTURES_MISTAKES_1,
                                              CNN_PICTURES_TYPICAL_0, CNN_PICTURES_TYPICAL_1,
                                              CNN_PICTURES_UNCERTAIN};
    chooser c = {.images = images,
                 .thresholds = thresholds,
                 .keyed = cnn_alloc(images->count, sizeof *c.keyed),
                 .shown = cnn_alloc(images->count, sizeof *c.shown)};
    *choice = (cnn_picture_choice){0};
    cnn_status status = c.keyed && c.shown ? CNN_OK : cnn_fail_memory(error, "the pictures");
    for (size_t g = 0; g < sizeof order / sizeof *order && status == CNN_OK; g++) {
        status = choose(&c, order[g], choice, error);
    }
    cnn_free(c.keyed);
    cnn_free(c.shown);
    return status;
}

cnn_status cnn_picture_choice_of_report(const cnn_report *report, cnn_picture_choice *choice,
                                        cnn_error *error) {
    const cnn_report_images *images = &report->images[0];
    double *thresholds = cnn_alloc(images->count, sizeof *thresholds);
    if (!thresholds) {
        return cnn_fail_memory(error, "the pictures");
    }
    for (size_t i = 0; i < images->count; i++) {
        thresholds[i] = cnn_threshold_of(report, images, i);
    }
    const cnn_status status = cnn_picture_choice_make(images, thresholds, choice, error);
    cnn_free(thresholds);
    return status;
}
