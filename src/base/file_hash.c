#include "base/file_hash.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"

/* The largest file that is read. */
#define LIMIT ((size_t)1 << 40)

cnn_status cnn_file_sha256(const char *path, cnn_status failure, char digits[65],
                           cnn_error *error) {
    char *bytes;
    size_t size;
    const cnn_status status = cnn_file_read(path, LIMIT, failure, &bytes, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    cnn_sha256_hex(bytes, size, digits);
    cnn_free(bytes);
    return CNN_OK;
}
