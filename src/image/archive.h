/* What is in a tar or zip archive, and the bytes of its members. Nothing is ever unpacked to disk.
 * The only user of libarchive; without it, no_archive.c refuses. */
#ifndef CNN_IMAGE_ARCHIVE_H
#define CNN_IMAGE_ARCHIVE_H

#include "base/sort.h"
#include "cnn/status.h"
#include "cnn/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits for archives that were made to do harm. */
#define CNN_MEMBERS_MAX ((size_t)10000000) /* of one archive, or images of one array */
#define CNN_UNPACKED_RATIO                                                                         \
    ((uint64_t)1100)                          /* all members : the archive. DEFLATE (RFC 1951)     \
                                               * cannot pack more than 1032 : 1 */
#define CNN_UNPACKED_FREE ((uint64_t)1 << 20) /* bytes for which the ratio does not count */
#define CNN_LABEL_BYTES_MAX ((size_t)256)     /* of a member that holds a label */

typedef struct cnn_archive_member {
    size_t name;       /* its offset in the names */
    size_t label;      /* the offset of its text in the labels; SIZE_MAX: it is none */
    uint64_t position; /* tar: where its header starts; zip: the place of the member */
    uint64_t size;     /* bytes, unpacked */
} cnn_archive_member;

/* Regular files, in the order of the archive. */
typedef struct cnn_archive {
    char *path;
    bool is_tar;
    cnn_text names, labels; /* concatenated, each with its '\0' */
    cnn_archive_member *members;
    size_t count, capacity;
    cnn_keyed *by_name;  /* [count]: sorted by the hash of the name */
    size_t skipped;      /* links, devices and pipes, … */
    char *first_skipped; /* … and the first of them; NULL: none */
} cnn_archive;

/* Reads the list of members of the archive `path`. label_ending: the contents of members whose
 * names end so are kept as labels; NULL: none. Names lose "./" at their start and empty parts.
 * Links, devices and pipes are skipped. CNN_ERROR_DATA, message without the path, if it is no
 * readable archive, a name is absolute, has "..", or is there twice, a member is encrypted, or a
 * limit is exceeded; CNN_ERROR_RUNTIME. Free with cnn_archive_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_archive_open(const char *path, const char *label_ending,
                                         cnn_archive *archive, cnn_error *error);
void cnn_archive_free(cnn_archive *archive); /* all zero is allowed */

const char *cnn_archive_name(const cnn_archive *archive, size_t member);

/* The number of the member with that name; SIZE_MAX: none. */
size_t cnn_archive_find(const cnn_archive *archive, const char *name);

/* --- bytes --- */

/* Reads members of an archive: forwards with no detour, backwards from a tar's header or from a
 * zip's start. For one thread. */
typedef struct cnn_archive_stream cnn_archive_stream;

/* The archive must outlive the stream. NULL if memory is refused. */
cnn_archive_stream *cnn_archive_stream_create(const cnn_archive *archive);
void cnn_archive_stream_free(cnn_archive_stream *stream); /* NULL is allowed */

/* The number of the member that is read without a detour. */
size_t cnn_archive_stream_next(const cnn_archive_stream *stream);

/* Goes to the start of a member. CNN_ERROR_DATA with a reason, without the path;
 * CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_archive_stream_enter(cnn_archive_stream *stream, size_t member,
                                                 cnn_error *error);

/* Reads the next `size` bytes of that member. to: NULL skips them. CNN_ERROR_DATA if it has
 * fewer. */
CNN_MUST_USE cnn_status cnn_archive_stream_read(cnn_archive_stream *stream, size_t size,
                                                uint8_t *to, cnn_error *error);

#endif
