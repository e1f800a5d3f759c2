/* A model as ONNX: everything after decoding is in the graph. */
#ifndef CNN_MODEL_ONNX_EXPORT_H
#define CNN_MODEL_ONNX_EXPORT_H

#include "base/text.h"
#include "model/model_file.h"

typedef struct cnn_onnx_options {
    bool float_input; /* `image` is float [N, C, H, W], normalized; else uint8 [N, H, W, C] */
    bool any_size; /* not with float_input: uint8 of any height and width, resized in the graph */
    const char *sha256; /* of the model file, 64 digits, for the metadata */
} cnn_onnx_options;

/* Appends the bytes of the ONNX file to *bytes. Input `image`: pixels at the network's size or any
 * size (onnx_any_size.h), top row first, RGB or grey, N free. Outputs `logit` and `probability`,
 * float [N]: of class 1, the logit divided by the model's temperature. Nodes are named by the paths
 * of their layers; batch normalization is merged where cnn_network_create_prediction merges it.
 * Metadata: onnx_metadata.h. Opset 13; 10 for a float input; 18 with any size.
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_onnx_export(const cnn_model *model, const cnn_onnx_options *options,
                                        cnn_text *bytes, cnn_error *error);

#endif
