/* A whole network in double, by the slow twins of the kernels: what gradients and training are
 * checked against. Works on a batch of N images at once; arrays are dense [N][C][H][W]. */
#ifndef CNN_NN_REFERENCE_NETWORK_H
#define CNN_NN_REFERENCE_NETWORK_H

#include "nn/network.h"

typedef struct cnn_reference_network cnn_reference_network;

/* For batches of up to N images through `network` (which must outlive it). Free with
 * cnn_reference_network_free. */
CNN_MUST_USE cnn_status cnn_reference_network_create(const cnn_network *network, int N,
                                                     cnn_reference_network **reference,
                                                     cnn_error *error);
void cnn_reference_network_free(cnn_reference_network *reference);

/* Mean loss of n <= N images x: [n][C][H][W] with labels: [n] (eq. 2 to 7). parameters:
 * [parameter_count]. Where pattern is not NULL: a hash that changes when any ReLU or maximum
 * changes sides. */
double cnn_reference_network_loss(cnn_reference_network *reference, int n, const double *parameters,
                                  const double *x, const uint8_t *labels, uint64_t *pattern);

/* The logits of the last cnn_reference_network_loss, [n]. */
const double *cnn_reference_network_logits(const cnn_reference_network *reference);

/* After cnn_reference_network_loss with the same arguments: gradients[parameter_count] of the mean
 * loss (eq. 8 to 16), overwritten. */
void cnn_reference_network_gradients(cnn_reference_network *reference, int n,
                                     const double *parameters, const double *x,
                                     const uint8_t *labels, double *gradients);

#endif
