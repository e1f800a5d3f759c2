/* An ONNX file as messages (protobuf-c, from the schema of ONNX). What the messages say is not
 * checked here. */
#ifndef CNN_MODEL_ONNX_READER_H
#define CNN_MODEL_ONNX_READER_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

#include "onnx.pb-c.h"

typedef struct cnn_onnx_file {
    Onnx__ModelProto *model; /* with a graph */
    size_t size;             /* of the file, in bytes */
    char sha256[65];         /* of the file, as sha256sum prints it */
} cnn_onnx_file;

/* Reads a file that anybody may have written. The nesting of its messages is checked before they
 * are unpacked, and memory is in proportion to its size. CNN_ERROR_MODEL with a message that starts
 * with the path. Free with cnn_onnx_file_free. */
CNN_MUST_USE cnn_status cnn_onnx_file_read(const char *path, cnn_onnx_file *file, cnn_error *error);
void cnn_onnx_file_free(cnn_onnx_file *file);

/* The string of that key in the file's metadata, or NULL. */
const char *cnn_onnx_metadata_find(const cnn_onnx_file *file, const char *key);

/* The version of ONNX's operators that the file uses; 0: it does not say. */
int64_t cnn_onnx_opset(const cnn_onnx_file *file);

#endif
