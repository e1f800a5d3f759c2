#include "nn/single.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/single_pair.h"

#include <string.h>

/* A node as planned. */
typedef struct step {
    cnn_layer layer;
    /* The memory of its output in a workspace, in floats. Of the outputs that are needed at the
     * same time, no two overlap. */
    size_t offset, size;
    int before, after;           /* rows and columns of zeros around it */
    int last_reader;             /* node that reads it last; its own number: none does */
    cnn_single_pair pair;        /* with the next node */
    size_t packed, offset_index; /* where its packed parameters and its offsets start */
    size_t next;                 /* where those of the next layer that mixes channels start */
} step;

struct cnn_single {
    const cnn_graph *graph; /* the network's, fused */
    int last;               /* the node whose output is the result */
    step *steps;            /* [graph->node_count] */
    float *packed;
    int32_t *offsets;
    cnn_block image;     /* planes */
    size_t image_offset; /* of value (0, 0, 0) */
    bool converts;       /* the planes become a block before the first node */
    size_t work_offset, workspace_size;
};

/* --- blocks --- */

static size_t whole_blocks(size_t floats) {
    return (floats + CNN_LANES - 1) / CNN_LANES * CNN_LANES;
}

/* An odd number of pixels from a plane to the next: a power of two would put the channels of a
 * pixel into the same set of a cache. */
static cnn_block block_of(const cnn_shape *shape, int before, int after) {
    ptrdiff_t row = (shape->width + before + after) * CNN_LANES;
    ptrdiff_t plane = (shape->height + before + after) * row;
    return (cnn_block){.channels = cnn_single_blocks(shape->channels),
                       .height = shape->height,
                       .width = shape->width,
                       .row_stride = row,
                       .plane_stride = plane | CNN_LANES};
}

static cnn_block planes_of(const cnn_shape *shape, int before, int after) {
    ptrdiff_t row = shape->width + before + after;
    return (cnn_block){.channels = shape->channels,
                       .height = shape->height,
                       .width = shape->width,
                       .row_stride = row,
                       .plane_stride = (shape->height + before + after) * row,
                       .single = true};
}

/* From the beginning of its memory to value (0, 0, 0). */
static size_t inside(const cnn_block *block, int before) {
    return (size_t)(before * (block->row_stride + cnn_block_lanes(block)));
}

static size_t block_size(const cnn_block *block) {
    return whole_blocks((size_t)block->channels * (size_t)block->plane_stride);
}

/* Zeros around the values, which start at x. */
static void clear_border(const cnn_block *block, int before, int after, float *x) {
    ptrdiff_t lanes = cnn_block_lanes(block), row = block->row_stride;
    if (before + after == 0) {
        return;
    }
    size_t gap = (size_t)((before + after) * lanes), above = (size_t)(before * row);
    for (int c = 0; c < block->channels; c++) {
        float *to = x + c * block->plane_stride - (ptrdiff_t)inside(block, before);
        memset(to, 0, (above + (size_t)(before * lanes)) * sizeof *to);
        to += before * row + (before + block->width) * lanes;
        for (int h = 0; h < block->height - 1; h++, to += row) {
            memset(to, 0, gap * sizeof *to);
        }
        memset(to, 0, (size_t)(after * (lanes + row)) * sizeof *to);
    }
}

/* --- planning: who reads what --- */

static const cnn_single_ops *ops_of(const cnn_single *single, int n) {
    return single->graph->nodes[n].ops->single;
}

static bool reads_planes(const cnn_node *node) {
    return node->ops->single->reads_planes && node->ops->single->reads_planes(node);
}

static void find_readers(cnn_single *single) {
    step *steps = single->steps;
    for (int n = 0; n <= single->last; n++) {
        const cnn_node *node = &single->graph->nodes[n];
        steps[n].last_reader = n;
        for (int k = 0; k < node->input_count; k++) {
            step *from = &steps[node->input[k]];
            int before = 0, after = 0;
            if (node->ops->input_border) {
                node->ops->input_border(node, &before, &after);
            }
            from->before = before > from->before ? before : from->before;
            from->after = after > from->after ? after : from->after;
            from->last_reader = n;
            single->converts = single->converts || (node->input[k] == 0 && !reads_planes(node));
        }
    }
    steps[single->last].last_reader = single->last + 1; /* the caller */
    single->converts = single->converts || single->last == 0;
}

/* A value that only the next node reads may be kept in parts. */
static void plan_pair(const cnn_single *single, int n) {
    step *s = &single->steps[n];
    if (n > 0 && n < single->last && s->last_reader == n + 1) {
        cnn_single_pair_plan(s->layer.node, s->layer.node + 1, s->layer.kernels, s->before,
                             s->after, &s->pair, &s->layer.y_block);
    }
}

static void place_blocks(cnn_single *single, const cnn_kernels *kernels) {
    for (int n = 0; n <= single->last; n++) {
        const cnn_node *node = &single->graph->nodes[n];
        step *s = &single->steps[n];
        s->layer.node = node;
        s->layer.kernels = kernels;
        s->layer.y_block = block_of(&node->stored, s->before, s->after);
        plan_pair(single, n);
        if (n == 0) {
            single->image = planes_of(&node->stored, s->before, s->after);
            s->layer.y_block = single->converts ? s->layer.y_block : single->image;
        }
        for (int k = 0; k < node->input_count; k++) {
            s->layer.x_block[k] = single->steps[node->input[k]].layer.y_block;
        }
    }
}

/* --- planning: where everything is --- */

/* The lowest offset at which node n does not overlap an earlier one that is still needed. */
static size_t find_offset(const step *steps, int n) {
    size_t offset = 0;
    int start =
        n > 0 && steps[n - 1].pair.channels > 0 ? n - 1 : n; /* it works with the one before it */
    for (int i = 0; i < n; i++) {
        const step *s = &steps[i];
        bool overlaps = s->offset < offset + steps[n].size && offset < s->offset + s->size;
        if (s->last_reader >= start && overlaps) {
            offset = s->offset + s->size;
            i = -1; /* again, from the first one */
        }
    }
    return offset;
}

static void find_places(cnn_single *single) {
    size_t end = 0, work = single->converts ? block_size(&single->image) : 0;
    for (int n = 0; n <= single->last; n++) {
        const cnn_single_ops *ops = ops_of(single, n);
        step *s = &single->steps[n];
        s->size = block_size(&s->layer.y_block);
        s->offset = find_offset(single->steps, n);
        end = s->offset + s->size > end ? s->offset + s->size : end;
        size_t needed = n > 0 && ops->work_size ? ops->work_size(&s->layer) : 0;
        work = needed > work ? needed : work;
    }
    single->work_offset = end;
    single->workspace_size = end + whole_blocks(work);
    single->image_offset = (single->converts ? end : single->steps[0].offset) +
                           inside(&single->image, single->steps[0].before);
}

/* --- creating --- */

bool cnn_single_serves(const cnn_network *network) {
    const cnn_graph *graph = &network->fused;
    for (int n = 1; n <= cnn_graph_result(graph); n++) {
        const cnn_single_ops *ops = graph->nodes[n].ops->single;
        bool left_out = graph->nodes[n].ops->training_only;
        if (!left_out && (!ops || (ops->serves && !ops->serves(&graph->nodes[n])))) {
            return false;
        }
    }
    return true;
}

/* Memory for packed parameters and for offsets, and where each node's are. */
static cnn_status place_parameters(cnn_single *single, cnn_error *error) {
    size_t packed = 0, offsets = 0;
    for (int n = 1; n <= single->last; n++) {
        const cnn_single_ops *ops = ops_of(single, n);
        step *s = &single->steps[n];
        s->packed = packed;
        s->offset_index = offsets;
        packed +=
            ops->packed_size ? whole_blocks(ops->packed_size(s->layer.node, s->layer.kernels)) : 0;
        offsets += ops->offset_count ? ops->offset_count(s->layer.node) : 0;
    }
    single->packed = cnn_alloc(packed, sizeof *single->packed);
    single->offsets = cnn_alloc(offsets, sizeof *single->offsets);
    if (!single->packed || !single->offsets) {
        return cnn_fail_memory(error, "a network's weights");
    }
    size_t next = 0;
    for (int n = single->last; n > 0; n--) {
        const cnn_single_ops *ops = ops_of(single, n);
        step *s = &single->steps[n];
        s->next = next;
        if (ops->makes_channels && ops->makes_channels(s->layer.node, s->layer.kernels) > 0) {
            next = s->packed;
        }
        if (ops->find_offsets) {
            ops->find_offsets(&s->layer, single->offsets + s->offset_index);
        }
    }
    return CNN_OK;
}

static cnn_status plan(cnn_single *single, const cnn_network *network, cnn_error *error) {
    single->steps = cnn_alloc((size_t)network->fused.node_count, sizeof *single->steps);
    if (!single->steps) {
        return cnn_fail_memory(error, "a network's plan");
    }
    find_readers(single);
    place_blocks(single, network->kernels);
    find_places(single);
    return place_parameters(single, error);
}

cnn_status cnn_single_create(const cnn_network *network, cnn_single **out, cnn_error *error) {
    *out = NULL;
    if (!cnn_single_serves(network)) {
        return CNN_OK;
    }
    cnn_single *single = cnn_alloc(1, sizeof *single);
    if (!single) {
        return cnn_fail_memory(error, "a network's plan");
    }
    single->graph = &network->fused;
    single->last = cnn_graph_result(&network->fused);
    cnn_status status = plan(single, network, error);
    if (status != CNN_OK) {
        cnn_single_free(single);
        return status;
    }
    *out = single;
    return CNN_OK;
}

void cnn_single_free(cnn_single *single) {
    if (single) {
        cnn_free(single->steps);
        cnn_free(single->packed);
        cnn_free(single->offsets);
        cnn_free(single);
    }
}

void cnn_single_prepare(cnn_single *single, const float *parameters) {
    for (int n = 1; n <= single->last; n++) {
        const step *s = &single->steps[n];
        if (ops_of(single, n)->pack) {
            ops_of(single, n)->pack(&s->layer, parameters + s->layer.node->parameter_offset,
                                    single->packed + s->packed);
        }
    }
}

/* --- running --- */

size_t cnn_single_workspace_size(const cnn_single *single) {
    return single->workspace_size;
}

float *cnn_single_workspace(const cnn_single *single) {
    return cnn_alloc(single->workspace_size, sizeof(float));
}

float *cnn_single_input(const cnn_single *single, float *workspace, const cnn_block **block) {
    *block = &single->image;
    return workspace + single->image_offset;
}

/* Value (0, 0, 0) of node n's output. */
static float *value_of(const cnn_single *single, float *workspace, int n) {
    const step *s = &single->steps[n];
    return workspace + s->offset + inside(&s->layer.y_block, s->before);
}

/* The image, whose planes are in the workspace: the first node's output. */
static void take_image(const cnn_single *single, float *workspace) {
    const cnn_block *to = &single->steps[0].layer.y_block, *from = &single->image;
    float *y = value_of(single, workspace, 0);
    const float *x = workspace + single->image_offset;
    clear_border(to, single->steps[0].before, single->steps[0].after, y);
    for (int c = 0; single->converts && c < from->channels; c++) {
        for (int h = 0; h < from->height; h++) {
            const float *row = x + cnn_block_row(from, c, h);
            float *lane = y + cnn_block_row(to, c / CNN_LANES, h) + c % CNN_LANES;
            for (int w = 0; w < from->width; w++) {
                lane[(ptrdiff_t)w * CNN_LANES] = row[w];
            }
        }
    }
}

static cnn_single_pass pass_of(const cnn_single *single, const float *parameters, float *workspace,
                               int n) {
    const step *s = &single->steps[n];
    const cnn_node *node = s->layer.node;
    cnn_single_pass pass = {.parameters = parameters + node->parameter_offset,
                            .packed = single->packed + s->packed,
                            .next = single->packed + s->next,
                            .offsets = single->offsets + s->offset_index,
                            .y = value_of(single, workspace, n),
                            .work = workspace + single->work_offset,
                            .count = cnn_single_blocks(node->stored.channels),
                            .rows = node->out.height};
    for (int k = 0; k < node->input_count; k++) {
        pass.x[k] = value_of(single, workspace, node->input[k]);
    }
    return pass;
}

void cnn_single_forward(const cnn_single *single, const float *parameters, float *workspace,
                        float *result) {
    take_image(single, workspace);
    for (int n = 1; n <= single->last; n++) {
        const step *s = &single->steps[n];
        const cnn_single_pass pass = pass_of(single, parameters, workspace, n);
        if (s->pair.channels > 0) {
            n++;
            const cnn_single_pass second = pass_of(single, parameters, workspace, n);
            clear_border(&s[1].layer.y_block, s[1].before, s[1].after, second.y);
            cnn_single_pair_run(&s->pair, &s->layer, &pass, &s[1].layer, &second);
        } else {
            clear_border(&s->layer.y_block, s->before, s->after, pass.y);
            ops_of(single, n)->forward(&s->layer, &pass);
        }
    }
    const cnn_layer *last = &single->steps[single->last].layer;
    cnn_single_values(&last->node->stored, &last->y_block,
                      value_of(single, workspace, single->last), result);
}

/* --- for layers --- */

void cnn_single_values(const cnn_shape *shape, const cnn_block *block, const float *x, float *to) {
    for (int c = 0; c < shape->channels; c++) {
        for (int h = 0; h < shape->height; h++) {
            const float *from = x + cnn_block_row(block, c / CNN_LANES, h) + c % CNN_LANES;
            for (int w = 0; w < shape->width; w++) {
                *to++ = from[(ptrdiff_t)w * CNN_LANES];
            }
        }
    }
}

void cnn_single_forward_lanes(const cnn_layer *layer, const cnn_single_pass *pass) {
    cnn_layer lanes = *layer;
    cnn_pass values = {.x = {pass->x[0], pass->x[1]}, .y = pass->y};
    if (layer->node->ops->in_place) {
        cnn_block_copy(&layer->x_block[0], pass->x[0], &layer->y_block, pass->y);
        lanes.x_block[0] = layer->y_block;
        values.x[0] = pass->y;
    }
    layer->node->ops->forward(&lanes, &values);
}

const cnn_single_ops cnn_single_lanes = {.forward = cnn_single_forward_lanes};
