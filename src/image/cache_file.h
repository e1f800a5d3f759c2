/* A pack: decoded images and their properties in one file, which is mapped into memory.
 *
 *     header   72 bytes (image/cache_file.c)
 *     records  24 bytes per image: hash of its content, checksum of its bytes, readable (1)
 *     pixels   from a multiple of 64: [count][channels][height][width] bytes
 *
 * Numbers have the byte order of the machine; a file with the other byte order is refused. */
#ifndef CNN_IMAGE_CACHE_FILE_H
#define CNN_IMAGE_CACHE_FILE_H

#include "cnn/status.h"

#include "base/hash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_image_record {
    uint64_t content;
    uint64_t checksum; /* of the image's bytes; 0 if it is not readable */
    uint64_t readable; /* 0 or 1 */
} cnn_image_record;

/* What a pack contains, and for which images. */
typedef struct cnn_image_pack_layout {
    cnn_hash128 key; /* cnn_image_key */
    size_t count;
    size_t image_size; /* bytes of one image */
} cnn_image_pack_layout;

/* --- writing --- */

typedef struct cnn_image_pack_writer {
    int file;
    cnn_image_pack_layout layout;
    cnn_image_record *records; /* [count] */
    size_t pixels_start;       /* offset in the file */
    atomic_int failure;        /* errno of the first write that failed */
} cnn_image_pack_writer;

/* Size of the whole file in bytes; false if it exceeds size_t. */
bool cnn_image_pack_size(const cnn_image_pack_layout *layout, size_t *size);

/* Starts a pack in `file`, which must have that size and be all zero. Free with
 * cnn_image_pack_writer_free. */
CNN_MUST_USE cnn_status cnn_image_pack_start(int file, const cnn_image_pack_layout *layout,
                                             cnn_image_pack_writer *writer, cnn_error *error);
void cnn_image_pack_writer_free(cnn_image_pack_writer *writer);

/* Writes image i: pixels [image_size]. Images that are not written count as unreadable. Several
 * threads may write different images at the same time; _finish reports failures. */
void cnn_image_pack_write(cnn_image_pack_writer *writer, size_t i, const uint8_t *pixels,
                          uint64_t content);

/* Writes records and header: before that, the file is not a pack. CNN_ERROR_RUNTIME if anything
 * could not be written; the message is only the reason. */
CNN_MUST_USE cnn_status cnn_image_pack_finish(cnn_image_pack_writer *writer, cnn_error *error);

/* --- reading --- */

typedef struct cnn_image_pack {
    void *map; /* the whole file, read-only */
    size_t size;
    const cnn_image_record *records; /* [count] */
    const uint8_t *pixels;           /* [count][image_size] */
} cnn_image_pack;

typedef enum cnn_image_pack_state {
    CNN_PACK_GOOD,
    CNN_PACK_OTHER,   /* of other images, or of earlier versions of these */
    CNN_PACK_DAMAGED, /* not a pack, or not the bytes that were written */
    CNN_PACK_FAILED,  /* it cannot be mapped: errno */
} cnn_image_pack_state;

/* Maps `file` if it is the pack that the layout describes, and every byte is as it was written
 * (checked on up to `threads` threads). In that case *pack is set: release it with
 * cnn_image_pack_close. The file may be closed or removed while it is mapped. */
CNN_MUST_USE cnn_image_pack_state cnn_image_pack_open(int file, const cnn_image_pack_layout *layout,
                                                      int threads, cnn_image_pack *pack);
void cnn_image_pack_close(cnn_image_pack *pack); /* a zeroed struct is allowed */

#endif
