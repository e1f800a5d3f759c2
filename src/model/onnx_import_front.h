/* The beginning of an import: the image. */
#ifndef CNN_MODEL_ONNX_IMPORT_FRONT_H
#define CNN_MODEL_ONNX_IMPORT_FRONT_H

#include "model/onnx_importer.h"

/* Sets shape, batch, scale and shift of the importer; *value: the one that the first layer reads.
 * Appends a line to *about if the file does not say how pixels are normalized. */
CNN_MUST_USE cnn_status cnn_onnx_import_front(cnn_onnx_importer *importer, int *value,
                                              cnn_text *about, cnn_error *error);

/* The JSON in the metadata under a key; *json: NULL if there is none, or if it is damaged. Free
 * with cJSON_Delete. CNN_ERROR_RUNTIME if memory is refused. */
struct cJSON;
CNN_MUST_USE cnn_status cnn_onnx_metadata_json(const cnn_onnx_importer *importer, const char *key,
                                               struct cJSON **json, cnn_error *error);

#endif
