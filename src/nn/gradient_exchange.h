/* The sum of the gradients of all slots of a batch, when several processes have computed them
 * (gradient_tree.h). If the background has a thread (cnn_ranks.ahead), it begins while gradients
 * are still being computed: those of the last layers are finished first, so the parameters are
 * divided into segments. Else they are one segment, which takes the fewest messages. */
#ifndef CNN_NN_GRADIENT_EXCHANGE_H
#define CNN_NN_GRADIENT_EXCHANGE_H

#include "base/background.h"
#include "base/parallel.h"
#include "base/ranks.h"
#include "nn/gradient_tree.h"
#include "nn/network.h"
#include "nn/run.h"

typedef struct cnn_gradient_exchange cnn_gradient_exchange;

/* For batches of up to `slots` slots. The caller keeps the network and the others. pool: threads
 * that compute gradients; they also add up if the background has no thread. Free with
 * cnn_gradient_exchange_free. */
CNN_MUST_USE cnn_status cnn_gradient_exchange_create(
    const cnn_network *network, size_t slots, const cnn_ranks *ranks, cnn_background *background,
    cnn_thread_pool *pool, cnn_gradient_exchange **exchange, cnn_error *error);
void cnn_gradient_exchange_free(cnn_gradient_exchange *exchange); /* NULL is allowed */

/* Bytes that create will allocate. */
size_t cnn_gradient_exchange_memory(const cnn_network *network, const cnn_ranks *ranks);

/* Starts the sum for a batch of `slots` slots, as a job of the background. gradients: [this
 * process's slots][stride], which are complete, one segment after the other, when this has been
 * said for each slot (cnn_gradient_exchange_backward); overwritten. sum: [parameter_count], of all
 * slots of all processes. */
void cnn_gradient_exchange_start(cnn_gradient_exchange *exchange, size_t slots, float *gradients,
                                 size_t stride, float *sum);

/* cnn_run_backward for a block of one of this process's slots; last: no other block of the slot
 * follows. Says which segments of the slot are complete. Called by any thread. */
void cnn_gradient_exchange_backward(cnn_gradient_exchange *exchange, const cnn_run *run, int first,
                                    int last, bool last_block);

/* Waits until the sum is complete. */
void cnn_gradient_exchange_wait(cnn_gradient_exchange *exchange);

#endif
