/* The safetensors format: named float32 tensors and named strings in one file that Python, Rust and
 * JavaScript read without a converter.
 *
 * 8 bytes little-endian: N; N bytes of JSON (padded with spaces so that the data starts at a
 * multiple of 64); then the tensors, float32 little-endian, without gaps. Our files also contain,
 * among the strings, `cnntrain.version` and `cnntrain.sha256`: the SHA-256 of the whole file with
 * these 64 digits taken as zeros, so that every flipped bit is detected. No time and no path: same
 * content, same bytes. */
#ifndef CNN_MODEL_SAFETENSORS_H
#define CNN_MODEL_SAFETENSORS_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct cnn_saved_tensor {
    char name[96]; /* as long as any of nn/layer.h (CNN_TENSOR_NAME_MAX) */
    int rank;
    int64_t dim[4];
    size_t count;      /* the product of the dimensions */
    const float *data; /* [count] */
} cnn_saved_tensor;

typedef struct cnn_saved_text {
    const char *key, *value;
} cnn_saved_text;

typedef struct cnn_saved_file {
    cnn_saved_tensor *tensors; /* in the order of the file */
    size_t tensor_count;
    cnn_saved_text *texts; /* without cnntrain.version and cnntrain.sha256 */
    size_t text_count;
    void *memory; /* private */
} cnn_saved_file;

/* Writes the file atomically (see cnn_file_write). */
CNN_MUST_USE cnn_status cnn_safetensors_write(const char *path, const cnn_saved_text *texts,
                                              size_t text_count, const cnn_saved_tensor *tensors,
                                              size_t tensor_count, cnn_error *error);

/* Reads a file that cnn_safetensors_write wrote and checks every byte of it: CNN_ERROR_MODEL, with
 * a message that starts with the path, for anything else. Free with cnn_safetensors_free. */
CNN_MUST_USE cnn_status cnn_safetensors_read(const char *path, cnn_saved_file *file,
                                             cnn_error *error);
void cnn_safetensors_free(cnn_saved_file *file);

/* The string or tensor of that name, or NULL. */
const char *cnn_saved_text_find(const cnn_saved_file *file, const char *key);
const cnn_saved_tensor *cnn_saved_tensor_find(const cnn_saved_file *file, const char *name);

#endif
