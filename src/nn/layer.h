/* What a layer is. Each kind is one file, layer_KIND.c, and one line in layer_registry.c; the
 * config parser, the model file, the printed table, the planner and the gradient check all work
 * from here. */
#ifndef CNN_NN_LAYER_H
#define CNN_NN_LAYER_H

#include "kernels/kernels.h"

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_layer cnn_layer;
typedef struct cnn_layer_ops cnn_layer_ops;

/* Residuals may stand in residuals, so deep at most; and the longest path, such as
 * "12.layers.3.projection". */
enum { CNN_RESIDUAL_DEPTH_MAX = 4, CNN_LAYER_PATH_MAX = 64 };

/* Shape of one image's activation. After `flatten`: channels values, height = width = 1, flat. */
typedef struct cnn_shape {
    int channels, height, width;
    bool flat;
} cnn_shape;

/* Values of one image's activation. Shapes in a network are checked to fit (network.c). */
size_t cnn_shape_size(const cnn_shape *shape);

/* --- keys --- */

typedef struct cnn_layer_name {
    const char *text;
    int value;
} cnn_layer_name;

/* What a key that is no integer may be, ends included. */
typedef struct cnn_layer_range {
    double minimum, maximum, fallback;
} cnn_layer_range;

/* A key of a layer in the config: an integer, some of whose values may have names, or, where
 * `range` is not NULL, any number of a range, which is never required. */
typedef struct cnn_layer_key {
    const char *name;
    bool required;
    int minimum, maximum;        /* of a number; a named value may be outside */
    int fallback;                /* the default where not required … */
    const char *fallback_key;    /* … or, not NULL: the earlier key whose value is the default */
    const cnn_layer_name *names; /* ends with a NULL text; NULL where no value has a name */
    const char *help;
    const cnn_layer_range *range;
} cnn_layer_key;

#define CNN_LAYER_KEYS_MAX 8

/* A layer as the config gives it: values in the order of ops->keys. */
typedef struct cnn_layer_spec {
    const cnn_layer_ops *ops;
    int value[CNN_LAYER_KEYS_MAX];
    double number[CNN_LAYER_KEYS_MAX]; /* of the keys with a range */
    bool projects; /* the convolution of a residual's shortcut: reads the residual's input */
} cnn_layer_spec;

/* All layers there are, ended by NULL. */
extern const cnn_layer_ops *const cnn_layer_registry[];

/* The end of a residual (layer_residual.c), which no config names. */
extern const cnn_layer_ops cnn_layer_sum;

/* A 1×1 convolution for a residual's shortcut (layer_conv.c). */
void cnn_layer_make_projection(int filters, int stride, cnn_layer_spec *spec);

/* Is it max-pooling by 2×2 without overlap? (layer_maxpool.c) */
bool cnn_layer_pools_2x2(const cnn_layer_spec *spec);

/* The layer of that name, or NULL. */
const cnn_layer_ops *cnn_layer_find(const char *name);

/* --- parameters --- */

#define CNN_LAYER_TENSORS_MAX 4

/* The longest name of a tensor with its layer's path in front of it. */
enum { CNN_TENSOR_NAME_MAX = CNN_LAYER_PATH_MAX + 16 };

/* A tensor of a layer, named and shaped as the matching PyTorch module has it. */
typedef struct cnn_tensor {
    const char *name; /* "weight" or "bias" */
    int rank;
    int dim[4];
    int fan_in; /* > 0: starts as He uniform for this fan-in; 0: starts as `start` everywhere */
    float start;
    bool average;  /* follows the batches; its gradient is 0, and no optimizer changes it */
    bool decays;   /* weight decay is for it (weights; not biases, nor what normalizes) */
    size_t offset; /* in floats, in the flat parameter array */
    size_t count;
} cnn_tensor;

/* Where random numbers of a training step come from: the run's seed, and the step's number from the
 * run's beginning. */
typedef struct cnn_draw {
    uint64_t seed, step;
} cnn_draw;

/* --- layers that see the whole mini-batch --- */

/* In training, the output of such a layer for one image depends on all images of the batch, by sums
 * over them: every block gives its part (gather), the parts are combined once, in the order of the
 * blocks, and every block goes on with what came of them (shared). Backward likewise. */
typedef struct cnn_batch_ops {
    /* Doubles that a block gives, in either direction; floats that all blocks share. */
    size_t (*sums_size)(const cnn_layer *layer);
    size_t (*shared_size)(const cnn_layer *layer);

    /* x: a block whose first `count` lanes hold images. */
    void (*gather)(const cnn_layer *layer, const float *x, int count, float *work, double *sums);
    /* sums: what block b has given stands at sums[b * stride]. */
    void (*combine)(const cnn_layer *layer, const float *parameters, size_t blocks,
                    const double *sums, size_t stride, float *shared);
    void (*forward)(const cnn_layer *layer, const float *shared, const float *x, float *y);

    /* dy: zeros in lanes without an image. Adds the block's part of the layer's gradients. */
    void (*gather_gradient)(const cnn_layer *layer, const float *shared, const float *x,
                            const float *dy, int count, float *work, double *sums,
                            float *gradients);
    void (*combine_gradient)(const cnn_layer *layer, size_t blocks, const double *sums,
                             size_t stride, float *shared);
    /* Overwrites dx, with zeros in lanes without an image. */
    void (*backward)(const cnn_layer *layer, const float *shared, const float *x, const float *dy,
                     int count, float *dx);

    /* After a step: changes those of the layer's parameters that follow the batches
     * (cnn_tensor.average). */
    void (*update)(const cnn_layer *layer, const float *shared, float *parameters);
} cnn_batch_ops;

/* --- the operations of a kind of layer --- */

/* What a layer is to a residual (layer_residual.c). */
typedef enum cnn_layer_role {
    CNN_LAYER_PLAIN,
    CNN_LAYER_FORK, /* its beginning: network.c adds the shortcut's gradient to the input's */
    CNN_LAYER_SUM,  /* its end: network.c gives it two inputs, and both the output's gradient */
} cnn_layer_role;

struct cnn_layer_ops {
    const char *name;
    const char *help;
    const cnn_layer_key *keys; /* ends with a NULL name */
    cnn_layer_role role;

    /* The layer changes its input's buffer into its output (or leaves it): `forward` gets x == y
     * and `backward` dx == dy. Where that is not possible, network.c copies first. */
    bool in_place;
    /* forward applies max(0, ·) to y where layer->relu_follows. */
    bool applies_relu;
    /* forward max-pools y by 2×2 where layer->pool_follows, and keeps what the pooling layer would
     * have kept (kept is the pooling layer's), with CNN_POOL_NONE for the ReLU between them. */
    bool applies_pool;
    /* Then backward takes the gradient behind the pooling. NULL: never. */
    bool (*unpools)(const cnn_layer *layer);
    /* The layer is no part of prediction. */
    bool training_only;
    /* Two tensors, the weight [channels of y][…] and the bias [channels of y], give y as a linear
     * function: a scale and shift of y's channels can be theirs (inference.c). */
    bool weighs_channels;
    /* backward reads y, so no later layer may change it in place. */
    bool backward_reads_output;

    /* *out for an input of shape *in, or CNN_ERROR_CONFIG with a message that starts at the key
     * ("kernel: expected …") or with the layer's name. */
    cnn_status (*infer_shape)(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error);
    /* Fills name, rank, dim and fan_in of the layer's tensors; returns how many. NULL: none. */
    int (*tensors)(const cnn_layer_spec *spec, const cnn_shape *in, const cnn_shape *out,
                   cnn_tensor *tensors);
    /* Multiplications and additions of one image's forward pass. */
    double (*flops)(const cnn_layer *layer);

    /* Zeros that must stand around the input (values), and around the output (gradients): rows and
     * columns before and after. NULL: none. */
    void (*input_border)(const cnn_layer *layer, int *before, int *after);
    void (*gradient_border)(const cnn_layer *layer, int *before, int *after);
    /* Floats that forward keeps for backward of the same block. NULL: none. */
    size_t (*kept_size)(const cnn_layer *layer);
    /* Floats that one call of forward or backward needs for itself, in any state. NULL: none. */
    size_t (*work_size)(const cnn_layer *layer);
    /* Builds layer->plan, once all blocks are known. NULL: nothing to build. */
    cnn_status (*plan)(cnn_layer *layer, cnn_error *error);
    void (*free_plan)(cnn_layer *layer);
    /* Called when parameters have changed, before the next forward or backward: part 0 … parts - 1
     * of what there is to do, perhaps at the same time. `parameters`, here and below: the layer's
     * own, its tensors one behind the other. NULL: nothing to prepare. */
    void (*prepare)(const cnn_layer *layer, const float *parameters, int part, int parts);

    /* One block. x, y, dx, dy: value (0, 0, 0) of the layer's x_block, y_block, dx_block, dy_block.
     * NULL: nothing to do. */
    void (*forward)(const cnn_layer *layer, const float *parameters, const float *x, float *y,
                    float *kept, float *work);
    /* Adds to the layer's gradients (laid out like parameters), overwrites dx (NULL where not
     * needed). */
    void (*backward)(const cnn_layer *layer, const float *parameters, const float *x,
                     const float *y, const float *dy, float *kept, float *work, float *gradients,
                     float *dx);

    /* Training only, before forward: puts random numbers into kept, for the images first … first +
     * count - 1 of the batch. NULL: the layer needs none. */
    void (*draw)(const cnn_layer *layer, const cnn_draw *draw, size_t first, int count,
                 float *kept);

    /* NULL: every image stands for itself. Else training goes by these; forward is that of
     * prediction then. */
    const cnn_batch_ops *batch;

    /* The same in double for N images, dense arrays [N][C][H][W] (kernels/reference.h). */
    void (*reference_forward)(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y);
    void (*reference_backward)(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx);
    /* A hash of which side of each kink the layer is on (signs, places of maxima), continuing
     * `hash`. NULL: the layer is smooth. */
    uint64_t (*reference_pattern)(const cnn_layer *layer, int N, const double *x, uint64_t hash);
};

struct cnn_layer {
    cnn_layer_spec spec;
    const cnn_layer_ops *ops; /* spec.ops */
    const cnn_kernels *kernels;
    int number;                    /* its place in the network */
    char path[CNN_LAYER_PATH_MAX]; /* "4", or inside a residual "3.layers.0" */
    /* The activation that it reads (that of its own number, but for projections and sums), and, of
     * forks and sums, their counterpart's number, and the activation of the shortcut. */
    int source, partner, shortcut;
    cnn_shape in, out;
    cnn_tensor tensors[CNN_LAYER_TENSORS_MAX];
    int tensor_count;
    size_t parameter_offset, parameter_count; /* in the flat parameter array */
    cnn_block x_block, y_block, dx_block, dy_block;
    bool shares_value;  /* x and y are one buffer */
    bool needs_dx;      /* some layer before has parameters */
    bool direct_only;   /* no Winograd (CNN_CONV=direct) */
    bool relu_follows;  /* forward applies the ReLU behind it, too */
    bool pool_follows;  /* … and the max-pooling behind that */
    bool forward_done;  /* a layer before applies this one's forward, too */
    bool backward_done; /* … and its backward */
    /* The activations that forward writes, and whose gradient backward reads: the next one, or,
     * where layers are fused, the one behind the last of them. */
    int output, gradient_from;
    size_t kept_offset;
    size_t projected_offset;    /* of a projection: its dx, which its fork adds to the others' */
    const cnn_batch_ops *batch; /* ops->batch in training, NULL in prediction */
    size_t shared_offset;       /* of what the blocks of a batch share */
    void *plan;                 /* the layer's own */
};

/* y = x + shortcut of a sum, and ReLU of it where layer->relu_follows (layer_residual.c). */
void cnn_layer_add(const cnn_layer *layer, const float *x, const cnn_block *shortcut_block,
                   const float *shortcut, float *y);
/* gradient += from; both blocks hold the same shape. */
void cnn_layer_add_gradient(const cnn_block *from_block, const float *from, const cnn_block *block,
                            float *gradient);

/* For layers that turn each value into one: infer_shape, and flops at one operation a value. */
cnn_status cnn_layer_same_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                                cnn_error *error);
double cnn_layer_flops_per_value(const cnn_layer *layer);

/* infer_shape of pooling layers: windows of size × size inside the image, `stride` apart. */
cnn_status cnn_layer_pooled_shape(const cnn_layer_spec *spec, int size, int stride,
                                  const cnn_shape *in, cnn_shape *out, cnn_error *error);

/* What batch normalization does to a channel in prediction: y = x scale + shift
 * (layer_batchnorm.c). */
void cnn_batchnorm_fold(const cnn_layer *layer, const float *parameters, int channel, double *scale,
                        double *shift);

/* reference_pattern of layers with a kink at 0. */
uint64_t cnn_layer_sign_pattern(const cnn_layer *layer, int N, const double *x, uint64_t hash);

#endif
