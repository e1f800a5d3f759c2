/* How good are the predictions for a set of images? */
#ifndef CNN_RUN_METRICS_H
#define CNN_RUN_METRICS_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct cnn_metrics {
    size_t count;
    double loss;     /* mean binary cross-entropy, natural logarithm */
    double accuracy; /* share of images on the right side of the threshold */
    double auc;      /* area under the ROC curve; NaN where a class is missing */
} cnn_metrics;

/* The area under the ROC curve: the Mann-Whitney statistic of the scores, ties counting half
 * (Hanley and McNeil 1982): the probability that one of class 1 has the higher score of two.
 * labels: 0 or
 * 1. NaN where a class is missing. */
CNN_MUST_USE cnn_status cnn_area_under_curve(const double *scores, const uint8_t *labels,
                                             size_t count, double *area, cnn_error *error);

/* From logits and labels (0 or 1), [count] each. All values are NaN where count is 0. The area is
 * cnn_area_under_curve of the probabilities. */
CNN_MUST_USE cnn_status cnn_metrics_compute(const float *logits, const uint8_t *labels,
                                            size_t count, double threshold, cnn_metrics *metrics,
                                            cnn_error *error);

#endif
