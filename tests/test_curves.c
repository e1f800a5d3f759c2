/* Curves against scikit-learn's points and the definitions of the metrics; bands against draws that
 * are measured one by one; reliability, histogram and thresholds by hand. */
#include "stats/curves.h"
#include "base/memory.h"
#include "base/sort.h"
#include "test_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GOLDEN = 40 };

/* Made by tests/curves_golden.py with scikit-learn 1.9.1. */
static const double roc[][2] = {{0, 0},
                                {0.0476190476, 0.0526315789},
                                {0.0952380952, 0.105263158},
                                {0.0952380952, 0.210526316},
                                {0.142857143, 0.263157895},
                                {0.238095238, 0.263157895},
                                {0.285714286, 0.315789474},
                                {0.380952381, 0.315789474},
                                {0.380952381, 0.421052632},
                                {0.428571429, 0.473684211},
                                {0.476190476, 0.526315789},
                                {0.476190476, 0.578947368},
                                {0.523809524, 0.631578947},
                                {0.571428571, 0.684210526},
                                {0.619047619, 0.736842105},
                                {0.666666667, 0.789473684},
                                {0.666666667, 0.842105263},
                                {0.761904762, 0.842105263},
                                {0.80952381, 0.894736842},
                                {0.857142857, 0.947368421},
                                {0.952380952, 0.947368421},
                                {1, 1}};
static const double precision_recall[][2] = {
    {0.0526315789, 0.5},        {0.105263158, 0.5},         {0.210526316, 0.666666667},
    {0.263157895, 0.625},       {0.263157895, 0.5},         {0.315789474, 0.5},
    {0.315789474, 0.428571429}, {0.421052632, 0.5},         {0.473684211, 0.5},
    {0.526315789, 0.5},         {0.578947368, 0.523809524}, {0.631578947, 0.52173913},
    {0.684210526, 0.52},        {0.736842105, 0.518518519}, {0.789473684, 0.517241379},
    {0.842105263, 0.533333333}, {0.842105263, 0.5},         {0.894736842, 0.5},
    {0.947368421, 0.5},         {0.947368421, 0.473684211}, {1, 0.475}};
static const double reliability[][2] = {{0.025, 0.25}, {0.1, 0.5},   {0.175, 0.25}, {0.25, 1},
                                        {0.3, 0.5},    {0.375, 0.5}, {0.45, 0.5},   {0.5, 1},
                                        {0.575, 0.5},  {0.65, 1},    {0.7, 0},      {0.775, 0.25},
                                        {0.85, 0.5},   {0.9, 1},     {0.975, 0.5}};

static cnn_scores golden_scores(void) {
    double p[GOLDEN];
    uint8_t y[GOLDEN];
    cnn_scores scores;
    cnn_error error;
    for (int i = 0; i < GOLDEN; i++) { /* as in curves_golden.py */
        p[i] = (i * 37 % 21) / 20.0;
        y[i] = i * 37 % 21 + 2 * (i * i % 13) > 22;
    }
    test_ok(cnn_scores_from_probabilities(p, y, GOLDEN, 0.5, &scores, &error), &error);
    return scores;
}

/* Scores of random images, with ties. Free with cnn_scores_free. */
static cnn_scores random_scores(size_t count, uint64_t seed) {
    double *p = cnn_alloc(count, sizeof *p);
    uint8_t *y = cnn_alloc(count, sizeof *y);
    cnn_scores scores;
    cnn_error error;
    assert_true(p && y);
    for (size_t i = 0; i < count; i++) {
        y[i] = i % 3 == 0;
        double value = test_random(&seed, 0.0, 0.75) + (y[i] ? 0.25 : 0.0);
        p[i] = i % 4 == 0 ? floor(value * 50.0) / 50.0 : value;
    }
    test_ok(cnn_scores_from_probabilities(p, y, count, 0.5, &scores, &error), &error);
    cnn_free(p);
    cnn_free(y);
    return scores;
}

static cnn_curves measured(const cnn_scores *scores, int threads) {
    cnn_curves curves;
    cnn_error error;
    test_ok(cnn_curves_measure(scores, threads, &curves, &error), &error);
    return curves;
}

/* --- points --- */

static int column_of(double x) {
    return x < 1.0 ? (int)(x * CNN_CURVE_COLUMNS + 1e-7) : CNN_CURVE_COLUMNS - 1;
}

static bool same_point(const cnn_curve *curve, size_t i, const double point[2]) {
    return fabs(curve->x[i] - point[0]) < 1e-8 && fabs(curve->y[i] - point[1]) < 1e-8;
}

/* The curve has the points of the list, in order, but for those between the lowest and the highest
 * of their column. */
static void expect_points(const cnn_curve *curve, const double (*points)[2], size_t count) {
    size_t kept = 0;
    for (size_t g = 0; g < count; g++) {
        if (kept < curve->count && same_point(curve, kept, points[g])) {
            kept++;
            continue;
        }
        assert_true(kept > 0 && kept < curve->count);
        double low = 2.0, high = -1.0;
        for (size_t i = 0; i < curve->count; i++) {
            if (column_of(curve->x[i]) == column_of(points[g][0])) {
                low = fmin(low, curve->y[i]);
                high = fmax(high, curve->y[i]);
            }
        }
        assert_true(low <= points[g][1] + 1e-8 && points[g][1] <= high + 1e-8);
    }
    assert_int_equal(kept, curve->count);
}

static void test_points(void **state) {
    (void)state;
    cnn_scores scores = golden_scores();
    cnn_curves curves = measured(&scores, 1);
    expect_points(&curves.roc, roc, TEST_COUNT(roc));
    expect_points(&curves.precision_recall, precision_recall, TEST_COUNT(precision_recall));
    cnn_scores_free(&scores);
}

/* Areas below the curves as they are drawn. */
static double straight_area(const cnn_curve *curve) {
    double area = 0.0;
    for (size_t i = 1; i < curve->count; i++) {
        area += (curve->x[i] - curve->x[i - 1]) * (curve->y[i] + curve->y[i - 1]) / 2.0;
    }
    return area;
}

static double step_area(const cnn_curve *curve) {
    double area = 0.0;
    for (size_t i = 0; i < curve->count; i++) {
        area += (curve->x[i] - (i > 0 ? curve->x[i - 1] : 0.0)) * curve->y[i];
    }
    return area;
}

/* Of few images, the areas are the metrics; of many, almost, with a bounded number of points. */
static void test_areas(void **state) {
    (void)state;
    static const size_t counts[] = {2, 7, 40, 90, 20000};
    for (size_t c = 0; c < TEST_COUNT(counts); c++) {
        cnn_scores scores = random_scores(counts[c], 5 + c);
        cnn_metrics metrics;
        cnn_metrics_measure(&scores, NULL, &metrics);
        cnn_curves curves = measured(&scores, 2);
        double off = counts[c] > 1000 ? 0.01 : 1e-12;
        test_near("auc", c, straight_area(&curves.roc), metrics.auc, off);
        test_near("ap", c, step_area(&curves.precision_recall), metrics.average_precision, off);
        assert_true(curves.roc.count <= CNN_CURVE_POINTS_MAX);
        assert_true(curves.precision_recall.count <= CNN_CURVE_POINTS_MAX);
        test_near("last", c, curves.roc.x[curves.roc.count - 1], 1.0, 0.0);
        test_near("last", c, curves.roc.y[curves.roc.count - 1], 1.0, 0.0);
        cnn_scores_free(&scores);
    }
}

/* --- bands --- */

/* Recall and precision with a threshold, by the definition. */
typedef struct rates {
    double false_positive_rate, recall, precision;
} rates;

static rates rates_at(const cnn_scores *scores, const uint32_t *times, double threshold) {
    double above[2] = {0.0, 0.0}, all[2] = {0.0, 0.0};
    for (size_t i = 0; i < scores->count; i++) {
        const cnn_ranked_image *image = &scores->ranked[i];
        double here = times ? times[image->image] : 1.0;
        all[image->label] += here;
        above[image->label] += image->probability >= threshold ? here : 0.0;
    }
    return (rates){.false_positive_rate = above[0] / all[0],
                   .recall = above[1] / all[1],
                   .precision = above[1] > 0.0 ? above[1] / (above[0] + above[1]) : 0.0};
}

/* The curves at x: the recall between the points around it, and the precision of the first one that
 * reaches it. */
static void values_at(const cnn_scores *scores, const uint32_t *times, double x, double values[2]) {
    rates before = {0.0, 0.0, 0.0};
    values[0] = 1.0;
    values[1] = -1.0;
    bool found = false;
    for (size_t i = 0; i < scores->count; i++) {
        rates now = rates_at(scores, times, scores->ranked[i].probability);
        if (!found && now.false_positive_rate > x + 1e-9) {
            double way = (x - before.false_positive_rate) /
                         (now.false_positive_rate - before.false_positive_rate);
            values[0] = before.recall + way * (now.recall - before.recall);
            found = true;
        }
        if (values[1] < 0.0 && now.recall >= x - 1e-9 && now.recall > 0.0) {
            values[1] = now.precision;
        }
        before = now;
    }
}

static void test_bands(void **state) {
    (void)state;
    enum { COUNT = 12, PLACE = 30 };
    static double drawn[2][CNN_BOOTSTRAP_RESAMPLES];
    cnn_error error;
    cnn_scores scores = random_scores(COUNT, 11), more;
    test_ok(cnn_scores_add_certain(&scores, &more, &error), &error);
    uint8_t labels[COUNT + 4];
    for (size_t i = 0; i < more.count; i++) {
        labels[more.ranked[i].image] = more.ranked[i].label;
    }
    for (size_t r = 0; r < CNN_BOOTSTRAP_RESAMPLES; r++) {
        uint32_t times[COUNT + 4];
        double values[2];
        cnn_bootstrap_draw(labels, more.count, more.positives, CNN_BOOTSTRAP_SEED, r, times);
        values_at(&more, times, PLACE / 100.0, values);
        drawn[0][r] = values[0];
        drawn[1][r] = values[1];
    }
    cnn_curves curves = measured(&scores, 1), again = measured(&scores, 4);
    assert_memory_equal(&curves, &again, sizeof curves);
    const cnn_curve *both[2] = {&curves.roc, &curves.precision_recall};
    for (int c = 0; c < 2; c++) {
        double at[2];
        values_at(&scores, NULL, PLACE / 100.0, at);
        qsort(drawn[c], CNN_BOOTSTRAP_RESAMPLES, sizeof(double), cnn_compare_doubles);
        test_near("at", (size_t)c, both[c]->at[PLACE], at[c], 1e-12);
        test_near("low", (size_t)c, both[c]->band[PLACE].low, fmin(drawn[c][24], at[c]), 1e-12);
        test_near("high", (size_t)c, both[c]->band[PLACE].high, fmax(drawn[c][975], at[c]), 1e-12);
    }
    cnn_scores_free(&scores);
    cnn_scores_free(&more);
}

/* All places, of curves by the definition; every band contains its curve. */
static void test_places(void **state) {
    (void)state;
    for (size_t count = 2; count < 60; count += 7) {
        cnn_scores scores = random_scores(count, count);
        cnn_curves curves = measured(&scores, 1);
        for (size_t i = 0; i < CNN_CURVE_BAND; i++) {
            double at[2];
            values_at(&scores, NULL, (double)i / 100.0, at);
            test_near("roc", i, curves.roc.at[i], at[0], 1e-9);
            test_near("precision", i, curves.precision_recall.at[i], at[1], 1e-9);
            assert_true(curves.roc.band[i].low <= curves.roc.at[i]);
            assert_true(curves.roc.band[i].high >= curves.roc.at[i]);
        }
        cnn_scores_free(&scores);
    }
}

/* The precision-recall curve begins with the precision of the first recall above 0. */
static void test_first_is_wrong(void **state) {
    (void)state;
    static const double p[] = {0.9, 0.8, 0.7};
    static const uint8_t y[] = {0, 1, 0};
    cnn_scores scores;
    cnn_error error;
    test_ok(cnn_scores_from_probabilities(p, y, 3, 0.5, &scores, &error), &error);
    cnn_curves curves = measured(&scores, 1);
    test_near("precision", 0, curves.precision_recall.at[0], 0.5, 0.0);
    test_near("recall", 49, curves.roc.at[49], 0.0, 0.0);
    test_near("recall", 50, curves.roc.at[50], 1.0, 0.0);
    cnn_scores_free(&scores);
}

/* A perfect model of few images is not certain to be perfect. */
static void test_perfect(void **state) {
    (void)state;
    static const double p[] = {0.1, 0.2, 0.3, 0.7, 0.8, 0.9};
    static const uint8_t y[] = {0, 0, 0, 1, 1, 1};
    cnn_scores scores;
    cnn_error error;
    test_ok(cnn_scores_from_probabilities(p, y, 6, 0.5, &scores, &error), &error);
    cnn_curves curves = measured(&scores, 1);
    test_near("roc", 0, curves.roc.at[0], 1.0, 0.0);
    assert_true(curves.roc.band[0].low < 0.6);
    test_near("high", 0, curves.roc.band[0].high, 1.0, 0.0);
    assert_true(curves.precision_recall.band[100].low < 0.9);
    cnn_scores_free(&scores);
}

static void test_one_class(void **state) {
    (void)state;
    static const double p[] = {0.25, 0.75};
    static const uint8_t y[] = {1, 1};
    cnn_error error;
    for (size_t count = 0; count <= 2; count++) {
        cnn_scores scores;
        cnn_reliability_bin bins[CNN_CALIBRATION_BINS];
        cnn_probability_histogram histogram;
        cnn_threshold_row rows[CNN_THRESHOLD_ROWS_MAX];
        test_ok(cnn_scores_from_probabilities(p, y, count, 0.5, &scores, &error), &error);
        cnn_curves curves = measured(&scores, 1);
        assert_int_equal(curves.roc.count, 0);
        assert_int_equal(curves.precision_recall.count, 0);
        cnn_reliability_measure(&scores, bins);
        cnn_probability_histogram_measure(&scores, &histogram);
        assert_int_equal(cnn_threshold_table(&scores, rows), 13);
        assert_true(isnan(rows[0].metrics.specificity));
        cnn_scores_free(&scores);
    }
}

/* --- the others --- */

static void test_reliability(void **state) {
    (void)state;
    cnn_scores scores = golden_scores();
    cnn_reliability_bin bins[CNN_CALIBRATION_BINS];
    cnn_reliability_measure(&scores, bins);
    for (size_t b = 0; b < CNN_CALIBRATION_BINS; b++) {
        test_near("bound", b, bins[b].bound, (double)(b + 1) / 15.0, 1e-15);
        test_near("mean", b, bins[b].mean_probability, reliability[b][0], 1e-8);
        test_near("share", b, bins[b].share, reliability[b][1], 1e-8);
        assert_true(bins[b].interval.low <= bins[b].share &&
                    bins[b].share <= bins[b].interval.high);
    }
    cnn_scores_free(&scores);
    for (size_t count = 2; count < 500; count = count * 3 + 1) {
        scores = random_scores(count, count);
        cnn_metrics metrics;
        cnn_metrics_measure(&scores, NULL, &metrics);
        cnn_reliability_measure(&scores, bins);
        double gaps = 0.0;
        for (int b = 0; b < CNN_CALIBRATION_BINS; b++) {
            gaps += bins[b].count == 0 ? 0.0
                                       : (double)bins[b].count / (double)count *
                                             fabs(bins[b].share - bins[b].mean_probability);
        }
        test_near("calibration error", count, gaps, metrics.ece, 1e-12);
        cnn_scores_free(&scores);
    }
}

static void test_histogram(void **state) {
    (void)state;
    static const double p[] = {0.0, 0.049, 0.05, 0.5, 0.949, 0.95, 1.0, 1.0};
    static const uint8_t y[] = {0, 0, 0, 1, 1, 0, 1, 1};
    cnn_scores scores;
    cnn_probability_histogram histogram;
    cnn_error error;
    test_ok(cnn_scores_from_probabilities(p, y, 8, 0.5, &scores, &error), &error);
    cnn_probability_histogram_measure(&scores, &histogram);
    static const size_t wanted[2][CNN_HISTOGRAM_BINS] = {{[0] = 2, [1] = 1, [19] = 1},
                                                         {[10] = 1, [18] = 1, [19] = 2}};
    assert_memory_equal(histogram.count, wanted, sizeof wanted);
    cnn_scores_free(&scores);
}

static void test_thresholds(void **state) {
    (void)state;
    static const double p[] = {0.05, 0.3, 0.35, 0.6, 0.995};
    static const uint8_t y[] = {0, 1, 0, 1, 1};
    cnn_scores scores;
    cnn_threshold_row rows[CNN_THRESHOLD_ROWS_MAX];
    cnn_error error;
    test_ok(cnn_scores_from_probabilities(p, y, 5, 0.33, &scores, &error), &error);
    assert_int_equal(cnn_threshold_table(&scores, rows), 14);
    const cnn_threshold_row *own = &rows[5]; /* after 0.01, 0.05, 0.1, 0.2, 0.3 */
    assert_true(own->own && !rows[4].own);
    test_near("threshold", 5, own->threshold, (double)0.33f, 0.0);
    assert_int_equal(own->metrics.true_positives, 2);
    assert_int_equal(own->metrics.false_positives, 1);
    assert_int_equal(own->metrics.true_negatives, 1);
    assert_int_equal(own->metrics.false_negatives, 1);
    test_near("precision", 5, own->metrics.precision, 2.0 / 3.0, 1e-15);
    test_near("recall", 5, own->metrics.recall, 2.0 / 3.0, 1e-15);
    test_near("specificity", 5, own->metrics.specificity, 0.5, 1e-15);
    test_near("f1", 5, own->metrics.f1, 2.0 / 3.0, 1e-15);
    assert_int_equal(rows[0].metrics.true_positives, 3);
    assert_int_equal(rows[13].metrics.true_positives, 1);
    scores.threshold = 0.5; /* one of the others */
    assert_int_equal(cnn_threshold_table(&scores, rows), 13);
    assert_true(rows[6].own && !rows[5].own && !rows[7].own);
    scores.threshold = 1.0;
    assert_int_equal(cnn_threshold_table(&scores, rows), 14);
    assert_true(rows[13].own);
    scores.threshold = (double)NAN;
    assert_int_equal(cnn_threshold_table(&scores, rows), 13);
    cnn_scores_free(&scores);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),         cmocka_unit_test(test_areas),
        cmocka_unit_test(test_bands),          cmocka_unit_test(test_places),
        cmocka_unit_test(test_first_is_wrong), cmocka_unit_test(test_perfect),
        cmocka_unit_test(test_one_class),      cmocka_unit_test(test_reliability),
        cmocka_unit_test(test_histogram),      cmocka_unit_test(test_thresholds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
