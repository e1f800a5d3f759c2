/* Runs of several processes: the files are those of one process, byte for byte; they stop, resume
 * and fail together. */
#include "forked_ranks.h"
#include "test_support.h"

#include "base/file.h"
#include "base/memory.h"

#include "cnn/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = 12, IMAGES = 46 };

/* --- data --- */

static void write_image(const char *folder, int label, int i) {
    char path[64];
    uint8_t pixels[2 * SIDE * SIDE];
    uint64_t random = (uint64_t)(100 * label + i + 1);
    for (int k = 0; k < SIDE * SIDE; k++) { /* 16 bits, of which few values are used */
        bool bright = (k % SIDE >= SIDE / 2) == (label == 1);
        int value = 2000 + (int)test_random(&random, 0, 9000) + (bright ? 2500 : 0);
        pixels[2 * k] = (uint8_t)(value >> 8);
        pixels[2 * k + 1] = (uint8_t)value;
    }
    (void)snprintf(path, sizeof path, "%s/%s/%02d.pgm", folder, label ? "right" : "left", i);
    test_write_pgm(path, SIDE, SIDE, 65535, pixels);
}

/* Layers of all kinds that matter to several processes. */
static const char config[] =
    "{\"data\": {\"train\": \"images\", \"validation\": 0.2, \"test\": \"more\",\n"
    "          \"bad_images\": \"skip\", \"sampling\": \"balanced\"},\n"
    " \"image\": {\"width\": 12, \"height\": 12, \"channels\": 1, \"range\": \"stretch\",\n"
    "           \"normalize\": \"standardize\"},\n"
    " \"augment\": {\"flip_horizontal\": true, \"shift\": 0.1},\n"
    " \"layers\": [{\"type\": \"conv\", \"filters\": 3, \"kernel\": 3}, {\"type\": "
    "\"batchnorm\"},\n"
    "            {\"type\": \"relu\"}, {\"type\": \"maxpool\", \"size\": 2}, {\"type\": "
    "\"flatten\"},\n"
    "            {\"type\": \"dense\", \"units\": 9}, {\"type\": \"relu\"}, {\"type\": "
    "\"dropout\"},\n"
    "            {\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}],\n"
    " \"train\": {\"epochs\": 3, \"batch_size\": 20, \"learning_rate\": 0.01, \"seed\": 4,\n"
    "           \"optimizer\": \"adam\", \"ema_decay\": 0.9, \"clip_norm\": 1, \"calibrate\": "
    "true,\n"
    "           \"threshold\": \"f1\"}}\n";

/* The last layers, of a network that begins with another one. */
static const char head[] =
    "{\"data\": {\"train\": \"images\", \"validation\": 0.2, \"test\": \"more\",\n"
    "          \"bad_images\": \"skip\"},\n"
    " \"image\": {\"width\": 12, \"height\": 12, \"channels\": 1, \"range\": \"stretch\"},\n"
    " \"augment\": {\"flip_horizontal\": true},\n"
    " \"pretrained\": {\"file\": \"base/model.bin\", \"variants\": 3},\n"
    " \"layers\": [{\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}],\n"
    " \"train\": {\"epochs\": 5, \"batch_size\": 20}}\n";

static int enter_folder(void **state) {
    int failed = test_folder_enter(state) || mkdir("images", 0777) || mkdir("images/left", 0777) ||
                 mkdir("images/right", 0777) || mkdir("more", 0777) || mkdir("more/left", 0777) ||
                 mkdir("more/right", 0777);
    for (int i = 0; i < IMAGES && !failed; i++) {
        write_image("images", i % 2, i / 2);
    }
    for (int i = 0; i < 11 && !failed; i++) {
        write_image("more", i % 2, 30 + i);
    }
    write_image("images", 1, 3);
    test_write_text("images/left/07.pgm", "P5 12 12 255\nno image"); /* cut short */
    test_write_text("images/right/09.pgm", "");
    test_write_text("cfg.json", config);
    test_write_text("head.json", head);
    return failed;
}

/* --- runs --- */

typedef struct run {
    const char *config; /* NULL: cfg.json */
    const char *output;
    const char *overrides[4];
    const char *cache;
    int threads;
    int stop_after, stop_rank; /* batches, after which this process is told to stop; 0: never */
    bool resume, overwrite;
    bool removes_data; /* the last process finds one image less */
    cnn_status want;
    const char *message; /* a part of it */
    const char *logs;    /* a part of a message in the log of the first process */
} run;

typedef struct progress {
    const run *run;
    int rank, batches;
    bool logged;
} progress;

static void look_at_log(void *user, cnn_log_level level, const char *message) {
    (void)level;
    progress *p = user;
    p->logged = p->logged || (p->run->logs && strstr(message, p->run->logs));
}

static void count_batch(void *user, const cnn_train_progress *state) {
    (void)state;
    progress *p = user;
    p->batches++;
}

static bool should_stop(void *user) {
    const progress *p = user;
    return p->run->stop_after > 0 && p->rank == p->run->stop_rank &&
           p->batches >= p->run->stop_after;
}

/* Trains; the result is the error. */
static void train(const cnn_transport *transport, void *context, void *result, size_t size) {
    const run *r = context;
    progress p = {.run = r, .rank = transport->rank};
    cnn_config *loaded;
    cnn_error error = {0};
    size_t count = 0;
    while (count < TEST_COUNT(r->overrides) && r->overrides[count]) {
        count++;
    }
    expect_in_rank(size == sizeof error);
    if (cnn_config_load(r->config ? r->config : "cfg.json", r->overrides, count, &loaded, &error) !=
        CNN_OK) {
        fprintf(stderr, "%s\n", error.message);
        _exit(1);
    }
    const cnn_train_options options = {.common = {.threads = r->threads > 0 ? r->threads : 1,
                                                  .should_stop = should_stop,
                                                  .cache_directory = r->cache,
                                                  .log = {.write = look_at_log, .user = &p},
                                                  .user = &p,
                                                  .transport = transport},
                                       .output = r->output,
                                       .resume = r->resume,
                                       .overwrite = r->overwrite,
                                       .progress = count_batch};
    cnn_status status = cnn_train(loaded, &options, &error);
    expect_in_rank(status == error.status || status == CNN_OK);
    error.status = status;
    cnn_config_free(loaded);
    expect_in_rank(!r->logs || p.rank > 0 || p.logged);
    memcpy(result, &error, sizeof error);
}

/* All processes must end with the same status and message. */
static void train_together(int ranks, run r) {
    cnn_error errors[FORKED_MAX];
    forked_ranks_run(ranks, train, &r, errors, sizeof *errors);
    for (int rank = 0; rank < ranks; rank++) {
        const cnn_error *error = &errors[rank];
        if (error->status != r.want || (r.message && !strstr(error->message, r.message)) ||
            strcmp(error->message, errors[0].message) != 0) {
            fail_msg("process %d of %d: expected status %d, got %d: %s", rank, ranks, (int)r.want,
                     (int)error->status, error->message);
        }
    }
}

/* --- comparing --- */

/* The number of a column of a table with a header. */
static int column_of(const char *table, const char *name) {
    const char *at = strstr(table, name);
    int column = 0;
    assert_non_null(at);
    for (const char *c = table; c < at; c++) {
        column += *c == ',';
    }
    return column;
}

/* Removes a column of a table. */
static void remove_column(char *table, const char *name) {
    int column = column_of(table, name);
    for (char *row = table; *row; row += strcspn(row, "\n") + 1) {
        char *from = row;
        for (int i = 0; i < column; i++) {
            from += strcspn(from, ",\n") + 1;
        }
        char *to = from + strcspn(from, ",\n");
        memmove(from, to, strlen(to) + 1);
    }
}

/* Removes what is a time, or the number of threads: columns of metrics.csv, keys of summary.json.
 */
static void remove_times(const char *name, char *text) {
    static const char *const keys[] = {"\"seconds\"", "\"images_per_second\"", "\"threads\""};
    if (strcmp(name, "metrics.csv") == 0) {
        remove_column(text, "images_per_second");
        remove_column(text, "seconds");
    }
    for (size_t k = 0; k < TEST_COUNT(keys); k++) {
        char *at = strstr(text, keys[k]);
        if (at) {
            char *end = at + strcspn(at, ",\n");
            memmove(at, end, strlen(end) + 1);
        }
    }
}

static char *read_file(const char *directory, const char *name, size_t *size) {
    char path[128];
    cnn_error error;
    char *text;
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    test_ok(cnn_file_read(path, SIZE_MAX, CNN_ERROR_RUNTIME, &text, size, &error), &error);
    if (strstr(name, ".bin") == NULL) {
        remove_times(name, text);
        *size = strlen(text);
    }
    return text;
}

static void expect_same_run(const char *got, const char *want) {
    static const char *const names[] = {
        "model.bin", "last.bin",    "predictions.csv", "test_predictions.csv",
        "split.csv", "config.json", "metrics.csv",     "summary.json"};
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        size_t size, other;
        char *one = read_file(want, names[i], &size), *two = read_file(got, names[i], &other);
        if (size != other || memcmp(one, two, size) != 0) {
            fail_msg("%s of %s differs from that of %s", names[i], got, want);
        }
        cnn_free(one);
        cnn_free(two);
    }
}

/* --- tests --- */

static void test_same_files(void **state) {
    (void)state;
    static const int counts[] = {2, 3, 4, 8};
    train_together(1, (run){.output = "one", .threads = 2});
    for (size_t i = 0; i < TEST_COUNT(counts); i++) {
        train_together(counts[i], (run){.output = "many",
                                        .overwrite = i > 0,
                                        .threads = 1 + (int)i % 2,
                                        .cache = i == 1 ? "cache" : NULL});
        expect_same_run("many", "one");
    }
    train_together(3, (run){.output = "many", .overwrite = true, .cache = "cache"}); /* from it */
    expect_same_run("many", "one");
}

/* Any process may be told to stop; any number of them continues. */
static void test_stop_and_resume(void **state) {
    (void)state;
    train_together(1, (run){.output = "whole"});
    for (int rank = 0; rank < 3; rank++) {
        train_together(3, (run){.output = "parts",
                                .overwrite = rank > 0,
                                .stop_after = 2 + rank,
                                .stop_rank = rank,
                                .want = CNN_STOPPED,
                                .message = "continue with --resume"});
        train_together(rank == 0 ? 1 : 2 * rank, (run){.output = "parts", .resume = true});
        expect_same_run("parts", "whole");
    }
    train_together(2, (run){.output = "parts", .resume = true}); /* finished already */
    train_together(
        2,
        (run){.output = "parts", .resume = true, .overrides = {"train.epochs=5"}}); /* two more */
    train_together(1, (run){.output = "longer", .overrides = {"train.epochs=5"}});
    expect_same_run("parts", "longer");
}

/* Files that have been renamed have another order; the run keeps its own. */
static void test_resume_after_renaming(void **state) {
    (void)state;
    train_together(1, (run){.output = "before"});
    train_together(
        2,
        (run){.output = "renamed", .stop_after = 3, .want = CNN_STOPPED, .message = "checkpoint"});
    assert_int_equal(rename("images/left/01.pgm", "images/left/zz.pgm"), 0);
    assert_int_equal(rename("images/right/00.pgm", "images/right/aa.pgm"), 0);
    train_together(3, (run){.output = "renamed", .resume = true});
    size_t size, other;
    char *one = read_file("before", "model.bin", &size);
    char *two = read_file("renamed", "model.bin", &other);
    assert_int_equal(size, other);
    assert_memory_equal(one, two, size);
    cnn_free(one);
    cnn_free(two);
    assert_int_equal(rename("images/left/zz.pgm", "images/left/01.pgm"), 0);
    assert_int_equal(rename("images/right/aa.pgm", "images/right/00.pgm"), 0);
}

/* Frozen layers: features are shared like pixels; those of augmented images depend on the number of
 * the image. */
static void test_features(void **state) {
    (void)state;
    train_together(1, (run){.output = "base", .overrides = {"train.epochs=1"}});
    train_together(1, (run){.output = "head", .config = "head.json"});
    train_together(3, (run){.output = "heads", .config = "head.json"});
    expect_same_run("heads", "head");
}

/* A budget of time: the processes agree on the number of epochs, and on the end. */
static void test_minutes(void **state) {
    (void)state;
    train_together(3, (run){.output = "minutes", .overrides = {"train.minutes=0.01"}});
    assert_int_equal(access("minutes/summary.json", F_OK), 0);
}

/* More processes than blocks of a batch. */
static void test_idle_processes(void **state) {
    (void)state;
    train_together(1, (run){.output = "alone", .overrides = {"train.batch_size=16"}});
    train_together(4, (run){.output = "idle",
                            .overrides = {"train.batch_size=16"},
                            .logs = "3 of 4 processes have nothing to compute: a batch of 16 "
                                    "images (train.batch_size) is 1 block"});
    expect_same_run("idle", "alone");
}

static void test_failures_are_shared(void **state) {
    (void)state;
    test_write_text("file", "");
    train_together(2, (run){.output = "file/out", .want = CNN_ERROR_RUNTIME, .message = "file"});
    train_together(1, (run){.output = "used"});
    train_together(3, (run){.output = "used",
                            .want = CNN_ERROR_CONFIG,
                            .message = "expected an empty run directory"});
    train_together(2, (run){.output = "none",
                            .overrides = {"data.bad_images=fail"},
                            .want = CNN_ERROR_DATA,
                            .message = "2 of 57 images cannot be read"});
    train_together(3, (run){.output = "diverges",
                            .overrides = {"train.learning_rate=1e6", "train.optimizer=sgd",
                                          "train.clip_norm=0"},
                            .want = CNN_ERROR_DIVERGED,
                            .message = "train.learning_rate"});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_files),
        cmocka_unit_test(test_stop_and_resume),
        cmocka_unit_test(test_resume_after_renaming),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_minutes),
        cmocka_unit_test(test_failures_are_shared),
        cmocka_unit_test(test_idle_processes),
    };
    return cmocka_run_group_tests(tests, enter_folder, test_folder_leave);
}
