/* The sum of the gradients of all slots of a batch, when one process has computed them; those of
 * several processes: gradient_exchange.h. */
#ifndef CNN_NN_SLOT_SUM_H
#define CNN_NN_SLOT_SUM_H

#include "base/parallel.h"

/* Adds up gradients[slots][stride] by a fixed tree: slots 1 apart, then 2, 4, … stride: a multiple
 * of CNN_LANES. sum: [stride]; gradients are overwritten. slots >= 2. On up to `threads` threads of
 * the pool, with the same result. */
void cnn_slot_sum(cnn_thread_pool *pool, int threads, size_t slots, size_t stride, float *gradients,
                  float *sum);

#endif
