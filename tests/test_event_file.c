/* Records of event files: the CRC's published values, what is read back, and damage. */
#include "report/event_file.h"
#include "test_support.h"

#include <string.h>

/* RFC 3720, B.4, and the check value of CRC-32C in the catalogue of CRC algorithms. */
static void test_crc(void **state) {
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(cnn_crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(cnn_crc32c(bytes, 32), 0x62a8ab43);
    assert_int_equal(cnn_crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
    assert_int_equal(cnn_crc32c(bytes, 0), 0);
}

/* Two records, the second one empty. */
static void test_records_are_read_back(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_event_record((const uint8_t *)"abc", 3, &text);
    cnn_event_record((const uint8_t *)"", 0, &text);
    assert_int_equal(text.length, 3 + 16 + 16);
    const uint8_t *bytes = (const uint8_t *)text.data, *data;
    size_t size, record;
    assert_true(cnn_event_record_read(bytes, text.length, &data, &size, &record));
    assert_int_equal(size, 3);
    assert_int_equal(record, 19);
    assert_memory_equal(data, "abc", 3);
    assert_true(cnn_event_record_read(bytes + 19, text.length - 19, &data, &size, &record));
    assert_int_equal(size, 0);
    assert_int_equal(record, 16);
    cnn_text_free(&text);
}

/* A record that is cut short or has any bit flipped is none. */
static void test_damage(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_event_record((const uint8_t *)"abc", 3, &text);
    uint8_t *bytes = (uint8_t *)text.data;
    const uint8_t *data;
    size_t size, record;
    for (size_t length = 0; length < text.length; length++) {
        assert_false(cnn_event_record_read(bytes, length, &data, &size, &record));
    }
    for (size_t bit = 0; bit < 8 * text.length; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(cnn_event_record_read(bytes, text.length, &data, &size, &record));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(cnn_event_record_read(bytes, text.length, &data, &size, &record));
    cnn_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_records_are_read_back),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
