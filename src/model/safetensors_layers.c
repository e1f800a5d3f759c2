#include "model/safetensors_layers.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "config/reader.h"
#include "model/safetensors_bytes.h"

#include <math.h>
#include <string.h>

#define LAYERS_LIMIT ((size_t)16 << 20)

/* --- the list of layers --- */

static bool ends_in_sigmoid(const cJSON *root) {
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers");
    const cJSON *last = cJSON_GetArrayItem(layers, cJSON_GetArraySize(layers) - 1);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(last, "type");
    return cJSON_IsString(type) && strcmp(type->valuestring, "sigmoid") == 0;
}

static cnn_status read_layers(const char *path, cnn_imported *imported, cnn_error *error) {
    char *text;
    size_t size;
    cJSON *root = NULL;
    cnn_status status = cnn_file_read(path, LAYERS_LIMIT, CNN_ERROR_CONFIG, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    const cnn_reader reader = {.file = path, .error = error};
    status = cnn_reader_parse(&reader, text, size, &root);
    if (status == CNN_OK) {
        status = cnn_imported_plan(path, root, !ends_in_sigmoid(root), imported, error);
    }
    cJSON_Delete(root);
    cnn_free(text);
    return status;
}

/* --- numbers --- */

typedef struct number_type {
    const char *name;
    size_t size;
    float (*read)(uint32_t bits);
} number_type;

static float from_f32(uint32_t bits) {
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* The upper half of a float. */
static float from_bf16(uint32_t bits) {
    return from_f32(bits << 16);
}

/* IEEE 754 binary16: one bit of sign, five of exponent, ten of fraction. */
static float from_f16(uint32_t bits) {
    int exponent = (int)(bits >> 10 & 0x1f);
    float fraction = (float)(bits & 0x3ff);
    float size = exponent == 0      ? ldexpf(fraction, -24)
                 : exponent == 0x1f ? (bits & 0x3ff) > 0 ? NAN : INFINITY
                                    : ldexpf(fraction + 1024.0f, exponent - 25);
    return bits >> 15 ? -size : size;
}

static const number_type number_types[] = {
    {"F32", 4, from_f32}, {"F16", 2, from_f16}, {"BF16", 2, from_bf16}};

static const number_type *find_type(const cJSON *type) {
    for (size_t i = 0; cJSON_IsString(type) && i < sizeof number_types / sizeof *number_types;
         i++) {
        if (strcmp(type->valuestring, number_types[i].name) == 0) {
            return &number_types[i];
        }
    }
    return NULL;
}

static void copy_numbers(const char *bytes, const number_type *type, size_t count, float *to) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = 0;
        for (size_t b = 0; b < type->size; b++) {
            bits |= (uint32_t)(unsigned char)*bytes++ << (8 * b);
        }
        to[i] = type->read(bits);
    }
}

/* --- tensors --- */

static bool has_shape(const cJSON *shape, const cnn_tensor *tensor) {
    bool same = cJSON_IsArray(shape) && cJSON_GetArraySize(shape) == tensor->rank;
    for (int d = 0; same && d < tensor->rank; d++) {
        size_t extent;
        same = cnn_whole_number(cJSON_GetArrayItem(shape, d), &extent) &&
               extent == (size_t)tensor->dim[d];
    }
    return same;
}

/* Is the tensor in the data, where its offsets say? *begin: there. */
static bool has_place(const cJSON *offsets, const cnn_safetensors_bytes *file, size_t size,
                      size_t *begin) {
    size_t end;
    return cJSON_IsArray(offsets) && cJSON_GetArraySize(offsets) == 2 &&
           cnn_whole_number(cJSON_GetArrayItem(offsets, 0), begin) &&
           cnn_whole_number(cJSON_GetArrayItem(offsets, 1), &end) && *begin <= end &&
           end <= file->data_size && end - *begin == size;
}

static cnn_status refuse_shape(const char *name, const cJSON *shape, const cnn_tensor *tensor,
                               cnn_error *error) {
    cnn_text wanted = {0}, found = {0};
    for (int d = 0; d < tensor->rank; d++) {
        cnn_text_format(&wanted, "%s%d", d > 0 ? "," : "", tensor->dim[d]);
    }
    cnn_json_item(&found, shape);
    cnn_status status =
        wanted.failed || found.failed
            ? cnn_fail_memory(error, name)
            : cnn_fail(error, CNN_ERROR_MODEL,
                       "tensor \"%s\": expected the shape [%s], as its layer has, got %.60s", name,
                       wanted.data, found.data ? found.data : "none");
    cnn_text_free(&wanted);
    cnn_text_free(&found);
    return status;
}

/* Copies one tensor. *left: the bytes that tensors may still take: two may not share them. */
static cnn_status copy_tensor(const cnn_safetensors_bytes *file, const char *name,
                              const cnn_tensor *tensor, size_t *left, float *to, cnn_error *error) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(file->header, name);
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const number_type *type = find_type(cJSON_GetObjectItemCaseSensitive(item, "dtype"));
    size_t begin = 0;
    if (!item) {
        return cnn_fail(error, CNN_ERROR_MODEL, "tensor \"%s\": expected one of this name", name);
    }
    if (!type) {
        return cnn_fail(error, CNN_ERROR_MODEL, "tensor \"%s\": expected F32, F16 or BF16", name);
    }
    if (!has_shape(shape, tensor)) {
        return refuse_shape(name, shape, tensor, error);
    }
    size_t size = tensor->count * type->size; /* parameters are limited, so no overflow */
    if (!has_place(cJSON_GetObjectItemCaseSensitive(item, "data_offsets"), file, size, &begin) ||
        size > *left) {
        return cnn_fail(error, CNN_ERROR_MODEL, "tensor \"%s\": expected a place in the file",
                        name);
    }
    *left -= size;
    copy_numbers(file->data + begin, type, tensor->count, to);
    return CNN_OK;
}

/* Does a layer have a tensor of that name? */
static bool is_known(const cnn_graph *graph, const char *name) {
    for (int n = 0; n < graph->node_count; n++) {
        const cnn_node *node = &graph->nodes[n];
        for (int t = 0; t < node->tensor_count; t++) {
            char full[CNN_TENSOR_NAME_MAX];
            cnn_tensor_full_name(node->path, &node->tensors[t], full);
            if (strcmp(name, full) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Is it a counter that PyTorch's batch normalization has? */
static bool is_counter(const char *name) {
    static const char end[] = ".num_batches_tracked";
    size_t length = strlen(name), end_length = sizeof end - 1;
    return length > end_length && strcmp(name + length - end_length, end) == 0;
}

/* Refuses tensors that no layer has; there are `known` others. */
static cnn_status check_others(const cnn_safetensors_bytes *file, const cnn_graph *graph,
                               size_t known, cnn_error *error) {
    size_t others = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, file->header) {
        others += strcmp(item->string, "__metadata__") != 0 && !is_counter(item->string);
    }
    if (others <= known) {
        return CNN_OK;
    }
    cJSON_ArrayForEach(item, file->header) {
        if (strcmp(item->string, "__metadata__") != 0 && !is_counter(item->string) &&
            !is_known(graph, item->string)) {
            return cnn_fail(error, CNN_ERROR_MODEL,
                            "tensor \"%.80s\": expected a layer that has it, found none",
                            item->string);
        }
    }
    return cnn_fail(error, CNN_ERROR_MODEL, "expected each tensor once, found %zu instead of %zu",
                    others, known);
}

static cnn_status copy_tensors(const cnn_safetensors_bytes *file, cnn_imported *imported,
                               cnn_error *error) {
    const cnn_graph *graph = &imported->graph;
    size_t left = file->data_size, known = 0;
    if (graph->parameter_count > file->data_size / 2) { /* before memory is taken */
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "expected the %zu parameters of the layers, found %zu bytes",
                        graph->parameter_count, file->data_size);
    }
    imported->parameters = cnn_alloc(graph->parameter_count, sizeof *imported->parameters);
    if (!imported->parameters) {
        return cnn_fail_memory(error, "the parameters");
    }
    for (int n = 0; n < graph->node_count; n++) {
        const cnn_node *node = &graph->nodes[n];
        for (int t = 0; t < node->tensor_count; t++, known++) {
            char name[CNN_TENSOR_NAME_MAX];
            cnn_tensor_full_name(node->path, &node->tensors[t], name);
            CNN_TRY(copy_tensor(file, name, &node->tensors[t], &left,
                                imported->parameters + node->tensors[t].offset, error));
        }
    }
    CNN_TRY(check_others(file, graph, known, error));
    return cnn_model_check_finite(imported->parameters, graph->parameter_count, error);
}

cnn_status cnn_safetensors_import(const char *path, const char *layers_path, cnn_imported *imported,
                                  cnn_error *error) {
    cnn_safetensors_bytes file;
    *imported = (cnn_imported){0};
    CNN_TRY(read_layers(layers_path, imported, error));
    CNN_TRY(cnn_safetensors_open(path, "expected a safetensors file, found ", &file, error));
    cnn_status status = copy_tensors(&file, imported, error);
    cnn_safetensors_close(&file);
    return status == CNN_OK ? CNN_OK : cnn_fail_prefix(error, status, "%s: ", path);
}
