/* A network: its graph, and the plan by which it runs.
 *
 * The caller owns parameters, gradients and activations, so that many threads can run one network,
 * each in its own workspace. */
#ifndef CNN_NN_NETWORK_H
#define CNN_NN_NETWORK_H

#include "nn/plan.h"

typedef struct cnn_network {
    const cnn_kernels *kernels;
    cnn_network_mode mode;
    bool direct_only; /* every convolution as a plain sum (CNN_CONV=direct) */
    cnn_graph graph;  /* its layers, for all code that walks a network */
    cnn_graph fused;  /* the network that runs, with fused nodes */
    cnn_plan plan;    /* of `fused` */
    size_t parameter_count;
    double flops; /* of one image's forward pass */
} cnn_network;

/* Checks, plans and allocates; mode: FAST or STEPWISE. Free with cnn_network_free. */
CNN_MUST_USE cnn_status cnn_network_create(const cnn_network_spec *spec, const cnn_kernels *kernels,
                                           cnn_network_mode mode, cnn_network **network,
                                           cnn_error *error);

/* Does the network compute something else in prediction than in training? */
bool cnn_network_differs_in_prediction(const cnn_network *trained);

/* The network as prediction runs it: without the layers that only training needs, and with batch
 * normalization merged into the layer before it if possible. `origin` and `normalizer` of its nodes
 * are numbers of nodes of the trained network. Free with cnn_network_free. */
CNN_MUST_USE cnn_status cnn_network_create_prediction(const cnn_network *trained,
                                                      cnn_network **network, cnn_error *error);

/* The parameters of such a network, [network->parameter_count], from those of the trained one;
 * merged in double. */
void cnn_network_merge_parameters(const cnn_network *network, const cnn_network *trained,
                                  const float *trained_parameters, float *parameters);

/* Plans `graph`, a part of that of a network for prediction (cut.h), which it takes over, also on
 * failure. Free with cnn_network_free. */
CNN_MUST_USE cnn_status cnn_network_create_part(const cnn_network *prediction, cnn_graph *graph,
                                                cnn_network **network, cnn_error *error);

void cnn_network_free(cnn_network *network);

/* Starting weights (eq. 1), a pure function of the seed: He uniform for fan-in, that is uniform in
 * ±sqrt(6 / fan_in) (He et al., "Delving deep into rectifiers", 2015; PyTorch's kaiming_uniform_);
 * biases 0. parameters: [parameter_count]. */
void cnn_network_initialize(const cnn_network *network, uint64_t seed, float *parameters);

/* To be called after parameters have changed, before the next pass; not while passes run. */
void cnn_network_prepare(const cnn_network *network, const float *parameters);

/* One of `parts` parts of the same; the parts may run at the same time. */
void cnn_network_prepare_part(const cnn_network *network, const float *parameters, int part,
                              int parts);

/* --- one block in a workspace --- */

/* Room for one block's activations (and, for training, gradients): workspace_size or forward_size
 * floats, zeroed. NULL when memory is refused. Free with cnn_free. */
float *cnn_network_workspace(const cnn_network *network, bool training);

/* Where to write the input block: float x[C][H][W][LANES], with the layout *block. */
float *cnn_network_input(const cnn_network *network, float *workspace, const cnn_block **block);

/* Before a block's forward pass in training: draws the random numbers that layers need, for the
 * images first … first + count - 1 of the batch. */
void cnn_network_draw(const cnn_network *network, const cnn_draw *draw, size_t first, int count,
                      float *workspace);

/* After a forward pass: the result, [LANES] logits of the last dense layer, or features, and its
 * layout. */
const float *cnn_network_result(const cnn_network *network, const float *workspace);

const cnn_block *cnn_network_result_block(const cnn_network *network);

/* Before a backward pass: dL/dZ of each image, [LANES], 0 for unused lanes (eq. 8). */
void cnn_network_set_logit_gradients(const cnn_network *network, float *workspace,
                                     const float *logit_gradients);

/* One block from input to logits, and back: adds the block's gradients to
 * gradients[parameter_count]; NULL: only the gradients of values are wanted. Only for networks
 * without layers that see the whole batch, or for prediction; minibatch.h runs the others. */
const float *cnn_network_forward(const cnn_network *network, const float *parameters,
                                 float *workspace);
void cnn_network_backward(const cnn_network *network, const float *parameters, float *workspace,
                          const float *logit_gradients, float *gradients);

/* The same backward, for values only, from the gradient of the result, a block of its shape: for
 * the middle of a network (cut.h), whose result are values that its head reads. */
void cnn_network_backward_values(const cnn_network *network, const float *parameters,
                                 float *workspace, const cnn_block *block, const float *gradient);

/* After a pass of a stepwise network: the output of a node of network->graph (0: the image), and
 * its gradient; NULL if it has none, or is the last sigmoid. */
const float *cnn_network_value(const cnn_network *network, int node, const float *workspace,
                               const cnn_block **block);
const float *cnn_network_gradient(const cnn_network *network, int node, const float *workspace,
                                  const cnn_block **block);

/* After a step: changes the parameters that follow the batches. shared: [plan.shared_size]. */
void cnn_network_update_averages(const cnn_network *network, const float *shared,
                                 float *parameters);

#endif
