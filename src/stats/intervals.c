#include "stats/intervals.h"

#include "base/error.h"

#include <math.h>

#define NORMAL_975 1.95996398454005423552 /* 97.5 % of a normal distribution are below it */

static const cnn_interval none = {.low = (double)NAN, .high = (double)NAN};

/* --- by formula --- */

cnn_interval cnn_interval_of_share(double part, double of) {
    const double square = NORMAL_975 * NORMAL_975;
    if (!(of > 0.0)) {
        return (cnn_interval){.low = 0.0, .high = 1.0};
    }
    double middle = part + 0.5 * square;
    double half = NORMAL_975 * sqrt(part * (of - part) / of + 0.25 * square);
    /* the ends are exact without rounding */
    return (cnn_interval){.low = part > 0.0 ? (middle - half) / (of + square) : 0.0,
                          .high = part < of ? (middle + half) / (of + square) : 1.0};
}

/* The standard error of a measured area if the true one is `area`. */
static double area_error(double area, double positives, double negatives) {
    double others = 0.5 * (positives + negatives) - 1.0;
    double of_pairs = 1.0 + others * ((1.0 - area) / (2.0 - area) + area / (1.0 + area));
    return sqrt(area * (1.0 - area) * of_pairs / (positives * negatives));
}

/* The least true area from which the measured one is not too far. */
static double least_area(double area, double positives, double negatives) {
    enum { HALVINGS = 60 }; /* down to the digits of a double */
    double too_low = 0.0, high = area;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = 0.5 * (too_low + high);
        bool too_far = area - middle > NORMAL_975 * area_error(middle, positives, negatives);
        too_low = too_far ? middle : too_low;
        high = too_far ? high : middle;
    }
    return high;
}

cnn_interval cnn_interval_of_area(double area, size_t positives, size_t negatives) {
    double p = (double)positives, n = (double)negatives;
    return (cnn_interval){.low = least_area(area, p, n),
                          .high = 1.0 - least_area(1.0 - area, p, n)};
}

/* Of the mean of two independent shares. */
static cnn_interval of_mean(double first, const cnn_interval *of_first, double second,
                            const cnn_interval *of_second) {
    double mean = 0.5 * (first + second);
    double below[2] = {first - of_first->low, second - of_second->low};
    double above[2] = {of_first->high - first, of_second->high - second};
    return (cnn_interval){.low = mean - 0.5 * sqrt(below[0] * below[0] + below[1] * below[1]),
                          .high = mean + 0.5 * sqrt(above[0] * above[0] + above[1] * above[1])};
}

static cnn_interval of_f1(double tp, double wrong) {
    cnn_interval share = cnn_interval_of_share(tp, tp + wrong);
    return (cnn_interval){.low = 2.0 * share.low / (1.0 + share.low),
                          .high = 2.0 * share.high / (1.0 + share.high)};
}

static void measure_by_formula(const cnn_metrics *m, cnn_interval intervals[CNN_METRIC_COUNT]) {
    double tp = (double)m->true_positives, fp = (double)m->false_positives;
    double tn = (double)m->true_negatives, fn = (double)m->false_negatives;
    cnn_interval recall = cnn_interval_of_share(tp, tp + fn);
    cnn_interval specificity = cnn_interval_of_share(tn, tn + fp);
    intervals[CNN_METRIC_accuracy] = cnn_interval_of_share(tp + tn, (double)m->count);
    intervals[CNN_METRIC_precision] = cnn_interval_of_share(tp, tp + fp);
    intervals[CNN_METRIC_recall] = recall;
    intervals[CNN_METRIC_specificity] = specificity;
    intervals[CNN_METRIC_f1] = of_f1(tp, fp + fn);
    intervals[CNN_METRIC_balanced_accuracy] =
        of_mean(m->recall, &recall, m->specificity, &specificity);
    intervals[CNN_METRIC_auc] =
        isnan(m->auc) ? none
                      : cnn_interval_of_area(m->auc, m->true_positives + m->false_negatives,
                                             m->true_negatives + m->false_positives);
}

/* --- by resampling --- */

static const cnn_metric_id resampled[] = {CNN_METRIC_loss, CNN_METRIC_mcc,
                                          CNN_METRIC_average_precision, CNN_METRIC_brier,
                                          CNN_METRIC_ece};
enum { RESAMPLED = sizeof resampled / sizeof *resampled };

/* Does the bootstrap of the images know too little: that of a set without an error has none? */
static bool is_blind(const cnn_metrics *metrics, const cnn_interval *interval) {
    return metrics->false_positives + metrics->false_negatives == 0 ||
           interval->low >= interval->high;
}

static bool any_is_blind(const cnn_metrics *metrics, const cnn_interval *intervals) {
    bool any = false;
    for (int i = 0; i < RESAMPLED; i++) {
        any = any || is_blind(metrics, &intervals[resampled[i]]);
    }
    return any;
}

static void widen(cnn_interval *interval, const cnn_interval *other) {
    interval->low = fmin(interval->low, other->low);
    interval->high = fmax(interval->high, other->high);
}

/* intervals: of the images alone. */
static cnn_status extend(const cnn_scores *scores, const cnn_metrics *metrics, int threads,
                         cnn_interval intervals[CNN_METRIC_COUNT], cnn_error *error) {
    cnn_scores more;
    cnn_interval extended[CNN_METRIC_COUNT];
    cnn_status status = cnn_scores_add_certain(scores, &more, error);
    if (status == CNN_OK) {
        status = cnn_bootstrap(&more, CNN_BOOTSTRAP_SEED, threads, extended, error);
    }
    for (int i = 0; i < RESAMPLED && status == CNN_OK; i++) {
        if (is_blind(metrics, &intervals[resampled[i]])) {
            widen(&intervals[resampled[i]], &extended[resampled[i]]);
        }
    }
    cnn_scores_free(&more);
    return status;
}

/* --- */

/* Intervals of metrics that do not exist, or that do not depend on the predictions, are NaN; all
 * others contain the metric. */
static void settle(const cnn_scores *scores, const cnn_metrics *metrics,
                   cnn_interval intervals[CNN_METRIC_COUNT]) {
    bool one_class = scores->positives == 0 || scores->positives == scores->count;
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        double value = cnn_metric_value(metrics, (cnn_metric_id)id);
        bool constant = one_class && (id == CNN_METRIC_mcc || id == CNN_METRIC_average_precision);
        if (isnan(value) || constant) {
            intervals[id] = none;
        } else if (!isnan(intervals[id].low)) {
            widen(&intervals[id], &(cnn_interval){.low = value, .high = value});
        }
    }
}

cnn_status cnn_intervals_measure(const cnn_scores *scores, const cnn_metrics *metrics, int threads,
                                 cnn_interval intervals[CNN_METRIC_COUNT], cnn_error *error) {
    CNN_TRY(cnn_bootstrap(scores, CNN_BOOTSTRAP_SEED, threads, intervals, error));
    if (scores->count > 0) {
        if (any_is_blind(metrics, intervals)) {
            CNN_TRY(extend(scores, metrics, threads, intervals, error));
        }
        measure_by_formula(metrics, intervals);
    }
    settle(scores, metrics, intervals);
    return CNN_OK;
}
