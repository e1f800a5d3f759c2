/* Compiles stb_image and stb_image_resize: only the promised formats, only from memory, and within
 * limits. */
#include "image/stb.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local size_t limit = SIZE_MAX;
static _Thread_local bool limited, refused;

void cnn_stb_limit(size_t bytes) {
    limit = bytes;
    limited = refused = false;
}

bool cnn_stb_was_limited(void) {
    return limited;
}

bool cnn_stb_was_refused(void) {
    return refused;
}

static bool is_within(size_t size) {
    limited = limited || size > limit;
    return size <= limit;
}

static void *take(size_t size) {
    void *memory = is_within(size) ? cnn_plain_alloc(size) : NULL;
    refused = refused || (!memory && size <= limit);
    return memory;
}

/* Reallocates. New bytes are zero. */
static void *grow(void *memory, size_t old_size, size_t new_size) {
    char *grown = is_within(new_size) ? cnn_plain_realloc(memory, new_size) : NULL;
    refused = refused || (!grown && new_size <= limit);
    if (grown && new_size > old_size) {
        memset(grown + old_size, 0, new_size - old_size);
    }
    return grown;
}

#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_ONLY_TGA
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_FAILURE_USERMSG
/* zeroed, so that pixels that a damaged file omits are the same in every run */
#define STBI_MALLOC(size) take(size)
#define STBI_REALLOC_SIZED(memory, old_size, new_size) grow(memory, old_size, new_size)
#define STBI_FREE(memory) cnn_free(memory)
#define STBIR_MALLOC(size, context) ((void)(context), cnn_plain_alloc(size))
#define STBIR_FREE(memory, context) ((void)(context), cnn_free(memory))
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#endif

/* stb_image copies 0 bytes to NULL if a PNG has an empty data chunk. memcpy does not allow that. */
static void *copy_bytes(void *to, const void *from, size_t size) {
    return size > 0 ? memcpy(to, from, size) : to;
}
#define memcpy(to, from, size) copy_bytes(to, from, size)

#include <stb_image.h>
#include <stb_image_resize.h>
