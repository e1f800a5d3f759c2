/* Images that are files in a tar or zip archive: the operations of such a container. */
#include "base/error.h"
#include "base/memory.h"
#include "image/archive.h"
#include "image/container_kinds.h"

static cnn_status open_archive(const char *path, void **index, cnn_error *error) {
    cnn_archive *archive = cnn_alloc(1, sizeof *archive);
    *index = archive;
    return archive ? cnn_archive_open(path, NULL, archive, error)
                   : cnn_fail_memory(error, "an archive");
}

static void close_archive(void *index) {
    cnn_archive_free(index);
    cnn_free(index);
}

static cnn_status find(const void *index, const char *name, uint64_t *position, cnn_error *error) {
    const size_t member = cnn_archive_find(index, name);
    if (member == SIZE_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a member of the archive, found none");
    }
    *position = member;
    return CNN_OK;
}

typedef struct stream {
    const cnn_archive *archive;
    cnn_archive_stream *members;
} stream;

static void *start(const void *index) {
    stream *s = cnn_alloc(1, sizeof *s);
    if (s) {
        s->archive = index;
        s->members = cnn_archive_stream_create(index);
        if (!s->members) {
            cnn_free(s);
            return NULL;
        }
    }
    return s;
}

static void end(void *state) {
    stream *s = state;
    cnn_archive_stream_free(s->members);
    cnn_free(s);
}

static uint64_t at(const void *state) {
    const stream *s = state;
    return cnn_archive_stream_next(s->members);
}

static cnn_status read(void *state, uint64_t position, size_t limit, char **bytes, size_t *size,
                       cnn_error *error) {
    stream *s = state;
    const uint64_t there = s->archive->members[position].size;
    if (there > limit) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected a file of at most %zu MiB, found a larger one", limit >> 20);
    }
    CNN_TRY(cnn_archive_stream_enter(s->members, (size_t)position, error));
    *size = (size_t)there;
    *bytes = cnn_plain_alloc(*size + 1);
    if (!*bytes) {
        return cnn_fail_memory(error, "reading a file");
    }
    (*bytes)[*size] = '\0';
    const cnn_status status = cnn_archive_stream_read(s->members, *size, (uint8_t *)*bytes, error);
    if (status != CNN_OK) {
        cnn_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

const cnn_container_operations cnn_archive_container = {.open = open_archive,
                                                        .close = close_archive,
                                                        .find = find,
                                                        .start = start,
                                                        .end = end,
                                                        .at = at,
                                                        .read = read};
