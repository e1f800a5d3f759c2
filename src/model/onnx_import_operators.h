/* Operators of ONNX, by kinds: private to model/onnx_import*.c. */
#ifndef CNN_MODEL_ONNX_IMPORT_OPERATORS_H
#define CNN_MODEL_ONNX_IMPORT_OPERATORS_H

#include "model/onnx_importer.h"

/* Adds the layers of a node that reads the value that was reached. CNN_ERROR_MODEL if it has none.
 */
typedef cnn_status cnn_onnx_import_operator(cnn_onnx_importer *importer, int node,
                                            cnn_error *error);

/* --- windows (onnx_import_windows.c) --- */

cnn_onnx_import_operator cnn_onnx_import_pad;
cnn_onnx_import_operator cnn_onnx_import_maxpool;
cnn_onnx_import_operator cnn_onnx_import_avgpool;

/* Fails if the value that was reached is flat. */
CNN_MUST_USE cnn_status cnn_onnx_need_rows(const cnn_onnx_importer *importer, int node,
                                           cnn_error *error);

/* Sets the keys `stride` and `padding`. */
void cnn_onnx_set_window(cnn_imported_layer *layer, const cnn_onnx_window *window);

/* The value that is reached gets the windows' rows and columns. */
void cnn_onnx_reach(cnn_onnx_importer *importer, int channels, const cnn_onnx_window *window);

/* Reads a number that is an attribute before opset 11, and input k from then on; `fallback` if it
 * is not given. */
CNN_MUST_USE cnn_status cnn_onnx_read_bound(cnn_onnx_importer *importer, int node, int k,
                                            const char *name, double fallback, double *bound,
                                            cnn_error *error);

/* --- shapes (onnx_import_shapes.c) --- */

cnn_onnx_import_operator cnn_onnx_import_global;
cnn_onnx_import_operator cnn_onnx_import_mean;
cnn_onnx_import_operator cnn_onnx_import_flatten;
cnn_onnx_import_operator cnn_onnx_import_reshape;
cnn_onnx_import_operator cnn_onnx_import_squeeze;

#endif
