/* Passes from graph to graph, which make a network as it runs from the network as it was
 * configured. Each works on a copy (cnn_graph_copy), whose nodes name nodes of the original. */
#ifndef CNN_NN_FUSE_H
#define CNN_NN_FUSE_H

#include "nn/graph.h"

typedef void cnn_fuse_pass(cnn_graph *graph);

/* For prediction: takes out layers that only training needs, and all need of gradients. */
void cnn_fuse_drop_training(cnn_graph *graph);

/* For prediction: a batch normalization y = a x + b that alone reads w x + c is merged into it,
 * (a w) x + (a c + b), and taken out (node->normalizer). */
void cnn_fuse_normalization(cnn_graph *graph);

/* A ReLU that alone reads a node which can apply it while it stores its output (node->relu). */
void cnn_fuse_relu(cnn_graph *graph);

/* The same of max-pooling by 2×2 (node->pool), after a ReLU or without one. What is between is
 * never in memory, nor, where node->unpools, its gradient. */
void cnn_fuse_pool(cnn_graph *graph);

#endif
