#include "nn/cut.h"

#include "base/error.h"
#include "base/memory.h"

bool cnn_cut_is_possible(const cnn_graph *graph, int node) {
    if (node < 0 || node >= graph->node_count - 1) {
        return false;
    }
    for (int n = node + 1; n < graph->node_count; n++) {
        for (int k = 0; k < graph->nodes[n].input_count; k++) {
            if (graph->nodes[n].input[k] < node) {
                return false;
            }
        }
    }
    return true;
}

/* Room for node_count nodes. */
static cnn_status start_graph(int node_count, cnn_graph *graph, cnn_error *error) {
    *graph = (cnn_graph){.node_count = node_count,
                         .nodes = cnn_alloc((size_t)node_count, sizeof *graph->nodes)};
    return graph->nodes ? CNN_OK : cnn_fail_memory(error, "the network's graph");
}

/* A node that changes nothing: the end of the base, or the input of the head. */
static cnn_node plain_node(const cnn_layer_ops *ops, const cnn_shape *shape) {
    return (cnn_node){.ops = ops,
                      .spec = {.ops = ops},
                      .serial = -1,
                      .in = *shape,
                      .out = *shape,
                      .stored = *shape};
}

cnn_status cnn_cut_base(const cnn_network *network, int node, cnn_network **base,
                        cnn_error *error) {
    cnn_graph graph;
    CNN_TRY(start_graph(node + 2, &graph, error));
    for (int i = 0; i <= node; i++) {
        graph.nodes[i] = network->graph.nodes[i];
        graph.nodes[i].normalizer = 0; /* the parameters are merged already */
    }
    graph.nodes[node + 1] = plain_node(&cnn_layer_features, &network->graph.nodes[node].out);
    graph.nodes[node + 1].input_count = 1;
    graph.nodes[node + 1].input[0] = node;
    cnn_graph_place_parameters(&graph);
    return cnn_network_create_part(network, &graph, base, error);
}

cnn_status cnn_cut_head(const cnn_network *network, int node, cnn_network **head, size_t *first,
                        cnn_error *error) {
    cnn_graph graph;
    const cnn_graph *whole = &network->graph;
    CNN_TRY(start_graph(whole->node_count - node, &graph, error));
    graph.nodes[0] = plain_node(&cnn_layer_image, &whole->nodes[node].out);
    graph.nodes[0].has_gradient = true;
    for (int i = 1; i < graph.node_count; i++) {
        cnn_node *to = &graph.nodes[i];
        *to = whole->nodes[node + i];
        to->normalizer = 0;
        to->has_gradient = to->needs_dx = true;
        for (int k = 0; k < to->input_count; k++) {
            to->input[k] -= node;
        }
    }
    *first = whole->nodes[node + 1].parameter_offset;
    cnn_graph_place_parameters(&graph);
    return cnn_network_create_part(network, &graph, head, error);
}
