#include "model/imported.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

cnn_status cnn_imported_plan(const char *name, const cJSON *root, bool features,
                             cnn_imported *imported, cnn_error *error) {
    *imported = (cnn_imported){.info = {.temperature = 1.0, .threshold = 0.5}};
    imported->config = cnn_alloc(1, sizeof *imported->config);
    if (!imported->config) {
        return cnn_fail_memory(error, "the network");
    }
    imported->config->network.features = features;
    CNN_TRY(cnn_config_read_image_and_layers(name, root, imported->config, error));
    return cnn_graph_create(&imported->config->network, &imported->graph, error);
}

cnn_status cnn_imported_fill(cnn_imported *imported, const cnn_saved_file *file, cnn_error *error) {
    const cnn_graph *graph = &imported->graph;
    CNN_TRY(cnn_model_compare_tensors(file, graph, graph->node_count, error));
    imported->parameters = cnn_alloc(graph->parameter_count, sizeof *imported->parameters);
    if (!imported->parameters) {
        return cnn_fail_memory(error, "the parameters");
    }
    cnn_model_copy_tensors(file, graph, graph->node_count, imported->parameters);
    return cnn_model_check_finite(imported->parameters, graph->parameter_count, error);
}

void cnn_imported_free(cnn_imported *imported) {
    cnn_free(imported->info.classes[0]);
    cnn_free(imported->info.classes[1]);
    cnn_config_free(imported->config);
    cnn_graph_free(&imported->graph);
    cnn_free(imported->parameters);
    *imported = (cnn_imported){0};
}

void cnn_imported_normalize(cnn_imported *imported, const double *mean, const double *deviation) {
    cnn_config *config = imported->config;
    config->normalize = CNN_NORMALIZE_UNIT;
    for (int c = 0; c < config->image.channels; c++) {
        imported->info.mean[c] = mean[c];
        imported->info.deviation[c] = deviation[c];
        if (mean[c] < 0.0 || mean[c] > 0.0 || deviation[c] < 1.0 || deviation[c] > 1.0) {
            config->normalize = CNN_NORMALIZE_STANDARDIZE;
        }
    }
}

cnn_status cnn_imported_name_classes(cnn_imported *imported, const char *first, const char *second,
                                     cnn_error *error) {
    imported->info.classes[0] = cnn_copy_string(first);
    imported->info.classes[1] = cnn_copy_string(second);
    return imported->info.classes[0] && imported->info.classes[1]
               ? CNN_OK
               : cnn_fail_memory(error, "class names");
}

cnn_status cnn_imported_write(const char *path, const cnn_imported *imported, const char *source,
                              cnn_error *error) {
    return cnn_model_write_from(path, source, imported->config, &imported->info, &imported->graph,
                                imported->parameters, error);
}
