#include "whole_network.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/model_file.h"

#include <string.h>

enum { CLASSIFIER = 2 }; /* layers: dense and sigmoid */

cnn_status bench_whole_network(const cnn_pretrained *file, int side, const cnn_kernels *kernels,
                               cnn_network **network, cnn_error *error) {
    cnn_network_spec spec = file->layers;
    spec.input.height = spec.input.width = side;
    spec.features = false;
    spec.layer_count += CLASSIFIER;
    spec.layers = cnn_alloc((size_t)spec.layer_count, sizeof *spec.layers);
    if (!spec.layers) {
        return cnn_fail_memory(error, "a network");
    }
    memcpy(spec.layers, file->layers.layers,
           (size_t)file->layers.layer_count * sizeof *spec.layers);
    spec.layers[spec.layer_count - 2] =
        (cnn_layer_spec){.ops = &cnn_layer_dense, .value = {1}, .flag = {true}};
    spec.layers[spec.layer_count - 1] = (cnn_layer_spec){.ops = &cnn_layer_sigmoid};
    cnn_status status = cnn_network_create(&spec, kernels, CNN_NETWORK_FAST, network, error);
    cnn_free(spec.layers);
    return status;
}

void bench_whole_parameters(const cnn_pretrained *file, const cnn_network *network,
                            float *parameters) {
    cnn_network_initialize(network, 1, parameters);
    cnn_model_copy_tensors(&file->file, &network->graph, network->graph.node_count - CLASSIFIER,
                           parameters);
}
