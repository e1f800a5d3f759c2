/* The length of a gradient, and the factor that shortens it to a limit. */
#ifndef CNN_NN_GRADIENT_NORM_H
#define CNN_NN_GRADIENT_NORM_H

#include "base/parallel.h"

#include <stddef.h>

/* sqrt(sum of squares) of all gradients, in double. The order of the sum depends only on `count`.
 * pool: threads to share the work, or NULL. */
double cnn_gradient_norm(cnn_thread_pool *pool, size_t count, const float *gradients);

/* The factor for gradients of that norm: min(1, limit / (norm + 1e-6)), as PyTorch's
 * clip_grad_norm_ does (Pascanu, Mikolov, Bengio 2013). */
double cnn_clip_scale(double norm, double limit);

#endif
