/* Is the chosen combination of a sweep really better than another one, or was it lucky? Both were
 * measured on the same validation images, so differences are taken image by image. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/memory.h"
#include "stats/crossed.h"

#include <math.h>
#include <string.h>

/* --- metrics that are means of values of images --- */

/* The metric is the sum of `weight` times the mean over a group of images, divided by the sum of
 * the weights. The groups are the classes, or all images are group 0. The area under the ROC curve
 * is the mean of the components of either class, whose chances add up (DeLong, DeLong and
 * Clarke-Pearson 1988): weights of 1. All weights 0: it is no such metric. */
typedef struct grouping {
    bool by_class;
    double weight[2];
} grouping;

static const grouping groupings[CNN_METRIC_COUNT] = {
    [CNN_METRIC_loss] = {false, {1.0, 0.0}},
    [CNN_METRIC_accuracy] = {false, {1.0, 0.0}},
    [CNN_METRIC_brier] = {false, {1.0, 0.0}},
    [CNN_METRIC_auc] = {true, {1.0, 1.0}},
    [CNN_METRIC_balanced_accuracy] = {true, {0.5, 0.5}},
    [CNN_METRIC_recall] = {true, {0.0, 1.0}},
    [CNN_METRIC_specificity] = {true, {1.0, 0.0}},
};

cnn_metric_id cnn_sweep_compared(cnn_metric_id metric) {
    return groupings[metric].weight[0] + groupings[metric].weight[1] > 0.0 ? metric
                                                                           : CNN_METRIC_loss;
}

/* --- differences --- */

/* The differences of two combinations: see cnn_crossed. */
typedef struct differences {
    double *value; /* [seeds] */
    int seeds;
    uint64_t *image; /* [count] */
    double *part;    /* [count] */
    size_t count, capacity[2];
} differences;

static void free_differences(differences *d) {
    cnn_free(d->value);
    cnn_free(d->image);
    cnn_free(d->part);
}

static bool same_images(const cnn_sweep_predictions *a, const cnn_sweep_predictions *b) {
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->image, b->image, a->count * sizeof *a->image) == 0);
}

/* How much better `best` is on image i. */
static double better_by(const cnn_sweep_predictions *best, const cnn_sweep_predictions *other,
                        cnn_metric_id metric, size_t i) {
    double difference = best->value[i] - other->value[i];
    return cnn_metric_table[metric].more_is_better ? difference : -difference;
}

/* Adds one seed, on the same images, unless a group has fewer than two images. */
static bool add_difference(const cnn_sweep_predictions *best, const cnn_sweep_predictions *other,
                           cnn_metric_id metric, differences *d) {
    const grouping *groups = &groupings[metric];
    double mean[2] = {0}, count[2] = {0}, value = 0.0;
    for (size_t i = 0; i < best->count; i++) {
        int group = groups->by_class ? best->label[i] : 0;
        mean[group] += better_by(best, other, metric, i);
        count[group] += 1.0;
    }
    for (int group = 0; group < 2; group++) {
        if (groups->weight[group] > 0.0 && count[group] < 2.0) {
            return true;
        }
        mean[group] /= fmax(count[group], 1.0);
        value += groups->weight[group] * mean[group];
    }
    size_t needed = d->count + best->count;
    if (!cnn_grow((void **)&d->image, &d->capacity[0], needed, sizeof *d->image) ||
        !cnn_grow((void **)&d->part, &d->capacity[1], needed, sizeof *d->part)) {
        return false;
    }
    for (size_t i = 0; i < best->count; i++) {
        int group = groups->by_class ? best->label[i] : 0;
        double off = better_by(best, other, metric, i) - mean[group];
        if (groups->weight[group] > 0.0) {
            d->image[d->count] = best->image[i];
            d->part[d->count++] =
                groups->weight[group] * off / sqrt(count[group] * (count[group] - 1.0));
        }
    }
    d->value[d->seeds++] = value / (groups->weight[0] + groups->weight[1]);
    return true;
}

/* --- one combination --- */

/* What all comparisons share. */
typedef struct comparing {
    const cnn_sweep_set *set;
    const cnn_sweep_row *rows;
    int point; /* the chosen one */
    const char *class_1;
    cnn_metric_id metric;        /* that is compared */
    cnn_sweep_predictions *best; /* [seeds] of the chosen combination; count 0: none */
} comparing;

static int member_of(const comparing *c, int point, int seed) {
    return (point - 1) * c->set->sweep->seeds + seed + 1;
}

static bool is_finished(const comparing *c, int point, int seed) {
    return c->rows[member_of(c, point, seed) - 1].state == CNN_SWEEP_FINISHED;
}

/* With other classes, labels and probabilities mean something else. */
static bool same_classes(const comparing *c, int point, int seed) {
    char *const *a = c->set->configs[member_of(c, c->point, seed) - 1]->data.classes;
    char *const *b = c->set->configs[member_of(c, point, seed) - 1]->data.classes;
    return a[1] && b[1] ? strcmp(a[0], b[0]) == 0 && strcmp(a[1], b[1]) == 0 : a[1] == b[1];
}

static cnn_status add_seed(const comparing *c, int point, int seed, differences *d,
                           cnn_sweep_comparison *result, cnn_error *error) {
    cnn_sweep_predictions other;
    cnn_status status = cnn_sweep_read_predictions(c->set, member_of(c, point, seed), c->class_1,
                                                   c->metric, &other, error);
    if (status == CNN_OK &&
        !(same_classes(c, point, seed) && same_images(&c->best[seed], &other))) {
        result->other_images = true;
    } else if (status == CNN_OK && !add_difference(&c->best[seed], &other, c->metric, d)) {
        status = cnn_fail_memory(error, "the comparison");
    }
    cnn_sweep_free_predictions(&other);
    return status;
}

static cnn_status measure(const comparing *c, const differences *d, cnn_sweep_comparison *result,
                          cnn_error *error) {
    const cnn_crossed crossed = {.value = d->value,
                                 .seeds = d->seeds,
                                 .image = d->image,
                                 .part = d->part,
                                 .count = d->count};
    cnn_crossed_test test;
    CNN_TRY(cnn_crossed_measure(&crossed, &test, error));
    result->cells = d->count;
    result->seeds = d->seeds;
    result->difference = test.mean;
    result->standard_error = test.standard_error;
    result->p = test.p;
    /* The best of m was chosen because it looked best: comparisons with the best (Hsu 1984), whose
     * critical value is bounded by m - 1 times p. Those that were ended or failed count: they could
     * have been chosen. */
    result->adjusted_p = fmin(1.0, (c->set->sweep->points - 1) * test.p);
    return CNN_OK;
}

static cnn_status compare_point(const comparing *c, int point, cnn_sweep_comparison *result,
                                cnn_error *error) {
    int seeds = c->set->sweep->seeds;
    differences d = {.value = cnn_alloc((size_t)seeds, sizeof *d.value)};
    cnn_status status = d.value ? CNN_OK : cnn_fail_memory(error, "the comparison");
    for (int seed = 0; seed < seeds && status == CNN_OK; seed++) {
        if (c->best[seed].count > 0 && is_finished(c, point, seed)) {
            status = add_seed(c, point, seed, &d, result, error);
        }
    }
    if (status == CNN_OK && d.seeds > 0) {
        status = measure(c, &d, result, error);
    }
    free_differences(&d);
    return status;
}

/* --- all --- */

static cnn_status compare_all(const comparing *c, cnn_sweep_comparison *results, cnn_error *error) {
    for (int seed = 0; seed < c->set->sweep->seeds; seed++) {
        if (is_finished(c, c->point, seed)) {
            CNN_TRY(cnn_sweep_read_predictions(c->set, member_of(c, c->point, seed), c->class_1,
                                               c->metric, &c->best[seed], error));
        }
    }
    for (int point = 1; point <= c->set->sweep->points; point++) {
        if (point != c->point) {
            CNN_TRY(compare_point(c, point, &results[point - 1], error));
        }
    }
    return CNN_OK;
}

cnn_status cnn_sweep_compare(const cnn_sweep_set *set, const cnn_sweep_row *rows,
                             const cnn_sweep_choice *choice, const char *class_1,
                             cnn_sweep_comparison *results, cnn_error *error) {
    size_t seeds = (size_t)set->sweep->seeds;
    for (int i = 0; i < set->sweep->points; i++) {
        const double none = (double)NAN;
        results[i] = (cnn_sweep_comparison){
            .difference = none, .standard_error = none, .p = none, .adjusted_p = none};
    }
    if (choice->member == 0) {
        return CNN_OK;
    }
    const comparing c = {.set = set,
                         .rows = rows,
                         .point = choice->point,
                         .class_1 = class_1,
                         .metric = cnn_sweep_compared(set->base->train.early_stopping.metric),
                         .best = cnn_alloc(seeds, sizeof *c.best)};
    cnn_status status =
        c.best ? compare_all(&c, results, error) : cnn_fail_memory(error, "the comparison");
    for (size_t seed = 0; c.best && seed < seeds; seed++) {
        cnn_sweep_free_predictions(&c.best[seed]);
    }
    cnn_free(c.best);
    return status;
}
