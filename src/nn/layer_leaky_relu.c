/* leaky_relu: x if x > 0, else slope × x (Maas et al., "Rectifier nonlinearities improve neural
 * network acoustic models", 2013; PyTorch's LeakyReLU). */
#include "nn/single.h"

#include "kernels/reference.h"

enum { SLOPE };

/* A slope of 0 or more keeps the sign, so that backward can use the output. */
static const cnn_key keys[] = {
    {.name = "negative_slope",
     .kind = &cnn_kind_number,
     .offset = offsetof(cnn_layer_spec, number[SLOPE]),
     .minimum = 0.0,
     .maximum = 1.0,
     .fallback = 0.01,
     .help = "the factor of negative values"},
    {.name = NULL},
};

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    layer->kernels->leaky_relu_forward(&layer->y_block, (float)layer->node->spec.number[SLOPE],
                                       pass->y);
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    layer->kernels->leaky_relu_backward(&layer->y_block, pass->y,
                                        (float)layer->node->spec.number[SLOPE], &layer->dx_block[0],
                                        pass->dx[0]);
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_leaky_relu_forward((size_t)pass->N * cnn_shape_size(&node->in),
                                     node->spec.number[SLOPE], pass->x[0], pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_leaky_relu_backward((size_t)pass->N * cnn_shape_size(&node->in),
                                      node->spec.number[SLOPE], pass->x[0], pass->dy, pass->dx[0]);
}

extern const cnn_layer_ops cnn_layer_leaky_relu;
const cnn_layer_ops cnn_layer_leaky_relu = {
    .name = "leaky_relu",
    .help = "x if it is above 0, else negative_slope × x",
    .prose = "x if it is above 0, else `negative_slope` × x.",
    .keys = keys,
    .in_place = true,
    .backward_reads_output = true,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .forward = forward,
    .backward = backward,
    .single = &cnn_single_lanes,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .reference_pattern = cnn_layer_sign_pattern,
};
