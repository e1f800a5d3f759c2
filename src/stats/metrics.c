#include "stats/metrics.h"

#include "base/elementary.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"
#include "nn/loss.h"

#include <math.h>
#include <string.h>

const cnn_metric cnn_metric_table[CNN_METRIC_COUNT] = {
#define CNN_METRIC_ROW(field, text, more_is_better, needs_threshold)                               \
    [CNN_METRIC_##                                                                                 \
        field] = {#field, text, more_is_better, needs_threshold, offsetof(cnn_metrics, field)},
    CNN_METRIC_LIST(CNN_METRIC_ROW)
#undef CNN_METRIC_ROW
};

double cnn_metric_value(const cnn_metrics *metrics, cnn_metric_id id) {
    return *(const double *)(const void *)((const char *)metrics + cnn_metric_table[id].offset);
}

cnn_metrics cnn_metrics_none(void) {
    return (cnn_metrics){
#define CNN_METRIC_NONE(field, text, more_is_better, needs_threshold) .field = (double)NAN,
        CNN_METRIC_LIST(CNN_METRIC_NONE)
#undef CNN_METRIC_NONE
    };
}

/* --- scores --- */

/* A key that decreases as the score increases; the same for both zeros. */
static uint64_t falling_key(double score) {
    static const uint64_t sign = (uint64_t)1 << 63;
    double value = score + 0.0; /* makes -0 a 0 */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & sign ? bits : ~(bits | sign);
}

/* From the highest score down; equal scores in the given order. False if memory is refused. */
static bool rank(const double *scores, const uint8_t *labels, size_t count,
                 cnn_ranked_image *ranked) {
    cnn_keyed *keyed = cnn_alloc(count, sizeof *keyed);
    if (!keyed) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        keyed[i] = (cnn_keyed){.key = falling_key(scores[i]), .value = i};
    }
    bool sorted = cnn_sort_by_key(keyed, count);
    for (size_t i = 0; i < count && sorted; i++) {
        size_t image = keyed[i].value;
        ranked[i] =
            (cnn_ranked_image){.probability = scores[image],
                               .image = image,
                               .label = labels[image],
                               .last_of_tie = i + 1 == count || keyed[i].key != keyed[i + 1].key};
    }
    cnn_free(keyed);
    return sorted;
}

/* b of the bin (b / CNN_CALIBRATION_BINS, (b + 1) / CNN_CALIBRATION_BINS] that contains the
 * probability; 0 is in the first bin. */
static uint8_t bin_of(double probability) {
    double place = probability * (double)CNN_CALIBRATION_BINS;
    int bin = place > 0.0 ? (int)place : 0;
    bool on_the_bound = !(place > (double)bin);
    return (uint8_t)(bin > 0 && on_the_bound ? bin - 1 : bin);
}

static cnn_status allocate(size_t count, double threshold, cnn_scores *scores, cnn_error *error) {
    *scores = (cnn_scores){.count = count, .threshold = threshold};
    scores->loss = cnn_alloc(count, sizeof *scores->loss);
    scores->square = cnn_alloc(count, sizeof *scores->square);
    scores->ranked = cnn_alloc(count, sizeof *scores->ranked);
    return scores->loss && scores->square && scores->ranked ? CNN_OK
                                                            : cnn_fail_memory(error, "metrics");
}

/* Everything that depends on the probabilities only. */
static cnn_status fill(const double *probabilities, const uint8_t *labels, cnn_scores *scores,
                       cnn_error *error) {
    if (!rank(probabilities, labels, scores->count, scores->ranked)) {
        return cnn_fail_memory(error, "metrics");
    }
    for (size_t i = 0; i < scores->count; i++) {
        double away = probabilities[i] - (double)labels[i];
        scores->square[i] = away * away;
        scores->positives += labels[i];
        scores->ranked[i].bin = bin_of(scores->ranked[i].probability);
    }
    return CNN_OK;
}

cnn_status cnn_scores_from_logits(const float *logits, const uint8_t *labels, size_t count,
                                  double temperature, double threshold, cnn_scores *scores,
                                  cnn_error *error) {
    cnn_status status = allocate(count, (double)(float)threshold, scores, error);
    double *probabilities = cnn_alloc(count, sizeof *probabilities);
    if (status == CNN_OK && !probabilities) {
        status = cnn_fail_memory(error, "metrics");
    }
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        double logit = (double)logits[i] / temperature;
        probabilities[i] = (double)(float)cnn_sigmoid(logit);
        scores->loss[i] = cnn_loss_double(logit, labels[i]);
    }
    if (status == CNN_OK) {
        status = fill(probabilities, labels, scores, error);
    }
    cnn_free(probabilities);
    return status;
}

cnn_status cnn_scores_from_probabilities(const double *probabilities, const uint8_t *labels,
                                         size_t count, double threshold, cnn_scores *scores,
                                         cnn_error *error) {
    static const double least = 0x1p-52;
    cnn_status status = allocate(count, threshold, scores, error);
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        double probability = probabilities[i];
        if (!(probability >= 0.0 && probability <= 1.0)) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "probability %zu: expected a number from 0 to 1, found %g", i + 1,
                            probability);
        }
        double of_label = labels[i] ? probability : 1.0 - probability;
        of_label = of_label < least ? least : of_label > 1.0 - least ? 1.0 - least : of_label;
        scores->loss[i] = -cnn_log(of_label);
    }
    return status == CNN_OK ? fill(probabilities, labels, scores, error) : status;
}

/* The distance from 0 of the logit of an image with this loss: the loss of a logit z in favour of
 * its label is log(1 + e^-z). */
static double certainty_of(double loss) {
    static const double small = 1e-5, large = 36.0, least = 0x1p-1022;
    if (loss > large) {
        return loss;
    }
    /* e^loss - 1; a series where the difference would have few digits */
    double odds =
        loss < small ? loss * (1.0 + loss / 2.0 * (1.0 + loss / 3.0)) : cnn_exp(loss) - 1.0;
    return fabs(cnn_log(odds > least ? odds : least));
}

static double most_certain(const cnn_scores *scores) {
    double most = cnn_log((double)scores->count + 1.0);
    for (size_t i = 0; i < scores->count; i++) {
        double certainty = certainty_of(scores->loss[i]);
        most = certainty > most ? certainty : most;
    }
    return most;
}

/* Adds the images to `more`, which has room; its count is that of `scores` so far. */
static void add_certain(const cnn_scores *scores, double *probabilities, uint8_t *labels,
                        cnn_scores *more) {
    double certainty = most_certain(scores);
    double loss_if_right = cnn_log1p(cnn_exp(-certainty));
    for (size_t i = 0; i < scores->count; i++) {
        const cnn_ranked_image *image = &scores->ranked[i];
        probabilities[image->image] = image->probability;
        labels[image->image] = image->label;
        more->loss[i] = scores->loss[i];
    }
    size_t place = scores->count;
    for (int label = 0; label < 2; label++) {
        bool has = label == 1 ? scores->positives > 0 : scores->positives < scores->count;
        for (int predicted = 0; predicted < 2 && has; predicted++, place++) {
            probabilities[place] = (double)predicted;
            labels[place] = (uint8_t)label;
            more->loss[place] = loss_if_right + (predicted == label ? 0.0 : certainty);
        }
    }
}

cnn_status cnn_scores_add_certain(const cnn_scores *scores, cnn_scores *more, cnn_error *error) {
    bool both = scores->positives > 0 && scores->positives < scores->count;
    size_t count = scores->count + (both ? 4 : 2);
    cnn_status status = allocate(count, scores->threshold, more, error);
    double *probabilities = cnn_alloc(count, sizeof *probabilities);
    uint8_t *labels = cnn_alloc(count, sizeof *labels);
    if (status == CNN_OK && (!probabilities || !labels)) {
        status = cnn_fail_memory(error, "metrics");
    }
    if (status == CNN_OK) {
        add_certain(scores, probabilities, labels, more);
        status = fill(probabilities, labels, more, error);
    }
    cnn_free(probabilities);
    cnn_free(labels);
    return status;
}

void cnn_scores_free(cnn_scores *scores) {
    cnn_free(scores->loss);
    cnn_free(scores->square);
    cnn_free(scores->ranked);
    *scores = (cnn_scores){0};
}

/* --- measuring --- */

static size_t times_of(const uint32_t *times, size_t image) {
    return times ? times[image] : 1;
}

/* Loss and Brier score; counts the images. */
static void measure_means(const cnn_scores *scores, const uint32_t *times, cnn_metrics *metrics) {
    double loss = 0.0;
    double square = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < scores->count; i++) {
        size_t here = times_of(times, i);
        loss += (double)here * scores->loss[i];
        square += (double)here * scores->square[i];
        count += here;
    }
    metrics->count = count;
    metrics->loss = loss / (double)count;
    metrics->brier = square / (double)count;
}

/* The metrics that depend on ranks. *area is exact except for its division: the sums are halves of
 * integers below 2^53. */
static void measure_ranks(const cnn_ranked_image *ranked, size_t count, const uint32_t *times,
                          double *area, double *average_precision) {
    double pairs = 0.0;     /* pairs pairs (class 1, class 0) in the right order; ties count half */
    double precision = 0.0; /* sum of the precision at each positive image */
    size_t above[2] = {0, 0};
    size_t tied[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        tied[ranked[i].label] += times_of(times, ranked[i].image);
        if (!ranked[i].last_of_tie) {
            continue;
        }
        pairs += (double)tied[0] * ((double)above[1] + 0.5 * (double)tied[1]);
        above[0] += tied[0];
        above[1] += tied[1];
        if (tied[1] > 0) {
            precision +=
                (double)tied[1] * ((double)above[1] / ((double)above[0] + (double)above[1]));
        }
        tied[0] = tied[1] = 0;
    }
    *area = above[0] && above[1] ? pairs / ((double)above[0] * (double)above[1]) : (double)NAN;
    *average_precision = above[1] ? precision / (double)above[1] : (double)NAN;
}

/* The counts of labels and predictions, and the calibration error. */
static void measure_counts(const cnn_scores *scores, const uint32_t *times, cnn_metrics *metrics) {
    size_t table[2][2] = {{0, 0}, {0, 0}};    /* [predicted][label] */
    double gap[CNN_CALIBRATION_BINS] = {0.0}; /* labels - probabilities */
    for (size_t i = 0; i < scores->count; i++) {
        const cnn_ranked_image *image = &scores->ranked[i];
        size_t here = times_of(times, image->image);
        table[image->probability >= scores->threshold][image->label] += here;
        gap[image->bin] += (double)here * ((double)image->label - image->probability);
    }
    metrics->true_positives = table[1][1];
    metrics->false_positives = table[1][0];
    metrics->true_negatives = table[0][0];
    metrics->false_negatives = table[0][1];
    double gaps = 0.0;
    for (int bin = 0; bin < CNN_CALIBRATION_BINS; bin++) {
        gaps += fabs(gap[bin]);
    }
    metrics->ece = gaps / (double)metrics->count;
}

static double share(double part, double of, double none) {
    return of > 0.0 ? part / of : none;
}

/* The metrics that depend on the counts. */
static void measure_quotients(cnn_metrics *metrics) {
    double tp = (double)metrics->true_positives;
    double fp = (double)metrics->false_positives;
    double tn = (double)metrics->true_negatives;
    double fn = (double)metrics->false_negatives;
    metrics->accuracy = (tp + tn) / (double)metrics->count;
    metrics->precision = share(tp, tp + fp, 0.0);
    metrics->recall = share(tp, tp + fn, (double)NAN);
    metrics->specificity = share(tn, tn + fp, (double)NAN);
    metrics->balanced_accuracy = 0.5 * (metrics->recall + metrics->specificity);
    metrics->f1 = tp + fn > 0.0 ? 2.0 * tp / (2.0 * tp + fp + fn) : (double)NAN;
    metrics->mcc =
        share(tp * tn - fp * fn, sqrt((tp + fp) * (tp + fn)) * sqrt((tn + fp) * (tn + fn)), 0.0);
}

void cnn_metrics_measure(const cnn_scores *scores, const uint32_t *times, cnn_metrics *metrics) {
    *metrics = cnn_metrics_none();
    measure_means(scores, times, metrics);
    if (metrics->count == 0) {
        return;
    }
    measure_ranks(scores->ranked, scores->count, times, &metrics->auc, &metrics->average_precision);
    measure_counts(scores, times, metrics);
    measure_quotients(metrics);
}

/* --- shortcuts --- */

cnn_status cnn_metrics_compute(const float *logits, const uint8_t *labels, size_t count,
                               double threshold, cnn_metrics *metrics, cnn_error *error) {
    cnn_scores scores;
    *metrics = cnn_metrics_none();
    cnn_status status =
        cnn_scores_from_logits(logits, labels, count, 1.0, threshold, &scores, error);
    if (status == CNN_OK) {
        cnn_metrics_measure(&scores, NULL, metrics);
    }
    cnn_scores_free(&scores);
    return status;
}

cnn_status cnn_area_under_curve(const double *scores, const uint8_t *labels, size_t count,
                                double *area, cnn_error *error) {
    double average_precision;
    cnn_ranked_image *ranked = cnn_alloc(count, sizeof *ranked);
    bool done = ranked && rank(scores, labels, count, ranked);
    if (done) {
        measure_ranks(ranked, count, NULL, area, &average_precision);
    }
    cnn_free(ranked);
    return done ? CNN_OK : cnn_fail_memory(error, "an area under a curve");
}
