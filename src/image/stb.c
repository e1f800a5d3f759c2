/* Compiles stb_image: only the promised formats, only from memory, and within
 * limits. zlib inflates in its place, because stb_image compares no checksum. */
#include "image/stb.h"

#include "base/memory.h"

#include <zlib.h>

#include <limits.h>
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
#define STBI_NO_ZLIB /* inflated below, by zlib */
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_FAILURE_USERMSG
/* zeroed, so that pixels that a damaged file omits are the same in every run */
#define STBI_MALLOC(size) take(size)
#define STBI_REALLOC_SIZED(memory, old_size, new_size) grow(memory, old_size, new_size)
#define STBI_FREE(memory) cnn_free(memory)
#define STB_IMAGE_IMPLEMENTATION

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

/* --- PNG: decompression --- */

static void *take_for_zlib(void *opaque, unsigned count, unsigned size) {
    (void)opaque;
    return take((size_t)count * size);
}

static void free_for_zlib(void *opaque, void *memory) {
    (void)opaque;
    cnn_free(memory);
}

/* Inflates all of stream->next_in into *out[*capacity], which grows. Sets stb_image's reason. */
static bool inflate_all(z_stream *stream, char **out, size_t *capacity) {
    for (;;) {
        stream->next_out = (Bytef *)*out + stream->total_out;
        stream->avail_out = (uInt)(*capacity - stream->total_out);
        int status = inflate(stream, Z_NO_FLUSH);
        if (status == Z_STREAM_END) {
            return true;
        }
        if (status != Z_OK && status != Z_BUF_ERROR) {
            bool checksum = stream->msg && strcmp(stream->msg, "incorrect data check") == 0;
            return stbi__err("", checksum ? "damaged PNG: the Adler-32 checksum of its pixels is "
                                            "wrong"
                                          : "damaged PNG: its compressed data are invalid");
        }
        if (stream->avail_out > 0) {
            return stbi__err("", "damaged PNG: its compressed data are cut short");
        }
        size_t larger = 2 * *capacity;
        char *grown = larger <= INT_MAX ? grow(*out, *capacity, larger) : NULL;
        if (!grown) {
            return stbi__err("", "Out of memory");
        }
        *out = grown;
        *capacity = larger;
    }
}

/* stb_image declares this function, and calls it for the pixels of a PNG. */
char *stbi_zlib_decode_malloc_guesssize_headerflag(const char *bytes, int size, int expected,
                                                   int *found, int has_header) {
    z_stream stream = {.zalloc = take_for_zlib,
                       .zfree = free_for_zlib,
                       .next_in = (Bytef *)bytes,
                       .avail_in = (uInt)size};
    size_t capacity = expected > 0 ? (size_t)expected : 1;
    char *out = take(capacity);
    bool inflated = false;
    if (!out || inflateInit2(&stream, has_header ? MAX_WBITS : -MAX_WBITS) != Z_OK) {
        (void)stbi__err("", "Out of memory");
    } else {
        inflated = inflate_all(&stream, &out, &capacity);
        (void)inflateEnd(&stream);
    }
    if (!inflated) {
        cnn_free(out);
        return NULL;
    }
    *found = (int)stream.total_out;
    return out;
}
