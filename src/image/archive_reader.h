/* One pass over the members of a tar or zip archive, by libarchive. archive.h is its only user. */
#ifndef CNN_IMAGE_ARCHIVE_READER_H
#define CNN_IMAGE_ARCHIVE_READER_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_archive_reader cnn_archive_reader;

typedef enum cnn_member_kind {
    CNN_MEMBER_FILE,
    CNN_MEMBER_FOLDER,
    CNN_MEMBER_LINK, /* or a device or a pipe */
    CNN_MEMBER_END,  /* there is no further member */
} cnn_member_kind;

typedef struct cnn_archive_header {
    cnn_member_kind kind;
    const char *name;  /* until the next header is read */
    uint64_t size;     /* bytes, unpacked; of a file */
    uint64_t position; /* tar: where the header starts in the file; zip: its number, from 0 */
} cnn_archive_header;

/* Opens the archive at an offset: 0, or a tar at the start of a header. CNN_ERROR_DATA without the
 * path; CNN_ERROR_RUNTIME if memory or descriptors run out. */
CNN_MUST_USE cnn_status cnn_archive_reader_open(const char *path, uint64_t offset,
                                                cnn_archive_reader **reader, cnn_error *error);
void cnn_archive_reader_free(cnn_archive_reader *reader); /* NULL is allowed */

uint64_t cnn_archive_reader_file_size(const cnn_archive_reader *reader);

/* Known once the first header was read. */
bool cnn_archive_reader_is_tar(const cnn_archive_reader *reader);

/* Goes to the next header. CNN_ERROR_DATA if it is damaged, encrypted or has no size. */
CNN_MUST_USE cnn_status cnn_archive_reader_next(cnn_archive_reader *reader,
                                                cnn_archive_header *header, cnn_error *error);

/* Reads `size` further bytes of the member; to: NULL skips them. CNN_ERROR_DATA if there are
 * fewer, or they are damaged. *dead: after a failure, can nothing more be read with this reader? */
CNN_MUST_USE cnn_status cnn_archive_reader_read(cnn_archive_reader *reader, size_t size,
                                                uint8_t *to, bool *dead, cnn_error *error);

#endif
