/* Runs: the files of a run directory, the same bytes with any number of threads and instruction
 * set, stopping and resuming, refusals, prediction, metrics. */
#include "test_support.h"

#include "nn/loss.h"
#include "base/memory.h"
#include "stats/metrics.h"
#include "model/model_file.h"
#include "model/safetensors.h"
#include "run/checkpoint.h"

#include "cnn/predict.h"
#include "cnn/train.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDE 12
#define IMAGES 30 /* 15 of each class: 24 for training in 5 batches, 6 held back */
#define BATCHES 5
#define EPOCHS 3

/* --- data --- */

/* Image i of a class: noise, and brighter on the left (class 0) or on the right (class 1). */
static void fill_image(int label, int i, uint8_t pixels[SIDE * SIDE]) {
    uint64_t random = (uint64_t)(100 * label + i + 1);
    for (int k = 0; k < SIDE * SIDE; k++) {
        bool bright = (k % SIDE >= SIDE / 2) == (label == 1);
        pixels[k] = (uint8_t)(test_random(&random, 0, 200) + (bright ? 55 : 0));
    }
}

static void image_path(int label, int i, char path[32]) {
    (void)snprintf(path, 32, "images/%s/%02d.pgm", label ? "right" : "left", i);
}

static void write_image(int label, int i) {
    char path[32];
    uint8_t pixels[SIDE * SIDE];
    image_path(label, i, path);
    fill_image(label, i, pixels);
    test_write_pgm(path, SIDE, SIDE, 255, pixels);
}

/* A folder with the images and a config for all tests. */
static int enter_folder(void **state) {
    int failed = test_folder_enter(state) || mkdir("images", 0777) || mkdir("images/left", 0777) ||
                 mkdir("images/right", 0777);
    for (int i = 0; i < IMAGES && !failed; i++) {
        write_image(i % 2, i / 2);
    }
    test_write_text(
        "cfg.json",
        "{\"data\": {\"train\": \"images\", \"validation\": 0.2},\n"
        " \"image\": {\"width\": 12, \"height\": 12, \"channels\": 1},\n"
        " \"layers\": [{\"type\": \"conv\", \"filters\": 3, \"kernel\": 3}, {\"type\": \"relu\"},\n"
        "            {\"type\": \"maxpool\", \"size\": 2}, {\"type\": \"flatten\"},\n"
        "            {\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}],\n"
        " \"train\": {\"epochs\": 3, \"batch_size\": 5, \"learning_rate\": 0.05,\n"
        "           \"optimizer\": \"momentum\"}}\n");
    return failed;
}

/* --- runs --- */

/* How to train, and the directory; missing fields are 0. */
typedef struct run {
    const char *output;
    const char *overrides[3];
    int threads;
    int stop_after;    /* batches; 0: never */
    bool stop_reading; /* while images are being read */
    bool resume, overwrite;
    double max_seconds;
    int batches; /* trained so far */
} run;

static void count_batch(void *user, const cnn_train_progress *progress) {
    (void)progress;
    run *r = user;
    r->batches++;
}

static bool should_stop(void *user) {
    const run *r = user;
    return r->stop_reading || (r->stop_after > 0 && r->batches == r->stop_after);
}

static cnn_error run_error;

static cnn_status train(run r) {
    size_t count = 0;
    while (count < TEST_COUNT(r.overrides) && r.overrides[count]) {
        count++;
    }
    cnn_config *config;
    run_error = (cnn_error){0};
    test_ok(cnn_config_load("cfg.json", r.overrides, count, &config, &run_error), &run_error);
    cnn_train_options options = {
        .common = {.threads = r.threads ? r.threads : 2, .should_stop = should_stop, .user = &r},
        .output = r.output,
        .resume = r.resume,
        .overwrite = r.overwrite,
        .max_seconds = r.max_seconds,
        .progress = count_batch};
    cnn_status status = cnn_train(config, &options, &run_error);
    cnn_config_free(config);
    return status;
}

static void train_ok(run r) {
    test_ok(train(r), &run_error);
}

/* A run that must end with this status and a message that contains this text. */
static void train_fails(run r, cnn_status want, const char *text) {
    cnn_status status = train(r);
    if (status != want || run_error.status != want || !strstr(run_error.message, text)) {
        fail_msg("expected status %d and \"%s\", got %d: %s", (int)want, text, (int)status,
                 run_error.message);
    }
}

/* The text of a file of a run. Free with free. */
static char *read_file(const char *directory, const char *name, size_t *size) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail_msg("%s: missing", path);
    }
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    *size = fread(text, 1, (1 << 16) - 1, file);
    assert_int_equal(fclose(file), 0);
    return text;
}

static bool exists(const char *directory, const char *name) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

static void same_file(const char *a, const char *a_name, const char *b, const char *b_name) {
    size_t a_size, b_size;
    char *a_text = read_file(a, a_name, &a_size);
    char *b_text = read_file(b, b_name, &b_size);
    if (a_size != b_size || memcmp(a_text, b_text, a_size) != 0) {
        fail_msg("%s/%s and %s/%s differ", a, a_name, b, b_name);
    }
    free(a_text);
    free(b_text);
}

/* Of metrics.csv: seconds, which images_per_second follows. */
enum { TIME_COLUMN = 7 };

/* Cuts seconds and images_per_second out of every line. */
static void cut_times(char *text) {
    char *to = text;
    int column = 0;
    for (const char *from = text; *from; from++) {
        column = *from == '\n' ? 0 : column + (*from == ',');
        if (column != TIME_COLUMN && column != TIME_COLUMN + 1) {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* Two runs that must have the same results. */
static void same_run(const char *a, const char *b) {
    static const char *const names[] = {"model.bin", "last.bin", "predictions.csv", "split.csv"};
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        same_file(a, names[i], b, names[i]);
    }
    size_t size;
    char *a_rows = read_file(a, "metrics.csv", &size);
    char *b_rows = read_file(b, "metrics.csv", &size);
    cut_times(a_rows);
    cut_times(b_rows);
    assert_string_equal(a_rows, b_rows);
    free(a_rows);
    free(b_rows);
}

static size_t count_lines(const char *text) {
    size_t lines = 0;
    for (; *text; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static void starts_with(const char *text, const char *start) {
    if (strncmp(text, start, strlen(start)) != 0) {
        fail_msg("expected \"%s\" at the start of \"%s\"", start, text);
    }
}

static const char *const promised[] = {"config.json",    "split.csv",      "metrics.csv",
                                       "summary.json",   "model.bin",      "last.bin",
                                       "checkpoint.bin", "predictions.csv"};

/* --- what a run writes --- */

static void test_files(void **state) {
    (void)state;
    train_ok((run){.output = "a/b/run"}); /* parents are made, too */
    for (size_t i = 0; i < TEST_COUNT(promised); i++) {
        assert_true(exists("a/b/run", promised[i]));
    }
    size_t size;
    char *text = read_file("a/b/run", "metrics.csv", &size);
    static const char header[] =
        "epoch,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy,"
        "val_auc,seconds,images_per_second,val_balanced_accuracy,val_precision,val_recall,"
        "val_specificity,val_f1,val_mcc,val_average_precision,val_brier,val_ece\n";
    starts_with(text, header);
    double epoch, rate;
    assert_int_equal(sscanf(text + strlen(header), "%lf,%lf,", &epoch, &rate), 2);
    test_near("epoch", 0, epoch, 1.0, 0.0);
    test_near("learning_rate", 0, rate, 0.05, 0.0);
    assert_int_equal(count_lines(text), 1 + EPOCHS);
    free(text);
    text = read_file("a/b/run", "predictions.csv", &size);
    starts_with(text, "path,label,predicted,probability\nimages/left/");
    assert_int_equal(count_lines(text), 1 + 6);
    free(text);
    text = read_file("a/b/run", "split.csv", &size);
    starts_with(text, "path,label,split,group,content\nimages/left/00.pgm,left,");
    assert_int_equal(count_lines(text), 1 + IMAGES);
    free(text);
    text = read_file("a/b/run", "summary.json", &size);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "\"epochs\":3"));
    assert_non_null(strstr(text, "\"classes\":[\"left\",\"right\"]"));
    assert_non_null(strstr(text, "\"validation\":{\"images\":6,"));
    free(text);
    text = read_file("a/b/run", "config.json", &size); /* can be used as a config */
    cnn_config *config;
    cnn_error error;
    test_ok(cnn_config_load("a/b/run/config.json", NULL, 0, &config, &error), &error);
    cnn_config_free(config);
    assert_non_null(strstr(text, "\"left\""));
    free(text);
}

/* Training works: the loss decreases, and images are classified correctly. */
static void test_learning(void **state) {
    (void)state;
    train_ok((run){.output = "learning", .overrides = {"train.epochs=30"}});
    size_t size;
    char *text = read_file("learning", "metrics.csv", &size);
    double first = 0, last = 0, accuracy = 0, unused;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "%lf,%lf,%lf,%lf", &unused, &unused, &last, &accuracy) == 4) {
            first = first > 0 ? first : last;
        }
    }
    assert_true(last < 0.5 * first);
    assert_true(accuracy > 0.9);
    free(text);
}

static void test_no_epochs(void **state) {
    (void)state;
    train_ok((run){.output = "zero", .overrides = {"train.epochs=0"}});
    for (size_t i = 0; i < TEST_COUNT(promised); i++) {
        assert_true(exists("zero", promised[i]));
    }
    cnn_model *model;
    cnn_error error;
    test_ok(cnn_model_read("zero/model.bin", test_kernels(), &model, &error), &error);
    float *want = cnn_alloc(model->network->parameter_count, sizeof *want);
    cnn_network_initialize(model->network, 1, want);
    assert_memory_equal(want, model->parameters, model->network->parameter_count * sizeof *want);
    for (int i = 0; i < model->network->graph.node_count; i++) {
        const cnn_node *node = &model->network->graph.nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            const cnn_tensor *tensor = &node->tensors[t];
            for (size_t k = 0; k < tensor->count && strcmp(tensor->name, "bias") == 0; k++) {
                test_near("bias", k, model->parameters[tensor->offset + k], 0.0, 0.0);
            }
        }
    }
    cnn_free(want);
    cnn_model_free(model);
    same_file("zero", "model.bin", "zero", "last.bin");
    size_t size;
    char *text = read_file("zero", "metrics.csv", &size);
    assert_int_equal(count_lines(text), 1);
    free(text);
    train_ok((run){.output = "zero", .resume = true}); /* starting weights are a start */
    train_ok((run){.output = "from-nothing"});
    same_run("zero", "from-nothing");
}

static void test_no_validation(void **state) {
    (void)state;
    train_ok((run){.output = "all", .overrides = {"data.validation=0"}});
    same_file("all", "model.bin", "all", "last.bin");
    size_t size;
    char *text = read_file("all", "predictions.csv", &size);
    assert_int_equal(count_lines(text), 1);
    free(text);
    text = read_file("all", "summary.json", &size);
    assert_non_null(strstr(text, "\"validation\":null"));
    free(text);
}

/* --- the same bytes --- */

static void test_threads(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 3, 5};
    char name[32];
    for (size_t i = 0; i < TEST_COUNT(threads); i++) {
        /* batches larger than a block, so that threads share them */
        (void)snprintf(name, sizeof name, "threads-%d", threads[i]);
        train_ok(
            (run){.output = name, .threads = threads[i], .overrides = {"train.batch_size=20"}});
        same_run("threads-1", name);
    }
}

static void test_instruction_sets(void **state) {
    (void)state;
    static const char *const names[] = {"generic", "avx2", "avx512"};
    const char *set = getenv("CNN_ISA");
    char *old = set ? cnn_copy_string(set) : NULL;
    char name[32];
    for (size_t i = 0; i < TEST_COUNT(names) && cnn_kernels_for((cnn_isa)i); i++) {
        assert_int_equal(setenv("CNN_ISA", names[i], 1), 0);
        (void)snprintf(name, sizeof name, "isa-%s", names[i]);
        train_ok((run){.output = name});
        same_run("isa-generic", name);
        size_t size;
        char *summary = read_file(name, "summary.json", &size);
        assert_non_null(strstr(summary, names[i]));
        free(summary);
    }
    assert_int_equal(old ? setenv("CNN_ISA", old, 1) : unsetenv("CNN_ISA"), 0);
    cnn_free(old);
}

/* --- stopping and continuing --- */

static void test_resume(void **state) {
    (void)state;
    static const int stops[] = {1, 3, BATCHES, BATCHES + 2, EPOCHS * BATCHES};
    char name[32];
    train_ok((run){.output = "whole"});
    for (size_t i = 0; i < TEST_COUNT(stops); i++) {
        (void)snprintf(name, sizeof name, "stopped-%d", stops[i]);
        train_fails((run){.output = name, .stop_after = stops[i], .threads = 1}, CNN_STOPPED,
                    "checkpoint");
        assert_false(exists(name, "summary.json"));
        train_ok((run){.output = name, .resume = true, .threads = 3});
        same_run("whole", name);
        same_file("whole", "config.json", name, "config.json");
    }
}

/* Stopped after every single batch, again and again. */
static void test_resume_often(void **state) {
    (void)state;
    train_ok((run){.output = "at-once"});
    int stops = 0;
    cnn_status status;
    do {
        status = train((run){.output = "steps", .resume = true, .stop_after = 1});
        stops++;
    } while (status == CNN_STOPPED && stops < 100);
    test_ok(status, &run_error);
    assert_int_equal(stops, EPOCHS * BATCHES + 1);
    same_run("at-once", "steps");
}

/* Out of time within a later epoch: a complete result, which is discarded when the run is resumed,
 * or when only the earlier epochs are configured. */
static void test_out_of_time(void **state) {
    (void)state;
    const char *const shorter = "train.epochs=1";
    train_ok((run){.output = "one-epoch", .overrides = {shorter}});
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "cut-then-whole" : "cut-then-shorter";
        size_t size;
        train_fails((run){.output = name, .stop_after = BATCHES + 2}, CNN_STOPPED, "checkpoint");
        train_ok((run){.output = name, .resume = true, .max_seconds = 1e-6});
        for (size_t k = 0; k < TEST_COUNT(promised); k++) {
            assert_true(exists(name, promised[k]));
        }
        char *rows = read_file(name, "metrics.csv", &size);
        assert_int_equal(count_lines(rows), 3);
        free(rows);
        train_ok((run){.output = name, .overrides = {i == 0 ? NULL : shorter}, .resume = true});
        same_file(i == 0 ? "at-once" : "one-epoch", "model.bin", name, "model.bin");
        same_file(i == 0 ? "at-once" : "one-epoch", "predictions.csv", name, "predictions.csv");
    }
    same_run("at-once", "cut-then-whole");
}

/* Rows after the checkpoint that a crash may leave in metrics.csv are removed. */
static void test_resume_torn_metrics(void **state) {
    (void)state;
    train_ok((run){.output = "sound"});
    train_fails((run){.output = "torn", .stop_after = BATCHES + 2}, CNN_STOPPED, "checkpoint");
    FILE *file = fopen("torn/metrics.csv", "ab");
    assert_non_null(file);
    assert_true(fputs("2,0.05,9,9,9,9,9,9,9\n3,0.", file) >= 0);
    assert_int_equal(fclose(file), 0);
    train_ok((run){.output = "torn", .resume = true});
    same_run("sound", "torn");
}

/* --resume starts a run in a missing directory; a finished run is left unchanged. */
static void test_resume_finished(void **state) {
    (void)state;
    train_ok((run){.output = "done", .resume = true});
    struct stat before[TEST_COUNT(promised)], after;
    char path[64];
    for (size_t i = 0; i < TEST_COUNT(promised); i++) {
        (void)snprintf(path, sizeof path, "done/%s", promised[i]);
        assert_int_equal(stat(path, &before[i]), 0);
    }
    train_ok((run){.output = "done", .resume = true});
    for (size_t i = 0; i < TEST_COUNT(promised); i++) {
        (void)snprintf(path, sizeof path, "done/%s", promised[i]);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(after.st_ino, before[i].st_ino);
        assert_int_equal(after.st_mtim.tv_nsec, before[i].st_mtim.tv_nsec);
    }
}

static void test_more_epochs(void **state) {
    (void)state;
    train_ok((run){.output = "longer", .overrides = {"train.epochs=2"}});
    train_ok((run){.output = "longer", .overrides = {"train.epochs=5"}, .resume = true});
    train_ok((run){.output = "long", .overrides = {"train.epochs=5"}});
    same_run("long", "longer");
    same_file("long", "config.json", "longer", "config.json");
    train_fails((run){.output = "long", .overrides = {"train.epochs=4"}, .resume = true},
                CNN_ERROR_CONFIG, "train.epochs: expected at least the 5");
}

/* Asked to stop before training has begun: nothing is written, and existing files are left
 * unchanged. */
static void test_stop_while_reading(void **state) {
    (void)state;
    run early = {.output = "early", .stop_reading = true};
    train_fails(early, CNN_STOPPED, "stopped while images were being read");
    assert_int_equal(access("early", F_OK), -1);
    train_fails((run){.output = "early", .stop_after = 7}, CNN_STOPPED, "checkpoint");
    early.resume = true;
    train_fails(early, CNN_STOPPED, "stopped while images were being read");
    train_ok((run){.output = "early", .resume = true});
    train_ok((run){.output = "late"});
    same_run("late", "early");
}

/* Files that a finished run has lost are made again from its checkpoint. */
static void test_resume_lost_files(void **state) {
    (void)state;
    train_ok((run){.output = "unlost"});
    train_ok((run){.output = "lossy"});
    static const char *const lost[] = {"model.bin", "last.bin", "predictions.csv", "summary.json"};
    for (size_t i = 0; i < TEST_COUNT(lost); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "lossy/%s", lost[i]);
        assert_int_equal(unlink(path), 0);
        train_ok((run){.output = "lossy", .resume = true});
        assert_int_equal(access(path, F_OK), 0);
        same_run("unlost", "lossy");
    }
    test_write_text("lossy/metrics.csv", "epoch\n1,0.05,0.1\n");
    train_fails((run){.output = "lossy", .overrides = {"train.epochs=4"}, .resume = true},
                CNN_ERROR_RUNTIME,
                "expected the rows of epochs 1 to 3, which the checkpoint has "
                "finished, found 1");
}

/* A program that uses the library may have set another decimal point: files are written and read
 * with a point all the same. */
static void test_other_locale(void **state) {
    (void)state;
    run plain = {.output = "plain-point", .overrides = {"train.threshold=recall>=0.75"}};
    run comma = {
        .output = "with-comma", .overrides = {"train.threshold=recall>=0.75"}, .stop_after = 7};
    train_ok(plain);
    if (!test_comma_locale_enter()) {
        skip();
    }
    train_fails(comma, CNN_STOPPED, "epoch 2 after batch 2 of 5");
    comma.stop_after = 0;
    comma.resume = true;
    train_ok(comma);
    test_comma_locale_leave();
    same_run("plain-point", "with-comma");
    same_file("plain-point", "config.json", "with-comma", "config.json");
    size_t size;
    char *summary = read_file("with-comma", "summary.json", &size);
    cJSON *json = cJSON_Parse(summary);
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(json, "seconds")));
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(json, "images_per_second")));
    cJSON_Delete(json);
    free(summary);
}

static void test_resume_refused(void **state) {
    (void)state;
    train_fails((run){.output = "other", .stop_after = 2}, CNN_STOPPED,
                "epoch 1 after batch 2 of 5");
    run other = {.output = "other", .overrides = {"train.learning_rate=0.06"}, .resume = true};
    train_fails(other, CNN_ERROR_CONFIG, "train.learning_rate: 0.05, now 0.06");
    other.overrides[0] = "layers.0.filters=4";
    train_fails(other, CNN_ERROR_CONFIG, "layers[0]: {");
    other.overrides[0] = NULL;
    assert_int_equal(setenv("CNN_CONV", "direct", 1), 0);
    train_fails(other, CNN_ERROR_CONFIG, "CNN_CONV was auto when the run was started, is direct");
    assert_int_equal(unsetenv("CNN_CONV"), 0);
    char path[32];
    image_path(0, 3, path);
    write_image(0, 3);
    assert_int_equal(rename(path, "kept.pgm"), 0);
    train_fails(other, CNN_ERROR_CONFIG,
                "images have changed since the run was started: \"images/left/03.pgm");
    assert_int_equal(rename("kept.pgm", path), 0);
    train_ok(other); /* refusals have changed nothing */
    test_write_text("other/checkpoint.bin", "damaged");
    train_fails(other, CNN_ERROR_MODEL, "other/checkpoint.bin: ");
    const cnn_checkpoint_state at_start = {0};
    const cnn_checkpoint_values values = {0};
    cnn_error error;
    test_ok(cnn_checkpoint_write("other/checkpoint.bin", &at_start, "{\"data\"", &values, &error),
            &error);
    train_fails(other, CNN_ERROR_MODEL,
                "other/checkpoint.bin: damaged: checkpoint.config: expected a config as JSON");
    /* a run whose images were resized by stb_image_resize */
    const cnn_saved_text texts[] = {{"checkpoint.version", "2"}, {"checkpoint.config", "{}"}};
    test_ok(cnn_safetensors_write("other/checkpoint.bin", texts, 2, NULL, 0, &error), &error);
    train_fails(other, CNN_ERROR_MODEL,
                "expected a checkpoint of version 3, found 2; the version of cnntrain that started "
                "the run can continue it (before 3, images were resized in another way)");
}

/* --- directories --- */

static void test_directory_in_use(void **state) {
    (void)state;
    train_ok((run){.output = "used", .overrides = {"train.epochs=1"}});
    train_fails((run){.output = "used"}, CNN_ERROR_CONFIG, "used: expected an empty run directory");
    test_write_text("used/notes.txt", "mine");
    train_ok((run){.output = "used", .overwrite = true});
    assert_true(exists("used", "notes.txt"));
    train_ok((run){.output = "unused"});
    same_run("unused", "used");

    assert_int_equal(mkdir("foreign", 0777), 0);
    test_write_text("foreign/notes.txt", "mine");
    train_fails((run){.output = "foreign"}, CNN_ERROR_CONFIG, "found files in it");
    train_fails((run){.output = "foreign", .resume = true}, CNN_ERROR_CONFIG,
                "expected a run to resume, found other files");
    assert_int_equal(mkdir("empty", 0777), 0);
    train_ok((run){.output = "empty", .overrides = {"train.epochs=1"}});
    assert_true(train((run){.output = "cfg.json"}) != CNN_OK); /* a file, no directory */
    assert_string_not_equal(run_error.message, "");
    train_fails((run){.output = NULL}, CNN_ERROR_CONFIG, "output: missing");
    train_ok((run){.overrides = {"output=from-config", "train.epochs=1"}});
    assert_true(exists("from-config", "model.bin"));
}

/* Data that cannot be used is noticed before a directory is made or cleared. */
static void test_bad_data(void **state) {
    (void)state;
    train_fails((run){.output = "no-data", .overrides = {"data.train=nowhere"}}, CNN_ERROR_DATA,
                "nowhere: ");
    assert_int_not_equal(access("no-data", F_OK), 0);
    train_ok((run){.output = "precious", .overrides = {"train.epochs=1"}});
    train_fails((run){.output = "precious", .overwrite = true, .overrides = {"data.train=nowhere"}},
                CNN_ERROR_DATA, "nowhere: ");
    assert_true(exists("precious", "model.bin"));
}

static void test_diverged(void **state) {
    (void)state;
    /* two convolutions without ReLU: no values are cut off, and they grow without bound */
    run wild = {.output = "wild",
                .overrides = {"train.learning_rate=1e6", "train.epochs=200",
                              "layers.1={\"type\":\"conv\",\"filters\":2,\"kernel\":3}"}};
    train_fails(wild, CNN_ERROR_DIVERGED, "train.learning_rate");
    long epoch, batch;
    bool located =
        sscanf(run_error.message, "epoch %ld, batch %ld: the loss is", &epoch, &batch) == 2 ||
        sscanf(run_error.message, "epoch %ld, at its end: the loss is", &epoch) == 1;
    if (!located) {
        fail_msg("%s", run_error.message);
    }
    assert_false(exists("wild", "summary.json"));
}

/* --- prediction --- */

static cnn_predictor *load_predictor(const char *path) {
    cnn_predictor *predictor;
    cnn_error error;
    test_ok(cnn_predictor_load(path, &predictor, &error), &error);
    return predictor;
}

/* Checks every row of a run's predictions.csv with a predictor that uses only the model. */
static void check_predictions(const char *directory) {
    char model[64];
    (void)snprintf(model, sizeof model, "%s/model.bin", directory);
    cnn_predictor *predictor = load_predictor(model);
    size_t size, rows = 0;
    char *text = read_file(directory, "predictions.csv", &size);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char path[64], label[16], predicted[16];
        float written, probability;
        cnn_error error;
        if (sscanf(line, "%63[^,],%15[^,],%15[^,],%f", path, label, predicted, &written) != 4) {
            continue;
        }
        test_ok(cnn_predict_file(predictor, path, &probability, &error), &error);
        test_near(path, rows++, probability, written, 0.0);
        assert_non_null(strstr(path, label));
        bool second = probability >= 0.5f;
        assert_string_equal(predicted, cnn_predictor_class(predictor, second));
    }
    assert_int_equal(rows, 6);
    free(text);
    cnn_predictor_free(predictor);
}

static void test_predict_file(void **state) {
    (void)state;
    train_ok((run){.output = "unit"});
    check_predictions("unit");
    train_ok(
        (run){.output = "standardized",
              .overrides = {"image.normalize=standardize", "image.width=9", "image.height=8"}});
    check_predictions("standardized");
    cnn_predictor *predictor = load_predictor("unit/model.bin");
    assert_string_equal(cnn_predictor_class(predictor, 0), "left");
    assert_string_equal(cnn_predictor_class(predictor, 1), "right");
    test_near("threshold", 0, cnn_predictor_threshold(predictor), 0.5, 0.0);
    cnn_predictor_free(predictor);
    cnn_error error;
    assert_int_equal(cnn_predictor_load("cfg.json", &predictor, &error), CNN_ERROR_MODEL);
    assert_int_equal(cnn_predictor_load("unit/checkpoint.bin", &predictor, &error),
                     CNN_ERROR_MODEL);
}

static void test_predict_files(void **state) {
    (void)state;
    enum { COUNT = IMAGES + 2 };
    train_ok((run){.output = "many"});
    cnn_predictor *predictor = load_predictor("many/model.bin");
    char names[IMAGES][32];
    const char *paths[COUNT];
    test_write_text("broken.png", "no image");
    for (int i = 0; i < IMAGES; i++) {
        image_path(i % 2, i / 2, names[i]);
        paths[i < 7 ? i : i + 1] = names[i];
    }
    paths[7] = "broken.png";
    paths[COUNT - 1] = "missing.png";
    for (int threads = 0; threads <= 3; threads += 3) {
        cnn_prediction predictions[COUNT];
        cnn_error error;
        test_ok(cnn_predict_files(predictor, paths, COUNT, threads, predictions, &error), &error);
        for (size_t i = 0; i < COUNT; i++) {
            float alone;
            cnn_status status = cnn_predict_file(predictor, paths[i], &alone, &error);
            assert_int_equal(predictions[i].status, status);
            if (status == CNN_OK) {
                test_near(paths[i], i, predictions[i].probability, alone, 0.0);
                assert_string_equal(predictions[i].reason, "");
            } else {
                assert_true(i == 7 || i == COUNT - 1);
                assert_int_equal(status, CNN_ERROR_DATA);
                assert_string_not_equal(predictions[i].reason, "");
            }
        }
        test_ok(cnn_predict_files(predictor, paths, 0, threads, predictions, &error), &error);
    }
    cnn_predictor_free(predictor);
}

static void test_predict_pixels(void **state) {
    (void)state;
    train_ok((run){.output = "pixels"});
    cnn_predictor *predictor = load_predictor("pixels/model.bin");
    for (int i = 0; i < 4; i++) {
        char path[32];
        uint8_t pixels[SIDE * SIDE], padded[SIDE][SIDE * 4 + 3];
        float file, memory, colour;
        cnn_error error;
        image_path(i % 2, i, path);
        fill_image(i % 2, i, pixels);
        for (int k = 0; k < SIDE * SIDE; k++) {
            memset(&padded[k / SIDE][k % SIDE * 4], pixels[k], 4);
        }
        test_ok(cnn_predict_file(predictor, path, &file, &error), &error);
        test_ok(cnn_predict_pixels(predictor, pixels, SIDE, SIDE, 1, SIDE, &memory, &error),
                &error);
        test_ok(cnn_predict_pixels(predictor, padded[0], SIDE, SIDE, 4, sizeof padded[0], &colour,
                                   &error),
                &error);
        test_near(path, 0, memory, file, 0.0);
        test_near(path, 1, colour, file, 0.0);
        assert_int_equal(
            cnn_predict_pixels(predictor, pixels, SIDE, SIDE, 3, SIDE, &memory, &error),
            CNN_ERROR_DATA);
    }
    cnn_predictor_free(predictor);
}

/* --- metrics --- */

/* The share of pairs (image of class 1, image of class 0) in the right order; ties count half. */
static double pair_share(const float *logits, const uint8_t *labels, size_t count) {
    double right = 0.0, pairs = 0.0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (labels[i] == 1 && labels[j] == 0) {
                float a = cnn_probability(logits[i]), b = cnn_probability(logits[j]);
                right += a > b ? 1.0 : a < b ? 0.0 : 0.5;
                pairs += 1.0;
            }
        }
    }
    return right / pairs; /* 0 / 0 is NaN where a class is missing */
}

static void test_metrics(void **state) {
    (void)state;
    enum { MOST = 60 };
    uint64_t random = 21;
    for (size_t count = 1; count <= MOST; count++) {
        float logits[MOST];
        uint8_t labels[MOST];
        double loss = 0.0, right = 0.0;
        for (size_t i = 0; i < count; i++) { /* few different values: many ties */
            logits[i] = (float)floor(test_random(&random, -4, 5)) * (count % 2 ? 0.5f : 15.0f);
            labels[i] = test_random(&random, 0, 1) < 0.4;
            double z = (double)logits[i];
            loss += log1p(exp(labels[i] ? -z : z)) / (double)count;
            right += (1.0 / (1.0 + exp(-z)) >= 0.3) == (labels[i] == 1);
        }
        cnn_metrics metrics;
        cnn_error error;
        test_ok(cnn_metrics_compute(logits, labels, count, 0.3, &metrics, &error), &error);
        assert_int_equal(metrics.count, count);
        test_near("loss", count, metrics.loss, loss, 1e-12 * (1 + loss));
        test_near("accuracy", count, metrics.accuracy, right / (double)count, 1e-15);
        double area = pair_share(logits, labels, count);
        if (isnan(area)) {
            assert_true(isnan(metrics.auc));
        } else {
            test_near("area", count, metrics.auc, area, 1e-12);
        }
    }
    cnn_metrics metrics;
    cnn_error error;
    test_ok(cnn_metrics_compute(NULL, NULL, 0, 0.5, &metrics, &error), &error);
    assert_int_equal(metrics.count, 0);
    assert_true(isnan(metrics.loss) && isnan(metrics.accuracy) && isnan(metrics.auc));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_no_epochs),
        cmocka_unit_test(test_no_validation),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_instruction_sets),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_often),
        cmocka_unit_test(test_out_of_time),
        cmocka_unit_test(test_resume_torn_metrics),
        cmocka_unit_test(test_resume_finished),
        cmocka_unit_test(test_more_epochs),
        cmocka_unit_test(test_stop_while_reading),
        cmocka_unit_test(test_resume_lost_files),
        cmocka_unit_test(test_other_locale),
        cmocka_unit_test(test_resume_refused),
        cmocka_unit_test(test_directory_in_use),
        cmocka_unit_test(test_bad_data),
        cmocka_unit_test(test_diverged),
        cmocka_unit_test(test_predict_file),
        cmocka_unit_test(test_predict_files),
        cmocka_unit_test(test_predict_pixels),
        cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, enter_folder, test_folder_leave);
}
