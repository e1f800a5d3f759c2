/* The golden image: its pixels, a model's answer, and both as text that a reader does not trust. */
#include "test_support.h"

#include "base/base64.h"
#include "base/memory.h"
#include "model/golden.h"

#include <string.h>

static const cnn_shape grey = {.channels = 1, .height = 2, .width = 3};
static const cnn_shape colour = {.channels = 3, .height = 40, .width = 50};

/* The bytes are those of the generator in Python:
 * s = 1; for i in range(6): s = (s * 1664525 + 1013904223) % 2**32; print(s >> 24) */
static void test_picture(void **state) {
    static const uint8_t expected[] = {60, 94, 129, 180, 12, 94};
    uint8_t pixels[sizeof expected];
    (void)state;
    cnn_golden_draw(&grey, pixels);
    assert_memory_equal(pixels, expected, sizeof expected);
}

/* "P5\n3 2\n255\n" and those six bytes, by base64(1). */
static void test_text(void **state) {
    static const char known[] = "UDUKMyAyCjI1NQo8XoG0DF4=";
    const size_t size = cnn_shape_size(&colour);
    uint8_t small[6], pixels[40 * 50 * 3], found[sizeof pixels];
    cnn_text text = {0};
    cnn_golden_answer answer;
    cnn_error error;
    (void)state;
    cnn_golden_draw(&grey, small);
    cnn_golden_write_image(&grey, small, &text);
    assert_string_equal(text.data, known);
    cnn_text_free(&text);
    text = (cnn_text){0};
    assert_int_equal(size, sizeof pixels);
    cnn_golden_draw(&colour, pixels);
    cnn_golden_write_image(&colour, pixels, &text);
    test_ok(cnn_golden_read(&colour, text.data, "-1.5", "0.182425524", found, &answer, &error),
            &error);
    assert_memory_equal(found, pixels, size);
    assert_true(answer.logit == -1.5f && answer.probability == 0.182425524f);
    cnn_text_free(&text);
}

static void test_damaged_text(void **state) {
    static const struct {
        const char *image, *logit, *probability, *message;
    } cases[] = {
        {NULL, "1", "0.5", "golden_image: expected a PGM file of 3 x 2 pixels in base64"},
        {"", "1", "0.5", "golden_image: "},
        {"UDUKMyAyCjI1NQo8XoG0DF4", "1", "0.5", "golden_image: "},      /* cut */
        {"UDUKMyAyCjI1NQo8XoG0", "1", "0.5", "golden_image: "},         /* too few pixels */
        {"UDUKMyAyCjI1NQo8XoG0DF4AAAA=", "1", "0.5", "golden_image: "}, /* too many */
        {"UDUKMyAyCjI1NQo8XoG0DF4=AAAA", "1", "0.5", "golden_image: "}, /* after the end */
        {"UDUKMiAzCjI1NQo8XoG0DF4=", "1", "0.5", "golden_image: "},     /* 2 x 3 */
        {"UDUKMyAyCjI1NQo8XoG*DF4=", "1", "0.5", "golden_image: "},     /* no base64 */
        {"UDUKMyAyCjI1NQo8XoG0DF4=", NULL, "0.5", "golden_logit: expected a number, got \"\""},
        {"UDUKMyAyCjI1NQo8XoG0DF4=", "1x", "0.5", "golden_logit: expected a number, got \"1x\""},
        {"UDUKMyAyCjI1NQo8XoG0DF4=", "1", "", "golden_probability: "},
        {"UDUKMyAyCjI1NQo8XoG0DF4=", "1", "nan", "golden_probability: "},
        {"UDUKMyAyCjI1NQo8XoG0DF4=", "1", "1e39", "golden_probability: "},
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        uint8_t pixels[6];
        cnn_golden_answer answer;
        cnn_error error = {0};
        cnn_status status = cnn_golden_read(&grey, cases[i].image, cases[i].logit,
                                            cases[i].probability, pixels, &answer, &error);
        if (status != CNN_ERROR_MODEL ||
            strncmp(error.message, cases[i].message, strlen(cases[i].message)) != 0) {
            fail_msg("case %zu: status %d, \"%s\"", i, (int)status, error.message);
        }
    }
}

/* Texts longer than the parts in which they are decoded, around a part's end. */
static void test_base64(void **state) {
    enum { PART = 3072 };
    static uint8_t bytes[2 * PART + 2], found[2 * PART + 2];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37 + i / 256);
    }
    for (size_t size = 2 * PART - 2; size <= sizeof bytes; size++) {
        cnn_text text = {0};
        cnn_text_base64(&text, bytes, size);
        memset(found, 0, sizeof found);
        assert_true(cnn_base64_read(text.data, found, size));
        assert_memory_equal(found, bytes, size);
        assert_false(cnn_base64_read(text.data, found, size - 1));
        cnn_text_free(&text);
    }
}

static void test_comparison(void **state) {
    static const struct {
        cnn_golden_answer expected, found;
        cnn_status status;
    } cases[] = {
        {{0.0f, 0.5f}, {0.00003f, 0.500008f}, CNN_OK},
        {{0.0f, 0.5f}, {0.00006f, 0.500015f}, CNN_ERROR_MODEL},
        {{30.0f, 1.0f}, {30.002f, 1.0f}, CNN_OK},
        {{30.0f, 1.0f}, {30.004f, 1.0f}, CNN_ERROR_MODEL},
        {{-30.0f, 0.0f}, {-40.0f, 0.0f}, CNN_ERROR_MODEL},
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_error error = {0};
        if (cnn_golden_compare(&cases[i].expected, &cases[i].found, &error) != cases[i].status) {
            fail_msg("case %zu", i);
        }
    }
    cnn_error error;
    assert_int_equal(cnn_golden_compare(&cases[4].expected, &cases[4].found, &error),
                     CNN_ERROR_MODEL);
    assert_string_equal(error.message, "the golden image: expected probability 0.0000000 (logit "
                                       "-30), got 0.0000000 (-40)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_picture),      cmocka_unit_test(test_text),
        cmocka_unit_test(test_damaged_text), cmocka_unit_test(test_base64),
        cmocka_unit_test(test_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
