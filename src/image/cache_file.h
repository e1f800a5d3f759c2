/* A file of the cache: decoded images and a record of each, in a form that can be mapped into
 * memory.
 *
 *     header   72 bytes (cache_file.c)
 *     records  24 bytes per image: hash of its content, checksum of its bytes, 1 if readable
 *     pixels   from a multiple of 64: [count][channels][height][width] bytes
 *
 * Numbers have the machine's byte order. A file with the other byte order is refused. */
#ifndef CNN_IMAGE_CACHE_FILE_H
#define CNN_IMAGE_CACHE_FILE_H

#include "base/hash.h"
#include "cnn/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_cache_record {
    uint64_t content;
    uint64_t checksum; /* of the image's bytes; 0 if it is not readable */
    uint64_t readable; /* 0 or 1 */
} cnn_cache_record;

/* Which images a cache file holds. */
typedef struct cnn_cache_file_layout {
    cnn_hash128 key; /* from cnn_cache_key */
    size_t count;
    size_t image_size; /* bytes of one image */
} cnn_cache_file_layout;

/* --- writing --- */

typedef struct cnn_cache_file_writer {
    int file;
    cnn_cache_file_layout layout;
    cnn_cache_record *records; /* [count] */
    size_t pixels_start;       /* offset in the file */
    atomic_int failure;        /* errno of the first write that failed; 0: none */
} cnn_cache_file_writer;

/* Computes the size of the whole file in bytes. False if it exceeds SIZE_MAX. */
bool cnn_cache_file_size(const cnn_cache_file_layout *layout, size_t *size);

/* Starts a cache file in `file`, which must have that size and be all zero. Free with
 * cnn_cache_file_writer_free. */
CNN_MUST_USE cnn_status cnn_cache_file_start(int file, const cnn_cache_file_layout *layout,
                                             cnn_cache_file_writer *writer, cnn_error *error);
void cnn_cache_file_writer_free(cnn_cache_file_writer *writer);

/* Writes image i: pixels [image_size]. Images that are not written count as unreadable. Several
 * threads may write different images at once. _finish reports failures. */
void cnn_cache_file_write(cnn_cache_file_writer *writer, size_t i, const uint8_t *pixels,
                          uint64_t content);

/* Writes records and header. Until then the file is not valid. CNN_ERROR_RUNTIME if any write
 * failed; the message is the reason alone. */
CNN_MUST_USE cnn_status cnn_cache_file_finish(cnn_cache_file_writer *writer, cnn_error *error);

/* --- reading --- */

typedef struct cnn_cache_file {
    void *map; /* the whole file, read-only */
    size_t size;
    const cnn_cache_record *records; /* [count] */
    const uint8_t *pixels;           /* [count][image_size] */
} cnn_cache_file;

typedef enum cnn_cache_file_state {
    CNN_CACHE_FILE_GOOD,
    CNN_CACHE_FILE_OTHER,   /* holds other images, or an earlier state of these */
    CNN_CACHE_FILE_DAMAGED, /* not a cache file, or not the bytes that were written */
    CNN_CACHE_FILE_FAILED,  /* it cannot be mapped: errno */
} cnn_cache_file_state;

/* Maps `file` if it has this layout and every byte is as it was written (checked on up to `threads`
 * threads). Only then *cached is set; release it with cnn_cache_file_close. The file may be closed
 * or removed while it is mapped. */
CNN_MUST_USE cnn_cache_file_state cnn_cache_file_open(int file, const cnn_cache_file_layout *layout,
                                                      int threads, cnn_cache_file *cached);
void cnn_cache_file_close(cnn_cache_file *cached); /* all zero is allowed */

#endif
