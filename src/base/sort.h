/* Sorts by 64-bit keys, faster than a sort by comparison. */
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

#endif
