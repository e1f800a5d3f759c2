/* Metrics against their definitions, written out in double over plain arrays, and against published
 * examples; the bootstrap against draws that are measured one by one; the choice of the best epoch.
 */
#include "run/best_epoch.h"
#include "stats/bootstrap.h"
#include "base/elementary.h"
#include "stats/metrics.h"
#include "test_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 80 };

/* --- the definitions --- */

static double at_least(const double *p, const uint8_t *y, size_t n, double bound, int label) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += p[i] >= bound && y[i] == label;
    }
    return sum;
}

/* Of all pairs, the share in the right order. */
static double reference_auc(const double *p, const uint8_t *y, size_t n) {
    double right = 0.0, pairs = 0.0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            if (y[i] == 1 && y[j] == 0) {
                right += p[i] > p[j] ? 1.0 : p[i] < p[j] ? 0.0 : 0.5;
                pairs += 1.0;
            }
        }
    }
    return right / pairs;
}

/* Sum over thresholds, each distinct probability once, of recall gained times precision. */
static double reference_average_precision(const double *p, const uint8_t *y, size_t n) {
    double positives = at_least(p, y, n, 0.0, 1);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        double tied = 0.0;
        bool first = true;
        for (size_t j = 0; j < n; j++) {
            bool same = !(p[j] > p[i]) && !(p[j] < p[i]);
            first = first && !(same && j < i);
            tied += same && y[j] == 1;
        }
        double tp = at_least(p, y, n, p[i], 1), fp = at_least(p, y, n, p[i], 0);
        sum += first ? tied / positives * (tp / (tp + fp)) : 0.0;
    }
    return sum;
}

static double reference_ece(const double *p, const uint8_t *y, size_t n) {
    double sum = 0.0;
    for (int b = 0; b < 15; b++) {
        double images = 0.0, labels = 0.0, probabilities = 0.0;
        for (size_t i = 0; i < n; i++) {
            bool above = p[i] * 15.0 > b || b == 0;
            if (above && p[i] * 15.0 <= b + 1) {
                images += 1.0;
                labels += y[i];
                probabilities += p[i];
            }
        }
        sum += images > 0.0 ? images / (double)n * fabs(labels / images - probabilities / images)
                            : 0.0;
    }
    return sum;
}

/* losses: of each image. */
static cnn_metrics reference(const double *p, const double *losses, const uint8_t *y, size_t n,
                             double threshold) {
    double tp = at_least(p, y, n, threshold, 1), fp = at_least(p, y, n, threshold, 0);
    double fn = at_least(p, y, n, 0.0, 1) - tp, tn = at_least(p, y, n, 0.0, 0) - fp;
    cnn_metrics m = {.count = n,
                     .true_positives = (size_t)tp,
                     .false_positives = (size_t)fp,
                     .true_negatives = (size_t)tn,
                     .false_negatives = (size_t)fn,
                     .accuracy = (tp + tn) / (double)n,
                     .auc = reference_auc(p, y, n),
                     .precision = tp + fp > 0 ? tp / (tp + fp) : 0.0,
                     .recall = tp / (tp + fn),
                     .specificity = tn / (tn + fp),
                     .average_precision = reference_average_precision(p, y, n),
                     .ece = reference_ece(p, y, n)};
    m.balanced_accuracy = (m.recall + m.specificity) / 2.0;
    m.f1 = tp > 0 ? 2.0 / (1.0 / m.precision + 1.0 / m.recall) : tp + fn > 0 ? 0.0 : (double)NAN;
    double square = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
    m.mcc = square > 0 ? (tp * tn - fp * fn) / sqrt(square) : 0.0;
    for (size_t i = 0; i < n; i++) {
        m.loss += losses[i] / (double)n;
        m.brier += (p[i] - y[i]) * (p[i] - y[i]) / (double)n;
    }
    return m;
}

static void same_metrics(const cnn_metrics *found, const cnn_metrics *wanted, size_t number) {
    assert_int_equal(found->count, wanted->count);
    assert_int_equal(found->true_positives, wanted->true_positives);
    assert_int_equal(found->false_positives, wanted->false_positives);
    assert_int_equal(found->true_negatives, wanted->true_negatives);
    assert_int_equal(found->false_negatives, wanted->false_negatives);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        double a = cnn_metric_value(found, (cnn_metric_id)id);
        double b = cnn_metric_value(wanted, (cnn_metric_id)id);
        assert_int_equal(isnan(a), isnan(b));
        if (!isnan(b)) {
            test_near(cnn_metric_table[id].name, number, a, b, 1e-12 * (1.0 + fabs(b)));
        }
    }
}

/* Random sets of every size, with many ties, with one class now and then. */
static size_t random_set(uint64_t *random, size_t count, double *p, double *losses, uint8_t *y) {
    double share = count % 7 == 0 ? 0.0 : count % 11 == 0 ? 1.0 : 0.4;
    double step = count % 2 ? 20.0 : 1000.0;
    for (size_t i = 0; i < count; i++) {
        p[i] = floor(test_random(random, 0, 1) * (step + 1.0)) / step;
        y[i] = test_random(random, 0, 1) < share;
        double of_label = y[i] ? p[i] : 1.0 - p[i];
        losses[i] = -log(fmin(fmax(of_label, 0x1p-52), 1.0 - 0x1p-52));
    }
    return count;
}

static void test_probabilities(void **state) {
    (void)state;
    uint64_t random = 3;
    for (size_t count = 1; count <= MOST; count++) {
        double p[MOST], losses[MOST];
        uint8_t y[MOST];
        cnn_error error;
        cnn_scores scores;
        cnn_metrics found;
        (void)random_set(&random, count, p, losses, y);
        double threshold = (double)(count % 5) / 4.0;
        test_ok(cnn_scores_from_probabilities(p, y, count, threshold, &scores, &error), &error);
        cnn_metrics_measure(&scores, NULL, &found);
        cnn_metrics wanted = reference(p, losses, y, count, threshold);
        same_metrics(&found, &wanted, count);
        cnn_scores_free(&scores);
    }
}

static void test_logits(void **state) {
    (void)state;
    uint64_t random = 4;
    for (size_t count = 1; count <= MOST; count++) {
        static const double temperatures[] = {1.0, 2.5, 0.25};
        double temperature = temperatures[count % 3];
        double p[MOST], losses[MOST];
        float logits[MOST];
        uint8_t y[MOST];
        for (size_t i = 0; i < count; i++) {
            logits[i] = (float)test_random(&random, -40, 40);
            y[i] = test_random(&random, 0, 1) < 0.5;
            double z = (double)logits[i] / temperature;
            p[i] = (double)(float)cnn_sigmoid(z);
            losses[i] = fmax(z, 0.0) - z * y[i] + log1p(exp(-fabs(z)));
        }
        cnn_error error;
        cnn_scores scores;
        cnn_metrics found;
        test_ok(cnn_scores_from_logits(logits, y, count, temperature, 0.5, &scores, &error),
                &error);
        cnn_metrics_measure(&scores, NULL, &found);
        cnn_metrics wanted = reference(p, losses, y, count, 0.5);
        same_metrics(&found, &wanted, count);
        cnn_scores_free(&scores);
    }
}

/* An image that counts several times has the effect of several copies. */
static void test_times(void **state) {
    (void)state;
    uint64_t random = 5;
    for (size_t count = 2; count <= 20; count++) {
        double p[MOST], losses[MOST], repeated[MOST], repeated_losses[MOST];
        uint8_t y[MOST], repeated_y[MOST];
        uint32_t times[MOST];
        size_t total = 0;
        (void)random_set(&random, count, p, losses, y);
        for (size_t i = 0; i < count; i++) {
            times[i] = (uint32_t)test_random(&random, 0, 3.99);
            for (uint32_t k = 0; k < times[i]; k++, total++) {
                repeated[total] = p[i];
                repeated_losses[total] = losses[i];
                repeated_y[total] = y[i];
            }
        }
        if (total == 0) {
            continue;
        }
        cnn_error error;
        cnn_scores scores;
        cnn_metrics found;
        test_ok(cnn_scores_from_probabilities(p, y, count, 0.5, &scores, &error), &error);
        cnn_metrics_measure(&scores, times, &found);
        cnn_metrics wanted = reference(repeated, repeated_losses, repeated_y, total, 0.5);
        same_metrics(&found, &wanted, count);
        cnn_scores_free(&scores);
    }
}

/* --- published examples --- */

static cnn_metrics measure(const double *p, const uint8_t *y, size_t count, double threshold) {
    cnn_error error;
    cnn_scores scores;
    cnn_metrics metrics;
    test_ok(cnn_scores_from_probabilities(p, y, count, threshold, &scores, &error), &error);
    cnn_metrics_measure(&scores, NULL, &metrics);
    cnn_scores_free(&scores);
    return metrics;
}

/* Hanley and McNeil 1982, table 1: ratings of 58 normal and 51 abnormal images. */
static void test_hanley_mcneil(void **state) {
    (void)state;
    static const int ratings[2][5] = {{33, 6, 6, 11, 2}, {3, 2, 2, 11, 33}};
    double p[109];
    uint8_t y[109];
    size_t count = 0;
    for (int label = 0; label < 2; label++) {
        for (int rating = 0; rating < 5; rating++) {
            for (int i = 0; i < ratings[label][rating]; i++, count++) {
                p[count] = 0.2 * rating;
                y[count] = (uint8_t)label;
            }
        }
    }
    assert_int_equal(count, 109);
    test_near("area", 0, measure(p, y, count, 0.5).auc, 0.893, 0.0005);
}

/* The examples of the documentation of scikit-learn's roc_auc_score, average_precision_score,
 * brier_score_loss, log_loss, matthews_corrcoef and balanced_accuracy_score, and of TorchMetrics'
 * BinaryCalibrationError (whose two bins give what fifteen do here). */
static void test_documented(void **state) {
    (void)state;
    cnn_metrics m =
        measure((const double[]){0.1, 0.4, 0.35, 0.8}, (const uint8_t[]){0, 0, 1, 1}, 4, 0.5);
    test_near("roc_auc_score", 0, m.auc, 0.75, 1e-15);
    test_near("average_precision_score", 0, m.average_precision, 0.83, 0.005);
    m = measure((const double[]){0.1, 0.9, 0.8, 0.3}, (const uint8_t[]){0, 1, 1, 0}, 4, 0.5);
    test_near("brier_score_loss", 0, m.brier, 0.0375, 1e-15);
    m = measure((const double[]){0.9, 0.1, 0.2, 0.65}, (const uint8_t[]){1, 0, 0, 1}, 4, 0.5);
    test_near("log_loss", 0, m.loss, 0.21616, 0.000005);
    m = measure((const double[]){1, 0, 1, 1}, (const uint8_t[]){1, 1, 1, 0}, 4, 0.5);
    test_near("matthews_corrcoef", 0, m.mcc, -0.33, 0.005);
    m = measure((const double[]){0, 1, 0, 0, 0, 1}, (const uint8_t[]){0, 1, 0, 0, 1, 0}, 6, 0.5);
    test_near("balanced_accuracy_score", 0, m.balanced_accuracy, 0.625, 1e-15);
    m = measure((const double[]){0.25, 0.25, 0.55, 0.75, 0.75}, (const uint8_t[]){0, 0, 1, 1, 1}, 5,
                0.5);
    test_near("calibration error", 0, m.ece, 0.29, 1e-12);
}

/* --- where nothing is defined --- */

static void test_undefined(void **state) {
    (void)state;
    static const double p[] = {0.2, 0.7, 0.4};
    cnn_metrics m = measure(p, (const uint8_t[]){0, 0, 0}, 3, 0.5);
    assert_true(isnan(m.auc) && isnan(m.recall) && isnan(m.f1) && isnan(m.average_precision) &&
                isnan(m.balanced_accuracy));
    test_near("specificity", 0, m.specificity, 2.0 / 3.0, 1e-15);
    test_near("precision", 0, m.precision, 0.0, 0.0);
    test_near("MCC", 0, m.mcc, 0.0, 0.0);
    m = measure(p, (const uint8_t[]){1, 1, 1}, 3, 0.9); /* and nothing is predicted positive */
    assert_true(isnan(m.auc) && isnan(m.specificity) && isnan(m.balanced_accuracy));
    test_near("recall", 1, m.recall, 0.0, 0.0);
    test_near("precision", 1, m.precision, 0.0, 0.0);
    test_near("F1", 1, m.f1, 0.0, 0.0);
    test_near("average precision", 1, m.average_precision, 1.0, 0.0);
    m = measure(p, (const uint8_t[]){1, 1, 1}, 0, 0.5);
    assert_int_equal(m.count, 0);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        assert_true(isnan(cnn_metric_value(&m, (cnn_metric_id)id)));
    }
}

/* The column needs_threshold: another threshold changes the metrics that have it, and no other. */
static void test_needs_threshold(void **state) {
    (void)state;
    static const double p[] = {0.1, 0.3, 0.45, 0.6, 0.8};
    static const uint8_t y[] = {0, 1, 0, 0, 1};
    bool changes[CNN_METRIC_COUNT] = {false};
    cnn_metrics first = measure(p, y, TEST_COUNT(p), p[0]);
    for (size_t i = 1; i < TEST_COUNT(p); i++) {
        cnn_metrics m = measure(p, y, TEST_COUNT(p), p[i]);
        for (int id = 0; id < CNN_METRIC_COUNT; id++) {
            double change = cnn_metric_value(&m, (cnn_metric_id)id) -
                            cnn_metric_value(&first, (cnn_metric_id)id);
            changes[id] = changes[id] || change < 0.0 || change > 0.0;
        }
    }
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        if (changes[id] != cnn_metric_table[id].needs_threshold) {
            fail_msg("%s: needs_threshold is not what the values say", cnn_metric_table[id].name);
        }
    }
}

static void test_hostile(void **state) {
    (void)state;
    static const double bad[] = {-0.1, 1.0000001, (double)NAN, (double)INFINITY};
    static const uint8_t y[] = {0, 1, 1};
    cnn_error error;
    cnn_scores scores;
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        const double p[] = {0.5, bad[i], 0.5};
        assert_int_equal(cnn_scores_from_probabilities(p, y, 3, 0.5, &scores, &error),
                         CNN_ERROR_DATA);
        assert_non_null(strstr(error.message, "probability 2: expected a number from 0 to 1"));
        cnn_scores_free(&scores);
    }
    cnn_metrics m = measure((const double[]){0.0, -0.0, 1.0}, y, 3, 0.5); /* both zeros are one */
    test_near("area", 0, m.auc, 0.75, 1e-15);
    test_near("loss of a certain mistake", 0, m.loss, 52.0 * log(2.0) / 3.0, 1e-12);
    static const float logits[] = {NAN, 1.0f, -1.0f}; /* what a run that diverges measures */
    test_ok(cnn_metrics_compute(logits, y, 3, 0.5, &m, &error), &error);
    assert_true(isnan(m.loss));
}

/* --- the bootstrap --- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Every resample written out as a separate set and measured by the definitions. */
static void test_bootstrap_definition(void **state) {
    (void)state;
    enum { COUNT = 23 };
    static double values[CNN_METRIC_COUNT][CNN_BOOTSTRAP_RESAMPLES];
    uint64_t random = 8;
    double p[MOST], losses[MOST];
    uint8_t y[MOST];
    (void)random_set(&random, COUNT, p, losses, y);
    size_t positives = (size_t)at_least(p, y, COUNT, 0.0, 1);
    for (size_t r = 0; r < CNN_BOOTSTRAP_RESAMPLES; r++) {
        uint32_t times[COUNT];
        double drawn[COUNT], drawn_losses[COUNT];
        uint8_t drawn_y[COUNT];
        size_t total = 0;
        cnn_bootstrap_draw(y, COUNT, positives, 7, r, times);
        for (size_t i = 0; i < COUNT; i++) {
            for (uint32_t k = 0; k < times[i] && total < COUNT; k++, total++) {
                drawn[total] = p[i];
                drawn_losses[total] = losses[i];
                drawn_y[total] = y[i];
            }
        }
        assert_int_equal(total, COUNT);
        cnn_metrics m = reference(drawn, drawn_losses, drawn_y, COUNT, 0.5);
        for (int id = 0; id < CNN_METRIC_COUNT; id++) {
            values[id][r] = cnn_metric_value(&m, (cnn_metric_id)id);
        }
    }
    cnn_error error;
    cnn_scores scores;
    cnn_interval intervals[CNN_METRIC_COUNT];
    test_ok(cnn_scores_from_probabilities(p, y, COUNT, 0.5, &scores, &error), &error);
    test_ok(cnn_bootstrap(&scores, 7, 2, intervals, &error), &error);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        qsort(values[id], CNN_BOOTSTRAP_RESAMPLES, sizeof(double), by_value);
        test_near(cnn_metric_table[id].name, 0, intervals[id].low, values[id][24], 1e-12);
        test_near(cnn_metric_table[id].name, 1, intervals[id].high, values[id][975], 1e-12);
    }
    cnn_scores_free(&scores);
}

/* 2,000 images, 80 % of them right: the interval is the binomial's. Threads change nothing. */
static void test_bootstrap_binomial(void **state) {
    (void)state;
    enum { COUNT = 2000 };
    static double p[COUNT];
    static uint8_t y[COUNT];
    uint64_t random = 9;
    for (size_t i = 0; i < COUNT; i++) {
        double sure = test_random(&random, 0.5, 1);
        y[i] = i % 2;
        p[i] = (i % 5 < 4) == (y[i] == 1) ? sure : 1.0 - sure;
    }
    cnn_error error;
    cnn_scores scores;
    cnn_interval intervals[CNN_METRIC_COUNT], again[CNN_METRIC_COUNT];
    test_ok(cnn_scores_from_probabilities(p, y, COUNT, 0.5, &scores, &error), &error);
    test_ok(cnn_bootstrap(&scores, 1, 1, intervals, &error), &error);
    double deviation = sqrt(0.8 * 0.2 / (double)COUNT);
    test_near("low", 0, intervals[CNN_METRIC_accuracy].low, 0.8 - 1.96 * deviation, 0.003);
    test_near("high", 0, intervals[CNN_METRIC_accuracy].high, 0.8 + 1.96 * deviation, 0.003);
    for (int threads = 2; threads <= 5; threads++) {
        test_ok(cnn_bootstrap(&scores, 1, threads, again, &error), &error);
        assert_memory_equal(intervals, again, sizeof again);
    }
    cnn_scores_free(&scores);
}

/* One image of a class: every draw has it. One class: a metric that needs the other has no
 * interval. */
static void test_bootstrap_classes(void **state) {
    (void)state;
    double p[20];
    uint8_t y[20] = {[3] = 1};
    for (size_t i = 0; i < 20; i++) {
        p[i] = (double)i / 20.0;
    }
    for (size_t resample = 0; resample < CNN_BOOTSTRAP_RESAMPLES; resample++) {
        uint32_t times[20];
        cnn_bootstrap_draw(y, 20, 1, 1, resample, times);
        assert_true(times[3] > 0 && times[3] < 20);
    }
    cnn_error error;
    cnn_scores scores;
    cnn_interval intervals[CNN_METRIC_COUNT];
    for (int positives = 1; positives >= 0; positives--) {
        y[3] = (uint8_t)positives;
        test_ok(cnn_scores_from_probabilities(p, y, 20, 0.5, &scores, &error), &error);
        test_ok(cnn_bootstrap(&scores, 1, 1, intervals, &error), &error);
        assert_int_equal(isnan(intervals[CNN_METRIC_auc].low), positives == 0);
        assert_int_equal(isnan(intervals[CNN_METRIC_recall].high), positives == 0);
        assert_true(intervals[CNN_METRIC_accuracy].low < intervals[CNN_METRIC_accuracy].high);
        cnn_scores_free(&scores);
    }
    test_ok(cnn_scores_from_probabilities(p, y, 0, 0.5, &scores, &error), &error);
    test_ok(cnn_bootstrap(&scores, 1, 4, intervals, &error), &error);
    assert_true(isnan(intervals[CNN_METRIC_accuracy].low));
    cnn_scores_free(&scores);
}

/* --- the best epoch --- */

typedef struct epoch_case {
    cnn_early_stopping rule;
    double values[8];
    int64_t best[8]; /* after each epoch */
    int64_t end;     /* the epoch after which it is over; 0: never */
} epoch_case;

static void test_best_epoch(void **state) {
    (void)state;
    static const epoch_case cases[] = {
        {{.metric = CNN_METRIC_loss, .patience = 0},
         {0.5, 0.6, 0.4, 0.4, 0.3, 0.9, 0.9, 0.9},
         {1, 1, 3, 3, 5, 5, 5, 5},
         0},
        {{.metric = CNN_METRIC_auc, .patience = 2},
         {0.5, 0.6, 0.6, 0.7, 0.7, 0.65, 0.9, 0.9},
         {1, 2, 2, 4, 4, 4, 7, 7},
         6},
        {{.metric = CNN_METRIC_brier, .patience = 1}, /* worse from the start */
         {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8},
         {1, 1, 1, 1, 1, 1, 1, 1},
         2},
        {{.metric = CNN_METRIC_accuracy, .patience = 3, .smoothing = 0.5},
         /* smoothed: 0.5, 0.75, 0.625, 0.6625, 0.78125, 0.740625, …: the peaks come later */
         {0.5, 1.0, 0.5, 0.7, 0.9, 0.7, 0.7, 0.7},
         {1, 2, 2, 2, 5, 5, 5, 5},
         8},
    };
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        cnn_best_epoch best = cnn_best_epoch_none();
        int64_t end = 0;
        for (int64_t epoch = 1; epoch <= 8; epoch++) {
            cnn_metrics m = cnn_metrics_none();
            double value = cases[c].values[epoch - 1];
            m.count = 10;
            m.loss = m.auc = m.brier = m.accuracy = value;
            bool better = cnn_best_epoch_update(&cases[c].rule, epoch, &m, &best);
            assert_int_equal(best.epoch, cases[c].best[epoch - 1]);
            assert_int_equal(better, best.epoch == epoch);
            if (end == 0 && cnn_best_epoch_is_over(&cases[c].rule, epoch, &best)) {
                end = epoch;
            }
        }
        assert_int_equal(end, cases[c].end);
    }
    cnn_best_epoch best = cnn_best_epoch_none();
    cnn_metrics none = cnn_metrics_none(); /* without validation images the last is the best */
    for (int64_t epoch = 1; epoch <= 3; epoch++) {
        assert_true(cnn_best_epoch_update(&cases[1].rule, epoch, &none, &best));
        assert_false(cnn_best_epoch_is_over(&cases[1].rule, epoch, &best));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probabilities),
        cmocka_unit_test(test_logits),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_hanley_mcneil),
        cmocka_unit_test(test_documented),
        cmocka_unit_test(test_undefined),
        cmocka_unit_test(test_needs_threshold),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_bootstrap_definition),
        cmocka_unit_test(test_bootstrap_binomial),
        cmocka_unit_test(test_bootstrap_classes),
        cmocka_unit_test(test_best_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
