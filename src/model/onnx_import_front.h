/* The beginning of an import: the image. */
#ifndef CNN_MODEL_ONNX_IMPORT_FRONT_H
#define CNN_MODEL_ONNX_IMPORT_FRONT_H

#include "model/onnx_importer.h"

/* Sets shape, batch, scale and shift of the importer; *value: the one that the first layer reads.
 * Appends a line to *about if the file does not say how pixels are normalized. */
CNN_MUST_USE cnn_status cnn_onnx_import_front(cnn_onnx_importer *importer, int *value,
                                              cnn_text *about, cnn_error *error);

#endif
