/* A safetensors file of any program: its bytes and its header. For readers of such files only. */
#ifndef CNN_MODEL_SAFETENSORS_BYTES_H
#define CNN_MODEL_SAFETENSORS_BYTES_H

#include "model/safetensors.h"

#include <cJSON.h>
#include <stdbool.h>

typedef struct cnn_safetensors_bytes {
    char *bytes; /* the whole file, [size] */
    size_t size, header_length;
    cJSON *header;    /* an object, of the size that the file says */
    const char *data; /* what follows it, [data_size] */
    size_t data_size;
} cnn_safetensors_bytes;

/* Reads the file and parses its header, whose members are not checked. expected: the beginning of
 * the message if it is something else. CNN_ERROR_MODEL with a message that starts with the path.
 * Close with cnn_safetensors_close. */
CNN_MUST_USE cnn_status cnn_safetensors_open(const char *path, const char *expected,
                                             cnn_safetensors_bytes *opened, cnn_error *error);
void cnn_safetensors_close(cnn_safetensors_bytes *opened);

/* Is it an integer from 0 to 2^53? *out: this integer. */
bool cnn_whole_number(const cJSON *item, size_t *out);

#endif
