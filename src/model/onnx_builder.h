/* Builds an ONNX model in memory: nodes, constants, inputs and outputs, and its bytes.
 *
 * No call returns a status. If memory is refused, cnn_onnx_finish says so. Names and texts are
 * copied. */
#ifndef CNN_MODEL_ONNX_BUILDER_H
#define CNN_MODEL_ONNX_BUILDER_H

#include "base/text.h"

typedef struct cnn_onnx_builder cnn_onnx_builder;
typedef struct cnn_onnx_node cnn_onnx_node;

/* The types of tensors that are used (TensorProto.DataType). */
typedef enum cnn_onnx_type {
    CNN_ONNX_FLOAT = 1,
    CNN_ONNX_UINT8 = 2,
    CNN_ONNX_INT64 = 7
} cnn_onnx_type;

/* NULL if memory is refused. Free with cnn_onnx_free. */
cnn_onnx_builder *cnn_onnx_create(int64_t opset);
void cnn_onnx_free(cnn_onnx_builder *builder); /* NULL is allowed */

/* Adds a node with one output, whose name is that of the node. */
cnn_onnx_node *cnn_onnx_add(cnn_onnx_builder *builder, const char *type, const char *name);
void cnn_onnx_read(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *input);
void cnn_onnx_int(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *attribute,
                  int64_t value);
void cnn_onnx_ints(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *attribute,
                   const int64_t *values, size_t count);
void cnn_onnx_float(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *attribute,
                    float value);
void cnn_onnx_string(cnn_onnx_builder *builder, cnn_onnx_node *node, const char *attribute,
                     const char *value);

/* Adds a constant. dim: [rank]. */
void cnn_onnx_floats(cnn_onnx_builder *builder, const char *name, const float *values,
                     const int *dim, int rank);
void cnn_onnx_integers(cnn_onnx_builder *builder, const char *name, const int64_t *values,
                       size_t count);

/* Adds an input or output of the model. dim: [rank]; a negative one, -n, is free, with the name
 * free_names[n - 1]. */
void cnn_onnx_input(cnn_onnx_builder *builder, const char *name, cnn_onnx_type type, const int *dim,
                    int rank);
void cnn_onnx_output(cnn_onnx_builder *builder, const char *name, cnn_onnx_type type,
                     const int *dim, int rank);

/* Makes cnn_onnx_finish report that memory was refused, as it was to the caller. */
void cnn_onnx_fail(cnn_onnx_builder *builder);

/* Adds a string to the model's metadata. */
void cnn_onnx_metadata(cnn_onnx_builder *builder, const char *key, const char *value);

/* Appends the bytes of the model to *bytes; bytes->failed if memory was refused, now or before. */
void cnn_onnx_finish(cnn_onnx_builder *builder, const char *graph_name, const char *producer,
                     const char *version, cnn_text *bytes);

#endif
