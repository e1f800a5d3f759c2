#include "nn/planar.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

/* A node's place in a workspace, in floats. */
typedef struct place {
    size_t offset, size;
    int last_reader; /* node that reads it last; its own number: none does */
} place;

struct cnn_planar {
    const cnn_graph *graph;   /* the network's, fused */
    int last;                 /* the node whose output is the result */
    cnn_planar_layer *layers; /* [graph->node_count] */
    place *places;            /* [graph->node_count] */
    size_t *packed_offset;    /* [graph->node_count] */
    float *packed;
    size_t work_offset, workspace_size;
};

/* --- sizes --- */

static size_t whole_vectors(size_t floats) {
    return (floats + CNN_LANES - 1) / CNN_LANES * CNN_LANES;
}

size_t cnn_planar_stride(const cnn_shape *shape) {
    size_t plane =
        shape->flat ? (size_t)shape->channels : (size_t)shape->height * (size_t)shape->width;
    return whole_vectors(plane + CNN_LANES - 1);
}

size_t cnn_planar_size(const cnn_shape *shape) {
    return cnn_planar_stride(shape) * (shape->flat ? 1 : (size_t)shape->channels);
}

/* --- places: of the outputs that are needed at the same time, no two overlap --- */

static void find_last_readers(const cnn_graph *graph, int last, place *places) {
    for (int n = 0; n <= last; n++) {
        places[n].last_reader = n;
        for (int k = 0; k < graph->nodes[n].input_count; k++) {
            places[graph->nodes[n].input[k]].last_reader = n;
        }
    }
    places[last].last_reader = last + 1; /* the caller */
}

/* The lowest offset at which node n does not overlap an earlier one that is still needed. */
static size_t find_offset(const place *places, int n) {
    size_t offset = 0;
    for (int i = 0; i < n; i++) {
        const place *p = &places[i];
        bool overlaps = p->offset < offset + places[n].size && offset < p->offset + p->size;
        if (p->last_reader >= n && overlaps) {
            offset = p->offset + p->size;
            i = -1; /* again, from the first one */
        }
    }
    return offset;
}

static void find_places(cnn_planar *planar) {
    size_t end = 0, work = 0;
    find_last_readers(planar->graph, planar->last, planar->places);
    for (int n = 0; n <= planar->last; n++) {
        const cnn_planar_ops *ops = planar->graph->nodes[n].ops->planar;
        place *p = &planar->places[n];
        p->size = cnn_planar_size(&planar->layers[n].out);
        p->offset = find_offset(planar->places, n);
        end = p->offset + p->size > end ? p->offset + p->size : end;
        size_t needed = n > 0 && ops->work_size ? ops->work_size(&planar->layers[n]) : 0;
        work = needed > work ? needed : work;
    }
    planar->work_offset = whole_vectors(end);
    planar->workspace_size = planar->work_offset + whole_vectors(work);
}

/* --- creating --- */

bool cnn_planar_serves(const cnn_network *network) {
    const cnn_graph *graph = &network->fused;
    for (int n = 1; n <= cnn_graph_result(graph); n++) {
        const cnn_planar_ops *ops = graph->nodes[n].ops->planar;
        bool left_out = graph->nodes[n].ops->training_only;
        if (!left_out && (!ops || (ops->serves && !ops->serves(&graph->nodes[n])))) {
            return false;
        }
    }
    return true;
}

static size_t find_packed_offsets(cnn_planar *planar) {
    size_t size = 0;
    for (int n = 1; n <= planar->last; n++) {
        const cnn_node *node = &planar->graph->nodes[n];
        planar->packed_offset[n] = size;
        if (node->ops->planar->packed_size) {
            size += whole_vectors(node->ops->planar->packed_size(node, planar->layers[n].kernels));
        }
    }
    return size;
}

static cnn_status plan(cnn_planar *planar, const cnn_network *network, cnn_error *error) {
    size_t count = (size_t)network->fused.node_count;
    planar->layers = cnn_alloc(count, sizeof *planar->layers);
    planar->places = cnn_alloc(count, sizeof *planar->places);
    planar->packed_offset = cnn_alloc(count, sizeof *planar->packed_offset);
    if (!planar->layers || !planar->places || !planar->packed_offset) {
        return cnn_fail_memory(error, "a network's plan");
    }
    for (int n = 0; n <= planar->last; n++) {
        const cnn_node *node = &network->fused.nodes[n];
        planar->layers[n] =
            (cnn_planar_layer){.node = node,
                               .kernels = network->kernels,
                               .in = node->in,
                               .out = node->stored,
                               .x_stride = (ptrdiff_t)cnn_planar_stride(&node->in),
                               .y_stride = (ptrdiff_t)cnn_planar_stride(&node->stored)};
    }
    planar->packed = cnn_alloc(find_packed_offsets(planar), sizeof *planar->packed);
    find_places(planar);
    return planar->packed ? CNN_OK : cnn_fail_memory(error, "a network's weights");
}

cnn_status cnn_planar_create(const cnn_network *network, cnn_planar **out, cnn_error *error) {
    *out = NULL;
    int last = cnn_graph_result(&network->fused);
    if (!cnn_planar_serves(network)) {
        return CNN_OK;
    }
    cnn_planar *planar = cnn_alloc(1, sizeof *planar);
    if (!planar) {
        return cnn_fail_memory(error, "a network's plan");
    }
    planar->graph = &network->fused;
    planar->last = last;
    cnn_status status = plan(planar, network, error);
    if (status != CNN_OK) {
        cnn_planar_free(planar);
        return status;
    }
    *out = planar;
    return CNN_OK;
}

void cnn_planar_free(cnn_planar *planar) {
    if (planar) {
        cnn_free(planar->layers);
        cnn_free(planar->places);
        cnn_free(planar->packed_offset);
        cnn_free(planar->packed);
        cnn_free(planar);
    }
}

void cnn_planar_prepare(cnn_planar *planar, const float *parameters) {
    for (int n = 1; n <= planar->last; n++) {
        const cnn_node *node = &planar->graph->nodes[n];
        if (node->ops->planar->pack) {
            node->ops->planar->pack(&planar->layers[n], parameters + node->parameter_offset,
                                    planar->packed + planar->packed_offset[n]);
        }
    }
}

/* --- running --- */

size_t cnn_planar_workspace_size(const cnn_planar *planar) {
    return planar->workspace_size;
}

float *cnn_planar_workspace(const cnn_planar *planar) {
    return cnn_alloc(planar->workspace_size, sizeof(float));
}

float *cnn_planar_input(const cnn_planar *planar, float *workspace, size_t *plane_stride) {
    *plane_stride = (size_t)planar->layers[0].y_stride;
    return workspace + planar->places[0].offset;
}

const float *cnn_planar_forward(const cnn_planar *planar, const float *parameters,
                                float *workspace) {
    for (int n = 1; n <= planar->last; n++) {
        const cnn_node *node = &planar->graph->nodes[n];
        cnn_planar_pass pass = {.parameters = parameters + node->parameter_offset,
                                .packed = planar->packed + planar->packed_offset[n],
                                .y = workspace + planar->places[n].offset,
                                .work = workspace + planar->work_offset};
        for (int k = 0; k < node->input_count; k++) {
            pass.x[k] = workspace + planar->places[node->input[k]].offset;
        }
        node->ops->planar->forward(&planar->layers[n], &pass);
    }
    return workspace + planar->places[planar->last].offset;
}

/* --- layers that map values to values at the same place --- */

void cnn_planar_forward_elementwise(const cnn_planar_layer *layer, const cnn_planar_pass *pass) {
    const cnn_block row = {.channels = layer->out.flat ? 1 : layer->out.channels,
                           .height = 1,
                           .width = (int)(layer->y_stride / CNN_LANES),
                           .row_stride = layer->y_stride,
                           .plane_stride = layer->y_stride};
    const cnn_layer as_block = {
        .node = layer->node, .kernels = layer->kernels, .x_block = {row, row}, .y_block = row};
    cnn_pass block_pass = {.parameters = pass->parameters,
                           .x = {pass->x[0], pass->x[1]},
                           .y = pass->y,
                           .work = pass->work};
    if (layer->node->ops->in_place) {
        memcpy(pass->y, pass->x[0], cnn_planar_size(&layer->out) * sizeof *pass->y);
        block_pass.x[0] = pass->y;
    }
    layer->node->ops->forward(&as_block, &block_pass);
}

const cnn_planar_ops cnn_planar_elementwise = {.forward = cnn_planar_forward_elementwise};

/* --- phases of a plane --- */

/* Floats that kernels read after the last value of a phase, at most. */
#define READ_AFTER (4 * CNN_LANES)

static int phase_length(const cnn_planar_slide *slide, int windows) {
    return windows + (slide->kernel - 1) / slide->stride;
}

static size_t phase_size(const cnn_planar_slide *slide) {
    return whole_vectors((size_t)phase_length(slide, slide->out.height) *
                             (size_t)phase_length(slide, slide->out.width) +
                         READ_AFTER);
}

size_t cnn_planar_phases_size(const cnn_planar_slide *slide) {
    return phase_size(slide) * (size_t)(slide->stride * slide->stride);
}

void cnn_planar_phases_start(const cnn_planar_slide *slide, float *work,
                             cnn_planar_phases *phases) {
    phases->slide = *slide;
    phases->rows = phase_length(slide, slide->out.height);
    phases->columns = phase_length(slide, slide->out.width);
    phases->size = phase_size(slide);
    phases->values = work;
    for (size_t i = 0; i < cnn_planar_phases_size(slide); i++) {
        work[i] = slide->outside;
    }
    cnn_planar_window *window = &phases->window;
    window->rows = slide->out.height;
    window->columns = slide->out.width;
    window->taps = slide->kernel * slide->kernel;
    window->x_row = phases->columns;
    for (int t = 0; t < window->taps; t++) {
        int r = t / slide->kernel, q = t % slide->kernel;
        size_t phase =
            (size_t)(r % slide->stride) * (size_t)slide->stride + (size_t)(q % slide->stride);
        window->offset[t] = (int32_t)(phase * phases->size) + r / slide->stride * phases->columns +
                            q / slide->stride;
    }
}

/* Of a side of the plane, which has `length` values and `before` around it: what is in phase
 * `phase`. */
typedef struct phase_side {
    int first; /* value of the plane */
    int to;    /* its place in the phase */
    int count;
} phase_side;

static phase_side find_side(int phase, int stride, int before, int length, int room) {
    phase_side side = {.first = (phase - before % stride + stride) % stride};
    side.to = (side.first + before) / stride;
    int there = (length - side.first + stride - 1) / stride; /* perhaps more than windows read */
    side.count = there < room - side.to ? there : room - side.to;
    return side;
}

void cnn_planar_phases_fill(const cnn_planar_phases *phases, const cnn_kernels *kernels,
                            const float *plane) {
    const cnn_planar_slide *slide = &phases->slide;
    int stride = slide->stride, width = slide->in.width;
    for (int i = 0; i < stride * stride; i++) {
        phase_side down = find_side(i / stride, stride, slide->top, slide->in.height, phases->rows);
        phase_side across = find_side(i % stride, stride, slide->left, width, phases->columns);
        const cnn_planar_part part = {.rows = down.count,
                                      .columns = across.count,
                                      .step = stride,
                                      .x_row = (ptrdiff_t)stride * width,
                                      .to_row = phases->columns};
        kernels->planar_take(&part, plane + (ptrdiff_t)down.first * width + across.first,
                             phases->values + (size_t)i * phases->size +
                                 (ptrdiff_t)down.to * phases->columns + across.to);
    }
}
