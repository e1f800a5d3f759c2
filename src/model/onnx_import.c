#include "model/onnx_import.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "image/resize.h"
#include "model/golden.h"
#include "model/onnx_import_front.h"

#include <string.h>

/* How the network ends. */
typedef enum ending { FEATURES, ONE_LOGIT, ONE_SIGMOID, TWO_LOGITS } ending;

/* Weights may be used a few times, and exporters leave out biases that are 0. */
static size_t float_limit(size_t file_size) {
    return file_size + ((size_t)1 << 20);
}

/* --- the end --- */

static cnn_imported_layer *last_layer(cnn_onnx_importer *importer) {
    cnn_imported_layer *last = cnn_imported_last(&importer->layers);
    return last && last->depth == 0 ? last : NULL;
}

static bool last_is(cnn_onnx_importer *importer, const char *type) {
    const cnn_imported_layer *last = last_layer(importer);
    return last && strcmp(last->type, type) == 0;
}

static ending find_ending(cnn_onnx_importer *importer) {
    bool named = importer->options->classes[0] != NULL;
    int values = (int)cnn_shape_size(&importer->shape);
    if (values == 1 && last_is(importer, "sigmoid") && !importer->softmax) {
        return ONE_SIGMOID;
    }
    if (values == 2 && (importer->softmax || named)) {
        return TWO_LOGITS;
    }
    return values == 1 && named && !importer->softmax ? ONE_LOGIT : FEATURES;
}

/* Makes the value that was reached flat; rows and columns that are one are no change. */
static void make_flat(cnn_onnx_importer *importer) {
    cnn_shape *shape = &importer->shape;
    if (shape->flat) {
        return;
    }
    if (!importer->options->keep_places && (shape->height > 1 || shape->width > 1)) {
        (void)cnn_imported_add(&importer->layers, "global_avgpool");
        shape->height = shape->width = 1;
    }
    (void)cnn_imported_add(&importer->layers, "flatten");
    *shape =
        (cnn_shape){.channels = (int)cnn_shape_size(shape), .height = 1, .width = 1, .flat = true};
}

/* Adds a dense layer of one unit with these weights, [count]. */
static cnn_status add_unit(cnn_onnx_importer *importer, const float *weights, int count,
                           cnn_error *error) {
    const int64_t dim[] = {1, count};
    cnn_imported_layer *layer = cnn_imported_add(&importer->layers, "dense");
    cnn_imported_number(layer, "units", 1);
    float *weight = cnn_imported_tensor_add(&importer->layers, layer, "weight", dim, 2);
    float *bias = cnn_imported_tensor_add(&importer->layers, layer, "bias", dim, 1);
    if (!weight || !bias) {
        return cnn_fail_memory(error, "the weights");
    }
    memcpy(weight, weights, (size_t)count * sizeof *weight);
    return CNN_OK;
}

/* softmax(a, b) of class 1 is sigmoid(b - a): the two rows of a dense layer become their
 * difference. */
static void subtract_rows(cnn_imported_layer *dense) {
    for (int t = 0; t < dense->tensor_count; t++) {
        cnn_imported_tensor *tensor = &dense->tensors[t];
        size_t half = tensor->count / 2;
        for (size_t i = 0; i < half; i++) {
            tensor->data[i] = (float)((double)tensor->data[half + i] - (double)tensor->data[i]);
        }
        tensor->count = half;
        tensor->dim[0] = 1;
    }
    dense->keys[0].numbers[0] = 1; /* units */
}

static cnn_status add_classifier(cnn_onnx_importer *importer, ending end, cnn_error *error) {
    static const float difference[] = {-1.0f, 1.0f}, one[] = {1.0f};
    if (end == ONE_SIGMOID) {
        cnn_imported_remove(&importer->layers);
    }
    make_flat(importer);
    if (end == TWO_LOGITS && last_is(importer, "dense")) {
        subtract_rows(last_layer(importer));
    } else if (end == TWO_LOGITS) {
        CNN_TRY(add_unit(importer, difference, 2, error));
    } else if (!last_is(importer, "dense")) {
        CNN_TRY(add_unit(importer, one, 1, error));
    }
    (void)cnn_imported_add(&importer->layers, "sigmoid");
    return CNN_OK;
}

/* A network to start from needs no classifier. */
static cnn_status end_features(cnn_onnx_importer *importer, cnn_text *about, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    bool dense = last_is(importer, "dense");
    if (importer->softmax && !dense) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "expected two classes, or features before the softmax (--until), found %d",
                        importer->shape.channels);
    }
    if (dense && !importer->options->until && importer->layers.count > 1) {
        const cnn_imported_tensor *weight = cnn_imported_tensor_of(last_layer(importer), "weight");
        int features = (int)weight->dim[1];
        cnn_text_format(about, "left out: the last layer, a classifier of %d classes\n",
                        importer->shape.channels);
        cnn_imported_remove(&importer->layers);
        importer->shape.channels = features;
    } else if (importer->softmax) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "expected two classes, or features before the softmax (--until), found %d",
                        importer->shape.channels);
    }
    make_flat(importer);
    cnn_text_format(about, "features: %d, after %.80s\n", importer->shape.channels,
                    graph->values[graph->end].name);
    return CNN_OK;
}

/* --- from layers to a network --- */

/* The channels of the first convolution from blue, green, red to red, green, blue. */
static cnn_status turn_channels(cnn_onnx_importer *importer, cnn_error *error) {
    cnn_imported_layer *first = importer->layers.count > 0 ? &importer->layers.items[0] : NULL;
    cnn_imported_tensor *weight =
        first && strcmp(first->type, "conv") == 0 ? cnn_imported_tensor_of(first, "weight") : NULL;
    if (!weight || weight->dim[1] != 3) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--bgr: expected a convolution of three channels as the first layer");
    }
    size_t plane = (size_t)(weight->dim[2] * weight->dim[3]);
    for (size_t filter = 0; filter < (size_t)weight->dim[0]; filter++) {
        float *blue = weight->data + 3 * filter * plane, *red = blue + 2 * plane;
        for (size_t i = 0; i < plane; i++) {
            float kept = blue[i];
            blue[i] = red[i];
            red[i] = kept;
        }
    }
    const double scale = importer->scale[0], shift = importer->shift[0];
    importer->scale[0] = importer->scale[2];
    importer->shift[0] = importer->shift[2];
    importer->scale[2] = scale;
    importer->shift[2] = shift;
    return CNN_OK;
}

/* The config of the network, as JSON. */
static void write_config(const cnn_onnx_importer *importer, const cnn_shape *image,
                         cnn_text *text) {
    const char *resize = cnn_onnx_metadata_find(importer->graph.file, "resize");
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    cnn_json_begin_object(cnn_json_key(&json, "image"));
    cnn_json_integer(cnn_json_key(&json, "width"), image->width);
    cnn_json_integer(cnn_json_key(&json, "height"), image->height);
    cnn_json_integer(cnn_json_key(&json, "channels"), image->channels);
    for (int i = 0; resize && cnn_resize_names[i]; i++) {
        if (strcmp(resize, cnn_resize_names[i]) == 0) {
            cnn_json_string(cnn_json_key(&json, "resize"), cnn_resize_names[i]);
        }
    }
    cnn_json_end(&json);
    cnn_imported_write_layers(&importer->layers, cnn_json_key(&json, "layers"));
    cnn_json_end(&json);
}

static cnn_status build(const cnn_onnx_importer *importer, const cnn_shape *image, bool features,
                        cnn_imported *imported, cnn_error *error) {
    cnn_text text = {0};
    cnn_saved_file file = {0};
    cJSON *root = NULL;
    bool no_memory = false;
    write_config(importer, image, &text);
    cnn_status status =
        cnn_imported_list_tensors(&importer->layers, &file.tensors, &file.tensor_count, error);
    if (status == CNN_OK && !text.failed) {
        root = cnn_json_parse(text.data, text.length + 1, NULL, true, &no_memory);
    }
    if (status == CNN_OK && !root) {
        status = text.failed || no_memory
                     ? cnn_fail_memory(error, "the network")
                     : cnn_fail(error, CNN_ERROR_MODEL, "expected numbers that a config can have");
    }
    if (status == CNN_OK) {
        status = cnn_imported_plan("network", root, features, imported, error);
    }
    if (status == CNN_OK) {
        status = cnn_imported_fill(imported, &file, error);
    }
    status = status == CNN_OK || status == CNN_ERROR_RUNTIME ? status : CNN_ERROR_MODEL;
    cJSON_Delete(root);
    cnn_free(file.tensors);
    cnn_text_free(&text);
    return status;
}

/* --- what else the file says --- */

/* The classes: given, or in the metadata of our own exports. */
static cnn_status read_classes(const cnn_onnx_importer *importer, cnn_imported *imported,
                               cnn_error *error) {
    const char *const *given = importer->options->classes;
    const char *names[2] = {"0", "1"};
    cJSON *list;
    CNN_TRY(cnn_onnx_metadata_json(importer, "classes", &list, error));
    const cJSON *first = cJSON_GetArrayItem(list, 0), *second = cJSON_GetArrayItem(list, 1);
    if (given[0]) {
        names[0] = given[0];
        names[1] = given[1];
    } else if (cJSON_IsString(first) && cJSON_IsString(second) && *first->valuestring &&
               *second->valuestring && strcmp(first->valuestring, second->valuestring) != 0) {
        names[0] = first->valuestring;
        names[1] = second->valuestring;
    }
    cnn_status status = cnn_imported_name_classes(imported, names[0], names[1], error);
    cJSON_Delete(list);
    return status;
}

static cnn_status read_threshold(const cnn_onnx_importer *importer, cnn_imported *imported,
                                 cnn_error *error) {
    cJSON *number;
    CNN_TRY(cnn_onnx_metadata_json(importer, "threshold", &number, error));
    if (cJSON_IsNumber(number) && number->valuedouble >= 0.0 && number->valuedouble <= 1.0) {
        imported->info.threshold = number->valuedouble;
    }
    cJSON_Delete(number);
    return CNN_OK;
}

static void set_normalization(const cnn_onnx_importer *importer, int channels,
                              cnn_imported *imported) {
    double mean[3] = {0}, deviation[3] = {0};
    for (int c = 0; c < channels; c++) {
        deviation[c] = 1.0 / (255.0 * importer->scale[c]);
        mean[c] = -importer->shift[c] * deviation[c];
    }
    cnn_imported_normalize(imported, mean, deviation);
}

static void write_notes(const cnn_onnx_importer *importer, cnn_onnx_notes *notes) {
    static const char *const keys[3] = {CNN_GOLDEN_IMAGE, CNN_GOLDEN_LOGIT, CNN_GOLDEN_PROBABILITY};
    const cnn_onnx_file *file = importer->graph.file;
    cnn_text_format(&notes->source, "ONNX, SHA-256 %s", file->sha256);
    if (file->model->producer_name && *file->model->producer_name) {
        cnn_text_format(&notes->source, ", written by %.80s %.40s", file->model->producer_name,
                        file->model->producer_version ? file->model->producer_version : "");
    }
    for (int i = 0; i < 3; i++) {
        const char *text = cnn_onnx_metadata_find(file, keys[i]);
        if (text) {
            cnn_text_append(&notes->golden[i], text, strlen(text));
        }
    }
}

void cnn_onnx_notes_free(cnn_onnx_notes *notes) {
    cnn_text_free(&notes->about);
    cnn_text_free(&notes->source);
    for (int i = 0; i < 3; i++) {
        cnn_text_free(&notes->golden[i]);
    }
}

/* --- the whole --- */

/* The layers up to the end. A failure names the longest beginning that could be used instead. */
static cnn_status import_layers(cnn_onnx_importer *importer, int value, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    int end = -1;
    importer->usable = -1;
    cnn_status status = cnn_onnx_import_walk(importer, value, &end, error);
    if (status == CNN_OK && (end != graph->end || importer->padded)) {
        status = cnn_onnx_refuse(graph, graph->values[graph->end].writer, error,
                                 importer->padded ? "expected a Conv or AveragePool after a Pad"
                                                  : "expected the first output of each node");
    }
    if (status == CNN_ERROR_MODEL && importer->usable >= 0 && error) {
        char reason[sizeof error->message];
        memcpy(reason, error->message, sizeof reason);
        return cnn_fail(error, status,
                        "%.400s; the layers before it can be used: --until \"%.80s\"", reason,
                        cnn_onnx_node_name(graph, importer->usable));
    }
    return status;
}

static cnn_status import(cnn_onnx_importer *importer, cnn_imported *imported, cnn_onnx_notes *notes,
                         cnn_error *error) {
    int value = -1;
    CNN_TRY(cnn_onnx_import_front(importer, &value, &notes->about, error));
    const cnn_shape image = importer->shape;
    CNN_TRY(import_layers(importer, value, error));
    ending end = find_ending(importer);
    CNN_TRY(end == FEATURES ? end_features(importer, &notes->about, error)
                            : add_classifier(importer, end, error));
    if (importer->options->blue_first) {
        CNN_TRY(turn_channels(importer, error));
    }
    CNN_TRY(build(importer, &image, end == FEATURES, imported, error));
    set_normalization(importer, image.channels, imported);
    if (end != FEATURES) {
        CNN_TRY(read_classes(importer, imported, error));
        CNN_TRY(read_threshold(importer, imported, error));
        imported->info.temperature = importer->temperature;
    }
    return CNN_OK;
}

cnn_status cnn_onnx_import(const char *path, const cnn_onnx_import_options *options,
                           cnn_imported *imported, cnn_onnx_notes *notes, cnn_error *error) {
    cnn_onnx_file file;
    *imported = (cnn_imported){0};
    *notes = (cnn_onnx_notes){0};
    CNN_TRY(cnn_onnx_file_read(path, &file, error));
    cnn_onnx_importer importer = {
        .options = options, .temperature = 1.0, .floats_left = float_limit(file.size)};
    cnn_status status = cnn_onnx_graph_create(&file, options->until, &importer.graph, error);
    if (status == CNN_OK) {
        status = import(&importer, imported, notes, error);
    }
    if (status == CNN_OK) {
        write_notes(&importer, notes);
    }
    cnn_imported_layers_free(&importer.layers);
    cnn_onnx_graph_free(&importer.graph);
    cnn_onnx_file_free(&file);
    return status == CNN_OK ? CNN_OK : cnn_fail_prefix(error, status, "%s: ", path);
}
