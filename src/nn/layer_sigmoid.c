/* sigmoid: 1 / (1 + e^-x) (eq. 6, 8). As the last layer it is part of the loss (loss.c) and the
 * plan leaves it out; the passes below are for a sigmoid elsewhere. */
#include "nn/layer.h"

#include "base/elementary.h"
#include "kernels/reference.h"

static const cnn_key keys[] = {{.name = NULL}};

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_block *block = &layer->y_block;
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            float *row = pass->y + cnn_block_row(block, c, h);
            for (int i = 0; i < block->width * CNN_LANES; i++) {
                row[i] = (float)cnn_sigmoid((double)row[i]);
            }
        }
    }
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_block *y_block = &layer->y_block;
    const cnn_block *d_block = &layer->dx_block[0];
    for (int c = 0; c < y_block->channels; c++) {
        for (int h = 0; h < y_block->height; h++) {
            const float *value = pass->y + cnn_block_row(y_block, c, h);
            float *slope = pass->dx[0] + cnn_block_row(d_block, c, h);
            for (int i = 0; i < y_block->width * CNN_LANES; i++) {
                slope[i] *= value[i] * (1.0f - value[i]);
            }
        }
    }
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_sigmoid_forward((size_t)pass->N * cnn_shape_size(&node->in), pass->x[0], pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_sigmoid_backward((size_t)pass->N * cnn_shape_size(&node->in), pass->y, pass->dy,
                                   pass->dx[0]);
}

const cnn_layer_ops cnn_layer_sigmoid = {
    .name = "sigmoid",
    .help = "1 / (1 + e^-x); the last layer of every network",
    .keys = keys,
    .in_place = true,
    .backward_reads_output = true,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
