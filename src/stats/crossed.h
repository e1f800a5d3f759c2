/* Is a mean different from 0, if it was measured with several seeds of the training on images that
 * the seeds share? Both are samples: other seeds, and other images, would give another mean. */
#ifndef CNN_STATS_CROSSED_H
#define CNN_STATS_CROSSED_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

/* What was measured: a value with each seed, and what each image adds to it. */
typedef struct cnn_crossed {
    const double *value; /* [seeds] */
    int seeds;           /* at least 1 */
    /* For every seed and each of its images: the image, and how much its chance moves the value of
     * the seed. The sum of the squares of the parts of one seed is the variance of its value as far
     * as images are drawn by chance. For the mean of v over n images, a part is
     * (v - mean) / sqrt(n (n - 1)). */
    const uint64_t *image; /* [count] */
    const double *part;    /* [count] */
    size_t count;
} cnn_crossed;

typedef struct cnn_crossed_test {
    double mean;           /* of the values */
    double standard_error; /* of the mean, by seeds and images */
    double p;              /* two-sided, that the mean is 0; 1 if all parts are 0 */
} cnn_crossed_test;

/* The model of multi-reader multi-case studies (Obuchowski and Rockette 1995; Hillis 2007), with
 * seeds as readers and images as cases. The variance of the mean is A + C:
 *
 *   A  the variance of the values of the seeds, divided by their number S
 *   C  the covariance of two seeds, by the images that they share, times (S - 1) / S; not below 0
 *
 * A has S - 1 degrees of freedom, C one less than there are images. p is that of Behrens and Fisher
 * for the sum of both, but at least that of a t test with the seeds as given (only images are drawn
 * by chance). With one seed, that is all: the paired t test.
 *
 * One t distribution with the degrees of freedom of Hillis (2007), after Satterthwaite, finds
 * differences that are none too often: with few seeds, A is much too small by chance too often, and
 * the formula then gives many degrees of freedom. Simulated by tests/compare/
 * crossed_simulation.py, p < 0.05 in % (mean; largest) of the cases, over 108 settings: 50, 200 and
 * 800 images, which all seeds share or none do; variances of seeds from 0 to 100 times that of the
 * images:
 *
 *   seeds                               2           3           5           8
 *   no difference: this test       2.6;  6.2   3.4;  5.9   4.1; 6.0    4.4; 6.1
 *   no difference: one t           7.7; 14.3   6.2; 11.6   5.6; 8.9    5.3; 7.3
 *   4 standard deviations: this   27          62          87          94
 *   4 standard deviations: one t  36          64          88          94 */
CNN_MUST_USE cnn_status cnn_crossed_measure(const cnn_crossed *crossed, cnn_crossed_test *test,
                                            cnn_error *error);

#endif
