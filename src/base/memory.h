/* Memory: aligned, zeroed, counted and limited. Sizes that overflow are refused. */
#ifndef CNN_BASE_MEMORY_H
#define CNN_BASE_MEMORY_H

#include "cnn/memory.h"

#include <stdbool.h>
#include <stddef.h>

/* Every float array starts at a multiple of this: one AVX-512 register, one cache line. */
#define CNN_ALIGNMENT ((size_t)64)

/* Allocates `count` elements of `size` bytes, zeroed, aligned to CNN_ALIGNMENT. NULL if the product
 * overflows or memory is refused. A count of 0 gives a valid pointer. Free with cnn_free. */
void *cnn_alloc(size_t count, size_t size);

/* Like realloc, for unaligned arrays that grow: makes room for at least `needed` elements of `size`
 * bytes, by doubling. Changes *items and *capacity together. False, with nothing changed, if memory
 * is refused. Free with cnn_free. */
bool cnn_grow(void **items, size_t *capacity, size_t needed, size_t size);

/* Like calloc(1, bytes) and realloc, for libraries that need them: unaligned, counted and limited
 * like the others. Free with cnn_free. */
void *cnn_plain_alloc(size_t bytes);
void *cnn_plain_realloc(void *memory, size_t bytes);

/* Copies a string. NULL if memory is refused. Free with cnn_free. */
char *cnn_copy_string(const char *text);

/* Frees memory from the functions above. NULL is allowed. */
void cnn_free(void *memory);

/* --- the limit: see cnn_memory_limit in cnn/memory.h --- */

typedef struct cnn_memory_state {
    size_t limit;   /* SIZE_MAX: none */
    size_t in_use;  /* allocated and not freed */
    size_t refused; /* the last request that was refused; 0: none */
} cnn_memory_state;

cnn_memory_state cnn_memory_look(void);

/* Counts `bytes` that a library is about to take by itself, as if they were allocated here, and
 * makes sure that the system has them at this moment: libraries handle a refusal less well than
 * this program does. False, with nothing counted, if they are refused. cnn_memory_return ends it.
 */
bool cnn_memory_claim(size_t bytes);
void cnn_memory_return(size_t bytes);

/* *out = a * b. False if that overflows. */
bool cnn_multiply_size(size_t a, size_t b, size_t *out);

#endif
