#include "report/event_file.h"

enum { LENGTH = 8, CRC = 4, FRAME = LENGTH + 2 * CRC };

uint32_t cnn_crc32c(const uint8_t *data, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0); /* the polynomial, reversed */
        }
    }
    return ~crc;
}

/* A CRC over data that contain CRCs would be weak, so the format stores it rotated, with an offset.
 */
static uint32_t masked(const uint8_t *data, size_t size) {
    uint32_t crc = cnn_crc32c(data, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void put(uint64_t number, int bytes, uint8_t *to) {
    for (int i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(number >> 8 * i);
    }
}

static uint64_t get(const uint8_t *from, int bytes) {
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++) {
        number |= (uint64_t)from[i] << 8 * i;
    }
    return number;
}

void cnn_event_record(const uint8_t *data, size_t size, cnn_text *text) {
    uint8_t head[LENGTH + CRC], tail[CRC];
    put(size, LENGTH, head);
    put(masked(head, LENGTH), CRC, head + LENGTH);
    put(masked(data, size), CRC, tail);
    cnn_text_append(text, (const char *)head, sizeof head);
    cnn_text_append(text, (const char *)data, size);
    cnn_text_append(text, (const char *)tail, sizeof tail);
}

bool cnn_event_record_read(const uint8_t *bytes, size_t size, const uint8_t **data,
                           size_t *data_size, size_t *record_size) {
    if (size < FRAME || get(bytes + LENGTH, CRC) != masked(bytes, LENGTH)) {
        return false;
    }
    uint64_t length = get(bytes, LENGTH);
    if (length > size - FRAME) {
        return false;
    }
    *data = bytes + LENGTH + CRC;
    *data_size = (size_t)length;
    *record_size = (size_t)length + FRAME;
    return get(*data + length, CRC) == masked(*data, (size_t)length);
}
