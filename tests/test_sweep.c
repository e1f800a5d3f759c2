/* Sweep files: members and their order, drawn values, configs of members, every kind of error. */
#include "test_support.h"

#include "base/number_text.h"
#include "config/sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char config_text[] =
    "{\"data\": {\"train\": \"images\"}, \"image\": {\"width\": 12, \"height\": 12, \"channels\": "
    "1},\n"
    "\"layers\": [{\"type\": \"conv\", \"filters\": 2, \"kernel\": 3}, {\"type\": \"maxpool\", "
    "\"size\": 2},\n"
    "{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}]}";

static cnn_sweep *parse(const char *text) {
    cnn_sweep *sweep = NULL;
    cnn_error error;
    test_ok(cnn_sweep_parse("sweep.json", text, strlen(text), &sweep, &error), &error);
    assert_non_null(sweep);
    return sweep;
}

/* The values of a member, "0.01 8". */
static void read_member(const cnn_sweep *sweep, int member, char text[256]) {
    cnn_text values = {0};
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_text_format(&values, i > 0 ? " " : "");
        cnn_sweep_value(sweep, member, &sweep->keys[i], &values);
    }
    assert_false(values.failed);
    assert_true(values.length < 256);
    memcpy(text, values.length > 0 ? values.data : "", values.length + 1);
    cnn_text_free(&values);
}

static void check_member(const cnn_sweep *sweep, int member, const char *expected) {
    char text[256];
    read_member(sweep, member, text);
    assert_string_equal(text, expected);
}

/* --- grids --- */

static void test_grid(void **state) {
    (void)state;
    cnn_sweep *sweep =
        parse("{\"grid\": {\"train.learning_rate\": [0.01, 1e-1], \"layers.0.filters\": "
              "[8, 16, 4]}, \"seeds\": [3, 1]}");
    assert_int_equal(sweep->points, 6);
    assert_int_equal(sweep->seeds, 2);
    assert_int_equal(sweep->members, 12);
    const char *const expected[] = {"0.01 8 3", "0.01 8 1", "0.01 16 3", "0.01 16 1",
                                    "0.01 4 3", "0.01 4 1", "0.1 8 3",   "0.1 8 1",
                                    "0.1 16 3", "0.1 16 1", "0.1 4 3",   "0.1 4 1"};
    for (int member = 1; member <= 12; member++) {
        check_member(sweep, member, expected[member - 1]);
        assert_int_equal(cnn_sweep_point(sweep, member), (member + 1) / 2);
    }
    cnn_sweep_free(sweep);
    sweep = parse("{\"seeds\": [5, 6, 7]}");
    assert_int_equal(sweep->members, 3);
    check_member(sweep, 2, "6");
    cnn_sweep_free(sweep);
    sweep = parse(
        "{\"grid\": {\"layers.0\": [{\"type\": \"relu\", \"a\": [1, true, null, \"x\"]}, 7]}}");
    check_member(sweep, 1, "{\"type\":\"relu\",\"a\":[1,true,null,\"x\"]}");
    check_member(sweep, 2, "7");
    cnn_sweep_free(sweep);
}

/* --- random values --- */

#define DISTRIBUTIONS                                                                              \
    "\"train.learning_rate\": {\"log_uniform\": [1e-4, 1e-1]}, \"augment.shift\": {\"uniform\": "  \
    "[-1, "                                                                                        \
    "3]}, \"layers.0.filters\": {\"integer\": [4, 7]}, \"train.optimizer\": {\"choice\": "         \
    "[\"sgd\", "                                                                                   \
    "\"adam\"]}"

/* These values are a promise: a sweep that is continued by a later version has them. Printed by the
 * version that introduced sweeps. */
static void test_drawn_values(void **state) {
    (void)state;
    cnn_sweep *sweep = parse("{\"random\": {" DISTRIBUTIONS "}, \"runs\": 3}");
    check_member(sweep, 1, "0.003242 1.509 6 \"sgd\"");
    check_member(sweep, 2, "0.008048 2.84 6 \"sgd\"");
    check_member(sweep, 3, "0.001689 2.633 5 \"adam\"");
    cnn_sweep_free(sweep);
}

/* More runs, another key and more seeds change none of the values. */
static void test_stability(void **state) {
    (void)state;
    cnn_sweep *few = parse("{\"random\": {" DISTRIBUTIONS "}, \"runs\": 5, \"seed\": 9}");
    cnn_sweep *many =
        parse("{\"random\": {\"train.momentum\": {\"uniform\": [0, 1]}, " DISTRIBUTIONS
              "}, \"runs\": 50, \"seed\": 9, \"seeds\": [1, 2]}");
    cnn_sweep *other = parse("{\"random\": {" DISTRIBUTIONS "}, \"runs\": 5, \"seed\": 10}");
    for (int point = 1; point <= 5; point++) {
        char first[256], second[256], third[256];
        read_member(few, point, first);
        read_member(many, 2 * point, second);
        read_member(other, point, third);
        const char *rest = strchr(second, ' ') + 1; /* without the new key */
        assert_int_equal(strncmp(first, rest, strlen(first)), 0);
        assert_string_equal(rest + strlen(first), " 2"); /* the seed */
        assert_string_not_equal(first, third);
    }
    cnn_sweep_free(few);
    cnn_sweep_free(many);
    cnn_sweep_free(other);
}

/* Each of the 4 integers and 2 choices is drawn in its share of the runs, and the means of the
 * others are those of their distributions, within 4 standard deviations. */
static void test_distributions(void **state) {
    enum { RUNS = 4000 };
    (void)state;
    cnn_sweep *sweep = parse("{\"random\": {" DISTRIBUTIONS "}, \"runs\": 4000}");
    double logs = 0.0, uniform = 0.0;
    int integers[8] = {0}, adam = 0;
    for (int member = 1; member <= RUNS; member++) {
        char text[256], *end;
        read_member(sweep, member, text);
        logs += log10(cnn_number_read(text, &end));
        uniform += cnn_number_read(end, &end);
        double filters = cnn_number_read(end, &end);
        assert_true(filters >= 4 && filters <= 7);
        integers[(int)filters]++;
        adam += strcmp(end, " \"adam\"") == 0;
    }
    test_near("log", 0, logs / RUNS, -2.5, 4.0 * 3.0 / sqrt(12.0 * RUNS));
    test_near("uniform", 0, uniform / RUNS, 1.0, 4.0 * 4.0 / sqrt(12.0 * RUNS));
    for (int i = 4; i <= 7; i++) {
        test_near("integer", (size_t)i, integers[i], RUNS / 4.0, 4.0 * sqrt(RUNS * 3.0 / 16.0));
    }
    test_near("choice", 0, adam, RUNS / 2.0, 4.0 * sqrt(RUNS / 4.0));
    cnn_sweep_free(sweep);
}

/* --- configs of members --- */

static cnn_status load_member(const cnn_sweep *sweep, int member, const char *override,
                              cnn_config **config, cnn_error *error) {
    const cnn_sweep_base base = {.name = "cfg.json",
                                 .text = config_text,
                                 .size = strlen(config_text),
                                 .overrides = &override,
                                 .override_count = override != NULL,
                                 .sweep_name = "sweep.json"};
    return cnn_sweep_config(sweep, &base, member, config, error);
}

/* A member's config is the one that the same KEY=VALUE give; a default that follows another key
 * follows the member's value of it. */
static void test_member_config(void **state) {
    (void)state;
    cnn_sweep *sweep =
        parse("{\"grid\": {\"layers.1.size\": [2, 5], \"train.optimizer\": [\"adam\"]}}");
    const char *const overrides[] = {"train.epochs=3", "layers.1.size=5", "train.optimizer=adam"};
    cnn_config *config, *expected;
    cnn_error error;
    test_ok(load_member(sweep, 2, "train.epochs=3", &config, &error), &error);
    test_ok(cnn_config_parse("cfg.json", config_text, strlen(config_text), overrides, 3, &expected,
                             &error),
            &error);
    char *json = cnn_config_to_json(config), *expected_json = cnn_config_to_json(expected);
    assert_string_equal(json, expected_json);
    assert_non_null(strstr(json, "\"stride\":\t5"));
    cnn_text_release(json);
    cnn_text_release(expected_json);
    cnn_config_free(config);
    cnn_config_free(expected);
    cnn_sweep_free(sweep);
}

typedef struct broken_member {
    const char *text, *override, *message;
} broken_member;

static const broken_member broken_members[] = {
    {"{\"grid\": {\"train.learning_rate\": [0.1, -1]}}", NULL,
     "sweep.json: train.learning_rate: expected a number above 0 and up to 1000000, got -1 (run 2 "
     "of 2: "
     "train.learning_rate=-1)"},
    {"{\"grid\": {\"train.learning_rat\": [0.1]}, \"seeds\": [1]}", NULL,
     "sweep.json: train: unknown key \"learning_rat\"; did you mean \"learning_rate\"? (run 1 of "
     "1: "
     "train.learning_rat=0.1, train.seed=1)"},
    {"{\"grid\": {\"trian.epochs\": [1]}}", NULL,
     "sweep.json: unknown key \"trian\"; did you mean \"train\"? (run 1 of 1: trian.epochs=1)"},
    {"{\"grid\": {\"layers.9\": [1]}}", NULL,
     "sweep.json: layers.9=1: there is no \"layers[9]\" to set (run 1 of 1: layers.9=1)"},
    {"{\"grid\": {\"layers.0.kernel\": [3, 13]}}", NULL, "sweep.json: layers[0].kernel: *"},
    {"{\"grid\": {\"train.epochs\": [1, 2]}}", "train.epochs=3",
     "sweep.json: train.epochs: would replace train.epochs, which is set on the command line (run "
     "1 "
     "of 2: train.epochs=1)"},
    {"{\"grid\": {\"layers.0\": [{\"type\": \"relu\"}]}}", "layers.0.filters=3",
     "sweep.json: layers[0]: would replace layers[0].filters, which is set on the command line *"},
};

static void check_message(const char *message, const char *expected) {
    size_t length = strlen(expected);
    bool starts = expected[length - 1] == '*' && strncmp(message, expected, length - 1) == 0;
    if (!starts) {
        assert_string_equal(message, expected);
    }
}

static void test_broken_members(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(broken_members); i++) {
        const broken_member *broken = &broken_members[i];
        cnn_sweep *sweep = parse(broken->text);
        cnn_config *config;
        cnn_error error;
        cnn_status status = CNN_OK;
        for (int member = 1; member <= sweep->members && status == CNN_OK; member++) {
            status = load_member(sweep, member, broken->override, &config, &error);
            cnn_config_free(config);
        }
        assert_int_equal(status, CNN_ERROR_CONFIG);
        check_message(error.message, broken->message);
        cnn_sweep_free(sweep);
    }
}

/* --- errors of the file --- */

static const char *const broken_files[][2] = {
    {"[]", "sweep.json: expected a JSON object { … }, got a list of 0"},
    {"{", "sweep.json: line 1: expected valid JSON, found the end of the file"},
    {"{}", "sweep.json: expected \"grid\", \"random\" or \"seeds\""},
    {"{\"gird\": {}}", "sweep.json: unknown setting \"gird\"; did you mean \"grid\"?"},
    {"{\"train.epochs\": [1]}",
     "sweep.json: unknown setting \"train.epochs\"; keys of the config are "
     "expected inside \"grid\" or \"random\""},
    {"{\"seeds\": [1], \"seeds\": [2]}", "sweep.json: key \"seeds\" is given twice"},
    {"{\"grid\": {\"a\": [1]}, \"random\": {}}",
     "sweep.json: expected one of \"grid\" and \"random\", got both"},
    {"{\"grid\": {}}", "sweep.json: grid: expected an object { \"KEY\": … }, got an empty object"},
    {"{\"grid\": {\"a\": 1}}", "sweep.json: grid.a: expected a list of 1 to 9999 values, got 1"},
    {"{\"grid\": {\"a\": []}}",
     "sweep.json: grid.a: expected a list of 1 to 9999 values, got a list of 0"},
    {"{\"grid\": {\"a\": [1, 2, 1.0]}}", "sweep.json: grid.a[2]: value 1 is given twice"},
    {"{\"grid\": {\"a\": [1e999]}}", "sweep.json: grid.a[0]: expected a finite number, *"},
    {"{\"grid\": {\"a\": [1], \"a\": [2]}}", "sweep.json: grid: key \"a\" is given twice"},
    {"{\"grid\": {\"layers.0.filters\": [1], \"layers.0\": [2]}}",
     "sweep.json: grid: \"layers.0\" would replace \"layers.0.filters\", which is before it; put "
     "it first"},
    {"{\"grid\": {\"\": [1]}}", "sweep.json: grid: expected a key such as train.epochs, got \"\""},
    {"{\"grid\": {\"a=1\": [1]}}",
     "sweep.json: grid: expected a key such as train.epochs, got \"a=1\""},
    {"{\"grid\": {\"train.seed\": [1]}, \"seeds\": [1]}",
     "sweep.json: seeds: key \"train.seed\" is given twice"},
    {"{\"grid\": {\"a\": [1]}, \"runs\": 3}", "sweep.json: runs: expected \"random\" as well"},
    {"{\"grid\": {\"a\": [1]}, \"seed\": 3}", "sweep.json: seed: expected \"random\" as well"},
    {"{\"random\": {\"a\": {\"uniform\": [0, 1]}}}",
     "sweep.json: runs: missing; the number of combinations to draw"},
    {"{\"random\": {\"a\": {\"uniform\": [0, 1]}}, \"runs\": 0}",
     "sweep.json: runs: expected an integer from 1 to 9999, got 0"},
    {"{\"random\": {\"a\": {\"uniform\": [0, 1]}}, \"runs\": 2.5}",
     "sweep.json: runs: expected an integer from 1 to 9999, got 2.5"},
    {"{\"random\": {\"a\": {\"uniform\": [0, 1]}}, \"runs\": 2, \"seed\": -1}",
     "sweep.json: seed: expected an integer from 0 to 9007199254740991, got -1"},
    {"{\"random\": {\"a\": [1, 2]}, \"runs\": 2}", "sweep.json: random.a: expected one of *"},
    {"{\"random\": {\"a\": {\"loguniform\": [1, 2]}}, \"runs\": 2}",
     "sweep.json: random.a: unknown distribution \"loguniform\"; did you mean \"log_uniform\"?"},
    {"{\"random\": {\"a\": {\"uniform\": [2, 1]}}, \"runs\": 2}",
     "sweep.json: random.a.uniform: expected two numbers [LOW, HIGH], the first one less, got [2, "
     "1]"},
    {"{\"random\": {\"a\": {\"log_uniform\": [0, 1]}}, \"runs\": 2}",
     "sweep.json: random.a.log_uniform: expected two numbers above 0, [LOW, HIGH], the first one "
     "less, "
     "got [0, 1]"},
    {"{\"random\": {\"a\": {\"integer\": [1, 2.5]}}, \"runs\": 2}",
     "sweep.json: random.a.integer: expected two integers *"},
    {"{\"random\": {\"a\": {\"integer\": [1]}}, \"runs\": 2}",
     "sweep.json: random.a.integer: expected two integers [LOW, HIGH], the first one less, got a "
     "list of 1"},
    {"{\"random\": {\"a\": {\"choice\": []}}, \"runs\": 2}",
     "sweep.json: random.a.choice: expected a list of 1 to 9999 values, got a list of 0"},
    {"{\"random\": {\"a\": {\"uniform\": [0, 1]}}, \"runs\": 5000, \"seeds\": [1, 2]}",
     "sweep.json: expected at most 9999 runs, got more"},
    {"{\"seeds\": [1], \"halving\": {\"factor\": 3}}", "sweep.json: halving.epochs: missing; *"},
    {"{\"seeds\": [1], \"halving\": {\"epochs\": 0}}",
     "sweep.json: halving.epochs: expected an integer from 1 to 1000000, got 0"},
    {"{\"seeds\": [1], \"halving\": {\"epochs\": 1, \"factor\": 1}}",
     "sweep.json: halving.factor: expected an integer from 2 to 100, got 1"},
    {"{\"seeds\": [1], \"halving\": {\"epoch\": 1}}",
     "sweep.json: halving: unknown setting \"epoch\"; did you mean \"epochs\"?"},
};

static void test_broken_files(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(broken_files); i++) {
        cnn_sweep *sweep = NULL;
        cnn_error error;
        const char *text = broken_files[i][0];
        cnn_status status = cnn_sweep_parse("sweep.json", text, strlen(text), &sweep, &error);
        if (status != CNN_ERROR_CONFIG) {
            fail_msg("%s: expected a failure", text);
        }
        assert_null(sweep);
        check_message(error.message, broken_files[i][1]);
    }
}

/* Sizes that multiply to more than any integer. */
static void test_too_many(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_text_format(&text, "{\"grid\": {");
    for (int key = 0; key < CNN_SWEEP_KEYS_MAX; key++) {
        cnn_text_format(&text, "%s\"k%d\": [", key > 0 ? ", " : "", key);
        for (int value = 0; value < 50; value++) {
            cnn_text_format(&text, "%s%d", value > 0 ? ", " : "", value);
        }
        cnn_text_format(&text, "]");
    }
    cnn_text_format(&text, "}}");
    cnn_sweep *sweep = NULL;
    cnn_error error;
    assert_int_equal(cnn_sweep_parse("sweep.json", text.data, text.length, &sweep, &error),
                     CNN_ERROR_CONFIG);
    assert_string_equal(error.message, "sweep.json: expected at most 9999 runs, got more");
    text.length -= 2;
    cnn_text_format(&text, ", \"one\": [1]}}");
    assert_int_equal(cnn_sweep_parse("sweep.json", text.data, text.length, &sweep, &error),
                     CNN_ERROR_CONFIG);
    assert_string_equal(error.message, "sweep.json: grid: expected at most 24 keys, got more");
    cnn_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid),          cmocka_unit_test(test_drawn_values),
        cmocka_unit_test(test_stability),     cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_member_config), cmocka_unit_test(test_broken_members),
        cmocka_unit_test(test_broken_files),  cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
