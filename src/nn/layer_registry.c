/* The one list of layers, and what several of them share. */
#include "nn/layer.h"

#include "base/error.h"
#include "base/hash.h"

#include <string.h>

extern const cnn_layer_ops cnn_layer_conv, cnn_layer_relu, cnn_layer_leaky_relu, cnn_layer_maxpool,
    cnn_layer_avgpool, cnn_layer_global_avgpool, cnn_layer_batchnorm, cnn_layer_dropout,
    cnn_layer_residual, cnn_layer_flatten, cnn_layer_dense, cnn_layer_sigmoid;

const cnn_layer_ops *const cnn_layer_registry[] = {
    &cnn_layer_conv,
    &cnn_layer_relu,
    &cnn_layer_leaky_relu,
    &cnn_layer_maxpool,
    &cnn_layer_avgpool,
    &cnn_layer_global_avgpool,
    &cnn_layer_batchnorm,
    &cnn_layer_dropout,
    &cnn_layer_residual,
    &cnn_layer_flatten,
    &cnn_layer_dense,
    &cnn_layer_sigmoid,
    NULL, /* the end */
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

cnn_status cnn_layer_pooled_shape(const cnn_layer_spec *spec, int size, int stride,
                                  const cnn_shape *in, cnn_shape *out, cnn_error *error) {
    if (in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected %s before flatten, found it behind one", spec->ops->name);
    }
    int least = in->height < in->width ? in->height : in->width;
    if (size > least) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "size: expected at most %d (its input is %d×%d), got %d", least, in->height,
                        in->width, size);
    }
    *out = (cnn_shape){
        .channels = in->channels,
        .height = (in->height - size) / stride + 1,
        .width = (in->width - size) / stride + 1,
    };
    return CNN_OK;
}

uint64_t cnn_layer_sign_pattern(const cnn_layer *layer, int N, const double *x, uint64_t hash) {
    for (size_t i = 0, count = (size_t)N * cnn_shape_size(&layer->in); i < count; i++) {
        unsigned char side = x[i] > 0.0;
        hash = cnn_hash_bytes(hash, &side, 1);
    }
    return hash;
}
