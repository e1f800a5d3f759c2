/* Means over seeds and images: probabilities against SciPy, tests against sums by hand. */
#include "test_support.h"

#include "stats/crossed.h"
#include "stats/student.h"

#include <math.h>

/* --- probabilities --- */

/* Made by crossed_golden.py. */
static const double betas[][4] = {
    {0.1, 0.5, 0.5, 0.204832764699133},      {0.5, 2.0, 3.0, 0.6875},
    {0.9, 7.5, 1.0, 0.453752280539337},      {0.99, 40.0, 0.5, 0.371386023253984},
    {1e-06, 0.5, 12.0, 0.00386831200331365},
};

static const double tails[][3] = {
    {0.0, 3.0, 0.5},
    {1.0, 1.0, 0.25},
    {12.7, 1.0, 0.0250121638446721},
    {-2.5, 2.0, 0.935194139889245},
    {2.0, 2.7, 0.074711719035251},
    {4.0, 9.0, 0.00155521415519293},
    {1.96, 1000000.0, 0.0249980337926349},
    {6.0, 10000000.0, 9.86621366683891e-10},
    {100000.0, 1.0, 3.1830988617318e-06},
};

static const struct {
    double distance, scale[2], degrees[2], p;
} sums[] = {
    {2.0, {1.0, 1.0}, {1.0, 49.0}, 0.360575842399},
    {0.5, {0.2, 1.0}, {1.0, 19.0}, 0.674473698245},
    {3.0, {1.0, 0.1}, {2.0, 199.0}, 0.0956932263898},
    {2.5, {0.3, 1.0}, {4.0, 1999.0}, 0.0220922524013},
    {20.0, {1.0, 1.0}, {1.0, 99.0}, 0.0318859514989},
    {4.0, {1.0, 1.5}, {7.0, 9.0}, 0.0557312710415},
};

static void test_probabilities(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(betas); i++) {
        test_near("beta", i, cnn_beta_distribution(betas[i][0], betas[i][1], betas[i][2]),
                  betas[i][3], 1e-12);
    }
    for (size_t i = 0; i < TEST_COUNT(tails); i++) {
        double want = tails[i][2];
        test_near("t", i, cnn_student_tail(tails[i][0], tails[i][1]), want, 1e-7 * want);
    }
    for (size_t i = 0; i < TEST_COUNT(sums); i++) {
        test_near("Behrens and Fisher", i,
                  cnn_behrens_fisher_p(sums[i].distance, sums[i].scale, sums[i].degrees), sums[i].p,
                  1e-9);
    }
    assert_true(cnn_beta_distribution(0.0, 2.0, 3.0) <= 0.0);
    assert_true(cnn_beta_distribution(1.0, 2.0, 3.0) >= 1.0);
    assert_true(cnn_student_tail(1e200, 3.0) <= 0.0);
}

/* One scale of 0 leaves Student's t; so nearly does a small one. */
static void test_one_scale(void **state) {
    (void)state;
    const double degrees[] = {3.0, 40.0};
    for (int i = 0; i < 2; i++) {
        double want = 2.0 * cnn_student_tail(2.0, degrees[i]);
        double scale[2] = {0.0, 0.0};
        scale[i] = 0.5;
        test_near("none", (size_t)i, cnn_behrens_fisher_p(1.0, scale, degrees), want, 1e-15);
        scale[1 - i] = 1e-6;
        test_near("small", (size_t)i, cnn_behrens_fisher_p(1.0, scale, degrees), want, 1e-9);
    }
}

/* --- tests --- */

enum { IMAGES = 6, SEEDS = 3 };
static const double cells[SEEDS][IMAGES] = {{0.5, -0.25, 1.0, 0.75, 0.0, 1.0},
                                            {0.25, 0.25, 1.5, 0.5, -0.5, 1.0},
                                            {1.0, 1.5, 1.75, 2.25, 1.25, 2.75}};

/* Measures the cells of the first seeds. shared: does image i have the same name in each? */
static cnn_crossed_test measure(int seeds, bool shared) {
    double value[SEEDS] = {0}, part[SEEDS * IMAGES];
    uint64_t image[SEEDS * IMAGES];
    size_t count = 0;
    cnn_crossed_test test;
    cnn_error error;
    for (int seed = 0; seed < seeds; seed++) {
        for (int i = 0; i < IMAGES; i++) {
            value[seed] += cells[seed][i] / IMAGES;
        }
        for (int i = 0; i < IMAGES; i++) {
            image[count] = (uint64_t)(shared ? i : i + IMAGES * seed) * 0x9e3779b97f4a7c15u;
            part[count++] = (cells[seed][i] - value[seed]) / sqrt(IMAGES * (IMAGES - 1.0));
        }
    }
    const cnn_crossed crossed = {
        .value = value, .seeds = seeds, .image = image, .part = part, .count = count};
    test_ok(cnn_crossed_measure(&crossed, &test, &error), &error);
    return test;
}

static double mean_of(int seed) {
    double sum = 0.0;
    for (int i = 0; i < IMAGES; i++) {
        sum += cells[seed][i] / IMAGES;
    }
    return sum;
}

/* The covariance of two seeds' means through the images; their variance, if they are the same. */
static double covariance(int a, int b) {
    double sum = 0.0;
    for (int i = 0; i < IMAGES; i++) {
        sum += (cells[a][i] - mean_of(a)) * (cells[b][i] - mean_of(b));
    }
    return sum / (IMAGES - 1.0) / IMAGES;
}

static void test_one_seed(void **state) {
    (void)state;
    cnn_crossed_test test = measure(1, true);
    double error = sqrt(covariance(0, 0));
    test_near("mean", 0, test.mean, 0.5, 1e-15);
    test_near("standard error", 0, test.standard_error, error, 1e-15);
    test_near("p", 0, test.p, 2.0 * cnn_student_tail(0.5 / error, IMAGES - 1.0), 1e-15);
}

static void test_seeds(void **state) {
    (void)state;
    double mean = 0.0, squares = 0.0, between = 0.0, all = 0.0;
    for (int a = 0; a < SEEDS; a++) {
        mean += mean_of(a) / SEEDS;
        for (int b = 0; b < SEEDS; b++) {
            between += a != b ? covariance(a, b) / (SEEDS * SEEDS) : 0.0;
            all += covariance(a, b) / (SEEDS * SEEDS);
        }
    }
    for (int a = 0; a < SEEDS; a++) {
        squares += (mean_of(a) - mean) * (mean_of(a) - mean);
    }
    double of_seeds = squares / (SEEDS - 1.0) / SEEDS;
    const double scale[] = {sqrt(of_seeds), sqrt(between)};
    const double degrees[] = {SEEDS - 1.0, IMAGES - 1.0};
    double given = 2.0 * cnn_student_tail(mean / sqrt(all), IMAGES - 1.0);
    cnn_crossed_test test = measure(SEEDS, true);
    assert_true(between > 0.0 && of_seeds + between > all); /* so that both parts count */
    test_near("mean", 0, test.mean, mean, 1e-15);
    test_near("standard error", 0, test.standard_error, sqrt(fmax(all, of_seeds + between)), 1e-15);
    test_near("p", 0, test.p, fmax(given, cnn_behrens_fisher_p(mean, scale, degrees)), 1e-14);
    /* other images for each seed: they have no covariance */
    test = measure(SEEDS, false);
    double own = 0.0;
    for (int a = 0; a < SEEDS; a++) {
        own += covariance(a, a) / (SEEDS * SEEDS);
    }
    test_near("other images", 0, test.standard_error, sqrt(fmax(own, of_seeds)), 1e-15);
    given = 2.0 * cnn_student_tail(mean / sqrt(own), SEEDS * IMAGES - 1.0);
    test_near("other images", 1, test.p,
              fmax(given, 2.0 * cnn_student_tail(mean / sqrt(of_seeds), SEEDS - 1.0)), 1e-14);
}

/* Seeds that agree by chance do not make a difference certain: the images remain. */
static void test_equal_seeds(void **state) {
    (void)state;
    const double value[] = {0.25, 0.25}, part[] = {0.1, -0.1, 0.1, -0.1, -0.1, 0.1, -0.1, 0.1};
    const uint64_t image[] = {1, 2, 3, 4, 1, 2, 3, 4};
    cnn_crossed_test test;
    cnn_error error;
    cnn_crossed crossed = {.value = value, .seeds = 2, .image = image, .part = part, .count = 4};
    test_ok(cnn_crossed_measure(&crossed, &test, &error), &error);
    test_near("p", 0, test.p, 2.0 * cnn_student_tail(0.25 / 0.1, 3.0), 1e-14);
    crossed.count = 8; /* what one seed loses by an image, the other one gains */
    test_ok(cnn_crossed_measure(&crossed, &test, &error), &error);
    test_near("p without variance", 0, test.p, 1.0, 0.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probabilities), cmocka_unit_test(test_one_scale),
        cmocka_unit_test(test_one_seed),      cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_equal_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
