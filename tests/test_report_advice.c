/* The rules of a report's verdict: each with a run on either side of its bound, in which no other
 * rule applies. */
#include "test_support.h"

#include "base/memory.h"
#include "report/advice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EPOCHS = 20, IMAGES = 1000 };

/* A report, and what it points to. */
typedef struct made {
    cnn_report report;
    cnn_report_run run;
    cnn_report_set set;
    cnn_epoch_row epochs[EPOCHS];
    uint8_t labels[IMAGES];
    double probabilities[IMAGES];
} made;

/* 10,000 images, half of each class, 90 % of each classified correctly. */
static cnn_measured good(void) {
    cnn_measured measured = {.metrics = cnn_metrics_none()};
    cnn_metrics *m = &measured.metrics;
    m->count = 10000;
    m->true_positives = m->true_negatives = 4500;
    m->false_positives = m->false_negatives = 500;
    m->accuracy = m->balanced_accuracy = 0.9;
    m->auc = 0.95;
    m->loss = 0.3;
    m->ece = 0.02;
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        double value = cnn_metric_value(m, (cnn_metric_id)id);
        measured.intervals[id] = (cnn_interval){value - 0.01, value + 0.01};
    }
    return measured;
}

static const char config[] =
    "{\"data\": {\"train\": \"x\"}, \"image\": {\"width\": 4, \"height\": 4, \"channels\": 1},"
    " \"layers\": [{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, "
    "{\"type\": \"sigmoid\"}], \"train\": {\"epochs\": 20}}";

/* A run that no rule finds fault with. */
static made *make(void) {
    made *m = cnn_alloc(1, sizeof *m);
    cnn_error error;
    assert_non_null(m);
    test_ok(cnn_config_parse("config", config, strlen(config), NULL, 0, &m->run.config, &error),
            &error);
    m->run.epochs = m->epochs;
    m->run.epoch_count = EPOCHS;
    m->run.best_epoch = m->run.model_epoch = EPOCHS;
    for (int i = 0; i < EPOCHS; i++) {
        double loss = i < 10 ? 0.7 - 0.04 * i : 0.3;
        m->epochs[i] = (cnn_epoch_row){.epoch = i + 1, .learning_rate = 0.1};
        m->epochs[i].train.loss = m->epochs[i].validation.loss = loss;
    }
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        m->run.split_images[split][0] = m->run.split_images[split][1] = 5000;
    }
    m->run.measured[CNN_SPLIT_VALIDATION] = m->run.measured[CNN_SPLIT_TEST] = good();
    for (int i = 0; i < IMAGES; i++) { /* calibrated: 90 % sure, and right in 90 % */
        bool right = i % 20 >= 2;
        m->probabilities[i] = i % 2 ? 0.9 : 0.1;
        m->labels[i] = (uint8_t)(right ? i % 2 : 1 - i % 2);
    }
    m->report = (cnn_report){.title = "run",
                             .classes = {"cat", "dog"},
                             .images_count = 1,
                             .images = {{.name = "test",
                                         .count = IMAGES,
                                         .labels = m->labels,
                                         .probabilities = m->probabilities,
                                         .measured = good()}},
                             .run = &m->run};
    return m;
}

static void release(made *m) {
    cnn_config_free(m->run.config);
    cnn_free(m);
}

/* --- one change per rule: beyond its bound, or just within --- */

typedef void change(made *m, bool beyond);

static cnn_measured *test_of(made *m) {
    return &m->run.measured[CNN_SPLIT_TEST];
}

static void unmeasured(made *m, bool beyond) {
    test_of(m)->metrics.count = 0;
    m->run.epoch_count = 0; /* else the validation images chose the epoch */
    m->run.config->train.epochs = 0;
    m->run.measured[CNN_SPLIT_VALIDATION].metrics.count = beyond ? 0 : 10000;
}

static void one_sided(made *m, bool beyond) {
    cnn_metrics *t = &test_of(m)->metrics;
    t->true_positives = beyond ? 0 : 1;
    t->false_positives = 0;
    t->false_negatives = beyond ? 5000 : 4999;
    t->true_negatives = 5000;
}

static void no_better(made *m, bool beyond) {
    cnn_metrics *t = &test_of(m)->metrics;
    t->true_negatives = 4000; /* 80 % are of class 0 */
    t->false_positives = 4000;
    t->true_positives = t->false_negatives = 1000;
    test_of(m)->intervals[CNN_METRIC_accuracy].low = beyond ? 0.8 : 0.8001;
    test_of(m)->intervals[CNN_METRIC_accuracy].high = 0.85;
}

static void lacks_class(made *m, bool beyond) {
    cnn_metrics *t = &test_of(m)->metrics;
    t->true_positives = beyond ? 0 : 1;
    t->false_negatives = 0;
    t->false_positives = 1;
    /* not no_better: with one class, the interval says nothing about guessing */
    test_of(m)->intervals[CNN_METRIC_accuracy] =
        beyond ? (cnn_interval){0.85, 0.95} : (cnn_interval){0.9999, 1.0};
}

static void wide(made *m, bool beyond) {
    test_of(m)->intervals[CNN_METRIC_accuracy] = (cnn_interval){0.85, beyond ? 0.9501 : 0.9499};
}

static void no_test(made *m, bool beyond) {
    test_of(m)->metrics.count = beyond ? 0 : 10000;
}

/* Each bound is 0.01 from its metric, so the bound of the difference is sqrt(2) times that. */
static void validation_better(made *m, bool beyond) {
    cnn_measured *v = &m->run.measured[CNN_SPLIT_VALIDATION];
    v->metrics.accuracy = test_of(m)->metrics.accuracy + (beyond ? 0.0142 : 0.0141);
    v->intervals[CNN_METRIC_accuracy].low = v->metrics.accuracy - 0.01;
}

static void validation_better_auc(made *m, bool beyond) {
    cnn_measured *v = &m->run.measured[CNN_SPLIT_VALIDATION];
    v->metrics.auc = test_of(m)->metrics.auc + (beyond ? 0.0142 : 0.0141);
    v->intervals[CNN_METRIC_auc].low = v->metrics.auc - 0.01;
}

/* Too sure, by more than chance. */
static void miscalibrated(made *m, bool beyond) {
    for (int i = 0; i < IMAGES; i++) {
        m->probabilities[i] = i % 2 ? 0.99 : 0.01;
    }
    m->report.images[0].measured.metrics.ece = beyond ? 0.051 : 0.049;
}

/* A large calibration error of images that are calibrated: it is chance. */
static void miscalibrated_by_chance(made *m, bool beyond) {
    m->report.images[0].measured.metrics.ece = 0.2;
    for (int i = 0; i < IMAGES && beyond; i++) {
        m->labels[i] = (uint8_t)(i % 20 >= 4 ? i % 2 : 1 - i % 2);
    }
}

static void overfitting(made *m, bool beyond) {
    for (int i = 15; i < EPOCHS; i++) {
        m->epochs[i].train.loss = 0.2;
        m->epochs[i].validation.loss = beyond ? 0.34 : 0.32;
    }
}

/* Both losses rise: no overfitting. */
static void overfitting_both(made *m, bool beyond) {
    overfitting(m, true);
    for (int i = 15; i < EPOCHS && !beyond; i++) {
        m->epochs[i].train.loss = 0.28;
    }
}

static void improving(made *m, bool beyond) {
    m->epochs[EPOCHS - 1].validation.loss = beyond ? 0.2935 : 0.2945; /* 2 % are 0.294 */
}

/* 10 %, but of next to nothing. */
/* Of two epochs, the last tenth is the last one. */
static void improving_soon(made *m, bool beyond) {
    m->run.epoch_count = 2;
    m->run.config->train.epochs = 2;
    m->epochs[0].validation.loss = 0.3;
    m->epochs[1].validation.loss = beyond ? 0.29 : 0.3;
}

static void improving_little(made *m, bool beyond) {
    double scale = beyond ? 1.0 : 0.1;
    for (int i = 0; i < EPOCHS; i++) {
        m->epochs[i].validation.loss = scale * (i < EPOCHS - 1 ? 0.3 : 0.27);
    }
}

static void improving_without_validation(made *m, bool beyond) {
    for (int i = 0; i < EPOCHS; i++) {
        m->epochs[i].validation.loss = (double)NAN;
    }
    m->run.measured[CNN_SPLIT_VALIDATION].metrics = cnn_metrics_none();
    m->epochs[EPOCHS - 1].train.loss = beyond ? 0.29 : 0.3;
}

static void cut_short(made *m, bool beyond) {
    m->run.config->train.epochs = beyond ? EPOCHS + 1 : EPOCHS;
}

static void cut_short_by_rule(made *m, bool beyond) {
    m->run.config->train.epochs = EPOCHS + 1;
    m->run.stopped_early = !beyond;
}

/* In the middle of the last epoch. */
static void cut_short_at_last(made *m, bool beyond) {
    m->run.train.count = beyond ? 9984 : 10000;
}

static void time_is_up(made *m, bool beyond) {
    cut_short(m, beyond);
    m->run.config->train.minutes = 0.5;
    m->run.ended_by_minutes = beyond;
}

static void few_images(made *m, bool beyond) {
    m->run.split_images[CNN_SPLIT_TRAIN][0] = 500;
    m->run.split_images[CNN_SPLIT_TRAIN][1] = beyond ? 99 : 100;
}

static void one_image(made *m, bool beyond) {
    m->run.split_images[CNN_SPLIT_TRAIN][0] = m->run.split_images[CNN_SPLIT_TRAIN][1] =
        beyond ? 1 : 100;
}

static void few_images_of_folds(made *m, bool beyond) {
    m->report.set = &m->set;
    memset(m->run.split_images, 0, sizeof m->run.split_images);
    m->run.split_images[CNN_SPLIT_TEST][0] = beyond ? 99 : 100;
    m->run.split_images[CNN_SPLIT_TEST][1] = 500;
}

static void rare_class(made *m, bool beyond) {
    m->run.split_images[CNN_SPLIT_TRAIN][0] = beyond ? 9001 : 9000;
    m->run.split_images[CNN_SPLIT_TRAIN][1] = 1000;
}

static void mixed_groups(made *m, bool beyond) {
    m->run.mixed_groups = beyond;
}

static void bad_images(made *m, bool beyond) {
    m->run.bad_images = beyond;
}

static void copies(made *m, bool beyond) {
    m->run.copies_left_out = beyond;
}

static const struct {
    const char *rule;
    change *change;
    const char *text; /* part of what the page says */
} cases[] = {
    {"unmeasured", unmeasured, "nothing is known"},
    {"one_sided", one_sided, "every image as <bdi class=\"class-0\">cat</bdi>"},
    {"no_better", no_better, "would be right for 80.0 % of these images"},
    {"lacks_class", lacks_class, "<bdi class=\"class-1\">dog</bdi>"},
    {"wide", wide, ">85.0 %</data> to <data"},
    {"no_test", no_test, "The validation images also chose the epoch, so"},
    {"validation_better", validation_better, ">91.4 %</data> and"},
    {"validation_better", validation_better_auc, ">0.9642</data> and"},
    {"miscalibrated", miscalibrated, "99.0 %, but that class is right for 90.0 %"},
    {"miscalibrated", miscalibrated_by_chance, "90.0 %, but that class is right for 80.0 %"},
    {"overfitting", overfitting, "from 0.3000 to 0.2000"},
    {"overfitting", overfitting_both, "from 0.3000 to 0.3400"},
    {"improving", improving, "validation loss still fell by 2.2 % in the last 2 epochs."},
    {"improving", improving_soon, "by 3.3 % in the last epoch."},
    {"improving", improving_little, "by 10.0 %"},
    {"improving", improving_without_validation, "training loss still fell by 3.3 %"},
    {"cut_short", cut_short, "--max-seconds</code> ended training in epoch <data"},
    {"cut_short", cut_short_at_last, ">20</data> of 20"},
    {"time_is_up", time_is_up, "train.minutes</code> (0.5) was up in epoch <data"},
    {"cut_short", cut_short_by_rule, ">20</data> of 21"},
    {"few_images", few_images, "99 of <bdi class=\"class-1\">dog"},
    {"few_images", one_image, "1 image of <bdi class=\"class-0\">cat"},
    {"few_images", few_images_of_folds, "99 images of <bdi class=\"class-0\">cat"},
    {"rare_class", rare_class, "10.0 % of the training images"},
    {"mixed_groups", mixed_groups, "1 group has"},
    {"bad_images", bad_images, ">1</data> image could not be read and was left out"},
    {"copies", copies, ">1</data> image was left out"},
};

/* The names of the rules that apply. */
static void applying(const cnn_report *report, char names[512]) {
    names[0] = '\0';
    for (const cnn_advice *rule = cnn_advice_table; rule->name; rule++) {
        if (rule->applies(report)) {
            assert_true(cnn_advice_fits(rule, report));
            (void)snprintf(names + strlen(names), 512 - strlen(names), "%s%s", names[0] ? " " : "",
                           rule->name);
        }
    }
}

static void test_bounds(void **state) {
    (void)state;
    char names[512];
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        made *m = make();
        cases[i].change(m, false);
        applying(&m->report, names);
        assert_string_equal(names, "");
        release(m);
        m = make();
        cases[i].change(m, true);
        applying(&m->report, names);
        assert_string_equal(names, cases[i].rule);
        release(m);
    }
}

static void test_text(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_text text = {0};
        cnn_html html = cnn_html_start(&text);
        made *m = make();
        cases[i].change(m, true);
        for (const cnn_advice *rule = cnn_advice_table; rule->name; rule++) {
            if (strcmp(rule->name, cases[i].rule) == 0) {
                rule->describe(&html, &m->report);
            }
        }
        assert_false(text.failed);
        assert_int_equal(html.depth, 0);
        if (!text.data || !strstr(text.data, cases[i].text)) {
            fail_msg("%s: expected \"%s\" in: %s", cases[i].rule, cases[i].text,
                     text.data ? text.data : "(nothing)");
        }
        cnn_text_free(&text);
        release(m);
    }
}

/* Every rule is tested. */
static void test_complete(void **state) {
    (void)state;
    for (const cnn_advice *rule = cnn_advice_table; rule->name; rule++) {
        bool found = false;
        for (size_t i = 0; i < TEST_COUNT(cases); i++) {
            found = found || strcmp(cases[i].rule, rule->name) == 0;
        }
        if (!found) {
            fail_msg("expected a case for %s", rule->name);
        }
        assert_true(strlen(rule->title) > 0 && strlen(rule->remedy) > 0);
        assert_true(rule->pages != 0 && strlen(rule->rule) > 0);
    }
}

/* A page names only what can be done there: cnneval has no keys of a config; the folds of a
 * cross-validation use every image already. */
static void test_remedies(void **state) {
    (void)state;
    static const cnn_report_set folds = {.member = "fold"};
    static const char *const keys[] = {"train.", "data.", "--folds", "--init", "--resume"};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        made *m = make();
        cases[i].change(m, true);
        const double ece = m->report.images[0].measured.metrics.ece; /* which some cases change */
        m->report.images[0].measured = *test_of(m);
        m->report.images[0].measured.metrics.ece = ece;
        m->report.run = NULL;
        for (const cnn_advice *rule = cnn_advice_table; rule->name; rule++) {
            const char *remedy = cnn_advice_remedy(rule, &m->report);
            for (size_t k = 0; rule->applies(&m->report) && k < TEST_COUNT(keys); k++) {
                if (strstr(remedy, keys[k])) {
                    fail_msg("%s: expected no \"%s\" without a run: %s", rule->name, keys[k],
                             remedy);
                }
            }
        }
        m->report.run = &m->run;
        m->report.set = &folds;
        for (const cnn_advice *rule = cnn_advice_table; rule->name; rule++) {
            assert_true(strcmp(rule->name, "wide") != 0 ||
                        !strstr(cnn_advice_remedy(rule, &m->report), "--folds"));
        }
        release(m);
    }
}

/* An evaluation, which has no run. */
static void test_evaluation(void **state) {
    (void)state;
    char names[512];
    made *m = make();
    m->report.run = NULL;
    m->report.images[0].name = "evaluated";
    applying(&m->report, names);
    assert_string_equal(names, "");
    m->report.images[0].measured.intervals[CNN_METRIC_accuracy].low = 0.5;
    applying(&m->report, names);
    assert_string_equal(names, "no_better wide");
    release(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),     cmocka_unit_test(test_text),
        cmocka_unit_test(test_complete),   cmocka_unit_test(test_remedies),
        cmocka_unit_test(test_evaluation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
