/* avgpool: the mean of each window; global_avgpool: of each channel (Lin et al., "Network in
 * network", 2013). PyTorch's AvgPool2d and AdaptiveAvgPool2d(1). */
#include "nn/padding.h"
#include "nn/single.h"

#include "base/error.h"
#include "kernels/reference.h"

enum { SIZE, STRIDE, PADDING }; /* PADDING: four values */

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
    {.name = "padding",
     .kind = &cnn_kind_sides,
     .offset = offsetof(cnn_layer_spec, value[PADDING]),
     .maximum = 30,
     .omit_default = true,
     .names = cnn_padding_names,
     .help = "rows and columns around the image, less than size on each side, as for conv",
     .prose = "Zeros around the image, which count in the mean (PyTorch's count_include_pad). "
              "Less than `size` on each side. " CNN_PADDING_PROSE("`size`")},
    {.name = NULL},
};
static const cnn_key global_keys[] = {{.name = NULL}};

static cnn_status infer_window(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                               cnn_error *error) {
    return cnn_pooled_shape(spec, spec->value[SIZE], spec->value[STRIDE], &spec->value[PADDING], in,
                            out, error);
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

static cnn_padding padding_of(const cnn_node *node) {
    return cnn_padding_of(&node->spec.value[PADDING], node->spec.value[SIZE],
                          node->spec.value[STRIDE], &node->in);
}

CNN_PADDING_ATTRIBUTES(padding_of)

static cnn_average_window window_of(const cnn_node *node) {
    if (node->ops->keys == global_keys) {
        return (cnn_average_window){
            .height = node->in.height, .width = node->in.width, .stride = 1};
    }
    const cnn_padding padding = padding_of(node);
    return (cnn_average_window){.height = node->spec.value[SIZE],
                                .width = node->spec.value[SIZE],
                                .stride = node->spec.value[STRIDE],
                                .top = padding.top,
                                .left = padding.left};
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
        .top = window.top,
        .left = window.left,
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
    .symbol = "P",
    .keys = window_keys,
    .attributes = attributes,
    .infer_shape = infer_window,
    .flops = flops,
    .forward = forward,
    .backward = backward,
    .single = &cnn_single_lanes,
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
    .single = &cnn_single_lanes,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
