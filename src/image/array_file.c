#include "image/array_file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    NPY_HEADER = 4096, /* bytes of a .npy that are read for its header; NumPy writes 128 */
    IDX_BYTES = 0x08,  /* the code of unsigned bytes */
    SIDE_MAX = 65535,  /* pixels of an image */
};

static const char what[] = "an array";

void cnn_array_file_free(cnn_array_file *file) {
    cnn_free(file->path);
    cnn_free(file->arrays);
    cnn_archive_free(&file->archive);
    *file = (cnn_array_file){0};
}

size_t cnn_array_find(const cnn_array_file *file, const char *name) {
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->arrays[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static cnn_status add(cnn_array_file *file, const cnn_array *array, cnn_error *error) {
    void *arrays = file->arrays;
    if (!cnn_grow(&arrays, &file->capacity, file->count + 1, sizeof *file->arrays)) {
        return cnn_fail_memory(error, what);
    }
    file->arrays = arrays;
    file->arrays[file->count++] = *array;
    return CNN_OK;
}

/* *size: bytes of all numbers. False if that overflows. */
static bool data_size(const cnn_array *array, uint64_t *size) {
    size_t total = array->item;
    for (int i = 0; i < array->dimensions; i++) {
        if (!cnn_multiply_size(total, (size_t)array->shape[i], &total)) {
            return false;
        }
    }
    *size = total;
    return true;
}

/* Is the count of rows allowed, and are there as many bytes as the shape says? */
static cnn_status check_size(const cnn_array *array, uint64_t bytes, cnn_error *error) {
    uint64_t wanted;
    if (array->dimensions < 1 || array->shape[0] > CNN_MEMBERS_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected an array of at most %zu rows, found %s",
                        CNN_MEMBERS_MAX, array->dimensions < 1 ? "a single number" : "more");
    }
    if (!data_size(array, &wanted) || wanted != bytes) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected as many bytes as its shape has, found %llu",
                        (unsigned long long)bytes);
    }
    return CNN_OK;
}

cnn_status cnn_array_images_of(const cnn_array *array, cnn_array_images *images, cnn_error *error) {
    const int n = array->dimensions;
    if (array->item != 1 || array->is_signed || n < 3 || n > 4 ||
        (n == 4 && array->shape[3] != 1 && array->shape[3] != 3) || array->shape[1] < 1 ||
        array->shape[2] < 1 || array->shape[1] > SIDE_MAX || array->shape[2] > SIDE_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected images, unsigned bytes of the shape count × height × width, or "
                        "count × height × width × 3, found %s of %d dimensions",
                        array->item != 1   ? "larger numbers"
                        : array->is_signed ? "signed bytes"
                                           : "bytes",
                        n);
    }
    *images = (cnn_array_images){.count = array->shape[0],
                                 .height = (size_t)array->shape[1],
                                 .width = (size_t)array->shape[2],
                                 .channels = n == 4 ? (size_t)array->shape[3] : 1};
    return CNN_OK;
}

/* --- npz --- */

/* Looks at a member, if its name is that of an array that is wanted. */
static cnn_status look(cnn_archive_stream *stream, size_t member, const char *const *wanted,
                       cnn_array_file *file, cnn_error *error) {
    uint8_t bytes[NPY_HEADER];
    const char *name = cnn_archive_name(&file->archive, member);
    const size_t length = strlen(name);
    const uint64_t size = file->archive.members[member].size;
    const size_t head = size < sizeof bytes ? (size_t)size : sizeof bytes;
    for (; *wanted; wanted++) {
        if (length == strlen(*wanted) + 4 && strncmp(name, *wanted, length - 4) == 0 &&
            strcmp(name + length - 4, ".npy") == 0) {
            break;
        }
    }
    if (!*wanted) {
        return CNN_OK;
    }
    cnn_array array = {.member = member};
    (void)snprintf(array.name, sizeof array.name, "%s", *wanted);
    cnn_status status = cnn_archive_stream_enter(stream, member, error);
    status = status == CNN_OK ? cnn_archive_stream_read(stream, head, bytes, error) : status;
    status = status == CNN_OK ? cnn_npy_header(bytes, head, &array, error) : status;
    status = status == CNN_OK ? check_size(&array, size - array.start, error) : status;
    return status == CNN_OK ? add(file, &array, error)
                            : cnn_fail_prefix(error, status, "%s: ", *wanted);
}

cnn_status cnn_npz_open(const char *path, const char *const *wanted, cnn_array_file *file,
                        cnn_error *error) {
    *file = (cnn_array_file){.path = cnn_copy_string(path)};
    if (!file->path) {
        return cnn_fail_memory(error, what);
    }
    CNN_TRY(cnn_archive_open(path, NULL, &file->archive, error));
    cnn_archive_stream *stream = cnn_archive_stream_create(&file->archive);
    cnn_status status = stream ? CNN_OK : cnn_fail_memory(error, what);
    for (size_t i = 0; i < file->archive.count && status == CNN_OK; i++) {
        status = look(stream, i, wanted, file, error);
    }
    cnn_archive_stream_free(stream);
    return status;
}

/* --- IDX --- */

/* zlib reads a file that is not compressed as it is. *packed: bytes of the file. */
static cnn_status open_gz(const char *path, gzFile *gz, uint64_t *packed, cnn_error *error) {
    struct stat about;
    const int file = cnn_file_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    *gz = NULL;
    if (file < 0) {
        return cnn_fail(error, cnn_file_blame(errno, CNN_ERROR_DATA), "%s", strerror(errno));
    }
    const int reason = fstat(file, &about) == 0 ? 0 : errno;
    if (reason != 0 || !S_ISREG(about.st_mode)) {
        (void)close(file);
        return cnn_fail(error, cnn_file_blame(reason, CNN_ERROR_DATA), "%s",
                        reason != 0 ? strerror(reason) : "expected a file, found something else");
    }
    *packed = (uint64_t)about.st_size;
    *gz = gzdopen(file, "rb");
    if (!*gz) {
        (void)close(file);
        return cnn_fail_memory(error, what);
    }
    return CNN_OK;
}

static cnn_status fail_gz(gzFile gz, cnn_error *error) {
    int code;
    const char *text = gzerror(gz, &code);
    if (code == Z_MEM_ERROR) {
        return cnn_fail_memory(error, what);
    }
    if (code == Z_ERRNO) {
        return cnn_fail(error, cnn_file_blame(errno, CNN_ERROR_DATA), "%s", strerror(errno));
    }
    return cnn_fail(error, CNN_ERROR_DATA, "expected more bytes, found %s",
                    code == Z_OK || code == Z_BUF_ERROR ? "an end" : text);
}

static cnn_status read_gz(gzFile gz, size_t size, uint8_t *to, cnn_error *error) {
    z_off_t place = gztell(gz);
    while (size > 0) {
        const unsigned wanted = size < 1U << 30 ? (unsigned)size : 1U << 30;
        const int got = gzread(gz, to, wanted);
        if (got < 0 && errno == EINTR) { /* zlib has lost its place, so once more from the start */
            gzclearerr(gz);
            if (gzrewind(gz) != 0 || gzseek(gz, place, SEEK_SET) != place) {
                return fail_gz(gz, error);
            }
            continue;
        }
        if (got <= 0) {
            return fail_gz(gz, error);
        }
        to += got;
        place += got;
        size -= (size_t)got;
    }
    return CNN_OK;
}

static uint64_t big_endian(const uint8_t *bytes) {
    return (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 | (uint64_t)bytes[2] << 8 | bytes[3];
}

static cnn_status read_idx_header(gzFile gz, uint64_t packed, cnn_array *array, cnn_error *error) {
    uint8_t bytes[4 * CNN_ARRAY_DIMENSIONS];
    CNN_TRY(read_gz(gz, 4, bytes, error));
    const bool known = bytes[0] == 0 && bytes[1] == 0 && bytes[2] == IDX_BYTES && bytes[3] >= 1 &&
                       bytes[3] <= CNN_ARRAY_DIMENSIONS;
    if (!known) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected an IDX file of unsigned bytes, found something else");
    }
    array->item = 1;
    array->dimensions = bytes[3];
    array->start = 4 + 4 * (uint64_t)bytes[3];
    CNN_TRY(read_gz(gz, 4 * (size_t)bytes[3], bytes, error));
    for (int i = 0; i < array->dimensions; i++) {
        array->shape[i] = big_endian(bytes + 4 * i);
    }
    uint64_t size = 0;
    if (gzdirect(gz)) {
        return check_size(array, packed - array->start, error);
    }
    if (!data_size(array, &size) ||
        (size > CNN_UNPACKED_FREE && size / CNN_UNPACKED_RATIO > packed)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected at most %llu times as many bytes as the compressed file has, "
                        "found a shape with more",
                        (unsigned long long)CNN_UNPACKED_RATIO);
    }
    return check_size(array, size, error);
}

cnn_status cnn_idx_open(const char *path, cnn_array_file *file, cnn_error *error) {
    *file = (cnn_array_file){.path = cnn_copy_string(path), .is_idx = true};
    if (!file->path) {
        return cnn_fail_memory(error, what);
    }
    cnn_array array = {.name = ""};
    gzFile gz;
    uint64_t packed;
    CNN_TRY(open_gz(path, &gz, &packed, error));
    const cnn_status status = read_idx_header(gz, packed, &array, error);
    (void)gzclose_r(gz);
    CNN_TRY(status);
    return add(file, &array, error);
}

/* --- bytes --- */

struct cnn_array_stream {
    const cnn_array_file *file;
    gzFile gz;                   /* of an IDX file */
    cnn_archive_stream *archive; /* of an .npz */
    size_t array;                /* that was entered; SIZE_MAX: none */
    uint64_t offset;             /* bytes of it that were read or skipped */
};

cnn_array_stream *cnn_array_stream_create(const cnn_array_file *file) {
    cnn_array_stream *stream = cnn_alloc(1, sizeof *stream);
    if (stream) {
        stream->file = file;
        stream->array = SIZE_MAX;
        stream->archive = file->is_idx ? NULL : cnn_archive_stream_create(&file->archive);
        if (!file->is_idx && !stream->archive) {
            cnn_free(stream);
            return NULL;
        }
    }
    return stream;
}

static void close_gz(cnn_array_stream *stream) {
    if (stream->gz) {
        (void)gzclose_r(stream->gz);
        stream->gz = NULL;
    }
}

void cnn_array_stream_free(cnn_array_stream *stream) {
    if (stream) {
        close_gz(stream);
        cnn_archive_stream_free(stream->archive);
        cnn_free(stream);
    }
}

static cnn_status read_idx(cnn_array_stream *stream, uint64_t offset, size_t size, uint8_t *to,
                           cnn_error *error) {
    uint64_t packed;
    if (!stream->gz) {
        CNN_TRY(open_gz(stream->file->path, &stream->gz, &packed, error));
    }
    offset += stream->file->arrays[0].start;
    if (gzseek(stream->gz, (z_off_t)offset, SEEK_SET) < 0) {
        return fail_gz(stream->gz, error);
    }
    return read_gz(stream->gz, size, to, error);
}

static cnn_status read_npz(cnn_array_stream *stream, size_t array, uint64_t offset, size_t size,
                           uint8_t *to, cnn_error *error) {
    const cnn_array *wanted = &stream->file->arrays[array];
    if (stream->array != array || offset < stream->offset) {
        CNN_TRY(cnn_archive_stream_enter(stream->archive, wanted->member, error));
        CNN_TRY(cnn_archive_stream_read(stream->archive, (size_t)wanted->start, NULL, error));
        stream->array = array;
        stream->offset = 0;
    }
    CNN_TRY(
        cnn_archive_stream_read(stream->archive, (size_t)(offset - stream->offset), NULL, error));
    CNN_TRY(cnn_archive_stream_read(stream->archive, size, to, error));
    stream->offset = offset + size;
    return CNN_OK;
}

cnn_status cnn_array_stream_read(cnn_array_stream *stream, size_t array, uint64_t offset,
                                 size_t size, uint8_t *to, cnn_error *error) {
    const bool is_idx = stream->file->is_idx;
    const cnn_status status = is_idx ? read_idx(stream, offset, size, to, error)
                                     : read_npz(stream, array, offset, size, to, error);
    if (status != CNN_OK) { /* the next read starts anew */
        close_gz(stream);
        stream->array = SIZE_MAX;
    }
    return status;
}

/* --- labels --- */

static int64_t number_at(const cnn_array *array, const uint8_t *bytes) {
    uint64_t bits = 0;
    for (size_t i = 0; i < array->item; i++) {
        bits = bits << 8 | bytes[array->big_endian ? i : array->item - 1 - i];
    }
    if (array->is_signed && array->item < 8 && bits >> (8 * array->item - 1) != 0) {
        bits |= UINT64_MAX << (8 * array->item);
    }
    return (int64_t)bits;
}

static cnn_status read_numbers(const cnn_array_file *file, size_t array, uint8_t *bytes,
                               int64_t *labels, size_t count, cnn_error *error) {
    const cnn_array *of = &file->arrays[array];
    cnn_array_stream *stream = cnn_array_stream_create(file);
    if (!bytes || !labels || !stream) {
        cnn_array_stream_free(stream);
        return cnn_fail_memory(error, "labels");
    }
    const cnn_status status =
        cnn_array_stream_read(stream, array, 0, count * of->item, bytes, error);
    cnn_array_stream_free(stream);
    CNN_TRY(status);
    for (size_t i = 0; i < count; i++) {
        labels[i] = number_at(of, bytes + i * of->item);
    }
    return CNN_OK;
}

cnn_status cnn_array_labels(const cnn_array_file *file, size_t array, int64_t **labels,
                            size_t *count, cnn_error *error) {
    const cnn_array *of = &file->arrays[array];
    *labels = NULL;
    if (of->dimensions > 2 || (of->dimensions == 2 && of->shape[1] != 1)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected one label for each image, found an array of %d dimensions%s",
                        of->dimensions, of->dimensions == 2 ? ", several for each" : "");
    }
    *count = (size_t)of->shape[0];
    uint8_t *bytes = cnn_alloc(*count, of->item);
    *labels = cnn_alloc(*count, sizeof **labels);
    const cnn_status status = read_numbers(file, array, bytes, *labels, *count, error);
    cnn_free(bytes);
    if (status != CNN_OK) {
        cnn_free(*labels);
        *labels = NULL;
    }
    return status;
}
