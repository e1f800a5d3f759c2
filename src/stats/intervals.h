/* 95 % intervals of the metrics of a set of images. They state what another choice of as many
 * images may change, not what another seed of the training would change. */
#ifndef CNN_STATS_INTERVALS_H
#define CNN_STATS_INTERVALS_H

#include "stats/bootstrap.h"

/* The intervals of all metrics, by cnn_metric_id:
 *
 *   accuracy, precision, recall, specificity  cnn_interval_of_share
 *   F1                  that of F1 / (2 - F1), which is the share TP / (TP + FP + FN), converted
 *                       (the indirect method of Lam, Gopal and Qian 2023)
 *   balanced accuracy   from the intervals of recall and specificity, by the square root of the sum
 *                       of their squared distances (Newcombe 1998; Zou and Donner 2008)
 *   AUC                 cnn_interval_of_area
 *   MCC, average precision, log loss, Brier score, calibration error
 *                       cnn_bootstrap; if no image is predicted wrongly, or the bootstrap has no
 *                       width, extended to that of cnn_scores_add_certain
 *
 * Each contains the metric. NaN if the metric is, and, if a class is missing, for MCC and average
 * precision, which do not depend on the predictions then. metrics: those of the scores. The number
 * of threads does not matter. */
CNN_MUST_USE cnn_status cnn_intervals_measure(const cnn_scores *scores, const cnn_metrics *metrics,
                                              int threads, cnn_interval intervals[CNN_METRIC_COUNT],
                                              cnn_error *error);

/* Of a share of images (Wilson 1927): 10 of 10 give [0.72, 1]. Nothing is known if there are no
 * images: [0, 1]. */
cnn_interval cnn_interval_of_share(double part, double of);

/* Of an area under the ROC curve, from 0 to 1, of at least one image of each class: method 5 of
 * Newcombe 2006 (part 2): the areas from which the measured one differs by at most 1.96 standard
 * errors, where the standard error is that of Hanley and McNeil 1982 with the mean of both numbers
 * of images in place of each in its numerator. */
cnn_interval cnn_interval_of_area(double area, size_t positives, size_t negatives);

#endif
