/* Convolutions of one image at a time (planar.h), with the kernels that blocks use: what is 16
 * images there is 16 neighbouring pixels here. */
#include "nn/planar_conv.h"

#include <math.h>
#include <string.h>

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

/* The outputs of neighbouring pixels, which start at y, from rows of taps, tap_stride floats apart.
 */
static void multiply(const cnn_planar_layer *layer, const cnn_planar_pass *pass, int pixels,
                     const float *x, ptrdiff_t tap_stride, float relu_max, float *y,
                     ptrdiff_t y_stride) {
    const cnn_planar_product product = {.filters = layer->node->out.channels,
                                        .taps = taps_of(layer),
                                        .pixels = pixels,
                                        .tap_stride = tap_stride,
                                        .y_stride = y_stride,
                                        .relu_max = relu_max};
    layer->kernels->planar_multiply(&product, x, pass->packed, bias_of(layer, pass), y);
}

static cnn_planar_slide slide_of(const cnn_planar_layer *layer, const cnn_planar_conv *conv) {
    return (cnn_planar_slide){.kernel = conv->kernel,
                              .stride = conv->stride,
                              .top = conv->top,
                              .left = conv->left,
                              .in = layer->in,
                              .out = layer->node->out};
}

/* --- patches --- */

/* The values of one tap for the output's pixels first … first + count - 1. */
static void gather_tap(const cnn_planar_phases *phases, int tap, int first, int count, float *to) {
    int width = phases->window.columns;
    const float *x = phases->values + phases->window.offset[tap];
    for (int p = first, end; p < first + count; p = end) {
        end = (p / width + 1) * width < first + count ? (p / width + 1) * width : first + count;
        memcpy(to, x + p / width * phases->window.x_row + p % width,
               (size_t)(end - p) * sizeof *to);
        to += end - p;
    }
}

/* Floats from the phases of a channel to those of the next. */
static size_t channel_stride(const cnn_planar_phases *phases) {
    return cnn_planar_phases_size(&phases->slide);
}

static void convolve_patches(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                             const cnn_planar_pass *pass, float relu_max, float *y,
                             ptrdiff_t y_stride) {
    int pixels = layer->node->out.height * layer->node->out.width;
    int most = panel_pixels(layer);
    float *panel = pass->work, *work = panel + (size_t)most * (size_t)taps_of(layer);
    cnn_planar_slide slide = slide_of(layer, conv);
    cnn_planar_phases phases;
    for (int c = 0; c < layer->in.channels; c++, work += channel_stride(&phases)) {
        cnn_planar_phases_start(&slide, work, &phases);
        cnn_planar_phases_fill(&phases, layer->kernels, pass->x[0] + c * layer->x_stride);
    }
    phases.values -= channel_stride(&phases) * (size_t)(layer->in.channels - 1);
    for (int first = 0; first < pixels; first += most) {
        int count = pixels - first < most ? pixels - first : most;
        float *to = panel;
        cnn_planar_phases channel = phases;
        for (int c = 0; c < layer->in.channels; c++) {
            for (int t = 0; t < phases.window.taps; t++, to += most) {
                gather_tap(&channel, t, first, count, to);
            }
            channel.values += channel_stride(&phases);
        }
        multiply(layer, pass, count, panel, most, relu_max, y + first, y_stride);
    }
}

/* --- each channel by itself --- */

static void filter_channels(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                            const cnn_planar_pass *pass, float relu_max, float *y,
                            ptrdiff_t y_stride) {
    cnn_planar_slide slide = slide_of(layer, conv);
    cnn_planar_phases phases;
    const float *bias = bias_of(layer, pass);
    cnn_planar_phases_start(&slide, pass->work, &phases);
    for (int c = 0; c < layer->node->out.channels; c++) {
        cnn_planar_phases_fill(&phases, layer->kernels, pass->x[0] + c * layer->x_stride);
        layer->kernels->planar_filter(&phases.window, phases.values,
                                      pass->parameters + c * phases.window.taps,
                                      bias ? bias[c] : 0.0f, relu_max, y + c * y_stride);
    }
}

/* --- the operation --- */

static void convolve(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                     const cnn_planar_pass *pass, float *y, ptrdiff_t y_stride) {
    const cnn_node *node = layer->node;
    float relu_max = node->pool ? 0.0f : node->relu_max; /* after the pooling, as in a block */
    if (conv->depthwise) {
        filter_channels(layer, conv, pass, relu_max, y, y_stride);
    } else if (is_pointwise(conv)) {
        multiply(layer, pass, node->out.height * node->out.width, pass->x[0], layer->x_stride,
                 relu_max, y, y_stride);
    } else {
        convolve_patches(layer, conv, pass, relu_max, y, y_stride);
    }
}

/* Floats of scratch space for the convolution itself. */
static size_t scratch_size(const cnn_planar_layer *layer, const cnn_planar_conv *conv) {
    cnn_planar_slide slide = slide_of(layer, conv);
    size_t phases = cnn_planar_phases_size(&slide);
    if (conv->depthwise || is_pointwise(conv)) {
        return conv->depthwise ? phases : 0;
    }
    return (size_t)panel_pixels(layer) * (size_t)taps_of(layer) +
           phases * (size_t)layer->in.channels;
}

/* --- with max-pooling by 2×2 --- */

static cnn_planar_slide pooling_of(const cnn_planar_layer *layer) {
    return (cnn_planar_slide){
        .kernel = 2, .stride = 2, .outside = -INFINITY, .in = layer->node->out, .out = layer->out};
}

static void rectify(float *y, size_t count, float relu_max) {
    for (size_t i = 0; relu_max > 0.0f && i < count; i++) {
        y[i] = 0.0f > y[i] ? 0.0f : y[i];
        y[i] = y[i] > relu_max ? relu_max : y[i];
    }
}

/* The output before the pooling, in scratch space after that of the pooling. */
static void convolve_and_pool(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                              const cnn_planar_pass *pass) {
    ptrdiff_t stride = (ptrdiff_t)cnn_planar_stride(&layer->node->out);
    cnn_planar_slide slide = pooling_of(layer);
    cnn_planar_phases phases;
    float *before = pass->work + cnn_planar_phases_size(&slide);
    cnn_planar_pass inner = *pass;
    inner.work = before + cnn_planar_size(&layer->node->out);
    convolve(layer, conv, &inner, before, stride);
    cnn_planar_phases_start(&slide, pass->work, &phases);
    for (int c = 0; c < layer->out.channels; c++) {
        float *y = pass->y + c * layer->y_stride;
        cnn_planar_phases_fill(&phases, layer->kernels, before + c * stride);
        layer->kernels->planar_maximum(&phases.window, phases.values, y);
        rectify(y, (size_t)layer->out.height * (size_t)layer->out.width, layer->node->relu_max);
    }
}

/* --- for layer_conv.c --- */

size_t cnn_planar_conv_work_size(const cnn_planar_layer *layer, const cnn_planar_conv *conv) {
    size_t size = scratch_size(layer, conv);
    cnn_planar_slide slide = pooling_of(layer);
    return layer->node->pool
               ? size + cnn_planar_phases_size(&slide) + cnn_planar_size(&layer->node->out)
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
