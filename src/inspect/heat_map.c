#include "inspect/heat_map.h"

#include "base/error.h"
#include "base/memory.h"
#include "inspect/map_product.h"
#include "nn/cut.h"

#include <math.h>
#include <string.h>

/* What a thread needs for a block of images. */
typedef struct room {
    float *workspaces[CNN_HEAT_MAP_NODES]; /* of each part */
    const cnn_block *block;                /* the activations of node 0 … */
    const float *values;                   /* … in lanes: those of the base, or `filled` */
    float *filled;                         /* NULL if the base runs blocks */
    float *fine, *coarse, *work;           /* maps of node 0, of another one; for the product */
} room;

struct cnn_heat_map {
    const cnn_network *network;
    const float *parameters;
    cnn_thread_pool *pool;
    int threads;
    cnn_network *base;        /* up to the first node */
    cnn_inference *inference; /* of the base */
    bool in_blocks;           /* the base runs blocks of images, not one image at a time */
    cnn_block dense;          /* of `filled` */
    int count;
    cnn_shape shapes[CNN_HEAT_MAP_NODES];   /* of the nodes */
    cnn_network *parts[CNN_HEAT_MAP_NODES]; /* from a node to the next, or to the logit */
    const float *part_parameters[CNN_HEAT_MAP_NODES];
    size_t size; /* activations of an image at the first node */
    room *rooms; /* [threads] */
};

static size_t positions_of(const cnn_shape *shape) {
    return (size_t)shape->height * (size_t)shape->width;
}

/* A block without borders. */
static cnn_block dense_block(const cnn_shape *shape) {
    const ptrdiff_t row = (ptrdiff_t)shape->width * CNN_LANES;
    return (cnn_block){.channels = shape->channels,
                       .height = shape->height,
                       .width = shape->width,
                       .row_stride = row,
                       .plane_stride = row * shape->height};
}

/* --- choosing the nodes --- */

static int least(int side, int image) {
    return image < side ? image : side;
}

static bool is_candidate(const cnn_graph *graph, int node, int side) {
    const cnn_shape *image = &graph->nodes[0].out, *out = &graph->nodes[node].out;
    return !out->flat && out->height >= least(side, image->height) &&
           out->width >= least(side, image->width) && cnn_cut_is_possible(graph, node);
}

int cnn_heat_map_deep(const cnn_graph *graph, int side) {
    int n = cnn_graph_result(graph);
    while (n > 0 && !is_candidate(graph, n, side)) {
        n--;
    }
    return n;
}

/* The fine node for a deep one. */
static int find_fine(const cnn_graph *graph, int deep) {
    int best = deep;
    size_t smallest = SIZE_MAX;
    for (int n = 1; n <= deep; n++) {
        const size_t positions = positions_of(&graph->nodes[n].out);
        if (positions < smallest && is_candidate(graph, n, CNN_HEAT_MAP_FINE_SIDE)) {
            smallest = positions;
            best = n;
        }
    }
    return best;
}

/* The fine node, or the ReLU after it: A · dz / dA is the same before and after a ReLU, and the
 * base computes it with the layer before it, in one operation. */
static int after_relu(const cnn_graph *graph, int node, int deep) {
    const cnn_node *next = &graph->nodes[node + 1];
    const bool is_relu = node + 1 < deep && next->ops->epilogue &&
                         next->ops->epilogue(&next->spec) == CNN_EPILOGUE_RELU &&
                         !isfinite(cnn_relu_max(next));
    return is_relu && cnn_cut_is_possible(graph, node + 1) ? node + 1 : node;
}

int cnn_heat_map_nodes(const cnn_graph *graph, int deep, int nodes[CNN_HEAT_MAP_NODES]) {
    int count = 0;
    nodes[count++] = after_relu(graph, find_fine(graph, deep), deep);
    for (int n = nodes[0] + 1; n < deep && count < CNN_HEAT_MAP_NODES - 1; n++) {
        const size_t before = positions_of(&graph->nodes[nodes[count - 1]].out);
        if (2 * positions_of(&graph->nodes[n].out) <= before &&
            is_candidate(graph, n, CNN_HEAT_MAP_SIDE)) {
            nodes[count++] = n;
        }
    }
    if (nodes[count - 1] < deep) {
        nodes[count++] = deep;
    }
    return count;
}

/* --- creating --- */

static cnn_status make_room(const cnn_heat_map *map, room *to, cnn_error *error) {
    size_t positions = 0, wide = 0;
    bool complete = true;
    for (int i = 0; i < map->count; i++) {
        const size_t these = positions_of(&map->shapes[i]);
        const size_t widened = ((size_t)map->shapes[i].height + 1) * (size_t)map->shapes[0].width;
        positions = these > positions ? these : positions;
        wide = widened > wide ? widened : wide;
        to->workspaces[i] = cnn_network_workspace(map->parts[i], true);
        complete = complete && to->workspaces[i];
    }
    if (!map->in_blocks) {
        to->filled = cnn_alloc(map->size * CNN_LANES, sizeof *to->filled);
        complete = complete && to->filled;
    }
    to->fine = cnn_alloc(positions_of(&map->shapes[0]) * CNN_LANES, sizeof *to->fine);
    to->coarse = cnn_alloc(positions * CNN_LANES, sizeof *to->coarse);
    to->work = cnn_alloc(wide * CNN_LANES, sizeof *to->work);
    complete = complete && to->fine && to->coarse && to->work;
    return complete ? CNN_OK : cnn_fail_memory(error, "maps");
}

static cnn_status make_part(cnn_heat_map *map, const int *nodes, int i, cnn_error *error) {
    size_t first;
    if (i + 1 < map->count) {
        CNN_TRY(
            cnn_cut_middle(map->network, nodes[i], nodes[i + 1], &map->parts[i], &first, error));
    } else {
        CNN_TRY(cnn_cut_head(map->network, nodes[i], &map->parts[i], &first, error));
    }
    map->shapes[i] = map->network->graph.nodes[nodes[i]].out;
    map->part_parameters[i] = map->parameters + first;
    cnn_network_prepare(map->parts[i], map->part_parameters[i]);
    return CNN_OK;
}

static cnn_status create(cnn_heat_map *map, const int *nodes, cnn_error *error) {
    CNN_TRY(cnn_cut_base(map->network, nodes[0], &map->base, error));
    CNN_TRY(cnn_inference_create(map->base, map->threads, &map->inference, error));
    cnn_inference_prepare(map->inference, map->parameters);
    map->in_blocks = cnn_inference_has_blocks(map->inference);
    for (int i = 0; i < map->count; i++) {
        CNN_TRY(make_part(map, nodes, i, error));
    }
    map->size = cnn_shape_size(&map->shapes[0]);
    map->dense = dense_block(&map->shapes[0]);
    map->rooms = cnn_alloc((size_t)map->threads, sizeof *map->rooms);
    if (!map->rooms) {
        return cnn_fail_memory(error, "maps");
    }
    for (int i = 0; i < map->threads; i++) {
        CNN_TRY(make_room(map, &map->rooms[i], error));
    }
    return CNN_OK;
}

cnn_status cnn_heat_map_create(const cnn_network *network, const float *parameters,
                               const int *nodes, int count, cnn_thread_pool *pool,
                               cnn_heat_map **out, cnn_error *error) {
    *out = NULL;
    cnn_heat_map *map = cnn_alloc(1, sizeof *map);
    if (!map) {
        return cnn_fail_memory(error, "maps");
    }
    map->network = network;
    map->parameters = parameters;
    map->pool = pool;
    map->threads = cnn_thread_pool_threads(pool);
    map->count = count;
    cnn_status status = create(map, nodes, error);
    if (status != CNN_OK) {
        cnn_heat_map_free(map);
        return status;
    }
    *out = map;
    return CNN_OK;
}

static void free_room(room *from) {
    for (int i = 0; i < CNN_HEAT_MAP_NODES; i++) {
        cnn_free(from->workspaces[i]);
    }
    cnn_free(from->filled);
    cnn_free(from->fine);
    cnn_free(from->coarse);
    cnn_free(from->work);
}

void cnn_heat_map_free(cnn_heat_map *map) {
    if (!map) {
        return;
    }
    for (int i = 0; map->rooms && i < map->threads; i++) {
        free_room(&map->rooms[i]);
    }
    cnn_free(map->rooms);
    cnn_inference_free(map->inference);
    cnn_network_free(map->base);
    for (int i = 0; i < map->count; i++) {
        cnn_network_free(map->parts[i]);
    }
    cnn_free(map);
}

const cnn_shape *cnn_heat_map_shape(const cnn_heat_map *map) {
    return &map->shapes[0];
}

/* --- running --- */

/* One call of cnn_heat_map_run. */
typedef struct job {
    cnn_heat_map *map;
    const cnn_sample_source *source;
    size_t first, count;
    float *activations; /* [count][map->size]: of the fine node; NULL if the base runs blocks */
    float *logits, *maps;
} job;

static int images_at(const job *j, size_t start, int most) {
    return j->count - start < (size_t)most ? (int)(j->count - start) : most;
}

/* The base on its next image. */
static void run_base(void *context, size_t image, int thread) {
    const job *j = context;
    cnn_inference_run(j->map->inference, thread, j->source, j->first + image, 1,
                      j->activations + image * j->map->size, NULL);
}

/* Writes activations, each [C][H][W], into the lanes of values[C][H][W][lane], zeros into the
 * others. */
static void fill_lanes(const float *activations, size_t size, int count, float *values) {
    for (size_t i = 0; i < size; i++, values += CNN_LANES) {
        for (int lane = 0; lane < CNN_LANES; lane++) {
            values[lane] = lane < count ? activations[(size_t)lane * size + i] : 0.0f;
        }
    }
}

/* HiResCAM: maps[height][width][lane]. */
static void find_maps(const cnn_block *value_block, const float *values,
                      const cnn_block *gradient_block, const float *gradients, float *maps) {
    const size_t row = (size_t)value_block->width * CNN_LANES;
    for (int h = 0; h < value_block->height; h++) {
        float *to = maps + (size_t)h * row; /* stays in the first-level cache */
        memset(to, 0, row * sizeof *to);
        for (int c = 0; c < value_block->channels; c++) {
            const float *a = values + cnn_block_row(value_block, c, h);
            const float *g = gradients + cnn_block_row(gradient_block, c, h);
            for (size_t i = 0; i < row; i++) {
                to[i] += a[i] * g[i];
            }
        }
    }
}

/* A block of images from the first node to the logits. Returns these. */
static const float *run_forward(const cnn_heat_map *map, const room *in) {
    cnn_block from = *in->block;
    const float *values = in->values;
    for (int i = 0; i < map->count; i++) {
        const cnn_block *to;
        float *x = cnn_network_input(map->parts[i], in->workspaces[i], &to);
        cnn_block_copy(&from, values, to, x);
        values = cnn_network_forward(map->parts[i], map->part_parameters[i], in->workspaces[i]);
        from = *cnn_network_result_block(map->parts[i]);
    }
    return values;
}

/* Backward, from the gradient 1 of the logits of `count` lanes. */
static void run_backward(const cnn_heat_map *map, const room *in, int count) {
    const int last = map->count - 1;
    float ones[CNN_LANES] = {0};
    for (int lane = 0; lane < count; lane++) {
        ones[lane] = 1.0f; /* dz / dz */
    }
    cnn_network_backward(map->parts[last], map->part_parameters[last], in->workspaces[last], ones,
                         NULL);
    for (int i = last - 1; i >= 0; i--) {
        const cnn_block *block;
        const float *gradient =
            cnn_network_gradient(map->parts[i + 1], 0, in->workspaces[i + 1], &block);
        cnn_network_backward_values(map->parts[i], map->part_parameters[i], in->workspaces[i],
                                    block, gradient);
    }
}

/* maps: those of node i, [height][width][lane]. */
static void find_maps_of(const cnn_heat_map *map, const room *in, int i, float *maps) {
    cnn_block block = *in->block;
    const float *values = in->values;
    if (i > 0) {
        block = *cnn_network_result_block(map->parts[i - 1]);
        values = cnn_network_result(map->parts[i - 1], in->workspaces[i - 1]);
    }
    const cnn_block *gradient_block;
    const float *gradients =
        cnn_network_gradient(map->parts[i], 0, in->workspaces[i], &gradient_block);
    find_maps(&block, values, gradient_block, gradients, maps);
}

/* maps: [count][height][width] of the first node. */
static void write_maps(const cnn_heat_map *map, const room *in, int count, float *maps) {
    const cnn_shape *fine = &map->shapes[0];
    find_maps_of(map, in, 0, in->fine);
    if (map->count > 1) {
        cnn_map_smooth(in->fine, fine->height, fine->width, in->work);
    }
    for (int i = 1; i < map->count; i++) {
        const cnn_shape *coarse = &map->shapes[i];
        find_maps_of(map, in, i, in->coarse);
        cnn_map_multiply(in->fine, fine->height, fine->width, in->coarse, coarse->height,
                         coarse->width, in->work);
    }
    const size_t positions = positions_of(fine);
    for (size_t i = 0; i < positions; i++) {
        for (size_t lane = 0; lane < (size_t)count; lane++) {
            maps[lane * positions + i] = in->fine[i * CNN_LANES + lane];
        }
    }
}

/* The next block of images, from the first node on if the base runs one at a time, forward and
 * backward. */
static void run_parts(void *context, size_t index, int thread) {
    const job *j = context;
    const cnn_heat_map *map = j->map;
    room *in = &map->rooms[thread];
    const size_t start = index * CNN_LANES;
    const int count = images_at(j, start, CNN_LANES);
    if (map->in_blocks) {
        in->values = cnn_inference_run_block(map->inference, thread, j->source, j->first + start,
                                             count, &in->block);
    } else {
        fill_lanes(j->activations + start * map->size, map->size, count, in->filled);
        in->values = in->filled;
        in->block = &map->dense;
    }
    memcpy(j->logits + start, run_forward(map, in), (size_t)count * sizeof *j->logits);
    run_backward(map, in, count);
    write_maps(map, in, count, j->maps + start * positions_of(&map->shapes[0]));
}

cnn_status cnn_heat_map_run(cnn_heat_map *map, const cnn_sample_source *source, size_t first,
                            size_t count, float *logits, float *maps, cnn_error *error) {
    job j = {.map = map,
             .source = source,
             .first = first,
             .count = count,
             .logits = logits,
             .maps = maps};
    if (!map->in_blocks) {
        j.activations = cnn_alloc(count, map->size * sizeof(float));
        if (!j.activations) {
            return cnn_fail_memory(error, "maps");
        }
        cnn_thread_pool_for(map->pool, count, map->threads, run_base, &j);
    }
    cnn_thread_pool_for(map->pool, (count + CNN_LANES - 1) / CNN_LANES, map->threads, run_parts,
                        &j);
    cnn_free(j.activations);
    return CNN_OK;
}
