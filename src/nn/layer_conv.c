/* conv: filters that look at a patch of every input channel (eq. 2, 14, 15, 16). */
#include "layer.h"

#include "error.h"
#include "memory.h"
#include "reference.h"

enum { FILTERS, KERNEL, STRIDE, PADDING };
enum { PADDING_SAME = -1 };

static const cnn_layer_name padding_names[] = {{"valid", 0}, {"same", PADDING_SAME}, {NULL, 0}};

static const cnn_layer_key keys[] = {
    {"filters", true, 1, 4096, 0, NULL, NULL, "output channels"},
    {"kernel", true, 1, 31, 0, NULL, NULL, "rows and columns of a filter"},
    {"stride", false, 1, 31, 1, NULL, NULL, "step between patches"},
    {"padding", false, 0, 31, 0, NULL, padding_names,
     "zeros around the image: \"valid\" (none), \"same\" (kernel - 1 in all: at stride 1 the "
     "output is "
     "as large as the input) or a number for each side"},
    {0},
};

/* Zeros before (above, left) and after (below, right). "same" puts the odd one behind, as PyTorch
 * does. */
static int padding_before(const cnn_layer_spec *spec) {
    return spec->value[PADDING] == PADDING_SAME ? (spec->value[KERNEL] - 1) / 2
                                                : spec->value[PADDING];
}

static int padding_after(const cnn_layer_spec *spec) {
    return spec->value[PADDING] == PADDING_SAME ? spec->value[KERNEL] / 2 : spec->value[PADDING];
}

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    if (in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected conv before flatten, found it behind one");
    }
    int padding = padding_before(spec) + padding_after(spec);
    int least = in->height < in->width ? in->height : in->width;
    if (spec->value[KERNEL] > least + padding) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "kernel: expected at most %d (its input is %d×%d with %d of padding), got %d",
            least + padding, in->height, in->width, padding, spec->value[KERNEL]);
    }
    *out = (cnn_shape){
        .channels = spec->value[FILTERS],
        .height = (in->height + padding - spec->value[KERNEL]) / spec->value[STRIDE] + 1,
        .width = (in->width + padding - spec->value[KERNEL]) / spec->value[STRIDE] + 1,
    };
    return CNN_OK;
}

static int tensors(const cnn_layer_spec *spec, const cnn_shape *in, const cnn_shape *out,
                   cnn_tensor *tensor) {
    int kernel = spec->value[KERNEL];
    tensor[0] = (cnn_tensor){.name = "weight",
                             .rank = 4,
                             .dim = {out->channels, in->channels, kernel, kernel},
                             .fan_in = in->channels * kernel * kernel};
    tensor[1] = (cnn_tensor){.name = "bias", .rank = 1, .dim = {out->channels}};
    return 2;
}

static int tap_count(const cnn_layer *layer) {
    return layer->in.channels * layer->spec.value[KERNEL] * layer->spec.value[KERNEL];
}

static double flops(const cnn_layer *layer) {
    return 2.0 * (double)tap_count(layer) * (double)cnn_shape_size(&layer->out);
}

/* Rows that the last patch needs beyond the input's last row. */
static int rows_beyond(int in, int out, int kernel, int stride, int before) {
    int beyond = (out - 1) * stride + kernel - before - in;
    return beyond > 0 ? beyond : 0;
}

static void input_border(const cnn_layer *layer, int *before, int *after) {
    const int *v = layer->spec.value;
    *before = padding_before(&layer->spec);
    int below = rows_beyond(layer->in.height, layer->out.height, v[KERNEL], v[STRIDE], *before);
    int right = rows_beyond(layer->in.width, layer->out.width, v[KERNEL], v[STRIDE], *before);
    *after = below > right ? below : right;
}

/* Input row u takes part in output rows (u + before - r) / stride, r a kernel row: from this many
 * rows before the first to that many behind the last. */
static void gradient_border(const cnn_layer *layer, int *before, int *after) {
    const int *v = layer->spec.value;
    int padding = padding_before(&layer->spec);
    *before = v[KERNEL] - 1 > padding ? (v[KERNEL] - 1 - padding) / v[STRIDE] : 0;
    int below = (layer->in.height - 1 + padding) / v[STRIDE] - (layer->out.height - 1);
    int right = (layer->in.width - 1 + padding) / v[STRIDE] - (layer->out.width - 1);
    *after = below > right ? below : right;
    *after = *after > 0 ? *after : 0;
}

/* --- plan: which values meet which weights --- */

/* Tables of one pass, and where its packed weights come from. */
typedef struct tap_table {
    cnn_conv_taps taps;
    int32_t *offsets;             /* owns x_offset, y_offset, tap_offset and weight_offset */
    const int32_t *weight_offset; /* [taps] */
    ptrdiff_t filter_stride;
    float *packed; /* NULL where the pass uses no weights */
} tap_table;

typedef struct conv_plan {
    tap_table forward, weight;
    tap_table *data; /* stride × stride of them; NULL where no dx is needed */
    int data_count;
} conv_plan;

static void free_table(tap_table *table) {
    cnn_free(table->offsets);
    cnn_free(table->packed);
}

static bool make_table(tap_table *table, const cnn_kernels *kernels, int filters, int pixels,
                       int taps, bool with_weights) {
    size_t count = 2 * (size_t)pixels + 2 * (size_t)taps;
    table->offsets = cnn_alloc(count, sizeof *table->offsets);
    if (!table->offsets) {
        return false;
    }
    table->taps = (cnn_conv_taps){.filters = filters, .pixels = pixels, .taps = taps};
    table->taps.x_offset = table->offsets;
    table->taps.y_offset = table->offsets + pixels;
    table->taps.tap_offset = table->offsets + 2 * pixels;
    table->weight_offset = table->offsets + 2 * pixels + taps;
    if (with_weights) {
        table->packed =
            cnn_alloc(cnn_conv_packed_size(kernels, filters, taps), sizeof *table->packed);
    }
    return !with_weights || table->packed;
}

/* Offsets fit in 32 bits: network.c refuses larger blocks. */
static int32_t place(const cnn_block *block, int channel, int row, int column) {
    return (int32_t)(channel * block->plane_stride + row * block->row_stride +
                     (ptrdiff_t)column * CNN_LANES);
}

/* Output values y (a block of values, or one of gradients) from patches of x. */
static bool make_forward_table(const cnn_layer *layer, const cnn_block *y, bool with_weights,
                               tap_table *table) {
    int kernel = layer->spec.value[KERNEL];
    int stride = layer->spec.value[STRIDE];
    int before = padding_before(&layer->spec);
    int pixels = layer->out.height * layer->out.width;
    if (!make_table(table, layer->kernels, layer->out.channels, pixels, tap_count(layer),
                    with_weights)) {
        return false;
    }
    table->taps.y_plane_stride = y->plane_stride;
    table->filter_stride = tap_count(layer);
    int32_t *x_offset = table->offsets;
    int32_t *y_offset = x_offset + pixels;
    int32_t *tap_offset = y_offset + pixels;
    int32_t *weight_offset = tap_offset + tap_count(layer);
    for (int oh = 0; oh < layer->out.height; oh++) {
        for (int ow = 0; ow < layer->out.width; ow++) {
            *x_offset++ = place(&layer->x_block, 0, oh * stride - before, ow * stride - before);
            *y_offset++ = place(y, 0, oh, ow);
        }
    }
    int t = 0;
    for (int c = 0; c < layer->in.channels; c++) {
        for (int r = 0; r < kernel; r++) {
            for (int q = 0; q < kernel; q++) {
                *tap_offset++ = place(&layer->x_block, c, r, q);
                *weight_offset++ = t++;
            }
        }
    }
    return true;
}

/* Input gradients of one phase: those rows u with (u + before) mod stride == row_phase, and columns
 * likewise. Kernel row r reaches them only where r mod stride == row_phase; then dz's row is
 * (u + before - r) / stride (eq. 16). With stride 1 there is one phase, and all taps are in it. */
static bool make_data_table(const cnn_layer *layer, int row_phase, int column_phase,
                            tap_table *table) {
    int kernel = layer->spec.value[KERNEL];
    int stride = layer->spec.value[STRIDE];
    int before = padding_before(&layer->spec);
    int rows = 0, columns = 0, pixels = 0;
    for (int u = 0; u < layer->in.height; u++) {
        rows += (u + before) % stride == row_phase;
    }
    for (int v = 0; v < layer->in.width; v++) {
        columns += (v + before) % stride == column_phase;
    }
    pixels = rows * columns;
    int tap_rows = row_phase < kernel ? (kernel - 1 - row_phase) / stride + 1 : 0;
    int tap_columns = column_phase < kernel ? (kernel - 1 - column_phase) / stride + 1 : 0;
    int taps = layer->out.channels * tap_rows * tap_columns;
    if (!make_table(table, layer->kernels, layer->in.channels, pixels, taps, true)) {
        return false;
    }
    table->taps.y_plane_stride = layer->dx_block.plane_stride;
    table->filter_stride = (ptrdiff_t)kernel * kernel;
    int32_t *x_offset = table->offsets;
    int32_t *y_offset = x_offset + pixels;
    int32_t *tap_offset = y_offset + pixels;
    int32_t *weight_offset = tap_offset + taps;
    for (int u = 0; u < layer->in.height; u++) {
        for (int v = 0; v < layer->in.width; v++) {
            if ((u + before) % stride == row_phase && (v + before) % stride == column_phase) {
                *x_offset++ =
                    place(&layer->dy_block, 0, (u + before) / stride, (v + before) / stride);
                *y_offset++ = place(&layer->dx_block, 0, u, v);
            }
        }
    }
    for (int k = 0; k < layer->out.channels; k++) {
        for (int r = row_phase; r < kernel; r += stride) {
            for (int q = column_phase; q < kernel; q += stride) {
                *tap_offset++ = place(&layer->dy_block, k, -(r / stride), -(q / stride));
                *weight_offset++ = (k * layer->in.channels * kernel + r) * kernel + q;
            }
        }
    }
    return true;
}

static void free_plan(cnn_layer *layer) {
    conv_plan *plan = layer->plan;
    if (!plan) {
        return;
    }
    free_table(&plan->forward);
    free_table(&plan->weight);
    for (int i = 0; i < plan->data_count; i++) {
        free_table(&plan->data[i]);
    }
    cnn_free(plan->data);
    cnn_free(plan);
    layer->plan = NULL;
}

static cnn_status make_plan(cnn_layer *layer, cnn_error *error) {
    conv_plan *plan = cnn_alloc(1, sizeof *plan);
    if (!plan) {
        return cnn_fail_memory(error, "a convolution's plan");
    }
    layer->plan = plan;
    bool made = make_forward_table(layer, &layer->y_block, true, &plan->forward) &&
                make_forward_table(layer, &layer->dy_block, false, &plan->weight);
    if (made && layer->needs_dx) {
        int stride = layer->spec.value[STRIDE];
        plan->data = cnn_alloc((size_t)stride * (size_t)stride, sizeof *plan->data);
        made = plan->data != NULL;
        for (int i = 0; made && i < stride * stride; i++) {
            plan->data_count++;
            made = make_data_table(layer, i / stride, i % stride, &plan->data[i]);
        }
    }
    return made ? CNN_OK : cnn_fail_memory(error, "a convolution's plan"); /* free_plan cleans up */
}

static void pack(const cnn_layer *layer, const float *weights, const tap_table *table) {
    cnn_conv_pack(layer->kernels, weights, table->taps.filters, table->filter_stride,
                  table->taps.taps, table->weight_offset, table->packed);
}

static void prepare(const cnn_layer *layer, const float *parameters) {
    const conv_plan *plan = layer->plan;
    pack(layer, parameters, &plan->forward);
    for (int i = 0; i < plan->data_count; i++) {
        pack(layer, parameters, &plan->data[i]);
    }
}

/* --- the passes --- */

static void forward(const cnn_layer *layer, const float *parameters, const float *x, float *y,
                    float *scratch) {
    (void)scratch;
    const tap_table *table = &((const conv_plan *)layer->plan)->forward;
    const float *bias = parameters + layer->tensors[0].count;
    layer->kernels->conv_forward(&table->taps, x, table->packed, bias, layer->relu_follows, y);
}

static void backward(const cnn_layer *layer, const float *parameters, const float *x,
                     const float *y, const float *dy, float *scratch, float *gradients, float *dx) {
    (void)parameters, (void)y, (void)scratch;
    const conv_plan *plan = layer->plan;
    const cnn_kernels *kernels = layer->kernels;
    kernels->conv_backward_weight(&plan->weight.taps, x, dy, gradients);
    kernels->conv_backward_bias(&plan->weight.taps, dy, gradients + layer->tensors[0].count);
    if (dx) {
        for (int i = 0; i < plan->data_count; i++) {
            const tap_table *table = &plan->data[i];
            kernels->conv_forward(&table->taps, dy, table->packed, NULL, false, dx);
        }
    }
}

static cnn_reference_conv reference_size(const cnn_layer *layer, int N) {
    return (cnn_reference_conv){
        .N = N,
        .C = layer->in.channels,
        .H = layer->in.height,
        .W = layer->in.width,
        .K = layer->out.channels,
        .R = layer->spec.value[KERNEL],
        .stride = layer->spec.value[STRIDE],
        .before = padding_before(&layer->spec),
        .OH = layer->out.height,
        .OW = layer->out.width,
    };
}

static void reference_forward(const cnn_layer *layer, int N, const double *parameters,
                              const double *x, double *y) {
    cnn_reference_conv size = reference_size(layer, N);
    cnn_reference_conv_forward(&size, x, parameters, parameters + layer->tensors[0].count, y);
}

static void reference_backward(const cnn_layer *layer, int N, const double *parameters,
                               const double *x, const double *y, const double *dy,
                               double *gradients, double *dx) {
    (void)y;
    cnn_reference_conv size = reference_size(layer, N);
    cnn_reference_conv_backward(&size, x, parameters, dy, dx, gradients,
                                gradients + layer->tensors[0].count);
}

extern const cnn_layer_ops cnn_layer_conv;
const cnn_layer_ops cnn_layer_conv = {
    .name = "conv",
    .help = "convolution (cross-correlation, as in PyTorch)",
    .keys = keys,
    .applies_relu = true,
    .infer_shape = infer_shape,
    .tensors = tensors,
    .flops = flops,
    .input_border = input_border,
    .gradient_border = gradient_border,
    .plan = make_plan,
    .free_plan = free_plan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
