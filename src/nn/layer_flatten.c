/* flatten: [C][H][W] seen as one row of values, row-major (eq. 5). Nothing moves unless a border is
 * in the way; then network.c copies. */
#include "nn/layer.h"

#include <string.h>

static const cnn_layer_key keys[] = {{0}};

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    (void)spec, (void)error;
    *out = (cnn_shape){.channels = (int)cnn_shape_size(in), .height = 1, .width = 1, .flat = true};
    return CNN_OK;
}

static double flops(const cnn_layer *layer) {
    (void)layer;
    return 0.0;
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    (void)parameters;
    memcpy(y, x, (size_t)N * cnn_shape_size(&layer->in) * sizeof *y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)parameters, (void)x, (void)y, (void)gradients;
    memcpy(dx, dy, (size_t)N * cnn_shape_size(&layer->in) * sizeof *dx);
}

extern const cnn_layer_ops cnn_layer_flatten;
const cnn_layer_ops cnn_layer_flatten = {
    .name = "flatten",
    .help = "channels × rows × columns as one row of values",
    .keys = keys,
    .in_place = true,
    .infer_shape = infer_shape,
    .flops = flops,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
