/* Tests the complete interface of each kind of value, and the markup of the manual. */
#include "test_support.h"

#include "base/json.h"
#include "cnn/mdoc.h"
#include "base/memory.h"
#include "base/value_kind.h"

#include <stddef.h>
#include <string.h>

/* A field of every kind. */
typedef struct record {
    char *path;
    int64_t count;
    int size, padding, sides[4], groups;
    double rate, slope, max;
    bool on;
    enum { RED, GREEN, BLUE } colour;
    cnn_number_or_text threshold;
} record;

static bool is_best(const char *text) {
    return strcmp(text, "best") == 0;
}

static const char *const colours[] = {"red", "green", "blue", NULL};
static const cnn_named_number paddings[] = {{"valid", 0}, {"same", -1}, {NULL, 0}};
static const cnn_text_rule best = {is_best, "\"best\"", "^best$", NULL};

#define FIELD(field) .offset = offsetof(record, field)

static const cnn_key keys[] = {
    {.name = "path", .kind = &cnn_kind_path, FIELD(path), .help = "p"},
    {.name = "count",
     .kind = &cnn_kind_integer,
     FIELD(count),
     .maximum = 9007199254740991.0,
     .fallback = 7,
     .help = "c"},
    {.name = "size",
     .kind = &cnn_kind_int,
     FIELD(size),
     .required = true,
     .minimum = 1,
     .maximum = 3,
     .ends_only = true,
     .help = "s"},
    {.name = "padding",
     .kind = &cnn_kind_int,
     FIELD(padding),
     .maximum = 31,
     .names = paddings,
     .help = "p"},
    {.name = "rate",
     .kind = &cnn_kind_number,
     FIELD(rate),
     .above_minimum = true,
     .maximum = 1,
     .below_maximum = true,
     .fallback = 0.1,
     .help = "r"},
    {.name = "slope", .kind = &cnn_kind_number, FIELD(slope), .maximum = 1, .fallback_key = "rate"},
    {.name = "on", .kind = &cnn_kind_boolean, FIELD(on), .fallback = 1, .help = "o"},
    {.name = "colour",
     .kind = &cnn_kind_choice,
     FIELD(colour),
     .choices = colours,
     .fallback = BLUE,
     .help = "c"},
    {.name = "threshold",
     .kind = &cnn_kind_number_or_text,
     FIELD(threshold),
     .maximum = 1,
     .fallback = 0.5,
     .texts = &best,
     .help = "t"},
    {.name = "sides",
     .kind = &cnn_kind_sides,
     FIELD(sides),
     .maximum = 5,
     .omit_default = true,
     .names = paddings,
     .help = "s"},
    {.name = "groups",
     .kind = &cnn_kind_int,
     FIELD(groups),
     .maximum = 9,
     .fallback = 1,
     .omit_default = true,
     .help = "g"},
    {.name = "max",
     .kind = &cnn_kind_optional_number,
     FIELD(max),
     .above_minimum = true,
     .maximum = 9,
     .help = "m"},
    {.name = NULL},
};

/* Reads a value; if it is accepted, it must be written back unchanged. Releases the field. */
static cnn_parse_result reads(const char *name, const char *json) {
    record values = {0};
    const cnn_key *key = cnn_key_find(keys, name);
    assert_non_null(key);
    bool no_memory;
    cJSON *item = cnn_json_parse(json, strlen(json) + 1, NULL, true, &no_memory);
    assert_non_null(item);
    const cnn_parse_result result = key->kind->parse(key, item, NULL, cnn_key_field(key, &values));
    if (result == CNN_PARSE_OK) {
        cnn_text text = {0};
        cnn_json_writer writer = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
        key->kind->write(key, cnn_key_value(key, &values), &writer);
        assert_string_equal(text.data, json);
        cnn_text_free(&text);
    }
    if (key->kind->release) {
        key->kind->release(cnn_key_field(key, &values));
    }
    cJSON_Delete(item);
    return result;
}

static void test_read_and_write(void **state) {
    (void)state;
    static const struct {
        const char *name, *json;
        cnn_parse_result result;
    } cases[] = {
        {"path", "\"a/b\"", CNN_PARSE_OK},
        {"path", "\"\"", CNN_PARSE_MISFIT},
        {"path", "1", CNN_PARSE_MISFIT},
        {"count", "9007199254740991", CNN_PARSE_OK},
        {"count", "9007199254740992", CNN_PARSE_MISFIT},
        {"count", "0.5", CNN_PARSE_MISFIT},
        {"count", "\"3\"", CNN_PARSE_MISFIT},
        {"size", "1", CNN_PARSE_OK},
        {"size", "2", CNN_PARSE_MISFIT},
        {"size", "3", CNN_PARSE_OK},
        {"padding", "\"same\"", CNN_PARSE_OK},
        {"padding", "31", CNN_PARSE_OK},
        {"padding", "-1", CNN_PARSE_MISFIT},
        {"padding", "\"full\"", CNN_PARSE_MISFIT},
        {"sides", "\"same\"", CNN_PARSE_OK},
        {"sides", "3", CNN_PARSE_OK},
        {"sides", "[0,1,2,5]", CNN_PARSE_OK},
        {"sides", "[0,1,2]", CNN_PARSE_MISFIT},
        {"sides", "[0,1,2,3,4]", CNN_PARSE_MISFIT},
        {"sides", "[0,1,2,6]", CNN_PARSE_MISFIT},
        {"sides", "[0,1,2,\"same\"]", CNN_PARSE_MISFIT},
        {"sides", "6", CNN_PARSE_MISFIT},
        {"sides", "\"full\"", CNN_PARSE_MISFIT},
        {"max", "6", CNN_PARSE_OK},
        {"max", "0", CNN_PARSE_MISFIT},
        {"max", "10", CNN_PARSE_MISFIT},
        {"rate", "0", CNN_PARSE_MISFIT},
        {"rate", "0.30000000000000004", CNN_PARSE_OK},
        {"rate", "1", CNN_PARSE_MISFIT},
        {"rate", "null", CNN_PARSE_MISFIT},
        {"on", "false", CNN_PARSE_OK},
        {"on", "0", CNN_PARSE_MISFIT},
        {"colour", "\"green\"", CNN_PARSE_OK},
        {"colour", "\"Green\"", CNN_PARSE_MISFIT},
        {"colour", "1", CNN_PARSE_MISFIT},
        {"threshold", "\"best\"", CNN_PARSE_OK},
        {"threshold", "0.25", CNN_PARSE_OK},
        {"threshold", "\"worst\"", CNN_PARSE_MISFIT},
        {"threshold", "2", CNN_PARSE_MISFIT},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        if (reads(cases[i].name, cases[i].json) != cases[i].result) {
            fail_msg("%s: %s", cases[i].name, cases[i].json);
        }
    }
}

static void test_describe(void **state) {
    (void)state;
    static const char *const wanted[] = {
        "a path",
        "an integer from 0 to 9007199254740991; default 7",
        "1 or 3; required",
        "\"valid\" or \"same\" or an integer from 0 to 31; default \"valid\"",
        "a number above 0 and below 1; default 0.1",
        "a number from 0 to 1; default rate",
        "true or false; default true",
        "\"red\" or \"green\" or \"blue\"; default \"blue\"",
        "a number from 0 to 1, or \"best\"; default 0.5",
        ("\"valid\" or \"same\" or an integer from 0 to 5 or a list of four, [top, left, bottom, "
         "right]; default \"valid\""),
        "an integer from 0 to 9; default 1",
        "a number above 0 and up to 9",
    };
    for (size_t i = 0; keys[i].name; i++) {
        cnn_text text = {0};
        cnn_key_describe(&keys[i], &text);
        assert_string_equal(text.data, wanted[i]);
        cnn_text_free(&text);
    }
}

static void test_defaults(void **state) {
    (void)state;
    static const char *const wanted[] = {NULL,   "7",    NULL,  "valid", "0.1", "0.1",
                                         "true", "blue", "0.5", "valid", "1",   NULL};
    record values;
    memset(&values, 0, sizeof values);
    for (size_t i = 0; keys[i].name; i++) {
        cnn_key_reset(keys, &keys[i], &values);
        if (wanted[i]) {
            cnn_text text = {0};
            cnn_key_print(&keys[i], &values, &text);
            assert_string_equal(text.data, wanted[i]);
            cnn_text_free(&text);
        }
    }
    assert_null(values.path);
    assert_false(cnn_kind_path.is_given(&values.path));
}

/* Keys without a value, and keys that leave out their default, are not written. */
static void test_what_is_written(void **state) {
    (void)state;
    record values;
    memset(&values, 0, sizeof values);
    for (size_t i = 0; keys[i].name; i++) {
        cnn_key_reset(keys, &keys[i], &values);
        bool left_out = keys[i].kind == &cnn_kind_path || keys[i].omit_default ||
                        keys[i].kind == &cnn_kind_optional_number;
        assert_true(cnn_key_is_written(&keys[i], &values) == !left_out);
    }
    values.sides[3] = 1;
    values.groups = 0;
    values.max = 6.0;
    assert_true(cnn_key_is_written(cnn_key_find(keys, "sides"), &values));
    assert_true(cnn_key_is_written(cnn_key_find(keys, "groups"), &values));
    assert_true(cnn_key_is_written(cnn_key_find(keys, "max"), &values));
}

static void test_schema(void **state) {
    (void)state;
    static const struct {
        const char *name, *schema;
    } cases[] = {
        {"path", "{\"description\":\"p\",\"type\":\"string\",\"minLength\":1}"},
        {"size", "{\"description\":\"s\",\"enum\":[1,3]}"},
        {"padding", "{\"description\":\"p\",\"anyOf\":[{\"enum\":[\"valid\",\"same\"]},"
                    "{\"type\":\"integer\",\"minimum\":0,\"maximum\":31}]}"},
        {"sides", "{\"description\":\"s\",\"anyOf\":[{\"anyOf\":[{\"enum\":[\"valid\",\"same\"]},"
                  "{\"type\":\"integer\",\"minimum\":0,\"maximum\":5}]},{\"type\":\"array\","
                  "\"items\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":5},\"minItems\":4,"
                  "\"maxItems\":4}]}"},
        {"max", "{\"description\":\"m\",\"type\":\"number\",\"exclusiveMinimum\":0,"
                "\"maximum\":9}"},
        {"rate", "{\"description\":\"r\",\"type\":\"number\",\"exclusiveMinimum\":0,"
                 "\"exclusiveMaximum\":1}"},
        {"on", "{\"description\":\"o\",\"type\":\"boolean\"}"},
        {"colour", "{\"description\":\"c\",\"enum\":[\"red\",\"green\",\"blue\"]}"},
        {"threshold", "{\"description\":\"t\",\"anyOf\":[{\"type\":\"number\",\"minimum\":0,"
                      "\"maximum\":1},{\"type\":\"string\",\"pattern\":\"^best$\"}]}"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_text text = {0};
        cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
        cnn_json_begin_object(&json);
        cnn_key_schema(cnn_key_find(keys, cases[i].name), &json);
        cnn_json_end(&json);
        assert_string_equal(text.data, cases[i].schema);
        cnn_text_free(&text);
    }
}

static void test_mdoc(void **state) {
    (void)state;
    static const struct {
        const char *prose, *mdoc;
    } cases[] = {
        {"One sentence. And another.", "One sentence.\nAnd another.\n"},
        {"Two\n\nparagraphs", "Two\n.Pp\nparagraphs\n"},
        {"See `train.seed`.", "See\n.Cm train.seed .\n"},
        {"(with `-n`, `--resume` only)", "(with\n.Fl n ,\n.Fl -resume\nonly)\n"},
        {"(`a b`), next", ".Cm ( a b ) ,\nnext\n"},
        {"<n> of *model.bin*; {THE CACHE}", ".Ar n\nof\n.Pa model.bin ;\n.Sx THE CACHE\n"},
        {"$CNN_ISA and cnnpredict(1).", ".Ev CNN_ISA\nand\n.Xr cnnpredict 1 .\n"},
        {"1 - s, -1 and e^-x; up-to-date", "1 \\- s, \\-1 and e^\\-x; up-to-date\n"},
        {"a \\ b \"c\"", "a \\e b \"c\"\n"},
        {"the `Li` and `a\"b`", "the\n.Cm \\&Li\nand\n.Cm a\\(dqb\n"},
        {".5 first", "\\&.5 first\n"},
        {"x < y and a * b", "x < y and a * b\n"},
        {"`epoch`s", ".Cm epoch Ns s\n"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_text text = {0};
        cnn_mdoc_prose(&text, cases[i].prose);
        assert_string_equal(text.data, cases[i].mdoc);
        cnn_text_free(&text);
    }
    cnn_text sentence = {0};
    cnn_mdoc_sentence(&sentence, "rows of a window");
    assert_string_equal(sentence.data, "Rows of a window.\n");
    cnn_text_free(&sentence);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_write), cmocka_unit_test(test_describe),
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_what_is_written),
        cmocka_unit_test(test_schema),         cmocka_unit_test(test_mdoc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
