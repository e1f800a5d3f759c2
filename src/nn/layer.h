/* What a layer is. Each type is one file, layer_TYPE.c, and one row in layer_registry.c; the config
 * parser, the graph, the planner, the model file, the printed tables and the gradient check all
 * work from that row. */
#ifndef CNN_NN_LAYER_H
#define CNN_NN_LAYER_H

#include "base/value_kind.h"
#include "kernels/kernels.h"

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_layer_ops cnn_layer_ops;
typedef struct cnn_node cnn_node;
typedef struct cnn_layer cnn_layer;
typedef struct cnn_graph_builder cnn_graph_builder;
typedef struct cnn_single_ops cnn_single_ops; /* nn/single.h */

/* Residuals may be nested this deep; and the longest path, such as "12.layers.3.projection", or
 * place, "layers[12].layers[3]": five numbers of three digits. */
enum { CNN_RESIDUAL_DEPTH_MAX = 4, CNN_LAYER_PATH_MAX = 72 };

/* A node reads the outputs of one or two others. */
enum { CNN_NODE_INPUTS_MAX = 2 };

/* Shape of one image's activation. After `flatten`: channels values, height = width = 1, flat. */
typedef struct cnn_shape {
    int channels, height, width;
    bool flat;
} cnn_shape;

/* Values of one image's activation. graph.c checks that the shapes of a network fit. */
size_t cnn_shape_size(const cnn_shape *shape);
bool cnn_shape_equal(const cnn_shape *a, const cnn_shape *b);

/* --- keys --- */

#define CNN_LAYER_KEYS_MAX 8

/* A layer as the config gives it. The value of each key of ops->keys is one int in `value`
 * (cnn_kind_int), or four of them (cnn_kind_sides), a double in `number` (cnn_kind_number) or a
 * bool in `flag` (cnn_kind_boolean), as its row says. Nested lists of layers are one flat list: the
 * layers in a residual follow it, one level deeper. */
typedef struct cnn_layer_spec {
    const cnn_layer_ops *ops;
    int value[CNN_LAYER_KEYS_MAX];
    double number[CNN_LAYER_KEYS_MAX];
    bool flag[CNN_LAYER_KEYS_MAX];
    int depth; /* number of residuals that contain it */
} cnn_layer_spec;

/* An attribute that is derived from the keys, such as the padding on one side. */
typedef struct cnn_layer_attribute {
    const char *name;
    double (*value)(const cnn_node *node);
} cnn_layer_attribute;

/* All layers that a config may name; ends with NULL. */
extern const cnn_layer_ops *const cnn_layer_registry[];

/* The layer of that name, or NULL. */
const cnn_layer_ops *cnn_layer_find(const char *name);

/* Layers that are used outside of their own file: the image, which every graph starts with, the sum
 * of two values (layer_add.c), and those that a network ends with: dense and sigmoid, or features.
 */
extern const cnn_layer_ops cnn_layer_image, cnn_layer_add, cnn_layer_dense, cnn_layer_sigmoid,
    cnn_layer_features;

/* What a residual needs: a 1×1 convolution (layer_conv.c), and a batch normalization with the
 * default of each key (layer_batchnorm.c). */
cnn_layer_spec cnn_layer_projection(int filters, int stride, bool bias);
cnn_layer_spec cnn_layer_default_batchnorm(void);

/* --- parameters --- */

#define CNN_LAYER_TENSORS_MAX 4

/* The longest name of a tensor, with its layer's path before it. */
enum { CNN_TENSOR_NAME_MAX = CNN_LAYER_PATH_MAX + 16 };

/* A tensor of a layer, named and shaped as the matching PyTorch module has it. */
typedef struct cnn_tensor {
    const char *name; /* "weight" or "bias" */
    int rank;
    int dim[4];
    int fan_in; /* > 0: starts as He uniform for this fan-in; 0: starts as `start` everywhere */
    float start;
    bool average;  /* follows the batches; its gradient is 0, and no optimizer changes it */
    bool decays;   /* weight decay applies (to weights; not to biases, nor to normalization) */
    size_t offset; /* in floats, in the flat parameter array */
    size_t count;
} cnn_tensor;

/* "4.weight", or "3.layers.0.weight": the name after its layer's path. */
void cnn_tensor_full_name(const char *path, const cnn_tensor *tensor,
                          char name[CNN_TENSOR_NAME_MAX]);

/* The source of the random numbers of a training step: the seed of the run, and the number of the
 * step since the start of the run. */
typedef struct cnn_draw {
    uint64_t seed, step;
} cnn_draw;

/* --- nodes --- */

/* A node of a network's graph (graph.h): one operation on the outputs of earlier nodes. */
struct cnn_node {
    const cnn_layer_ops *ops;
    cnn_layer_spec spec;           /* attributes: see cnn_node_attribute */
    char path[CNN_LAYER_PATH_MAX]; /* "4", or inside a residual "3.layers.0" */
    /* Its position in the list of layers, in which a residual counts before its layers, and its
     * projection and its sum after them. Random numbers depend on it. */
    int serial;
    int input_count;
    int input[CNN_NODE_INPUTS_MAX]; /* numbers of nodes, lower than its own */
    cnn_shape in, out;              /* of its first input and of its own operation */
    cnn_tensor tensors[CNN_LAYER_TENSORS_MAX];
    int tensor_count;
    size_t parameter_offset, parameter_count; /* in the flat parameter array */
    bool has_gradient;                        /* it, or a node that it depends on, has parameters */
    bool needs_dx;                            /* its first input has a gradient */
    bool direct_only;                         /* no Winograd (CNN_CONV=direct) */

    /* What fusing (fuse.h) made part of it: numbers of nodes in the original graph; 0: none. */
    int origin;       /* itself */
    int relu, pool;   /* applied, in this order, while its output is stored */
    float relu_max;   /* of the fused ReLU, as kernels.h has it; 0: no ReLU */
    bool unpools;     /* backward takes the gradient of the pooled output */
    int normalizer;   /* the batch normalization merged into its weights */
    cnn_shape stored; /* shape of what it stores: `out`, or the pooled one */
};

/* The attribute of that name: a key of its config, or one that its layer derives from them
 * (ops->attributes), such as "padding_top". False if there is none. */
bool cnn_node_attribute(const cnn_node *node, const char *name, double *value);

/* --- passes --- */

/* A node as planned for one network, with the layout of its blocks. For an in-place operation,
 * x_block is y_block, and dx_block is dy_block. */
struct cnn_layer {
    const cnn_node *node;
    const cnn_kernels *kernels;
    cnn_block x_block[CNN_NODE_INPUTS_MAX], dx_block[CNN_NODE_INPUTS_MAX], y_block, dy_block;
    void *plan; /* the layer's own */
};

/* The data of one pass over one block. x, y, dx, dy: value (0, 0, 0) of the layer's x_block,
 * y_block, dx_block, dy_block. */
typedef struct cnn_pass {
    const float *parameters; /* the layer's own, its tensors one after the other */
    const float *x[CNN_NODE_INPUTS_MAX];
    float *y;
    const float *dy;
    float *dx[CNN_NODE_INPUTS_MAX]; /* overwritten; NULL if not needed */
    float *kept;                    /* from forward to backward of the same block */
    float *work;                    /* scratch for this call, uninitialised */
    float *gradients; /* the layer's own, laid out like parameters; added to. NULL: not wanted, only
                         dx */
    /* For layers that see the whole batch: the number of lanes that hold images (the first ones),
     * the data that all blocks share, and the sums of this block. */
    int count;
    float *shared;
    double *sums;
} cnn_pass;

typedef void cnn_operation(const cnn_layer *layer, const cnn_pass *pass);

/* The same in double for N images, dense arrays [N][C][H][W] (kernels/reference.h). */
typedef struct cnn_reference_pass {
    int N;
    const double *parameters;
    const double *x[CNN_NODE_INPUTS_MAX];
    double *y;
    const double *dy;
    double *gradients;               /* added to */
    double *dx[CNN_NODE_INPUTS_MAX]; /* overwritten; NULL if not needed */
} cnn_reference_pass;

/* --- layers that see the whole mini-batch --- */

/* The data that is combined once per batch: the sums of block b are at sums[b * stride]. */
typedef struct cnn_batch_sums {
    const float *parameters;
    size_t blocks, stride;
    const double *sums;
    float *shared;
} cnn_batch_sums;

/* In training, the output of such a layer for one image depends on all images of the batch, by sums
 * over them: every block gives its part (gather), the parts are combined once, in the order of the
 * blocks, and every block continues with the result (shared). Backward likewise. */
typedef struct cnn_batch_ops {
    /* Number of doubles that a block computes, in either direction; number of floats that all
     * blocks share. */
    size_t (*sums_size)(const cnn_node *node);
    size_t (*shared_size)(const cnn_node *node);

    cnn_operation *gather; /* x to sums */
    void (*combine)(const cnn_node *node, const cnn_batch_sums *batch);
    cnn_operation *forward; /* x and shared to y */

    /* dy, with zeros in lanes without an image, to sums; adds the block's part of the gradients. */
    cnn_operation *gather_gradient;
    void (*combine_gradient)(const cnn_node *node, const cnn_batch_sums *batch);
    /* dy and shared to dx, with zeros in lanes without an image. */
    cnn_operation *backward;

    /* After a step: changes those of the layer's parameters that follow the batches
     * (cnn_tensor.average). */
    void (*update)(const cnn_node *node, const float *shared, float *parameters);

    /* gather_gradient and backward take the gradient after the ReLU that forward applied. */
    bool undoes_relu;
} cnn_batch_ops;

/* --- the operations of a type of layer --- */

/* An operation of the following layer that a layer can apply to its output while it stores it. */
typedef enum cnn_epilogue {
    CNN_EPILOGUE_NONE = 0,
    CNN_EPILOGUE_RELU = 1,
    CNN_EPILOGUE_POOL = 2, /* max-pooling by 2×2 without overlap */
} cnn_epilogue;

/* Joins the list of layers of a layer with the list's input: adds a node that reads the outputs of
 * `input`, which the list reads, and of `output`, the last node of the list; *joined: this node. */
typedef cnn_status cnn_join_function(cnn_graph_builder *builder, const cnn_layer_spec *layer,
                                     int input, int output, int *joined, cnn_error *error);

struct cnn_layer_ops {
    const char *name;
    const char *help;    /* in a few words */
    const char *prose;   /* for the manual, in the markup of cnn/mdoc.h; NULL: help */
    const cnn_key *keys; /* fields of cnn_layer_spec; ends with a NULL name */
    const cnn_layer_attribute *attributes; /* ends with a NULL name; NULL: none */
    const char *symbol;                    /* the letter of its output in a trace; NULL: "A" */

    /* It contains a list of layers, its key "layers", and is not a node itself. NULL: a node. */
    cnn_join_function *join;

    /* The operation works in its input's memory: `forward` gets x == y and `backward` dx == dy. If
     * that is not possible, the plan copies first. */
    bool in_place;
    /* In place; only the shape changes, no value does. */
    bool aliases_input;
    /* backward reads y, so no later layer may change it in place. */
    bool backward_reads_output;
    /* The gradient of each input is that of the output. */
    bool passes_gradient;
    /* Left out of prediction. */
    bool training_only;
    /* The weight [channels of y][…] and, where there is one, the bias [channels of y] give y as a
     * linear function: a scale and shift of y's channels can be merged into them (fuse.h), for
     * which the layer may get a bias that it did not have. */
    bool weighs_channels;
    /* The epilogues that forward applies: if node->relu is set, max(0, ·) to y, and node->relu_max
     * at most; if node->pool is
     * set, max-pooling by 2×2; it then keeps what the pooling layer would keep, with CNN_POOL_NONE
     * for the ReLU before it. */
    unsigned epilogues;
    /* The epilogue that this layer can be for the layer before it. NULL: none. */
    cnn_epilogue (*epilogue)(const cnn_layer_spec *spec);
    /* Can backward take the gradient of the pooled output? NULL: never. */
    bool (*unpools)(const cnn_node *node);

    /* *out for inputs of the shapes in[0], in[1], …, or CNN_ERROR_CONFIG with a message that starts
     * at the key ("kernel: expected …") or with the layer's name. */
    cnn_status (*infer_shape)(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error);
    /* Fills name, rank, dim and fan_in of the layer's tensors; returns how many. NULL: none. */
    int (*tensors)(const cnn_layer_spec *spec, const cnn_shape *in, const cnn_shape *out,
                   cnn_tensor *tensors);
    /* Multiplications and additions of one image's forward pass. NULL: none. */
    double (*flops)(const cnn_node *node);

    /* Zeros that are needed around the input (values), and around the output (gradients): rows and
     * columns before and after. NULL: none. */
    void (*input_border)(const cnn_node *node, int *before, int *after);
    void (*gradient_border)(const cnn_node *node, int *before, int *after);
    /* Floats that forward keeps for backward of the same block. NULL: none. */
    size_t (*kept_size)(const cnn_node *node);
    /* Floats of scratch space that one call of forward or backward needs. NULL: none. */
    size_t (*work_size)(const cnn_node *node);
    /* Builds layer->plan, once all blocks are known. NULL: nothing to build. */
    cnn_status (*plan)(cnn_layer *layer, cnn_error *error);
    void (*free_plan)(cnn_layer *layer);
    /* Called when parameters have changed, before the next forward or backward: part 0 … parts - 1
     * of the work, perhaps at the same time. NULL: nothing to prepare. */
    void (*prepare)(const cnn_layer *layer, const float *parameters, int part, int parts);

    cnn_operation *forward, *backward; /* one block; NULL: nothing to do */
    const cnn_single_ops *single;      /* one image at a time; NULL: only in blocks */

    /* Training only, before forward: puts random numbers into kept, for the images first … first +
     * count - 1 of the batch. NULL: the layer needs none. */
    void (*draw)(const cnn_node *node, const cnn_draw *draw, size_t first, int count, float *kept);

    /* NULL: images are independent of each other. Else training uses these, and forward and
     * backward are for prediction only. */
    const cnn_batch_ops *batch;

    void (*reference_forward)(const cnn_node *node, const cnn_reference_pass *pass);
    void (*reference_backward)(const cnn_node *node, const cnn_reference_pass *pass);
    /* A hash of which side of each kink the layer is on (signs, places of maxima), continuing
     * `hash`. NULL: the layer is smooth. */
    uint64_t (*reference_pattern)(const cnn_node *node, int N, const double *x, uint64_t hash);
};

/* --- shared by several layers --- */

/* Where row h of channel c starts in a block, in floats from value (0, 0, 0); it has width ×
 * CNN_LANES floats. */
static inline ptrdiff_t cnn_block_row(const cnn_block *block, int c, int h) {
    return c * block->plane_stride + h * block->row_stride;
}

/* Copies one block, or adds it to another, value by value: `to` may have another border, or be the
 * same values in a flat shape without border (copying only). */
void cnn_block_copy(const cnn_block *from_block, const float *from, const cnn_block *to_block,
                    float *to);
void cnn_block_add(const cnn_block *from_block, const float *from, const cnn_block *to_block,
                   float *to);

/* For layers that map each value to one value: infer_shape, and flops with one operation per value.
 */
cnn_status cnn_layer_same_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                                cnn_error *error);
double cnn_layer_flops_per_value(const cnn_node *node);

/* The effect of batch normalization on a channel in prediction: y = x scale + shift
 * (layer_batchnorm.c). parameters: the layer's own. */
void cnn_batchnorm_scale(const cnn_node *node, const float *parameters, int channel, double *scale,
                         double *shift);

/* The ceiling of a ReLU, as relu_max in kernels.h (layer_relu.c). */
float cnn_relu_max(const cnn_node *node);

/* reference_pattern of layers with a kink at 0. */
uint64_t cnn_layer_sign_pattern(const cnn_node *node, int N, const double *x, uint64_t hash);

#endif
