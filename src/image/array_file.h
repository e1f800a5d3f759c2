/* Arrays of numbers in files: .npz of NumPy (a zip of .npy files), and the IDX files of MNIST,
 * plain or compressed by gzip. Images are arrays of bytes, [count][height][width] or
 * [count][height][width][3]; labels are arrays of integers.
 *
 * Formats: numpy.lib.format, versions 1.0 to 3.0; "THE IDX FILE FORMAT"
 * (yann.lecun.com/exdb/mnist). Python objects (pickle) are never read. */
#ifndef CNN_IMAGE_ARRAY_FILE_H
#define CNN_IMAGE_ARRAY_FILE_H

#include "image/archive.h"

enum { CNN_ARRAY_DIMENSIONS = 4, CNN_ARRAY_NAME = 64 };

typedef struct cnn_array {
    char name[CNN_ARRAY_NAME]; /* "train_images"; "" in an IDX file, which has one array */
    int dimensions;
    uint64_t shape[CNN_ARRAY_DIMENSIONS];
    size_t item; /* bytes of a number: 1, 2, 4 or 8 */
    bool is_signed, big_endian;
    size_t member;  /* of the archive */
    uint64_t start; /* bytes of its header */
} cnn_array;

typedef struct cnn_array_file {
    char *path;
    cnn_array *arrays;
    size_t count, capacity;
    bool is_idx;
    cnn_archive archive; /* of an .npz */
} cnn_array_file;

/* Reads what arrays there are. wanted: the names of those of an .npz that are looked at, ending in
 * NULL; the others may be of any kind. CNN_ERROR_DATA, message without the path; CNN_ERROR_RUNTIME.
 * Free with cnn_array_file_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_npz_open(const char *path, const char *const *wanted,
                                     cnn_array_file *file, cnn_error *error);
CNN_MUST_USE cnn_status cnn_idx_open(const char *path, cnn_array_file *file, cnn_error *error);
void cnn_array_file_free(cnn_array_file *file); /* all zero is allowed */

/* The number of the array with the name; SIZE_MAX: none. */
size_t cnn_array_find(const cnn_array_file *file, const char *name);

/* The size of the images in an array, and their channels, 1 or 3. CNN_ERROR_DATA unless they are
 * bytes and of a possible size. */
typedef struct cnn_array_images {
    uint64_t count;
    size_t height, width, channels;
} cnn_array_images;
CNN_MUST_USE cnn_status cnn_array_images_of(const cnn_array *array, cnn_array_images *images,
                                            cnn_error *error);

/* Reads a header: dimensions, shape, item, is_signed, big_endian, start. bytes[size]: the start of
 * a .npy file. CNN_ERROR_DATA. */
CNN_MUST_USE cnn_status cnn_npy_header(const uint8_t *bytes, size_t size, cnn_array *array,
                                       cnn_error *error);

/* --- bytes --- */

/* Reads parts of arrays, forwards with no detour. For one thread. */
typedef struct cnn_array_stream cnn_array_stream;

cnn_array_stream *cnn_array_stream_create(const cnn_array_file *file); /* NULL: no memory */
void cnn_array_stream_free(cnn_array_stream *stream);                  /* NULL is allowed */

/* Reads bytes offset … offset + size - 1 of an array. CNN_ERROR_DATA if there are fewer. */
CNN_MUST_USE cnn_status cnn_array_stream_read(cnn_array_stream *stream, size_t array,
                                              uint64_t offset, size_t size, uint8_t *to,
                                              cnn_error *error);

/* *labels: all numbers of an array [count] or [count][1], to be freed. CNN_ERROR_DATA. */
CNN_MUST_USE cnn_status cnn_array_labels(const cnn_array_file *file, size_t array, int64_t **labels,
                                         size_t *count, cnn_error *error);

#endif
