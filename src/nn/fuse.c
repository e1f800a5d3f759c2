#include "nn/fuse.h"

void cnn_fuse_drop_training(cnn_graph *graph) {
    for (int i = graph->node_count - 1; i >= 0; i--) {
        cnn_node *node = &graph->nodes[i];
        node->has_gradient = node->needs_dx = false;
        if (node->ops->training_only) {
            cnn_graph_remove(graph, i);
        }
    }
}

/* The one reader of a node; NULL: there are several, or none. */
static const cnn_node *only_reader(const cnn_graph *graph, int node, int *number) {
    return cnn_graph_readers(graph, node, number) == 1 ? &graph->nodes[*number] : NULL;
}

/* A bias, to take a shift: its tensor, without a place yet. */
static void add_bias(cnn_node *node) {
    if (node->tensor_count == 1) {
        node->tensors[1] = (cnn_tensor){.name = "bias", .rank = 1, .dim = {node->out.channels}};
        node->tensor_count = 2;
    }
}

void cnn_fuse_normalization(cnn_graph *graph) {
    for (int i = 0; i < graph->node_count; i++) {
        cnn_node *node = &graph->nodes[i];
        int number;
        const cnn_node *reader = only_reader(graph, i, &number);
        if (node->ops->weighs_channels && !node->relu && reader && reader->ops->batch) {
            node->normalizer = reader->origin;
            add_bias(node);
            cnn_graph_remove(graph, number);
        }
    }
}

/* The number of the node that alone reads node i and is an epilogue which i can apply; 0: none. */
static int find_epilogue(const cnn_graph *graph, int i, cnn_epilogue wanted) {
    int number;
    const cnn_node *node = &graph->nodes[i];
    const cnn_node *reader = only_reader(graph, i, &number);
    return (node->ops->epilogues & (unsigned)wanted) && !node->pool && reader &&
                   reader->ops->epilogue && reader->ops->epilogue(&reader->spec) == wanted
               ? number
               : 0;
}

void cnn_fuse_relu(cnn_graph *graph) {
    for (int i = 0; i < graph->node_count; i++) {
        cnn_node *node = &graph->nodes[i];
        int number = node->relu ? 0 : find_epilogue(graph, i, CNN_EPILOGUE_RELU);
        if (number > 0) {
            node->relu = graph->nodes[number].origin;
            node->relu_max = cnn_relu_max(&graph->nodes[number]);
            cnn_graph_remove(graph, number);
        }
    }
}

void cnn_fuse_pool(cnn_graph *graph) {
    for (int i = 0; i < graph->node_count; i++) {
        cnn_node *node = &graph->nodes[i];
        int number = find_epilogue(graph, i, CNN_EPILOGUE_POOL);
        if (number > 0) {
            node->pool = graph->nodes[number].origin;
            node->stored = graph->nodes[number].out;
            node->unpools = node->ops->unpools && node->ops->unpools(node);
            cnn_graph_remove(graph, number);
        }
    }
}
