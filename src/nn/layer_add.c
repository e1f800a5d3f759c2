/* add: the sum of two values of the same shape, value by value: what a residual ends with
 * (layer_residual.c). */
#include "nn/single.h"

#include "base/error.h"

#include <string.h>

static const cnn_key keys[] = {{.name = NULL}};

static void add_rows(const float *a, const float *b, size_t count, float *sum) {
    for (size_t i = 0; i < count; i++) {
        sum[i] = a[i] + b[i];
    }
}

static void add_rows_relu(const float *a, const float *b, size_t count, float relu_max,
                          float *sum) {
    for (size_t i = 0; i < count; i++) {
        float value = a[i] + b[i];
        value = 0.0f > value ? 0.0f : value; /* NaN is kept, as in vec_relu */
        sum[i] = value > relu_max ? relu_max : value;
    }
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_block *to = &layer->y_block;
    size_t count = (size_t)to->width * CNN_LANES;
    for (int c = 0; c < to->channels; c++) {
        for (int h = 0; h < to->height; h++) {
            const float *a = pass->x[0] + cnn_block_row(&layer->x_block[0], c, h);
            const float *b = pass->x[1] + cnn_block_row(&layer->x_block[1], c, h);
            float *sum = pass->y + cnn_block_row(to, c, h);
            if (layer->node->relu) {
                add_rows_relu(a, b, count, layer->node->relu_max, sum);
            } else {
                add_rows(a, b, count, sum);
            }
        }
    }
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
