#include "inspect/heat_map.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/cut.h"

#include <string.h>

struct cnn_heat_map {
    const cnn_network *network;
    const float *parameters;
    cnn_thread_pool *pool;
    int threads;
    cnn_network *base, *head;
    cnn_inference *inference; /* of the base */
    int step;                 /* images that the base sees together */
    const float *head_parameters;
    float **workspaces; /* [threads]: of the head */
    float **gradients;  /* [threads]: of the head's parameters; nobody reads them */
    size_t size;        /* activations of an image */
};

int cnn_heat_map_node(const cnn_graph *graph, int side) {
    const cnn_shape *image = &graph->nodes[0].out;
    const int rows = image->height < side ? image->height : side;
    const int columns = image->width < side ? image->width : side;
    for (int n = cnn_graph_result(graph); n > 0; n--) {
        const cnn_shape *out = &graph->nodes[n].out;
        if (!out->flat && out->height >= rows && out->width >= columns &&
            cnn_cut_is_possible(graph, n)) {
            return n;
        }
    }
    return 0;
}

/* --- creating --- */

static cnn_status make_workspaces(cnn_heat_map *map, cnn_error *error) {
    map->workspaces = cnn_alloc((size_t)map->threads, sizeof *map->workspaces);
    map->gradients = cnn_alloc((size_t)map->threads, sizeof *map->gradients);
    bool complete = map->workspaces && map->gradients;
    for (int i = 0; complete && i < map->threads; i++) {
        map->workspaces[i] = cnn_network_workspace(map->head, true);
        map->gradients[i] = cnn_alloc(map->head->parameter_count, sizeof **map->gradients);
        complete = map->workspaces[i] && map->gradients[i];
    }
    return complete ? CNN_OK : cnn_fail_memory(error, "maps");
}

static cnn_status create(cnn_heat_map *map, int node, cnn_error *error) {
    size_t first;
    CNN_TRY(cnn_cut_base(map->network, node, &map->base, error));
    CNN_TRY(cnn_cut_head(map->network, node, &map->head, &first, error));
    map->head_parameters = map->parameters + first;
    map->size = cnn_shape_size(&map->head->graph.nodes[0].out);
    CNN_TRY(cnn_inference_create(map->base, map->threads, &map->inference, error));
    cnn_inference_prepare(map->inference, map->parameters);
    cnn_network_prepare(map->head, map->head_parameters);
    map->step = cnn_inference_prefers_planes(map->base) ? 1 : CNN_LANES;
    return make_workspaces(map, error);
}

cnn_status cnn_heat_map_create(const cnn_network *network, const float *parameters, int node,
                               cnn_thread_pool *pool, cnn_heat_map **out, cnn_error *error) {
    *out = NULL;
    cnn_heat_map *map = cnn_alloc(1, sizeof *map);
    if (!map) {
        return cnn_fail_memory(error, "maps");
    }
    map->network = network;
    map->parameters = parameters;
    map->pool = pool;
    map->threads = cnn_thread_pool_threads(pool);
    cnn_status status = create(map, node, error);
    if (status != CNN_OK) {
        cnn_heat_map_free(map);
        return status;
    }
    *out = map;
    return CNN_OK;
}

void cnn_heat_map_free(cnn_heat_map *map) {
    if (!map) {
        return;
    }
    for (int i = 0; i < map->threads; i++) {
        cnn_free(map->workspaces ? map->workspaces[i] : NULL);
        cnn_free(map->gradients ? map->gradients[i] : NULL);
    }
    cnn_free(map->workspaces);
    cnn_free(map->gradients);
    cnn_inference_free(map->inference);
    cnn_network_free(map->base);
    cnn_network_free(map->head);
    cnn_free(map);
}

const cnn_shape *cnn_heat_map_shape(const cnn_heat_map *map) {
    return &map->head->graph.nodes[0].out;
}

/* --- running --- */

/* One call of cnn_heat_map_run. */
typedef struct job {
    cnn_heat_map *map;
    const cnn_sample_source *source;
    size_t first, count;
    float *activations; /* [count][map->size] */
    float *logits, *maps;
} job;

static int images_at(const job *j, size_t start, int most) {
    return j->count - start < (size_t)most ? (int)(j->count - start) : most;
}

/* The base on its next images. */
static void run_base(void *context, size_t index, int thread) {
    const job *j = context;
    const size_t start = index * (size_t)j->map->step;
    cnn_inference_run(j->map->inference, thread, j->source, j->first + start,
                      images_at(j, start, j->map->step), j->activations + start * j->map->size,
                      NULL);
}

/* Writes activations, each [C][H][W], into the lanes of a block, zeros into the others. */
static void fill_block(const cnn_block *block, const float *activations, size_t size, int count,
                       float *x) {
    size_t i = 0;
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            float *to = x + cnn_block_row(block, c, h);
            for (int w = 0; w < block->width; w++, i++, to += CNN_LANES) {
                for (int lane = 0; lane < CNN_LANES; lane++) {
                    to[lane] = lane < count ? activations[(size_t)lane * size + i] : 0.0f;
                }
            }
        }
    }
}

/* map += activation · gradient of one channel after the other, for one lane of a block. */
static void add_products(const cnn_block *block, const float *gradient, int lane,
                         const float *activations, float *map) {
    for (int c = 0; c < block->channels; c++) {
        float *to = map;
        for (int h = 0; h < block->height; h++) {
            const float *from = gradient + cnn_block_row(block, c, h) + lane;
            for (int w = 0; w < block->width; w++, from += CNN_LANES) {
                *to++ += *activations++ * *from;
            }
        }
    }
}

/* The head, forward and backward, on its next block of images. */
static void run_head(void *context, size_t index, int thread) {
    const job *j = context;
    const cnn_heat_map *map = j->map;
    const size_t start = index * CNN_LANES;
    const int count = images_at(j, start, CNN_LANES);
    float *workspace = map->workspaces[thread];
    const float *activations = j->activations + start * map->size;
    const cnn_block *block;
    float *x = cnn_network_input(map->head, workspace, &block);
    fill_block(block, activations, map->size, count, x);
    const float *z = cnn_network_forward(map->head, map->head_parameters, workspace);
    memcpy(j->logits + start, z, (size_t)count * sizeof *z);
    float ones[CNN_LANES] = {0};
    for (int lane = 0; lane < count; lane++) {
        ones[lane] = 1.0f; /* dz / dz */
    }
    cnn_network_backward(map->head, map->head_parameters, workspace, ones, map->gradients[thread]);
    const float *gradient = cnn_network_gradient(map->head, 0, workspace, &block);
    const size_t positions = (size_t)block->height * (size_t)block->width;
    for (int lane = 0; lane < count; lane++) {
        float *to = j->maps + (start + (size_t)lane) * positions;
        memset(to, 0, positions * sizeof *to);
        add_products(block, gradient, lane, activations + (size_t)lane * map->size, to);
    }
}

cnn_status cnn_heat_map_run(cnn_heat_map *map, const cnn_sample_source *source, size_t first,
                            size_t count, float *logits, float *maps, cnn_error *error) {
    job j = {.map = map,
             .source = source,
             .first = first,
             .count = count,
             .activations = cnn_alloc(count, map->size * sizeof(float)),
             .logits = logits,
             .maps = maps};
    if (!j.activations) {
        return cnn_fail_memory(error, "maps");
    }
    const size_t step = (size_t)map->step;
    cnn_thread_pool_for(map->pool, (count + step - 1) / step, map->threads, run_base, &j);
    cnn_thread_pool_for(map->pool, (count + CNN_LANES - 1) / CNN_LANES, map->threads, run_head, &j);
    cnn_free(j.activations);
    return CNN_OK;
}
