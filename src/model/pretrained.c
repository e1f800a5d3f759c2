#include "model/pretrained.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/model_file.h"

#include <string.h>

/* The tensors must be those of the layers; those of the classifier are missing in a file without
 * one. */
static cnn_status check_tensors(const cnn_pretrained *pretrained, bool features, cnn_error *error) {
    const cnn_saved_file *file = &pretrained->file;
    cnn_graph graph;
    CNN_TRY(cnn_graph_create(&pretrained->config->network, &graph, error));
    int nodes = features ? cnn_graph_result(&graph) : graph.node_count;
    cnn_status status = cnn_model_compare_tensors(file, &graph, nodes, error);
    cnn_graph_free(&graph);
    for (size_t i = 0; status == CNN_OK && i < file->tensor_count; i++) {
        status = cnn_model_check_finite(file->tensors[i].data, file->tensors[i].count, error);
    }
    return status;
}

/* True for dropout outside of residuals. */
static bool is_dropout(const cnn_layer_spec *layer) {
    return layer->ops->training_only && layer->depth == 0;
}

/* The layers before the last two, which are dense and sigmoid, and before dropout in front of them.
 * What is left is not empty, as dense needs a layer that makes its input flat. */
static cnn_network_spec without_classifier(const cnn_network_spec *network) {
    cnn_network_spec layers = *network;
    layers.layer_count -= 2;
    while (layers.layer_count > 0 && is_dropout(&layers.layers[layers.layer_count - 1])) {
        layers.layer_count--;
    }
    return layers;
}

static cnn_status read_file(cnn_pretrained *pretrained, cnn_model_info *info, cnn_error *error) {
    const cnn_saved_file *file = &pretrained->file;
    bool features;
    CNN_TRY(cnn_model_read_kind(file, &features, error));
    pretrained->config = cnn_alloc(1, sizeof *pretrained->config);
    if (!pretrained->config) {
        return cnn_fail_memory(error, "the pretrained network");
    }
    CNN_TRY(cnn_model_read_config(file, features, pretrained->config, info, error));
    CNN_TRY(check_tensors(pretrained, features, error));
    pretrained->layers = without_classifier(&pretrained->config->network);
    memcpy(pretrained->mean, info->mean, sizeof pretrained->mean);
    memcpy(pretrained->deviation, info->deviation, sizeof pretrained->deviation);
    pretrained->source = cnn_saved_text_find(file, "cnntrain.source");
    pretrained->license = cnn_saved_text_find(file, "cnntrain.license");
    return CNN_OK;
}

cnn_status cnn_pretrained_read(const char *path, cnn_pretrained **out, cnn_error *error) {
    *out = NULL;
    cnn_pretrained *pretrained = cnn_alloc(1, sizeof *pretrained);
    if (!pretrained) {
        return cnn_fail_memory(error, path);
    }
    cnn_status status = cnn_safetensors_read(path, &pretrained->file, error);
    if (status == CNN_OK) {
        cnn_model_info info = {0};
        status = read_file(pretrained, &info, error);
        cnn_free(info.classes[0]);
        cnn_free(info.classes[1]);
        status = status == CNN_OK ? status : cnn_model_refuse(path, status, error);
    }
    if (status != CNN_OK) {
        cnn_pretrained_free(pretrained);
        return status;
    }
    *out = pretrained;
    return CNN_OK;
}

void cnn_pretrained_free(cnn_pretrained *pretrained) {
    if (!pretrained) {
        return;
    }
    cnn_config_free(pretrained->config);
    cnn_safetensors_free(&pretrained->file);
    cnn_free(pretrained);
}
