/* How good are the predictions for a set of images? */
#ifndef CNN_STATS_METRICS_H
#define CNN_STATS_METRICS_H

#include "config/metric_names.h"

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

/* The metrics of CNN_METRIC_LIST, which defines them, and the counts they come from. */
typedef struct cnn_metrics {
    size_t count;
    size_t true_positives, false_positives, true_negatives, false_negatives;
#define CNN_METRIC_FIELD(field, text, more_is_better, needs_threshold) double field;
    CNN_METRIC_LIST(CNN_METRIC_FIELD)
#undef CNN_METRIC_FIELD
} cnn_metrics;

/* One line of the table of all metrics. */
typedef struct cnn_metric {
    const char *name; /* name in files: "balanced_accuracy" */
    const char *text; /* name in tables: "balanced accuracy" */
    bool more_is_better;
    bool needs_threshold; /* false: the probabilities alone decide it */
    size_t offset;        /* of the field in cnn_metrics */
} cnn_metric;

extern const cnn_metric cnn_metric_table[CNN_METRIC_COUNT]; /* by cnn_metric_id */

double cnn_metric_value(const cnn_metrics *metrics, cnn_metric_id id);

/* All values NaN, counts 0: nothing was measured. */
cnn_metrics cnn_metrics_none(void);

/* Bins of the calibration error; config/metric_names.h defines them. */
enum { CNN_CALIBRATION_BINS = 15 };

/* --- scores: predictions and labels, prepared so that they can be measured any number of times ---
 */

typedef struct cnn_ranked_image {
    double probability;
    size_t image;
    uint8_t label;
    uint8_t bin;      /* of the calibration error */
    bool last_of_tie; /* the next image has a different probability, or there is none */
} cnn_ranked_image;

typedef struct cnn_scores {
    size_t count, positives;
    double threshold;
    double *loss;             /* [count], in the order of the images that were given */
    double *square;           /* [count], (probability - label)^2 */
    cnn_ranked_image *ranked; /* [count], from the highest probability down */
} cnn_scores;

/* From logits, [count]: probabilities are sigma(logit / temperature), rounded to float like those
 * of cnnpredict and predictions.csv, and the threshold is rounded likewise; losses are computed
 * from the logits, so they are exact even if the probability rounds to 0 or 1. temperature above 0;
 * 1 has no effect. labels: 0 or 1. Free with cnn_scores_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_scores_from_logits(const float *logits, const uint8_t *labels,
                                               size_t count, double temperature, double threshold,
                                               cnn_scores *scores, cnn_error *error);

/* From probabilities of class 1, [count], kept in double. For the loss, probabilities are limited
 * to 2^-52 … 1 - 2^-52, so that a mistake made with certainty costs 36 and not infinity.
 * CNN_ERROR_DATA if a probability is not from 0 to 1. */
CNN_MUST_USE cnn_status cnn_scores_from_probabilities(const double *probabilities,
                                                      const uint8_t *labels, size_t count,
                                                      double threshold, cnn_scores *scores,
                                                      cnn_error *error);

/* The images, and four more that are predicted with certainty: for each class, one with probability
 * 1 and one with probability 0. Agresti and Caffo 2000 add one success and one failure per group
 * likewise, so that a group without failures does not look as if it could have none. Classes that
 * the set lacks get none. The logit of the added images is that of the most certain of `count`
 * images, and at least log(count + 1): the chance of an error is 1 / (count + 2) after `count`
 * images without one (Laplace's rule of succession). At least one image. Free *more with
 * cnn_scores_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_scores_add_certain(const cnn_scores *scores, cnn_scores *more,
                                               cnn_error *error);
void cnn_scores_free(cnn_scores *scores);

/* Computes the metrics. times: [count], how often each image counts, in the order in which the
 * images were given; NULL: once. The same bytes for the same scores on every machine. */
void cnn_metrics_measure(const cnn_scores *scores, const uint32_t *times, cnn_metrics *metrics);

/* --- shortcuts --- */

/* The metrics of cnn_scores_from_logits with temperature 1. All values are NaN if count is 0. */
CNN_MUST_USE cnn_status cnn_metrics_compute(const float *logits, const uint8_t *labels,
                                            size_t count, double threshold, cnn_metrics *metrics,
                                            cnn_error *error);

/* The area under the ROC curve of any finite scores: the Mann-Whitney statistic, ties counting
 * half, which is the probability that an image of class 1 has a higher score than one of class 0.
 * labels: 0 or 1. NaN if a class is missing. */
CNN_MUST_USE cnn_status cnn_area_under_curve(const double *scores, const uint8_t *labels,
                                             size_t count, double *area, cnn_error *error);

#endif
