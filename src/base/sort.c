#include "base/sort.h"

#include "base/memory.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 6, DIGIT_VALUES = 1 << DIGIT_BITS };

static size_t digit(uint64_t key, int place) {
    return (size_t)(key >> (DIGIT_BITS * place)) & (DIGIT_VALUES - 1);
}

int cnn_compare_doubles(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Radix sort, least significant digit first. Each pass is stable. */
bool cnn_sort_by_key(cnn_keyed *items, size_t count) {
    cnn_keyed *spare = cnn_alloc(count, sizeof *spare);
    size_t(*counts)[DIGIT_VALUES] = cnn_alloc(DIGITS, sizeof *counts);
    if (!spare || !counts) {
        cnn_free(spare);
        cnn_free(counts);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (int place = 0; place < DIGITS; place++) {
            counts[place][digit(items[i].key, place)]++;
        }
    }
    cnn_keyed *from = items, *to = spare;
    for (int place = 0; place < DIGITS; place++) {
        size_t *next = counts[place];
        if (count == 0 || next[digit(from[0].key, place)] == count) {
            continue; /* all keys have the same digit */
        }
        size_t before = 0;
        for (size_t value = 0; value < DIGIT_VALUES; value++) {
            size_t here = next[value];
            next[value] = before;
            before += here;
        }
        for (size_t i = 0; i < count; i++) {
            to[next[digit(from[i].key, place)]++] = from[i];
        }
        cnn_keyed *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != items) {
        memcpy(items, from, count * sizeof *items);
    }
    cnn_free(spare);
    cnn_free(counts);
    return true;
}
