/* Tests whether one of two models is better, or the difference is chance. Paired tests: both models
 * saw the same images. */
#ifndef CNN_STATS_COMPARE_H
#define CNN_STATS_COMPARE_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From this number of images that only one of the models gets right, the binomial test is replaced
 * by its approximation. */
#define CNN_MCNEMAR_EXACT_BELOW 1000

/* Do both models make equally many errors (McNemar 1947)? */
typedef struct cnn_mcnemar {
    size_t only_first, only_second; /* images that only this model gets right */
    bool exact;                     /* two-sided binomial test of them with probability 1/2; else
                                     * chi-square with 1 degree of freedom and continuity correction,
                                     * (|b - c| - 1)^2 / (b + c) (Edwards 1948) */
    double chi_square;              /* NaN where exact */
    double p; /* probability of such a difference or a greater one by chance */
} cnn_mcnemar;

cnn_mcnemar cnn_mcnemar_test(size_t only_first, size_t only_second);

/* Do both models have the same area under the ROC curve (DeLong, DeLong and Clarke-Pearson 1988)?
 */
typedef struct cnn_delong {
    double area[2];
    double difference;     /* area[0] - area[1] */
    double standard_error; /* of the difference */
    double z, p;           /* difference / standard_error; two-sided, by the normal distribution */
    double low, high;      /* 95 % interval of the difference */
} cnn_delong;

/* component[count]: for an image of class 1, the share of the images of class 0 with lower scores;
 * for one of class 0, the share of those of class 1 with higher scores; ties count half. The mean
 * over either class is the area. Both classes must be there, or values are not finite. */
CNN_MUST_USE cnn_status cnn_area_components(const double *scores, const uint8_t *labels,
                                            size_t count, double *component, cnn_error *error);

/* scores: of each model, [count], finite, higher for class 1; labels: 0 or 1. All NaN if a class is
 * missing; all but areas and difference NaN if a class has one image only. Takes as long as
 * sorting: counts the pairs by midranks, as Sun and Xu 2014. */
CNN_MUST_USE cnn_status cnn_delong_test(const double *const scores[2], const uint8_t *labels,
                                        size_t count, cnn_delong *result, cnn_error *error);

#endif
