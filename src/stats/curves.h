/* The data of the charts of a set of predictions: curves, reliability, histogram, and a table of
 * thresholds. All are of bounded size, whatever the number of images. */
#ifndef CNN_STATS_CURVES_H
#define CNN_STATS_CURVES_H

#include "stats/bootstrap.h"

/* --- ROC and precision-recall --- */

enum {
    CNN_CURVE_COLUMNS = 100,
    CNN_CURVE_POINTS_MAX = 4 * CNN_CURVE_COLUMNS,
    CNN_CURVE_BAND = CNN_CURVE_COLUMNS + 1,
};

/* A curve from 0 to 1. One point per distinct probability p, from the highest down: the images with
 * a probability of at least p. Where there are more than a picture can show, each of the
 * CNN_CURVE_COLUMNS columns [c / columns, (c + 1) / columns) of x keeps its first, lowest, highest
 * and last point, which gives the same picture (M4; Jugel et al., VLDB 2014). */
typedef struct cnn_curve {
    size_t count; /* of points; 0: a class is missing */
    double x[CNN_CURVE_POINTS_MAX], y[CNN_CURVE_POINTS_MAX];
    /* at x = i / CNN_CURVE_COLUMNS: the value of y, and its 95 % interval */
    double at[CNN_CURVE_BAND];
    cnn_interval band[CNN_CURVE_BAND];
} cnn_curve;

typedef struct cnn_curves {
    /* x: false positive rate, FP / (FP + TN); y: recall. Starts with (0, 0), ends with (1, 1), and
     * is straight between its points, so that the area below it is the metric auc. */
    cnn_curve roc;
    /* x: recall; y: precision. Between points, a threshold that reaches a recall reaches that of
     * the next point, so the curve is a step with the height of the next point (no interpolation:
     * Davis and Goadrich 2006); the area below it is the metric average_precision. */
    cnn_curve precision_recall;
} cnn_curves;

/* Intervals are pointwise (vertical averaging, Fawcett 2006): cnn_bootstrap_values of the images
 * and the four of cnn_scores_add_certain, so that a perfect curve of few images has a band;
 * extended to the curve. The number of threads does not matter. */
CNN_MUST_USE cnn_status cnn_curves_measure(const cnn_scores *scores, int threads,
                                           cnn_curves *curves, cnn_error *error);

/* --- reliability --- */

/* A bin of the calibration error: probabilities above the bound before, up to `bound`. The sum over
 * bins of count / images * |share - mean_probability| is the metric ece. */
typedef struct cnn_reliability_bin {
    double bound;            /* (b + 1) / CNN_CALIBRATION_BINS */
    size_t count, positives; /* images; of these, those of class 1 */
    double mean_probability; /* NaN, as the next, without images */
    double share;            /* of class 1 */
    cnn_interval interval;   /* of the share (cnn_interval_of_share) */
} cnn_reliability_bin;

void cnn_reliability_measure(const cnn_scores *scores,
                             cnn_reliability_bin bins[CNN_CALIBRATION_BINS]);

/* --- histogram --- */

enum { CNN_HISTOGRAM_BINS = 20 };

/* Images of each label with a probability in [b / 20, (b + 1) / 20); 1 is in the last bin. */
typedef struct cnn_probability_histogram {
    size_t count[2][CNN_HISTOGRAM_BINS];
} cnn_probability_histogram;

void cnn_probability_histogram_measure(const cnn_scores *scores,
                                       cnn_probability_histogram *histogram);

/* --- thresholds --- */

enum { CNN_THRESHOLD_ROWS_MAX = 14 };

typedef struct cnn_threshold_row {
    double threshold;
    bool own;            /* that of the scores */
    cnn_metrics metrics; /* with this threshold */
} cnn_threshold_row;

/* The metrics at 0.01, 0.05, 0.1, 0.2 … 0.9, 0.95, 0.99 and the threshold of the scores (unless it
 * is NaN), ascending. Thresholds are rounded to float, like probabilities. Returns the number of
 * rows. */
size_t cnn_threshold_table(const cnn_scores *scores,
                           cnn_threshold_row rows[CNN_THRESHOLD_ROWS_MAX]);

#endif
