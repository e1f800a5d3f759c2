#include "base/memory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A smaller array is likely to be on pages that the process has already. */
#define POPULATE_BYTES ((size_t)1 << 17)

/* Arrays of at least this size ask for pages of 2 MiB. A kernel that walks many planes at once
 * needs the addresses of more small pages than a processor remembers. */
#define HUGE_BYTES ((size_t)1 << 25)
#define HUGE_PAGE ((size_t)1 << 21)

/* --- counting --- */

static atomic_size_t limit = SIZE_MAX;
static atomic_size_t in_use;  /* in malloc's usable sizes */
static atomic_size_t refused; /* the last request that was refused */

void cnn_memory_limit(size_t bytes) {
    atomic_store(&limit, bytes);
}

cnn_memory_state cnn_memory_look(void) {
    return (cnn_memory_state){.limit = atomic_load(&limit),
                              .in_use = atomic_load(&in_use),
                              .refused = atomic_load(&refused)};
}

static void *refuse(size_t bytes) {
    atomic_store(&refused, bytes);
    return NULL;
}

/* Reserves `bytes`, unless that exceeds the limit. */
static bool may_take(size_t bytes) {
    size_t others = atomic_fetch_add(&in_use, bytes);
    size_t most = atomic_load(&limit);
    if (bytes > most || others > most - bytes) {
        (void)atomic_fetch_sub(&in_use, bytes);
        return false;
    }
    return true;
}

/* Corrects the count by what malloc really allocated for `bytes`; NULL: nothing. */
static void *count_given(void *memory, size_t bytes) {
    if (!memory) {
        (void)atomic_fetch_sub(&in_use, bytes);
        return refuse(bytes);
    }
    (void)atomic_fetch_add(&in_use, malloc_usable_size(memory) - bytes);
    return memory;
}

/* --- allocating --- */

bool cnn_multiply_size(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

/* Gives advice about the whole pages of an array; pages: their size, in bytes. */
static void advise(void *memory, size_t bytes, size_t page, int advice) {
    uintptr_t first = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)memory + bytes) / page * page;
    if (first < end) {
        (void)madvise((char *)memory + (first - (uintptr_t)memory), end - first, advice);
    }
}

/* Gets all pages of a new array in one call. Zeroing would get them one by one, at twice the cost.
 * If the system refuses, zeroing still works. */
static void get_pages(void *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_BYTES) {
        advise(memory, bytes, HUGE_PAGE, MADV_HUGEPAGE);
    }
#endif
#ifdef MADV_POPULATE_WRITE
    if (bytes >= POPULATE_BYTES) {
        advise(memory, bytes, (size_t)sysconf(_SC_PAGESIZE), MADV_POPULATE_WRITE);
    }
#endif
    (void)memory, (void)bytes;
}

void *cnn_alloc(size_t count, size_t size) {
    size_t bytes;
    if (!cnn_multiply_size(count, size, &bytes) || bytes > SIZE_MAX - CNN_ALIGNMENT) {
        return refuse(SIZE_MAX);
    }
    /* aligned_alloc requires a multiple of the alignment */
    bytes = (bytes + CNN_ALIGNMENT - 1) / CNN_ALIGNMENT * CNN_ALIGNMENT;
    if (bytes == 0) {
        bytes = CNN_ALIGNMENT;
    }
    if (!may_take(bytes)) {
        return refuse(bytes);
    }
    void *memory = count_given(aligned_alloc(CNN_ALIGNMENT, bytes), bytes);
    if (memory) {
        get_pages(memory, bytes);
        memset(memory, 0, bytes);
    }
    return memory;
}

bool cnn_memory_claim(size_t bytes) {
    if (!may_take(bytes)) {
        return refuse(bytes) != NULL;
    }
    void *probe = malloc(bytes);
    if (!probe) {
        cnn_memory_return(bytes);
        return refuse(bytes) != NULL;
    }
    free(probe);
    return true;
}

void cnn_memory_return(size_t bytes) {
    (void)atomic_fetch_sub(&in_use, bytes);
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
        return refuse(SIZE_MAX) != NULL;
    }
    void *moved = cnn_plain_realloc(*items, bytes);
    if (!moved) {
        return false;
    }
    *items = moved;
    *capacity = wanted;
    return true;
}

void *cnn_plain_alloc(size_t bytes) {
    return may_take(bytes) ? count_given(calloc(1, bytes > 0 ? bytes : 1), bytes) : refuse(bytes);
}

void *cnn_plain_realloc(void *memory, size_t bytes) {
    size_t before = memory ? malloc_usable_size(memory) : 0;
    bytes = bytes > 0 ? bytes : 1;
    if (!may_take(bytes)) { /* old and new array may exist at the same time */
        return refuse(bytes);
    }
    void *moved = count_given(realloc(memory, bytes), bytes);
    if (moved) {
        (void)atomic_fetch_sub(&in_use, before);
    }
    return moved;
}

char *cnn_copy_string(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = cnn_plain_alloc(bytes);
    if (copy) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void cnn_free(void *memory) {
    if (memory) {
        (void)atomic_fetch_sub(&in_use, malloc_usable_size(memory));
        free(memory);
    }
}
