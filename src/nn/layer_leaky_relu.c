/* leaky_relu: x where x > 0, else slope × x (Maas et al., "Rectifier nonlinearities improve neural
 * network acoustic models", 2013; PyTorch's LeakyReLU). */
#include "nn/layer.h"

#include "kernels/reference.h"

enum { SLOPE };

/* A slope of 0 or more keeps the sign, so that backward can tell by the output. */
static const cnn_layer_range slopes = {0.0, 1.0, 0.01};

static const cnn_layer_key keys[] = {
    {.name = "negative_slope",
     .range = &slopes,
     .help = "what a negative value is multiplied with"},
    {0},
};

static void forward(const cnn_layer *layer, const float *parameters, const float *x, float *y,
                    float *kept, float *work) {
    (void)parameters, (void)x, (void)kept, (void)work;
    layer->kernels->leaky_relu_forward(&layer->y_block, (float)layer->spec.number[SLOPE], y);
}

static void backward(const cnn_layer *layer, const float *parameters, const float *x,
                     const float *y, const float *dy, float *kept, float *work, float *gradients,
                     float *dx) {
    (void)parameters, (void)x, (void)dy, (void)kept, (void)work, (void)gradients;
    layer->kernels->leaky_relu_backward(&layer->y_block, y, (float)layer->spec.number[SLOPE],
                                        &layer->dx_block, dx);
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    (void)parameters;
    cnn_reference_leaky_relu_forward((size_t)N * cnn_shape_size(&layer->in),
                                     layer->spec.number[SLOPE], x, y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)parameters, (void)y, (void)gradients;
    cnn_reference_leaky_relu_backward((size_t)N * cnn_shape_size(&layer->in),
                                      layer->spec.number[SLOPE], x, dy, dx);
}

extern const cnn_layer_ops cnn_layer_leaky_relu;
const cnn_layer_ops cnn_layer_leaky_relu = {
    .name = "leaky_relu",
    .help = "x where it is above 0, else negative_slope × x",
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
