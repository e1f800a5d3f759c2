/* The percentile bootstrap of anything that is measured on scores. stats/intervals.h says for which
 * metrics it is used. */
#ifndef CNN_STATS_BOOTSTRAP_H
#define CNN_STATS_BOOTSTRAP_H

#include "stats/metrics.h"

enum { CNN_BOOTSTRAP_RESAMPLES = 1000, CNN_BOOTSTRAP_TAIL = 25 };

/* The seed of all intervals in the programs, so that a set of predictions always has the same
 * interval. */
#define CNN_BOOTSTRAP_SEED ((uint64_t)1)

typedef struct cnn_interval {
    double low, high; /* NaN if the metric is */
} cnn_interval;

/* Measures a resample: sets `values`, of which each is NaN for all resamples or for none. times:
 * [count], how often each image is in it, in the order in which the images were given. Called from
 * several threads. */
typedef void cnn_bootstrap_measure(const cnn_scores *scores, const uint32_t *times, double *values);

/* The 95 % percentile intervals of the bootstrap (Efron and Tibshirani 1993, section 13.3) of the
 * `number` values that `measure` sets. 1000 resamples, each with as many images as the set, are
 * drawn with replacement, whatever their class; a resample without a class that the set has is
 * drawn again. The bounds are the 25th value from below and from above.
 *
 * The resamples depend on seed and count only, so that two models measured on the same images are
 * measured on the same resamples; the number of threads does not matter. */
CNN_MUST_USE cnn_status cnn_bootstrap_values(const cnn_scores *scores, uint64_t seed, int threads,
                                             cnn_bootstrap_measure *measure, size_t number,
                                             cnn_interval *intervals, cnn_error *error);

/* Those of all metrics, by cnn_metric_id. */
CNN_MUST_USE cnn_status cnn_bootstrap(const cnn_scores *scores, uint64_t seed, int threads,
                                      cnn_interval intervals[CNN_METRIC_COUNT], cnn_error *error);

/* One of these resamples, of `count` images with these labels, of which `positives` are of class 1.
 * times: [count], set to the number of times that each image is in it. */
void cnn_bootstrap_draw(const uint8_t *labels, size_t count, size_t positives, uint64_t seed,
                        size_t resample, uint32_t *times);

#endif
