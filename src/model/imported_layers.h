/* A list of layers that grows while a foreign file is read: keys as in a config, and tensors by
 * name. */
#ifndef CNN_MODEL_IMPORTED_LAYERS_H
#define CNN_MODEL_IMPORTED_LAYERS_H

#include "base/json_writer.h"
#include "model/safetensors.h"

#include <stdbool.h>

/* A residual has the tensors of its projection and of the batch normalization after it. */
enum { CNN_IMPORTED_KEYS_MAX = 6, CNN_IMPORTED_TENSORS_MAX = 5 };

typedef struct cnn_imported_key {
    const char *name;
    const char *raw; /* the value as JSON; NULL: a number, or a list of `count` numbers */
    double numbers[4];
    int count;
} cnn_imported_key;

typedef struct cnn_imported_tensor {
    const char *name; /* after the layer's path: "weight", "projection.weight" */
    float *data;      /* [count] */
    size_t count;
    int rank;
    int64_t dim[4];
} cnn_imported_tensor;

typedef struct cnn_imported_layer {
    const char *type;
    int depth; /* number of residuals that contain it */
    cnn_imported_key keys[CNN_IMPORTED_KEYS_MAX];
    int key_count;
    cnn_imported_tensor tensors[CNN_IMPORTED_TENSORS_MAX];
    int tensor_count;
} cnn_imported_layer;

/* Starts as {0}. */
typedef struct cnn_imported_layers {
    cnn_imported_layer *items;
    size_t count, capacity;
    int depth;               /* of the next layer */
    bool failed;             /* memory was refused */
    cnn_imported_layer lost; /* what is added then, to be freed with the list */
} cnn_imported_layers;

void cnn_imported_layers_free(cnn_imported_layers *layers);

/* Adds a layer; valid until the next one is added. Never NULL: after a failure, a layer that is
 * not in the list. */
cnn_imported_layer *cnn_imported_add(cnn_imported_layers *layers, const char *type);

/* The last layer at the current depth if nothing follows it, or NULL. */
cnn_imported_layer *cnn_imported_last(const cnn_imported_layers *layers);

/* Removes the last layer. */
void cnn_imported_remove(cnn_imported_layers *layers);

void cnn_imported_number(cnn_imported_layer *layer, const char *key, double number);
void cnn_imported_numbers(cnn_imported_layer *layer, const char *key, const double *numbers,
                          int count);
void cnn_imported_raw(cnn_imported_layer *layer, const char *key, const char *value);
void cnn_imported_remove_key(cnn_imported_layer *layer, const char *key);

/* Gives the layer a tensor, [dim[0]] … [dim[rank - 1]], zeroed. Its data; NULL if memory is
 * refused. */
float *cnn_imported_tensor_add(cnn_imported_layers *layers, cnn_imported_layer *layer,
                               const char *name, const int64_t *dim, int rank);

/* The same with data that the list frees from now on. */
void cnn_imported_tensor_take(cnn_imported_layer *layer, const char *name, float *data,
                              const int64_t *dim, int rank);

/* The layer's tensor of that name, or NULL. */
cnn_imported_tensor *cnn_imported_tensor_of(cnn_imported_layer *layer, const char *name);

/* Writes the list as the value of the key `layers` of a config. */
void cnn_imported_write_layers(const cnn_imported_layers *layers, cnn_json_writer *json);

/* Lists all tensors with the names that they have in a model file. *tensors, [*count], points to
 * the data of the layers; free with cnn_free. */
CNN_MUST_USE cnn_status cnn_imported_list_tensors(const cnn_imported_layers *layers,
                                                  cnn_saved_tensor **tensors, size_t *count,
                                                  cnn_error *error);

#endif
