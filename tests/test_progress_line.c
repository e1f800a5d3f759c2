/* The progress line: what it says, its width, and what it leaves out. */
#include "cli/progress_line.h"
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const cnn_train_progress middle = {.epoch = 12,
                                          .epochs = 53,
                                          .batch = 5,
                                          .batches = 10,
                                          .loss = 0.2134,
                                          .images_per_second = 18008,
                                          .seconds_left = 83.4};

static cnn_curve falling(int epochs) {
    cnn_curve curve = {0};
    for (int i = 0; i < epochs; i++) {
        cnn_curve_add(&curve, epochs - i);
    }
    return curve;
}

/* Columns of a text: its characters, without the codes of colours. */
static int columns_of(const char *text) {
    int columns = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '\033') {
            c = strchr(c, 'm');
            assert_non_null(c);
        } else if (((unsigned char)*c & 0xc0) != 0x80) {
            columns++;
        }
    }
    return columns;
}

static void expect(const cnn_train_progress *progress, const cnn_curve *curve, double validation,
                   cnn_line_style style, const char *expected) {
    cnn_text line = {0};
    cnn_progress_line(progress, curve, validation, &style, &line);
    assert_false(line.failed);
    assert_string_equal(line.data, expected);
    cnn_text_free(&line);
}

static void test_whole_line(void **state) {
    (void)state;
    const cnn_curve curve = falling(4);
    expect(&middle, &curve, 0.30231, (cnn_line_style){.columns = 120, .unicode = true},
           "epoch 12/53 ━━━━━━────────────────────────  loss 0.2134 █▆▃▁  validation 0.3023  "
           "18008 images/s  1:23 left");
    expect(&middle, &curve, NAN, (cnn_line_style){.columns = 76},
           "epoch 12/53 #####...................  loss 0.2134  18008 images/s  1:23 left");
    expect(&middle, &curve, NAN, (cnn_line_style){.columns = 76, .colour = true},
           "epoch 12/53 \033[32m#####\033[0m...................  loss 0.2134  18008 images/s  "
           "1:23 left");
}

static void test_folds_and_hours(void **state) {
    (void)state;
    cnn_train_progress progress = middle;
    progress.fold = 2;
    progress.folds = 5;
    progress.seconds_left = 3725;
    const cnn_curve none = {0};
    expect(&progress, &none, NAN, (cnn_line_style){.columns = 69},
           "fold 2/5 epoch 12/53 #....  loss 0.2134  18008 images/s  1:02:05 left");
}

static void expect_sweep(const cnn_sweep_progress *progress, int columns, const char *wanted) {
    const cnn_line_style style = {.columns = columns};
    cnn_text line = {0};
    cnn_sweep_line(progress, &style, &line);
    assert_false(line.failed);
    assert_string_equal(line.data, wanted);
    cnn_text_free(&line);
}

static void test_sweep(void **state) {
    (void)state;
    cnn_sweep_progress all = {.runs = 12,
                              .finished = 3,
                              .running = 2,
                              .rung = 1,
                              .rungs = 1,
                              .share = 0.25,
                              .seconds_left = NAN};
    expect_sweep(&all, 34, "runs 3/12 ###..........  2 running");
    all.failed = 1;
    all.rungs = 3;
    all.seconds_left = 250;
    expect_sweep(&all, 59, "rung 1/3 runs 3/12 ##......  1 failed  2 running  4:10 left");
    expect_sweep(&all, 55, "rung 1/3 runs 3/12 ###............  1 failed  4:10 left");
    expect_sweep(&all, 30, "runs 3/12  1 failed  4:10 left");
    expect_sweep(&all, 22, "runs 3/12  1 failed");
    expect_sweep(&all, 12, "runs 3/12");
}

/* No line is wider than the window, and each leaves out the least important part only. */
static void test_widths(void **state) {
    (void)state;
    const cnn_curve curve = falling(200);
    for (int columns = 12; columns < 200; columns++) {
        for (int kind = 0; kind < 4; kind++) {
            cnn_line_style style = {columns, (kind & 1) != 0, (kind & 2) != 0};
            cnn_text line = {0};
            cnn_progress_line(&middle, &curve, 0.5, &style, &line);
            assert_false(line.failed);
            assert_true(columns_of(line.data) <= columns);
            assert_memory_equal(line.data, "epoch 12/53", 11);
            if (columns >= 120) { /* nothing is left out */
                assert_non_null(strstr(line.data, "images/s"));
                assert_true(!style.unicode || strstr(line.data, "▁"));
            }
            cnn_text_free(&line);
        }
    }
}

/* 1,000 epochs become at most CNN_CURVE_MAX means, in order; a loss that is not finite is left out.
 */
static void test_curve(void **state) {
    (void)state;
    const cnn_curve curve = falling(1000);
    assert_true(curve.count >= CNN_CURVE_MAX / 2 && curve.count < CNN_CURVE_MAX);
    assert_int_equal(curve.each, 16);
    assert_true(curve.value[0] == 1000 - 7.5);
    for (int i = 1; i < curve.count; i++) {
        assert_true(curve.value[i] == curve.value[i - 1] - 16);
    }
    cnn_curve other = falling(3);
    cnn_curve_add(&other, NAN);
    cnn_curve_add(&other, INFINITY);
    assert_int_equal(other.count, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_line), cmocka_unit_test(test_folds_and_hours),
        cmocka_unit_test(test_sweep),      cmocka_unit_test(test_widths),
        cmocka_unit_test(test_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
