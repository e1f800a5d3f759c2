#include "run/pretrained_start.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/fuse.h"

#include <string.h>

/* --- the images must be like those that the file's network was trained on; how they come to their
 * size may differ --- */

static cnn_status compare_size(const char *path, const char *key, int64_t expected, int64_t found,
                               cnn_error *error) {
    return expected == found ? CNN_OK
                             : cnn_fail(error, CNN_ERROR_CONFIG,
                                        "%s: expected %lld, as in pretrained.file (%s), got "
                                        "%lld",
                                        key, (long long)expected, path, (long long)found);
}

/* The same for a key that has a text as its value. */
static cnn_status compare_text(const char *path, const char *key, const cnn_config *expected,
                               const cnn_config *found, cnn_error *error) {
    cnn_text texts[2] = {{0}, {0}};
    cnn_json_writer file = cnn_json_writer_start(&texts[0], CNN_JSON_COMPACT);
    cnn_json_writer own = cnn_json_writer_start(&texts[1], CNN_JSON_COMPACT);
    cnn_config_write_key(expected, key, &file);
    cnn_config_write_key(found, key, &own);
    cnn_status status = CNN_OK;
    if (texts[0].failed || texts[1].failed) {
        status = cnn_fail_memory(error, key);
    } else if (strcmp(texts[0].data, texts[1].data) != 0) {
        status =
            cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected %s, as in pretrained.file (%s), got %s",
                     key, texts[0].data, path, texts[1].data);
    }
    cnn_text_free(&texts[0]);
    cnn_text_free(&texts[1]);
    return status;
}

static cnn_status check_images(const cnn_config *config, const cnn_config *file, cnn_error *error) {
    static const char *const keys[] = {"image.range", "image.alpha"};
    const cnn_image_settings *expected = &file->image, *found = &config->image;
    const char *path = config->pretrained.file;
    CNN_TRY(compare_size(path, "image.width", expected->width, found->width, error));
    CNN_TRY(compare_size(path, "image.height", expected->height, found->height, error));
    CNN_TRY(compare_size(path, "image.channels", expected->channels, found->channels, error));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        CNN_TRY(compare_text(path, keys[i], file, config, error));
    }
    if (config->normalize == CNN_NORMALIZE_STANDARDIZE) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "image.normalize: expected none, as mean and deviation are those of "
                        "pretrained.file (%s), got \"standardize\"",
                        path);
    }
    return CNN_OK;
}

/* --- layers --- */

/* Counts the layers that are in no residual. */
static int count_top(const cnn_network_spec *spec) {
    int count = 0;
    for (int i = 0; i < spec->layer_count; i++) {
        count += spec->layers[i].depth == 0;
    }
    return count;
}

/* The number of the first of the last `count` layers that are in no residual. */
static int first_of_last(const cnn_network_spec *spec, int count) {
    int first = spec->layer_count;
    while (count > 0) {
        first--;
        count -= spec->layers[first].depth == 0;
    }
    return first;
}

/* The list of all layers. */
static cnn_status join_layers(cnn_start *start, const cnn_network_spec *own, cnn_error *error) {
    const cnn_network_spec *base = &start->file->layers;
    size_t count = (size_t)base->layer_count + (size_t)own->layer_count;
    start->whole = (cnn_network_spec){.input = base->input, .layer_count = (int)count};
    start->whole.layers = cnn_alloc(count, sizeof *start->whole.layers);
    if (!start->whole.layers) {
        return cnn_fail_memory(error, "the layers");
    }
    memcpy(start->whole.layers, base->layers, (size_t)base->layer_count * sizeof *base->layers);
    memcpy(start->whole.layers + base->layer_count, own->layers,
           (size_t)own->layer_count * sizeof *own->layers);
    return CNN_OK;
}

/* The first `count` layers as a network whose result is features. */
static cnn_network_spec features_of(const cnn_start *start, int count) {
    cnn_network_spec spec = start->whole;
    spec.layer_count = count;
    spec.features = true;
    return spec;
}

/* The output of a network's layers, its parameters, and its nodes without the last, which does
 * nothing. */
static cnn_status measure(const cnn_network_spec *spec, cnn_shape *out, size_t *parameters,
                          int *nodes, cnn_error *error) {
    cnn_graph graph;
    CNN_TRY(cnn_graph_create(spec, &graph, error));
    *out = graph.nodes[cnn_graph_result(&graph)].out;
    *parameters = graph.parameter_count;
    *nodes = graph.node_count - 1;
    cnn_graph_free(&graph);
    return CNN_OK;
}

/* Checks the config's layers by themselves, so that places in messages are those of the config.
 * *parameters, *nodes: of the file's layers. */
static cnn_status check_layers(const cnn_start *start, const cnn_network_spec *own,
                               size_t *parameters, int *nodes, cnn_error *error) {
    cnn_network_spec base = features_of(start, start->file->layers.layer_count);
    cnn_network_spec head = *own;
    CNN_TRY(measure(&base, &head.input, parameters, nodes, error));
    return cnn_graph_check(&head, error);
}

/* Divides the layers at pretrained.train. *frozen_parameters, *frozen_nodes: not changed if no
 * layer is frozen. */
static cnn_status divide(cnn_start *start, const cnn_config *config, size_t *frozen_parameters,
                         int *frozen_nodes, cnn_error *error) {
    const cnn_network_spec *base = &start->file->layers;
    int wanted = config->pretrained.train, there = count_top(base);
    if (wanted > there) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "pretrained.train: expected at most %d, the layers of pretrained.file "
                        "(%s) before its classifier, got %d",
                        there, config->pretrained.file, wanted);
    }
    int first = first_of_last(base, wanted == CNN_PRETRAINED_ALL ? there : wanted);
    start->frozen = features_of(start, first);
    start->trained = start->whole;
    start->trained.layers += first;
    start->trained.layer_count -= first;
    return first > 0 ? measure(&start->frozen, &start->trained.input, frozen_parameters,
                               frozen_nodes, error)
                     : CNN_OK;
}

/* In prediction, a batch normalization becomes a part of the layer before it. If only one of the
 * two were trained, the model would round differently from what was measured. */
static cnn_status check_normalization(const cnn_start *start, int frozen_nodes, int base_nodes,
                                      cnn_error *error) {
    cnn_graph graph;
    CNN_TRY(cnn_graph_copy(&start->graph, &graph, error));
    cnn_fuse_drop_training(&graph);
    cnn_fuse_normalization(&graph);
    cnn_status status = CNN_OK;
    for (int i = 0; status == CNN_OK && i < graph.node_count; i++) {
        const cnn_node *node = &graph.nodes[i];
        if (node->origin >= frozen_nodes || node->normalizer < frozen_nodes) {
            continue;
        }
        const char *name = node->ops->name;
        status =
            node->normalizer < base_nodes
                ? cnn_fail(error, CNN_ERROR_CONFIG,
                           "pretrained.train: expected a number that does not separate batchnorm, "
                           "layer %s of the file, from the %s before it",
                           start->graph.nodes[node->normalizer].path, name)
                : cnn_fail(error, CNN_ERROR_CONFIG,
                           "layers[0]: expected another layer than batchnorm directly after %s, "
                           "the last layer of pretrained.file, unless that is trained, too",
                           name);
    }
    cnn_graph_free(&graph);
    return status;
}

/* --- the whole --- */

/* Of the first `count` parameters and their layers. */
static cnn_status hash_file(cnn_start *start, size_t count, cnn_error *error) {
    cnn_config layers = *start->file->config; /* a view */
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    layers.network = start->file->layers;
    cnn_config_write_key(&layers, "layers", &json);
    if (text.failed) {
        cnn_text_free(&text);
        return cnn_fail_memory(error, "the pretrained network");
    }
    const cnn_hash128 parts[] = {
        cnn_xxh3_128(text.data, text.length),
        cnn_xxh3_128(start->parameters, count * sizeof *start->parameters),
        cnn_xxh3_128(start->file->mean, sizeof start->file->mean),
        cnn_xxh3_128(start->file->deviation, sizeof start->file->deviation)};
    cnn_text_free(&text);
    start->hash = cnn_xxh3_128(parts, sizeof parts);
    return CNN_OK;
}

static cnn_status describe(cnn_start *start, const cnn_config *config, cnn_error *error) {
    cnn_text text = {0};
    int all = count_top(&start->file->layers), frozen = count_top(&start->frozen);
    const cnn_shape *out = &start->trained.input;
    size_t base = start->frozen_count + start->slow_count;
    cnn_text_format(&text, "%s: %d layers, %zu parameters", config->pretrained.file, all, base);
    if (frozen == all) {
        cnn_text_format(&text, ", not trained");
    } else if (frozen > 0) {
        cnn_text_format(&text, "; the last %d layers (%zu parameters) are trained", all - frozen,
                        start->slow_count);
    } else {
        cnn_text_format(&text, ", all trained");
    }
    if (frozen > 0) {
        cnn_text_format(&text, "; features: %zu values", cnn_shape_size(out));
    }
    start->described = cnn_text_take(&text);
    return start->described ? CNN_OK : cnn_fail_memory(error, "the pretrained network");
}

static cnn_status create(cnn_start *start, const cnn_config *config, cnn_error *error) {
    size_t base_parameters = 0;
    int base_nodes = 0, frozen_nodes = 1; /* node 0 is the image */
    CNN_TRY(cnn_pretrained_read(config->pretrained.file, &start->file, error));
    CNN_TRY(check_images(config, start->file->config, error));
    CNN_TRY(join_layers(start, &config->network, error));
    CNN_TRY(check_layers(start, &config->network, &base_parameters, &base_nodes, error));
    CNN_TRY(divide(start, config, &start->frozen_count, &frozen_nodes, error));
    start->slow_count = base_parameters - start->frozen_count;
    CNN_TRY(cnn_graph_create(&start->whole, &start->graph, error));
    CNN_TRY(check_normalization(start, frozen_nodes, base_nodes, error));
    start->parameters = cnn_alloc(start->graph.parameter_count, sizeof *start->parameters);
    if (!start->parameters) {
        return cnn_fail_memory(error, "the pretrained network");
    }
    cnn_model_copy_tensors(&start->file->file, &start->graph, base_nodes, start->parameters);
    CNN_TRY(hash_file(start, base_parameters, error));
    return describe(start, config, error);
}

cnn_status cnn_start_create(const cnn_config *config, cnn_start **out, cnn_error *error) {
    *out = NULL;
    if (!config->pretrained.file) {
        return CNN_OK;
    }
    cnn_start *start = cnn_alloc(1, sizeof *start);
    if (!start) {
        return cnn_fail_memory(error, "the pretrained network");
    }
    cnn_status status = create(start, config, error);
    if (status != CNN_OK) {
        cnn_start_free(start);
        return status;
    }
    *out = start;
    return CNN_OK;
}

void cnn_start_free(cnn_start *start) {
    if (!start) {
        return;
    }
    cnn_pretrained_free(start->file);
    cnn_graph_free(&start->graph);
    cnn_free(start->whole.layers);
    cnn_free(start->parameters);
    cnn_free(start->described);
    cnn_free(start);
}

bool cnn_start_is_frozen(const cnn_start *start) {
    return start && start->frozen.layer_count > 0;
}

const cnn_network_spec *cnn_start_network(const cnn_start *start, const cnn_config *config) {
    return start ? &start->trained : &config->network;
}

void cnn_start_weights(const cnn_start *start, const cnn_network *network, uint64_t seed,
                       float *parameters) {
    cnn_network_initialize(network, seed, parameters);
    if (start) {
        memcpy(parameters, start->parameters + start->frozen_count,
               start->slow_count * sizeof *parameters);
    }
}

/* --- models --- */

/* trained: [graph.parameter_count - frozen_count]. all: [graph.parameter_count], may be NULL. */
static cnn_status write_model(const cnn_start *start, const char *path, const cnn_config *config,
                              const cnn_model_info *info, const float *trained, float *all,
                              cnn_error *error) {
    cnn_config whole = *config; /* a view */
    whole.network = start->whole;
    whole.normalize = start->file->config->normalize;
    if (!all) {
        return cnn_fail_memory(error, path);
    }
    size_t rest = start->graph.parameter_count - start->frozen_count;
    memcpy(all, start->parameters, start->frozen_count * sizeof *all);
    memcpy(all + start->frozen_count, trained, rest * sizeof *all);
    return cnn_model_write(path, &whole, info, &start->graph, all, error);
}

cnn_status cnn_start_write_model(const cnn_start *start, const char *path, const cnn_config *config,
                                 const cnn_model_info *info, const float *trained,
                                 cnn_error *error) {
    float *all = cnn_alloc(start->graph.parameter_count, sizeof *all);
    cnn_status status = write_model(start, path, config, info, trained, all, error);
    cnn_free(all);
    return status;
}

/* all: [graph.parameter_count], may be NULL. */
static cnn_status take_trained(const cnn_start *start, const cnn_saved_file *file,
                               const cnn_kernels *kernels, float *all, cnn_model *model,
                               cnn_error *error) {
    if (!all) {
        return cnn_fail_memory(error, "the model");
    }
    CNN_TRY(cnn_model_compare_tensors(file, &start->graph, start->graph.node_count, error));
    cnn_model_copy_tensors(file, &start->graph, start->graph.node_count, all);
    if (memcmp(all, start->parameters, start->frozen_count * sizeof *all) != 0) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "expected the weights of pretrained.file in its first layers, found "
                        "others");
    }
    return cnn_model_replace_network(model, &start->trained, kernels, all + start->frozen_count,
                                     error);
}

cnn_status cnn_start_take_trained(const cnn_start *start, const char *path,
                                  const cnn_kernels *kernels, cnn_model *model, cnn_error *error) {
    cnn_saved_file file;
    CNN_TRY(cnn_safetensors_read(path, &file, error));
    float *all = cnn_alloc(start->graph.parameter_count, sizeof *all);
    cnn_status status = take_trained(start, &file, kernels, all, model, error);
    cnn_free(all);
    cnn_safetensors_free(&file);
    return status == CNN_OK ? status : cnn_model_refuse(path, status, error);
}
