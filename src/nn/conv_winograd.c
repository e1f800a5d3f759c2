/* Convolutions of 3×3, stride 1, by Winograd's F(4×4, 3×3) (kernels/winograd.inc): groups of tiles
 * are transformed, multiplied element by element as 36 small matrices, and transformed back. */
#include "nn/conv_plan.h"

#include "base/memory.h"

#include <string.h>

/* With fewer channels or filters, transforms cost more than they save. */
enum { CHANNELS_MIN = 16, FILTERS_MIN = 16 };

struct cnn_conv_winograd {
    cnn_winograd geometry;
    /* The products: outputs are filters (forward) or channels (data), taps the other; the pixels
     * are tiles. [GROUP + 1]: by the number of tiles in a group. */
    cnn_conv_taps forward[CNN_WINOGRAD_GROUP + 1], data[CNN_WINOGRAD_GROUP + 1];
    int32_t *offsets;                    /* owns the tables of offsets */
    size_t forward_stride, data_stride;  /* packed weights of one element */
    float *packed_forward, *packed_data; /* [36][stride]; packed_data NULL where no dx is needed */
};

static int round_up(int value, int multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

static int tiles_for(int size) {
    return (size + CNN_WINOGRAD_STEP - 1) / CNN_WINOGRAD_STEP;
}

bool cnn_conv_winograd_serves(const cnn_node *node, const cnn_conv_size *size) {
    if (size->kernel != 3 || size->stride != 1 || size->groups != 1 ||
        size->padding.top != size->padding.left || node->in.channels < CHANNELS_MIN ||
        node->out.channels < FILTERS_MIN) {
        return false;
    }
    /* tiles at the edge may stick out: at least half of the outputs must be wanted */
    double covered = (double)tiles_for(node->out.height) * (double)tiles_for(node->out.width) *
                     CNN_WINOGRAD_STEP * CNN_WINOGRAD_STEP;
    return 2.0 * (double)node->out.height * (double)node->out.width >= covered;
}

/* Rows that tiles reach beyond the input. */
static int rows_beyond(int in, int out, int before) {
    int beyond = tiles_for(out) * CNN_WINOGRAD_STEP + 2 - before - in;
    return beyond > 0 ? beyond : 0;
}

void cnn_conv_winograd_input_border(const cnn_node *node, const cnn_conv_size *size, int *before,
                                    int *after) {
    int below = rows_beyond(node->in.height, node->out.height, size->padding.top);
    int right = rows_beyond(node->in.width, node->out.width, size->padding.top);
    *before = size->padding.top;
    *after = below > right ? below : right;
}

/* All but the blocks. */
static cnn_winograd geometry_of(const cnn_node *node, const cnn_conv_size *size) {
    cnn_winograd w = {
        .channels = node->in.channels,
        .filters = node->out.channels,
        .channels_padded = round_up(node->in.channels, CNN_LANES),
        .before = size->padding.top,
        .tile_rows = tiles_for(node->out.height),
        .tile_columns = tiles_for(node->out.width),
        .relu_max = node->relu_max,
    };
    w.transposed_rows = w.tile_rows * CNN_WINOGRAD_STEP + 2;
    w.transposed_columns = w.tile_columns * CNN_WINOGRAD_STEP + 2;
    /* one vector more, so that the elements' matrices do not all fall on the same cache lines */
    ptrdiff_t group = (ptrdiff_t)CNN_WINOGRAD_GROUP * CNN_LANES;
    w.channel_element_stride = group * w.channels_padded + CNN_LANES;
    w.filter_element_stride = group * w.filters + CNN_LANES;
    return w;
}

/* --- memory of one pass --- */

/* Where the parts of `work` start, in floats. Forward: m, v. Backward: all but v, which vt is in
 * the place of. */
typedef struct pass_layout {
    size_t m, v;      /* [36][element strides of the geometry] */
    size_t mx;        /* as v */
    size_t xt;        /* the transposed input */
    size_t du;        /* [36][filters][channels_padded] */
    size_t bias_sums; /* [filters][LANES] */
    size_t size;      /* of all of them */
} pass_layout;

static pass_layout lay_out(const cnn_winograd *w) {
    size_t padded = (size_t)w->channels_padded;
    size_t filters = (size_t)w->filters;
    size_t pixels = (size_t)w->transposed_rows * (size_t)w->transposed_columns;
    size_t v_size = CNN_WINOGRAD_ELEMENTS * (size_t)w->channel_element_stride;
    pass_layout layout = {.m = 0};
    layout.v = layout.m + CNN_WINOGRAD_ELEMENTS * (size_t)w->filter_element_stride;
    layout.mx = layout.v + v_size;
    layout.xt = layout.mx + v_size;
    layout.du = layout.xt + pixels * CNN_LANES * padded;
    layout.bias_sums = layout.du + CNN_WINOGRAD_ELEMENTS * filters * padded;
    layout.size = layout.bias_sums + filters * CNN_LANES;
    return layout;
}

size_t cnn_conv_winograd_work_size(const cnn_node *node, const cnn_conv_size *size) {
    cnn_winograd w = geometry_of(node, size);
    pass_layout layout = lay_out(&w);
    return node->has_gradient ? layout.size : layout.mx; /* prediction only goes forward */
}

/* --- plan --- */

/* offsets: [inputs + GROUP], filled. */
static void make_products(int outputs, int inputs, int32_t *offsets, cnn_conv_taps *products) {
    for (int i = 0; i < inputs; i++) {
        offsets[i] = i * CNN_WINOGRAD_GROUP * CNN_LANES; /* a tap */
    }
    int32_t *tiles = offsets + inputs;
    for (int t = 0; t < CNN_WINOGRAD_GROUP; t++) {
        tiles[t] = t * CNN_LANES;
    }
    for (int count = 0; count <= CNN_WINOGRAD_GROUP; count++) {
        products[count] = (cnn_conv_taps){
            .filters = outputs,
            .pixels = count,
            .taps = inputs,
            .y_plane_stride = (ptrdiff_t)CNN_WINOGRAD_GROUP * CNN_LANES,
            .x_offset = tiles,
            .y_offset = tiles,
            .tap_offset = offsets,
        };
    }
}

cnn_conv_winograd *cnn_conv_winograd_create(const cnn_layer *layer, const cnn_conv_size *size) {
    cnn_conv_winograd *plan = cnn_alloc(1, sizeof *plan);
    if (!plan) {
        return NULL;
    }
    plan->geometry = geometry_of(layer->node, size);
    plan->geometry.x_block = layer->x_block[0];
    plan->geometry.y_block = layer->y_block;
    plan->geometry.dy_block = layer->dy_block;
    plan->geometry.dx_block = layer->dx_block[0];
    int channels = layer->node->in.channels;
    int filters = layer->node->out.channels;
    size_t forward_offsets = (size_t)channels + CNN_WINOGRAD_GROUP;
    size_t data_offsets = (size_t)filters + CNN_WINOGRAD_GROUP;
    plan->offsets = cnn_alloc(forward_offsets + data_offsets, sizeof(int32_t));
    plan->forward_stride = cnn_conv_packed_size(layer->kernels, filters, channels);
    plan->data_stride = cnn_conv_packed_size(layer->kernels, channels, filters);
    plan->packed_forward = cnn_alloc(CNN_WINOGRAD_ELEMENTS * plan->forward_stride, sizeof(float));
    if (layer->node->needs_dx) {
        plan->packed_data = cnn_alloc(CNN_WINOGRAD_ELEMENTS * plan->data_stride, sizeof(float));
    }
    if (!plan->offsets || !plan->packed_forward || (layer->node->needs_dx && !plan->packed_data)) {
        cnn_conv_winograd_free(plan);
        return NULL;
    }
    make_products(filters, channels, plan->offsets, plan->forward);
    make_products(channels, filters, plan->offsets + forward_offsets, plan->data);
    return plan;
}

void cnn_conv_winograd_free(cnn_conv_winograd *plan) {
    if (plan) {
        cnn_free(plan->offsets);
        cnn_free(plan->packed_forward);
        cnn_free(plan->packed_data);
        cnn_free(plan);
    }
}

void cnn_conv_winograd_prepare(const cnn_layer *layer, const cnn_conv_winograd *plan,
                               const float *weights, int part, int parts) {
    int lines =
        (layer->node->out.channels + CNN_LANES - 1) / CNN_LANES; /* parts share no cache line */
    int first = lines * part / parts * CNN_LANES;
    int last = lines * (part + 1) / parts * CNN_LANES;
    layer->kernels->winograd_pack(&plan->geometry, weights, first,
                                  last < layer->node->out.channels ? last
                                                                   : layer->node->out.channels,
                                  plan->packed_forward, plan->packed_data);
}

/* --- passes --- */

/* Tiles of the group that starts at `first`. */
static int group_size(const cnn_winograd *w, int first) {
    int rest = w->tile_rows * w->tile_columns - first;
    return rest < CNN_WINOGRAD_GROUP ? rest : CNN_WINOGRAD_GROUP;
}

void cnn_conv_winograd_forward(const cnn_layer *layer, const cnn_conv_winograd *plan,
                               const float *bias, const float *x, float *y, float *places,
                               float *work) {
    const cnn_kernels *kernels = layer->kernels;
    const cnn_winograd *w = &plan->geometry;
    pass_layout layout = lay_out(w);
    float *v = work + layout.v;
    float *m = work + layout.m;
    for (int first = 0; first < w->tile_rows * w->tile_columns; first += CNN_WINOGRAD_GROUP) {
        int count = group_size(w, first);
        kernels->winograd_input(w, first, count, x, v);
        for (size_t e = 0; e < CNN_WINOGRAD_ELEMENTS; e++) {
            kernels->conv_forward(&plan->forward[count], v + e * (size_t)w->channel_element_stride,
                                  plan->packed_forward + e * plan->forward_stride, NULL, 0.0f,
                                  m + e * (size_t)w->filter_element_stride);
        }
        if (layer->node->pool) {
            kernels->winograd_pool_output(w, first, count, m, bias, y, places);
        } else {
            kernels->winograd_output(w, first, count, m, bias, y);
        }
    }
}

void cnn_conv_winograd_backward(const cnn_layer *layer, const cnn_conv_winograd *plan,
                                const float *x, const float *dy, const float *places, float *work,
                                float *dw, float *db, float *dx) {
    const cnn_kernels *kernels = layer->kernels;
    const cnn_winograd *w = &plan->geometry;
    pass_layout layout = lay_out(w);
    float *m = work + layout.m;
    float *vt = work + layout.v;
    float *mx = work + layout.mx;
    float *xt = work + layout.xt;
    float *du = work + layout.du;
    float *bias_sums = work + layout.bias_sums;
    size_t du_stride = (size_t)w->filters * (size_t)w->channels_padded;
    memset(bias_sums, 0, (size_t)w->filters * CNN_LANES * sizeof(float));
    if (dw) {
        kernels->winograd_transpose(w, x, xt);
    }
    for (int first = 0; first < w->tile_rows * w->tile_columns; first += CNN_WINOGRAD_GROUP) {
        int count = group_size(w, first);
        if (layer->node->pool) {
            kernels->winograd_pool_output_gradient(w, first, count, dy, places, m, bias_sums);
        } else {
            kernels->winograd_output_gradient(w, first, count, dy, m, bias_sums);
        }
        if (dw) {
            kernels->winograd_input_transposed(w, first, count, xt, vt);
        }
        for (size_t e = 0; e < CNN_WINOGRAD_ELEMENTS; e++) {
            const float *g = m + e * (size_t)w->filter_element_stride;
            if (dw) {
                kernels->winograd_outer(w, count, g, vt + e * (size_t)w->channel_element_stride,
                                        du + e * du_stride, first > 0);
            }
            if (dx) {
                kernels->conv_forward(&plan->data[count], g,
                                      plan->packed_data + e * plan->data_stride, NULL, 0.0f,
                                      mx + e * (size_t)w->channel_element_stride);
            }
        }
        if (dx) {
            kernels->winograd_input_gradient(w, first, count, mx, dx);
        }
    }
    for (int f = 0; dw && f < w->filters; f++) {
        kernels->winograd_weight_gradient(w, f, du, dw + (size_t)f * (size_t)w->channels * 9);
    }
    if (db) {
        kernels->add_lane_sums(w->filters, bias_sums, db);
    }
}
