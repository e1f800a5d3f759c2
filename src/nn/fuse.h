/* Passes from graph to graph. They turn the network as configured into the network that runs. Each
 * works on a copy (cnn_graph_copy), whose nodes name nodes of the original. */
#ifndef CNN_NN_FUSE_H
#define CNN_NN_FUSE_H

#include "nn/graph.h"

typedef void cnn_fuse_pass(cnn_graph *graph);

/* For prediction: removes layers that only training needs, and the need for gradients. */
void cnn_fuse_drop_training(cnn_graph *graph);

/* For prediction: a batch normalization y = a x + b that is the only reader of w x + c is merged
 * into it, (a w) x + (a c + b), and removed (node->normalizer). A node without c gets one. */
void cnn_fuse_normalization(cnn_graph *graph);

/* A ReLU that is the only reader of a node which can apply it while it stores its output
 * (node->relu). */
void cnn_fuse_relu(cnn_graph *graph);

/* The same for max-pooling by 2×2 (node->pool), with or without a ReLU before it. The values
 * between are never in memory, nor, if node->unpools, their gradient. */
void cnn_fuse_pool(cnn_graph *graph);

#endif
