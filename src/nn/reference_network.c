#include "nn/reference_network.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "nn/loss.h"

#include <limits.h>
#include <string.h>

struct cnn_reference_network {
    const cnn_network *network;
    double **values; /* [layer_count]: values[i] is layer i's input, [N][C][H][W]; values[0] is not
                        owned */
    double **gradients; /* [layer_count], likewise; gradients[0] is NULL */
    double **projected; /* [layer_count]: of projections, the gradient of their input; else NULL */
};

cnn_status cnn_reference_network_create(const cnn_network *network, int N,
                                        cnn_reference_network **out, cnn_error *error) {
    *out = NULL;
    cnn_reference_network *reference = cnn_alloc(1, sizeof *reference);
    if (!reference) {
        return cnn_fail_memory(error, "the reference network");
    }
    size_t count = (size_t)network->layer_count;
    reference->network = network;
    reference->values = cnn_alloc(count, sizeof *reference->values);
    reference->gradients = cnn_alloc(count, sizeof *reference->gradients);
    reference->projected = cnn_alloc(count, sizeof *reference->projected);
    bool complete = reference->values && reference->gradients && reference->projected;
    for (size_t i = 0; complete && i < count; i++) {
        const cnn_layer *layer = &network->layers[i];
        if (layer->spec.projects) {
            size_t size = (size_t)N * cnn_shape_size(&layer->in);
            reference->projected[i] = size < INT_MAX ? cnn_alloc(size, sizeof(double)) : NULL;
            complete = reference->projected[i] != NULL;
        }
    }
    for (size_t i = 1; complete && i < count; i++) {
        size_t size = (size_t)N * cnn_shape_size(&network->activations[i].shape);
        /* the slow twins index with int */
        complete = size < INT_MAX;
        reference->values[i] = complete ? cnn_alloc(size, sizeof(double)) : NULL;
        reference->gradients[i] = complete ? cnn_alloc(size, sizeof(double)) : NULL;
        complete = reference->values[i] && reference->gradients[i];
    }
    if (!complete) {
        cnn_reference_network_free(reference);
        return cnn_fail_memory(error, "the reference network");
    }
    *out = reference;
    return CNN_OK;
}

void cnn_reference_network_free(cnn_reference_network *reference) {
    if (!reference) {
        return;
    }
    for (int i = 0; reference->projected && i < reference->network->layer_count; i++) {
        cnn_free(reference->projected[i]);
    }
    for (int i = 1; i < reference->network->layer_count; i++) {
        if (reference->values) {
            cnn_free(reference->values[i]);
        }
        if (reference->gradients) {
            cnn_free(reference->gradients[i]);
        }
    }
    cnn_free(reference->values);
    cnn_free(reference->gradients);
    cnn_free(reference->projected);
    cnn_free(reference);
}

static void add(size_t count, const double *from, double *to) {
    for (size_t i = 0; i < count; i++) {
        to[i] += from[i];
    }
}

const double *cnn_reference_network_logits(const cnn_reference_network *reference) {
    return reference->values[reference->network->layer_count - 1];
}

double cnn_reference_network_loss(cnn_reference_network *reference, int n, const double *parameters,
                                  const double *x, const uint8_t *labels, uint64_t *pattern) {
    const cnn_network *network = reference->network;
    uint64_t hash = CNN_HASH_START;
    for (int i = 0; i < network->layer_count - 1; i++) {
        const cnn_layer *layer = &network->layers[i];
        const double *input = layer->source == 0 ? x : reference->values[layer->source];
        if (pattern && layer->ops->reference_pattern) {
            hash = layer->ops->reference_pattern(layer, n, input, hash);
        }
        layer->ops->reference_forward(layer, n, parameters + layer->parameter_offset, input,
                                      reference->values[i + 1]);
        if (layer->ops->role == CNN_LAYER_SUM) {
            add((size_t)n * cnn_shape_size(&layer->out),
                layer->shortcut == 0 ? x : reference->values[layer->shortcut],
                reference->values[i + 1]);
        }
    }
    if (pattern) {
        *pattern = hash;
    }
    const double *logits = cnn_reference_network_logits(reference);
    double sum = 0.0;
    for (int j = 0; j < n; j++) {
        sum += cnn_loss_double(logits[j], labels[j]);
    }
    return sum / n;
}

void cnn_reference_network_gradients(cnn_reference_network *reference, int n,
                                     const double *parameters, const double *x,
                                     const uint8_t *labels, double *gradients) {
    const cnn_network *network = reference->network;
    int last = network->layer_count - 1;
    memset(gradients, 0, network->parameter_count * sizeof *gradients);
    for (int j = 0; j < n; j++) {
        reference->gradients[last][j] =
            cnn_loss_gradient_double(reference->values[last][j], labels[j], n);
    }
    for (int i = last - 1; i >= 0; i--) {
        const cnn_layer *layer = &network->layers[i];
        if (i == 0 && layer->parameter_count == 0) {
            break;
        }
        double *dx = layer->spec.projects ? reference->projected[i]
                     : layer->source == 0 ? NULL
                                          : reference->gradients[layer->source];
        layer->ops->reference_backward(layer, n, parameters + layer->parameter_offset,
                                       layer->source == 0 ? x : reference->values[layer->source],
                                       reference->values[i + 1], reference->gradients[i + 1],
                                       gradients + layer->parameter_offset, dx);
        size_t size = (size_t)n * cnn_shape_size(&layer->in);
        if (layer->ops->role == CNN_LAYER_SUM && network->layers[i - 1].spec.projects) {
            memcpy(reference->gradients[i], reference->gradients[i + 1], size * sizeof(double));
        } else if (layer->ops->role == CNN_LAYER_FORK && dx) {
            int sum = layer->partner;
            add(size,
                network->layers[sum - 1].spec.projects ? reference->projected[sum - 1]
                                                       : reference->gradients[sum + 1],
                dx);
        }
    }
}
