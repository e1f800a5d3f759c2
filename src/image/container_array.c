/* Images that are rows of an array (.npz, IDX): the operations of such a container. */
#include "base/error.h"
#include "base/memory.h"
#include "image/array_file.h"
#include "image/container.h"
#include "image/container_kinds.h"

#include <stdio.h>
#include <string.h>

const cnn_array_pair cnn_array_pairs[] = {
    {0, "train_images", "train_labels"},
    {1, "val_images", "val_labels"},
    {2, "test_images", "test_labels"},
    {0, "x_train", "y_train"},
    {1, "x_val", "y_val"},
    {2, "x_test", "y_test"},
    {0, NULL, NULL},
};
const char *const cnn_array_names[] = {
    "train_images", "train_labels", "val_images", "val_labels", "test_images",
    "test_labels",  "x_train",      "y_train",    "x_val",      "y_val",
    "x_test",       "y_test",       NULL};

/* A position: the number of the array, then that of the image. */
enum { IMAGE_BITS = 32, HEADER_SIZE = 32 };

static cnn_status open_npz(const char *path, void **index, cnn_error *error) {
    cnn_array_file *file = cnn_alloc(1, sizeof *file);
    *index = file;
    return file ? cnn_npz_open(path, cnn_array_names, file, error)
                : cnn_fail_memory(error, "an array");
}

static cnn_status open_idx(const char *path, void **index, cnn_error *error) {
    cnn_array_file *file = cnn_alloc(1, sizeof *file);
    *index = file;
    return file ? cnn_idx_open(path, file, error) : cnn_fail_memory(error, "an array");
}

static void close_file(void *index) {
    cnn_array_file_free(index);
    cnn_free(index);
}

/* A number without signs and leading zeros, at most 9 digits. */
static bool read_number(const char *text, uint64_t *number) {
    const size_t digits = strspn(text, "0123456789");
    *number = 0;
    for (size_t i = 0; i < digits && digits <= 9; i++) {
        *number = 10 * *number + (uint64_t)(text[i] - '0');
    }
    return digits > 0 && digits <= 9 && text[digits] == '\0' && (*text != '0' || digits == 1);
}

static cnn_status find(const void *index, const char *name, uint64_t *position, cnn_error *error) {
    const cnn_array_file *file = index;
    const char *slash = strrchr(name, '/');
    const char *digits = slash ? slash + 1 : name;
    char array_name[CNN_ARRAY_NAME] = "";
    const size_t length = slash ? (size_t)(slash - name) : 0;
    if (length < sizeof array_name) {
        memcpy(array_name, name, length);
    }
    uint64_t number;
    const size_t array = cnn_array_find(file, array_name);
    if (length >= sizeof array_name || array == SIZE_MAX || !read_number(digits, &number)) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected %s/NUMBER, found \"%.80s\"",
                        file->is_idx ? "FILE" : "FILE/ARRAY", name);
    }
    cnn_array_images images;
    CNN_TRY(cnn_array_images_of(&file->arrays[array], &images, error));
    if (number >= images.count) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a number below %llu, found %llu",
                        (unsigned long long)images.count, (unsigned long long)number);
    }
    *position = (uint64_t)array << IMAGE_BITS | number;
    return CNN_OK;
}

typedef struct stream {
    const cnn_array_file *file;
    cnn_array_stream *arrays;
    uint64_t next; /* position */
} stream;

static void *start(const void *index) {
    stream *s = cnn_alloc(1, sizeof *s);
    if (s) {
        s->file = index;
        s->arrays = cnn_array_stream_create(index);
        if (!s->arrays) {
            cnn_free(s);
            return NULL;
        }
    }
    return s;
}

static void end(void *state) {
    stream *s = state;
    cnn_array_stream_free(s->arrays);
    cnn_free(s);
}

static uint64_t at(const void *state) {
    const stream *s = state;
    return s->next;
}

static cnn_status read(void *state, uint64_t position, size_t limit, char **bytes, size_t *size,
                       cnn_error *error) {
    stream *s = state;
    const size_t array = (size_t)(position >> IMAGE_BITS);
    const uint64_t number = position & (UINT64_MAX >> (64 - IMAGE_BITS));
    cnn_array_images images;
    char header[HEADER_SIZE];
    CNN_TRY(cnn_array_images_of(&s->file->arrays[array], &images, error));
    const size_t pixels = images.height * images.width * images.channels;
    const size_t start_of_pixels =
        (size_t)snprintf(header, sizeof header, "P%c\n%zu %zu\n255\n",
                         images.channels == 1 ? '5' : '6', images.width, images.height);
    *size = start_of_pixels + pixels;
    *bytes = *size <= limit ? cnn_plain_alloc(*size + 1) : NULL;
    if (!*bytes) {
        return *size <= limit ? cnn_fail_memory(error, "reading an image")
                              : cnn_fail(error, CNN_ERROR_DATA,
                                         "expected an image of at most %zu MiB, found a larger one",
                                         limit >> 20);
    }
    memcpy(*bytes, header, start_of_pixels);
    (*bytes)[*size] = '\0';
    const cnn_status status = cnn_array_stream_read(s->arrays, array, number * pixels, pixels,
                                                    (uint8_t *)*bytes + start_of_pixels, error);
    s->next = status == CNN_OK ? position + 1 : 0;
    if (status != CNN_OK) {
        cnn_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

#define OPERATIONS(open_it)                                                                        \
    {                                                                                              \
        .open = (open_it), .close = close_file, .find = find, .start = start, .end = end,          \
        .at = at, .read = read                                                                     \
    }

const cnn_container_operations cnn_npz_container = OPERATIONS(open_npz);
const cnn_container_operations cnn_idx_container = OPERATIONS(open_idx);
