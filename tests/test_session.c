/* Run directories that several machines see (machines.h), on file systems whose locks they do not
 * share: no run is trained twice at the same time, and none is lost. */
#include "machines.h"
#include "test_support.h"

#include "base/file.h"

#include "base/memory.h"
#include "config/config.h"

#include "cnn/train.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- data --- */

enum { SIDE = 8, IMAGES = 12 };

static int enter_folder(void **state) {
    int failed = test_folder_enter(state) || mkdir("images", 0777) || mkdir("images/left", 0777) ||
                 mkdir("images/right", 0777);
    uint64_t random = 1;
    for (int i = 0; i < IMAGES && !failed; i++) {
        char path[40];
        (void)snprintf(path, sizeof path, "images/%s/%02d.pgm", i % 2 ? "right" : "left", i);
        FILE *file = fopen(path, "wb");
        failed = !file || fprintf(file, "P5 %d %d 255\n", SIDE, SIDE) < 0;
        for (int p = 0; p < SIDE * SIDE && !failed; p++) {
            failed = fputc((int)test_random(&random, 0, 255), file) == EOF;
        }
        failed = !file || fclose(file) != 0 || failed;
    }
    return failed;
}

static cnn_config *make_config(void) {
    static const char text[] =
        "{\"data\": {\"train\": \"images\", \"validation\": 0},\n"
        " \"image\": {\"width\": 8, \"height\": 8, \"channels\": 1},\n"
        " \"layers\": [{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1},\n"
        "              {\"type\": \"sigmoid\"}],\n"
        " \"train\": {\"epochs\": 2, \"seed\": 1}}";
    cnn_config *config;
    cnn_error error = {0};
    test_ok(cnn_config_parse("config", text, sizeof text - 1, NULL, 0, &config, &error), &error);
    return config;
}

/* --- training on a machine --- */

/* What a child does: trains one fold, or with fold 0 gathers all of them. Its exit code is the
 * status. */
typedef struct job {
    const char *output, *cache;
    int fold, machine;
    machine_locks locks;
    int start; /* a pipe that ends when all shall begin; -1: at once */
} job;

enum { FOLDS = 3, SPEED = 30 };

static int run_job(const job *j) {
    char byte;
    cnn_error error = {0};
    cnn_config *config = make_config();
    char *before = cnn_config_to_json(config);
    machine = (test_machine){.number = j->machine,
                             .locks = j->locks,
                             .speed = SPEED,
                             .fast = 3600L * 7 * (j->machine - 2)};
    const cnn_cross_validation_options options = {
        .train = {.output = j->output,
                  .common = {.threads = 1, .cache_directory = j->cache},
                  .resume = j->fold > 0},
        .folds = FOLDS,
        .member = j->fold,
        .gather = j->fold == 0};
    if (j->start >= 0) {
        (void)!read(j->start, &byte, 1);
    }
    cnn_status status = cnn_cross_validate(config, &options, &error);
    if (status != CNN_OK &&
        (status != CNN_ERROR_CONFIG || !strstr(error.message, "another run (process "))) {
        (void)fprintf(stderr, "%s\n", error.message);
        status = CNN_ERROR_RUNTIME;
    }
    char *after = cnn_config_to_json(config);
    bool same = strcmp(before, after) == 0; /* the config of the caller is not changed */
    cnn_free(before);
    cnn_free(after);
    cnn_config_free(config);
    return same ? (int)status : CNN_ERROR_RUNTIME;
}

static pid_t start_job(const job *j) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves none */
        _exit(run_job(j));
    }
    return child;
}

static int end_job(pid_t child) {
    int end;
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFEXITED(end));
    return WEXITSTATUS(end);
}

static int do_job(job j) {
    j.start = -1;
    return end_job(start_job(&j));
}

/* --- comparing --- */

static void expect_same_file(const char *folder, const char *other, const char *name) {
    cnn_error error;
    char *text[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        char *path = cnn_path_join(i == 0 ? folder : other, name);
        test_ok(cnn_file_read(path, 1 << 20, CNN_ERROR_RUNTIME, &text[i], &size[i], &error),
                &error);
        cnn_free(path);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(text[0], text[1], size[0]);
    cnn_free(text[0]);
    cnn_free(text[1]);
}

static void expect_same_set(const char *set, const char *other) {
    static const char *const names[] = {
        "folds.csv",        "predictions.csv",        "summary.json",      "split.csv",
        "fold-1/model.bin", "fold-2/model.bin",       "fold-3/model.bin",  "fold-1/last.bin",
        "fold-1/split.csv", "fold-2/predictions.csv", "fold-3/config.json"};
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        expect_same_file(set, other, names[i]);
    }
}

/* --- tests --- */

/* Two machines train each fold, in the same instant; a third one gathers. Each fold is trained by
 * one of the two, and whoever comes after it finds it finished. */
static void test_same_member(void **state) {
    (void)state;
    for (int fold = 0; fold <= FOLDS; fold++) {
        assert_int_equal(do_job((job){.output = "whole", .fold = (fold + 1) % (FOLDS + 1)}),
                         CNN_OK);
    }
    for (int round = 0; round < 6; round++) {
        const machine_locks locks = round % 3 == 0 ? LOCKS_NONE : LOCKS_LOCAL;
        char output[16], cache[16];
        int start[2], code[2][FOLDS];
        pid_t child[2][FOLDS];
        assert_int_equal(pipe(start), 0);
        (void)snprintf(output, sizeof output, "set-%d", round);
        (void)snprintf(cache, sizeof cache, "cache-%d", round); /* empty: both fill it */
        for (int i = 0; i < 2 * FOLDS; i++) {
            const job j = {.output = output,
                           .cache = cache,
                           .fold = 1 + i / 2,
                           .machine = 1 + i % 2,
                           .locks = locks,
                           .start = start[0]};
            child[i % 2][i / 2] = start_job(&j);
        }
        assert_int_equal(write(start[1], "startall", (size_t)2 * FOLDS), 2 * FOLDS);
        for (int i = 0; i < 2 * FOLDS; i++) {
            code[i % 2][i / 2] = end_job(child[i % 2][i / 2]);
        }
        for (int fold = 0; fold < FOLDS; fold++) {
            assert_true(code[0][fold] == CNN_OK || code[1][fold] == CNN_OK);
            assert_true(code[0][fold] == CNN_OK || code[0][fold] == CNN_ERROR_CONFIG);
            assert_true(code[1][fold] == CNN_OK || code[1][fold] == CNN_ERROR_CONFIG);
        }
        assert_int_equal(
            do_job((job){.output = output, .cache = cache, .machine = 3, .locks = locks}), CNN_OK);
        expect_same_set("whole", output);
        (void)close(start[0]);
        (void)close(start[1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_member)};
    return cmocka_run_group_tests(tests, enter_folder, test_folder_leave);
}
