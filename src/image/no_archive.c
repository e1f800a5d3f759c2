/* Without libarchive, no archive is read. */
#include "image/archive_reader.h"

#include "base/error.h"

cnn_status cnn_archive_reader_open(const char *path, uint64_t offset, cnn_archive_reader **reader,
                                   cnn_error *error) {
    (void)path, (void)offset;
    *reader = NULL;
    return cnn_fail(error, CNN_ERROR_DATA,
                    "tar, zip and npz files are not read: this program was built without "
                    "libarchive (package libarchive-dev)");
}

void cnn_archive_reader_free(cnn_archive_reader *reader) {
    (void)reader;
}

uint64_t cnn_archive_reader_file_size(const cnn_archive_reader *reader) {
    (void)reader;
    return 0;
}

bool cnn_archive_reader_is_tar(const cnn_archive_reader *reader) {
    (void)reader;
    return false;
}

cnn_status cnn_archive_reader_next(cnn_archive_reader *reader, cnn_archive_header *header,
                                   cnn_error *error) {
    (void)reader;
    *header = (cnn_archive_header){.kind = CNN_MEMBER_END};
    return cnn_fail(error, CNN_ERROR_DATA, "no archive is open");
}

cnn_status cnn_archive_reader_read(cnn_archive_reader *reader, size_t size, uint8_t *to, bool *dead,
                                   cnn_error *error) {
    (void)reader, (void)size, (void)to;
    *dead = true;
    return cnn_fail(error, CNN_ERROR_DATA, "no archive is open");
}
