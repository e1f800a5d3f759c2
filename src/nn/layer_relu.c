/* relu: max(0, x) (eq. 3, 13). */
#include "nn/layer.h"

#include "kernels/reference.h"

static const cnn_layer_key keys[] = {{0}};

static void forward(const cnn_layer *layer, const float *parameters, const float *x, float *y,
                    float *kept, float *work) {
    (void)parameters, (void)x, (void)kept, (void)work;
    layer->kernels->relu_forward(&layer->y_block, y);
}

static void backward(const cnn_layer *layer, const float *parameters, const float *x,
                     const float *y, const float *dy, float *kept, float *work, float *gradients,
                     float *dx) {
    (void)parameters, (void)x, (void)dy, (void)kept, (void)work, (void)gradients;
    layer->kernels->relu_backward(&layer->y_block, y, &layer->dx_block, dx);
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    (void)parameters;
    cnn_reference_relu_forward((size_t)N * cnn_shape_size(&layer->in), x, y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)parameters, (void)y, (void)gradients;
    cnn_reference_relu_backward((size_t)N * cnn_shape_size(&layer->in), x, dy, dx);
}

extern const cnn_layer_ops cnn_layer_relu;
const cnn_layer_ops cnn_layer_relu = {
    .name = "relu",
    .help = "max(0, x)",
    .keys = keys,
    .in_place = true,
    .backward_reads_output = true,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .reference_pattern = cnn_layer_sign_pattern,
};
