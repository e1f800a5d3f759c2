/* Intervals against published examples and the equations that define them; how often they contain
 * the true value; that they have a width for few images, and for perfect results. */
#include "stats/intervals.h"
#include "test_support.h"

#include <math.h>

enum { MOST = 80 };

static void expect_interval(const char *what, cnn_interval got, double low, double high,
                            double off) {
    test_near(what, 0, got.low, low, off);
    test_near(what, 1, got.high, high, off);
}

/* Published examples: Newcombe 1998, table I, method 3 (81/263, 15/148, 0/20, 1/29), and the bounds
 * themselves, which are where the measured share is 1.96 standard errors away. */
static void test_wilson(void **state) {
    (void)state;
    expect_interval("81 of 263", cnn_interval_of_share(81, 263), 0.2553, 0.3662, 5e-5);
    expect_interval("15 of 148", cnn_interval_of_share(15, 148), 0.0624, 0.1605, 5e-5);
    expect_interval("0 of 20", cnn_interval_of_share(0, 20), 0.0, 0.1611, 5e-5);
    expect_interval("1 of 29", cnn_interval_of_share(1, 29), 0.0061, 0.1718, 5e-5);
    expect_interval("10 of 10", cnn_interval_of_share(10, 10), 0.72, 1.0, 5e-3);
    expect_interval("1 of 2", cnn_interval_of_share(1, 2), 0.09, 0.91, 6e-3);
    expect_interval("0 of 0", cnn_interval_of_share(0, 0), 0.0, 1.0, 0.0);
    for (int of = 1; of <= 40; of++) {
        for (int part = 0; part <= of; part++) {
            cnn_interval got = cnn_interval_of_share(part, of);
            double share = (double)part / of;
            double below = (share - got.low) / sqrt(got.low * (1.0 - got.low) / of);
            double above = (got.high - share) / sqrt(got.high * (1.0 - got.high) / of);
            if (part > 0) {
                test_near("low", (size_t)part, below, 1.959963984540054, 1e-9);
            }
            if (part < of) {
                test_near("high", (size_t)part, above, 1.959963984540054, 1e-9);
            }
        }
    }
}

/* The mean coverage of Wilson's interval, exactly, over shares from 0.01 to 0.99. */
static void test_wilson_coverage(void **state) {
    (void)state;
    static const int counts[] = {5, 10, 30};
    for (size_t c = 0; c < TEST_COUNT(counts); c++) {
        int n = counts[c];
        double mean = 0.0;
        for (int s = 1; s <= 99; s++) {
            double share = s / 100.0, chance = pow(1.0 - share, n);
            for (int k = 0; k <= n; k++) {
                cnn_interval got = cnn_interval_of_share(k, n);
                mean += share >= got.low && share <= got.high ? chance / 99.0 : 0.0;
                chance *= (double)(n - k) / (k + 1) * share / (1.0 - share);
            }
        }
        print_message("Wilson, %d images: covers %.4f\n", n, mean);
        assert_true(mean > 0.945 && mean < 0.97);
    }
}

/* A normally distributed random number (Box and Muller). */
static double random_normal(uint64_t *random) {
    double first = test_random(random, 1e-300, 1), second = test_random(random, 0, 1);
    return sqrt(-2.0 * log(first)) * cos(6.283185307179586 * second);
}

/* The bounds are where the measured area is 1.96 of its standard errors away; both orders of the
 * classes give the same; a perfect ranking has a width. */
static void test_area_interval(void **state) {
    (void)state;
    static const size_t images[][2] = {{1, 1}, {1, 9}, {5, 5}, {20, 7}, {600, 1400}};
    static const double areas[] = {0.0, 0.1, 0.5, 0.8, 0.97, 1.0};
    for (size_t c = 0; c < TEST_COUNT(images); c++) {
        double m = (double)images[c][0], n = (double)images[c][1], mean = (m + n) / 2.0;
        for (size_t a = 0; a < TEST_COUNT(areas); a++) {
            cnn_interval got = cnn_interval_of_area(areas[a], images[c][0], images[c][1]);
            cnn_interval other = cnn_interval_of_area(1.0 - areas[a], images[c][1], images[c][0]);
            expect_interval("mirrored", other, 1.0 - got.high, 1.0 - got.low, 1e-12);
            assert_true(got.low >= 0.0 && got.high <= 1.0 && got.low < got.high);
            assert_true(got.low <= areas[a] && areas[a] <= got.high);
            for (int end = 0; end < 2; end++) {
                double t = end ? got.high : got.low;
                if (t > 1e-9 && t < 1.0 - 1e-9) { /* as Newcombe writes it */
                    double variance =
                        t * (1.0 - t) / (m * n) *
                        (1.0 + (mean - 1.0) * (1.0 - t) / (2.0 - t) + (mean - 1.0) * t / (1.0 + t));
                    test_near("bound", a, fabs(areas[a] - t) / sqrt(variance), 1.959963984540054,
                              1e-6);
                }
            }
        }
    }
    expect_interval("5 and 5", cnn_interval_of_area(1.0, 5, 5), 0.6427, 1.0, 5e-5);
}

typedef struct coverage_case {
    size_t positives, negatives;
    double area;
} coverage_case;

/* Scores are normally distributed in each class: how often do the intervals contain the true area?
 */
static void test_area_coverage(void **state) {
    (void)state;
    enum { SETS = 4000 };
    static const coverage_case cases[] = {{5, 5, 0.8},    {5, 5, 0.95},   {10, 10, 0.8},
                                          {10, 10, 0.95}, {10, 10, 0.99}, {30, 5, 0.9},
                                          {5, 30, 0.9},   {40, 40, 0.98}};
    static const double shifts[] = {1.190232, 2.326174, 1.190232, 2.326174,
                                    3.289953, 1.812388, 1.812388, 2.904445};
    uint64_t random = 3;
    for (size_t c = 0; c < TEST_COUNT(cases); c++) {
        size_t positives = cases[c].positives, count = positives + cases[c].negatives;
        int covered = 0;
        for (int set = 0; set < SETS; set++) {
            double scores[MOST], area;
            uint8_t labels[MOST];
            cnn_error error;
            for (size_t i = 0; i < count; i++) {
                labels[i] = i < positives;
                scores[i] = random_normal(&random) + (labels[i] ? shifts[c] : 0.0);
            }
            test_ok(cnn_area_under_curve(scores, labels, count, &area, &error), &error);
            cnn_interval got = cnn_interval_of_area(area, positives, cases[c].negatives);
            covered += cases[c].area >= got.low && cases[c].area <= got.high;
        }
        double share = (double)covered / SETS;
        print_message("area %.2f, %zu and %zu images: covers %.4f\n", cases[c].area, positives,
                      cases[c].negatives, share);
        assert_true(share > 0.93);
    }
}

/* Logits of a perfectly calibrated model that gets 95 % of the images right. */
static void random_logits(uint64_t *random, size_t count, float *logits, uint8_t *labels) {
    static const double distance = 3.3; /* of the classes, in standard deviations */
    for (size_t i = 0; i < count; i++) {
        labels[i] = i % 2 == 1;
        double score = random_normal(random) + (labels[i] ? 0.5 : -0.5) * distance;
        logits[i] = (float)(distance * score);
    }
}

/* Ten images of such a model, most often all right: do the intervals by resampling contain the
 * values of a hundred thousand images? Those of the bootstrap alone seldom do. */
static void test_resampled_coverage(void **state) {
    (void)state;
    enum { SETS = 400, COUNT = 10, MANY = 100000 };
    static const cnn_metric_id ids[] = {CNN_METRIC_loss, CNN_METRIC_mcc,
                                        CNN_METRIC_average_precision, CNN_METRIC_brier};
    static float logits[MANY];
    static uint8_t labels[MANY];
    int covered[TEST_COUNT(ids)] = {0}, by_bootstrap[TEST_COUNT(ids)] = {0};
    uint64_t random = 5;
    cnn_error error;
    cnn_metrics truth, m;
    random_logits(&random, MANY, logits, labels);
    test_ok(cnn_metrics_compute(logits, labels, MANY, 0.5, &truth, &error), &error);
    for (int set = 0; set < SETS; set++) {
        cnn_scores scores;
        cnn_interval got[CNN_METRIC_COUNT], alone[CNN_METRIC_COUNT];
        random_logits(&random, COUNT, logits, labels);
        test_ok(cnn_scores_from_logits(logits, labels, COUNT, 1.0, 0.5, &scores, &error), &error);
        cnn_metrics_measure(&scores, NULL, &m);
        test_ok(cnn_intervals_measure(&scores, &m, 1, got, &error), &error);
        test_ok(cnn_bootstrap(&scores, CNN_BOOTSTRAP_SEED, 1, alone, &error), &error);
        for (size_t i = 0; i < TEST_COUNT(ids); i++) {
            double value = cnn_metric_value(&truth, ids[i]);
            covered[i] += value >= got[ids[i]].low && value <= got[ids[i]].high;
            by_bootstrap[i] += value >= alone[ids[i]].low && value <= alone[ids[i]].high;
        }
        cnn_scores_free(&scores);
    }
    for (size_t i = 0; i < TEST_COUNT(ids); i++) {
        print_message("%s: covers %.4f, the bootstrap alone %.4f\n", cnn_metric_table[ids[i]].name,
                      (double)covered[i] / SETS, (double)by_bootstrap[i] / SETS);
        assert_true(covered[i] > 0.93 * SETS);
    }
}

/* All intervals of a set. */
static void intervals_of(const double *p, const uint8_t *y, size_t count, cnn_metrics *metrics,
                         cnn_interval intervals[CNN_METRIC_COUNT]) {
    cnn_error error;
    cnn_scores scores;
    test_ok(cnn_scores_from_probabilities(p, y, count, 0.5, &scores, &error), &error);
    cnn_metrics_measure(&scores, NULL, metrics);
    test_ok(cnn_intervals_measure(&scores, metrics, 2, intervals, &error), &error);
    cnn_scores_free(&scores);
}

/* Few images, all of them right, or all with the same probability, or wrong: every interval has a
 * width, and contains the metric. */
static void test_intervals_have_width(void **state) {
    (void)state;
    uint8_t y[12];
    double p[12];
    for (size_t count = 2; count <= 12; count++) {
        for (int kind = 0; kind < 5; kind++) {
            for (size_t i = 0; i < count; i++) {
                y[i] = i % 2 == 1;
                double right = y[i] ? 1.0 : 0.0;
                p[i] = kind == 0   ? right
                       : kind == 1 ? 0.5
                       : kind == 2 ? 1.0 - right
                       : kind == 3 ? (right + 0.25) / 1.5
                                   : 0.125;
            }
            cnn_metrics m;
            cnn_interval intervals[CNN_METRIC_COUNT];
            intervals_of(p, y, count, &m, intervals);
            for (int id = 0; id < CNN_METRIC_COUNT; id++) {
                double value = cnn_metric_value(&m, (cnn_metric_id)id);
                if (!(intervals[id].low < intervals[id].high && intervals[id].low <= value &&
                      value <= intervals[id].high)) {
                    fail_msg("%s, %zu images, kind %d: %g in [%g, %g]", cnn_metric_table[id].name,
                             count, kind, value, intervals[id].low, intervals[id].high);
                }
            }
            assert_true(intervals[CNN_METRIC_mcc].low > -1.0 - 1e-12);
            assert_true(intervals[CNN_METRIC_brier].high <= 1.0);
        }
    }
}

/* F1 and balanced accuracy from Wilson's intervals; a perfectly calibrated set, of which every
 * resample is worse: its calibration error of 0 is still in the interval. */
static void test_derived_intervals(void **state) {
    (void)state;
    static const double levels[] = {0.25, 0.5, 0.75};
    double p[60];
    uint8_t y[60];
    for (size_t i = 0; i < 60; i++) {
        p[i] = levels[i / 20];
        y[i] = (double)(i % 20) < 20.0 * p[i];
    }
    cnn_metrics m;
    cnn_interval intervals[CNN_METRIC_COUNT];
    intervals_of(p, y, 60, &m, intervals);
    test_near("calibration error", 0, m.ece, 0.0, 1e-12);
    assert_true(intervals[CNN_METRIC_ece].low <= m.ece && intervals[CNN_METRIC_ece].high > 0.03);
    /* of 30 positives, 25 are at 0.5 or more, as are 15 of 30 negatives */
    cnn_interval recall = cnn_interval_of_share(25, 30),
                 specificity = cnn_interval_of_share(15, 30);
    cnn_interval got = intervals[CNN_METRIC_balanced_accuracy],
                 share = cnn_interval_of_share(25, 45);
    test_near("below", 0, pow(2.0 * (m.balanced_accuracy - got.low), 2),
              pow(25.0 / 30 - recall.low, 2) + pow(0.5 - specificity.low, 2), 1e-12);
    test_near("above", 0, pow(2.0 * (got.high - m.balanced_accuracy), 2),
              pow(recall.high - 25.0 / 30, 2) + pow(specificity.high - 0.5, 2), 1e-12);
    got = intervals[CNN_METRIC_f1];
    expect_interval("F1 / (2 - F1)",
                    (cnn_interval){got.low / (2.0 - got.low), got.high / (2.0 - got.high)},
                    share.low, share.high, 1e-12);
}

/* One class: no interval for what does not depend on the predictions; the others have one. */
static void test_intervals_of_one_class(void **state) {
    (void)state;
    for (int label = 0; label < 2; label++) {
        double p[10];
        uint8_t y[10];
        for (size_t i = 0; i < 10; i++) {
            y[i] = (uint8_t)label;
            p[i] = label ? 0.9 : 0.1;
        }
        cnn_metrics m;
        cnn_interval intervals[CNN_METRIC_COUNT];
        intervals_of(p, y, 10, &m, intervals);
        assert_true(isnan(intervals[CNN_METRIC_mcc].low) && isnan(intervals[CNN_METRIC_auc].low));
        assert_true(isnan(intervals[CNN_METRIC_average_precision].low));
        assert_true(isnan(intervals[CNN_METRIC_balanced_accuracy].low));
        int known = label ? CNN_METRIC_recall : CNN_METRIC_specificity;
        int unknown = label ? CNN_METRIC_specificity : CNN_METRIC_recall;
        assert_true(isnan(intervals[unknown].low));
        expect_interval("10 of 10", intervals[known], 0.7225, 1.0, 1e-4);
        expect_interval("10 of 10", intervals[CNN_METRIC_accuracy], 0.7225, 1.0, 1e-4);
        assert_true(intervals[CNN_METRIC_loss].low < intervals[CNN_METRIC_loss].high);
    }
}

/* The set with four more images, written out: its intervals are those of an extended set. */
static void test_add_certain(void **state) {
    (void)state;
    static const double p[] = {0.8, 0.1, 0.7};
    static const uint8_t y[] = {1, 0, 1};
    static const double added[] = {0.0, 1.0, 0.0, 1.0};
    cnn_error error;
    cnn_scores scores, more;
    test_ok(cnn_scores_from_probabilities(p, y, 3, 0.5, &scores, &error), &error);
    test_ok(cnn_scores_add_certain(&scores, &more, &error), &error);
    assert_int_equal(more.count, 7);
    assert_int_equal(more.positives, 4);
    for (size_t i = 0; i < 4; i++) {
        bool positive = i >= 2, right = positive == (added[i] > 0.5);
        /* the most certain image has 0.9: a logit of log(9), which is above log(4) */
        test_near("loss", i, more.loss[3 + i], right ? -log(0.9) : -log(0.1), 1e-12);
        test_near("square", i, more.square[3 + i], right ? 0.0 : 1.0, 0.0);
    }
    assert_memory_equal(more.loss, scores.loss, 3 * sizeof(double));
    cnn_scores_free(&more);
    cnn_scores_free(&scores);
    /* of many images that all have 0.5, the certainty is the chance of an error, 1 / (n + 2) */
    static const double even[] = {0.5, 0.5, 0.5};
    test_ok(cnn_scores_from_probabilities(even, y, 3, 0.5, &scores, &error), &error);
    test_ok(cnn_scores_add_certain(&scores, &more, &error), &error);
    test_near("loss", 4, more.loss[3], -log(0.8), 1e-12);
    test_near("loss", 5, more.loss[4], -log(0.2), 1e-12);
    cnn_scores_free(&more);
    cnn_scores_free(&scores);
    /* saturated: the limits of the loss */
    static const double sure[] = {1.0, 0.0, 1.0};
    test_ok(cnn_scores_from_probabilities(sure, y, 3, 0.5, &scores, &error), &error);
    test_ok(cnn_scores_add_certain(&scores, &more, &error), &error);
    test_near("loss", 6, more.loss[4], 52.0 * log(2.0), 1e-9);
    cnn_scores_free(&more);
    cnn_scores_free(&scores);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_wilson_coverage),
        cmocka_unit_test(test_area_interval),
        cmocka_unit_test(test_area_coverage),
        cmocka_unit_test(test_resampled_coverage),
        cmocka_unit_test(test_add_certain),
        cmocka_unit_test(test_intervals_have_width),
        cmocka_unit_test(test_derived_intervals),
        cmocka_unit_test(test_intervals_of_one_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
