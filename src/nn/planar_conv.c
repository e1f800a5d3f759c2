/* Convolutions of one image at a time (planar.h), with the kernels that blocks use: what is 16
 * images there is 16 neighbouring pixels here. */
#include "nn/planar_conv.h"

#include <math.h>

/* Pixels of the output whose patches are gathered at a time: these are `taps` rows of that many
 * floats, which should stay in the second-level cache. */
#define PANEL_FLOATS ((size_t)1 << 16)

static int taps_of(const cnn_planar_layer *layer) {
    return (int)(layer->node->tensors[0].count / (size_t)layer->node->out.channels);
}

/* [filters]; NULL: the layer has none. */
static const float *bias_of(const cnn_planar_layer *layer, const cnn_planar_pass *pass) {
    const cnn_node *node = layer->node;
    return node->tensor_count > 1 ? pass->parameters + node->tensors[0].count : NULL;
}

/* Every pixel of the output needs the pixel at the same place only. */
static bool is_pointwise(const cnn_planar_conv *conv) {
    return conv->kernel == 1 && conv->stride == 1 && !conv->padded;
}

static int panel_pixels(const cnn_planar_layer *layer) {
    size_t most = PANEL_FLOATS / (size_t)taps_of(layer) / CNN_LANES * CNN_LANES;
    return most < CNN_LANES ? CNN_LANES : (int)most;
}

/* The three tables of cnn_conv_taps, in floats of scratch space. */
static size_t table_size(const cnn_planar_layer *layer, int pixels) {
    return 2 * (size_t)(pixels / CNN_LANES + 1) + (size_t)taps_of(layer) + CNN_LANES;
}

/* The outputs of neighbouring pixels, which start at y, from rows of taps, tap_stride floats apart.
 * table: scratch. */
static void multiply(const cnn_planar_layer *layer, const cnn_planar_pass *pass, int pixels,
                     const float *x, ptrdiff_t tap_stride, float relu_max, float *y,
                     ptrdiff_t y_stride, int32_t *table) {
    int vectors = (pixels + CNN_LANES - 1) / CNN_LANES;
    int taps = taps_of(layer);
    int32_t *tap_offset = table + vectors;
    for (int i = 0; i < vectors; i++) {
        table[i] = i * CNN_LANES;
    }
    for (int t = 0; t < taps; t++) {
        tap_offset[t] = (int32_t)(t * tap_stride);
    }
    const cnn_conv_taps geometry = {.filters = layer->node->out.channels,
                                    .pixels = vectors,
                                    .taps = taps,
                                    .y_plane_stride = y_stride,
                                    .x_offset = table,
                                    .y_offset = table,
                                    .tap_offset = tap_offset};
    layer->kernels->conv_forward(&geometry, x, pass->packed, bias_of(layer, pass), relu_max, y);
}

/* --- patches --- */

/* One tap of the output's pixels first … first + count - 1: their values of channel plane x at
 * (row, column) of their windows, 0 outside of the plane. */
static void gather_tap(const cnn_planar_layer *layer, const cnn_planar_conv *conv, const float *x,
                       int row, int column, int first, int count, float *to) {
    int width = layer->node->out.width;
    for (int p = first; p < first + count;) {
        int h = p / width * conv->stride - conv->top + row;
        int end = (p / width + 1) * width < first + count ? (p / width + 1) * width : first + count;
        for (; p < end; p++) {
            int w = p % width * conv->stride - conv->left + column;
            bool inside = h >= 0 && h < layer->in.height && w >= 0 && w < layer->in.width;
            *to++ = inside ? x[(ptrdiff_t)h * layer->in.width + w] : 0.0f;
        }
    }
}

static void convolve_patches(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                             const cnn_planar_pass *pass, float relu_max, float *y,
                             ptrdiff_t y_stride) {
    int pixels = layer->node->out.height * layer->node->out.width;
    int most = panel_pixels(layer);
    float *panel = pass->work;
    int32_t *table = (int32_t *)(void *)(panel + (size_t)most * (size_t)taps_of(layer));
    for (int first = 0; first < pixels; first += most) {
        int count = pixels - first < most ? pixels - first : most;
        float *to = panel;
        for (int c = 0; c < layer->in.channels; c++) {
            for (int k = 0; k < conv->kernel * conv->kernel; k++, to += most) {
                gather_tap(layer, conv, pass->x[0] + c * layer->x_stride, k / conv->kernel,
                           k % conv->kernel, first, count, to);
            }
        }
        multiply(layer, pass, count, panel, most, relu_max, y + first, y_stride, table);
    }
}

/* --- each channel by itself --- */

static cnn_planar_slide slide_of(const cnn_planar_conv *conv) {
    return (cnn_planar_slide){
        .kernel = conv->kernel, .stride = conv->stride, .top = conv->top, .left = conv->left};
}

static void filter_row(const cnn_planar_layer *layer, const cnn_planar_pass *pass, int channel,
                       const cnn_planar_window *window, const float *const *rows, float *y) {
    const cnn_node *node = layer->node;
    const float *w = pass->parameters + channel * window->rows * window->columns;
    const float *bias = bias_of(layer, pass);
    layer->kernels->planar_filter_row(window, rows, node->out.width, w, bias ? bias[channel] : 0.0f,
                                      node->pool ? 0.0f : node->relu_max, y);
}

/* --- the operation --- */

static void convolve(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                     const cnn_planar_pass *pass, float *y, ptrdiff_t y_stride) {
    const cnn_node *node = layer->node;
    float relu_max = node->pool ? 0.0f : node->relu_max; /* after the pooling, as in a block */
    if (conv->depthwise) {
        cnn_planar_slide slide = slide_of(conv);
        cnn_planar_slide_over(&slide, layer, pass, &node->out, y, y_stride, filter_row);
    } else if (is_pointwise(conv)) {
        multiply(layer, pass, node->out.height * node->out.width, pass->x[0], layer->x_stride,
                 relu_max, y, y_stride, (int32_t *)(void *)pass->work);
    } else {
        convolve_patches(layer, conv, pass, relu_max, y, y_stride);
    }
}

/* Floats of scratch space for the convolution itself. */
static size_t scratch_size(const cnn_planar_layer *layer, const cnn_planar_conv *conv) {
    const cnn_node *node = layer->node;
    if (conv->depthwise) {
        cnn_planar_slide slide = slide_of(conv);
        return cnn_planar_slide_size(&slide, &layer->in);
    }
    if (is_pointwise(conv)) {
        return table_size(layer, node->out.height * node->out.width);
    }
    int most = panel_pixels(layer);
    return (size_t)most * (size_t)taps_of(layer) + table_size(layer, most);
}

/* --- with max-pooling by 2×2 --- */

static const cnn_planar_slide pooling = {.kernel = 2, .stride = 2, .outside = -INFINITY};

static void pool_row(const cnn_planar_layer *layer, const cnn_planar_pass *pass, int channel,
                     const cnn_planar_window *window, const float *const *rows, float *y) {
    (void)pass, (void)channel;
    layer->kernels->planar_maximum_row(window, rows, layer->out.width, y);
    float relu_max = layer->node->relu_max;
    for (int i = 0; relu_max > 0.0f && i < layer->out.width; i++) {
        y[i] = 0.0f > y[i] ? 0.0f : y[i];
        y[i] = y[i] > relu_max ? relu_max : y[i];
    }
}

/* The output before the pooling, in scratch space after that of the pooling. */
static void convolve_and_pool(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                              const cnn_planar_pass *pass) {
    const cnn_node *node = layer->node;
    ptrdiff_t stride = (ptrdiff_t)cnn_planar_stride(&node->out);
    float *before = pass->work + cnn_planar_slide_size(&pooling, &node->out);
    cnn_planar_pass inner = *pass;
    inner.work = before + cnn_planar_size(&node->out);
    convolve(layer, conv, &inner, before, stride);
    const cnn_planar_layer pool = {.node = node,
                                   .kernels = layer->kernels,
                                   .in = node->out,
                                   .out = layer->out,
                                   .x_stride = stride,
                                   .y_stride = layer->y_stride};
    const cnn_planar_pass pass_pool = {.x = {before}, .y = pass->y, .work = pass->work};
    cnn_planar_slide_over(&pooling, &pool, &pass_pool, &layer->out, pass->y, layer->y_stride,
                          pool_row);
}

/* --- for layer_conv.c --- */

size_t cnn_planar_conv_work_size(const cnn_planar_layer *layer, const cnn_planar_conv *conv) {
    const cnn_shape *out = &layer->node->out;
    size_t size = scratch_size(layer, conv);
    return layer->node->pool ? size + cnn_planar_slide_size(&pooling, out) + cnn_planar_size(out)
                             : size;
}

size_t cnn_planar_conv_packed_size(const cnn_node *node, const cnn_kernels *kernels,
                                   const cnn_planar_conv *conv) {
    return conv->depthwise
               ? 0
               : cnn_conv_packed_size(kernels, node->out.channels,
                                      (int)(node->tensors[0].count / (size_t)node->out.channels));
}

void cnn_planar_conv_pack(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                          const float *parameters, float *packed) {
    int filters = layer->node->out.channels;
    int taps = taps_of(layer);
    int tile = layer->kernels->filter_tile;
    for (int f = 0; f < filters && !conv->depthwise; f++) {
        float *to = packed + (size_t)(f / tile) * (size_t)taps * (size_t)tile + f % tile;
        for (int t = 0; t < taps; t++) {
            to[(size_t)t * (size_t)tile] = parameters[(size_t)f * (size_t)taps + (size_t)t];
        }
    }
}

void cnn_planar_conv_forward(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                             const cnn_planar_pass *pass) {
    if (layer->node->pool) {
        convolve_and_pool(layer, conv, pass);
    } else {
        convolve(layer, conv, pass, pass->y, layer->y_stride);
    }
}
