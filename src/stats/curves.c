#include "stats/curves.h"

#include "base/error.h"
#include "stats/intervals.h"

#include <math.h>

/* --- walking along the ranks --- */

/* Images with at least a probability. */
typedef struct counted {
    size_t negatives, positives;
} counted;

static size_t times_of(const uint32_t *times, size_t image) {
    return times ? times[image] : 1;
}

/* Adds the images of the next probability, from *next on, to *above. False at the end. */
static bool next_probability(const cnn_scores *scores, const uint32_t *times, size_t *next,
                             counted *above) {
    bool last = *next == scores->count;
    for (bool end = last; !end; (*next)++) {
        const cnn_ranked_image *image = &scores->ranked[*next];
        *(image->label ? &above->positives : &above->negatives) += times_of(times, image->image);
        end = image->last_of_tie;
    }
    return !last;
}

static counted count_all(const cnn_scores *scores, const uint32_t *times) {
    counted all = {0, 0};
    for (size_t next = 0; next_probability(scores, times, &next, &all);) {
    }
    return all;
}

static double precision_of(counted above) {
    return (double)above.positives / ((double)above.positives + (double)above.negatives);
}

/* --- points --- */

typedef struct point {
    double x, y;
    size_t place; /* among the points of the column */
} point;

/* The points of the current column of a curve. */
typedef struct column {
    cnn_curve *curve;
    size_t number;   /* of the column */
    size_t received; /* points */
    point first, lowest, highest, last;
} column;

/* Keeps the column's points, each once, in their order. */
static void finish_column(column *c) {
    bool falls = c->highest.place < c->lowest.place;
    const point points[] = {c->first, falls ? c->highest : c->lowest,
                            falls ? c->lowest : c->highest, c->last};
    for (size_t i = 0; i < 4; i++) {
        if (i == 0 || points[i].place != points[i - 1].place) {
            c->curve->x[c->curve->count] = points[i].x;
            c->curve->y[c->curve->count] = points[i].y;
            c->curve->count++;
        }
    }
}

/* x = part / of. */
static void add_point(column *c, size_t part, size_t of, double y) {
    size_t number = part == of ? CNN_CURVE_COLUMNS - 1
                               : (size_t)((double)part * CNN_CURVE_COLUMNS / (double)of);
    if (c->received > 0 && number != c->number) {
        finish_column(c);
        c->received = 0;
    }
    c->number = number;
    c->last = (point){.x = (double)part / (double)of, .y = y, .place = c->received++};
    if (c->received == 1) {
        c->first = c->lowest = c->highest = c->last;
    }
    c->lowest = y < c->lowest.y ? c->last : c->lowest;
    c->highest = y > c->highest.y ? c->last : c->highest;
}

static void measure_points(const cnn_scores *scores, counted all, cnn_curves *curves) {
    column roc = {.curve = &curves->roc}, precision_recall = {.curve = &curves->precision_recall};
    counted above = {0, 0};
    add_point(&roc, 0, all.negatives, 0.0);
    for (size_t next = 0; next_probability(scores, NULL, &next, &above);) {
        add_point(&roc, above.negatives, all.negatives,
                  (double)above.positives / (double)all.positives);
        add_point(&precision_recall, above.positives, all.positives, precision_of(above));
    }
    finish_column(&roc);
    finish_column(&precision_recall);
}

/* --- values at the places of the band --- */

/* Is place i / CNN_CURVE_COLUMNS below part / of, or at most that? Exact. */
static bool is_below(size_t i, size_t part, size_t of) {
    return (double)i * (double)of < (double)part * CNN_CURVE_COLUMNS;
}

static bool is_reached(size_t i, size_t part, size_t of) {
    return (double)i * (double)of <= (double)part * CNN_CURVE_COLUMNS;
}

/* Recall at a place, on the straight line between two points. */
static double recall_between(size_t place, counted before, counted above, counted all) {
    double negatives = (double)place * (double)all.negatives / CNN_CURVE_COLUMNS;
    double way = (negatives - (double)before.negatives) /
                 ((double)above.negatives - (double)before.negatives);
    return ((double)before.positives + way * ((double)above.positives - (double)before.positives)) /
           (double)all.positives;
}

/* values: both curves at their CNN_CURVE_BAND places, ROC first. A cnn_bootstrap_measure. */
static void measure_places(const cnn_scores *scores, const uint32_t *times, double *values) {
    double *roc = values, *precision_recall = values + CNN_CURVE_BAND;
    counted all = count_all(scores, times), above = {0, 0}, before = above;
    size_t r = 0, p = 0; /* places that are set */
    for (size_t next = 0; next_probability(scores, times, &next, &above); before = above) {
        for (; r < CNN_CURVE_BAND && is_below(r, above.negatives, all.negatives); r++) {
            roc[r] = recall_between(r, before, above, all);
        }
        /* its first step begins at 0 */
        for (; p < CNN_CURVE_BAND && above.positives > 0 &&
               is_reached(p, above.positives, all.positives);
             p++) {
            precision_recall[p] = precision_of(above);
        }
    }
    for (; r < CNN_CURVE_BAND; r++) { /* the last place is not below 1 */
        roc[r] = 1.0;
    }
}

/* The bands of both curves, from the images and some certain ones. */
static cnn_status measure_bands(const cnn_scores *scores, int threads,
                                cnn_interval bands[2 * CNN_CURVE_BAND], cnn_error *error) {
    cnn_scores more;
    cnn_status status = cnn_scores_add_certain(scores, &more, error);
    if (status == CNN_OK) {
        status = cnn_bootstrap_values(&more, CNN_BOOTSTRAP_SEED, threads, measure_places,
                                      2 * CNN_CURVE_BAND, bands, error);
    }
    cnn_scores_free(&more);
    return status;
}

static void set_places(cnn_curve *curve, const double *at, const cnn_interval *band) {
    for (int i = 0; i < CNN_CURVE_BAND; i++) {
        curve->at[i] = at[i];
        curve->band[i] =
            (cnn_interval){.low = fmin(band[i].low, at[i]), .high = fmax(band[i].high, at[i])};
    }
}

cnn_status cnn_curves_measure(const cnn_scores *scores, int threads, cnn_curves *curves,
                              cnn_error *error) {
    *curves = (cnn_curves){0};
    if (scores->positives == 0 || scores->positives == scores->count) {
        return CNN_OK;
    }
    double at[2 * CNN_CURVE_BAND];
    cnn_interval bands[2 * CNN_CURVE_BAND];
    measure_points(scores, count_all(scores, NULL), curves);
    measure_places(scores, NULL, at);
    CNN_TRY(measure_bands(scores, threads, bands, error));
    set_places(&curves->roc, at, bands);
    set_places(&curves->precision_recall, at + CNN_CURVE_BAND, bands + CNN_CURVE_BAND);
    return CNN_OK;
}

/* --- reliability --- */

void cnn_reliability_measure(const cnn_scores *scores,
                             cnn_reliability_bin bins[CNN_CALIBRATION_BINS]) {
    double sum[CNN_CALIBRATION_BINS] = {0.0};
    for (int b = 0; b < CNN_CALIBRATION_BINS; b++) {
        bins[b] = (cnn_reliability_bin){.bound = (double)(b + 1) / CNN_CALIBRATION_BINS};
    }
    for (size_t i = 0; i < scores->count; i++) {
        const cnn_ranked_image *image = &scores->ranked[i];
        bins[image->bin].count++;
        bins[image->bin].positives += image->label;
        sum[image->bin] += image->probability;
    }
    for (int b = 0; b < CNN_CALIBRATION_BINS; b++) {
        double count = (double)bins[b].count;
        bins[b].mean_probability = sum[b] / count;
        bins[b].share = (double)bins[b].positives / count;
        bins[b].interval = cnn_interval_of_share((double)bins[b].positives, count);
    }
}

/* --- histogram --- */

void cnn_probability_histogram_measure(const cnn_scores *scores,
                                       cnn_probability_histogram *histogram) {
    *histogram = (cnn_probability_histogram){0};
    for (size_t i = 0; i < scores->count; i++) {
        const cnn_ranked_image *image = &scores->ranked[i];
        int bin = (int)(image->probability * CNN_HISTOGRAM_BINS);
        bin = bin < CNN_HISTOGRAM_BINS ? bin : CNN_HISTOGRAM_BINS - 1;
        histogram->count[image->label][bin]++;
    }
}

/* --- thresholds --- */

static const double thresholds[CNN_THRESHOLD_ROWS_MAX - 1] = {0.01, 0.05, 0.1, 0.2, 0.3,  0.4, 0.5,
                                                              0.6,  0.7,  0.8, 0.9, 0.95, 0.99};

static void add_row(const cnn_scores *scores, double threshold, bool own, cnn_threshold_row *row) {
    cnn_scores at = *scores; /* a view */
    at.threshold = threshold;
    *row = (cnn_threshold_row){.threshold = threshold, .own = own};
    cnn_metrics_measure(&at, NULL, &row->metrics);
}

size_t cnn_threshold_table(const cnn_scores *scores,
                           cnn_threshold_row rows[CNN_THRESHOLD_ROWS_MAX]) {
    size_t count = 0;
    double own = (double)(float)scores->threshold;
    bool pending = !isnan(own);
    for (size_t i = 0; i < CNN_THRESHOLD_ROWS_MAX - 1; i++) {
        double threshold = (double)(float)thresholds[i];
        if (pending && own < threshold) {
            add_row(scores, own, true, &rows[count++]);
            pending = false;
        }
        bool same = pending && own <= threshold;
        add_row(scores, threshold, same, &rows[count++]);
        pending = pending && !same;
    }
    if (pending) {
        add_row(scores, own, true, &rows[count++]);
    }
    return count;
}
