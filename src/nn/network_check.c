/* Do the layers of a specification fit together? Names, shapes and sizes of what they make. */
#include "nn/network.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* Offsets inside a block are 32-bit: this many floats at most. */
#define BLOCK_LIMIT ((size_t)1 << 30)
/* Parameters are indexed by 32-bit offsets, too. */
#define PARAMETER_LIMIT ((size_t)1 << 30)

/* --- places --- */

void cnn_layer_path(const cnn_network_spec *spec, int layer, bool place,
                    char path[CNN_LAYER_PATH_MAX]) {
    int index[CNN_RESIDUAL_DEPTH_MAX + 2]; /* in the list of each depth */
    int depth = 0;
    index[0] = -1;
    for (int i = 0; i <= layer; i++) {
        const cnn_layer_spec *at = &spec->layers[i];
        if (at->ops->role == CNN_LAYER_SUM && depth > 0) {
            depth--;
        } else if (!at->projects) {
            index[depth]++;
        }
        if (at->ops->role == CNN_LAYER_FORK && i < layer && depth <= CNN_RESIDUAL_DEPTH_MAX) {
            index[++depth] = -1;
        }
    }
    const char *const first = place ? "layers[%d]" : "%d";
    const char *const others = place ? ".layers[%d]" : ".layers.%d";
    bool projects = spec->layers[layer].projects;
    size_t used = 0;
    path[0] = '\0';
    for (int i = 0; i <= depth - projects && used < CNN_LAYER_PATH_MAX; i++) {
        used += (size_t)snprintf(path + used, CNN_LAYER_PATH_MAX - used, i == 0 ? first : others,
                                 index[i]);
    }
    if (projects && !place && used < CNN_LAYER_PATH_MAX) {
        (void)snprintf(path + used, CNN_LAYER_PATH_MAX - used, ".projection");
    }
}

void cnn_tensor_full_name(const char *path, const cnn_tensor *tensor,
                          char name[CNN_TENSOR_NAME_MAX]) {
    (void)snprintf(name, CNN_TENSOR_NAME_MAX, "%s.%s", path, tensor->name);
}

int cnn_layer_sources(const cnn_network_spec *spec, int layer, int *source, int *shortcut) {
    const cnn_layer_spec *layers = spec->layers;
    *source = *shortcut = layer;
    bool is_sum = layers[layer].ops->role == CNN_LAYER_SUM;
    if (!is_sum && !layers[layer].projects) {
        return -1;
    }
    int fork = layer - 1;
    for (int inside = 0; fork > 0; fork--) {
        if (layers[fork].ops->role == CNN_LAYER_FORK && inside-- == 0) {
            break;
        }
        inside += layers[fork].ops->role == CNN_LAYER_SUM;
    }
    if (!is_sum) {
        *source = fork + 1;
        return -1;
    }
    if (layers[layer - 1].projects) {
        *source = layer - 1;
    } else {
        *shortcut = fork + 1;
    }
    return fork;
}

/* --- shapes through residuals --- */

/* Where a walk through the layers has come to. */
typedef struct shape_walk {
    cnn_shape shape;                        /* what the next layer reads */
    cnn_shape fork[CNN_RESIDUAL_DEPTH_MAX]; /* the inputs of the residuals around it */
    int depth;
} shape_walk;

static bool same_shape(const cnn_shape *a, const cnn_shape *b) {
    return a->channels == b->channels && a->height == b->height && a->width == b->width &&
           a->flat == b->flat;
}

static cnn_status fail_sum(const cnn_shape *from, const cnn_shape *to, cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "layers: expected an output that can be added to the input, directly or "
                    "through a 1×1 convolution, got %d×%d×%d from %d×%d×%d%s",
                    to->channels, to->height, to->width, from->channels, from->height, from->width,
                    from->flat || to->flat ? "" : " (padding \"same\" keeps rows and columns)");
}

/* One layer: *in and *out are its shapes. */
static cnn_status walk_layer(shape_walk *walk, const cnn_layer_spec *layer, cnn_shape *in,
                             cnn_shape *out, cnn_error *error) {
    const cnn_shape *fork = walk->depth > 0 ? &walk->fork[walk->depth - 1] : NULL;
    *in = layer->projects && fork ? *fork : walk->shape;
    if (layer->projects && fork && fork->flat) {
        return fail_sum(fork, &walk->shape, error);
    }
    cnn_status status = layer->ops->infer_shape(layer, in, out, error);
    if (status != CNN_OK) {
        return status;
    }
    if (layer->ops->role == CNN_LAYER_FORK) {
        if (walk->depth == CNN_RESIDUAL_DEPTH_MAX) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "layers: expected at most %d residuals in each other",
                            CNN_RESIDUAL_DEPTH_MAX);
        }
        walk->fork[walk->depth++] = *in;
    } else if (layer->projects) {
        if (!same_shape(out, &walk->shape)) {
            return fail_sum(in, &walk->shape, error);
        }
    } else if (layer->ops->role == CNN_LAYER_SUM) {
        walk->depth -= walk->depth > 0;
    }
    walk->shape = *out;
    return CNN_OK;
}

/* The stride that makes one shape's rows and columns the other's; 0: none. */
static int projection_stride(const cnn_shape *from, const cnn_shape *to) {
    for (int stride = 1; stride <= 31; stride++) {
        if ((from->height - 1) / stride + 1 == to->height &&
            (from->width - 1) / stride + 1 == to->width) {
            return stride;
        }
    }
    return 0;
}

void cnn_network_resolve(cnn_network_spec *spec) {
    shape_walk walk = {.shape = spec->input};
    for (int i = 0; i < spec->layer_count; i++) {
        cnn_layer_spec *layer = &spec->layers[i];
        const cnn_shape *fork = walk.depth > 0 ? &walk.fork[walk.depth - 1] : NULL;
        if (layer->projects && fork && same_shape(fork, &walk.shape)) {
            memmove(layer, layer + 1, (size_t)(--spec->layer_count - i) * sizeof *layer);
        } else if (layer->projects && fork) {
            int stride = projection_stride(fork, &walk.shape);
            cnn_layer_make_projection(walk.shape.channels, stride > 0 ? stride : 1, layer);
        }
        cnn_shape in, out;
        if (walk_layer(&walk, &spec->layers[i], &in, &out, NULL) != CNN_OK) {
            return; /* cnn_network_check says what is wrong */
        }
    }
}

/* --- checking --- */

/* Values of a shape, or false beyond BLOCK_LIMIT (with room for borders). */
static bool shape_fits(const cnn_shape *shape) {
    size_t count = (size_t)shape->channels;
    size_t rows = (size_t)shape->height + 64;
    size_t columns = (size_t)shape->width + 64;
    return cnn_multiply_size(count, rows, &count) && cnn_multiply_size(count, columns, &count) &&
           cnn_multiply_size(count, CNN_LANES, &count) && count <= BLOCK_LIMIT;
}

static bool tensors_fit(const cnn_layer_ops *ops, const cnn_layer_spec *spec, const cnn_shape *in,
                        const cnn_shape *out, size_t *total) {
    cnn_tensor tensors[CNN_LAYER_TENSORS_MAX];
    int count = ops->tensors ? ops->tensors(spec, in, out, tensors) : 0;
    for (int i = 0; i < count; i++) {
        size_t size = 1;
        for (int d = 0; d < tensors[i].rank; d++) {
            if (!cnn_multiply_size(size, (size_t)tensors[i].dim[d], &size) ||
                size > PARAMETER_LIMIT) {
                return false;
            }
        }
        *total += size;
    }
    return *total <= PARAMETER_LIMIT;
}

/* The last two layers must be dense with one unit, and sigmoid. */
static cnn_status check_ending(const cnn_network_spec *spec, const cnn_shape *out,
                               cnn_error *error) {
    int last = spec->layer_count - 1;
    const char *name = last >= 0 ? spec->layers[last].ops->name : "nothing";
    if (strcmp(name, "sigmoid") != 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "layers[%d].type: expected sigmoid as the last layer, got %s",
                        last < 0 ? 0 : last, name);
    }
    name = last >= 1 ? spec->layers[last - 1].ops->name : "nothing";
    if (strcmp(name, "dense") != 0) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "layers[%d].type: expected dense with 1 unit before the last sigmoid, got %s",
            last < 1 ? 0 : last - 1, name);
    }
    if (out->channels != 1) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "layers[%d].units: expected 1 in the last dense layer, got %d", last - 1,
                        out->channels);
    }
    return CNN_OK;
}

cnn_status cnn_network_check(const cnn_network_spec *spec, cnn_shape *shapes, cnn_error *error) {
    if (spec->layer_count > CNN_LAYERS_MAX) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "layers: expected at most %d layers, got %d",
                        CNN_LAYERS_MAX, spec->layer_count);
    }
    shape_walk walk = {.shape = spec->input};
    size_t parameters = 0;
    if (!shape_fits(&spec->input)) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "image: expected a smaller input, got %d×%d×%d",
                        spec->input.channels, spec->input.height, spec->input.width);
    }
    for (int i = 0; i < spec->layer_count; i++) {
        const cnn_layer_spec *layer = &spec->layers[i];
        cnn_shape in, out;
        char place[CNN_LAYER_PATH_MAX];
        cnn_layer_path(spec, i, true, place);
        cnn_status status = walk_layer(&walk, layer, &in, &out, error);
        if (status != CNN_OK) {
            return cnn_fail_prefix(error, status, "%s.", place);
        }
        /* a flat shape has no border: flatten's output is as large as its input was */
        if (!out.flat && !shape_fits(&out)) {
            return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a smaller output, got %d×%d×%d",
                            place, out.channels, out.height, out.width);
        }
        if (!tensors_fit(layer->ops, layer, &in, &out, &parameters)) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "%s: expected at most %zu million parameters in all, got more", place,
                            PARAMETER_LIMIT >> 20);
        }
        if (shapes) {
            shapes[i] = out;
        }
    }
    return check_ending(spec, &walk.shape, error);
}
