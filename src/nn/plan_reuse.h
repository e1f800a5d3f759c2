/* Memory that is used several times: by the values of a network that only predicts, and by the
 * gradients of one that is trained. */
#ifndef CNN_NN_PLAN_REUSE_H
#define CNN_NN_PLAN_REUSE_H

#include "nn/plan.h"

/* Memory of `size` floats that must keep its content during the steps first … last. */
typedef struct cnn_lifetime {
    size_t size;
    int first, last;
    size_t offset; /* found by cnn_lifetimes_place; 0 if size is 0 */
} cnn_lifetime;

/* Finds the offsets, multiples of CNN_LANES: two lifetimes that share a step share no memory. The
 * largest ones choose first, each the smallest gap that it fits into ("greedy by size" of Pisarchyk
 * and Lee 2020, Efficient memory management for deep neural net inference). *size: of all together.
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_lifetimes_place(cnn_lifetime *lifetimes, int count, size_t *size,
                                            cnn_error *error);

/* Gives the values of a plan, each of which has its own place, places that later values use again:
 * a value needs its place from the node that stores it to the last one that reads it, and what a
 * layer keeps for backward is not needed after its node. `end`: the number of nodes that are
 * planned; the last one stores the result. Borders are no longer zero when a value is stored:
 * cnn_plan_clear_border. CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_plan_reuse(const cnn_graph *graph, int end, cnn_plan *plan,
                                       cnn_error *error);

/* The same for the gradients of a plan whose instructions are complete: each of the `count`
 * buffers, [offset, offset + size) in the workspace, rising, from plan->forward_size on, needs its
 * place from the instruction that first writes it in the backward pass to the last one that reads
 * it. `result`: the node whose gradient the backward pass starts with. Borders are no longer zero
 * when a gradient is written. CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_plan_reuse_gradients(const cnn_lifetime *buffers, int count, int result,
                                                 int node_count, cnn_plan *plan, cnn_error *error);

/* An operation that writes zeros around a block. y, y_block: all of its memory, as a block of the
 * same strides; x[0], x_block[0]: the block. */
void cnn_plan_clear_border(const cnn_layer *layer, const cnn_pass *pass);

#endif
