/* Convolutions by Winograd's F(4×4, 3×3): every instruction set against the slow twins in double
 * and against each other, and how their error compares with that of the plain sums. */
#include "conv_case.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>

/* --- results --- */

/* Images with all remainders of the tile size 4, and paddings that shift the tiles. Where the
 * output is odd, pooling leaves out its last row or column. */
static void test_sizes(void **state) {
    (void)state;
    const int sides[][2] = {{5, 5},  {6, 7},  {7, 6}, {8, 13},  {13, 5},  {14, 8}, {16, 6},
                            {5, 33}, {33, 7}, {3, 3}, {16, 15}, {14, 14}, {4, 2},  {33, 14}};
    const int paddings[] = {0, 1, CONV_SAME, 2, 3, 6};
    size_t round = 0, served = 0;
    for (size_t i = 0; i < TEST_COUNT(sides); i++) {
        for (size_t p = 0; p < TEST_COUNT(paddings); p++, round++) {
            served += conv_case_test((conv_case){
                .size = {.C = 16, .H = sides[i][0], .W = sides[i][1], .K = 16, .R = 3, .stride = 1},
                .padding = paddings[p],
                .first = round % 7 == 6,
                .relu = round % 3 != 0,
                .pool = (i + p) % 2 == 0,
                .after = round % 5 < 2 ? "conv 2 5 1 same, " : NULL,
                .seed = round});
        }
    }
    assert_int_equal(served, 79); /* the others' tiles would be half empty */
}

/* Whole and broken vectors of channels, all tiles of filters. */
static void test_channels_and_filters(void **state) {
    (void)state;
    const int counts[] = {16, 17, 19, 31, 32, 33, 48, 22, 24, 27};
    const int sides[][2] = {{6, 5}, {4, 7}, {4, 6}};
    size_t round = 0;
    for (size_t i = 0; i < TEST_COUNT(counts); i++) {
        for (size_t j = 0; j < TEST_COUNT(counts); j += 3, round++) {
            const int *side = sides[round % TEST_COUNT(sides)];
            assert_true(
                conv_case_test((conv_case){.size = {.C = counts[i],
                                                    .H = side[0],
                                                    .W = side[1],
                                                    .K = counts[(i + j) % TEST_COUNT(counts)],
                                                    .R = 3,
                                                    .stride = 1},
                                           .padding = 2,
                                           .relu = round % 2 == 0,
                                           .pool = round / 2 % 2 == 0,
                                           .seed = round}));
        }
    }
}

/* --- errors --- */

/* The largest error of y, dx, dw and db against the numbers in double. */
typedef struct errors {
    double part[CONV_PARTS];
} errors;

/* Adds the case's errors to the largest so far. */
static void measure(conv_case c, const double *want, errors *largest) {
    double *got = cnn_alloc(c.start[CONV_PARTS], sizeof *got);
    assert_non_null(got);
    conv_case_run(&c, test_kernels(), got);
    for (int part = 0; part < CONV_PARTS; part++) {
        for (size_t i = c.start[part]; i < c.start[part + 1]; i++) {
            double gap = fabs(got[i] - want[i]);
            largest->part[part] = gap <= largest->part[part] ? largest->part[part] : gap;
        }
    }
    cnn_free(got);
}

/* Both ways, on the same data. */
static void compare(conv_case c, errors *direct, errors *winograd) {
    assert_true(conv_case_create(&c));
    double *want = cnn_alloc(c.start[CONV_PARTS], sizeof *want);
    assert_non_null(want);
    conv_case_reference(&c, want);
    measure(c, want, winograd);
    c.direct = true;
    measure(c, want, direct);
    cnn_free(want);
    conv_case_free(&c);
}

/* The largest ratio of the errors that one shape makes both ways, over several seeds; printed. */
static double worst_ratio(const int shape[4], bool sparse) {
    static const char *const names[CONV_PARTS] = {"y", NULL, "dx", "dw", "db"};
    bool large = shape[0] * shape[1] * shape[2] * shape[2] > 1 << 18;
    uint64_t seeds = large ? 1 : test_is_soak() ? 4 : 2;
    errors direct = {{0}}, winograd = {{0}};
    double worst = 0.0;
    for (uint64_t seed = 100; seed < 100 + seeds; seed++) {
        compare((conv_case){.size = {.C = shape[0],
                                     .H = shape[2],
                                     .W = shape[2],
                                     .K = shape[1],
                                     .R = 3,
                                     .stride = 1},
                            .padding = shape[3],
                            .sparse = sparse,
                            .seed = seed},
                &direct, &winograd);
    }
    printf("%3d -> %3d @ %2d%s:", shape[0], shape[1], shape[2], sparse ? " sparse" : "");
    for (int part = 0; part < CONV_PARTS; part++) {
        if (names[part]) {
            double ratio = winograd.part[part] / direct.part[part];
            printf("  %s %.2e / %.2e = %.2f", names[part], winograd.part[part], direct.part[part],
                   ratio);
            worst = ratio <= worst ? worst : ratio; /* NaN is kept */
        }
    }
    printf("\n");
    return worst;
}

/* The promise: Winograd's error stays within this many times that of the plain sums. */
#define RATIO_BOUND 4.0

static const int error_shapes[][4] = {
    /* channels, filters, height and width, padding */
    {16, 16, 8, 0},  {16, 32, 14, 1},  {17, 33, 13, 1}, {32, 32, 12, 1},
    {48, 24, 10, 0}, {128, 128, 8, 1}, {32, 64, 32, 1}, {64, 128, 16, 1},
};

/* The last two take two thirds of the time. */
static size_t shape_count(void) {
    return test_is_soak() ? TEST_COUNT(error_shapes) : TEST_COUNT(error_shapes) - 2;
}

static void test_errors(void **state) {
    (void)state;
    double worst = 0.0;
    for (size_t i = 0; i < shape_count(); i++) {
        worst = fmax(worst, worst_ratio(error_shapes[i], false));
    }
    test_near("ratio of errors", 0, worst, 0.0, RATIO_BOUND);
}

/* Gradients after a max-pooling, three quarters of which are 0: the plain sums have a quarter of
 * the terms, but a transform uses all. Only this order of magnitude is promised here. */
static void test_errors_of_sparse_gradients(void **state) {
    (void)state;
    double worst = 0.0;
    for (size_t i = 0; i < shape_count(); i++) {
        worst = fmax(worst, worst_ratio(error_shapes[i], true));
    }
    test_near("ratio of errors", 0, worst, 0.0, 2.0 * RATIO_BOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_channels_and_filters),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_errors_of_sparse_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
