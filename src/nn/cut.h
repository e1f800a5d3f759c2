/* Cuts a network for prediction in parts: the base computes the value of a node from the image, the
 * head the logit from that value, and the gradient of the logit with respect to it. A middle may be
 * between them. */
#ifndef CNN_NN_CUT_H
#define CNN_NN_CUT_H

#include "nn/network.h"

/* Can a graph be cut after the node? Every path from the image to the result must lead through it.
 * Node 0, the image, is such a node. */
bool cnn_cut_is_possible(const cnn_graph *graph, int node);

/* The base, whose result is the value of `node` (of network->graph; cnn_cut_is_possible), as
 * features. Its parameters are the first ones of the network. `network` is for prediction
 * (cnn_network_create_prediction). Free with cnn_network_free. */
CNN_MUST_USE cnn_status cnn_cut_base(const cnn_network *network, int node, cnn_network **base,
                                     cnn_error *error);

/* The head, whose input is that value, and whose backward pass also gives the gradient of the
 * input: cnn_network_gradient for node 0. Its parameters are those of the network from *first on.
 */
CNN_MUST_USE cnn_status cnn_cut_head(const cnn_network *network, int node, cnn_network **head,
                                     size_t *first, cnn_error *error);

/* The middle: from the value of node `from` to that of the later node `to`, both possible cuts, as
 * features. Backward as the head, by cnn_network_backward_values. */
CNN_MUST_USE cnn_status cnn_cut_middle(const cnn_network *network, int from, int to,
                                       cnn_network **middle, size_t *first, cnn_error *error);

#endif
