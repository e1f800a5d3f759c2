#include "base/base64.h"

#include <nettle/base64.h>

/* Bytes that are encoded at a time: a multiple of 3, so that no padding is between the parts. */
enum { PART_SIZE = 3 * 1024 };

void cnn_text_base64(cnn_text *text, const uint8_t *bytes, size_t size) {
    char digits[BASE64_ENCODE_RAW_LENGTH(PART_SIZE)];
    for (size_t start = 0; start < size; start += PART_SIZE) {
        size_t part = size - start < PART_SIZE ? size - start : PART_SIZE;
        base64_encode_raw(digits, part, bytes + start);
        cnn_text_append(text, digits, BASE64_ENCODE_RAW_LENGTH(part));
    }
}
