#include "model/imported_layers.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/layer.h"

#include <stdio.h>
#include <string.h>

/* --- the list --- */

static void free_tensors(cnn_imported_layer *layer) {
    for (int t = 0; t < layer->tensor_count; t++) {
        cnn_free(layer->tensors[t].data);
    }
    layer->tensor_count = 0;
}

void cnn_imported_layers_free(cnn_imported_layers *layers) {
    for (size_t i = 0; i < layers->count; i++) {
        free_tensors(&layers->items[i]);
    }
    free_tensors(&layers->lost);
    cnn_free(layers->items);
    *layers = (cnn_imported_layers){0};
}

cnn_imported_layer *cnn_imported_add(cnn_imported_layers *layers, const char *type) {
    if (!cnn_grow((void **)&layers->items, &layers->capacity, layers->count + 1,
                  sizeof *layers->items)) {
        layers->failed = true;
    }
    free_tensors(&layers->lost);
    cnn_imported_layer *added = layers->failed ? &layers->lost : &layers->items[layers->count++];
    *added = (cnn_imported_layer){.type = type, .depth = layers->depth};
    return added;
}

cnn_imported_layer *cnn_imported_last(const cnn_imported_layers *layers) {
    cnn_imported_layer *last = layers->count > 0 ? &layers->items[layers->count - 1] : NULL;
    return last && last->depth == layers->depth ? last : NULL;
}

void cnn_imported_remove(cnn_imported_layers *layers) {
    free_tensors(&layers->items[--layers->count]);
}

/* --- keys --- */

static cnn_imported_key *add_key(cnn_imported_layer *layer, const char *name) {
    cnn_imported_key *key = &layer->keys[layer->key_count++];
    *key = (cnn_imported_key){.name = name};
    return key;
}

void cnn_imported_numbers(cnn_imported_layer *layer, const char *name, const double *numbers,
                          int count) {
    cnn_imported_key *key = add_key(layer, name);
    key->count = count;
    memcpy(key->numbers, numbers, (size_t)count * sizeof *numbers);
}

void cnn_imported_number(cnn_imported_layer *layer, const char *name, double number) {
    cnn_imported_numbers(layer, name, &number, 1);
}

void cnn_imported_raw(cnn_imported_layer *layer, const char *name, const char *value) {
    add_key(layer, name)->raw = value;
}

void cnn_imported_remove_key(cnn_imported_layer *layer, const char *name) {
    int kept = 0;
    for (int k = 0; k < layer->key_count; k++) {
        if (strcmp(layer->keys[k].name, name) != 0) {
            layer->keys[kept++] = layer->keys[k];
        }
    }
    layer->key_count = kept;
}

/* --- tensors --- */

float *cnn_imported_tensor_add(cnn_imported_layers *layers, cnn_imported_layer *layer,
                               const char *name, const int64_t *dim, int rank) {
    size_t count = 1;
    bool fits = !layers->failed;
    for (int d = 0; d < rank; d++) {
        fits = fits && cnn_multiply_size(count, (size_t)dim[d], &count);
    }
    float *data = fits ? cnn_alloc(count, sizeof *data) : NULL;
    if (!data) {
        layers->failed = true;
        return NULL;
    }
    cnn_imported_tensor_take(layer, name, data, dim, rank);
    return data;
}

void cnn_imported_tensor_take(cnn_imported_layer *layer, const char *name, float *data,
                              const int64_t *dim, int rank) {
    cnn_imported_tensor *tensor = &layer->tensors[layer->tensor_count++];
    *tensor = (cnn_imported_tensor){.name = name, .data = data, .count = 1, .rank = rank};
    for (int d = 0; d < rank; d++) {
        tensor->count *= (size_t)dim[d];
        tensor->dim[d] = dim[d];
    }
}

cnn_imported_tensor *cnn_imported_tensor_of(cnn_imported_layer *layer, const char *name) {
    for (int t = 0; t < layer->tensor_count; t++) {
        if (strcmp(layer->tensors[t].name, name) == 0) {
            return &layer->tensors[t];
        }
    }
    return NULL;
}

/* --- writing --- */

static void write_key(const cnn_imported_key *key, cnn_json_writer *json) {
    cnn_json_key(json, key->name);
    if (key->raw) {
        cnn_json_raw(json, key->raw);
    } else if (key->count == 1) {
        cnn_json_number(json, key->numbers[0]);
    } else {
        cnn_json_begin_array(json);
        for (int i = 0; i < key->count; i++) {
            cnn_json_number(json, key->numbers[i]);
        }
        cnn_json_end(json);
    }
}

void cnn_imported_write_layers(const cnn_imported_layers *layers, cnn_json_writer *json) {
    int open = 0; /* residuals whose lists are not ended */
    cnn_json_begin_array(json);
    for (size_t i = 0; i < layers->count; i++) {
        const cnn_imported_layer *layer = &layers->items[i];
        for (; open > layer->depth; open--) {
            cnn_json_end(json);
            cnn_json_end(json);
        }
        cnn_json_begin_object(json);
        cnn_json_string(cnn_json_key(json, "type"), layer->type);
        for (int k = 0; k < layer->key_count; k++) {
            write_key(&layer->keys[k], json);
        }
        if (i + 1 < layers->count && layers->items[i + 1].depth > layer->depth) {
            cnn_json_begin_array(cnn_json_key(json, "layers"));
            open++;
        } else {
            cnn_json_end(json);
        }
    }
    for (; open > 0; open--) {
        cnn_json_end(json);
        cnn_json_end(json);
    }
    cnn_json_end(json);
}

static void list_tensors(const cnn_imported_layer *layer, const char *path, cnn_saved_tensor *to) {
    for (int t = 0; t < layer->tensor_count; t++, to++) {
        const cnn_imported_tensor *from = &layer->tensors[t];
        *to = (cnn_saved_tensor){.rank = from->rank, .count = from->count, .data = from->data};
        memcpy(to->dim, from->dim, sizeof to->dim);
        (void)snprintf(to->name, sizeof to->name, "%s.%s", path, from->name);
    }
}

cnn_status cnn_imported_list_tensors(const cnn_imported_layers *layers, cnn_saved_tensor **tensors,
                                     size_t *count, cnn_error *error) {
    /* the number of the next layer of each open list, and the path of the list */
    int next[CNN_RESIDUAL_DEPTH_MAX + 2] = {0};
    char lists[CNN_RESIDUAL_DEPTH_MAX + 2][CNN_LAYER_PATH_MAX] = {""};
    *count = 0;
    for (size_t i = 0; i < layers->count; i++) {
        *count += (size_t)layers->items[i].tensor_count;
    }
    *tensors = cnn_alloc(*count, sizeof **tensors);
    if (!*tensors || layers->failed) {
        cnn_free(*tensors);
        *tensors = NULL;
        return cnn_fail_memory(error, "the weights");
    }
    cnn_saved_tensor *to = *tensors;
    for (size_t i = 0; i < layers->count; i++) {
        const cnn_imported_layer *layer = &layers->items[i];
        char path[CNN_LAYER_PATH_MAX];
        (void)snprintf(path, sizeof path, "%.50s%d", lists[layer->depth], next[layer->depth]++);
        list_tensors(layer, path, to);
        to += layer->tensor_count;
        next[layer->depth + 1] = 0;
        (void)snprintf(lists[layer->depth + 1], sizeof lists[0], "%.50s.layers.", path);
    }
    return CNN_OK;
}
