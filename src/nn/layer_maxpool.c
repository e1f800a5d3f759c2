/* maxpool: the maximum of each window (eq. 4, 12). */
#include "nn/layer.h"

#include "base/hash.h"
#include "kernels/reference.h"

extern const cnn_layer_ops cnn_layer_maxpool;

enum { SIZE, STRIDE };

static const cnn_layer_key keys[] = {
    {.name = "size",
     .required = true,
     .minimum = 1,
     .maximum = 31,
     .help = "rows and columns of a window"},
    {.name = "stride",
     .minimum = 1,
     .maximum = 31,
     .fallback_key = "size",
     .help = "step between windows"},
    {0},
};

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    return cnn_layer_pooled_shape(spec, spec->value[SIZE], spec->value[STRIDE], in, out, error);
}

bool cnn_layer_pools_2x2(const cnn_layer_spec *spec) {
    return spec->ops == &cnn_layer_maxpool && spec->value[SIZE] == 2 && spec->value[STRIDE] == 2;
}

static double flops(const cnn_layer *layer) {
    int size = layer->spec.value[SIZE];
    return (double)(size * size - 1) * (double)cnn_shape_size(&layer->out);
}

/* The place of every maximum, from forward to backward. */
static size_t kept_size(const cnn_layer *layer) {
    return cnn_shape_size(&layer->out) * CNN_LANES;
}

static cnn_pool_window window_of(const cnn_layer *layer) {
    return (cnn_pool_window){.size = layer->spec.value[SIZE], .stride = layer->spec.value[STRIDE]};
}

static void forward(const cnn_layer *layer, const float *parameters, const float *x, float *y,
                    float *kept, float *work) {
    (void)parameters, (void)work;
    cnn_pool_window window = window_of(layer);
    layer->kernels->maxpool_forward(&window, &layer->x_block, x, &layer->y_block, y, kept);
}

static void backward(const cnn_layer *layer, const float *parameters, const float *x,
                     const float *y, const float *dy, float *kept, float *work, float *gradients,
                     float *dx) {
    (void)parameters, (void)x, (void)y, (void)work, (void)gradients;
    cnn_pool_window window = window_of(layer);
    layer->kernels->maxpool_backward(&window, &layer->dy_block, dy, kept, &layer->dx_block, dx);
}

static cnn_reference_pool reference_size(const cnn_layer *layer, int N) {
    return (cnn_reference_pool){
        .N = N,
        .C = layer->in.channels,
        .H = layer->in.height,
        .W = layer->in.width,
        .size = layer->spec.value[SIZE],
        .stride = layer->spec.value[STRIDE],
        .OH = layer->out.height,
        .OW = layer->out.width,
    };
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    (void)parameters;
    cnn_reference_pool size = reference_size(layer, N);
    cnn_reference_maxpool_forward(&size, x, y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)parameters, (void)y, (void)gradients;
    cnn_reference_pool size = reference_size(layer, N);
    cnn_reference_maxpool_backward(&size, x, dy, dx);
}

static uint64_t reference_pattern(const cnn_layer *layer, int N, const double *x, uint64_t hash) {
    cnn_reference_pool size = reference_size(layer, N);
    for (int plane = 0; plane < size.N * size.C; plane++, x += size.H * size.W) {
        for (int oh = 0; oh < size.OH; oh++) {
            for (int ow = 0; ow < size.OW; ow++) {
                int place = cnn_reference_maxpool_place(&size, x, oh, ow);
                hash = cnn_hash_bytes(hash, &place, sizeof place);
            }
        }
    }
    return hash;
}

const cnn_layer_ops cnn_layer_maxpool = {
    .name = "maxpool",
    .help = "the maximum of each window",
    .keys = keys,
    .infer_shape = infer_shape,
    .flops = flops,
    .kept_size = kept_size,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .reference_pattern = reference_pattern,
};
