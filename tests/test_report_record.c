/* The record of a run: what is read from a run directory, and what is said of damaged files. */
#include "test_support.h"

#include "base/file.h"
#include "base/memory.h"
#include "config/config.h"
#include "report/record.h"

#include "cnn/report.h"
#include "cnn/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = 8, IMAGES = 20 };

/* --- a run --- */

/* Noise, brighter on the left (class 0) or on the right. */
static void write_image(const char *folder, int label, int i) {
    char path[64];
    uint8_t pixels[SIDE * SIDE];
    uint64_t random = (uint64_t)(strlen(folder) * 1000 + (size_t)(100 * label + i + 1));
    for (int k = 0; k < SIDE * SIDE; k++) {
        pixels[k] = (uint8_t)(test_random(&random, 0, 200) +
                              ((k % SIDE >= SIDE / 2) == (label == 1) ? 55 : 0));
    }
    (void)snprintf(path, sizeof path, "%s/%s/%02d.pgm", folder, label ? "right" : "left", i);
    test_write_pgm(path, SIDE, SIDE, 255, pixels);
}

/* test: a key of `data` with a comma, or "". */
static cnn_config *load_config(const char *test) {
    char text[512];
    cnn_config *config;
    cnn_error error;
    int length =
        snprintf(text, sizeof text,
                 "{\"data\": {\"train\": \"images\", %s\"validation\": 0.2},\n"
                 " \"image\": {\"width\": 8, \"height\": 8, \"channels\": 1},\n"
                 " \"layers\": [{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1},\n"
                 "  {\"type\": \"sigmoid\"}],\n"
                 " \"train\": {\"epochs\": 3, \"batch_size\": 5, \"learning_rate\": 0.05}}\n",
                 test);
    test_ok(cnn_config_parse("config", text, (size_t)length, NULL, 0, &config, &error), &error);
    return config;
}

static const char with_test[] = "\"test\": \"tests\", ";

/* "run": a run with validation and test images; "folds": a cross-validation with two folds. */
static int enter_folder(void **state) {
    static const char *const folders[] = {"images", "images/left", "images/right",
                                          "tests",  "tests/left",  "tests/right"};
    int failed = test_folder_enter(state);
    for (size_t i = 0; i < TEST_COUNT(folders) && !failed; i++) {
        failed = mkdir(folders[i], 0777);
    }
    for (int i = 0; i < IMAGES && !failed; i++) {
        write_image("images", i % 2, i / 2);
        write_image("tests", i % 2, i / 2);
    }
    cnn_error error;
    cnn_config *config = load_config(with_test);
    const cnn_train_options options = {.common = {.threads = 1}, .output = "run"};
    test_ok(cnn_train(config, &options, &error), &error);
    cnn_config_free(config);
    config = load_config("");
    const cnn_cross_validation_options folds = {
        .train = {.common = {.threads = 1}, .output = "folds"}, .folds = 2};
    test_ok(cnn_cross_validate(config, &folds, &error), &error);
    cnn_config_free(config);
    return failed;
}

/* --- an undamaged run --- */

static void test_run(void **state) {
    (void)state;
    cnn_record record;
    cnn_error error;
    test_ok(cnn_record_read("run/", &record, &error), &error);
    const cnn_report *report = &record.report;
    assert_string_equal(report->title, "run");
    assert_string_equal(report->classes[0], "left");
    assert_string_equal(report->classes[1], "right");
    assert_null(report->set);
    assert_non_null(report->model);
    assert_int_equal(strlen(report->model_sha256), 64);
    assert_int_equal(report->images_count, 2);
    assert_string_equal(report->images[0].name, "test");
    assert_string_equal(report->images[1].name, "validation");
    assert_int_equal(report->images[0].count, IMAGES);
    assert_int_equal(report->images[1].count, 4);
    assert_null(report->images[0].fold);
    assert_true(report->images[0].threshold == 0.5);
    assert_string_equal(report->images[0].paths[0], "tests/left/00.pgm");
    size_t right = 0;
    for (size_t i = 0; i < IMAGES; i++) {
        right += (report->images[0].probabilities[i] >= 0.5) == report->images[0].labels[i];
    }
    const cnn_report_run *run = report->run;
    test_near("accuracy", 0, run->measured[CNN_SPLIT_TEST].metrics.accuracy, (double)right / IMAGES,
              1e-15);
    assert_int_equal(run->epoch_count, 3);
    assert_int_equal(run->epochs[2].epoch, 3);
    assert_true(run->epochs[0].learning_rate == 0.05);
    assert_true(run->epochs[2].train.loss == run->train.loss);
    assert_true(run->epochs[run->model_epoch - 1].validation.loss > 0.0);
    assert_true(run->epochs[run->model_epoch - 1].validation.ece >= 0.0);
    assert_int_equal(run->split_images[CNN_SPLIT_TRAIN][0], 8);
    assert_int_equal(run->split_images[CNN_SPLIT_VALIDATION][1], 2);
    assert_int_equal(run->split_images[CNN_SPLIT_TEST][1], 10);
    assert_int_equal(run->train_rows[0] < IMAGES, 1);
    assert_int_equal(strncmp(run->train_paths[0], "images/left/", 12), 0);
    assert_int_equal(run->groups + run->mixed_groups + run->repeated, 0);
    assert_int_equal(run->parameters, 65);
    assert_int_equal(run->config->train.epochs, 3);
    cnn_record_free(&record);
}

static void test_folds(void **state) {
    (void)state;
    cnn_record record;
    cnn_error error;
    test_ok(cnn_record_read("folds", &record, &error), &error);
    const cnn_report *report = &record.report;
    assert_null(report->model);
    assert_null(report->model_sha256);
    assert_int_equal(report->set->count, 2);
    assert_string_equal(report->set->members[1].link, "fold-2/report.html");
    assert_int_equal(report->set->members[0].images[CNN_SPLIT_TEST], 10);
    test_near("mean", 0, report->set->mean[CNN_METRIC_loss],
              (report->set->members[0].metrics[CNN_METRIC_loss] +
               report->set->members[1].metrics[CNN_METRIC_loss]) /
                  2.0,
              1e-15);
    assert_int_equal(report->images_count, 1);
    assert_string_equal(report->images[0].name, "folds");
    assert_int_equal(report->images[0].count, IMAGES);
    assert_true(isnan(report->images[0].threshold));
    assert_true(report->images[0].fold[0] == 0 || report->images[0].fold[0] == 1);
    assert_int_equal(report->run->split_images[CNN_SPLIT_TEST][0], 10);
    cnn_record_free(&record);
    /* the predictions of a fold are those of its test images */
    test_ok(cnn_record_read("folds/fold-1", &record, &error), &error);
    assert_int_equal(record.report.images_count, 1);
    assert_string_equal(record.report.images[0].name, "test");
    cnn_record_free(&record);
}

/* --- damaged files --- */

typedef struct damaged_file {
    char *bytes;
    size_t size;
} damaged_file;

/* Replaces the first `from` of a file by `to`; from NULL: the whole text; to NULL: removes the
 * file. Returns the file before, for `restore`. */
static damaged_file damage(const char *path, const char *from, const char *to) {
    char *text;
    size_t size;
    cnn_error error;
    cnn_text changed = {0};
    test_ok(cnn_file_read(path, SIZE_MAX, CNN_ERROR_RUNTIME, &text, &size, &error), &error);
    if (!to) {
        assert_int_equal(unlink(path), 0);
        return (damaged_file){text, size};
    }
    const char *at = from ? strstr(text, from) : text;
    if (!at) {
        fail_msg("%s: expected \"%s\"", path, from);
    }
    cnn_text_append(&changed, text, (size_t)(at - text));
    cnn_text_format(&changed, "%s%s", to, from ? at + strlen(from) : "");
    test_write_text(path, changed.data);
    cnn_text_free(&changed);
    return (damaged_file){text, size};
}

static void restore(const char *path, damaged_file before) {
    cnn_error error;
    test_ok(cnn_file_write(path, before.bytes, before.size, &error), &error);
    cnn_free(before.bytes);
}

static const struct {
    const char *file, *from, *to;
    const char *message; /* after the path and ": " */
} damages[] = {
    {"run/summary.json", "", NULL, "No such file"},
    {"run/summary.json", NULL, "", "damaged: expected the summary of a run as JSON"},
    {"run/summary.json", NULL, "[]", "damaged"},
    {"run/summary.json", "}\n", "", "damaged"},
    {"run/summary.json", "\"left\",", "", "classes: expected two texts, found [\"right\"]"},
    {"run/summary.json", "\"left\"", "1", "classes: expected a text, found"},
    {"run/summary.json", "\"parameters\":65", "\"parameters\":-1",
     "parameters: expected an integer that is not negative, found -1"},
    {"run/summary.json", "\"parameters\":65,", "", "parameters: expected an integer that is not"},
    {"run/summary.json", "\"stopped_early\":false", "\"stopped_early\":0",
     "stopped_early: expected true or false, found 0"},
    {"run/summary.json", "\"epochs\":3", "\"epochs\":0.5", "epochs: expected an integer"},
    {"run/summary.json", "\"train\":{", "\"train\":[],\"x\":{", "train: expected an object"},
    {"run/summary.json", "\"auc\":", "\"auc\":\"x\",\"y\":", "auc: expected a number or null"},
    {"run/summary.json", "\"true_positives\":", "\"true_positives\":1",
     "confusion: expected counts of 4 images, found "},
    {"run/summary.json", "\"loss\":[", "\"loss\":[1,", "loss: expected two numbers"},
    {"run/config.json", "{", "[", "expected valid JSON"},
    {"run/config.json", "\"epochs\"", "\"epoch\"", "train"},
    {"run/split.csv", "", NULL, "No such file"},
    {"run/split.csv", NULL, "", "damaged: expected a table that ends with a line end"},
    {"run/split.csv", NULL, "path,label", "damaged"},
    {"run/split.csv", "label", "class", "expected a column \"label\", found none"},
    {"run/split.csv", ",left,", ",middle,",
     "line 2: expected one of the classes in summary.json, found \"middle\""},
    {"run/split.csv", ",train,", ",tain,", "expected train, validation or test, found \"tain\""},
    {"run/split.csv", ",train,,", ",train,,0", "expected 16 hexadecimal digits, found \"0"},
    {"run/split.csv", ",train,,", ",train,, ", "expected 16 hexadecimal digits, found \" "},
    {"run/split.csv", "images/left/00.pgm,left", "images/left/00.pgm",
     "line 2: expected at least 5 fields, found 4"},
    {"run/metrics.csv", "train_loss", "loss", "expected a column \"train_loss\""},
    {"run/metrics.csv", "\n2,", "\n3,", "line 3: expected epoch 2, found \"3\""},
    {"run/metrics.csv", "\n3,", "\n4,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n3,",
     "expected 3 rows, as in summary.json, found 4"},
    {"run/metrics.csv", "0.05", "fast", "line 2: expected a number, found \"fast\""},
    {"run/metrics.csv", "0.05", "inf", "line 2: expected a number, found \"inf\""},
    {"run/model.bin", NULL, "weights", "expected"},
    {"run/test_predictions.csv", "left,", "both,", "line 2: expected one of the classes"},
    {"run/test_predictions.csv", ",0.", ",7.", "expected a probability from 0 to 1"},
    {"run/predictions.csv", NULL, "path,label,predicted,probability\n",
     "expected 4 rows, as in summary.json, found 0"},
    {"folds/folds.csv", "", NULL, "No such file"},
    {"folds/folds.csv", "\n2,", "\n1,", "line 3: expected the folds in order, found \"1\""},
    {"folds/folds.csv", "\n2,8", "\n2,-8", "expected an integer that is not negative"},
    {"folds/split.csv", "\n1,", "\n3,", "expected the number of a fold, found \"3\""},
    {"folds/predictions.csv", ",1\n", ",0\n", "expected the number of a fold, found \"0\""},
    {"folds/summary.json", "\"mean\":{", "\"mean\":{\"loss\":true,",
     "loss: expected a number or null, found true"},
};

static void test_damages(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(damages); i++) {
        char directory[16];
        cnn_record record;
        cnn_error error = {0};
        (void)snprintf(directory, sizeof directory, "%.*s", (int)strcspn(damages[i].file, "/"),
                       damages[i].file);
        damaged_file before = damage(damages[i].file, damages[i].from, damages[i].to);
        cnn_status status = cnn_record_read(directory, &record, &error);
        cnn_record_free(&record);
        restore(damages[i].file, before);
        if (status == CNN_OK ||
            strncmp(error.message, damages[i].file, strlen(damages[i].file)) != 0 ||
            !strstr(error.message, damages[i].message)) {
            fail_msg("%s, \"%s\" replaced by \"%s\": expected \"…%s…\", got %d: \"%s\"",
                     damages[i].file, damages[i].from ? damages[i].from : "(all)",
                     damages[i].to ? damages[i].to : "(nothing)", damages[i].message, status,
                     error.message);
        }
    }
}

/* --- groups and copies --- */

static void test_groups(void **state) {
    (void)state;
    cnn_record record;
    cnn_error error;
    damaged_file before = damage("run/split.csv", NULL,
                                 "path,label,split,group,content\n"
                                 "\"a,\"\"1\"\".pgm\",left,train,p,0000000000000001\n"
                                 "b.pgm,right,train,p,0000000000000001\n"
                                 "c.pgm,right,validation,p,0000000000000001\n"
                                 "d.pgm,right,test,p,0000000000000002\n"
                                 "e.pgm,right,test,q,0000000000000003\n"
                                 "f.pgm,right,test,q,0000000000000003\n"
                                 "g.pgm,right,test,,0000000000000003\n");
    test_ok(cnn_record_read("run", &record, &error), &error);
    assert_int_equal(record.run.groups, 2);
    assert_int_equal(record.run.mixed_groups, 1);
    assert_int_equal(record.run.repeated, 3); /* b of a, f and g of e; not c */
    assert_string_equal(record.run.train_paths[0], "a,\"1\".pgm");
    assert_int_equal(record.run.train_rows[1], 1);
    cnn_record_free(&record);
    restore("run/split.csv", before);
}

/* --- the report --- */

static bool stop(void *user) {
    (void)user;
    return true;
}

static void test_report(void **state) {
    (void)state;
    cnn_error error;
    cnn_config *config = load_config(with_test);
    cnn_report_options options = {.output = "run", .common = {.should_stop = stop}};
    assert_int_equal(cnn_report_make(config, &options, &error), CNN_STOPPED);
    assert_int_equal(access("run/report.html", F_OK), -1);
    options.common.should_stop = NULL;
    test_ok(cnn_report_make(config, &options, &error), &error);
    damaged_file before = damage("run/report.html", NULL, "mine");
    assert_memory_equal(before.bytes, "<!DOCTYPE html>", 15);
    cnn_free(before.bytes);
    test_ok(cnn_report_make(config, &options, &error), &error); /* it is not missing */
    before = damage("run/report.html", NULL, NULL);
    assert_string_equal(before.bytes, "mine");
    cnn_free(before.bytes);
    options.output = "elsewhere";
    assert_int_equal(cnn_report_make(config, &options, &error), CNN_ERROR_CONFIG);
    cnn_config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),    cmocka_unit_test(test_folds),
        cmocka_unit_test(test_groups), cmocka_unit_test(test_damages),
        cmocka_unit_test(test_report),
    };
    return cmocka_run_group_tests(tests, enter_folder, test_folder_leave);
}
