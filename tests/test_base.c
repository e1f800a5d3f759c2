/* The room "base": elementary functions, random numbers, text, files, hashes, memory, threads, the
 * choice of an instruction set. */
#include "test_support.h"

#include "base/cpu.h"
#include "base/elementary.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "cnn/memory.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/sort.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- elementary functions --- */

#define ELEMENTARY_BOUND 4e-15 /* relative */
enum { DENSE_STEPS = 100000 };

/* Compares with libm at DENSE_STEPS places from low to high. */
static void compare_range(const char *name, double (*ours)(double), double (*libm)(double),
                          double low, double high) {
    for (size_t i = 0; i <= DENSE_STEPS; i++) {
        double x = low + (high - low) * ((double)i / (double)DENSE_STEPS);
        double want = libm(x);
        test_near(name, i, ours(x), want, ELEMENTARY_BOUND * fabs(want));
    }
}

/* Overflow is impossible here: e^x is computed for x <= 0 only. */
static double libm_sigmoid(double x) {
    return x < 0.0 ? exp(x) / (1.0 + exp(x)) : 1.0 / (1.0 + exp(-x));
}

static void test_exp(void **state) {
    (void)state;
    compare_range("exp", cnn_exp, exp, -707.9, 708.9);
    compare_range("exp", cnn_exp, exp, -1.0, 1.0);
    compare_range("exp", cnn_exp, exp, -1e-9, 1e-9);
    assert_true(cnn_exp(0.0) == 1.0);
    assert_true(cnn_exp(-0.0) == 1.0);
    assert_true(cnn_exp(0x1p-1074) == 1.0); /* a subnormal */
    assert_true(cnn_exp(-708.5) == 0.0);
    assert_true(cnn_exp(-710.0) == 0.0);
    assert_true(cnn_exp(-1e300) == 0.0);
    assert_true(cnn_exp(-HUGE_VAL) == 0.0);
    test_near("exp of", 709, cnn_exp(709.0), exp(709.0), ELEMENTARY_BOUND * exp(709.0));
    assert_true(cnn_exp(710.0) == HUGE_VAL);
    assert_true(cnn_exp(HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(cnn_exp((double)NAN)));
}

static void test_log(void **state) {
    (void)state;
    compare_range("log", cnn_log, log, 1e-3, 4.0);
    compare_range("log", cnn_log, log, 1.0, 1e6);
    compare_range("log near 1", cnn_log, log, 1.0 - 1e-6, 1.0 + 1e-6);
    for (int k = -1022; k <= 1023; k++) { /* every exponent there is */
        double x = ldexp(1.37, k);
        test_near("log of 1.37 * 2^k", (size_t)(k + 1022), cnn_log(x), log(x),
                  ELEMENTARY_BOUND * fabs(log(x)));
    }
    assert_true(cnn_log(1.0) == 0.0);
    assert_true(cnn_log(0.0) == -HUGE_VAL);
    assert_true(cnn_log(0x1p-1074) == -HUGE_VAL); /* subnormals count as 0 */
    assert_true(cnn_log(0x1p-1022) > -709.0);
    assert_true(cnn_log(HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(cnn_log(-1.0)));
    assert_true(isnan(cnn_log(-HUGE_VAL)));
    assert_true(isnan(cnn_log((double)NAN)));
}

static void test_log1p(void **state) {
    (void)state;
    compare_range("log1p", cnn_log1p, log1p, 0.0, 1.0);
    compare_range("log1p", cnn_log1p, log1p, 0.0, 1e-6);
    for (int k = -1022; k <= 0; k++) {
        double x = ldexp(1.0, k);
        test_near("log1p of 2^-k", (size_t)-k, cnn_log1p(x), log1p(x), ELEMENTARY_BOUND * log1p(x));
    }
    assert_true(cnn_log1p(0.0) == 0.0);
    assert_true(isnan(cnn_log1p((double)NAN)));
}

/* Compares with libm from -high to high; the bound is absolute. */
static void compare_sines(double high) {
    for (size_t i = 0; i <= DENSE_STEPS; i++) {
        double x = high * (2.0 * ((double)i / (double)DENSE_STEPS) - 1.0);
        test_near("sine", i, cnn_sine(x), sin(x), 3e-16);
        test_near("cosine", i, cnn_cosine(x), cos(x), 3e-16);
    }
}

static void test_sine(void **state) {
    (void)state;
    const double pi = 0x1.921fb54442d18p+1;
    compare_sines(1e-3);
    compare_sines(pi);
    compare_sines(100.0);
    compare_sines(0x1p20);
    for (int k = -8; k <= 8; k++) { /* around the borders of eighth turns */
        for (int ulps = -1; ulps <= 1; ulps++) {
            double x = k * pi / 4.0 * (1.0 + ulps * 0x1p-52);
            test_near("sine near an eighth turn", (size_t)(k + 8), cnn_sine(x), sin(x), 3e-16);
            test_near("cosine near an eighth turn", (size_t)(k + 8), cnn_cosine(x), cos(x), 3e-16);
        }
    }
    compare_range("sine", cnn_sine, sin, -0.5, 0.5); /* relative, next to its zero */
    assert_true(cnn_sine(0.0) == 0.0);
    assert_true(cnn_cosine(0.0) == 1.0);
    assert_true(cnn_cosine(pi) == -1.0);
    assert_true(isnan(cnn_sine(0x1.0000000000001p20)));
    assert_true(isnan(cnn_cosine(-HUGE_VAL)));
    assert_true(isnan(cnn_sine((double)NAN)));
}

static void test_sigmoid(void **state) {
    (void)state;
    compare_range("sigmoid", cnn_sigmoid, libm_sigmoid, -707.9, 707.9);
    compare_range("sigmoid", cnn_sigmoid, libm_sigmoid, -40.0, 40.0);
    assert_true(cnn_sigmoid(0.0) == 0.5);
    assert_true(cnn_sigmoid(-710.0) == 0.0);
    assert_true(cnn_sigmoid(710.0) == 1.0);
    assert_true(cnn_sigmoid(-HUGE_VAL) == 0.0);
    assert_true(cnn_sigmoid(HUGE_VAL) == 1.0);
    assert_true(isnan(cnn_sigmoid((double)NAN)));
}

/* --- random numbers --- */

/* SplitMix64's first output for the seed z, written from the paper. */
static uint64_t splitmix(uint64_t z) {
    z += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static void test_random_known_answers(void **state) {
    (void)state;
    assert_true(splitmix(0) == 0xe220a8397b1dcdafU); /* as published: this test's own footing */
    const uint64_t words[] = {0, 1, 2, 77, 1U << 31, UINT64_MAX};
    for (size_t i = 0; i < TEST_COUNT(words); i++) {
        for (size_t j = 0; j < TEST_COUNT(words); j++) {
            uint64_t seed = words[i];
            uint64_t index = words[j];
            uint64_t epoch = words[(i + j) % TEST_COUNT(words)];
            uint64_t want =
                splitmix(splitmix(splitmix(splitmix(seed) ^ CNN_RANDOM_SHUFFLE) ^ epoch) ^ index);
            assert_true(cnn_random_bits(seed, CNN_RANDOM_SHUFFLE, epoch, index) == want);
            double uniform = ldexp((double)(want >> 40), -24);
            assert_true(cnn_random_uniform(seed, CNN_RANDOM_SHUFFLE, epoch, index) == uniform);
        }
    }
}

static void test_random_distribution(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    double sum = 0.0, squares = 0.0, neighbours = 0.0, before = 0.5;
    for (uint64_t i = 0; i < COUNT; i++) {
        double u = cnn_random_uniform(1, CNN_RANDOM_WEIGHTS, 0, i);
        assert_true(u >= 0.0 && u < 1.0);
        assert_true(u * 0x1p24 == floor(u * 0x1p24));
        sum += u;
        squares += (u - 0.5) * (u - 0.5);
        neighbours += (u - 0.5) * (before - 0.5);
        before = u;
    }
    /* five standard deviations each: 0.289, 0.0745 and 0.0833, by the root of COUNT */
    test_near("mean", 0, sum / (double)COUNT, 0.5, 0.0046);
    test_near("variance", 0, squares / (double)COUNT, 1.0 / 12.0, 0.0012);
    test_near("covariance of neighbours", 0, neighbours / (double)COUNT, 0.0, 0.0014);
}

static void test_random_streams_differ(void **state) {
    (void)state;
    uint64_t bits = cnn_random_bits(1, CNN_RANDOM_WEIGHTS, 2, 3);
    assert_true(cnn_random_bits(1, CNN_RANDOM_WEIGHTS, 2, 3) == bits);
    assert_true(cnn_random_bits(4, CNN_RANDOM_WEIGHTS, 2, 3) != bits);
    assert_true(cnn_random_bits(1, CNN_RANDOM_SHUFFLE, 2, 3) != bits);
    assert_true(cnn_random_bits(1, CNN_RANDOM_WEIGHTS, 4, 3) != bits);
    assert_true(cnn_random_bits(1, CNN_RANDOM_WEIGHTS, 2, 4) != bits);
    assert_true(cnn_random_bits(1, CNN_RANDOM_WEIGHTS, 3, 2) != bits); /* order counts */
}

/* --- text --- */

static void expect_csv(const char *field, const char *want) {
    cnn_text text = {0};
    cnn_text_csv_field(&text, field);
    assert_false(text.failed);
    assert_string_equal(text.data ? text.data : "", want);
    cnn_text_free(&text);
}

static void test_text_csv(void **state) {
    (void)state;
    expect_csv("", "");
    expect_csv("plain text", "plain text");
    expect_csv("a,b", "\"a,b\"");
    expect_csv("say \"hi\"", "\"say \"\"hi\"\"\"");
    expect_csv("\"", "\"\"\"\"");
    expect_csv("two\nlines", "\"two\nlines\"");
    expect_csv("old\rmac", "\"old\rmac\"");
    expect_csv("\xc3\xa4;\t'", "\xc3\xa4;\t'");
}

static void test_text_ends(void **state) {
    (void)state;
    assert_true(cnn_text_ends("a.png", ".png"));
    assert_true(cnn_text_ends("a", ""));
    assert_false(cnn_text_ends(".png", ".png"));
    assert_false(cnn_text_ends("a.png.x", ".png"));
    assert_false(cnn_text_ends("g", ".png"));
    assert_false(cnn_text_ends("", ""));
}

static void test_text_is_utf8(void **state) {
    (void)state;
    assert_true(cnn_text_is_utf8(""));
    assert_true(cnn_text_is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82\x7f"));
    assert_false(cnn_text_is_utf8("a\xc3"));
    assert_false(cnn_text_is_utf8("\xed\xa0\x80"));
    assert_false(cnn_text_is_utf8("end\xff"));
}

static void test_text_grows(void **state) {
    (void)state;
    cnn_text text = {0};
    char line[2000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (size_t length = 505; length < 520; length++) { /* around the size of a short line */
        cnn_text_free(&text);
        cnn_text_format(&text, "<%.*s>", (int)length, line);
        assert_false(text.failed);
        assert_int_equal(text.length, length + 2);
        assert_int_equal(strlen(text.data), length + 2);
        assert_int_equal(text.data[length + 1], '>');
    }
    cnn_text_free(&text);
    assert_null(text.data);
    for (int i = 0; i < 100; i++) {
        cnn_text_format(&text, "%03d%s", i, line);
        cnn_text_append(&text, ";\0;", 3); /* bytes, not a string */
    }
    assert_int_equal(text.length, 100 * (3 + sizeof line - 1 + 3));
    assert_memory_equal(text.data + 99 * (sizeof line + 5), "099xx", 5);
    assert_int_equal(text.data[text.length], '\0');
    cnn_text_free(&text);
}

/* After a refusal, a text stays failed, so that one check at the end is enough. */
static void test_text_failed_stays(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_text_append(&text, "kept", 4);
    cnn_text_append(&text, "x", SIZE_MAX - 8); /* refused before any byte is read */
    assert_true(text.failed);
    cnn_text_format(&text, "more");
    cnn_text_csv_field(&text, "more");
    cnn_text_number(&text, 0.5, "");
    assert_true(text.failed);
    assert_string_equal(text.data, "kept");
    cnn_text_free(&text);
}

static void test_bytes_text(void **state) {
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},           {1023, "1023 bytes"}, {1024, "1.0 KiB"},
        {1048524, "1023.9 KiB"},  {1048525, "1.0 MiB"}, {5368709120u, "5.0 GiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char text[24];
        assert_string_equal(cnn_bytes_text(cases[i].bytes, text), cases[i].text);
    }
}

static void test_text_nearest(void **state) {
    (void)state;
    const char *const words[] = {"filters", "kernel", "stride", "padding", NULL};
    assert_string_equal(cnn_text_nearest("filter", words), "filters");
    assert_string_equal(cnn_text_nearest("kernel", words), "kernel");
    assert_string_equal(cnn_text_nearest("krenel", words), "kernel");
    assert_string_equal(cnn_text_nearest("strides", words), "stride");
    assert_string_equal(cnn_text_nearest("pading", words), "padding");
    assert_null(cnn_text_nearest("paddle", words)); /* three letters away */
    assert_null(cnn_text_nearest("units", words));
    assert_null(cnn_text_nearest("", words));
    const char *const short_words[] = {"a", "be", NULL};
    assert_null(cnn_text_nearest("x", short_words)); /* one letter, and all of it wrong */
    char longest[200];
    memset(longest, 'f', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const long_words[] = {longest, NULL};
    assert_null(cnn_text_nearest(longest, words));
    assert_null(cnn_text_nearest("f", long_words));
}

/* --- errors and messages --- */

static void test_errors(void **state) {
    (void)state;
    cnn_error error;
    assert_int_equal(cnn_fail(NULL, CNN_ERROR_DATA, "no reader"), CNN_ERROR_DATA);
    assert_int_equal(cnn_fail(&error, CNN_ERROR_DATA, "%d images", 3), CNN_ERROR_DATA);
    assert_int_equal(error.status, CNN_ERROR_DATA);
    assert_string_equal(error.message, "3 images");
    assert_int_equal(cnn_fail_prefix(&error, CNN_ERROR_CONFIG, "%s: ", "a.csv"), CNN_ERROR_DATA);
    assert_string_equal(error.message, "a.csv: 3 images");
    assert_int_equal(cnn_fail_prefix(NULL, CNN_ERROR_CONFIG, "x"), CNN_ERROR_CONFIG);
    /* names from files: no line's end, no command to a terminal */
    (void)cnn_fail(&error, CNN_ERROR_DATA, "\"%s\"", "a\nb\x1b[2Jc\x7f\xc3\xa4");
    assert_string_equal(error.message, "\"a?b?[2Jc?\xc3\xa4\"");
    (void)cnn_fail_prefix(&error, CNN_ERROR_DATA, "%s: ", "d\te");
    assert_string_equal(error.message, "d?e: \"a?b?[2Jc?\xc3\xa4\"");
    assert_int_equal(cnn_fail_memory(&error, "a list"), CNN_ERROR_RUNTIME);
    assert_string_equal(error.message, "out of memory for a list");
    assert_string_equal(cnn_status_text(CNN_OK), "done");
    assert_string_equal(cnn_status_text((cnn_status)1000), "unknown status");
}

/* A message that grows too long loses its middle, never the place in front, nor the reason. */
static void test_error_prefix_is_kept(void **state) {
    (void)state;
    cnn_error error;
    char tail[sizeof error.message + 100];
    memset(tail, 't', sizeof tail - 1);
    tail[sizeof tail - 1] = '\0';
    (void)cnn_fail(&error, CNN_ERROR_DATA, "%s", tail);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    (void)cnn_fail_prefix(&error, CNN_ERROR_DATA, "place: ");
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_memory_equal(error.message, "place: ttt", 10);
    (void)cnn_fail_prefix(&error, CNN_ERROR_DATA, "%s", tail);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

/* Paths of any length, in UTF-8, at every position of the cuts. */
static void test_error_keeps_its_reason(void **state) {
    (void)state;
    cnn_error error;
    char path[5000];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(path, 'a', sizeof path);
        for (size_t i = shift; i + 4 < sizeof path; i += 4) {
            memcpy(path + i, "\xf0\x9f\x99\x82", 4);
        }
        path[sizeof path - 1] = '\0';
        (void)cnn_fail(&error, CNN_ERROR_DATA, "place: %s: reason", path);
        assert_true(cnn_text_is_utf8(error.message));
        assert_memory_equal(error.message, "place: ", 7);
        assert_string_equal(error.message + strlen(error.message) - 8, ": reason");
        assert_non_null(strstr(error.message, "…"));
        assert_true(strlen(error.message) > sizeof error.message - 8);
        (void)cnn_fail_prefix(&error, CNN_ERROR_DATA, "%s: ", path);
        assert_true(cnn_text_is_utf8(error.message));
        assert_string_equal(error.message + strlen(error.message) - 8, ": reason");
    }
}

static void keep_line(void *user, cnn_log_level level, const char *line) {
    (void)snprintf(user, 64, "%d %s", (int)level, line);
}

static void test_log_message(void **state) {
    (void)state;
    char kept[64] = "";
    cnn_log_sink log = {.write = keep_line, .user = kept};
    cnn_log_message(&log, CNN_LOG_WARNING, "%d of %s", 7, "eight");
    assert_string_equal(kept, "3 7 of eight");
    cnn_log_message(NULL, CNN_LOG_INFO, "no reader");
    cnn_log_message(&(cnn_log_sink){0}, CNN_LOG_INFO, "no reader");
}

/* --- paths and files --- */

/* folder/name in a buffer of the caller's. */
static const char *inside(void *const *state, const char *name, char path[TEST_PATH_MAX + 64]) {
    (void)snprintf(path, TEST_PATH_MAX + 64, "%s/%s", (const char *)*state, name);
    return path;
}

static void expect_path(char *path, const char *want) {
    assert_non_null(path);
    assert_string_equal(path, want);
    cnn_free(path);
}

static void test_paths(void **state) {
    (void)state;
    expect_path(cnn_path_join("a", "b"), "a/b");
    expect_path(cnn_path_join("a/", "b"), "a/b");
    expect_path(cnn_path_join("/", "b"), "/b");
    expect_path(cnn_path_join("", "b"), "b");
    expect_path(cnn_path_join("a", "/b"), "/b");
    expect_path(cnn_path_join("a", "b/c.png"), "a/b/c.png");
    expect_path(cnn_path_folder("a/b/c.png"), "a/b");
    expect_path(cnn_path_folder("c.png"), "");
    expect_path(cnn_path_folder("/c.png"), "/");
    expect_path(cnn_path_folder("/a/c.png"), "/a");
    expect_path(cnn_path_folder(""), "");
}

static void expect_content(const char *path, const char *want, size_t size) {
    char *data;
    size_t got;
    cnn_error error;
    test_ok(cnn_file_read(path, 1 << 30, CNN_ERROR_DATA, &data, &got, &error), &error);
    assert_int_equal(got, size);
    assert_memory_equal(data, want, size);
    assert_int_equal(data[size], '\0');
    cnn_free(data);
}

/* Entries of a folder, without "." and "..". */
static int entry_count(const char *path) {
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    assert_int_equal(closedir(folder), 0);
    return count;
}

static void test_file_round_trip(void **state) {
    char path[TEST_PATH_MAX + 64];
    cnn_error error;
    inside(state, "file", path);
    test_ok(cnn_file_write(path, "a\0b\n", 4, &error), &error);
    expect_content(path, "a\0b\n", 4);
    test_ok(cnn_file_write(path, "", 0, &error), &error); /* over what is there */
    expect_content(path, "", 0);
    enum { LARGE = 300001 }; /* not a multiple of anything */
    char *large = cnn_alloc(LARGE, 1);
    assert_non_null(large);
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = (char)(i * 31 + i / 997);
    }
    test_ok(cnn_file_write(path, large, LARGE, &error), &error);
    expect_content(path, large, LARGE);
    cnn_free(large);
    test_ok(cnn_file_write_unsynced(path, "small", 5, &error), &error);
    expect_content(path, "small", 5);
    test_ok(cnn_file_sync(path, &error), &error);
    assert_int_equal(entry_count(*state), 1);
    assert_int_equal(cnn_file_sync(inside(state, "missing", path), &error), CNN_ERROR_RUNTIME);
    assert_non_null(strstr(error.message, "missing: No such file or directory"));
}

static void test_file_read_refuses(void **state) {
    char path[TEST_PATH_MAX + 64];
    char *data = path; /* anything but NULL */
    size_t size = 77;
    cnn_error error;
    cnn_status status =
        cnn_file_read(inside(state, "missing", path), 10, CNN_ERROR_MODEL, &data, &size, &error);
    assert_int_equal(status, CNN_ERROR_MODEL);
    assert_int_equal(error.status, CNN_ERROR_MODEL);
    assert_string_equal(error.message, "No such file or directory");
    assert_null(data);
    assert_int_equal(size, 0);

    status = cnn_file_read(*state, 10, CNN_ERROR_DATA, &data, &size, &error);
    assert_int_equal(status, CNN_ERROR_DATA);
    assert_string_equal(error.message, "expected a file, found a folder");

    test_ok(cnn_file_write(inside(state, "eleven", path), "01234567890", 11, &error), &error);
    status = cnn_file_read(path, 10, CNN_ERROR_CONFIG, &data, &size, &error);
    assert_int_equal(status, CNN_ERROR_CONFIG);
    assert_null(data);
    assert_int_equal(size, 0);
    test_ok(cnn_file_read(path, 11, CNN_ERROR_CONFIG, &data, &size, &error), &error);
    assert_int_equal(size, 11);
    cnn_free(data);
}

/* A pipe has no size to look up beforehand. */
static void test_file_read_pipe(void **state) {
    (void)state;
    enum { SIZE = 40000 }; /* below what a pipe holds, so that the writer does not wait */
    static char bytes[SIZE];
    memset(bytes, 'p', sizeof bytes);
    const size_t limits[] = {SIZE, SIZE - 1};
    for (size_t i = 0; i < TEST_COUNT(limits); i++) {
        int ends[2];
        char path[64];
        char *data;
        size_t size;
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], bytes, SIZE), SIZE);
        assert_int_equal(close(ends[1]), 0);
        (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        cnn_status status = cnn_file_read(path, limits[i], CNN_ERROR_DATA, &data, &size, NULL);
        assert_int_equal(status, limits[i] < SIZE ? CNN_ERROR_DATA : CNN_OK);
        assert_int_equal(size, limits[i] < SIZE ? 0 : SIZE);
        cnn_free(data);
        assert_int_equal(close(ends[0]), 0);
    }
}

static void test_file_is_endless(void **state) {
    char path[TEST_PATH_MAX + 64];
    cnn_error error;
    assert_true(cnn_file_is_endless("/dev/null"));
    assert_false(cnn_file_is_endless(*state));
    assert_false(cnn_file_is_endless(inside(state, "missing", path)));
    test_ok(cnn_file_write(inside(state, "file", path), "", 0, &error), &error);
    assert_false(cnn_file_is_endless(path));
    assert_int_equal(mkfifo(inside(state, "fifo", path), 0600), 0);
    assert_true(cnn_file_is_endless(path));
}

static void expect_write_fails(const char *path) {
    cnn_error error;
    assert_int_equal(cnn_file_write(path, "new", 3, &error), CNN_ERROR_RUNTIME);
    assert_int_equal(error.status, CNN_ERROR_RUNTIME);
    assert_memory_equal(error.message, path, strlen(path));
    assert_memory_equal(error.message + strlen(path), ": ", 2);
}

static void test_file_write_leaves_nothing(void **state) {
    char path[TEST_PATH_MAX + 64];
    expect_write_fails(inside(state, "missing/file", path));
    cnn_error error;
    test_ok(cnn_folder_make(inside(state, "folder", path), &error), &error);
    expect_write_fails(path);
    assert_true(cnn_folder_exists(path));
    assert_int_equal(entry_count(path), 0);
    assert_int_equal(entry_count(*state), 1); /* the folder, and no temporary neighbour */
}

/* Lets files grow to `limit` bytes only; writing beyond fails as on a full disk. */
static void limit_file_size(rlim_t limit) {
    struct rlimit about;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &about), 0);
    about.rlim_cur = limit < about.rlim_max ? limit : about.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &about), 0);
    assert_ptr_not_equal(signal(SIGXFSZ, limit == RLIM_INFINITY ? SIG_DFL : SIG_IGN), SIG_ERR);
}

static void test_file_disk_full(void **state) {
    char path[TEST_PATH_MAX + 64];
    cnn_error error;
    char new[1000] = {0};
    test_ok(cnn_file_write(inside(state, "file", path), "old", 3, &error), &error);
    limit_file_size(500); /* half of `new` fits */
    cnn_status written = cnn_file_write(path, new, sizeof new, &error);
    int entries = entry_count(*state);
    cnn_status appended = cnn_file_append(path, new, sizeof new, &error);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(written, CNN_ERROR_RUNTIME);
    assert_int_equal(entries, 1);
    assert_int_equal(appended, CNN_ERROR_RUNTIME);
    assert_memory_equal(error.message, path, strlen(path));
    expect_content(path, "old", 3); /* neither replaced nor torn */
}

static void test_file_append(void **state) {
    char path[TEST_PATH_MAX + 64];
    cnn_error error;
    inside(state, "rows.csv", path);
    test_ok(cnn_file_append(path, "one\n", 4, &error), &error);
    test_ok(cnn_file_append(path, "two\n", 4, &error), &error);
    expect_content(path, "one\ntwo\n", 8);
    assert_int_equal(cnn_file_append(*state, "x", 1, &error), CNN_ERROR_RUNTIME); /* a folder */
    assert_memory_equal(error.message, *state, strlen(*state));
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(cnn_file_append("/dev/full", "x", 1, &error), CNN_ERROR_RUNTIME);
        assert_memory_equal(error.message, "/dev/full: ", 11);
    }
}

static void test_folder_make(void **state) {
    char path[TEST_PATH_MAX + 64];
    cnn_error error;
    test_ok(cnn_folder_make(inside(state, "a/b//c/", path), &error), &error);
    assert_true(cnn_folder_exists(inside(state, "a/b/c", path)));
    test_ok(cnn_folder_make(path, &error), &error); /* there already */
    test_ok(cnn_folder_make("/", &error), &error);
    test_ok(cnn_folder_sync(path, &error), &error);
    test_ok(cnn_folder_sync("a/b/c", &error), &error);
    test_ok(cnn_folder_sync("/", &error), &error);
    assert_int_equal(cnn_folder_sync("a/missing", &error), CNN_ERROR_RUNTIME);
    assert_non_null(strstr(error.message, "a/missing: No such file"));
    assert_false(cnn_folder_exists(inside(state, "a/missing", path)));
    test_ok(cnn_file_write(inside(state, "a/file", path), "", 0, &error), &error);
    assert_false(cnn_folder_exists(path));
    assert_int_equal(cnn_folder_make(inside(state, "a/file/d", path), &error), CNN_ERROR_RUNTIME);
    inside(state, "a/file", path); /* the part that is in the way */
    assert_memory_equal(error.message, path, strlen(path));
    assert_memory_equal(error.message + strlen(path), ": ", 2);
}

/* --- hashes --- */

static void expect_sha256(const char *bytes, size_t size, const char *want) {
    char digits[65];
    cnn_sha256_hex(bytes, size, digits);
    assert_string_equal(digits, want);
}

static void test_sha256(void **state) {
    (void)state;
    /* the examples of FIPS 180-4 */
    expect_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    enum { MILLION = 1000000 };
    char *letters = cnn_alloc(MILLION, 1);
    assert_non_null(letters);
    memset(letters, 'a', MILLION);
    expect_sha256(letters, MILLION,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    cnn_free(letters);
}

static void test_hash_bytes(void **state) {
    (void)state;
    /* Answers of a re-implementation in Python. Held-back images are chosen by this hash, so it
     * must not change from one version to the next. */
    assert_true(cnn_hash_bytes(CNN_HASH_START, "", 0) == 0x71567049e9201099U);
    assert_true(cnn_hash_bytes(CNN_HASH_START, "abc", 3) == 0xce4d69b39b6ca6c4U);
    assert_true(cnn_hash_bytes(CNN_HASH_START, "The quick brown fox", 19) == 0xd0ac34f46dcf4be0U);

    unsigned char bytes[24] = {0};
    uint64_t whole = cnn_hash_bytes(CNN_HASH_START, bytes, 20);
    for (size_t bit = 0; bit < 20 * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_true(cnn_hash_bytes(CNN_HASH_START, bytes, 20) != whole);
        bytes[bit / 8] = 0;
    }
    for (size_t size = 0; size <= sizeof bytes; size++) { /* zeros at the end count, too */
        assert_true(size == 20 || cnn_hash_bytes(CNN_HASH_START, bytes, size) != whole);
    }
    assert_true(cnn_hash_bytes(CNN_HASH_START + 1, bytes, 20) != whole);
    /* the start of the array plays no part */
    memcpy(bytes + 1, "abc", 3);
    assert_true(cnn_hash_bytes(CNN_HASH_START, bytes + 1, 3) == 0xce4d69b39b6ca6c4U);
}

/* --- memory --- */

/* Against a sort by insertion: keys with many equals, in few and in all of their bits. */
static void test_sort_by_key(void **state) {
    (void)state;
    enum { COUNT = 300 };
    static const uint64_t masks[] = {0, 1, 0xff, 0xfff000, UINT64_MAX, (uint64_t)3 << 62};
    for (size_t m = 0; m < TEST_COUNT(masks); m++) {
        for (size_t count = 0; count <= COUNT; count += count < 4 ? 1 : 37) {
            cnn_keyed items[COUNT], sorted[COUNT];
            for (size_t i = 0; i < count; i++) {
                uint64_t key = cnn_random_bits(1, CNN_RANDOM_SHUFFLE, m, i) & masks[m];
                size_t place = i;
                for (; place > 0 && sorted[place - 1].key > key; place--) {
                    sorted[place] = sorted[place - 1];
                }
                sorted[place] = items[i] = (cnn_keyed){.key = key, .value = i};
            }
            assert_true(cnn_sort_by_key(items, count));
            for (size_t i = 0; i < count; i++) {
                assert_true(items[i].key == sorted[i].key);
                assert_int_equal(items[i].value, sorted[i].value);
            }
        }
    }
}

static void test_multiply_size(void **state) {
    (void)state;
    size_t product = 77;
    assert_true(cnn_multiply_size(6, 7, &product));
    assert_int_equal(product, 42);
    assert_true(cnn_multiply_size(0, SIZE_MAX, &product));
    assert_int_equal(product, 0);
    assert_true(cnn_multiply_size(SIZE_MAX, 0, &product));
    assert_int_equal(product, 0);
    assert_true(cnn_multiply_size(SIZE_MAX, 1, &product));
    assert_true(product == SIZE_MAX);
    assert_true(cnn_multiply_size(SIZE_MAX / 2, 2, &product));
    assert_true(product == SIZE_MAX - 1);
    assert_false(cnn_multiply_size(SIZE_MAX / 2 + 1, 2, &product));
    assert_false(cnn_multiply_size(SIZE_MAX, SIZE_MAX, &product));
}

static void test_alloc(void **state) {
    (void)state;
    assert_null(cnn_alloc(SIZE_MAX / 2, 3));
    assert_null(cnn_alloc(SIZE_MAX, SIZE_MAX));
    assert_null(cnn_alloc(SIZE_MAX - 1, 1)); /* rounding it up would overflow */
    const size_t sizes[] = {0, 1, 63, 64, 65, 4097};
    for (size_t round = 0; round < 2; round++) { /* the second round gets used memory back */
        for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
            unsigned char *memory = cnn_alloc(sizes[i], 1);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % CNN_ALIGNMENT, 0);
            for (size_t j = 0; j < sizes[i]; j++) {
                assert_int_equal(memory[j], 0);
            }
            memset(memory, 0xff, sizes[i]);
            cnn_free(memory);
        }
    }
    cnn_free(NULL);
}

/* What is given counts until it is given back, by every way to get it; what would be more is
 * refused. */
static void test_memory_limit(void **state) {
    (void)state;
    const size_t room = (size_t)1 << 20;
    size_t before = cnn_memory_look().in_use;
    cnn_memory_limit(before + room);
    void *half = cnn_alloc(room / 2, 1);
    assert_non_null(half);
    assert_true(cnn_memory_look().in_use >= before + room / 2);
    assert_null(cnn_alloc(room / 2 + 1, 1));
    assert_int_equal(cnn_memory_look().refused, (room / 2 + 1 + 63) / 64 * 64);
    assert_null(cnn_plain_alloc(room));
    assert_null(cnn_plain_realloc(NULL, SIZE_MAX));
    void *items = NULL;
    size_t capacity = 0;
    assert_true(cnn_grow(&items, &capacity, 1000, 1));
    assert_false(cnn_grow(&items, &capacity, room, 1));
    assert_int_equal(capacity, 1024); /* as it was */
    void *plain = cnn_plain_alloc(100);
    assert_non_null(plain);
    void *moved = cnn_plain_realloc(plain, 5000);
    assert_non_null(moved);
    char *text = cnn_copy_string("text");
    assert_non_null(text);
    cnn_error error;
    assert_int_equal(cnn_fail_memory(&error, "a test"), CNN_ERROR_RUNTIME);
    assert_non_null(strstr(error.message, "out of memory for a test: "));
    assert_non_null(strstr(error.message, "allowed (--max-memory)"));
    cnn_free(text);
    cnn_free(moved);
    cnn_free(items);
    cnn_free(half);
    assert_int_equal(cnn_memory_look().in_use, before);
    cnn_memory_limit(SIZE_MAX);
    half = cnn_alloc(room, 2);
    assert_non_null(half);
    cnn_free(half);
}

static void test_machine_memory(void **state) {
    (void)state;
    size_t whole = cnn_machine_memory();
    assert_in_range(whole, (size_t)16 << 20, (size_t)1 << 50);
#ifndef CNN_SANITIZED /* sanitizers' shadow memory is beyond any limit */
    struct rlimit kept;
    assert_int_equal(getrlimit(RLIMIT_AS, &kept), 0);
    struct rlimit less = {.rlim_cur = (rlim_t)1 << 24, .rlim_max = kept.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &less), 0);
    size_t limited = cnn_machine_memory();
    assert_int_equal(setrlimit(RLIMIT_AS, &kept), 0);
    assert_int_equal(limited, (size_t)1 << 24);
#endif
}

static void test_grow(void **state) {
    (void)state;
    void *items = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        assert_true(cnn_grow(&items, &capacity, i + 1, sizeof(size_t)));
        assert_true(capacity >= i + 1);
        ((size_t *)items)[i] = i;
    }
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(((size_t *)items)[i], i);
    }
    void *before = items;
    size_t capacity_before = capacity;
    assert_false(cnn_grow(&items, &capacity, SIZE_MAX, 1));
    assert_false(cnn_grow(&items, &capacity, SIZE_MAX / 4, sizeof(size_t)));
    assert_ptr_equal(items, before);
    assert_int_equal(capacity, capacity_before);
    cnn_free(items);
    char *copy = cnn_copy_string("text");
    assert_string_equal(copy, "text");
    cnn_free(copy);
}

/* --- threads --- */

enum { TURNS = 500, THREADS_MAX = 16 };

typedef struct turns {
    atomic_int runs[TURNS];
    atomic_bool busy[THREADS_MAX];
    atomic_int wrong; /* assertions may not jump out of another thread: count, and look later */
    int threads;
} turns;

static void take_turn(void *context, size_t index, int thread) {
    turns *t = context;
    if (thread < 0 || thread >= t->threads || index >= TURNS) {
        atomic_fetch_add(&t->wrong, 1);
        return;
    }
    if (atomic_exchange(&t->busy[thread], true)) { /* two turns at once with the same number */
        atomic_fetch_add(&t->wrong, 1);
    }
    atomic_fetch_add(&t->runs[index], 1);
    (void)sched_yield(); /* gives other threads a chance to be here at the same time */
    atomic_store(&t->busy[thread], false);
}

static void test_parallel_for(void **state) {
    (void)state;
    const int threads[] = {1, 2, 3, 16};
    const size_t counts[] = {0, 1, 2, 7, TURNS};
    for (size_t i = 0; i < TEST_COUNT(threads); i++) {
        for (size_t j = 0; j < TEST_COUNT(counts); j++) {
            turns t = {.threads = threads[i]};
            cnn_parallel_for(counts[j], threads[i], take_turn, &t);
            assert_int_equal(t.wrong, 0);
            for (size_t turn = 0; turn < TURNS; turn++) {
                assert_int_equal(t.runs[turn], turn < counts[j] ? 1 : 0);
            }
        }
    }
    assert_true(cnn_default_threads() >= 1);
}

/* --- instruction sets --- */

static void expect_isa(const char *cap, cnn_isa want) {
    cnn_isa isa = (cnn_isa)77;
    cnn_error error;
    assert_int_equal(cap ? setenv("CNN_ISA", cap, 1) : unsetenv("CNN_ISA"), 0);
    test_ok(cnn_isa_choose(&isa, &error), &error);
    assert_int_equal(isa, want);
}

static void test_isa_choose(void **state) {
    (void)state;
    const char *kept = getenv("CNN_ISA");
    char *copy = kept ? cnn_copy_string(kept) : NULL;
    cnn_isa cpu = cnn_isa_of_cpu();
    expect_isa(NULL, cpu);
    expect_isa("", cpu);
    for (int i = 0; i < CNN_ISA_COUNT; i++) { /* one above the processor's is capped by it */
        expect_isa(cnn_isa_name((cnn_isa)i), (cnn_isa)i < cpu ? (cnn_isa)i : cpu);
    }
    const char *const nonsense[] = {"sse9", "AVX2", " avx2", "avx", "avx5120"};
    for (size_t i = 0; i < TEST_COUNT(nonsense); i++) {
        cnn_isa isa;
        cnn_error error;
        char want[128];
        assert_int_equal(setenv("CNN_ISA", nonsense[i], 1), 0);
        assert_int_equal(cnn_isa_choose(&isa, &error), CNN_ERROR_CONFIG);
        (void)snprintf(want, sizeof want,
                       "environment: CNN_ISA: expected generic, avx2 or avx512, got \"%s\"",
                       nonsense[i]);
        assert_string_equal(error.message, want);
    }
    assert_int_equal(copy ? setenv("CNN_ISA", copy, 1) : unsetenv("CNN_ISA"), 0);
    cnn_free(copy);
    assert_string_equal(cnn_isa_name(CNN_ISA_GENERIC), "generic");
    assert_string_equal(cnn_isa_name(CNN_ISA_AVX2), "avx2");
    assert_string_equal(cnn_isa_name(CNN_ISA_AVX512), "avx512");
}

/* Tests of files get a folder of their own: *state is its path. */
#define FOLDER_TEST(function)                                                                      \
    cmocka_unit_test_setup_teardown(function, test_folder_enter, test_folder_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_log1p),
        cmocka_unit_test(test_sine),
        cmocka_unit_test(test_sigmoid),
        cmocka_unit_test(test_random_known_answers),
        cmocka_unit_test(test_random_distribution),
        cmocka_unit_test(test_random_streams_differ),
        cmocka_unit_test(test_text_csv),
        cmocka_unit_test(test_text_ends),
        cmocka_unit_test(test_text_is_utf8),
        cmocka_unit_test(test_text_grows),
        cmocka_unit_test(test_text_failed_stays),
        cmocka_unit_test(test_bytes_text),
        cmocka_unit_test(test_text_nearest),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_error_prefix_is_kept),
        cmocka_unit_test(test_error_keeps_its_reason),
        cmocka_unit_test(test_log_message),
        cmocka_unit_test(test_paths),
        FOLDER_TEST(test_file_round_trip),
        FOLDER_TEST(test_file_read_refuses),
        cmocka_unit_test(test_file_read_pipe),
        FOLDER_TEST(test_file_is_endless),
        FOLDER_TEST(test_file_write_leaves_nothing),
        FOLDER_TEST(test_file_disk_full),
        FOLDER_TEST(test_file_append),
        FOLDER_TEST(test_folder_make),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hash_bytes),
        cmocka_unit_test(test_sort_by_key),
        cmocka_unit_test(test_multiply_size),
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_machine_memory),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_parallel_for),
        cmocka_unit_test(test_isa_choose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
