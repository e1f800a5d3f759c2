/* How gradients change parameters. */
#ifndef CNN_NN_OPTIMIZER_H
#define CNN_NN_OPTIMIZER_H

#include "parallel.h"

#include <stddef.h>

typedef enum cnn_optimizer_kind {
    CNN_OPTIMIZER_SGD,
    CNN_OPTIMIZER_MOMENTUM,
} cnn_optimizer_kind;

typedef struct cnn_optimizer {
    cnn_optimizer_kind kind;
    double momentum;
} cnn_optimizer;

/* Floats of state for each parameter: 0 (sgd) or 1 (momentum). All start as 0. */
size_t cnn_optimizer_state_size(const cnn_optimizer *optimizer);

/* One step over `count` parameters.
 * sgd: w = w - rate * g (eq. 17). momentum: v = momentum * v + g, w = w - rate * v (Sutskever et
 * al. 2013 in PyTorch's form, without dampening). state: [state_size * count]. pool: threads to
 * share the work, or NULL. */
void cnn_optimizer_step(const cnn_optimizer *optimizer, cnn_thread_pool *pool, double rate,
                        size_t count, const float *gradients, float *state, float *parameters);

#endif
