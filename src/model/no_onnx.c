/* Without protobuf-c and the schema of ONNX, there are no ONNX files. */
#include "model/onnx_export.h"

#include "base/error.h"

cnn_status cnn_onnx_export(const cnn_model *model, const cnn_onnx_options *options, cnn_text *bytes,
                           cnn_error *error) {
    (void)model, (void)options, (void)bytes;
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "ONNX: this program was built without protobuf-c and the schema of ONNX "
                    "(packages libprotobuf-c-dev, protobuf-c-compiler and libonnx-dev)");
}
