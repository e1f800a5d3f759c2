/* residual: the output of a list of layers added to the list's input (He et al., "Deep residual
 * learning for image recognition", 2016). Among the layers of a network it stands as two: a fork in
 * front of the list, which hands its input on, and a sum behind it. Where the shapes differ, a 1×1
 * convolution (the projection) in front of the sum brings the input to the output's shape. */
#include "nn/layer.h"

#include "base/error.h"

#include <string.h>

static const cnn_layer_key keys[] = {{0}};

static double no_flops(const cnn_layer *layer) {
    (void)layer;
    return 0.0;
}

/* --- rows of values, which all of these functions go through --- */

typedef void row_function(const float *a, const float *b, size_t count, float *sum);

static void add_rows(const float *a, const float *b, size_t count, float *sum) {
    for (size_t i = 0; i < count; i++) {
        sum[i] = a[i] + b[i];
    }
}

static void add_rows_relu(const float *a, const float *b, size_t count, float *sum) {
    for (size_t i = 0; i < count; i++) {
        float value = a[i] + b[i];
        sum[i] = 0.0f > value ? 0.0f : value; /* NaN stays, as in vec_relu */
    }
}

static void for_rows(const cnn_block *a_block, const float *a, const cnn_block *b_block,
                     const float *b, const cnn_block *to_block, float *to, row_function *run) {
    size_t count = (size_t)a_block->width * CNN_LANES;
    for (int c = 0; c < a_block->channels; c++) {
        for (int h = 0; h < a_block->height; h++) {
            run(a + c * a_block->plane_stride + h * a_block->row_stride,
                b + c * b_block->plane_stride + h * b_block->row_stride, count,
                to + c * to_block->plane_stride + h * to_block->row_stride);
        }
    }
}

void cnn_layer_add(const cnn_layer *layer, const float *x, const cnn_block *shortcut_block,
                   const float *shortcut, float *y) {
    for_rows(&layer->x_block, x, shortcut_block, shortcut, &layer->y_block, y,
             layer->relu_follows ? add_rows_relu : add_rows);
}

void cnn_layer_add_gradient(const cnn_block *from_block, const float *from, const cnn_block *block,
                            float *gradient) {
    for_rows(block, gradient, from_block, from, block, gradient, add_rows);
}

/* --- in double --- */

static void reference_copy(const cnn_layer *layer, int N, const double *from, double *to) {
    memcpy(to, from, (size_t)N * cnn_shape_size(&layer->in) * sizeof *to);
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    (void)parameters;
    reference_copy(layer, N, x, y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)parameters, (void)x, (void)y, (void)gradients;
    if (dx) {
        reference_copy(layer, N, dy, dx);
    }
}

/* --- the two --- */

extern const cnn_layer_ops cnn_layer_residual;

const cnn_layer_ops cnn_layer_residual = {
    .name = "residual",
    .help = "its \"layers\" (a list), whose output is added to its input, through a 1×1 "
            "convolution where shapes differ",
    .keys = keys,
    .role = CNN_LAYER_FORK,
    .in_place = true,
    .backward_reads_output = true, /* the sum does, in both directions */
    .infer_shape = cnn_layer_same_shape,
    .flops = no_flops,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};

const cnn_layer_ops cnn_layer_sum = {
    .name = "sum",
    .help = "the end of a residual",
    .keys = keys,
    .role = CNN_LAYER_SUM,
    .applies_relu = true,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
