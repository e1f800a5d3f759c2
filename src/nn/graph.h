/* A network as a graph: nodes in the order in which they are computed. All code that needs to know
 * a network walks this list: fusing, planning, the network in double, tables, traces, files. */
#ifndef CNN_NN_GRAPH_H
#define CNN_NN_GRAPH_H

#include "nn/layer.h"

/* Those of ResNet-152 and EfficientNet-Lite4, and twice as many. */
#define CNN_LAYERS_MAX 1024

/* What the config says about a network. */
typedef struct cnn_network_spec {
    cnn_shape input;
    int layer_count;
    cnn_layer_spec *layers; /* [layer_count] */
    bool features;          /* what the last layer computes is the result; else it is a sigmoid */
} cnn_network_spec;

/* Node 0 is the image, the last node the sigmoid, which the loss applies; its input is the logit.
 * If the result is features, the last node is `features` instead, which does nothing. A residual is
 * not a node: the first of its layers reads the node before the residual, and its sum, an `add`,
 * reads the last of its layers and the shortcut: the node that the first of its layers reads or, if
 * shapes differ, a convolution of it, the projection, perhaps with a batch normalization of its
 * own. */
typedef struct cnn_graph {
    int node_count;
    cnn_node *nodes; /* [node_count] */
    size_t parameter_count;
} cnn_graph;

/* Checks the layers of a specification, and makes a graph of them. CNN_ERROR_CONFIG with a message
 * that starts with the place, such as "layers[2].kernel: …". Free with cnn_graph_free. */
CNN_MUST_USE cnn_status cnn_graph_create(const cnn_network_spec *spec, cnn_graph *graph,
                                         cnn_error *error);

/* A copy to be fused. `origin` of each node is its number in `from`. */
CNN_MUST_USE cnn_status cnn_graph_copy(const cnn_graph *from, cnn_graph *to, cnn_error *error);
void cnn_graph_free(cnn_graph *graph);

/* Does cnn_graph_create accept the layers? */
CNN_MUST_USE cnn_status cnn_graph_check(const cnn_network_spec *spec, cnn_error *error);

/* The node whose output is the result: the logit, or features. */
int cnn_graph_result(const cnn_graph *graph);

/* The number of inputs that are the output of `node`; *reader: the first node with such an input.
 */
int cnn_graph_readers(const cnn_graph *graph, int node, int *reader);

/* Is input k of node n the first of all inputs that read this output? The gradient of an output is
 * the sum of the parts of its readers; the others are added to the part of the first. */
bool cnn_graph_reads_first(const cnn_graph *graph, int n, int k);

/* Removes a node with one input, which its readers then read instead. The numbers of later nodes
 * decrease by one. */
void cnn_graph_remove(cnn_graph *graph, int node);

/* Gives each tensor its offset: the tensors of all nodes, one after the other. */
void cnn_graph_place_parameters(cnn_graph *graph);

/* Multiplications and additions of one image's forward pass. */
double cnn_node_flops(const cnn_node *node);
double cnn_graph_flops(const cnn_graph *graph);

/* --- for the join functions of layers (cnn_join_function) --- */

/* Adds a node that reads `inputs`. Its path is that of the current layer, with `suffix` appended.
 */
CNN_MUST_USE cnn_status cnn_graph_append(cnn_graph_builder *builder, const cnn_layer_spec *spec,
                                         const int *inputs, int input_count, const char *suffix,
                                         int *node, cnn_error *error);

/* The shape of a node's output. */
const cnn_shape *cnn_graph_shape(const cnn_graph_builder *builder, int node);

/* The place of the current layer in the config, with which messages start, such as "layers[3]". */
const char *cnn_graph_place(const cnn_graph_builder *builder);

#endif
