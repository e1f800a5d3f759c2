/* A mini-batch: shared by its two files, and not included elsewhere.
 *
 *   minibatch.c      makes it
 *   minibatch_run.c  runs a batch through the network */
#ifndef CNN_NN_MINIBATCH_STATE_H
#define CNN_NN_MINIBATCH_STATE_H

#include "nn/gradient_exchange.h"
#include "nn/minibatch.h"

/* What the other processes must know of a block. */
typedef struct block_result {
    float logits[CNN_LANES];
    uint8_t labels[CNN_LANES];
} block_result;

struct cnn_minibatch {
    cnn_network *network;
    cnn_objective objective;
    int threads;
    cnn_thread_pool *pool;
    bool one_per_block; /* of the workspaces; else there is one per thread */
    float **workspaces; /* [workspace_count] */
    size_t workspace_count;
    cnn_inference *inference; /* of forward passes; NULL: the network itself, in `workspaces` */
    cnn_draw draw;
    float *shared;     /* [plan.shared_size]: of the layers that see the whole batch */
    double *sums;      /* [blocks][plan.sums_size]: the sums of the blocks for the current layer */
    size_t slot_count; /* of this process */
    size_t slot_stride;
    float *slots;     /* [slot_count][slot_stride] gradients */
    float *gradients; /* [slot_stride]: their sum */
    /* A batch of several processes; else NULL. */
    const cnn_ranks *ranks;
    cnn_gradient_exchange *exchange;
    block_result *results; /* [blocks] */
    size_t *first_slots;   /* [ranks + 1]: of each process, for the current batch */
    size_t *parts;         /* [ranks + 1]: in arrays of all blocks, where those of each begin */
};

/* The number of threads that pay off for this amount of work. */
int cnn_minibatch_threads(const cnn_minibatch *minibatch, double flops);

#endif
