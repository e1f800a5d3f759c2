/* Convolutions of one image at a time (single.h). */
#include "nn/single_conv.h"

#include <string.h>

/* Of the input, this much is read for all filters before the rest: it should stay in the
 * second-level cache, as should what is computed from it. */
#define PANEL_BYTES ((ptrdiff_t)1 << 18)

static int taps_of(const cnn_node *node) {
    return (int)(node->tensors[0].count / (size_t)node->out.channels);
}

/* --- packed parameters: of each group of filters, biases and weights[taps] of every filter --- */

static int group_of(const cnn_kernels *kernels, const cnn_single_conv *conv) {
    return conv->depthwise ? CNN_LANES : kernels->single_filters;
}

/* Floats of a group. */
static size_t group_size(const cnn_node *node, int group) {
    return (size_t)group * ((size_t)taps_of(node) + 1);
}

size_t cnn_single_conv_packed_size(const cnn_node *node, const cnn_kernels *kernels,
                                   const cnn_single_conv *conv) {
    int group = group_of(kernels, conv);
    return (size_t)((node->out.channels + group - 1) / group) * group_size(node, group);
}

void cnn_single_conv_pack(const cnn_layer *layer, const cnn_single_conv *conv,
                          const float *parameters, float *packed) {
    const cnn_node *node = layer->node;
    int group = group_of(layer->kernels, conv), taps = taps_of(node);
    const float *bias = node->tensor_count > 1 ? parameters + node->tensors[0].count : NULL;
    memset(packed, 0, cnn_single_conv_packed_size(node, layer->kernels, conv) * sizeof *packed);
    for (int f = 0; f < node->out.channels; f++) {
        float *to = packed + (size_t)(f / group) * group_size(node, group) + f % group;
        *to = bias ? bias[f] : 0.0f;
        for (int t = 0; t < taps; t++) {
            to[((ptrdiff_t)t + 1) * group] = *parameters++;
        }
    }
}

/* --- where the taps are --- */

/* In the order of the weights: from the place of an output in the input, if the stride was 1. */
void cnn_single_conv_find_offsets(const cnn_layer *layer, const cnn_single_conv *conv,
                                  int32_t *offsets) {
    const cnn_block *x = &layer->x_block[0];
    int lanes = cnn_block_lanes(x), plane = conv->kernel * conv->kernel;
    for (int t = 0; t < taps_of(layer->node); t++) {
        int c = t / plane, r = t % plane / conv->kernel, q = t % conv->kernel;
        offsets[t] =
            (int32_t)(c / lanes * x->plane_stride + c % lanes + (r - conv->top) * x->row_stride +
                      (ptrdiff_t)(q - conv->left) * lanes);
    }
}

/* --- the operation --- */

static cnn_single_window window_of(const cnn_layer *layer, const cnn_single_conv *conv,
                                   const cnn_single_pass *pass, const cnn_block *y_block) {
    const cnn_block *x = &layer->x_block[0];
    return (cnn_single_window){.taps = taps_of(layer->node),
                               .rows = pass->rows,
                               .columns = layer->node->out.width,
                               .x_row = conv->stride * x->row_stride,
                               .x_column = (ptrdiff_t)conv->stride * cnn_block_lanes(x),
                               .y_row = y_block->row_stride,
                               .y_plane = y_block->plane_stride,
                               .offset = pass->offsets,
                               /* after the pooling, as in a block */
                               .relu_max = layer->node->pool ? 0.0f : layer->node->relu_max};
}

/* Rows of the output whose part of the input is at most PANEL_BYTES. */
static int panel_rows(const cnn_layer *layer, const cnn_single_window *window) {
    ptrdiff_t bytes = window->x_row * layer->x_block[0].channels * (ptrdiff_t)sizeof(float);
    return bytes < PANEL_BYTES ? (int)(PANEL_BYTES / bytes) : 1;
}

static void mix_channels(const cnn_layer *layer, const cnn_single_window *all,
                         const cnn_single_pass *pass, float *y) {
    int group = layer->kernels->single_filters, most = panel_rows(layer, all);
    size_t size = group_size(layer->node, group);
    int end = (pass->first + pass->count) * CNN_LANES;
    end = end < layer->node->out.channels ? end : layer->node->out.channels;
    cnn_single_window part = *all;
    for (int row = 0; row < all->rows; row += most) {
        part.rows = all->rows - row < most ? all->rows - row : most;
        const float *from = pass->x[0] + (pass->row + row) * all->x_row;
        float *to = y + row * all->y_row;
        for (int f = pass->first * CNN_LANES; f < end; f += group) {
            const float *packed = pass->packed + (size_t)(f / group) * size;
            part.filters = end - f < group ? end - f : group;
            part.next = f + group < layer->node->out.channels ? packed + size : pass->next;
            layer->kernels->single_convolve(&part, from, packed, to);
            to += group / CNN_LANES * all->y_plane;
        }
    }
}

static void filter_channels(const cnn_layer *layer, const cnn_single_window *window,
                            const cnn_single_pass *pass, float *y) {
    size_t size = group_size(layer->node, CNN_LANES);
    for (int b = 0; b < pass->count; b++) {
        layer->kernels->single_filter(window, pass->x[0] + b * layer->x_block[0].plane_stride,
                                      pass->packed + (size_t)(pass->first + b) * size,
                                      y + b * window->y_plane);
    }
}

static void convolve(const cnn_layer *layer, const cnn_single_conv *conv,
                     const cnn_single_pass *pass, const cnn_block *y_block, float *y) {
    const cnn_single_window window = window_of(layer, conv, pass, y_block);
    (conv->depthwise ? filter_channels : mix_channels)(layer, &window, pass, y);
}

/* --- with max-pooling by 2×2 --- */

/* The output before the pooling. */
static cnn_block unpooled_block(const cnn_layer *layer) {
    const cnn_shape *out = &layer->node->out;
    ptrdiff_t row = (ptrdiff_t)out->width * CNN_LANES;
    return (cnn_block){.channels = cnn_single_blocks(out->channels),
                       .height = out->height,
                       .width = out->width,
                       .row_stride = row,
                       .plane_stride = row * out->height};
}

/* The unpooled output; and the places of the maxima, which are not needed. */
size_t cnn_single_conv_work_size(const cnn_layer *layer) {
    const cnn_block before = unpooled_block(layer), *after = &layer->y_block;
    size_t values = (size_t)before.plane_stride * (size_t)before.channels;
    size_t places = (size_t)after->channels * (size_t)after->height * (size_t)after->width;
    return layer->node->pool ? values + places * CNN_LANES : 0;
}

static void convolve_and_pool(const cnn_layer *layer, const cnn_single_conv *conv,
                              const cnn_single_pass *pass) {
    const cnn_block before = unpooled_block(layer);
    const cnn_pool_window window = {.size = 2, .stride = 2};
    float *places = pass->work + before.plane_stride * before.channels;
    convolve(layer, conv, pass, &before, pass->work);
    layer->kernels->maxpool_forward(&window, &before, pass->work, &layer->y_block, pass->y, places);
    if (layer->node->relu) {
        layer->kernels->relu_forward(&layer->y_block, layer->node->relu_max, pass->y);
    }
}

/* --- for layer_conv.c --- */

int cnn_single_conv_makes_channels(const cnn_node *node, const cnn_kernels *kernels,
                                   const cnn_single_conv *conv) {
    return conv->depthwise || node->pool ? 0 : kernels->single_filters / CNN_LANES;
}

void cnn_single_conv_forward(const cnn_layer *layer, const cnn_single_conv *conv,
                             const cnn_single_pass *pass) {
    if (layer->node->pool) {
        convolve_and_pool(layer, conv, pass);
    } else {
        convolve(layer, conv, pass, &layer->y_block, pass->y);
    }
}
