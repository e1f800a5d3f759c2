/* Thresholds by rules, temperatures, and the tests of two models: against searches and sums that
 * follow the definitions, in double, and values known by hand. */
#include "test_support.h"

#include "stats/calibration.h"
#include "stats/compare.h"
#include "base/memory.h"
#include "stats/operating_point.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

enum { MOST = 400 };

/* --- thresholds --- */

typedef struct measured {
    double tp, fp, positives, negatives;
} measured;

static measured measure(const float *p, const uint8_t *y, size_t count, float threshold) {
    measured m = {0};
    for (size_t i = 0; i < count; i++) {
        bool called = p[i] >= threshold;
        m.tp += called && y[i];
        m.fp += called && !y[i];
        m.positives += y[i];
        m.negatives += !y[i];
    }
    return m;
}

static double precision_of(const measured *m) {
    return m->tp + m->fp > 0.0 ? m->tp / (m->tp + m->fp) : 0.0;
}

/* What a rule maximises; for the two rules with a target: what they maximise once it is reached. */
static double worth(const cnn_threshold_rule *rule, const measured *m) {
    switch (rule->kind) {
    case CNN_THRESHOLD_F1:
        return 2.0 * m->tp / (m->tp + m->fp + m->positives);
    case CNN_THRESHOLD_YOUDEN:
        return m->tp / m->positives + (m->negatives - m->fp) / m->negatives - 1.0;
    case CNN_THRESHOLD_RECALL: /* as few images predicted as class 1 as the recall allows */
        return m->tp / m->positives >= rule->target ? -(m->tp + m->fp) : -DBL_MAX;
    case CNN_THRESHOLD_PRECISION: /* below the target: the nearest */
        return precision_of(m) >= rule->target ? 1.0 + m->tp : precision_of(m) - 1.0;
    case CNN_THRESHOLD_COST:
        break;
    }
    return -(rule->false_positive_cost * m->fp +
             rule->false_negative_cost * (m->positives - m->tp));
}

static const char *const rules[] = {
    "f1",           "youden",          "recall>=0.9",      "recall>=1",          "precision>=0.8",
    "precision>=1", "cost fp=1 fn=20", "cost fp=7.5 fn=1", "cost fp=100000 fn=1"};

/* No threshold at, just above or halfway between probabilities is better. */
static void check_rule(const char *text, const float *p, const uint8_t *y, size_t count) {
    cnn_threshold_rule rule;
    cnn_operating_point point;
    cnn_error error;
    assert_true(cnn_threshold_rule_parse(text, &rule));
    test_ok(cnn_operating_point_choose(&rule, p, y, count, &point, &error), &error);
    assert_true(point.threshold >= 0.0f && point.threshold <= 1.0f);
    measured chosen = measure(p, y, count, point.threshold);
    test_near("hits", 0, (double)point.hits, chosen.tp, 0.0);
    test_near("alarms", 0, (double)point.alarms, chosen.fp, 0.0);
    double most = worth(&rule, &chosen);
    assert_true(point.reached ==
                (rule.kind != CNN_THRESHOLD_PRECISION || precision_of(&chosen) >= rule.target));
    for (size_t i = 0; i < count; i++) {
        const float thresholds[] = {0.0f, 1.0f, p[i], nextafterf(p[i], 2.0f), p[i] / 2.0f};
        for (size_t t = 0; t < TEST_COUNT(thresholds); t++) {
            measured other = measure(p, y, count, thresholds[t] > 1.0f ? 1.0f : thresholds[t]);
            double found = worth(&rule, &other);
            if (found > most + 1e-12 * fabs(most)) {
                fail_msg("%s: threshold %.9g is worth %.17g, %.9g is worth %.17g", text,
                         (double)point.threshold, most, (double)thresholds[t], found);
            }
        }
    }
}

static void test_rules(void **state) {
    (void)state;
    uint64_t random = 11;
    float p[MOST];
    uint8_t y[MOST];
    for (int round = 0; round < 30; round++) {
        size_t count = (size_t)test_random(&random, 2.0, 60.0);
        /* few different values make ties; every fifth round has some at 0 and 1 */
        double steps = round % 2 ? 8.0 : 1e6;
        for (size_t i = 0; i < count; i++) {
            p[i] = (float)(floor(test_random(&random, 0.0, 1.0) * steps) / steps);
            y[i] = test_random(&random, 0.0, 1.0) < 0.2 + 0.6 * (double)p[i];
            if (round % 5 == 0 && i % 4 == 0) {
                p[i] = i % 8 ? 1.0f : 0.0f;
            }
        }
        y[0] = 1;
        y[1] = 0;
        for (size_t r = 0; r < TEST_COUNT(rules); r++) {
            check_rule(rules[r], p, y, count);
        }
    }
}

static cnn_operating_point choose(const char *text, const float *p, const uint8_t *y,
                                  size_t count) {
    cnn_threshold_rule rule;
    cnn_operating_point point;
    cnn_error error;
    assert_true(cnn_threshold_rule_parse(text, &rule));
    test_ok(cnn_operating_point_choose(&rule, p, y, count, &point, &error), &error);
    return point;
}

static void test_points_by_hand(void **state) {
    (void)state;
    const float p[] = {0.25f, 0.75f, 0.125f, 0.875f};
    const uint8_t y[] = {0, 1, 0, 1};
    /* all classified correctly: in the middle */
    test_near("f1", 0, (double)choose("f1", p, y, 4).threshold, 0.5, 0.0);
    test_near("youden", 0, (double)choose("youden", p, y, 4).threshold, 0.5, 0.0);
    test_near("recall", 0, (double)choose("recall>=0.5", p, y, 4).threshold, 0.8125, 0.0);
    test_near("precision", 0, (double)choose("precision>=0.5", p, y, 4).threshold, 0.5, 0.0);
    /* thresholds 0.8125 and 0.1875 cost the same and are as far from 0.5: the higher one */
    const uint8_t turned[] = {1, 0, 0, 1};
    test_near("cost", 0, (double)choose("cost fp=1 fn=1", p, turned, 4).threshold, 0.8125, 0.0);
    /* 0.8125 and 0.25 cost the same: the nearer one */
    const float uneven[] = {0.375f, 0.75f, 0.125f, 0.875f};
    test_near("cost", 1, (double)choose("cost fp=1 fn=1", uneven, turned, 4).threshold, 0.25, 0.0);
    /* no threshold has the precision */
    const uint8_t wrong[] = {1, 0, 1, 0};
    cnn_operating_point point = choose("precision>=0.9", p, wrong, 4);
    assert_false(point.reached);
    test_near("nearest", 0, (double)point.threshold, 0.0625, 0.0);
    /* neighbours without a float between them */
    const float close[] = {0.75f, nextafterf(0.75f, 1.0f)};
    const uint8_t rising[] = {0, 1};
    assert_true(choose("f1", close, rising, 2).threshold == close[1]);
    cnn_threshold_rule rule = {.kind = CNN_THRESHOLD_F1};
    cnn_error error;
    const uint8_t all[] = {1, 1};
    assert_int_equal(cnn_operating_point_choose(&rule, close, all, 2, &point, &error),
                     CNN_ERROR_DATA);
    assert_int_equal(cnn_operating_point_choose(&rule, close, all, 0, &point, &error),
                     CNN_ERROR_DATA);
}

/* A share of 19 / 20 reaches "0.95", one of 99 / 100 "0.99", despite rounding. */
static void test_targets(void **state) {
    (void)state;
    float p[MOST];
    uint8_t y[MOST];
    for (size_t count = 2; count < MOST; count++) {
        for (size_t i = 0; i < count; i++) {
            p[i] = (float)(count - i) / (float)(count + 1);
            y[i] = 1;
        }
        y[count - 1] = 0;
        size_t positives = count - 1;
        for (int percent = 1; percent <= 100; percent++) {
            if (positives * (size_t)percent % 100 != 0) {
                continue;
            }
            char text[32];
            (void)snprintf(text, sizeof text, "recall>=%g", percent / 100.0);
            cnn_operating_point point = choose(text, p, y, count);
            assert_int_equal(point.hits, positives * (size_t)percent / 100);
        }
    }
}

static void test_rule_texts(void **state) {
    (void)state;
    static const char *const no_rules[] = {"",
                                           "F1",
                                           "f1 ",
                                           "f11",
                                           "recall",
                                           "recall>=",
                                           "recall>=0",
                                           "recall>=1.0001",
                                           "recall>=nan",
                                           "recall>= 0.5",
                                           "recall>=+0.5",
                                           "recall>=0.5%",
                                           "recall>=0x1p-1",
                                           "precision>=-1",
                                           "cost",
                                           "cost fp=1",
                                           "cost fp=1 fn=0",
                                           "cost fp=1 fn=1e10",
                                           "cost fp=1  fn=1",
                                           "cost fn=1 fp=1",
                                           "cost fp=inf fn=1"};
    for (size_t i = 0; i < TEST_COUNT(no_rules); i++) {
        if (cnn_threshold_rule_is(no_rules[i])) {
            fail_msg("\"%s\" is no rule", no_rules[i]);
        }
    }
    cnn_threshold_rule rule;
    assert_true(cnn_threshold_rule_parse("cost fp=2.5 fn=1e3", &rule));
    assert_int_equal(rule.kind, CNN_THRESHOLD_COST);
    test_near("cost", 0, rule.false_positive_cost, 2.5, 0.0);
    test_near("cost", 1, rule.false_negative_cost, 1000.0, 0.0);
}

/* --- temperatures --- */

static double loss_at(const float *logits, const uint8_t *y, size_t count, double temperature) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double z = (double)logits[i] / temperature;
        sum += fmax(z, 0.0) - z * (double)y[i] + log1p(exp(-fabs(z)));
    }
    return sum / (double)count;
}

static void test_temperature(void **state) {
    (void)state;
    /* all at ±2, 8 of 10 right: sigma(2 / T) = 0.8, T = 2 / ln 4 */
    const float logits[] = {2, 2, 2, 2, 2, -2, -2, -2, -2, -2};
    const uint8_t labels[] = {1, 1, 1, 1, 0, 0, 0, 0, 0, 1};
    double temperature;
    assert_true(cnn_temperature_find(logits, labels, 10, &temperature));
    test_near("by hand", 0, temperature, 2.0 / log(4.0), 1e-14);
    /* images of probability sigma(z / T): the loss is less than at neighbouring temperatures */
    uint64_t random = 5;
    static const double wanted[] = {0.02, 0.4, 1.0, 2.5, 60.0};
    enum { COUNT = 20000 };
    float *z = cnn_alloc(COUNT, sizeof *z);
    uint8_t *y = cnn_alloc(COUNT, 1);
    assert_true(z && y);
    for (size_t k = 0; k < TEST_COUNT(wanted); k++) {
        for (size_t i = 0; i < COUNT; i++) {
            double u = test_random(&random, -3.0, 3.0);
            z[i] = (float)(u * wanted[k]);
            y[i] = test_random(&random, 0.0, 1.0) < 1.0 / (1.0 + exp(-u));
        }
        assert_true(cnn_temperature_find(z, y, COUNT, &temperature));
        test_near("temperature", k, temperature / wanted[k], 1.0, 0.05);
        double least = loss_at(z, y, COUNT, temperature);
        assert_true(least < loss_at(z, y, COUNT, temperature * 1.0001));
        assert_true(least < loss_at(z, y, COUNT, temperature / 1.0001));
    }
    float copy[3] = {1.0f, -3.0f, 0.0f};
    cnn_temperature_apply(2.0, copy, 3);
    assert_true(copy[0] == 0.5f && copy[1] == -1.5f && copy[2] == 0.0f);
    cnn_free(z);
    cnn_free(y);
}

static void test_no_temperature(void **state) {
    (void)state;
    const float logits[] = {3, 1, -1, -2};
    const uint8_t right[] = {1, 1, 0, 0}, wrong[] = {0, 0, 1, 1};
    const float zero[4] = {0}, broken[4] = {1, NAN, 1, 1};
    double temperature = 7.0;
    assert_false(cnn_temperature_find(logits, right, 4, &temperature));
    test_near("all told apart", 0, temperature, 1.0, 0.0);
    assert_false(cnn_temperature_find(logits, wrong, 4, &temperature));
    assert_false(cnn_temperature_find(zero, right, 4, &temperature));
    assert_false(cnn_temperature_find(broken, right, 4, &temperature));
    assert_false(cnn_temperature_find(logits, right, 0, &temperature));
    test_near("none", 0, temperature, 1.0, 0.0);
}

/* --- two models --- */

/* Of b + c tosses of a coin, as few heads as the fewer of the two, or as few tails; binomial
 * coefficients by the gamma function. */
static double binomial_p(size_t b, size_t c) {
    size_t n = b + c, fewer = b < c ? b : c;
    double sum = 0.0;
    for (size_t k = 0; k <= fewer; k++) {
        sum += exp(lgamma((double)n + 1.0) - lgamma((double)k + 1.0) -
                   lgamma((double)(n - k) + 1.0) - (double)n * log(2.0));
    }
    return fmin(1.0, 2.0 * sum);
}

static void test_mcnemar(void **state) {
    (void)state;
    test_near("1, 5: 2 (1 + 6) / 64", 0, cnn_mcnemar_test(1, 5).p, 0.21875, 0.0);
    test_near("0, 10: 2 / 1024", 0, cnn_mcnemar_test(10, 0).p, 0x1p-9, 0.0);
    test_near("equal", 0, cnn_mcnemar_test(7, 7).p, 1.0, 0.0);
    test_near("none", 0, cnn_mcnemar_test(0, 0).p, 1.0, 0.0);
    for (size_t b = 0; b < 1000; b += 37) {
        for (size_t c = 0; b + c < 1000; c += 41) {
            cnn_mcnemar test = cnn_mcnemar_test(b, c);
            double want = binomial_p(b, c);
            assert_true(test.exact && isnan(test.chi_square));
            test_near("exact", b * 1000 + c, test.p, want, 1e-10 * want);
        }
    }
    cnn_mcnemar large = cnn_mcnemar_test(700, 400); /* (300 - 1)^2 / 1100 */
    assert_false(large.exact);
    test_near("chi-square", 0, large.chi_square, 89401.0 / 1100.0, 1e-12);
    test_near("p", 0, large.p, erfc(sqrt(89401.0 / 2200.0)), 1e-30);
    /* 95 % of chi-square with 1 degree of freedom are below 3.8415 */
    cnn_mcnemar edge = cnn_mcnemar_test(5000, 5197);
    test_near("5 %", 0, edge.p, 0.05 - (edge.chi_square - 3.841459) * 0.0299, 1e-3);
    test_near("equal", 1, cnn_mcnemar_test(600, 600).p, 1.0, 0.0);
    /* the two agree where one replaces the other */
    test_near("both", 0, cnn_mcnemar_test(480, 519).p, cnn_mcnemar_test(480, 520).p, 0.02);
}

static double kernel(double positive, double negative) {
    return positive > negative ? 1.0 : positive < negative ? 0.0 : 0.5;
}

/* DeLong's equations with all pairs and both 2 × 2 matrices of covariances. */
static void delong_by_definition(const double *const scores[2], const uint8_t *y, size_t count,
                                 cnn_delong *want) {
    static double v[2][MOST];
    double classes[2] = {0}, covariance[2][2][2] = {{{0}}}, mean[2] = {0};
    for (size_t i = 0; i < count; i++) {
        classes[y[i]] += 1.0;
    }
    for (int r = 0; r < 2; r++) {
        for (size_t i = 0; i < count; i++) {
            v[r][i] = 0.0;
            for (size_t j = 0; j < count; j++) {
                if (y[i] != y[j]) {
                    v[r][i] += y[i] ? kernel(scores[r][i], scores[r][j])
                                    : kernel(scores[r][j], scores[r][i]);
                }
            }
            v[r][i] /= classes[!y[i]];
            mean[r] += y[i] ? v[r][i] / classes[1] : 0.0;
        }
    }
    for (int r = 0; r < 2; r++) {
        for (int s = 0; s < 2; s++) {
            for (size_t i = 0; i < count; i++) {
                covariance[y[i]][r][s] += (v[r][i] - mean[r]) * (v[s][i] - mean[s]);
            }
        }
    }
    double variance = 0.0;
    for (int label = 0; label < 2; label++) {
        variance +=
            (covariance[label][0][0] - 2.0 * covariance[label][0][1] + covariance[label][1][1]) /
            (classes[label] - 1.0) / classes[label];
    }
    want->area[0] = mean[0];
    want->area[1] = mean[1];
    want->difference = mean[0] - mean[1];
    want->standard_error = sqrt(variance);
    want->z = want->difference / want->standard_error;
}

static void test_delong(void **state) {
    (void)state;
    uint64_t random = 23;
    static double first[MOST], second[MOST];
    const double *const scores[2] = {first, second};
    uint8_t y[MOST];
    for (int round = 0; round < 20; round++) {
        size_t count = 10 + (size_t)test_random(&random, 0.0, 300.0);
        for (size_t i = 0; i < count; i++) {
            y[i] = i < 4 ? i % 2 == 1 : test_random(&random, 0.0, 1.0) < 0.3;
            double common = test_random(&random, -1.0, 1.0) + (double)y[i];
            first[i] = common + test_random(&random, -1.0, 1.0);
            second[i] = common + test_random(&random, -0.5, 0.5);
            if (round % 2) { /* many ties, 0 and -0 among them */
                first[i] = round % 4 == 1 ? rint(first[i]) : rint(first[i] * 3.0);
                second[i] = rint(second[i]);
            }
        }
        cnn_delong got, want = {0};
        cnn_error error;
        test_ok(cnn_delong_test(scores, y, count, &got, &error), &error);
        delong_by_definition(scores, y, count, &want);
        test_near("area", 0, got.area[0], want.area[0], 1e-12);
        test_near("area", 1, got.area[1], want.area[1], 1e-12);
        test_near("standard error", 0, got.standard_error, want.standard_error, 1e-12);
        test_near("z", 0, got.z, want.z, 1e-9 * (1.0 + fabs(want.z)));
        test_near("p", 0, got.p, 2.0 * (0.5 * erfc(fabs(want.z) / sqrt(2.0))), 1e-10);
        test_near("low", 0, got.low, want.difference - 1.959964 * want.standard_error, 1e-6);
        test_near("high", 0, got.high, want.difference + 1.959964 * want.standard_error, 1e-6);
    }
}

static void test_delong_edges(void **state) {
    (void)state;
    const double rising[] = {0, 1, 2, 3}, falling[] = {3, 2, 1, 0};
    const double *const same[2] = {rising, rising}, *const other[2] = {rising, falling};
    const uint8_t y[] = {0, 0, 1, 1}, lonely[] = {0, 0, 0, 1}, one[] = {1, 1, 1, 1};
    cnn_delong got;
    cnn_error error;
    test_ok(cnn_delong_test(same, y, 4, &got, &error), &error);
    test_near("p", 0, got.p, 1.0, 0.0);
    test_near("z", 0, got.z, 0.0, 0.0);
    test_ok(cnn_delong_test(other, y, 4, &got, &error), &error);
    test_near("difference", 0, got.difference, 1.0, 0.0);
    test_near("p", 1, got.p, 0.0, 0.0);
    test_ok(cnn_delong_test(other, lonely, 4, &got, &error), &error);
    test_near("difference", 1, got.difference, 1.0, 0.0);
    assert_true(isnan(got.standard_error) && isnan(got.p) && isnan(got.low));
    test_ok(cnn_delong_test(other, one, 4, &got, &error), &error);
    assert_true(isnan(got.area[0]) && isnan(got.difference) && isnan(got.p));
    test_ok(cnn_delong_test(other, one, 0, &got, &error), &error);
    assert_true(isnan(got.area[0]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),        cmocka_unit_test(test_points_by_hand),
        cmocka_unit_test(test_targets),      cmocka_unit_test(test_rule_texts),
        cmocka_unit_test(test_temperature),  cmocka_unit_test(test_no_temperature),
        cmocka_unit_test(test_mcnemar),      cmocka_unit_test(test_delong),
        cmocka_unit_test(test_delong_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
