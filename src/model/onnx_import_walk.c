/* From a graph to a list of layers: one node after the other, and branches that join again as
 * residuals. */
#include "model/onnx_importer.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

/* --- where branches join --- */

/* Counts the edges of a node, not cut, that read a value which `reached` marks. */
static int count_reached(const cnn_onnx_graph *graph, int node, const bool *reached) {
    const cnn_onnx_operation *operation = &graph->nodes[node];
    int count = 0;
    for (int k = 0; k < operation->edge_count; k++) {
        const cnn_onnx_edge *edge = &graph->edges[operation->first_edge + k];
        count += edge->data && !edge->cut && reached[edge->value];
    }
    return count;
}

/* The first node that all ways from a value pass; -1: there is none. Its position is that where
 * no other edge is open, as nodes are in the order in which they are computed. */
static int sweep(const cnn_onnx_graph *graph, int value, bool *reached) {
    int edge;
    int open = cnn_onnx_readers(graph, value, &edge);
    reached[value] = true;
    for (int n = graph->values[value].writer + 1; n < graph->node_count; n++) {
        int count = graph->nodes[n].needed ? count_reached(graph, n, reached) : 0;
        if (count == 0) {
            continue;
        }
        open -= count;
        if (open == 0) {
            return n;
        }
        int output = graph->nodes[n].output;
        int readers = output >= 0 ? cnn_onnx_readers(graph, output, &edge) : 0;
        if (readers == 0) {
            return -1;
        }
        reached[output] = true;
        open += readers;
    }
    return -1;
}

static cnn_status find_join(const cnn_onnx_graph *graph, int value, int *join, cnn_error *error) {
    bool *reached = cnn_alloc(graph->value_count, sizeof *reached);
    if (!reached) {
        return cnn_fail_memory(error, "the network");
    }
    *join = sweep(graph, value, reached);
    cnn_free(reached);
    if (*join < 0) {
        int edge;
        (void)cnn_onnx_readers(graph, value, &edge);
        return cnn_onnx_refuse(graph, graph->edges[edge].node, error,
                               "starts a branch that does not join the others again");
    }
    return CNN_OK;
}

/* --- x times its sigmoid --- */

/* Is the product `join` that of the value and of its sigmoid? */
static bool is_silu(const cnn_onnx_graph *graph, int value, int join) {
    for (int k = 0; k < 2; k++) {
        int other = cnn_onnx_input_of(graph, join, 1 - k);
        if (cnn_onnx_input_of(graph, join, k) == value && other >= 0) {
            int writer = graph->values[other].writer, edge;
            return writer >= 0 && cnn_onnx_node_is(graph, writer, "Sigmoid") &&
                   cnn_onnx_input_of(graph, writer, 0) == value &&
                   cnn_onnx_readers(graph, value, &edge) == 2 &&
                   cnn_onnx_readers(graph, other, &edge) == 1;
        }
    }
    return false;
}

/* --- residuals --- */

/* What the shortcut does. */
typedef struct shortcut {
    int edge;          /* of the value that the block starts with */
    int conv;          /* the node of its projection; -1: it does nothing */
    int normalization; /* after the projection; -1: none */
} shortcut;

static bool has_one_reader(const cnn_onnx_graph *graph, int value) {
    int edge;
    return cnn_onnx_readers(graph, value, &edge) == 1;
}

/* Has the node weights of 1×1? */
static bool is_pointwise(const cnn_onnx_graph *graph, int node) {
    int weight = cnn_onnx_input_of(graph, node, 1);
    const Onnx__TensorProto *tensor = weight >= 0 ? graph->values[weight].tensor : NULL;
    return tensor && tensor->n_dims == 4 && tensor->dims[2] == 1 && tensor->dims[3] == 1;
}

/* Is input k of the node `join` the value itself, or a convolution of it, perhaps normalized? */
static bool find_shortcut(const cnn_onnx_graph *graph, int value, int join, int k,
                          shortcut *found) {
    *found = (shortcut){.edge = graph->nodes[join].first_edge + k, .conv = -1, .normalization = -1};
    int from = cnn_onnx_input_of(graph, join, k);
    if (from == value) {
        return true;
    }
    int node = graph->values[from].writer;
    if (node >= 0 && cnn_onnx_node_is(graph, node, "BatchNormalization") &&
        has_one_reader(graph, from)) {
        found->normalization = node;
        from = cnn_onnx_input_of(graph, node, 0);
        node = from >= 0 ? graph->values[from].writer : -1;
    }
    if (node < 0 || !cnn_onnx_node_is(graph, node, "Conv") || !has_one_reader(graph, from) ||
        cnn_onnx_input_of(graph, node, 0) != value || !is_pointwise(graph, node)) {
        return false;
    }
    found->edge = graph->nodes[node].first_edge;
    found->conv = node;
    return true;
}

/* Finds out which input of the sum is the shortcut; *rest: the other. */
static cnn_status choose_shortcut(const cnn_onnx_graph *graph, int value, int join,
                                  shortcut *chosen, int *rest, cnn_error *error) {
    shortcut found[2];
    bool fits[2] = {false, false};
    for (int k = 0; k < 2; k++) {
        fits[k] = cnn_onnx_input_of(graph, join, k) >= 0 &&
                  find_shortcut(graph, value, join, k, &found[k]);
    }
    if (!fits[0] && !fits[1]) {
        return cnn_onnx_refuse(graph, join, error,
                               "expected one branch that does nothing, or is a 1×1 Conv");
    }
    /* nothing comes before a convolution, and the second before the first */
    int k = !fits[1] || (fits[0] && found[0].conv < 0 && found[1].conv >= 0) ? 0 : 1;
    *chosen = found[k];
    *rest = 1 - k;
    return CNN_OK;
}

/* The stride that nn/layer_residual.c chooses for a projection: the smallest that fits. */
static bool is_smallest_stride(const cnn_shape *from, const cnn_shape *to, int stride) {
    for (int smaller = 1; smaller < stride; smaller++) {
        if ((from->height - 1) / smaller + 1 == to->height &&
            (from->width - 1) / smaller + 1 == to->width) {
            return to->height == 1 && to->width == 1; /* any stride reads the same place */
        }
    }
    return true;
}

static cnn_status check_projection(cnn_onnx_importer *importer, int node, const cnn_onnx_conv *conv,
                                   const cnn_shape *to, cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    const cnn_shape *from = &importer->shape;
    const cnn_onnx_window *window = &conv->window;
    if (window->size != 1 || conv->groups != 1 || window->pads[0] + window->pads[1] > 0 ||
        window->pads[2] + window->pads[3] > 0) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected a shortcut of 1×1 without groups and padding");
    }
    if (conv->weight.dim[0] != to->channels || window->rows != to->height ||
        window->columns != to->width || to->flat || !is_smallest_stride(from, to, window->stride)) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected a shortcut from %d×%d×%d to %d×%d×%d, with the smallest "
                               "stride",
                               from->channels, from->height, from->width, to->channels, to->height,
                               to->width);
    }
    if (cnn_shape_equal(from, to)) {
        return cnn_onnx_refuse(graph, node, error,
                               "expected a shortcut that does nothing where the shapes are equal");
    }
    return CNN_OK;
}

/* y = weight (x - mean) / sqrt(variance + eps) + bias, merged into the projection. */
static cnn_status merge_normalization(cnn_onnx_importer *importer, cnn_imported_layer *residual,
                                      const cnn_onnx_normalization *normalization,
                                      cnn_error *error) {
    size_t count = normalization->tensors[0].count;
    cnn_onnx_affine affine = {.scale = cnn_alloc(count, sizeof *affine.scale),
                              .shift = cnn_alloc(count, sizeof *affine.shift),
                              .count = (int)count};
    cnn_status status = CNN_OK;
    if (affine.scale && affine.shift) {
        cnn_onnx_fill_normalization(normalization, &affine);
        status = cnn_onnx_merge_affine(importer, residual, &affine, "projection.weight",
                                       "projection.bias", error);
    } else {
        status = cnn_fail_memory(error, "the weights");
    }
    cnn_onnx_affine_free(&affine);
    return status;
}

/* A normalization after the projection becomes the residual's own if it has the default eps and
 * follows a convolution without a bias; else it is merged. */
static cnn_status add_normalization(cnn_onnx_importer *importer, cnn_imported_layer *residual,
                                    int node, bool has_bias, int channels, cnn_error *error) {
    static const char *const names[4] = {"batchnorm.weight", "batchnorm.bias",
                                         "batchnorm.running_mean", "batchnorm.running_var"};
    cnn_onnx_normalization normalization;
    cnn_status status =
        cnn_onnx_read_normalization(importer, node, channels, &normalization, error);
    if (status == CNN_OK && !has_bias && (float)normalization.eps <= 1e-5f &&
        (float)normalization.eps >= 1e-5f) {
        cnn_imported_raw(residual, "projection", "\"batchnorm\"");
        cnn_onnx_move_normalization(residual, &normalization, names);
    } else if (status == CNN_OK) {
        status = merge_normalization(importer, residual, &normalization, error);
    }
    cnn_onnx_normalization_free(&normalization);
    return status;
}

/* Gives the residual the weights of its shortcut. The value that was reached is its input. */
static cnn_status fill_projection(cnn_onnx_importer *importer, const shortcut *from,
                                  cnn_onnx_conv *conv, cnn_imported_layer *residual,
                                  const cnn_shape *to, cnn_error *error) {
    bool has_bias = cnn_onnx_input_of(&importer->graph, from->conv, 2) >= 0;
    CNN_TRY(cnn_onnx_read_conv(importer, from->conv, conv, error));
    CNN_TRY(check_projection(importer, from->conv, conv, to, error));
    cnn_imported_tensor_take(residual, "projection.weight", conv->weight.data, conv->weight.dim, 4);
    conv->weight.data = NULL;
    if (has_bias) {
        cnn_imported_tensor_take(residual, "projection.bias", conv->bias.data, conv->weight.dim, 1);
        conv->bias.data = NULL;
    } else if (from->normalization < 0 &&
               !cnn_imported_tensor_add(&importer->layers, residual, "projection.bias",
                                        conv->weight.dim, 1)) {
        return cnn_fail_memory(error, "the weights");
    }
    return from->normalization < 0 ? CNN_OK
                                   : add_normalization(importer, residual, from->normalization,
                                                       has_bias, to->channels, error);
}

/* The branch parallel to the shortcut becomes the list of the residual. */
static cnn_status walk_branch(cnn_onnx_importer *importer, int value, int join, int k,
                              cnn_error *error) {
    int from = cnn_onnx_input_of(&importer->graph, join, k), end = -1;
    if (importer->layers.depth == CNN_RESIDUAL_DEPTH_MAX) {
        return cnn_onnx_refuse(&importer->graph, join, error,
                               "expected at most %d residuals in each other",
                               CNN_RESIDUAL_DEPTH_MAX);
    }
    size_t before = importer->layers.count;
    importer->layers.depth++;
    CNN_TRY(cnn_onnx_import_walk(importer, value, &end, error));
    importer->layers.depth--;
    if (importer->layers.failed) {
        return cnn_fail_memory(error, "the network");
    }
    return end == from && importer->layers.count > before && !importer->padded
               ? CNN_OK
               : cnn_onnx_refuse(&importer->graph, join, error,
                                 "expected a branch with layers from the value that the shortcut "
                                 "reads");
}

/* Adds a residual for the ways from `value` to the sum `join`. */
static cnn_status import_residual(cnn_onnx_importer *importer, int value, int join,
                                  cnn_error *error) {
    cnn_onnx_graph *graph = &importer->graph;
    const cnn_shape start = importer->shape;
    shortcut from = {0};
    int rest = 0;
    CNN_TRY(choose_shortcut(graph, value, join, &from, &rest, error));
    size_t index = importer->layers.count;
    (void)cnn_imported_add(&importer->layers, "residual");
    graph->edges[graph->nodes[join].first_edge + rest].cut = true;
    graph->edges[graph->nodes[join].first_edge + 1 - rest].cut = true;
    graph->edges[from.edge].cut = true;
    CNN_TRY(walk_branch(importer, value, join, rest, error));
    const cnn_shape end = importer->shape;
    if (from.conv < 0) {
        return cnn_shape_equal(&start, &end)
                   ? CNN_OK
                   : cnn_onnx_refuse(graph, join, error,
                                     "expected a sum of equal shapes, found %d×%d×%d and %d×%d×%d",
                                     start.channels, start.height, start.width, end.channels,
                                     end.height, end.width);
    }
    cnn_onnx_conv conv = {0};
    importer->shape = start;
    cnn_status status =
        fill_projection(importer, &from, &conv, &importer->layers.items[index], &end, error);
    importer->shape = end;
    cnn_onnx_conv_free(&conv);
    return status;
}

/* --- the way --- */

/* Continues where several nodes read a value: at the node where they join. */
static cnn_status import_branches(cnn_onnx_importer *importer, int value, int *join,
                                  cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    CNN_TRY(find_join(graph, value, join, error));
    if (!importer->padded && cnn_onnx_node_is(graph, *join, "Mul") &&
        is_silu(graph, value, *join)) {
        (void)cnn_imported_add(&importer->layers, "silu");
        return CNN_OK;
    }
    if (!cnn_onnx_node_is(graph, *join, "Add") || importer->softmax || importer->padded) {
        return cnn_onnx_refuse(graph, *join, error,
                               "expected branches that join by an Add, or as x times its Sigmoid");
    }
    return import_residual(importer, value, *join, error);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as CNN_RESIDUAL_DEPTH_MAX */
cnn_status cnn_onnx_import_walk(cnn_onnx_importer *importer, int value, int *end,
                                cnn_error *error) {
    const cnn_onnx_graph *graph = &importer->graph;
    int edge, readers;
    while ((readers = cnn_onnx_readers(graph, value, &edge)) > 0) {
        int node = graph->edges[edge].node;
        if (readers == 1) {
            CNN_TRY(graph->nodes[node].output >= 0
                        ? cnn_onnx_import_node(importer, node, error)
                        : cnn_onnx_refuse(graph, node, error, "expected a first output"));
        } else {
            CNN_TRY(import_branches(importer, value, &node, error));
        }
        value = graph->nodes[node].output;
        if (value < 0 || importer->layers.failed) {
            return value < 0 ? cnn_onnx_refuse(graph, node, error, "expected a first output")
                             : cnn_fail_memory(error, "the network");
        }
        if (importer->layers.depth == 0 && importer->layers.count > 0 && !importer->padded) {
            importer->usable = node;
        }
    }
    *end = value;
    return CNN_OK;
}
