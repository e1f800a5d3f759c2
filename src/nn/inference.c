#include "nn/inference.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

bool cnn_inference_differs(const cnn_network *trained) {
    for (int i = 0; i < trained->layer_count; i++) {
        if (trained->layers[i].ops->training_only || trained->layers[i].ops->batch) {
            return true;
        }
    }
    return false;
}

/* Leaves out what prediction does not need; *count: the layers that stay. */
static void choose_layers(const cnn_network *trained, cnn_inference *inference,
                          cnn_layer_spec *layers, int *count) {
    *count = 0;
    for (int i = 0; i < trained->layer_count; i++) {
        const cnn_layer *layer = &trained->layers[i];
        if (layer->ops->training_only) {
            continue;
        }
        int last = *count - 1;
        if (layer->ops->batch && last >= 0 && layers[last].ops->weighs_channels &&
            inference->normalizer[last] < 0) {
            inference->normalizer[last] = i;
            continue;
        }
        layers[*count] = layer->spec;
        inference->source[*count] = i;
        inference->normalizer[*count] = -1;
        ++*count;
    }
}

cnn_status cnn_inference_create(const cnn_network *trained, cnn_inference **out, cnn_error *error) {
    *out = NULL;
    cnn_status status = CNN_OK;
    size_t most = (size_t)trained->layer_count;
    cnn_network_spec spec = {.input = trained->activations[0].shape};
    cnn_inference *inference = cnn_alloc(1, sizeof *inference);
    spec.layers = cnn_alloc(most, sizeof *spec.layers);
    if (inference) {
        inference->source = cnn_alloc(most, sizeof *inference->source);
        inference->normalizer = cnn_alloc(most, sizeof *inference->normalizer);
    }
    if (!inference || !spec.layers || !inference->source || !inference->normalizer) {
        status = cnn_fail_memory(error, "the network for prediction");
        goto done;
    }
    choose_layers(trained, inference, spec.layers, &spec.layer_count);
    status = cnn_network_create(&spec, trained->kernels, CNN_NETWORK_PREDICT, &inference->network,
                                error);
    if (status != CNN_OK) {
        goto done;
    }
    inference->parameters =
        cnn_alloc(inference->network->parameter_count, sizeof *inference->parameters);
    if (!inference->parameters) {
        status = cnn_fail_memory(error, "the network for prediction");
    }
done:
    cnn_free(spec.layers);
    if (status != CNN_OK) {
        cnn_inference_free(inference);
        return status;
    }
    *out = inference;
    return CNN_OK;
}

void cnn_inference_free(cnn_inference *inference) {
    if (inference) {
        cnn_network_free(inference->network);
        cnn_free(inference->parameters);
        cnn_free(inference->source);
        cnn_free(inference->normalizer);
        cnn_free(inference);
    }
}

/* Folds a batch normalization into the weights [channels][…] and biases [channels] in front of it.
 */
static void fold(const cnn_layer *into, const cnn_layer *normalizer, const float *parameters,
                 float *folded) {
    size_t channels = (size_t)into->out.channels;
    size_t each = into->tensors[0].count / channels;
    float *bias = folded + into->tensors[0].count;
    for (size_t c = 0; c < channels; c++) {
        double scale, shift;
        cnn_batchnorm_fold(normalizer, parameters, (int)c, &scale, &shift);
        for (size_t i = c * each; i < (c + 1) * each; i++) {
            folded[i] = (float)((double)folded[i] * scale);
        }
        bias[c] = (float)((double)bias[c] * scale + shift);
    }
}

void cnn_inference_set(cnn_inference *inference, const cnn_network *trained,
                       const float *parameters) {
    const cnn_network *network = inference->network;
    for (int i = 0; i < network->layer_count; i++) {
        const cnn_layer *layer = &network->layers[i];
        const cnn_layer *source = &trained->layers[inference->source[i]];
        float *folded = inference->parameters + layer->parameter_offset;
        if (layer->parameter_count > 0) {
            memcpy(folded, parameters + source->parameter_offset,
                   layer->parameter_count * sizeof *folded);
        }
        if (inference->normalizer[i] >= 0) {
            const cnn_layer *normalizer = &trained->layers[inference->normalizer[i]];
            fold(layer, normalizer, parameters + normalizer->parameter_offset, folded);
        }
    }
    cnn_network_prepare(network, inference->parameters);
}
