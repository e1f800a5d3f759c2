/* The image of an ONNX file: its size, and the preprocessing of its pixels before the first layer.
 */
#include "model/onnx_import_front.h"

#include "base/error.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

/* --- the input --- */

/* Dimension d of the input; 0: open. */
static int64_t dimension(const Onnx__TypeProto__Tensor *type, size_t d) {
    const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[d];
    return dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
                   dim->dim_value > 0
               ? dim->dim_value
               : 0;
}

static const Onnx__TypeProto__Tensor *input_type(const cnn_onnx_importer *importer) {
    const cnn_onnx_graph *graph = &importer->graph;
    const Onnx__GraphProto *from = graph->file->model->graph;
    const Onnx__TypeProto__Tensor *type = NULL;
    for (size_t i = 0; i < from->n_input; i++) {
        const Onnx__ValueInfoProto *input = from->input[i];
        if (input->name &&
            (graph->resizer >= 0 || strcmp(input->name, graph->values[graph->input].name) == 0) &&
            input->type && input->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) {
            type = input->type->tensor_type;
        }
    }
    return type && type->shape && type->shape->n_dim == 4 ? type : NULL;
}

/* Nodes that change values but no places. */
static bool is_pixelwise(const cnn_onnx_graph *graph, int node) {
    return cnn_onnx_is_affine(graph, node) || cnn_onnx_node_is(graph, node, "Cast") ||
           cnn_onnx_node_is(graph, node, "Identity");
}

/* Does the node bring the channels from the last place to the first? */
static bool moves_channels(const cnn_onnx_graph *graph, int node) {
    static const int64_t wanted[] = {0, 3, 1, 2};
    const Onnx__AttributeProto *order = cnn_onnx_attribute(graph, node, "perm");
    return cnn_onnx_node_is(graph, node, "Transpose") && order && order->n_ints == 4 &&
           memcmp(order->ints, wanted, sizeof wanted) == 0;
}

/* The node after a value, if it is the only one; -1. */
static int next_node(const cnn_onnx_graph *graph, int value) {
    int edge;
    return cnn_onnx_readers(graph, value, &edge) == 1 &&
                   graph->nodes[graph->edges[edge].node].output >= 0
               ? graph->edges[edge].node
               : -1;
}

/* Is the image [N, H, W, C]? Then the first node that is not pixelwise changes that. */
static bool has_channels_last(const cnn_onnx_graph *graph) {
    int node = next_node(graph, graph->input);
    while (node >= 0 && is_pixelwise(graph, node)) {
        node = next_node(graph, graph->nodes[node].output);
    }
    return node >= 0 && moves_channels(graph, node);
}

/* One side of the image: from the file, or, where that leaves it open, from the options. */
static cnn_status choose_side(const char *name, int64_t file, int option, int *side,
                              cnn_error *error) {
    if (file > 4096) {
        return cnn_fail(error, CNN_ERROR_MODEL, "input: expected a %s of at most 4096, got %lld",
                        name, (long long)file);
    }
    if (file == 0 && option == 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "the file leaves the %s of the image open; --size WIDTHxHEIGHT sets it",
                        name);
    }
    if (file > 0 && option > 0 && file != option) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--size: expected a %s of %lld, which the file fixes, got %d", name,
                        (long long)file, option);
    }
    *side = file > 0 ? (int)file : option;
    return CNN_OK;
}

/* The size to which one of our own files resizes images. */
static cnn_status read_resized(const cnn_onnx_graph *graph, int64_t *height, int64_t *width,
                               cnn_error *error) {
    int64_t size[2] = {0, 0};
    int count = 0, value = cnn_onnx_find(graph, "resize.to");
    if (value >= 0) {
        CNN_TRY(cnn_onnx_value_integers(graph, graph->resizer, value, 2, size, &count, error));
    }
    if (count != 2 || size[0] < 1 || size[1] < 1) {
        return cnn_onnx_refuse(graph, graph->resizer, error, "expected the size in \"resize.to\"");
    }
    *height = size[0];
    *width = size[1];
    return CNN_OK;
}

static cnn_status read_shape(cnn_onnx_importer *importer, const Onnx__TypeProto__Tensor *type,
                             bool channels_last, cnn_error *error) {
    int64_t channels = dimension(type, channels_last ? 3 : 1);
    if (channels != 1 && channels != 3) {
        return cnn_fail(
            error, CNN_ERROR_MODEL, "input: expected an image of 1 or 3 channels, %s, got %lld",
            channels_last ? "[N, height, width, channels]" : "[N, channels, height, width]",
            (long long)channels);
    }
    const cnn_onnx_import_options *options = importer->options;
    int64_t height = dimension(type, channels_last ? 1 : 2);
    int64_t width = dimension(type, channels_last ? 2 : 3);
    if (importer->graph.resizer >= 0) {
        CNN_TRY(read_resized(&importer->graph, &height, &width, error));
    }
    importer->batch = dimension(type, 0);
    importer->shape = (cnn_shape){.channels = (int)channels};
    CNN_TRY(choose_side("width", width, options->width, &importer->shape.width, error));
    return choose_side("height", height, options->height, &importer->shape.height, error);
}

/* --- from a byte to what the network sees --- */

cnn_status cnn_onnx_metadata_json(const cnn_onnx_importer *importer, const char *key, cJSON **json,
                                  cnn_error *error) {
    const char *text = cnn_onnx_metadata_find(importer->graph.file, key);
    bool no_memory = false;
    *json = text ? cnn_json_parse(text, strlen(text) + 1, NULL, true, &no_memory) : NULL;
    return no_memory ? cnn_fail_memory(error, key) : CNN_OK;
}

/* Reads a list of JSON, a number for each channel, from the metadata of our own exports. */
static cnn_status read_list(const cnn_onnx_importer *importer, const char *key, double numbers[3],
                            bool *found, cnn_error *error) {
    cJSON *list;
    CNN_TRY(cnn_onnx_metadata_json(importer, key, &list, error));
    *found = cJSON_IsArray(list) && cJSON_GetArraySize(list) == importer->shape.channels;
    for (int c = 0; *found && c < importer->shape.channels; c++) {
        const cJSON *item = cJSON_GetArrayItem(list, c);
        *found = cJSON_IsNumber(item) && isfinite(item->valuedouble);
        numbers[c] = *found ? item->valuedouble : 0.0;
    }
    cJSON_Delete(list);
    return CNN_OK;
}

/* The normalization in the metadata, or else none, and a line that says so. */
static cnn_status read_normalization(const cnn_onnx_importer *importer, double mean[3],
                                     double deviation[3], cnn_text *about, cnn_error *error) {
    bool found[2];
    CNN_TRY(read_list(importer, "mean", mean, &found[0], error));
    CNN_TRY(read_list(importer, "deviation", deviation, &found[1], error));
    for (int c = 0; c < 3 && !(found[0] && found[1]); c++) {
        mean[c] = 0.0;
        deviation[c] = 1.0;
    }
    if (!found[0] || !found[1]) {
        cnn_text_format(about, "input: the file does not say how its pixels are normalized; "
                               "assumed 0 to 1 (--mean, --deviation, --imagenet)\n");
    }
    return CNN_OK;
}

/* What the caller of the network does with a pixel: nothing if the input is bytes. */
static cnn_status start_normalization(cnn_onnx_importer *importer, bool bytes, cnn_text *about,
                                      cnn_error *error) {
    const cnn_onnx_import_options *options = importer->options;
    bool given = options->deviation[0] > 0.0;
    double mean[3] = {0.0, 0.0, 0.0}, deviation[3] = {1.0, 1.0, 1.0};
    if (given && bytes) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--mean, --deviation: expected neither, as the file reads bytes and "
                        "normalizes them itself");
    }
    if (given) {
        memcpy(mean, options->mean, sizeof mean);
        memcpy(deviation, options->deviation, sizeof deviation);
    } else if (!bytes) {
        CNN_TRY(read_normalization(importer, mean, deviation, about, error));
    }
    for (int c = 0; c < importer->shape.channels; c++) {
        importer->scale[c] = bytes ? 1.0 : 1.0 / (255.0 * deviation[c]);
        importer->shift[c] = bytes ? 0.0 : -mean[c] / deviation[c];
    }
    return CNN_OK;
}

/* Takes the nodes before the first layer into scale and shift. *value: the one after them. */
static cnn_status read_pixelwise(cnn_onnx_importer *importer, bool channels_last, int *value,
                                 cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    for (int node = next_node(graph, *value); node >= 0; node = next_node(graph, *value)) {
        if (channels_last && moves_channels(graph, node)) {
            channels_last = false;
        } else if (cnn_onnx_is_affine(graph, node)) {
            cnn_onnx_affine affine;
            cnn_status status = cnn_onnx_read_affine(importer, node, importer->shape.channels,
                                                     channels_last ? 0 : 2, &affine, error);
            for (int c = 0; status == CNN_OK && c < affine.count; c++) {
                importer->scale[c] *= affine.scale[c];
                importer->shift[c] = importer->shift[c] * affine.scale[c] + affine.shift[c];
            }
            cnn_onnx_affine_free(&affine);
            CNN_TRY(status);
        } else if (!is_pixelwise(graph, node)) {
            break;
        } else {
            CNN_TRY(cnn_onnx_import_node(importer, node, error)); /* adds nothing */
        }
        *value = graph->nodes[node].output;
    }
    return CNN_OK;
}

cnn_status cnn_onnx_import_front(cnn_onnx_importer *importer, int *value, cnn_text *about,
                                 cnn_error *error) {
    const Onnx__TypeProto__Tensor *type = input_type(importer);
    bool channels_last = has_channels_last(&importer->graph);
    if (!type || (type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT &&
                  type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__UINT8)) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "input: expected images of float32 or uint8, in four dimensions");
    }
    CNN_TRY(read_shape(importer, type, channels_last, error));
    CNN_TRY(start_normalization(importer, type->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
                                about, error));
    *value = importer->graph.input;
    CNN_TRY(read_pixelwise(importer, channels_last, value, error));
    for (int c = 0; c < importer->shape.channels; c++) {
        if (!(importer->scale[c] > 0.0 && importer->scale[c] < 1e30) ||
            !isfinite(importer->shift[c])) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "input: expected pixels that are multiplied by a number above 0 before "
                            "the first layer, got %.9g",
                            importer->scale[c]);
        }
    }
    return CNN_OK;
}
