/* avgpool: the mean of each window; global_avgpool: of each channel (Lin et al., "Network in
 * network", 2013). PyTorch's AvgPool2d without padding, and AdaptiveAvgPool2d(1). */
#include "nn/planar.h"

#include "base/error.h"
#include "kernels/reference.h"

enum { SIZE, STRIDE };

static const cnn_key window_keys[] = {
    {.name = "size",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[SIZE]),
     .required = true,
     .minimum = 1,
     .maximum = 31,
     .help = "rows and columns of a window"},
    {.name = "stride",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[STRIDE]),
     .minimum = 1,
     .maximum = 31,
     .fallback_key = "size",
     .help = "step between windows"},
    {.name = NULL},
};
static const cnn_key global_keys[] = {{.name = NULL}};

static cnn_status infer_window(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                               cnn_error *error) {
    return cnn_layer_pooled_shape(spec, spec->value[SIZE], spec->value[STRIDE], in, out, error);
}

static cnn_status infer_global(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                               cnn_error *error) {
    if (in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected %s before flatten, found it after one", spec->ops->name);
    }
    *out = (cnn_shape){.channels = in->channels, .height = 1, .width = 1};
    return CNN_OK;
}

/* Each value is added once, and each sum multiplied. */
static double flops(const cnn_node *node) {
    double sums = (double)cnn_shape_size(&node->out);
    int size = node->spec.value[SIZE];
    return sums + (node->ops->keys == global_keys ? (double)cnn_shape_size(&node->in)
                                                  : sums * (double)(size * size));
}

static cnn_average_window window_of(const cnn_node *node) {
    if (node->ops->keys == global_keys) {
        return (cnn_average_window){
            .height = node->in.height, .width = node->in.width, .stride = 1};
    }
    return (cnn_average_window){.height = node->spec.value[SIZE],
                                .width = node->spec.value[SIZE],
                                .stride = node->spec.value[STRIDE]};
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    cnn_average_window window = window_of(layer->node);
    layer->kernels->avgpool_forward(&window, &layer->x_block[0], pass->x[0], &layer->y_block,
                                    pass->y);
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    cnn_average_window window = window_of(layer->node);
    layer->kernels->avgpool_backward(&window, &layer->dy_block, pass->dy, &layer->dx_block[0],
                                     pass->dx[0]);
}

/* --- one image at a time --- */

/* As in avgpool_forward: a window's values added up row-major, times 1 / (height width). Several
 * sums at a time, since each addition waits for the one before it. */
static void planar_forward(const cnn_planar_layer *layer, const cnn_planar_pass *pass) {
    enum { AT_A_TIME = 8 };
    cnn_average_window window = window_of(layer->node);
    float share = 1.0f / (float)(window.height * window.width);
    int pixels = layer->out.height * layer->out.width;
    for (int i = 0; i < layer->out.channels * pixels; i += AT_A_TIME) {
        float sum[AT_A_TIME] = {0.0f};
        const float *from[AT_A_TIME];
        int count = layer->out.channels * pixels - i;
        count = count < AT_A_TIME ? count : AT_A_TIME;
        for (int j = 0; j < AT_A_TIME; j++) {
            int output = i + (j < count ? j : 0);
            int p = output % pixels;
            from[j] = pass->x[0] + output / pixels * layer->x_stride +
                      (ptrdiff_t)(p / layer->out.width) * window.stride * layer->in.width +
                      (ptrdiff_t)(p % layer->out.width) * window.stride;
        }
        for (int r = 0; r < window.height; r++) {
            for (int q = 0; q < window.width; q++) {
                for (int j = 0; j < AT_A_TIME; j++) {
                    sum[j] += from[j][(ptrdiff_t)r * layer->in.width + q];
                }
            }
        }
        for (int j = 0; j < count; j++) {
            pass->y[(i + j) / pixels * layer->y_stride + (i + j) % pixels] = sum[j] * share;
        }
    }
}

static const cnn_planar_ops planar = {.forward = planar_forward};

/* --- in double --- */

static cnn_reference_average reference_size(const cnn_node *node, int N) {
    cnn_average_window window = window_of(node);
    return (cnn_reference_average){
        .N = N,
        .C = node->in.channels,
        .H = node->in.height,
        .W = node->in.width,
        .height = window.height,
        .width = window.width,
        .stride = window.stride,
        .OH = node->out.height,
        .OW = node->out.width,
    };
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_average size = reference_size(node, pass->N);
    cnn_reference_avgpool_forward(&size, pass->x[0], pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_average size = reference_size(node, pass->N);
    cnn_reference_avgpool_backward(&size, pass->dy, pass->dx[0]);
}

extern const cnn_layer_ops cnn_layer_avgpool, cnn_layer_global_avgpool;
const cnn_layer_ops cnn_layer_avgpool = {
    .name = "avgpool",
    .help = "the mean of each window",
    .prose = "The mean of each window. Windows are completely inside the input.",
    .symbol = "P",
    .keys = window_keys,
    .infer_shape = infer_window,
    .flops = flops,
    .forward = forward,
    .backward = backward,
    .planar = &planar,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
const cnn_layer_ops cnn_layer_global_avgpool = {
    .name = "global_avgpool",
    .help = "the mean of each channel: one row, one column",
    .symbol = "P",
    .keys = global_keys,
    .infer_shape = infer_global,
    .flops = flops,
    .forward = forward,
    .backward = backward,
    .planar = &planar,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
