#include "nn/graph.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* Offsets inside a block are 32-bit: this many floats at most. */
#define BLOCK_LIMIT ((size_t)1 << 30)
/* Parameters are indexed by 32-bit offsets, too. */
#define PARAMETER_LIMIT ((size_t)1 << 30)

/* A graph that is being built. */
struct cnn_graph_builder {
    const cnn_network_spec *spec;
    cnn_graph *graph;
    int next;   /* layer of the specification */
    int serial; /* of the next node */
    /* Of the current layer: its path ("3.layers.0"), and its place in the config
     * ("layers[3].layers[0]"). */
    char path[CNN_LAYER_PATH_MAX], place[CNN_LAYER_PATH_MAX];
};

/* --- limits --- */

/* Is a block of the shape, with borders, smaller than BLOCK_LIMIT? */
static bool shape_fits(const cnn_shape *shape) {
    size_t count = (size_t)shape->channels;
    size_t rows = (size_t)shape->height + 64;
    size_t columns = (size_t)shape->width + 64;
    return cnn_multiply_size(count, rows, &count) && cnn_multiply_size(count, columns, &count) &&
           cnn_multiply_size(count, CNN_LANES, &count) && count <= BLOCK_LIMIT;
}

/* Sets the offsets of the tensors of a node; false beyond PARAMETER_LIMIT. */
static bool place_tensors(cnn_graph *graph, cnn_node *node) {
    node->parameter_offset = graph->parameter_count;
    for (int i = 0; i < node->tensor_count; i++) {
        cnn_tensor *tensor = &node->tensors[i];
        tensor->offset = graph->parameter_count;
        tensor->count = 1;
        for (int d = 0; d < tensor->rank; d++) {
            if (!cnn_multiply_size(tensor->count, (size_t)tensor->dim[d], &tensor->count) ||
                tensor->count > PARAMETER_LIMIT) {
                return false;
            }
        }
        graph->parameter_count += tensor->count;
    }
    node->parameter_count = graph->parameter_count - node->parameter_offset;
    return graph->parameter_count <= PARAMETER_LIMIT;
}

/* --- building --- */

static cnn_status count_layer(cnn_graph_builder *builder, cnn_error *error) {
    if (builder->serial == CNN_LAYERS_MAX) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "layers: expected at most %d layers, got more",
                        CNN_LAYERS_MAX);
    }
    builder->serial++;
    return CNN_OK;
}

cnn_status cnn_graph_append(cnn_graph_builder *builder, const cnn_layer_spec *spec,
                            const int *inputs, int input_count, const char *suffix, int *number,
                            cnn_error *error) {
    cnn_graph *graph = builder->graph;
    cnn_node *node = &graph->nodes[graph->node_count];
    *node = (cnn_node){.ops = spec->ops, .spec = *spec, .serial = builder->serial};
    (void)snprintf(node->path, sizeof node->path, "%.55s%s", builder->path, suffix);
    CNN_TRY(count_layer(builder, error));
    cnn_shape in[CNN_NODE_INPUTS_MAX] = {{0}};
    node->input_count = input_count;
    for (int i = 0; i < input_count; i++) {
        const cnn_node *input = &graph->nodes[inputs[i]];
        node->input[i] = inputs[i];
        in[i] = input->out;
        node->has_gradient = node->has_gradient || input->has_gradient;
    }
    node->in = in[0];
    node->needs_dx = graph->nodes[inputs[0]].has_gradient;
    cnn_status status = spec->ops->infer_shape(spec, in, &node->out, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s.", builder->place);
    }
    node->stored = node->out;
    /* a flat shape has no border: the output of flatten is as large as its input */
    if (!node->out.flat && !shape_fits(&node->out)) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a smaller output, got %d×%d×%d",
                        builder->place, node->out.channels, node->out.height, node->out.width);
    }
    if (spec->ops->tensors) {
        node->tensor_count = spec->ops->tensors(spec, in, &node->out, node->tensors);
    }
    if (!place_tensors(graph, node)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: expected at most %zu million parameters in all, got more",
                        builder->place, PARAMETER_LIMIT >> 20);
    }
    node->has_gradient = node->has_gradient || node->parameter_count > 0;
    *number = graph->node_count++;
    return CNN_OK;
}

const cnn_shape *cnn_graph_shape(const cnn_graph_builder *builder, int node) {
    return &builder->graph->nodes[node].out;
}

const char *cnn_graph_place(const cnn_graph_builder *builder) {
    return builder->place;
}

/* The position of a list of layers: the text before the number of each layer, in a path and in a
 * place. */
typedef struct list_prefix {
    char path[CNN_LAYER_PATH_MAX], place[CNN_LAYER_PATH_MAX];
    int depth;
} list_prefix;

static void go_to(cnn_graph_builder *builder, const list_prefix *prefix, int index) {
    (void)snprintf(builder->path, sizeof builder->path, "%.55s%d", prefix->path, index);
    (void)snprintf(builder->place, sizeof builder->place, "%.52slayers[%d]", prefix->place, index);
}

static cnn_status append_list(cnn_graph_builder *builder, const list_prefix *prefix, int input,
                              int *output, cnn_error *error);

/* A layer that contains others: builder->next is the first of them. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as CNN_RESIDUAL_DEPTH_MAX */
static cnn_status append_block(cnn_graph_builder *builder, const list_prefix *prefix, int index,
                               int *value, cnn_error *error) {
    if (prefix->depth == CNN_RESIDUAL_DEPTH_MAX) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s.layers: expected at most %d residuals in each other", builder->place,
                        CNN_RESIDUAL_DEPTH_MAX);
    }
    const cnn_layer_spec *layer = &builder->spec->layers[builder->next - 1];
    list_prefix inner = {.depth = prefix->depth + 1};
    (void)snprintf(inner.path, sizeof inner.path, "%.55s.layers.", builder->path);
    (void)snprintf(inner.place, sizeof inner.place, "%.70s.", builder->place);
    CNN_TRY(count_layer(builder, error));
    int last;
    CNN_TRY(append_list(builder, &inner, *value, &last, error));
    go_to(builder, prefix, index);
    return layer->ops->join(builder, layer, *value, last, value, error);
}

/* The layers of a list, each reading the one before it, the first one `input`. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static cnn_status append_list(cnn_graph_builder *builder, const list_prefix *prefix, int input,
                              int *output, cnn_error *error) {
    *output = input;
    for (int index = 0; builder->next < builder->spec->layer_count; index++) {
        const cnn_layer_spec *layer = &builder->spec->layers[builder->next];
        if (layer->depth < prefix->depth) {
            break;
        }
        builder->next++;
        go_to(builder, prefix, index);
        if (layer->ops->join) {
            CNN_TRY(append_block(builder, prefix, index, output, error));
        } else {
            CNN_TRY(cnn_graph_append(builder, layer, output, 1, "", output, error));
        }
    }
    return CNN_OK;
}

/* --- checking --- */

/* The last two layers must be dense with one unit, and sigmoid. */
static cnn_status check_ending(const cnn_network_spec *spec, cnn_error *error) {
    const cnn_layer_spec *ending[2] = {NULL, NULL}; /* outside of residuals: the last, one before */
    int last = -1;
    for (int i = 0; i < spec->layer_count; i++) {
        if (spec->layers[i].depth == 0) {
            ending[1] = ending[0];
            ending[0] = &spec->layers[i];
            last++;
        }
    }
    if (!ending[0] || ending[0]->ops != &cnn_layer_sigmoid) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "layers[%d].type: expected sigmoid as the last layer, got %s",
                        last < 0 ? 0 : last, ending[0] ? ending[0]->ops->name : "nothing");
    }
    if (!ending[1] || ending[1]->ops != &cnn_layer_dense) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "layers[%d].type: expected dense with 1 unit before the last sigmoid, got %s",
            last < 1 ? 0 : last - 1, ending[1] ? ending[1]->ops->name : "nothing");
    }
    return CNN_OK;
}

/* Counts layers independently of shapes: the sum of a residual counts as one. */
static cnn_status check_count(const cnn_network_spec *spec, cnn_error *error) {
    int count = spec->layer_count;
    for (int i = 0; i < spec->layer_count; i++) {
        count += spec->layers[i].ops->join != NULL;
    }
    if (count > CNN_LAYERS_MAX) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "layers: expected at most %d layers, got %d",
                        CNN_LAYERS_MAX, count);
    }
    return CNN_OK;
}

static cnn_status build(const cnn_network_spec *spec, cnn_graph *graph, cnn_error *error) {
    cnn_graph_builder builder = {.spec = spec, .graph = graph};
    if (!shape_fits(&spec->input)) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "image: expected a smaller input, got %d×%d×%d",
                        spec->input.channels, spec->input.height, spec->input.width);
    }
    graph->nodes[0] = (cnn_node){.ops = &cnn_layer_image,
                                 .spec = {.ops = &cnn_layer_image},
                                 .serial = -1,
                                 .in = spec->input,
                                 .out = spec->input,
                                 .stored = spec->input};
    graph->node_count = 1;
    const list_prefix top = {.depth = 0};
    int last;
    CNN_TRY(append_list(&builder, &top, 0, &last, error));
    if (spec->features) {
        const cnn_layer_spec end = {.ops = &cnn_layer_features};
        return cnn_graph_append(&builder, &end, &last, 1, "", &last, error);
    }
    CNN_TRY(check_ending(spec, error));
    if (graph->nodes[last].out.channels != 1) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "layers[%s].units: expected 1 in the last dense layer, got %d",
                        graph->nodes[last - 1].path, graph->nodes[last].out.channels);
    }
    return CNN_OK;
}

cnn_status cnn_graph_create(const cnn_network_spec *spec, cnn_graph *graph, cnn_error *error) {
    *graph = (cnn_graph){0};
    CNN_TRY(check_count(spec, error));
    /* the image, the features, and a residual is at most a projection, its normalization and a sum
     */
    size_t room = 3 + 3 * (size_t)spec->layer_count;
    graph->nodes = cnn_alloc(room, sizeof *graph->nodes);
    if (!graph->nodes) {
        return cnn_fail_memory(error, "the network's graph");
    }
    cnn_status status = build(spec, graph, error);
    if (status != CNN_OK) {
        cnn_graph_free(graph);
    }
    return status;
}

cnn_status cnn_graph_check(const cnn_network_spec *spec, cnn_error *error) {
    cnn_graph graph;
    CNN_TRY(cnn_graph_create(spec, &graph, error));
    cnn_graph_free(&graph);
    return CNN_OK;
}

cnn_status cnn_graph_copy(const cnn_graph *from, cnn_graph *to, cnn_error *error) {
    *to = *from;
    to->nodes = cnn_alloc((size_t)from->node_count, sizeof *to->nodes);
    if (!to->nodes) {
        return cnn_fail_memory(error, "the network's graph");
    }
    for (int i = 0; i < from->node_count; i++) {
        to->nodes[i] = from->nodes[i];
        to->nodes[i].origin = i;
    }
    return CNN_OK;
}

void cnn_graph_free(cnn_graph *graph) {
    cnn_free(graph->nodes);
    *graph = (cnn_graph){0};
}

/* --- walking and changing --- */

int cnn_graph_result(const cnn_graph *graph) {
    return graph->nodes[graph->node_count - 1].input[0];
}

int cnn_graph_readers(const cnn_graph *graph, int node, int *reader) {
    int count = 0;
    *reader = 0;
    for (int i = node + 1; i < graph->node_count; i++) {
        for (int k = 0; k < graph->nodes[i].input_count; k++) {
            if (graph->nodes[i].input[k] == node) {
                *reader = count == 0 ? i : *reader;
                count++;
            }
        }
    }
    return count;
}

bool cnn_graph_reads_first(const cnn_graph *graph, int n, int k) {
    const cnn_node *node = &graph->nodes[n];
    int first;
    (void)cnn_graph_readers(graph, node->input[k], &first);
    for (int i = 0; i < k; i++) {
        if (node->input[i] == node->input[k]) {
            return false;
        }
    }
    return first == n;
}

void cnn_graph_remove(cnn_graph *graph, int node) {
    int before = graph->nodes[node].input[0];
    graph->node_count--;
    memmove(&graph->nodes[node], &graph->nodes[node + 1],
            (size_t)(graph->node_count - node) * sizeof *graph->nodes);
    for (int i = node; i < graph->node_count; i++) {
        for (int k = 0; k < graph->nodes[i].input_count; k++) {
            int *input = &graph->nodes[i].input[k];
            *input = *input == node ? before : *input > node ? *input - 1 : *input;
        }
    }
}

void cnn_graph_place_parameters(cnn_graph *graph) {
    graph->parameter_count = 0;
    for (int i = 0; i < graph->node_count; i++) {
        (void)place_tensors(graph, &graph->nodes[i]); /* they were checked before */
    }
}

double cnn_node_flops(const cnn_node *node) {
    return node->ops->flops ? node->ops->flops(node) : 0.0;
}

double cnn_graph_flops(const cnn_graph *graph) {
    double flops = 0.0;
    for (int i = 0; i < graph->node_count; i++) {
        flops += cnn_node_flops(&graph->nodes[i]);
    }
    return flops;
}
