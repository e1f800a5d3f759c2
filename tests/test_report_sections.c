/* Sections of a report of runs of unusual kinds: no epoch, one, very many; values that are not
 * there; figures and words; what the validation images chose; how a run is repeated. */
#include "test_support.h"

#include "base/memory.h"
#include "report/advice.h"
#include "report/figures.h"
#include "report/sections.h"
#include "report/validation_use.h"

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
                                   : "no two members can be compared image by image");
        cnn_text_free(&text);
    }
}

/* --- figures --- */

/* Less than all is never 100 %, and more than none never 0 %. */
static void test_shares(void **state) {
    (void)state;
    static const struct {
        double share;
        const char *text;
    } cases[] = {{0.0, "0.0 %"},        {1.0, "100.0 %"},           {0.95, "95.0 %"},
                 {0.9994, "99.9 %"},    {1999.0 / 2000, "99.95 %"}, {1.0 / 2000, "0.05 %"},
                 {0.99996, "99.996 %"}, {0.001, "0.1 %"},           {0.0005, "0.05 %"},
                 {0.00004, "0.004 %"},  {1e-30, "0.000000000 %"},   {NAN, "–"}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_text text = {0};
        cnn_html html = cnn_html_start(&text);
        cnn_share(&html, cases[i].share);
        assert_string_equal(text.data, cases[i].text);
        cnn_text_free(&text);
    }
}

static void test_words(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_prose(&html, "`--a` or <b>: `c`.");
    cnn_path_text(&html, "/x/y&/z.png");
    cnn_figure(&html, "", "k", 1234.6, 0);
    assert_string_equal(text.data, "<code>--a</code> or &lt;b&gt;: <code>c</code>."
                                   "/<wbr>x/<wbr>y&amp;/<wbr>z.png"
                                   "<data value=\"1234.6\" data-from=\"k\">1,235</data>");
    cnn_text_free(&text);
}

/* --- sections of a run with a config --- */

static const char config_text[] =
    "{\"data\": {\"train\": \"images\"}, \"image\": {\"width\": 4, \"height\": 4, \"channels\": 1},"
    " \"layers\": [{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, "
    "{\"type\": \"sigmoid\"}], \"train\": {\"epochs\": 3}}";

typedef cnn_status section(cnn_html *html, const cnn_report *report, cnn_error *error);

/* The section of a run of 3 epochs with 2,000 validation images, of which one is wrong, and these
 * overrides; to free. */
static char *section_of(section *write, cnn_report_run *run, const char *const *overrides,
                        size_t count) {
    cnn_error error;
    test_ok(cnn_config_parse("config", config_text, strlen(config_text), overrides, count,
                             &run->config, &error),
            &error);
    cnn_epoch_row *rows = make_epochs(3);
    cnn_measured *validation = &run->measured[CNN_SPLIT_VALIDATION];
    *validation = (cnn_measured){.metrics = cnn_metrics_none()};
    run->measured[CNN_SPLIT_TEST].metrics = cnn_metrics_none();
    validation->metrics.count = 2000;
    validation->metrics.true_positives = 1000;
    validation->metrics.true_negatives = 999;
    validation->metrics.false_positives = 1;
    validation->metrics.accuracy = 1999.0 / 2000;
    validation->intervals[CNN_METRIC_accuracy] = (cnn_interval){0.9972, 0.9999};
    run->epochs = rows;
    run->epoch_count = run->epoch_count ? run->epoch_count : 3;
    run->model_epoch = run->best_epoch = 3;
    run->version = (char[]){"1"};
    run->config_text = (char[]){"{}"};
    run->isa = (char[]){"generic"};
    run->split_images[CNN_SPLIT_TRAIN][0] = run->split_images[CNN_SPLIT_TRAIN][1] = 1000;
    const cnn_report report = {
        .title = "run", .classes = {"cat", "dog"}, .run = run, .model_sha256 = "0"};
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    test_ok(write(&html, &report, &error), &error);
    assert_int_equal(html.depth, 0);
    cnn_config_free(run->config);
    cnn_free(rows);
    return cnn_text_take(&text);
}

/* What the page says about validation images is what they were used for. */
static void test_validation_use(void **state) {
    (void)state;
    static const struct {
        const char *overrides[3];
        size_t count;
        const char *text;
    } cases[] = {
        {{""}, 0, "validation images, which also chose the epoch, "},
        {{"train.early_stopping.restore=false"}, 1, "which took no part in training, "},
        {{"train.early_stopping.restore=false", "train.calibrate=true"},
         2,
         "which also chose the temperature, "},
        {{"train.threshold=youden", "train.calibrate=true"},
         2,
         "which also chose the epoch, the temperature and the threshold, "},
        {{"train.early_stopping.restore=false", "train.early_stopping.patience=2"},
         2,
         "which also chose the end of training, "},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_report_run run = {0};
        char *text = section_of(cnn_report_verdict, &run, cases[i].overrides, cases[i].count);
        expect(text, cases[i].text);
        cnn_text_release(text);
    }
    cnn_report_run run = {.chosen = 2, .chosen_of = 5};
    char *text = section_of(cnn_report_verdict, &run, NULL, 0);
    expect(text, "which also chose the epoch and this run among those of the sweep, ");
    cnn_text_release(text);
}

/* The rules are on the page, also those that do not apply. */
static void test_rules(void **state) {
    (void)state;
    cnn_report_run run = {.stopped_early = true}; /* else it would be improving */
    static const char *const none[] = {"train.early_stopping.restore=false"};
    char *text = section_of(cnn_report_verdict, &run, none, 1);
    expect(text, "1,999 are classified correctly: <data");
    expect(text, ">99.95 %</data>");
    expect(text, ">99.7 %</data> to <data");
    expect(text, "<p>None of the 17 warnings applies.</p>");
    expect(text, "<summary>When these warnings appear</summary>");
    for (const cnn_advice *rule = cnn_advice_table; rule->name; rule++) {
        expect(text, rule->title);
    }
    expect(text, "is wider than 10 percentage points");
    expect(text, "is above 0.05, and more than chance: |z| &gt; 2.576");
    cnn_text_release(text);
}

/* The command repeats the run, or the page says that nothing does. */
static void test_command(void **state) {
    (void)state;
    static const char *const minutes[] = {"train.minutes=5", "data.train=/images"};
    cnn_report_run plain = {0}, timed = {0}, cut = {.epoch_count = 2};
    char *text = section_of(cnn_report_made, &plain, NULL, 0);
    expect(text, ">cnntrain --config repeat.json --out repeated</code>");
    expect(text, "(<code>data.train</code> is <bdi>images</bdi>)");
    expect(text, "byte for byte");
    cnn_text_release(text);
    text = section_of(cnn_report_made, &timed, minutes, 2);
    expect(text, ">cnntrain --config repeat.json --out repeated train.minutes=0</code>");
    expect(text, "to any folder");
    expect(text, "byte for byte");
    cnn_text_release(text);
    text = section_of(cnn_report_made, &cut, NULL, 0);
    expect(text, "cannot be repeated exactly: the clock ended its training in epoch 2 of 3");
    assert_null(strstr(text, "byte for byte"));
    cnn_text_release(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_epoch),       cmocka_unit_test(test_one_epoch),
        cmocka_unit_test(test_missing_values), cmocka_unit_test(test_many_epochs),
        cmocka_unit_test(test_comparison),     cmocka_unit_test(test_shares),
        cmocka_unit_test(test_words),          cmocka_unit_test(test_validation_use),
        cmocka_unit_test(test_rules),          cmocka_unit_test(test_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
