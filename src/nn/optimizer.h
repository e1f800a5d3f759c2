/* How gradients change parameters. */
#ifndef CNN_NN_OPTIMIZER_H
#define CNN_NN_OPTIMIZER_H

#include "base/parallel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cnn_optimizer_kind {
    CNN_OPTIMIZER_SGD,
    CNN_OPTIMIZER_MOMENTUM,
    CNN_OPTIMIZER_ADAM,
    CNN_OPTIMIZER_ADAMW,
} cnn_optimizer_kind;

typedef struct cnn_optimizer {
    cnn_optimizer_kind kind;
    double momentum;              /* momentum */
    bool nesterov;                /* momentum */
    double beta1, beta2, epsilon; /* adam, adamw: betas from 0 to below 1, epsilon above 0 */
    double weight_decay;          /* of the parameters in cnn_update.decaying */
} cnn_optimizer;

/* A run of neighbours in the flat parameter array. */
typedef struct cnn_parameter_range {
    size_t first, count;
} cnn_parameter_range;

/* What one step is like. */
typedef struct cnn_update {
    double rate;
    int64_t number;                      /* of the step, from 1; read by adam and adamw */
    double scale;                        /* gradients count times this: 1, less where clipped */
    const cnn_parameter_range *decaying; /* [decaying_count], in order; NULL, 0: none */
    size_t decaying_count;
    /* The first slow_count parameters are changed at slow_factor times the rate; 0: none. */
    size_t slow_count;
    double slow_factor;
} cnn_update;

/* Floats of state for each parameter: 0 (sgd), 1 (momentum: v) or 2 (adam, adamw: all m, then all
 * v). All start as 0. */
size_t cnn_optimizer_state_size(const cnn_optimizer *optimizer);

/* One step over `count` parameters w with gradients g, as PyTorch's SGD, Adam and AdamW define it
 * (without dampening and amsgrad). With rate r, weight decay d, step number t:
 *   all but adamw: g = g + d w first (L2); adamw: w = w - r d w first (Loshchilov and Hutter 2019);
 *   sgd: w = w - r g (eq. 17);
 *   momentum: v = momentum v + g, w = w - r v (Sutskever et al. 2013);
 *     nesterov: w = w - r (g + momentum v);
 *   adam, adamw: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
 *     w = w - r / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon) (Kingma and Ba 2015).
 * A parameter without a gradient stays as it is, unless it decays. state: [state_size * count].
 * pool: threads to share the work, or NULL; their number changes nothing. */
void cnn_optimizer_step(const cnn_optimizer *optimizer, cnn_thread_pool *pool,
                        const cnn_update *update, size_t count, const float *gradients,
                        float *state, float *parameters);

#endif
