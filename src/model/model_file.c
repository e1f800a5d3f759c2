#include "model/model_file.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "image/load.h"
#include "model/safetensors.h"
#include "nn/inference.h"

#include <math.h>
#include <string.h>

static const char config_key[] = "cnntrain.config";
static const char kind_key[] = "cnntrain.kind";
static const char features_kind[] = "features";
static const char source_key[] = "cnntrain.source";
static const char pixels_key[] = "pixels"; /* in it: CNN_IMAGE_PIXELS */

/* --- writing --- */

static void write_numbers(cnn_json_writer *json, const double *numbers, int count) {
    cnn_json_begin_array(json);
    for (int i = 0; i < count; i++) {
        cnn_json_number(json, numbers[i]);
    }
    cnn_json_end(json);
}

static void write_range(cnn_json_writer *json, const cnn_range *ends) {
    cnn_json_begin_array(cnn_json_key(json, "range"));
    cnn_json_integer(json, ends->low);
    cnn_json_integer(json, ends->high);
    cnn_json_end(json);
}

static void write_classes(cnn_json_writer *json, const cnn_model_info *info) {
    cnn_json_begin_array(cnn_json_key(json, "classes"));
    cnn_json_string(json, info->classes[0]);
    cnn_json_string(json, info->classes[1]);
    cnn_json_end(json);
    cnn_json_number(cnn_json_key(json, "threshold"), info->threshold);
}

/* The string `cnntrain.config`; NULL when memory is refused. Free with cnn_free. */
static char *write_config(const cnn_config *config, const cnn_model_info *info) {
    int channels = (int)config->image.channels;
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    cnn_config_write_model_part(config, &json);
    cnn_json_string(cnn_json_key(&json, pixels_key), CNN_IMAGE_PIXELS);
    if (info->classes[0]) {
        write_classes(&json, info);
    }
    if (info->temperature < 1.0 || info->temperature > 1.0) {
        cnn_json_number(cnn_json_key(&json, "temperature"), info->temperature);
    }
    cnn_json_begin_object(cnn_json_key(&json, "normalization"));
    write_numbers(cnn_json_key(&json, "mean"), info->mean, channels);
    write_numbers(cnn_json_key(&json, "deviation"), info->deviation, channels);
    cnn_json_end(&json);
    if (config->image.range == CNN_RANGE_STRETCH) {
        write_range(&json, &config->image.ends);
    }
    cnn_json_end(&json);
    return cnn_text_take(&text);
}

static size_t count_tensors(const cnn_graph *graph) {
    size_t count = 0;
    for (int i = 0; i < graph->node_count; i++) {
        count += (size_t)graph->nodes[i].tensor_count;
    }
    return count;
}

static void describe_tensor(const cnn_node *node, const cnn_tensor *tensor, const float *parameters,
                            cnn_saved_tensor *saved) {
    cnn_tensor_full_name(node->path, tensor, saved->name);
    saved->rank = tensor->rank;
    for (int d = 0; d < tensor->rank; d++) {
        saved->dim[d] = tensor->dim[d];
    }
    saved->count = tensor->count;
    saved->data = parameters + tensor->offset;
}

static void describe_tensors(const cnn_graph *graph, const float *parameters,
                             cnn_saved_tensor *tensors) {
    for (int i = 0; i < graph->node_count; i++) {
        const cnn_node *node = &graph->nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            describe_tensor(node, &node->tensors[t], parameters, tensors++);
        }
    }
}

cnn_status cnn_model_write_from(const char *path, const char *source, const cnn_config *config,
                                const cnn_model_info *info, const cnn_graph *graph,
                                const float *parameters, cnn_error *error) {
    size_t count = count_tensors(graph);
    cnn_saved_tensor *tensors = cnn_alloc(count, sizeof *tensors);
    char *text = write_config(config, info);
    cnn_status status = CNN_OK;
    if (tensors && text) {
        cnn_saved_text texts[3] = {{.key = config_key, .value = text}};
        size_t text_count = 1;
        if (!info->classes[0]) {
            texts[text_count++] = (cnn_saved_text){.key = kind_key, .value = features_kind};
        }
        if (source) {
            texts[text_count++] = (cnn_saved_text){.key = source_key, .value = source};
        }
        describe_tensors(graph, parameters, tensors);
        status = cnn_safetensors_write(path, texts, text_count, tensors, count, error);
    } else {
        status = cnn_fail_memory(error, path);
    }
    cnn_free(text);
    cnn_free(tensors);
    return status;
}

cnn_status cnn_model_write(const char *path, const cnn_config *config, const cnn_model_info *info,
                           const cnn_graph *graph, const float *parameters, cnn_error *error) {
    return cnn_model_write_from(path, NULL, config, info, graph, parameters, error);
}

/* --- reading --- */

/* A list of `channels` finite numbers. */
static bool read_numbers(const cJSON *list, int64_t channels, double *numbers) {
    bool fits = cJSON_IsArray(list) && cJSON_GetArraySize(list) == channels;
    for (int c = 0; fits && c < channels; c++) {
        const cJSON *item = cJSON_GetArrayItem(list, c);
        fits = cJSON_IsNumber(item) && isfinite(item->valuedouble);
        numbers[c] = fits ? item->valuedouble : 0.0;
    }
    return fits;
}

static bool read_temperature(const cJSON *item, double *temperature) {
    *temperature = cJSON_IsNumber(item) ? item->valuedouble : 0.0;
    return isfinite(*temperature) && *temperature > 0.0;
}

static bool read_normalization(const cJSON *root, const cnn_config *config, cnn_model_info *info) {
    const cJSON *normalization = cJSON_GetObjectItemCaseSensitive(root, "normalization");
    for (int i = 0; i < 3; i++) {
        info->deviation[i] = 1.0;
    }
    bool fits = read_numbers(cJSON_GetObjectItemCaseSensitive(normalization, "mean"),
                             config->image.channels, info->mean) &&
                read_numbers(cJSON_GetObjectItemCaseSensitive(normalization, "deviation"),
                             config->image.channels, info->deviation);
    for (int c = 0; fits && c < config->image.channels; c++) {
        fits = info->deviation[c] > 0.0;
    }
    return fits;
}

/* What a file without a classifier has of this. */
static cnn_status read_features_info(const cJSON *root, const cnn_config *config,
                                     cnn_model_info *info, cnn_error *error) {
    return read_normalization(root, config, info)
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_MODEL, "%s: expected normalization", config_key);
}

/* Reads the ends of image.range "stretch". A model of an older version has neither key nor ends. */
static cnn_status read_range(const cJSON *root, cnn_image_settings *image, cnn_error *error) {
    double ends[2];
    if (image->range != CNN_RANGE_STRETCH) {
        return CNN_OK;
    }
    bool fits = read_numbers(cJSON_GetObjectItemCaseSensitive(root, "range"), 2, ends);
    for (int i = 0; i < 2 && fits; i++) {
        fits = ends[i] >= 0.0 && ends[i] <= 65535.0 && !(floor(ends[i]) < ends[i]);
    }
    if (fits) {
        image->ends = (cnn_range){.low = (int64_t)ends[0], .high = (int64_t)ends[1]};
        fits = cnn_range_is_valid(&image->ends);
    }
    return fits ? CNN_OK
                : cnn_fail(error, CNN_ERROR_MODEL,
                           "%s: range: expected two integers [low, high], 0 <= low < high <= 65535",
                           config_key);
}

static cnn_status read_info(const cJSON *root, const cnn_config *config, cnn_model_info *info,
                            cnn_error *error) {
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(root, "classes");
    const cJSON *threshold = cJSON_GetObjectItemCaseSensitive(root, "threshold");
    const cJSON *temperature = cJSON_GetObjectItemCaseSensitive(root, "temperature");
    info->temperature = 1.0;
    if (temperature && !read_temperature(temperature, &info->temperature)) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: temperature: expected a finite number above 0",
                        config_key);
    }
    bool fits = cJSON_GetArraySize(classes) == 2 && cJSON_IsNumber(threshold) &&
                threshold->valuedouble >= 0.0 && threshold->valuedouble <= 1.0 &&
                read_normalization(root, config, info);
    for (int i = 0; fits && i < 2; i++) {
        const cJSON *name = cJSON_GetArrayItem(classes, i);
        fits = cJSON_IsString(name) && *name->valuestring;
        if (fits) {
            info->classes[i] = cnn_copy_string(name->valuestring);
            if (!info->classes[i]) {
                return cnn_fail_memory(error, "class names");
            }
        }
    }
    if (!fits || strcmp(info->classes[0], info->classes[1]) == 0) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "%s: expected two classes, normalization and threshold", config_key);
    }
    info->threshold = threshold->valuedouble;
    return CNN_OK;
}

/* Does the file contain this tensor of the layer, by name and shape? */
static bool holds_tensor(const cnn_saved_file *file, const char *name, const cnn_tensor *tensor) {
    const cnn_saved_tensor *found = cnn_saved_tensor_find(file, name);
    bool same = found && found->rank == tensor->rank;
    for (int d = 0; same && d < tensor->rank; d++) {
        same = found->dim[d] == tensor->dim[d];
    }
    return same;
}

cnn_status cnn_model_compare_tensors(const cnn_saved_file *file, const cnn_graph *graph,
                                     int node_count, cnn_error *error) {
    size_t count = 0;
    for (int i = 0; i < node_count; i++) {
        const cnn_node *node = &graph->nodes[i];
        for (int t = 0; t < node->tensor_count; t++, count++) {
            char name[CNN_TENSOR_NAME_MAX];
            cnn_tensor_full_name(node->path, &node->tensors[t], name);
            if (!holds_tensor(file, name, &node->tensors[t])) {
                return cnn_fail(error, CNN_ERROR_MODEL,
                                "expected a tensor \"%s\" of the shape that its layers have", name);
            }
        }
    }
    return file->tensor_count == count
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_MODEL, "expected %zu tensors, found %zu", count,
                          file->tensor_count);
}

/* Names and shapes must be those of the layers. This is checked before the network is planned, so
 * that the memory is in proportion to the size of the file. */
static cnn_status check_tensors(const cnn_saved_file *file, const cnn_network_spec *spec,
                                cnn_error *error) {
    cnn_graph graph;
    CNN_TRY(cnn_graph_create(spec, &graph, error));
    cnn_status status = cnn_model_compare_tensors(file, &graph, graph.node_count, error);
    cnn_graph_free(&graph);
    return status;
}

cnn_status cnn_model_check_finite(const float *weights, size_t count, cnn_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(weights[i])) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "expected finite weights, found NaN or infinity");
        }
    }
    return CNN_OK;
}

void cnn_model_copy_tensors(const cnn_saved_file *file, const cnn_graph *graph, int node_count,
                            float *parameters) {
    for (int i = 0; i < node_count; i++) {
        const cnn_node *node = &graph->nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            char name[CNN_TENSOR_NAME_MAX];
            cnn_tensor_full_name(node->path, &node->tensors[t], name);
            memcpy(parameters + node->tensors[t].offset, cnn_saved_tensor_find(file, name)->data,
                   node->tensors[t].count * sizeof *parameters);
        }
    }
}

/* Copies the file's tensors, which are the network's, into the flat parameters. */
static cnn_status read_parameters(const cnn_saved_file *file, cnn_model *model, cnn_error *error) {
    const cnn_network *network = model->network;
    model->parameters = cnn_alloc(network->parameter_count, sizeof *model->parameters);
    if (!model->parameters) {
        return cnn_fail_memory(error, "the parameters");
    }
    cnn_model_copy_tensors(file, &network->graph, network->graph.node_count, model->parameters);
    return cnn_model_check_finite(model->parameters, network->parameter_count, error);
}

/* The network for prediction replaces the trained one. */
static cnn_status ready_for_prediction(cnn_model *model, cnn_error *error) {
    cnn_network *network;
    CNN_TRY(cnn_network_create_prediction(model->network, &network, error));
    float *parameters = cnn_alloc(network->parameter_count, sizeof *parameters);
    if (!parameters) {
        cnn_network_free(network);
        return cnn_fail_memory(error, "the network for prediction");
    }
    cnn_network_merge_parameters(network, model->network, model->parameters, parameters);
    cnn_network_free(model->network);
    cnn_free(model->parameters);
    model->network = network;
    model->parameters = parameters;
    if (!cnn_inference_prefers_planes(network)) { /* else inference prepares its own weights */
        cnn_network_prepare(network, parameters);
    }
    return CNN_OK;
}

cnn_status cnn_model_replace_network(cnn_model *model, const cnn_network_spec *spec,
                                     const cnn_kernels *kernels, const float *parameters,
                                     cnn_error *error) {
    cnn_network *network;
    CNN_TRY(cnn_network_create(spec, kernels, CNN_NETWORK_GRAPH, &network, error));
    cnn_network_free(model->network);
    cnn_free(model->parameters);
    model->network = network;
    model->parameters = cnn_alloc(network->parameter_count, sizeof *model->parameters);
    if (!model->parameters) {
        return cnn_fail_memory(error, "the parameters");
    }
    memcpy(model->parameters, parameters, network->parameter_count * sizeof *parameters);
    return ready_for_prediction(model, error);
}

/* Adds a classifier to the layers of a file without one, as every network has one. */
static cnn_status add_classifier(cJSON *root, cnn_error *error) {
    static const char *const classifier[] = {"{\"type\":\"dense\",\"units\":1}",
                                             "{\"type\":\"sigmoid\"}"};
    cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers");
    for (size_t i = 0; cJSON_IsArray(layers) && i < 2; i++) {
        bool no_memory;
        cJSON *layer =
            cnn_json_parse(classifier[i], strlen(classifier[i]) + 1, NULL, true, &no_memory);
        if (!cJSON_AddItemToArray(layers, layer)) {
            cJSON_Delete(layer);
            return cnn_fail_memory(error, "the model");
        }
    }
    return CNN_OK;
}

/* Refuses a network that was trained with pixels that differ from those of this version. */
static cnn_status check_pixels(const cJSON *root, cnn_error *error) {
    const cJSON *pixels = cJSON_GetObjectItemCaseSensitive(root, pixels_key);
    const char *found = cJSON_IsString(pixels) ? pixels->valuestring : "none";
    if (strcmp(found, CNN_IMAGE_PIXELS) == 0) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_ERROR_MODEL,
                    "%s: %s: expected \"" CNN_IMAGE_PIXELS
                    "\", found %.40s: images were resized in "
                    "another way when the network was trained, and it would see other pixels now; "
                    "train it again, or use the version of cnntrain that wrote the file",
                    config_key, pixels_key, found);
}

static cnn_status read_parsed_config(cJSON *root, bool features, cnn_config *config,
                                     cnn_model_info *info, cnn_error *error) {
    CNN_TRY(check_pixels(root, error));
    if (features) {
        CNN_TRY(add_classifier(root, error));
    }
    CNN_TRY(cnn_config_read_model_part(root, config, error));
    CNN_TRY(read_range(root, &config->image, error));
    return features ? read_features_info(root, config, info, error)
                    : read_info(root, config, info, error);
}

cnn_status cnn_model_read_config(const cnn_saved_file *file, bool features, cnn_config *config,
                                 cnn_model_info *info, cnn_error *error) {
    const char *text = cnn_saved_text_find(file, config_key);
    if (!text) {
        return cnn_fail(error, CNN_ERROR_MODEL, "expected a model, found another file of cnntrain");
    }
    bool no_memory;
    cJSON *root = cnn_json_parse(text, strlen(text) + 1, NULL, false, &no_memory);
    if (!root) {
        return no_memory ? cnn_fail_memory(error, "the model")
                         : cnn_fail(error, CNN_ERROR_MODEL, "%s: expected valid JSON", config_key);
    }
    cnn_status status = read_parsed_config(root, features, config, info, error);
    cJSON_Delete(root);
    return status;
}

cnn_status cnn_model_read_kind(const cnn_saved_file *file, bool *features, cnn_error *error) {
    const char *kind = cnn_saved_text_find(file, kind_key);
    *features = kind != NULL;
    return !kind || strcmp(kind, features_kind) == 0
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_MODEL, "%s: expected \"%s\", found \"%.40s\"", kind_key,
                          features_kind, kind);
}

static cnn_status read_model(const cnn_saved_file *file, const cnn_kernels *kernels,
                             cnn_model *model, cnn_error *error) {
    model->config = cnn_alloc(1, sizeof *model->config);
    if (!model->config) {
        return cnn_fail_memory(error, "the model");
    }
    bool features;
    CNN_TRY(cnn_model_read_kind(file, &features, error));
    if (features) {
        return cnn_fail(
            error, CNN_ERROR_MODEL,
            "expected a trained model, found a pretrained network without a classifier");
    }
    CNN_TRY(cnn_model_read_config(file, false, model->config, &model->info, error));
    CNN_TRY(check_tensors(file, &model->config->network, error));
    CNN_TRY(cnn_network_create(&model->config->network, kernels, CNN_NETWORK_GRAPH, &model->network,
                               error));
    CNN_TRY(read_parameters(file, model, error));
    return ready_for_prediction(model, error);
}

cnn_status cnn_model_refuse(const char *path, cnn_status status, cnn_error *error) {
    (void)cnn_fail_prefix(error, status, "%s: ", path);
    /* a mismatch means a damaged file, unless memory ran out */
    status = status == CNN_ERROR_RUNTIME ? status : CNN_ERROR_MODEL;
    if (error) {
        error->status = status;
    }
    return status;
}

/* The model in a file that was read. */
static cnn_status make_model(const char *path, const cnn_saved_file *file,
                             const cnn_kernels *kernels, cnn_model **out, cnn_error *error) {
    cnn_model *model = cnn_alloc(1, sizeof *model);
    if (!model) {
        return cnn_fail_memory(error, path);
    }
    cnn_status status = read_model(file, kernels, model, error);
    if (status != CNN_OK) {
        cnn_model_free(model);
        return cnn_model_refuse(path, status, error);
    }
    *out = model;
    return CNN_OK;
}

cnn_status cnn_model_read(const char *path, const cnn_kernels *kernels, cnn_model **out,
                          cnn_error *error) {
    *out = NULL;
    cnn_saved_file file;
    CNN_TRY(cnn_safetensors_read(path, &file, error));
    cnn_status status = make_model(path, &file, kernels, out, error);
    cnn_safetensors_free(&file);
    return status;
}

void cnn_model_free(cnn_model *model) {
    if (!model) {
        return;
    }
    cnn_free(model->info.classes[0]);
    cnn_free(model->info.classes[1]);
    cnn_network_free(model->network);
    cnn_config_free(model->config);
    cnn_free(model->parameters);
    cnn_free(model);
}

void cnn_model_normalization(const cnn_model_info *info, int channel, float *scale, float *shift) {
    *scale = (float)(1.0 / (255.0 * info->deviation[channel]));
    *shift = (float)(-info->mean[channel] / info->deviation[channel]);
}
