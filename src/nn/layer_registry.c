/* The one list of layers. */
#include "layer.h"

#include <string.h>

extern const cnn_layer_ops cnn_layer_conv, cnn_layer_relu, cnn_layer_maxpool, cnn_layer_flatten,
    cnn_layer_dense, cnn_layer_sigmoid;

const cnn_layer_ops *const cnn_layer_registry[] = {
    &cnn_layer_conv,
    &cnn_layer_relu,
    &cnn_layer_maxpool,
    &cnn_layer_flatten,
    &cnn_layer_dense,
    &cnn_layer_sigmoid,
    NULL,
};

const cnn_layer_ops *cnn_layer_find(const char *name) {
    for (const cnn_layer_ops *const *ops = cnn_layer_registry; *ops; ops++) {
        if (strcmp((*ops)->name, name) == 0) {
            return *ops;
        }
    }
    return NULL;
}

size_t cnn_shape_size(const cnn_shape *shape) {
    return (size_t)shape->channels * (size_t)shape->height * (size_t)shape->width;
}
