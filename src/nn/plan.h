/* A graph as a program: the place of each value and gradient in a workspace, and the list of
 * instructions that compute them. Made once, run many times (run.h). */
#ifndef CNN_NN_PLAN_H
#define CNN_NN_PLAN_H

#include "nn/graph.h"

typedef enum cnn_network_mode {
    CNN_NETWORK_FAST,     /* layers are fused, and share memory where they can */
    CNN_NETWORK_STEPWISE, /* nothing is fused and no memory is shared: all values can be read */
    CNN_NETWORK_PREDICT,  /* fast; batch normalization uses its running averages; forward only, so
                           * that values can use the memory of earlier ones (plan_reuse.h) */
    CNN_NETWORK_GRAPH,    /* no plan: a graph to read, and to make a network for prediction of */
} cnn_network_mode;

#define CNN_NOWHERE SIZE_MAX

/* A block in a workspace. offset: of value (0, 0, 0), in floats; CNN_NOWHERE: it has none. */
typedef struct cnn_place {
    cnn_block block;
    size_t offset;
} cnn_place;

/* The places of the values and gradients of a node. */
typedef struct cnn_node_places {
    int buffer;                        /* the first of the nodes that share its memory */
    cnn_place value, gradient;         /* of what it stores */
    size_t start, size;                /* of the buffer's memory, with borders; of its first node */
    cnn_place own_gradient;            /* of its operation's output: differs where the gradient of a
                                          fused pooling is found alone */
    cnn_place dx[CNN_NODE_INPUTS_MAX]; /* its part of the gradients of its inputs */
    size_t kept, kept_size;
} cnn_node_places;

/* One operation and its buffers: offsets of value (0, 0, 0) of the layer's blocks. A NULL operation
 * does nothing in that direction. */
typedef struct cnn_instruction {
    cnn_layer layer;
    cnn_operation *forward, *backward;
    bool own; /* the operation of a node of the graph: not a copy, nor a part of one */
    size_t x[CNN_NODE_INPUTS_MAX], dx[CNN_NODE_INPUTS_MAX], y, dy, kept;
    size_t shared; /* in what the blocks of a batch share */
} cnn_instruction;

/* Instructions first … last - 1, which a block can run independently of the other blocks. After
 * them, the sums of the blocks for `batch` are combined; NULL in the last stage. */
typedef struct cnn_stage {
    int first, last;
    const cnn_layer *batch;
    size_t shared;
} cnn_stage;

typedef struct cnn_plan {
    cnn_node_places *places; /* [node_count] of the graph that runs; none of the last node */
    cnn_instruction *instructions;
    int instruction_count;
    cnn_stage *stages;
    int stage_count;
    size_t work_offset, work_size;       /* scratch memory for each instruction, in floats */
    size_t forward_size, workspace_size; /* floats: for prediction, for training */
    size_t separate_size;                /* forward_size if every value had its own place */
    /* For layers that see the whole batch, in training: floats that the blocks of a batch share;
     * the largest number of doubles that a block computes for one of them. 0: no such layers. */
    size_t shared_size, sums_size;
} cnn_plan;

/* Plans `graph`, which was fused from `original`; both must outlive the plan. Free with
 * cnn_plan_free. */
CNN_MUST_USE cnn_status cnn_plan_create(const cnn_graph *original, const cnn_graph *graph,
                                        const cnn_kernels *kernels, cnn_network_mode mode,
                                        cnn_plan *plan, cnn_error *error);
void cnn_plan_free(cnn_plan *plan);

#endif
