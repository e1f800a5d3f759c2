#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Below that, an array is likely to stand on pages that are there already. */
#define POPULATE_BYTES ((size_t)1 << 17)

bool cnn_multiply_size(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

/* Asks for all pages of a fresh array in one call, which zeroing it would get one by one, at twice
 * the cost. A wish: where it is refused, zeroing does it. */
static void get_pages(void *memory, size_t bytes) {
#ifdef MADV_POPULATE_WRITE
    if (bytes >= POPULATE_BYTES) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t first = ((uintptr_t)memory + page - 1) / page * page;
        uintptr_t end = ((uintptr_t)memory + bytes) / page * page;
        (void)madvise((char *)memory + (first - (uintptr_t)memory), end - first,
                      MADV_POPULATE_WRITE);
    }
#else
    (void)memory, (void)bytes;
#endif
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
        get_pages(memory, bytes);
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
