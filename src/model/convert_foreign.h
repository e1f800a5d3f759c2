/* Files of other programs that become models. */
#ifndef CNN_MODEL_CONVERT_FOREIGN_H
#define CNN_MODEL_CONVERT_FOREIGN_H

#include "cnn/convert.h"

/* Converts an ONNX file, or a safetensors file and a list of layers, to a model file. */
CNN_MUST_USE cnn_status cnn_convert_onnx(const char *in, const char *out,
                                         const cnn_convert_options *options, cnn_error *error);
CNN_MUST_USE cnn_status cnn_convert_safetensors(const char *in, const char *out,
                                                const cnn_convert_options *options,
                                                cnn_error *error);

#endif
