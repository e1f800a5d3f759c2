/* sigmoid: 1 / (1 + e^-x) (eq. 6, 8). As the last layer it is part of the loss (loss.c) and
 * network.c leaves it out; the passes below are for a sigmoid further inside. */
#include "nn/layer.h"

#include "base/elementary.h"
#include "kernels/reference.h"

static const cnn_layer_key keys[] = {{0}};

static void forward(const cnn_layer *layer, const float *parameters, const float *x, float *y,
                    float *kept, float *work) {
    (void)parameters, (void)x, (void)kept, (void)work;
    const cnn_block *block = &layer->y_block;
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            float *row = y + c * block->plane_stride + h * block->row_stride;
            for (int i = 0; i < block->width * CNN_LANES; i++) {
                row[i] = (float)cnn_sigmoid((double)row[i]);
            }
        }
    }
}

static void backward(const cnn_layer *layer, const float *parameters, const float *x,
                     const float *y, const float *dy, float *kept, float *work, float *gradients,
                     float *dx) {
    (void)parameters, (void)x, (void)dy, (void)kept, (void)work, (void)gradients;
    const cnn_block *y_block = &layer->y_block;
    const cnn_block *d_block = &layer->dx_block;
    for (int c = 0; c < y_block->channels; c++) {
        for (int h = 0; h < y_block->height; h++) {
            const float *value = y + c * y_block->plane_stride + h * y_block->row_stride;
            float *slope = dx + c * d_block->plane_stride + h * d_block->row_stride;
            for (int i = 0; i < y_block->width * CNN_LANES; i++) {
                slope[i] *= value[i] * (1.0f - value[i]);
            }
        }
    }
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    (void)parameters;
    cnn_reference_sigmoid_forward((size_t)N * cnn_shape_size(&layer->in), x, y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)parameters, (void)x, (void)gradients;
    cnn_reference_sigmoid_backward((size_t)N * cnn_shape_size(&layer->in), y, dy, dx);
}

extern const cnn_layer_ops cnn_layer_sigmoid;
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
