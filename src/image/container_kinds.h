/* What a kind of container can do. container.c calls the operations of its table. */
#ifndef CNN_IMAGE_CONTAINER_KINDS_H
#define CNN_IMAGE_CONTAINER_KINDS_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct cnn_container_operations {
    /* *index: what is in the file; to be closed if it is not NULL, also after a failure.
     * CNN_ERROR_DATA without the path. */
    cnn_status (*open)(const char *path, void **index, cnn_error *error);
    void (*close)(void *index);

    /* *position: of the image `name`, a number that grows in the order in which streams read. */
    cnn_status (*find)(const void *index, const char *name, uint64_t *position, cnn_error *error);

    /* A stream, which reads forwards without a detour, and is for one thread at a time. NULL if
     * memory is refused. */
    void *(*start)(const void *index);
    void (*end)(void *stream);
    uint64_t (*at)(const void *stream); /* the position that is read without a detour */

    /* *bytes: the image as a file, to be freed; at most `limit` bytes. CNN_ERROR_DATA with a
     * reason; the stream can be used again. */
    cnn_status (*read)(void *stream, uint64_t position, size_t limit, char **bytes, size_t *size,
                       cnn_error *error);
} cnn_container_operations;

extern const cnn_container_operations cnn_archive_container, cnn_npz_container, cnn_idx_container;

#endif
