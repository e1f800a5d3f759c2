/* Copies of a sound model file, each damaged in a different way that readers must detect: cut
 * short, lengths changed, bytes of the header replaced, bits flipped, tensors exchanged. If only
 * the checksum would detect a change, the checksum is corrected. */
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

/* Damaged copy `number` (0, 1, …) of the file good[size]; false after the last one, and if memory
 * is refused. The file needs two tensors or more. */
bool damaged_model_make(const uint8_t *good, size_t size, size_t number, damaged_model *out);

#endif
