/* The list of layers, and functions shared by several of them. */
#include "nn/layer.h"

#include "base/hash.h"

#include <stdio.h>
#include <string.h>

extern const cnn_layer_ops cnn_layer_conv, cnn_layer_relu, cnn_layer_leaky_relu, cnn_layer_maxpool,
    cnn_layer_avgpool, cnn_layer_global_avgpool, cnn_layer_batchnorm, cnn_layer_dropout,
    cnn_layer_residual, cnn_layer_silu, cnn_layer_flatten;

const cnn_layer_ops *const cnn_layer_registry[] = {
    &cnn_layer_conv,           &cnn_layer_relu,
    &cnn_layer_leaky_relu,     &cnn_layer_silu,
    &cnn_layer_maxpool,        &cnn_layer_avgpool,
    &cnn_layer_global_avgpool, &cnn_layer_batchnorm,
    &cnn_layer_dropout,        &cnn_layer_residual,
    &cnn_layer_flatten,        &cnn_layer_dense,
    &cnn_layer_sigmoid,        NULL, /* the end */
};

const cnn_layer_ops *cnn_layer_find(const char *name) {
    for (const cnn_layer_ops *const *ops = cnn_layer_registry; *ops; ops++) {
        if (strcmp((*ops)->name, name) == 0) {
            return *ops;
        }
    }
    return NULL;
}

static const cnn_key no_keys[] = {{.name = NULL}};
const cnn_layer_ops cnn_layer_image = {
    .name = "image", .help = "the input of a network", .keys = no_keys, .symbol = "X"};

bool cnn_shape_equal(const cnn_shape *a, const cnn_shape *b) {
    return a->channels == b->channels && a->height == b->height && a->width == b->width &&
           a->flat == b->flat;
}

void cnn_tensor_full_name(const char *path, const cnn_tensor *tensor,
                          char name[CNN_TENSOR_NAME_MAX]) {
    (void)snprintf(name, CNN_TENSOR_NAME_MAX, "%s.%s", path, tensor->name);
}

bool cnn_node_attribute(const cnn_node *node, const char *name, double *value) {
    const cnn_key *key = cnn_key_find(node->ops->keys, name);
    if (key && key->kind->number &&
        (!key->kind->is_given || key->kind->is_given(cnn_key_value(key, &node->spec)))) {
        *value = key->kind->number(cnn_key_value(key, &node->spec));
        return true;
    }
    const cnn_layer_attribute *derived = node->ops->attributes;
    for (; derived && derived->name; derived++) {
        if (strcmp(derived->name, name) == 0) {
            *value = derived->value(node);
            return true;
        }
    }
    return false;
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

double cnn_layer_flops_per_value(const cnn_node *node) {
    return (double)cnn_shape_size(&node->out);
}

uint64_t cnn_layer_sign_pattern(const cnn_node *node, int N, const double *x, uint64_t hash) {
    for (size_t i = 0, count = (size_t)N * cnn_shape_size(&node->in); i < count; i++) {
        unsigned char side = x[i] > 0.0;
        hash = cnn_hash_bytes(hash, &side, 1);
    }
    return hash;
}
