#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool cnn_multiply_size(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

void *cnn_alloc(size_t count, size_t size) {
    size_t bytes;
    if (!cnn_multiply_size(count, size, &bytes) || bytes > SIZE_MAX - CNN_ALIGNMENT) {
        return NULL;
    }
    /* aligned_alloc wants a whole number of alignments */
    bytes = (bytes + CNN_ALIGNMENT - 1) / CNN_ALIGNMENT * CNN_ALIGNMENT;
    if (bytes == 0) {
        bytes = CNN_ALIGNMENT;
    }
    void *memory = aligned_alloc(CNN_ALIGNMENT, bytes);
    if (memory) {
        memset(memory, 0, bytes);
    }
    return memory;
}

bool cnn_grow(void **items, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) {
        return true;
    }
    size_t wanted = *capacity < 8 ? 16 : *capacity;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 2) {
            return false;
        }
        wanted *= 2;
    }
    size_t bytes;
    if (!cnn_multiply_size(wanted, size, &bytes)) {
        return false;
    }
    void *moved = realloc(*items, bytes);
    if (!moved) {
        return false;
    }
    *items = moved;
    *capacity = wanted;
    return true;
}

char *cnn_copy_string(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    if (copy) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void cnn_free(void *memory) {
    free(memory);
}
