/* How far could the metrics of a set of images be off, for the set's size alone? */
#ifndef CNN_STATS_BOOTSTRAP_H
#define CNN_STATS_BOOTSTRAP_H

#include "stats/metrics.h"

enum { CNN_BOOTSTRAP_RESAMPLES = 1000, CNN_BOOTSTRAP_TAIL = 25 };

/* The seed of all intervals that the programs tell, so that one set of predictions has one interval
 * wherever it is measured. */
#define CNN_BOOTSTRAP_SEED ((uint64_t)1)

typedef struct cnn_interval {
    double low, high; /* NaN where the metric itself is */
} cnn_interval;

/* The 95 % percentile intervals of the bootstrap (Efron and Tibshirani 1993, section 13.3), by
 * cnn_metric_id. 1000 times as many images as there are are drawn, with replacement, whatever their
 * class; a draw that misses a class that the set has is drawn anew. The bounds are the 25th value
 * from below and from above. They tell how much the choice of images matters, not how much
 * another seed of the training would.
 *
 * What is drawn depends on seed and count alone, so that two models measured on the same images
 * are measured on the same draws, and never on the number of threads. */
CNN_MUST_USE cnn_status cnn_bootstrap(const cnn_scores *scores, uint64_t seed, int threads,
                                      cnn_interval intervals[CNN_METRIC_COUNT], cnn_error *error);

/* One of these draws, made of the labels of `count` images of which `positives` are of class 1: how
 * often is each image in it? times: [count], filled. */
void cnn_bootstrap_draw(const uint8_t *labels, size_t count, size_t positives, uint64_t seed,
                        size_t resample, uint32_t *times);

#endif
