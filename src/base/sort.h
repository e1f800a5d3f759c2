/* Sorts by 64-bit keys, faster than a sort by comparison; a comparison for qsort. */
#ifndef CNN_BASE_SORT_H
#define CNN_BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_keyed {
    uint64_t key;
    size_t value;
} cnn_keyed;

/* Sorts items[count] by ascending key. Items with equal keys keep their order. False, with nothing
 * sorted, if memory is refused. */
bool cnn_sort_by_key(cnn_keyed *items, size_t count);

/* A comparison of doubles for qsort; no NaN. */
int cnn_compare_doubles(const void *a, const void *b);

#endif
