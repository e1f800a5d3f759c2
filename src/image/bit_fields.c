#include "image/bit_fields.h"

uint32_t cnn_little_endian(const uint8_t *bytes, size_t count) {
    uint32_t number = 0;
    for (size_t i = 0; i < count; i++) {
        number |= (uint32_t)bytes[i] << (8 * i);
    }
    return number;
}

cnn_bit_fields cnn_bit_fields_of(uint32_t red, uint32_t green, uint32_t blue, uint32_t alpha) {
    const uint32_t masks[4] = {red, green, blue, alpha};
    cnn_bit_fields fields = {.channels = alpha ? 4 : 3};
    for (int c = 0; c < 4; c++) {
        cnn_bit_field *field = &fields.field[c];
        field->mask = masks[c];
        while (masks[c] && !(masks[c] >> field->shift & 1U)) {
            field->shift++;
        }
        field->maximum = masks[c] ? masks[c] >> field->shift : 1;
    }
    return fields;
}

cnn_bit_fields cnn_bit_fields_usual(int bits) {
    return bits <= 16 ? cnn_bit_fields_of(0x7c00, 0x3e0, 0x1f, 0)
                      : cnn_bit_fields_of(0xff0000, 0xff00, 0xff, 0);
}

void cnn_bit_fields_read(const cnn_bit_fields *fields, const uint8_t *word, size_t size,
                         uint8_t *pixel) {
    uint32_t bits = cnn_little_endian(word, size);
    for (int c = 0; c < fields->channels; c++) {
        const cnn_bit_field *field = &fields->field[c];
        uint32_t value = (bits & field->mask) >> field->shift;
        pixel[c] = (uint8_t)(field->maximum == 255 ? value : 255ULL * value / field->maximum);
    }
}
