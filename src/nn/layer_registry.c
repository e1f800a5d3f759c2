/* The one list of layers, and what several of them share. */
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

cnn_status cnn_layer_same_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                                cnn_error *error) {
    (void)spec, (void)error;
    *out = *in;
    return CNN_OK;
}

double cnn_layer_flops_per_value(const cnn_layer *layer) {
    return (double)cnn_shape_size(&layer->out);
}
