/* A network: layers in a row, planned once, run block by block.
 *
 * The network owns the plan; parameters, gradients and activations are the caller's, so that many
 * threads can run one network, each in a workspace of its own. */
#ifndef CNN_NN_NETWORK_H
#define CNN_NN_NETWORK_H

#include "nn/layer.h"

#define CNN_LAYERS_MAX 256

/* What the config says of a network. */
typedef struct cnn_network_spec {
    cnn_shape input;
    int layer_count;
    cnn_layer_spec *layers; /* [layer_count] */
} cnn_network_spec;

/* Where the activation between two layers stands in a workspace. */
typedef struct cnn_activation {
    cnn_shape shape;
    cnn_block value, gradient;
    size_t value_offset, gradient_offset; /* of value (0, 0, 0), in floats */
    bool has_gradient;
    /* Between layers that are fused: the value, or value and gradient, stand nowhere. */
    bool inside_fused, inside_unpooled;
} cnn_activation;

typedef struct cnn_network {
    const cnn_kernels *kernels;
    bool direct_only; /* every convolution as a plain sum (CNN_CONV=direct) */
    int layer_count;
    cnn_layer *layers; /* [layer_count]; the last is the sigmoid, which the loss applies */
    cnn_activation *activations; /* [layer_count]: activation i is layer i's input */
    size_t parameter_count;
    size_t work_offset;                  /* working memory of the layer that runs, in floats */
    size_t forward_size, workspace_size; /* floats: for prediction, for training */
    /* Of layers that see the whole batch, in training: floats that its blocks share, doubles that a
     * block gives to one of them at most. 0: there are none. */
    size_t shared_size, sums_size;
    double flops; /* of one image's forward pass */
} cnn_network;

typedef enum cnn_network_mode {
    CNN_NETWORK_FAST,     /* ReLU and 2×2 max-pooling are applied by the layer in front of them */
    CNN_NETWORK_STEPWISE, /* every layer works alone, so that an observer sees its own output */
    CNN_NETWORK_PREDICT,  /* fast; batch normalization goes by its running averages (inference.h) */
} cnn_network_mode;

/* Layers of a specification stand in one list: a residual, its layers, its projection and its sum
 * (layer_residual.c), one behind the other. Written into that list without knowing shapes, a
 * projection is a placeholder (cnn_layer_make_projection): this gives it the filters and stride
 * that are needed, or takes it out where shapes are the same. */
void cnn_network_resolve(cnn_network_spec *spec);

/* Where a layer of the list stands: "3.layers.0", or as a place in a config, "layers[3].layers[0]".
 * A projection is "3.projection", a sum where its residual is. */
void cnn_layer_path(const cnn_network_spec *spec, int layer, bool place,
                    char path[CNN_LAYER_PATH_MAX]);

/* Which activation (0: the image; i + 1: layer i's output) a layer reads: its own number's, but for
 * projections, which read their residual's input, and sums, which read the output of the residual's
 * layers and *shortcut. Returns, for sums, the number of the residual; else -1. */
int cnn_layer_sources(const cnn_network_spec *spec, int layer, int *source, int *shortcut);

/* Checks a specification and, where shapes is not NULL, writes the shape of every layer's output to
 * shapes[layer_count]. CNN_ERROR_CONFIG with a message that starts with the place, such as
 * "layers[2].kernel: …". */
CNN_MUST_USE cnn_status cnn_network_check(const cnn_network_spec *spec, cnn_shape *shapes,
                                          cnn_error *error);

/* Checks, plans and allocates. Free with cnn_network_free. */
CNN_MUST_USE cnn_status cnn_network_create(const cnn_network_spec *spec, const cnn_kernels *kernels,
                                           cnn_network_mode mode, cnn_network **network,
                                           cnn_error *error);
void cnn_network_free(cnn_network *network);

/* Starting weights (eq. 1), a pure function of the seed: He uniform for fan-in, that is uniform in
 * ±sqrt(6 / fan_in) (He et al., "Delving deep into rectifiers", 2015; PyTorch's kaiming_uniform_);
 * biases 0. parameters: [parameter_count]. */
void cnn_network_initialize(const cnn_network *network, uint64_t seed, float *parameters);

/* To be called after parameters have changed, before the next pass; not while passes run. */
void cnn_network_prepare(const cnn_network *network, const float *parameters);

/* One of `parts` parts of the same, which may run at the same time. */
void cnn_network_prepare_part(const cnn_network *network, const float *parameters, int part,
                              int parts);

/* Room for one block's activations (and, for training, gradients): workspace_size or forward_size
 * floats, zeroed. NULL when memory is refused. Free with cnn_free. */
float *cnn_network_workspace(const cnn_network *network, bool training);

/* Where the input block is to be written: float x[C][H][W][LANES], placed as *block says. */
float *cnn_network_input(const cnn_network *network, float *workspace, const cnn_block **block);

/* One block from input to logits (Z of the last dense layer): float[LANES] in the workspace. */
const float *cnn_network_forward(const cnn_network *network, const float *parameters,
                                 float *workspace);

/* After cnn_network_forward in the same workspace: adds the block's gradients to
 * gradients[parameter_count]. logit_gradients: [LANES], dL/dZ of each image, 0 for lanes that hold
 * none (eq. 8). */
void cnn_network_backward(const cnn_network *network, const float *parameters, float *workspace,
                          const float *logit_gradients, float *gradients);

/* Before a block's forward pass in training: draws the random numbers of layers that need some, for
 * the images first … first + count - 1 of the batch. */
void cnn_network_draw(const cnn_network *network, const cnn_draw *draw, size_t first, int count,
                      float *workspace);

/* --- training by the whole batch --- */

/* A network whose shared_size is not 0 is trained in stages, which end in front of the layers that
 * see the whole batch (layer->batch) and at the last layer: each stage for all blocks, every one in
 * a workspace of its own, before the next one. minibatch.c does it. */

/* The first layer from `layer` on that sees the whole batch; layer_count - 1 where none does. */
int cnn_network_stage_end(const cnn_network *network, int layer);

/* Layers first … last - 1 of a block, none of which sees the batch. */
void cnn_network_forward_stage(const cnn_network *network, const float *parameters,
                               float *workspace, int first, int last);
/* Layers last - 1 … first. */
void cnn_network_backward_stage(const cnn_network *network, const float *parameters,
                                float *workspace, int first, int last, float *gradients);

/* The halves of a layer that sees the batch: see cnn_batch_ops. shared: [shared_size]. */
void cnn_network_gather(const cnn_network *network, int layer, int count, float *workspace,
                        double *sums);
void cnn_network_batch_forward(const cnn_network *network, int layer, const float *shared,
                               float *workspace);
void cnn_network_gather_gradient(const cnn_network *network, int layer, const float *shared,
                                 int count, float *workspace, double *sums, float *gradients);
void cnn_network_batch_backward(const cnn_network *network, int layer, const float *shared,
                                int count, float *workspace);

/* What the last sigmoid's input gets as its gradient: logit_gradients[LANES]. */
void cnn_network_set_logit_gradients(const cnn_network *network, float *workspace,
                                     const float *logit_gradients);
const float *cnn_network_logits(const cnn_network *network, const float *workspace);

/* Changes the parameters that follow the batches, after a step. */
void cnn_network_update_averages(const cnn_network *network, const float *shared,
                                 float *parameters);

/* Sees every layer's output and gradient: called after each layer's forward (gradient false) with
 * the layer's output, and in backward (gradient true) with the gradient of the layer's output
 * before the layer's own backward runs. */
typedef void cnn_network_observer(void *context, int layer, bool gradient, const cnn_block *block,
                                  const float *values);

/* forward and backward with an observer (NULL: none). The network must be stepwise for outputs to
 * be those of each layer alone. */
const float *cnn_network_forward_observed(const cnn_network *network, const float *parameters,
                                          float *workspace, cnn_network_observer *observer,
                                          void *context);
void cnn_network_backward_observed(const cnn_network *network, const float *parameters,
                                   float *workspace, const float *logit_gradients, float *gradients,
                                   cnn_network_observer *observer, void *context);

/* "4.weight", or "3.layers.0.weight": the name behind its layer's path. */
void cnn_tensor_full_name(const char *path, const cnn_tensor *tensor,
                          char name[CNN_TENSOR_NAME_MAX]);

#endif
