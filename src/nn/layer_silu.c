/* silu: x σ(x), with σ(x) = 1 / (1 + e^-x) (Hendrycks and Gimpel, "Gaussian error linear units",
 * 2016; Ramachandran et al., "Searching for activation functions", 2017, where it is called swish;
 * PyTorch's SiLU). Smooth, and below 0 for some x below 0. */
#include "base/elementary.h"
#include "nn/single.h"

static const cnn_key keys[] = {{.name = NULL}};

static double silu(double x) {
    return x * cnn_sigmoid(x);
}

/* Its derivative, σ(x) (1 + x (1 - σ(x))). */
static double slope(double x) {
    double sigmoid = cnn_sigmoid(x);
    return sigmoid * (1.0 + x * (1.0 - sigmoid));
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_block *block = &layer->y_block;
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            const float *x = pass->x[0] + cnn_block_row(&layer->x_block[0], c, h);
            float *y = pass->y + cnn_block_row(block, c, h);
            for (int i = 0; i < block->width * CNN_LANES; i++) {
                y[i] = (float)silu((double)x[i]);
            }
        }
    }
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_block *block = &layer->dx_block[0];
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            const float *x = pass->x[0] + cnn_block_row(&layer->x_block[0], c, h);
            const float *dy = pass->dy + cnn_block_row(&layer->dy_block, c, h);
            float *dx = pass->dx[0] + cnn_block_row(block, c, h);
            for (int i = 0; i < block->width * CNN_LANES; i++) {
                dx[i] = (float)((double)dy[i] * slope((double)x[i]));
            }
        }
    }
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    for (size_t i = 0; i < (size_t)pass->N * cnn_shape_size(&node->in); i++) {
        pass->y[i] = silu(pass->x[0][i]);
    }
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    for (size_t i = 0; i < (size_t)pass->N * cnn_shape_size(&node->in); i++) {
        pass->dx[0][i] = pass->dy[i] * slope(pass->x[0][i]);
    }
}

extern const cnn_layer_ops cnn_layer_silu;
const cnn_layer_ops cnn_layer_silu = {
    .name = "silu",
    .help = "x / (1 + e^-x)",
    .prose = "x / (1 + e^-x), smooth at 0, where `relu` has a corner (Ramachandran et al. 2017; "
             "PyTorch's SiLU).",
    .keys = keys,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .forward = forward,
    .backward = backward,
    .single = &cnn_single_lanes,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
