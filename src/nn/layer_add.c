/* add: the sum of two values of the same shape, value by value: what a residual ends with
 * (layer_residual.c). */
#include "nn/single.h"

#include "base/error.h"

#include <string.h>

static const cnn_key keys[] = {{.name = NULL}};

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    layer->kernels->add_forward(&layer->x_block[0], pass->x[0], &layer->x_block[1], pass->x[1],
                                layer->node->relu_max, &layer->y_block, pass->y);
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    for (int k = 0; k < CNN_NODE_INPUTS_MAX; k++) {
        if (pass->dx[k] && pass->dx[k] != pass->dy) { /* otherwise the plan made them the same
                                                       * memory */
            cnn_block_copy(&layer->dy_block, pass->dy, &layer->dx_block[k], pass->dx[k]);
        }
    }
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    for (size_t i = 0; i < (size_t)pass->N * cnn_shape_size(&node->out); i++) {
        pass->y[i] = pass->x[0][i] + pass->x[1][i];
    }
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    for (int k = 0; k < CNN_NODE_INPUTS_MAX; k++) {
        if (pass->dx[k]) {
            memcpy(pass->dx[k], pass->dy,
                   (size_t)pass->N * cnn_shape_size(&node->out) * sizeof(double));
        }
    }
}

const cnn_layer_ops cnn_layer_add = {
    .name = "add",
    .help = "the sum of two values",
    .keys = keys,
    .passes_gradient = true,
    .epilogues = CNN_EPILOGUE_RELU,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .forward = forward,
    .backward = backward,
    .single = &cnn_single_lanes,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
