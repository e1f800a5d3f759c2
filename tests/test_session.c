/* Run directories on a file system without locks: a session warns about it once. The linker
 * replaces the system's flock with the one below (--wrap). */
#include "test_support.h"

#include "base/memory.h"
#include "config/config.h"

#include "cnn/train.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static bool has_locks;

/* The names that the linker requires are reserved in C. */
int system_flock(int file, int operation) __asm__("__real_flock");
int our_flock(int file, int operation) __asm__("__wrap_flock");
int our_flock(int file, int operation) {
    if (has_locks) {
        return system_flock(file, operation);
    }
    errno = ENOLCK;
    return -1;
}

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
        " \"train\": {\"epochs\": 1}}";
    cnn_config *config;
    cnn_error error = {0};
    test_ok(cnn_config_parse("config", text, sizeof text - 1, NULL, 0, &config, &error), &error);
    return config;
}

/* --- warnings --- */

static void count_warnings(void *user, cnn_log_level level, const char *line) {
    int *warnings = user;
    *warnings += level == CNN_LOG_WARNING && strstr(line, "this file system has no locks") != NULL;
}

/* A run, or with folds a cross-validation. */
static void expect_warnings(int expected, cnn_cross_validation_options options) {
    int warnings = 0;
    cnn_error error = {0};
    cnn_config *config = make_config();
    char *before = cnn_config_to_json(config);
    options.train.common.log = (cnn_log_sink){.write = count_warnings, .user = &warnings};
    options.train.common.threads = 1;
    cnn_status status = options.folds > 0 ? cnn_cross_validate(config, &options, &error)
                                          : cnn_train(config, &options.train, &error);
    test_ok(status, &error);
    assert_int_equal(warnings, expected);
    char *after = cnn_config_to_json(config);
    assert_string_equal(before, after); /* the config of the caller is not changed */
    cnn_free(before);
    cnn_free(after);
    cnn_config_free(config);
}

static void test_no_locks(void **state) {
    (void)state;
    for (int locks = 0; locks < 2; locks++) {
        int expected = locks ? 0 : 1;
        has_locks = locks > 0;
        const cnn_train_options run = {.output = "run", .overwrite = true};
        const cnn_train_options set = {.output = "set", .overwrite = true};
        const cnn_train_options gather = {.output = "set"};
        expect_warnings(expected, (cnn_cross_validation_options){.train = run});
        expect_warnings(expected, (cnn_cross_validation_options){.train = set, .folds = 2});
        expect_warnings(expected,
                        (cnn_cross_validation_options){.train = set, .folds = 2, .member = 1});
        expect_warnings(
            expected, (cnn_cross_validation_options){.train = gather, .folds = 2, .gather = true});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_locks)};
    return cmocka_run_group_tests(tests, enter_folder, test_folder_leave);
}
