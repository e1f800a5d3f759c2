/* Images of any size in an ONNX model: they are resized in the graph. */
#ifndef CNN_MODEL_ONNX_ANY_SIZE_H
#define CNN_MODEL_ONNX_ANY_SIZE_H

#include "image/resize.h"
#include "model/onnx_builder.h"
#include "nn/layer.h"

/* The value that cnn_onnx_add_resize writes. */
#define CNN_ONNX_RESIZED "image.resized"

/* Adds the nodes that resize the input `image`, uint8 [N, height, width, C], as cnn_image_resize
 * does: to CNN_ONNX_RESIZED, uint8 [N, H, W, C], with H, W and C those of `shape`. The rectangle of
 * crop and letterbox is the same, computed in integers from the size of the input. Values are
 * within 2 (of 255) of those of cnn_image_resize: an antialiased Resize (opset 18) does not say how
 * it rounds. */
void cnn_onnx_add_resize(cnn_onnx_builder *builder, const cnn_shape *shape, cnn_resize resize);

#endif
