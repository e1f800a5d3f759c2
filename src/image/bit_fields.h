/* Colours in the bits of little-endian words, as in BMP and TGA. */
#ifndef CNN_IMAGE_BIT_FIELDS_H
#define CNN_IMAGE_BIT_FIELDS_H

#include <stddef.h>
#include <stdint.h>

typedef struct cnn_bit_field {
    uint32_t mask;    /* the bits of a word; 0: none, and the value is 0 */
    int shift;        /* number of the lowest one */
    uint32_t maximum; /* of the value in them, which becomes 255 */
} cnn_bit_field;

typedef struct cnn_bit_fields {
    cnn_bit_field field[4]; /* red, green, blue, alpha */
    int channels;           /* 3, or 4 if there are bits of alpha */
} cnn_bit_fields;

/* The number in 1 to 4 bytes, the lowest byte first. */
uint32_t cnn_little_endian(const uint8_t *bytes, size_t count);

cnn_bit_fields cnn_bit_fields_of(uint32_t red, uint32_t green, uint32_t blue, uint32_t alpha);

/* The usual fields of words of 15, 16, 24 or 32 bits, without alpha: blue has the lowest bits. */
cnn_bit_fields cnn_bit_fields_usual(int bits);

/* Reads a word of `size` bytes into pixel[channels]. A value v becomes 255 v / maximum, rounded
 * down, as Pillow scales 5 and 6 bits. */
void cnn_bit_fields_read(const cnn_bit_fields *fields, const uint8_t *word, size_t size,
                         uint8_t *pixel);

#endif
