/* Sections of a report of runs of unusual kinds: no epoch, one, very many; values that are not
 * there.
 */
#include "test_support.h"

#include "base/memory.h"
#include "report/sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Epochs whose losses fall like 1 / epoch. */
static cnn_epoch_row *make_epochs(size_t count) {
    cnn_epoch_row *rows = cnn_alloc(count, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < count; i++) {
        double epoch = (double)i + 1.0;
        rows[i] = (cnn_epoch_row){.epoch = (int64_t)i + 1,
                                  .learning_rate = 0.1,
                                  .train = cnn_metrics_none(),
                                  .validation = cnn_metrics_none()};
        rows[i].train.loss = 0.6 / epoch;
        rows[i].train.accuracy = 1.0 - 0.3 / epoch;
        rows[i].validation.loss = 0.7 / epoch + 0.001 * (double)(i % 7);
        rows[i].validation.accuracy = 1.0 - 0.4 / epoch;
        rows[i].validation.auc = 1.0 - 0.2 / epoch;
    }
    return rows;
}

/* The section of curves of a run with these epochs, of which the last is kept; to free. NULL: it is
 * empty. */
static char *curves(cnn_epoch_row *rows, size_t count) {
    cnn_report_run run = {.epochs = rows, .epoch_count = count, .model_epoch = (int64_t)count};
    const cnn_report report = {.title = "run", .classes = {"cat", "dog"}, .run = &run};
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_error error;
    test_ok(cnn_report_curves(&html, &report, &error), &error);
    assert_int_equal(html.depth, 0);
    return text.length > 0 ? cnn_text_take(&text) : NULL;
}

static void expect(const char *text, const char *part) {
    if (!text || !strstr(text, part)) {
        fail_msg("expected \"%s\" in %s", part, text ? text : "(nothing)");
    }
}

static void expect_no_nan(const char *text) {
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
}

static void test_no_epoch(void **state) {
    (void)state;
    assert_null(curves(NULL, 0));
}

static void test_one_epoch(void **state) {
    (void)state;
    cnn_epoch_row *rows = make_epochs(1);
    char *text = curves(rows, 1);
    expect(text, "Training loss: 0.6 in epoch 1");
    expect(text, "The learning rate was 0.1 in every epoch.");
    expect_no_nan(text);
    cnn_text_release(text);
    cnn_free(rows);
}

/* Early epochs, or all, have no validation metrics; a metric may be missing alone. */
static void test_missing_values(void **state) {
    (void)state;
    cnn_epoch_row *rows = make_epochs(9);
    rows[0].validation = rows[1].validation = cnn_metrics_none();
    rows[3].validation.auc = (double)NAN;
    char *text = curves(rows, 9);
    expect(text, "<td class=\"number\">–</td>");
    expect(text, "validation accuracy");
    expect_no_nan(text);
    cnn_text_release(text);
    for (int i = 0; i < 9; i++) {
        rows[i].validation = cnn_metrics_none();
        rows[i].learning_rate = 0.1 / (i + 1);
    }
    text = curves(rows, 9);
    expect(text, "Learning rate: 0.1 in epoch 1, 0.01111 in epoch 9.");
    assert_null(strstr(text, "Validation loss"));
    expect_no_nan(text);
    cnn_text_release(text);
    cnn_free(rows);
}

/* The page stays small. */
static void test_many_epochs(void **state) {
    (void)state;
    enum { MANY = 100000 };
    cnn_epoch_row *rows = make_epochs(MANY);
    for (int i = 0; i < MANY; i++) {
        rows[i].validation.loss = (double)NAN;
    }
    rows[77777].validation.loss = 0.6; /* a peak that must not be lost: at the top of the chart */
    rows[77778].validation.loss = rows[77776].validation.loss = 0.3;
    char *text = curves(rows, MANY);
    assert_in_range(strlen(text), 1000, 200000);
    expect(text, "in epoch 100000");
    /* validation losses: the lower one before the peak, and the peak */
    const char *line = strstr(text, "class=\"line series-2\" d=\"M");
    double x[2], y[2];
    assert_non_null(line);
    assert_int_equal(sscanf(strchr(line, 'M'), "M%lf %lfL%lf %lf", &x[0], &y[0], &x[1], &y[1]), 4);
    assert_true(y[1] < y[0] - 50);
    cnn_text_release(text);
    cnn_free(rows);
}

/* Two members of a set that were tested on the same images. */
static void test_comparison(void **state) {
    (void)state;
    cnn_report_member members[2] = {{.link = (char[]){"a/report.html"}},
                                    {.link = (char[]){"b/report.html"}}};
    const cnn_report_comparison best = {
        .first = 1,
        .second = 0,
        .mcnemar = {.only_first = 12, .only_second = 3, .exact = true, .p = 0.0352},
        .delong = {.difference = 0.02, .low = 0.005, .high = 0.035, .p = 0.0089}};
    cnn_report_set set = {.member = "member", .count = 2, .members = members, .best = &best};
    const cnn_report report = {.title = "sweep", .classes = {"cat", "dog"}, .set = &set};
    for (int compared = 1; compared >= 0; compared--) {
        cnn_text text = {0};
        cnn_html html = cnn_html_start(&text);
        cnn_error error;
        set.best = compared ? &best : NULL;
        test_ok(cnn_report_members(&html, &report, &error), &error);
        expect(text.data, "href=\"b/report.html\"");
        expect(text.data, compared ? "member 2 and member 1, on the same images: only the first is "
                                     "right 12 times, only the second 3 times"
                                   : "cannot be compared image by image");
        cnn_text_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_epoch),       cmocka_unit_test(test_one_epoch),
        cmocka_unit_test(test_missing_values), cmocka_unit_test(test_many_epochs),
        cmocka_unit_test(test_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
