/* Depthwise convolutions, in which each channel has its own filter (Howard et al., "MobileNets:
 * efficient convolutional neural networks for mobile vision applications", 2017), row by row. Their
 * data gradient with a stride is several convolutions of the output's gradient: one for each phase,
 * see make_data_table in conv_direct.c, with the taps in the same order. */
#include "nn/conv_plan.h"

bool cnn_conv_depthwise_serves(const cnn_node *node, const cnn_conv_size *size) {
    return size->groups > 1 && size->groups == node->in.channels &&
           size->groups == node->out.channels && !node->pool;
}

/* The borders are those of any convolution that adds up its products. */
void cnn_conv_depthwise_input_border(const cnn_node *node, const cnn_conv_size *size, int *before,
                                     int *after) {
    cnn_conv_direct_input_border(node, size, before, after);
}

void cnn_conv_depthwise_gradient_border(const cnn_node *node, const cnn_conv_size *size,
                                        int *before, int *after) {
    cnn_conv_direct_gradient_border(node, size, before, after);
}

/* From x, a block with the layout of the layer's input, to an output with the layout of y. */
static cnn_depthwise forward_geometry(const cnn_layer *layer, const cnn_conv_size *size,
                                      const cnn_block *y) {
    const cnn_block *x = &layer->x_block[0];
    return (cnn_depthwise){
        .channels = layer->node->out.channels,
        .rows = layer->node->out.height,
        .columns = layer->node->out.width,
        .tap_rows = size->kernel,
        .tap_columns = size->kernel,
        .x_plane = x->plane_stride,
        .x_row = size->stride * x->row_stride,
        .x_column = (ptrdiff_t)size->stride * CNN_LANES,
        .tap_row = x->row_stride,
        .tap_column = CNN_LANES,
        .w_plane = (ptrdiff_t)size->kernel * size->kernel,
        .w_row = size->kernel,
        .w_column = 1,
        .y_plane = y->plane_stride,
        .y_row = y->row_stride,
        .y_column = CNN_LANES,
    };
}

/* Where the patch of output (0, 0) starts. */
static const float *first_patch(const cnn_layer *layer, const cnn_conv_size *size, const float *x) {
    return x - size->padding.top * layer->x_block[0].row_stride -
           (ptrdiff_t)size->padding.left * CNN_LANES;
}

void cnn_conv_depthwise_forward(const cnn_layer *layer, const cnn_conv_size *size,
                                const float *weights, const float *bias, const float *x, float *y) {
    const cnn_depthwise geometry = forward_geometry(layer, size, &layer->y_block);
    layer->kernels->depthwise_forward(&geometry, first_patch(layer, size, x), weights, bias,
                                      layer->node->relu_max, y);
}

/* The inputs of one phase along rows (or columns): those u with (u + before) mod stride == phase.
 * They meet the taps phase, phase + stride, …; the first tap with row (u + before - phase) / stride
 * of the gradient, the others with the rows before that. */
typedef struct phase_line {
    int first, count; /* inputs */
    int taps;
    int start; /* row of the gradient for the first input and tap */
} phase_line;

static phase_line find_phase(int phase, int before, int kernel, int stride, int input) {
    phase_line line = {.taps = phase < kernel ? (kernel - 1 - phase) / stride + 1 : 0};
    line.first = ((phase - before) % stride + stride) % stride;
    line.count = input > line.first ? (input - line.first - 1) / stride + 1 : 0;
    line.start = (line.first + before - phase) / stride;
    return line;
}

/* Of one channel; all pointers are those of its values. */
static void data_gradient(const cnn_layer *layer, const cnn_conv_size *size, int row_phase,
                          int column_phase, const float *weights, const float *dy, float *dx) {
    const cnn_block *from = &layer->dy_block, *to = &layer->dx_block[0];
    const cnn_shape *in = &layer->node->in;
    int kernel = size->kernel, stride = size->stride;
    phase_line rows = find_phase(row_phase, size->padding.top, kernel, stride, in->height);
    phase_line columns = find_phase(column_phase, size->padding.left, kernel, stride, in->width);
    const cnn_depthwise geometry = {
        .channels = 1,
        .rows = rows.count,
        .columns = columns.count,
        .tap_rows = columns.taps > 0 ? rows.taps : 0,
        .tap_columns = columns.taps,
        .x_plane = from->plane_stride,
        .x_row = from->row_stride,
        .x_column = CNN_LANES,
        .tap_row = -from->row_stride,
        .tap_column = -CNN_LANES,
        .w_plane = (ptrdiff_t)kernel * kernel,
        .w_row = (ptrdiff_t)stride * kernel,
        .w_column = stride,
        .y_plane = to->plane_stride,
        .y_row = stride * to->row_stride,
        .y_column = (ptrdiff_t)stride * CNN_LANES,
    };
    const float *first_weight = weights;
    if (rows.taps > 0 && columns.taps > 0) {
        first_weight += row_phase * kernel + column_phase;
    }
    layer->kernels->depthwise_forward(
        &geometry, dy + rows.start * from->row_stride + (ptrdiff_t)columns.start * CNN_LANES,
        first_weight, NULL, 0.0f,
        dx + rows.first * to->row_stride + (ptrdiff_t)columns.first * CNN_LANES);
}

/* One channel after the other, so that its gradients are read from memory once. */
void cnn_conv_depthwise_backward(const cnn_layer *layer, const cnn_conv_size *size,
                                 const float *weights, const float *x, const float *dy, float *dw,
                                 float *db, float *dx) {
    const cnn_block *to = &layer->dx_block[0];
    cnn_depthwise geometry = forward_geometry(layer, size, &layer->dy_block);
    const float *patch = first_patch(layer, size, x);
    geometry.channels = 1;
    for (ptrdiff_t c = 0; c < layer->node->out.channels; c++) {
        const float *slopes = dy + c * geometry.y_plane;
        ptrdiff_t first = c * geometry.w_plane;
        if (dw) {
            layer->kernels->depthwise_backward_weight(&geometry, patch + c * geometry.x_plane,
                                                      slopes, dw + first, db ? db + c : NULL);
        }
        for (int phase = 0; dx && phase < size->stride * size->stride; phase++) {
            data_gradient(layer, size, phase / size->stride, phase % size->stride, weights + first,
                          slopes, dx + c * to->plane_stride);
        }
    }
}
