/* Without protobuf-c and the schema of ONNX, there are no ONNX files. */
#include "model/onnx_export.h"
#include "model/onnx_import.h"

#include "base/error.h"

static cnn_status refuse(cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "ONNX: this program was built without protobuf-c and the schema of ONNX "
                    "(packages libprotobuf-c-dev, protobuf-c-compiler and libonnx-dev)");
}

cnn_status cnn_onnx_export(const cnn_model *model, const cnn_onnx_options *options, cnn_text *bytes,
                           cnn_error *error) {
    (void)model, (void)options, (void)bytes;
    return refuse(error);
}

cnn_status cnn_onnx_import(const char *path, const cnn_onnx_import_options *options,
                           cnn_imported *imported, cnn_onnx_notes *notes, cnn_error *error) {
    (void)path, (void)options;
    *imported = (cnn_imported){0};
    *notes = (cnn_onnx_notes){0};
    return refuse(error);
}

void cnn_onnx_notes_free(cnn_onnx_notes *notes) {
    (void)notes;
}
