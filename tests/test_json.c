/* Numbers as text, the writer of JSON, and the reader. */
#include "test_support.h"

#include "base/json.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/number_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers --- */

static double from_bits(uint64_t bits) {
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static uint64_t to_bits(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* The digits without point, sign, exponent and the zeros at either end. Returns their number. */
static size_t take_digits(const char *text, char digits[CNN_NUMBER_SIZE]) {
    size_t count = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (*text != '0' || count > 0)) {
            digits[count++] = *text;
        }
    }
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    digits[count] = '\0';
    return count;
}

/* True if there is a decimal of `count` digits that reads back. Only the two next to the number
 * can: one is printf's, which is the nearest; the other is on the other side of the number. */
static bool has_shorter(double number, int count) {
    char text[64], other[64];
    (void)snprintf(text, sizeof text, "%.*e", count - 1, number);
    if (to_bits(strtod(text, NULL)) == to_bits(number)) {
        return true;
    }
    for (int step = -1; step <= 1; step += 2) { /* of the last digit, without a carry */
        (void)snprintf(other, sizeof other, "%s", text);
        char *last = strchr(other, 'e') - 1;
        bool carries = step > 0 ? *last == '9' : *last == '0';
        *last = (char)(*last + (carries ? 0 : step));
        if (to_bits(strtod(other, NULL)) == to_bits(number)) {
            return true;
        }
    }
    return false;
}

static void check_number(double number) {
    char text[CNN_NUMBER_SIZE], digits[CNN_NUMBER_SIZE];
    size_t length = cnn_number_write(number, text);
    char *end;
    if (length != strlen(text) || to_bits(strtod(text, &end)) != to_bits(number) || *end) {
        fail_msg("%a became \"%s\"", number, text);
    }
    size_t count = take_digits(text, digits);
    if (count > 1 && has_shorter(number, (int)count - 1)) {
        fail_msg("%a became \"%s\", and there is a shorter text", number, text);
    }
}

enum { RANDOM_NUMBERS = 100000, RANDOM_NUMBERS_SOAK = 1000000, SUBNORMAL_NUMBERS = 20000 };

static uint64_t random_bits(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

static void test_random_numbers_read_back(void **state) {
    (void)state;
    uint64_t seed = 1;
    int count = test_is_soak() ? RANDOM_NUMBERS_SOAK : RANDOM_NUMBERS;
    for (int i = 0; i < count;) {
        double number = from_bits(random_bits(&seed));
        if (isfinite(number)) {
            check_number(number);
            i++;
        }
    }
}

static void test_subnormal_numbers_read_back(void **state) {
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < SUBNORMAL_NUMBERS; i++) { /* of every length */
        uint64_t bits = random_bits(&seed) >> 12 >> (i % 52);
        check_number(from_bits(bits));
        check_number(from_bits(bits | (uint64_t)1 << 63));
    }
    for (uint64_t bits = 0; bits < 2000; bits++) {
        check_number(from_bits(bits));
        check_number(from_bits(0x0010000000000000 - 1000 + bits)); /* around the least normal one */
    }
}

/* The doubles below a power of two are closer together than those above. */
static void test_powers_read_back(void **state) {
    (void)state;
    for (int exponent = -1074; exponent <= 1023; exponent++) {
        double power = ldexp(1.0, exponent);
        check_number(power);
        check_number(-nextafter(power, 0.0));
        check_number(nextafter(power, HUGE_VAL));
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        char text[16], written[CNN_NUMBER_SIZE];
        (void)snprintf(text, sizeof text, "1e%d", exponent);
        double power = strtod(text, NULL);
        check_number(power);
        char digits[CNN_NUMBER_SIZE];
        (void)cnn_number_write(power, written);
        assert_int_equal(take_digits(written, digits), 1);
    }
}

/* Numbers as people type them and other programs print them are written as they were read. */
static void test_decimal_numbers_stay(void **state) {
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 100000; i++) {
        char text[40], written[CNN_NUMBER_SIZE];
        uint64_t digits = random_bits(&seed) % 1000000000000000ULL / 10 * 10 + 1; /* at most 15 */
        (void)snprintf(text, sizeof text, "0.%015llu", (unsigned long long)digits);
        if (digits >= 100000000000ULL) { /* less would be written with an exponent */
            (void)cnn_number_write(strtod(text, NULL), written);
            assert_string_equal(written, text);
        }
    }
}

static void expect_number(double number, const char *want) {
    char text[CNN_NUMBER_SIZE];
    (void)cnn_number_write(number, text);
    assert_string_equal(text, want);
}

static void test_number_notation(void **state) {
    (void)state;
    expect_number(0.0, "0");
    expect_number(-0.0, "-0");
    expect_number(10.0, "10");
    expect_number(-1.0, "-1");
    expect_number(1000000.0, "1000000");
    expect_number(123456789012345.0, "123456789012345");
    expect_number(100000000000000.0, "100000000000000");
    expect_number(1e15, "1e+15");
    expect_number(1234567890123456.0, "1234567890123456");
    expect_number(9007199254740991.0, "9007199254740991");
    expect_number(12345678901234567.0, "12345678901234568");
    expect_number(1e23, "1e+23");
    expect_number(0.1, "0.1");
    expect_number(-2.5, "-2.5");
    expect_number(0.0001, "0.0001");
    expect_number(0.00012345, "0.00012345");
    expect_number(0.00001, "1e-05");
    expect_number(1.5e-7, "1.5e-07");
    expect_number(0.1 + 0.2, "0.30000000000000004");
    expect_number(1.0 / 3.0, "0.3333333333333333");
    expect_number(-1e-100, "-1e-100");
    expect_number(DBL_MAX, "1.7976931348623157e+308");
    expect_number(DBL_MIN, "2.2250738585072014e-308");
    expect_number(0x1p-1074, "5e-324");
    expect_number(-0x1p-1074, "-5e-324");
    expect_number(0x1p-44, "5.684341886080802e-14"); /* not the nearest decimal of 16 digits */
    expect_number(9.5367431640625e-07, "9.5367431640625e-07");
}

static void test_rounded_numbers(void **state) {
    (void)state;
    char text[CNN_NUMBER_SIZE];
    uint64_t seed = 4;
    for (int i = 0; i < 100000; i++) {
        uint32_t bits = (uint32_t)random_bits(&seed);
        float number;
        memcpy(&number, &bits, sizeof number);
        if (isfinite(number)) {
            (void)cnn_number_write_rounded((double)number, 9, text);
            float back = strtof(text, NULL);
            assert_memory_equal(&back, &number, sizeof number);
        }
    }
    assert_int_equal(cnn_number_write_rounded(0.5, 9, text), 3);
    assert_string_equal(text, "0.5");
}

/* --- strings --- */

static void expect_quoted(const char *string, const char *want) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    cnn_json_string(&json, string);
    assert_false(text.failed);
    assert_string_equal(text.data, want);
    assert_int_equal(text.length, strlen(want));
    cnn_text_free(&text);
}

#define REPLACED "\xef\xbf\xbd" /* U+FFFD in UTF-8 */

static void test_strings(void **state) {
    (void)state;
    expect_quoted("", "\"\"");
    expect_quoted("plain/text", "\"plain/text\"");
    expect_quoted("\"\\", "\"\\\"\\\\\"");
    expect_quoted("\x01\n\x1f\x7f", "\"\\u0001\\u000a\\u001f\\u007f\"");
    /* valid characters of 2, 3 and 4 bytes, and the first and last of each length, stay */
    expect_quoted("\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82",
                  "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82\"");
    expect_quoted("\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf",
                  "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\"");
    expect_quoted("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
    expect_quoted("\xed\x9f\xbf\xee\x80\x80",
                  "\"\xed\x9f\xbf\xee\x80\x80\""); /* next to surrogates */
    /* each byte of what is not valid is replaced: overlong, surrogate, too large, cut off, stray */
    expect_quoted("a\xc0\xaf.", "\"a" REPLACED REPLACED ".\"");
    expect_quoted("\xe0\x9f\xbf", "\"" REPLACED REPLACED REPLACED "\"");
    expect_quoted("\xed\xa0\x80", "\"" REPLACED REPLACED REPLACED "\"");
    expect_quoted("\xf0\x8f\xbf\xbf", "\"" REPLACED REPLACED REPLACED REPLACED "\"");
    expect_quoted("\xf4\x90\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\"");
    expect_quoted("\xf5\x80\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\"");
    expect_quoted("\xf5z", "\"" REPLACED "z\"");
    expect_quoted("\x80\xff", "\"" REPLACED REPLACED "\"");
    expect_quoted("\xe2\x82", "\"" REPLACED REPLACED "\"");
    expect_quoted("\xc3(", "\"" REPLACED "(\"");
}

static void expect_path(const char *path, const char *want) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    cnn_json_path(&json, path);
    assert_false(text.failed);
    assert_string_equal(text.data, want);
    cnn_text_free(&text);
}

/* Every path has a different text, as Python's os.fsdecode gives it. */
static void test_paths(void **state) {
    (void)state;
    expect_path("a/\xc3\xa4\"\\\n", "\"a/\xc3\xa4\\\"\\\\\\u000a\"");
    expect_path("a\xe4.png", "\"a\\udce4.png\"");
    expect_path("a\xf6.png", "\"a\\udcf6.png\"");
    expect_path("\x80\xff", "\"\\udc80\\udcff\"");
    expect_path("a\xef\xbf\xbd", "\"a\xef\xbf\xbd\""); /* a name with U+FFFD stays */
    expect_path("\\udce4", "\"\\\\udce4\""); /* … and so does one that looks like the escape */
    expect_path("\xed\xb3\xa4", "\"\\udced\\udcb3\\udca4\""); /* U+DCE4, encoded */
    expect_path("\xe2\x82(", "\"\\udce2\\udc82(\"");
}

/* --- objects and arrays --- */

static void write_example(cnn_json_writer *json) {
    cnn_json_begin_object(json);
    cnn_json_string(cnn_json_key(json, "name"), "a \"b\"");
    cnn_json_begin_array(cnn_json_key(json, "numbers"));
    cnn_json_integer(json, INT64_MIN);
    cnn_json_number(json, 0.1);
    cnn_json_float(json, 0.1f);
    cnn_json_fixed(json, 2.0, 3);
    cnn_json_end(json);
    cnn_json_begin_array(cnn_json_key(json, "empty"));
    cnn_json_end(json);
    cnn_json_begin_array(cnn_json_key(json, "list"));
    cnn_json_begin_object(json);
    cnn_json_boolean(cnn_json_key(json, "yes"), true);
    cnn_json_begin_object(cnn_json_key(json, "in"));
    cnn_json_end(json);
    cnn_json_end(json);
    cnn_json_begin_array(json);
    cnn_json_end(json);
    cnn_json_null(json);
    cnn_json_end(json);
    cnn_json_raw(cnn_json_key(json, "raw"), "[1]");
    cnn_json_number(cnn_json_key(json, "none"), (double)NAN);
    cnn_json_float(cnn_json_key(json, "none"), (float)INFINITY);
    cnn_json_fixed(cnn_json_key(json, "none"), -HUGE_VAL, 1);
    cnn_json_string_or_null(cnn_json_key(json, "none"), "");
    cnn_json_string_or_null(cnn_json_key(json, "some"), "x");
    cnn_json_boolean(cnn_json_key(json, "no"), false);
    cnn_json_end(json);
}

static void expect_example(cnn_json_style style, const char *want) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, style);
    write_example(&json);
    char *written = cnn_text_take(&text);
    assert_non_null(written);
    assert_null(text.data);
    assert_string_equal(written, want);
    cJSON *read = cJSON_Parse(written);
    assert_non_null(read);
    assert_int_equal(cJSON_GetArraySize(read), 11);
    cJSON_Delete(read);
    cnn_free(written);
}

static void test_styles(void **state) {
    (void)state;
    expect_example(CNN_JSON_COMPACT,
                   "{\"name\":\"a \\\"b\\\"\",\"numbers\":[-9223372036854775808,0.1,0.100000001,"
                   "2.000],\"empty\":[],\"list\":[{\"yes\":true,\"in\":{}},[],null],\"raw\":[1],"
                   "\"none\":null,\"none\":null,\"none\":null,\"none\":null,\"some\":\"x\","
                   "\"no\":false}");
    expect_example(CNN_JSON_LINES,
                   "{\"name\": \"a \\\"b\\\"\",\n\"numbers\": [-9223372036854775808,0.1,"
                   "0.100000001,2.000],\n\"empty\": [],\n\"list\": [{\"yes\":true,\"in\":{}},[],"
                   "null],\n\"raw\": [1],\n\"none\": null,\n\"none\": null,\n\"none\": null,\n"
                   "\"none\": null,\n\"some\": \"x\",\n\"no\": false\n}");
    expect_example(
        CNN_JSON_PRETTY,
        "{\n\t\"name\":\t\"a \\\"b\\\"\",\n\t\"numbers\":\t[-9223372036854775808, 0.1, "
        "0.100000001, 2.000],\n\t\"empty\":\t[],\n\t\"list\":\t[{\n\t\t\t\"yes\":\ttrue,"
        "\n\t\t\t\"in\":\t{\n\t\t\t}\n\t\t}, [], null],\n\t\"raw\":\t[1],\n\t\"none\":"
        "\tnull,\n\t\"none\":\tnull,\n\t\"none\":\tnull,\n\t\"none\":\tnull,\n\t\"some\":"
        "\t\"x\",\n\t\"no\":\tfalse\n}");
}

/* A failure persists, wherever it happens, so an incomplete text is never mistaken for a complete
 * one. */
static void test_failure_stays(void **state) {
    (void)state;
    cnn_memory_state before = cnn_memory_look();
    bool whole = false;
    for (size_t more = 0; !whole; more += 16) {
        cnn_text text = {0};
        cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_PRETTY);
        cnn_memory_limit(before.in_use + more);
        write_example(&json);
        cnn_memory_limit(SIZE_MAX);
        char *written = cnn_text_take(&text);
        assert_null(text.data);
        assert_false(text.failed);
        whole = written != NULL;
        assert_true(more > 0 || !whole);
        cnn_free(written);
        assert_int_equal(cnn_memory_look().in_use, before.in_use);
    }
}

static void test_depth(void **state) {
    (void)state;
    for (int depth = CNN_JSON_DEPTH_MAX; depth <= CNN_JSON_DEPTH_MAX + 1; depth++) {
        cnn_text text = {0};
        cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
        for (int i = 0; i < depth; i++) {
            cnn_json_begin_object(i > 0 ? cnn_json_key(&json, "k") : &json);
        }
        for (int i = 0; i < depth; i++) {
            cnn_json_end(&json);
        }
        assert_int_equal(text.failed, depth > CNN_JSON_DEPTH_MAX);
        if (depth == CNN_JSON_DEPTH_MAX) {
            assert_memory_equal(text.data + text.length - 3, "}}}", 3);
        }
        cnn_text_free(&text);
    }
}

/* --- reading --- */

static cJSON *parse(const char *text) {
    bool no_memory;
    cJSON *json = cnn_json_parse(text, strlen(text) + 1, NULL, true, &no_memory);
    assert_false(no_memory);
    return json;
}

/* cJSON returns the same NULL for a lack of memory and for text that is not JSON. */
static void test_parse_tells_why(void **state) {
    (void)state;
    static const char *const damaged[] = {"", "{", "[1,]", "{\"a\":1e999x}", "nul", "\"\\u12\""};
    for (size_t i = 0; i < TEST_COUNT(damaged); i++) {
        assert_null(parse(damaged[i]));
    }
    cJSON *json = parse("[1e999]"); /* strtod sets errno there */
    assert_non_null(json);
    cJSON_Delete(json);
}

static void test_items(void **state) {
    (void)state;
    static const char whole[] =
        "{\"a\":[1,0.30000000000000004,-0,\"x\\\"y\",true,false,null,[],{}],\"b\":{\"c\":1e-07}}";
    cJSON *json = parse(whole);
    cnn_text text = {0};
    cnn_json_item(&text, json);
    assert_string_equal(text.data, whole);
    cnn_text_free(&text);
    cJSON_Delete(json);
    cnn_json_item(&text, NULL);
    assert_null(text.data);
    /* too deep for the writer: shown in part, and not reported as a lack of memory */
    char deep[2 * CNN_JSON_DEPTH_MAX + 21] = "";
    memset(deep, '[', CNN_JSON_DEPTH_MAX + 10);
    memset(deep + CNN_JSON_DEPTH_MAX + 10, ']', CNN_JSON_DEPTH_MAX + 10);
    json = parse(deep);
    assert_non_null(json);
    cnn_json_item(&text, json);
    assert_false(text.failed);
    assert_non_null(strstr(text.data, "[[null]]"));
    cnn_text_free(&text);
    cJSON_Delete(json);
}

/* --- other locales --- */

static void test_comma_locale(void **state) {
    (void)state;
    if (!test_comma_locale_enter()) {
        skip();
    }
    expect_number(0.1 + 0.2, "0.30000000000000004"); /* unlike printf's */
    expect_number(0x1p-44, "5.684341886080802e-14");
    char text[CNN_NUMBER_SIZE];
    (void)cnn_number_write_rounded(0.1, 9, text);
    assert_string_equal(text, "0.1");
    char *end;
    static const char number[] = "2.5,";
    assert_true(cnn_number_read(number, &end) == 2.5); /* NOLINT: exact */
    assert_string_equal(end, ",");
    cnn_text line = {0};
    cnn_text_format(&line, "%.3f,%a", 1.5, 1.5);
    assert_string_equal(line.data, "1.500,0x1.8p+0");
    cnn_text_free(&line);
    cJSON *json = parse("[0.30000000000000004]");
    assert_true(cJSON_GetArrayItem(json, 0)->valuedouble == 0.1 + 0.2);
    cJSON_Delete(json);
    char printed[8];
    (void)snprintf(printed, sizeof printed, "%.1f", 0.5);
    assert_string_equal(printed, "0,5"); /* these are as before */
    test_comma_locale_leave();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_numbers_read_back),
        cmocka_unit_test(test_subnormal_numbers_read_back),
        cmocka_unit_test(test_powers_read_back),
        cmocka_unit_test(test_decimal_numbers_stay),
        cmocka_unit_test(test_number_notation),
        cmocka_unit_test(test_rounded_numbers),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_failure_stays),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_parse_tells_why),
        cmocka_unit_test(test_items),
        cmocka_unit_test_setup_teardown(test_comma_locale, test_folder_enter, test_folder_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
