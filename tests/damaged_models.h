/* Copies of a sound model file, each damaged in another way that no reader may let pass: cut short,
 * lengths changed, bytes of the header replaced, bits flipped, tensors exchanged. Where a change
 * would be seen by the checksum alone, the checksum is put right. */
#ifndef CNN_TEST_DAMAGED_MODELS_H
#define CNN_TEST_DAMAGED_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct damaged_model {
    uint8_t *bytes; /* [size]; free with free */
    size_t size;
    char what[80]; /* what was done to it */
} damaged_model;

/* Damaged copy `number` (0, 1, …) of the file good[size]; false behind the last one, and where
 * memory is refused. The file needs two tensors or more. */
bool damaged_model_make(const uint8_t *good, size_t size, size_t number, damaged_model *out);

#endif
