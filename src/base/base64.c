#include "base/base64.h"

#include <nettle/base64.h>

#include <string.h>

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

bool cnn_base64_read(const char *text, uint8_t *bytes, size_t size) {
    enum { DIGITS = BASE64_ENCODE_RAW_LENGTH(PART_SIZE) };
    uint8_t part[BASE64_DECODE_LENGTH(DIGITS)];
    const size_t length = strlen(text);
    struct base64_decode_ctx context;
    size_t filled = 0;
    base64_decode_init(&context);
    for (size_t start = 0; start < length; start += DIGITS) {
        const size_t digits = length - start < DIGITS ? length - start : DIGITS;
        size_t count = sizeof part;
        if (!base64_decode_update(&context, &count, part, digits, text + start) ||
            count > size - filled) {
            return false;
        }
        memcpy(bytes + filled, part, count);
        filled += count;
    }
    return base64_decode_final(&context) && filled == size;
}
