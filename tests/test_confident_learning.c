/* Confident learning by hand, on a few images. */
#include "stats/confident_learning.h"
#include "test_support.h"

#include <math.h>
#include <string.h>

static cnn_label_doubts found(const double *p, const uint8_t *y, size_t count) {
    cnn_label_doubts doubts;
    cnn_error error;
    test_ok(cnn_label_doubts_find(p, y, count, &doubts, &error), &error);
    return doubts;
}

/* Thresholds: class 0: (0.9 + 0.8 + 0.7 + 0.2 + 0.375) / 5 = 0.595; class 1: (0.9 + 0.7 + 0.8 + 0.1
 * + 0.5) / 5 = 0.6.
 *
 *   image  label  p(0)   p(1)   confident in
 *     0      0    0.9    0.1    0
 *     1      0    0.8    0.2    0
 *     2      0    0.7    0.3    0
 *     3      0    0.2    0.8    1: suspicious, margin -0.6
 *     4      0    0.375  0.625  1: suspicious, margin -0.25
 *     5      1    0.1    0.9    1
 *     6      1    0.3    0.7    1
 *     7      1    0.2    0.8    1
 *     8      1    0.9    0.1    0: suspicious, margin -0.8
 *     9      1    0.5    0.5    none */
static void test_by_hand(void **state) {
    (void)state;
    static const double p[] = {0.1, 0.2, 0.3, 0.8, 0.625, 0.9, 0.7, 0.8, 0.1, 0.5};
    static const uint8_t y[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
    static const size_t ranking[] = {8, 3, 4, 9, 2, 6, 1, 7, 0, 5};
    cnn_label_doubts doubts = found(p, y, 10);
    test_near("threshold", 0, doubts.threshold[0], (0.9 + 0.8 + 0.7 + 0.2 + 0.375) / 5.0, 1e-15);
    test_near("threshold", 1, doubts.threshold[1], 0.6, 1e-15);
    assert_int_equal(doubts.joint[0][0], 3);
    assert_int_equal(doubts.joint[0][1], 2);
    assert_int_equal(doubts.joint[1][0], 1);
    assert_int_equal(doubts.joint[1][1], 3);
    assert_int_equal(doubts.suspicious, 3);
    /* rows scaled to 5 images each, the whole to 1 */
    test_near("share", 0, doubts.share[0][0], 0.3, 1e-15);
    test_near("share", 1, doubts.share[0][1], 0.2, 1e-15);
    test_near("share", 2, doubts.share[1][0], 0.125, 1e-15);
    test_near("share", 3, doubts.share[1][1], 0.375, 1e-15);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(doubts.ranking[i], ranking[i]);
    }
    cnn_label_doubts_free(&doubts);
}

/* A model that leans to class 1: thresholds 0.25 and 0.875. Both images with label 0 and a
 * probability of 0.75 are confident in 0 only, as class 1 is expected to reach 0.875: they are
 * mistakes, but not suspicious. */
static void test_leaning(void **state) {
    (void)state;
    static const double p[] = {0.75, 0.75, 0.875, 0.875};
    static const uint8_t y[] = {0, 0, 1, 1};
    static const size_t ranking[] = {0, 1, 2, 3};
    cnn_label_doubts doubts = found(p, y, 4);
    assert_int_equal(doubts.joint[0][0], 2);
    assert_int_equal(doubts.joint[1][1], 2);
    assert_int_equal(doubts.suspicious, 0);
    assert_memory_equal(doubts.ranking, ranking, sizeof ranking);
    cnn_label_doubts_free(&doubts);
}

/* Confident in both classes: thresholds 0.5 and 0.5. The larger probability decides, then the
 * label. */
static void test_both(void **state) {
    (void)state;
    static const double p[] = {0.25, 0.75, 0.5, 0.5, 0.25, 0.75};
    static const uint8_t y[] = {0, 0, 0, 1, 1, 1};
    static const size_t ranking[] = {1, 4, 2, 3, 0, 5};
    cnn_label_doubts doubts = found(p, y, 6);
    test_near("threshold", 0, doubts.threshold[0], 0.5, 0.0);
    test_near("threshold", 1, doubts.threshold[1], 0.5, 0.0);
    assert_int_equal(doubts.joint[0][0], 2);
    assert_int_equal(doubts.joint[0][1], 1);
    assert_int_equal(doubts.joint[1][0], 1);
    assert_int_equal(doubts.joint[1][1], 2);
    assert_memory_equal(doubts.ranking, ranking, sizeof ranking);
    cnn_label_doubts_free(&doubts);
}

/* Thresholds 0.592 and 0.938. Image 2, label 0, p(1) = 0.85: confident in none, margin -0.7. Image
 * 3, label 1, p(0) = 0.62: suspicious, margin -0.24; it is ranked before image 2 all the same. */
static void test_suspicious_first(void **state) {
    (void)state;
    static const double p[] = {0.25, 0.125, 0.85, 0.38, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const uint8_t y[] = {0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    cnn_label_doubts doubts = found(p, y, 13);
    assert_int_equal(doubts.suspicious, 1);
    assert_int_equal(doubts.joint[0][0] + doubts.joint[0][1], 2);
    assert_int_equal(doubts.ranking[0], 3);
    assert_int_equal(doubts.ranking[1], 2);
    cnn_label_doubts_free(&doubts);
}

/* A probability at the threshold is enough. Three times 0.1 have a mean above 0.1 in double: no
 * image with label 1 is confident, and all count as right. */
static void test_at_the_threshold(void **state) {
    (void)state;
    static const double p[] = {0.25, 0.75, 0.75, 0.75};
    static const uint8_t y[] = {0, 0, 1, 1};
    cnn_label_doubts doubts = found(p, y, 4);
    assert_int_equal(doubts.suspicious, 1);
    assert_int_equal(doubts.ranking[0], 1);
    cnn_label_doubts_free(&doubts);
    static const double q[] = {0.05, 0.1, 0.1, 0.1};
    static const uint8_t z[] = {0, 1, 1, 1};
    doubts = found(q, z, 4);
    assert_int_equal(doubts.joint[1][0] + doubts.joint[1][1], 0);
    test_near("share", 0, doubts.share[1][1], 0.75, 0.0);
    cnn_label_doubts_free(&doubts);
}

/* Without images of a class nothing is suspicious. */
static void test_one_class(void **state) {
    (void)state;
    static const double p[] = {0.9, 0.2, 0.0, 1.0};
    static const uint8_t y[] = {1, 1, 1, 1};
    for (size_t count = 0; count <= 4; count++) {
        cnn_label_doubts doubts = found(p, y, count);
        assert_true(isnan(doubts.threshold[0]));
        assert_int_equal(doubts.suspicious, 0);
        if (count > 0) {
            test_near("share", count, doubts.share[1][1], 1.0, 0.0);
        }
        if (count == 4) {
            static const size_t ranking[] = {2, 1, 0, 3};
            assert_memory_equal(doubts.ranking, ranking, sizeof ranking);
        }
        cnn_label_doubts_free(&doubts);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_leaning),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_suspicious_first),
        cmocka_unit_test(test_at_the_threshold),
        cmocka_unit_test(test_one_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
