/* relu: max(0, x) (eq. 3, 13). */
#include "nn/planar.h"

#include "kernels/reference.h"

static const cnn_key keys[] = {{.name = NULL}};

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    layer->kernels->relu_forward(&layer->y_block, pass->y);
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    layer->kernels->relu_backward(&layer->y_block, pass->y, &layer->dx_block[0], pass->dx[0]);
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_relu_forward((size_t)pass->N * cnn_shape_size(&node->in), pass->x[0], pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_relu_backward((size_t)pass->N * cnn_shape_size(&node->in), pass->x[0], pass->dy,
                                pass->dx[0]);
}

static cnn_epilogue epilogue(const cnn_layer_spec *spec) {
    (void)spec;
    return CNN_EPILOGUE_RELU;
}

extern const cnn_layer_ops cnn_layer_relu;
const cnn_layer_ops cnn_layer_relu = {
    .name = "relu",
    .help = "max(0, x)",
    .prose = "max(0, x).",
    .keys = keys,
    .in_place = true,
    .backward_reads_output = true,
    .epilogue = epilogue,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .forward = forward,
    .backward = backward,
    .planar = &cnn_planar_elementwise,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .reference_pattern = cnn_layer_sign_pattern,
};
