/* Convolutions as plain sums of products, of any kernel and stride: tables say which values meet
 * which weights (cnn_conv_taps in kernels/kernels.h). With groups, one table serves all of them, as
 * their channels, filters and weights follow each other. */
#include "nn/conv_plan.h"

#include "base/memory.h"

/* Of one group. */
static int channels_of(const cnn_node *node, const cnn_conv_size *size) {
    return node->in.channels / size->groups;
}

static int filters_of(const cnn_node *node, const cnn_conv_size *size) {
    return node->out.channels / size->groups;
}

static int tap_count(const cnn_node *node, const cnn_conv_size *size) {
    return channels_of(node, size) * size->kernel * size->kernel;
}

/* Rows that the last patch needs beyond the input's last row. */
static int rows_beyond(const cnn_conv_size *size, int before, int in, int out) {
    int beyond = (out - 1) * size->stride + size->kernel - before - in;
    return beyond > 0 ? beyond : 0;
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

void cnn_conv_direct_input_border(const cnn_node *node, const cnn_conv_size *size, int *before,
                                  int *after) {
    const cnn_padding *padding = &size->padding;
    *before = larger(padding->top, padding->left);
    *after = larger(rows_beyond(size, padding->top, node->in.height, node->out.height),
                    rows_beyond(size, padding->left, node->in.width, node->out.width));
}

/* Input row u takes part in output rows (u + before - r) / stride, r a kernel row: from this many
 * rows before the first to that many after the last. */
void cnn_conv_direct_gradient_border(const cnn_node *node, const cnn_conv_size *size, int *before,
                                     int *after) {
    const cnn_padding *padding = &size->padding;
    int least = padding->top < padding->left ? padding->top : padding->left;
    int reach = size->kernel - 1 - least;
    int below = (node->in.height - 1 + padding->top) / size->stride - (node->out.height - 1);
    int right = (node->in.width - 1 + padding->left) / size->stride - (node->out.width - 1);
    *before = reach > 0 ? reach / size->stride : 0;
    *after = larger(larger(below, right), 0);
}

/* --- plan: which values meet which weights --- */

/* Tables of one pass, and where its packed weights come from. */
typedef struct tap_table {
    cnn_conv_taps taps;
    int32_t *offsets;             /* owns x_offset, y_offset, tap_offset and weight_offset */
    const int32_t *weight_offset; /* [taps] */
    ptrdiff_t filter_stride;
    float *packed; /* [groups][packed_size]; NULL where the pass uses no weights */
    size_t packed_size;
    ptrdiff_t x_group, y_group; /* from a group to the next, in floats */
} tap_table;

struct cnn_conv_direct {
    int groups;
    size_t weight_group; /* weights of a group */
    tap_table forward, weight;
    tap_table *data; /* stride × stride of them; NULL where no dx is needed */
    int data_count;
};

static void free_table(tap_table *table) {
    cnn_free(table->offsets);
    cnn_free(table->packed);
}

static bool make_table(tap_table *table, const cnn_kernels *kernels, int groups, int filters,
                       int pixels, int taps, bool with_weights) {
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
        table->packed_size = cnn_conv_packed_size(kernels, filters, taps);
        table->packed = cnn_alloc((size_t)groups * table->packed_size, sizeof *table->packed);
    }
    return !with_weights || table->packed;
}

/* Do caches hold less than the two blocks between which a convolution of one pixel runs? Other
 * kernels read values several times, so that hints would cost more than they save. */
static bool is_from_memory(const cnn_conv_size *size, const cnn_block *x, const cnn_block *y) {
    const ptrdiff_t cached = (ptrdiff_t)1 << 18; /* floats: half of a second-level cache of 2 MiB */
    return size->kernel == 1 &&
           x->channels * x->plane_stride + y->channels * y->plane_stride > cached;
}

/* Offsets fit in 32 bits: network.c refuses larger blocks. */
static int32_t place(const cnn_block *block, int channel, int row, int column) {
    return (int32_t)(channel * block->plane_stride + row * block->row_stride +
                     (ptrdiff_t)column * CNN_LANES);
}

/* A table of outputs y (a block of values, or one of gradients) from patches of x: all but where
 * its pixels stand. The taps are in the order of the weights. */
static bool make_patch_table(const cnn_layer *layer, const cnn_conv_size *size, const cnn_block *y,
                             int pixels, bool with_weights, tap_table *table) {
    int taps = tap_count(layer->node, size);
    int channels = channels_of(layer->node, size), filters = filters_of(layer->node, size);
    if (!make_table(table, layer->kernels, size->groups, filters, pixels, taps, with_weights)) {
        return false;
    }
    table->taps.y_plane_stride = y->plane_stride;
    table->taps.from_memory = is_from_memory(size, &layer->x_block[0], y);
    table->x_group = channels * layer->x_block[0].plane_stride;
    table->y_group = filters * y->plane_stride;
    table->filter_stride = taps;
    int32_t *tap_offset = table->offsets + 2 * pixels;
    int32_t *weight_offset = tap_offset + taps;
    int t = 0;
    for (int c = 0; c < channels; c++) {
        for (int r = 0; r < size->kernel; r++) {
            for (int q = 0; q < size->kernel; q++) {
                *tap_offset++ = place(&layer->x_block[0], c, r, q);
                *weight_offset++ = t++;
            }
        }
    }
    return true;
}

/* Where the patch of output (oh, ow) starts. */
static int32_t patch_place(const cnn_layer *layer, const cnn_conv_size *size, int oh, int ow) {
    return place(&layer->x_block[0], 0, oh * size->stride - size->padding.top,
                 ow * size->stride - size->padding.left);
}

static bool make_forward_table(const cnn_layer *layer, const cnn_conv_size *size,
                               const cnn_block *y, bool with_weights, tap_table *table) {
    int pixels = layer->node->out.height * layer->node->out.width;
    if (!make_patch_table(layer, size, y, pixels, with_weights, table)) {
        return false;
    }
    int32_t *x_offset = table->offsets;
    int32_t *y_offset = x_offset + pixels;
    for (int oh = 0; oh < layer->node->out.height; oh++) {
        for (int ow = 0; ow < layer->node->out.width; ow++) {
            *x_offset++ = patch_place(layer, size, oh, ow);
            *y_offset++ = place(y, 0, oh, ow);
        }
    }
    return true;
}

/* The same for pooled outputs: the four pixels of each window in turn. */
static bool make_pool_table(const cnn_layer *layer, const cnn_conv_size *size, const cnn_block *y,
                            bool with_weights, tap_table *table) {
    int rows = layer->node->out.height / 2;
    int columns = layer->node->out.width / 2;
    int pixels = 4 * rows * columns;
    if (!make_patch_table(layer, size, y, pixels, with_weights, table)) {
        return false;
    }
    int32_t *x_offset = table->offsets;
    int32_t *y_offset = x_offset + pixels;
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            for (int k = 0; k < 4; k++) {
                *x_offset++ = patch_place(layer, size, 2 * row + k / 2, 2 * column + k % 2);
            }
            *y_offset++ = place(y, 0, row, column);
        }
    }
    return true;
}

/* Input gradients of one phase: those rows u with (u + top) mod stride == row_phase, and columns
 * likewise. Kernel row r reaches them only where r mod stride == row_phase; then dz's row is
 * (u + top - r) / stride (eq. 16). With stride 1 there is one phase, and all taps are in it. */
static bool make_data_table(const cnn_layer *layer, const cnn_conv_size *size, int row_phase,
                            int column_phase, tap_table *table) {
    int kernel = size->kernel, stride = size->stride;
    int top = size->padding.top, left = size->padding.left;
    int channels = channels_of(layer->node, size), filters = filters_of(layer->node, size);
    int rows = 0, columns = 0, pixels = 0;
    for (int u = 0; u < layer->node->in.height; u++) {
        rows += (u + top) % stride == row_phase;
    }
    for (int v = 0; v < layer->node->in.width; v++) {
        columns += (v + left) % stride == column_phase;
    }
    pixels = rows * columns;
    int tap_rows = row_phase < kernel ? (kernel - 1 - row_phase) / stride + 1 : 0;
    int tap_columns = column_phase < kernel ? (kernel - 1 - column_phase) / stride + 1 : 0;
    int taps = filters * tap_rows * tap_columns;
    if (!make_table(table, layer->kernels, size->groups, channels, pixels, taps, true)) {
        return false;
    }
    table->taps.y_plane_stride = layer->dx_block[0].plane_stride;
    table->taps.from_memory = is_from_memory(size, &layer->dy_block, &layer->dx_block[0]);
    table->x_group = filters * layer->dy_block.plane_stride;
    table->y_group = channels * layer->dx_block[0].plane_stride;
    table->filter_stride = (ptrdiff_t)kernel * kernel;
    int32_t *x_offset = table->offsets;
    int32_t *y_offset = x_offset + pixels;
    int32_t *tap_offset = y_offset + pixels;
    int32_t *weight_offset = tap_offset + taps;
    for (int u = 0; u < layer->node->in.height; u++) {
        for (int v = 0; v < layer->node->in.width; v++) {
            if ((u + top) % stride == row_phase && (v + left) % stride == column_phase) {
                *x_offset++ = place(&layer->dy_block, 0, (u + top) / stride, (v + left) / stride);
                *y_offset++ = place(&layer->dx_block[0], 0, u, v);
            }
        }
    }
    for (int k = 0; k < filters; k++) {
        for (int r = row_phase; r < kernel; r += stride) {
            for (int q = column_phase; q < kernel; q += stride) {
                *tap_offset++ = place(&layer->dy_block, k, -(r / stride), -(q / stride));
                *weight_offset++ = (k * channels * kernel + r) * kernel + q;
            }
        }
    }
    return true;
}

void cnn_conv_direct_free(cnn_conv_direct *plan) {
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
}

cnn_conv_direct *cnn_conv_direct_create(const cnn_layer *layer, const cnn_conv_size *size) {
    cnn_conv_direct *plan = cnn_alloc(1, sizeof *plan);
    if (!plan) {
        return NULL;
    }
    plan->groups = size->groups;
    plan->weight_group =
        (size_t)filters_of(layer->node, size) * (size_t)tap_count(layer->node, size);
    bool made = layer->node->pool
                    ? make_pool_table(layer, size, &layer->y_block, true, &plan->forward)
                    : make_forward_table(layer, size, &layer->y_block, true, &plan->forward);
    made = made && (layer->node->pool && !layer->node->needs_dx
                        ? make_pool_table(layer, size, &layer->dy_block, false, &plan->weight)
                        : make_forward_table(layer, size, &layer->dy_block, false, &plan->weight));
    if (made && layer->node->needs_dx) {
        int stride = size->stride;
        plan->data = cnn_alloc((size_t)stride * (size_t)stride, sizeof *plan->data);
        made = plan->data != NULL;
        for (int i = 0; made && i < stride * stride; i++) {
            plan->data_count++;
            made = make_data_table(layer, size, i / stride, i % stride, &plan->data[i]);
        }
    }
    if (!made) {
        cnn_conv_direct_free(plan);
        return NULL;
    }
    return plan;
}

static void pack(const cnn_layer *layer, const cnn_conv_direct *plan, const float *weights,
                 const tap_table *table, int part, int parts) {
    int tile = layer->kernels->filter_tile;
    int tiles = (table->taps.filters + tile - 1) / tile;
    int first = tiles * part / parts * tile;
    int last = tiles * (part + 1) / parts * tile;
    for (int g = 0; g < plan->groups; g++) {
        cnn_conv_pack(layer->kernels, weights + (size_t)g * plan->weight_group, first,
                      last < table->taps.filters ? last : table->taps.filters, table->filter_stride,
                      table->taps.taps, table->weight_offset,
                      table->packed + (size_t)g * table->packed_size);
    }
}

void cnn_conv_direct_prepare(const cnn_layer *layer, const cnn_conv_direct *plan,
                             const float *weights, int part, int parts) {
    pack(layer, plan, weights, &plan->forward, part, parts);
    for (int i = 0; i < plan->data_count; i++) {
        pack(layer, plan, weights, &plan->data[i], part, parts);
    }
}

/* --- passes --- */

bool cnn_conv_direct_unpools(const cnn_node *node) {
    return !node->needs_dx;
}

/* Places of maxima in one group. */
static ptrdiff_t place_count(const tap_table *table) {
    return (ptrdiff_t)table->taps.filters * (table->taps.pixels / 4) * CNN_LANES;
}

static const float *group_bias(const tap_table *table, const float *bias, int group) {
    return bias ? bias + (ptrdiff_t)group * table->taps.filters : NULL;
}

void cnn_conv_direct_forward(const cnn_layer *layer, const cnn_conv_direct *plan, const float *bias,
                             const float *x, float *y, float *places) {
    const tap_table *table = &plan->forward;
    float relu_max = layer->node->relu_max;
    for (int g = 0; g < plan->groups; g++) {
        const float *from = x + g * table->x_group, *own = group_bias(table, bias, g);
        const float *packed = table->packed + (size_t)g * table->packed_size;
        float *to = y + g * table->y_group;
        if (layer->node->pool) {
            layer->kernels->conv_pool_forward(&table->taps, from, packed, own, relu_max, to,
                                              places + g * place_count(table));
        } else {
            layer->kernels->conv_forward(&table->taps, from, packed, own, relu_max, to);
        }
    }
}

/* Of one group. places: of the maxima, if dy is the gradient of the pooled output; else NULL. */
static void weight_gradient(const cnn_layer *layer, const cnn_conv_taps *taps, const float *x,
                            const float *dy, const float *places, float *dw, float *db) {
    const cnn_kernels *kernels = layer->kernels;
    if (places) {
        kernels->conv_pool_backward_weight(taps, x, dy, places, dw);
        if (db) {
            kernels->conv_pool_backward_bias(taps, dy, places, db);
        }
        return;
    }
    kernels->conv_backward_weight(taps, x, dy, dw);
    if (db) {
        kernels->conv_backward_bias(taps, dy, db);
    }
}

void cnn_conv_direct_backward(const cnn_layer *layer, const cnn_conv_direct *plan, const float *x,
                              const float *dy, const float *places, float *dw, float *db,
                              float *dx) {
    const tap_table *table = &plan->weight;
    bool unpools = layer->node->pool && !layer->node->needs_dx;
    for (int g = 0; dw && g < plan->groups; g++) {
        weight_gradient(layer, &table->taps, x + g * table->x_group, dy + g * table->y_group,
                        unpools ? places + g * place_count(table) : NULL,
                        dw + (size_t)g * plan->weight_group,
                        db ? db + (ptrdiff_t)g * table->taps.filters : NULL);
    }
    for (int i = 0; dx && i < plan->data_count; i++) {
        const tap_table *data = &plan->data[i];
        for (int g = 0; g < plan->groups; g++) {
            layer->kernels->conv_forward(&data->taps, dy + g * data->x_group,
                                         data->packed + (size_t)g * data->packed_size, NULL, 0.0f,
                                         dx + g * data->y_group);
        }
    }
}
