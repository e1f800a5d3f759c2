/* The metadata of an ONNX file: all that a caller needs to know apart from the graph. */
#ifndef CNN_MODEL_ONNX_METADATA_H
#define CNN_MODEL_ONNX_METADATA_H

#include "model/model_file.h"
#include "model/onnx_builder.h"

/* Adds to the metadata of the file:
 *   classes             a JSON array of two names
 *   threshold           class 1 if the probability is at least this
 *   size                [height, width, channels] of what the network sees
 *   mean, deviation     of value / 255, an array with a number for each channel
 *   resize, range, alpha  those of the config; range_ends with range "stretch"
 *   pixels              CNN_IMAGE_PIXELS (image/load.h): the resampler
 *   model_sha256        of the model file, 64 digits
 *   golden_…            golden.h
 * CNN_ERROR_RUNTIME if memory is refused, CNN_ERROR_MODEL if the model has no answer to the golden
 * image. */
CNN_MUST_USE cnn_status cnn_onnx_add_metadata(cnn_onnx_builder *builder, const cnn_model *model,
                                              const char *sha256, cnn_error *error);

#endif
