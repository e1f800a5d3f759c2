/* dense: every output is a weighted sum of all inputs (eq. 6, 9, 10, 11). */
#include "nn/layer.h"

#include "base/error.h"
#include "kernels/reference.h"

enum { UNITS };

static const cnn_layer_key keys[] = {
    {.name = "units", .required = true, .minimum = 1, .maximum = 65536, .help = "outputs"},
    {0},
};

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    if (!in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected flatten before dense (its input is %d×%d×%d)", in->channels,
                        in->height, in->width);
    }
    *out = (cnn_shape){.channels = spec->value[UNITS], .height = 1, .width = 1, .flat = true};
    return CNN_OK;
}

static int tensors(const cnn_layer_spec *spec, const cnn_shape *in, const cnn_shape *out,
                   cnn_tensor *tensor) {
    (void)out;
    int units = spec->value[UNITS];
    tensor[0] = (cnn_tensor){.name = "weight",
                             .rank = 2,
                             .dim = {units, in->channels},
                             .fan_in = in->channels,
                             .decays = true};
    tensor[1] = (cnn_tensor){.name = "bias", .rank = 1, .dim = {units}};
    return 2;
}

static double flops(const cnn_layer *layer) {
    return 2.0 * (double)layer->in.channels * (double)layer->out.channels;
}

/* For the block's transposed activations: see dense_backward_weight in kernels.h. */
static size_t work_size(const cnn_layer *layer) {
    size_t inputs = (size_t)layer->in.channels;
    return (inputs + CNN_LANES - 1) / CNN_LANES * CNN_LANES * CNN_LANES;
}

static void forward(const cnn_layer *layer, const float *parameters, const float *x, float *y,
                    float *kept, float *work) {
    (void)kept, (void)work;
    const float *bias = parameters + layer->tensors[0].count;
    layer->kernels->dense_forward(layer->in.channels, layer->out.channels, parameters, bias, x,
                                  layer->relu_follows, y);
}

static void backward(const cnn_layer *layer, const float *parameters, const float *x,
                     const float *y, const float *dy, float *kept, float *work, float *gradients,
                     float *dx) {
    (void)y, (void)kept;
    const cnn_kernels *kernels = layer->kernels;
    int inputs = layer->in.channels;
    int outputs = layer->out.channels;
    kernels->dense_backward_weight(inputs, outputs, x, dy, work, gradients,
                                   gradients + layer->tensors[0].count);
    if (dx) {
        kernels->dense_backward_data(inputs, outputs, parameters, dy, dx);
    }
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    cnn_reference_dense_forward(N, layer->in.channels, layer->out.channels, x, parameters,
                                parameters + layer->tensors[0].count, y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)y;
    cnn_reference_dense_backward(N, layer->in.channels, layer->out.channels, x, parameters, dy, dx,
                                 gradients, gradients + layer->tensors[0].count);
}

extern const cnn_layer_ops cnn_layer_dense;
const cnn_layer_ops cnn_layer_dense = {
    .name = "dense",
    .help = "fully connected",
    .keys = keys,
    .applies_relu = true,
    .weighs_channels = true,
    .infer_shape = infer_shape,
    .tensors = tensors,
    .flops = flops,
    .work_size = work_size,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
