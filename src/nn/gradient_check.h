/* Checks gradients by comparing three independent computations. */
#ifndef CNN_NN_GRADIENT_CHECK_H
#define CNN_NN_GRADIENT_CHECK_H

#include "nn/network.h"

/* The result for one tensor. Errors are the largest difference of any checked entry, divided by the
 * largest gradient of the tensor (by 1 if all are 0: the loss does not depend on it). */
typedef struct cnn_gradient_row {
    const char *path; /* of its layer */
    const cnn_layer_ops *ops;
    const cnn_tensor *tensor;
    size_t checked; /* entries compared with central differences … */
    size_t at_kinks; /* … and entries left out: a ReLU or maximum changes sides for any step size */
    double largest;      /* the largest absolute gradient of the tensor */
    double double_error; /* equations in double against central differences in double */
    double float_error;  /* the program's kernels in float against the equations in double, all
                            entries */
} cnn_gradient_row;

/* The error bounds for a correct network. double_error: rounding of the differences is about 1e-9.
 * float_error: float has 24 bits, and sums over a tensor's pixels lose a few of them. */
#define CNN_GRADIENT_DOUBLE_BOUND 1e-6
#define CNN_GRADIENT_FLOAT_BOUND 1e-4

/* Checks `network` on random images and random parameters (biases too), and calls row for each
 * tensor in turn. In a large tensor, `entries` evenly spaced entries are compared with differences.
 * *passed: errors within the bounds, something checked in every tensor, not all gradients zero. */
CNN_MUST_USE cnn_status cnn_gradient_check(cnn_network *network, uint64_t seed, size_t entries,
                                           void (*row)(void *context, const cnn_gradient_row *row),
                                           void *context, bool *passed, cnn_error *error);

#endif
