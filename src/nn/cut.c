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

/* The last node of a part: its result is the value of the node before it. */
static void end_graph(cnn_graph *graph) {
    cnn_node *end = &graph->nodes[graph->node_count - 1];
    *end = plain_node(&cnn_layer_features, &end[-1].out);
    end->input_count = 1;
    end->input[0] = graph->node_count - 2;
}

/* Nodes after `node` of the whole network become those after the input of a part that runs
 * backward, too: 1 … last. */
static void copy_after(const cnn_graph *whole, int node, int last, cnn_graph *graph) {
    graph->nodes[0] = plain_node(&cnn_layer_image, &whole->nodes[node].out);
    graph->nodes[0].has_gradient = true;
    for (int i = 1; i <= last; i++) {
        cnn_node *to = &graph->nodes[i];
        *to = whole->nodes[node + i];
        to->normalizer = 0; /* the parameters are merged already */
        to->has_gradient = to->needs_dx = true;
        for (int k = 0; k < to->input_count; k++) {
            to->input[k] -= node;
        }
    }
}

cnn_status cnn_cut_base(const cnn_network *network, int node, cnn_network **base,
                        cnn_error *error) {
    cnn_graph graph;
    CNN_TRY(start_graph(node + 2, &graph, error));
    for (int i = 0; i <= node; i++) {
        graph.nodes[i] = network->graph.nodes[i];
        graph.nodes[i].normalizer = 0;
    }
    end_graph(&graph);
    cnn_graph_place_parameters(&graph);
    return cnn_network_create_part(network, &graph, base, error);
}

cnn_status cnn_cut_middle(const cnn_network *network, int from, int to, cnn_network **middle,
                          size_t *first, cnn_error *error) {
    cnn_graph graph;
    CNN_TRY(start_graph(to - from + 2, &graph, error));
    copy_after(&network->graph, from, to - from, &graph);
    end_graph(&graph);
    *first = network->graph.nodes[from + 1].parameter_offset;
    cnn_graph_place_parameters(&graph);
    return cnn_network_create_part(network, &graph, middle, error);
}

cnn_status cnn_cut_head(const cnn_network *network, int node, cnn_network **head, size_t *first,
                        cnn_error *error) {
    cnn_graph graph;
    const cnn_graph *whole = &network->graph;
    CNN_TRY(start_graph(whole->node_count - node, &graph, error));
    copy_after(whole, node, graph.node_count - 1, &graph);
    *first = whole->nodes[node + 1].parameter_offset;
    cnn_graph_place_parameters(&graph);
    return cnn_network_create_part(network, &graph, head, error);
}
