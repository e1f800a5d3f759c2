/* Two layers that run together, one image at a time (single.h): a convolution that mixes channels,
 * and the only one that reads it, which sees each channel by itself. Of what is between them there
 * are never more than some channels of some rows, so that it stays in the cache. */
#ifndef CNN_NN_SINGLE_PAIR_H
#define CNN_NN_SINGLE_PAIR_H

#include "nn/single.h"

typedef struct cnn_single_pair {
    int channels;           /* at a time; 0: the layers do not run together */
    int rows;               /* of the second layer's output, at a time */
    int before, after;      /* zeros around what is between them */
    int kept;               /* its rows that are in memory: from `before` above the first window */
    cnn_pool_window window; /* of the second layer */
} cnn_single_pair;

/* Plans the pair, if these two layers can be one. between: the block in which it keeps rows. */
void cnn_single_pair_plan(const cnn_node *first, const cnn_node *second, const cnn_kernels *kernels,
                          int before, int after, cnn_single_pair *pair, cnn_block *between);

/* Runs both. `first` and `second` are passes over everything; first->y and second->x are value
 * (0, 0, 0) of the block `between`. */
void cnn_single_pair_run(const cnn_single_pair *pair, const cnn_layer *first_layer,
                         const cnn_single_pass *first, const cnn_layer *second_layer,
                         const cnn_single_pass *second);

#endif
