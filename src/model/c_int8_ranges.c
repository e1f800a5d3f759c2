#include "model/c_int8_ranges.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "nn/run.h"
#include "samples/dataset.h"

#include <math.h>
#include <string.h>

/* Values of a node are counted in bins of equal width; of these, one in ONE_IN may be left out at
 * either end. */
enum { BINS = 2048, ONE_IN = 100000 };

/* What has been seen of the values of a node. */
typedef struct node_values {
    float low, high;
    bool broken;          /* one of them is not finite */
    uint64_t count[BINS]; /* from low to high; in the second pass */
} node_values;

/* A pass over all images. */
typedef struct measuring {
    const cnn_model *model;
    const uint8_t *const *images;
    size_t count;
    int nodes;
    bool counting; /* the second pass */
    cnn_pixel_table table;
    node_values *values; /* [threads][nodes] */
    float **workspaces;  /* [threads] */
} measuring;

static void note_range(node_values *values, const float *x, int count) {
    for (int i = 0; i < count; i++) {
        values->broken = values->broken || !isfinite(x[i]);
        values->low = x[i] < values->low ? x[i] : values->low;
        values->high = x[i] > values->high ? x[i] : values->high;
    }
}

static void note_bins(node_values *values, const float *x, int count) {
    float width = values->high - values->low, scale = width > 0.0f ? BINS / width : 0.0f;
    for (int i = 0; i < count; i++) {
        float bin = (x[i] - values->low) * scale;
        values->count[bin < (float)BINS ? (size_t)bin : BINS - 1]++;
    }
}

/* Notes what an instruction has written for the images of a block. */
static void note_block(const measuring *m, const cnn_block *block, const float *y, int images,
                       node_values *values) {
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            const float *row = y + cnn_block_row(block, c, h);
            for (int w = 0; w < block->width; w++, row += CNN_LANES) {
                (m->counting ? note_bins : note_range)(values, row, images);
            }
        }
    }
}

static void run_block(void *context, size_t b, int thread) {
    const measuring *m = context;
    const cnn_network *network = m->model->network;
    size_t first = b * CNN_LANES, left = m->count - first;
    int images = left < CNN_LANES ? (int)left : CNN_LANES;
    float *workspace = m->workspaces[thread];
    const cnn_block *block;
    float *x = cnn_network_input(network, workspace, &block);
    cnn_block_from_images(&m->table, m->images + first, images, block, x);
    const cnn_run run = {.plan = &network->plan,
                         .parameters = m->model->parameters,
                         .workspace = workspace,
                         .count = images};
    for (int i = 0; i < network->plan.instruction_count; i++) {
        const cnn_instruction *instruction = &network->plan.instructions[i];
        cnn_run_forward(&run, i, i + 1);
        if (instruction->own && instruction->forward) {
            ptrdiff_t node = instruction->layer.node - network->fused.nodes;
            note_block(m, &instruction->layer.y_block, workspace + instruction->y, images,
                       &m->values[thread * m->nodes + (int)node]);
        }
    }
}

/* Combines what all threads have seen in the first one's ranges. */
static void combine(const measuring *m, int threads) {
    for (int t = 1; t < threads; t++) {
        for (int n = 0; n < m->nodes; n++) {
            node_values *to = &m->values[n];
            const node_values *from = &m->values[t * m->nodes + n];
            if (m->counting) {
                for (int i = 0; i < BINS; i++) {
                    to->count[i] += from->count[i];
                }
            } else {
                to->broken = to->broken || from->broken;
                to->low = from->low < to->low ? from->low : to->low;
                to->high = from->high > to->high ? from->high : to->high;
            }
        }
    }
    for (int t = 1; t < threads && !m->counting; t++) {
        memcpy(m->values + t * m->nodes, m->values, (size_t)m->nodes * sizeof *m->values);
    }
}

static void run_pass(measuring *m, cnn_thread_pool *pool, int threads, bool counting) {
    m->counting = counting;
    cnn_thread_pool_for(pool, (m->count + CNN_LANES - 1) / CNN_LANES, threads, run_block, m);
    combine(m, threads);
}

/* Where bin i begins. */
static double edge(const node_values *v, int i) {
    return (double)v->low + ((double)v->high - (double)v->low) * i / BINS;
}

/* The range without the values at its ends that may be left out. */
static cnn_int8_range range_of(const node_values *v) {
    uint64_t total = 0;
    for (int i = 0; i < BINS; i++) {
        total += v->count[i];
    }
    const uint64_t allowed = total / ONE_IN;
    int first = 0, last = BINS;
    for (uint64_t seen = v->count[0]; seen <= allowed && first + 1 < BINS; first++) {
        seen += v->count[first + 1];
    }
    for (uint64_t seen = v->count[BINS - 1]; seen <= allowed && last - 1 > first; last--) {
        seen += v->count[last - 2];
    }
    return (cnn_int8_range){edge(v, first), edge(v, last)};
}

static cnn_status check_finite(const measuring *m, cnn_error *error) {
    for (int n = 0; n < m->nodes; n++) {
        const node_values *v = &m->values[n];
        if (v->broken || (v->low <= v->high && !isfinite(v->high - v->low))) {
            return cnn_fail(error, CNN_ERROR_DATA, "layers[%s]: its values overflow for an image",
                            m->model->network->fused.nodes[n].path);
        }
    }
    return CNN_OK;
}

static cnn_status measure_passes(measuring *m, cnn_thread_pool *pool, int threads,
                                 cnn_int8_range *ranges, cnn_error *error) {
    /* a network of large images predicts in another way, and is not prepared for blocks */
    cnn_network_prepare(m->model->network, m->model->parameters);
    run_pass(m, pool, threads, false);
    CNN_TRY(check_finite(m, error));
    run_pass(m, pool, threads, true);
    for (int n = 0; n < m->nodes; n++) {
        const node_values *v = &m->values[n];
        ranges[n] = v->low <= v->high ? range_of(v) : (cnn_int8_range){0.0, 0.0};
    }
    return CNN_OK;
}

static cnn_status measure(measuring *m, int threads, cnn_int8_range *ranges, cnn_error *error) {
    bool complete = m->values && m->workspaces;
    for (int t = 0; complete && t < threads; t++) {
        m->workspaces[t] = cnn_network_workspace(m->model->network, false);
        complete = m->workspaces[t] != NULL;
    }
    cnn_thread_pool *pool = complete ? cnn_thread_pool_create(threads) : NULL;
    if (!pool) {
        return cnn_fail_memory(error, "the ranges of values");
    }
    for (int i = 0; i < threads * m->nodes; i++) {
        m->values[i].low = INFINITY;
        m->values[i].high = -INFINITY;
    }
    const cnn_status status = measure_passes(m, pool, threads, ranges, error);
    cnn_thread_pool_free(pool);
    return status;
}

cnn_status cnn_int8_ranges_measure(const cnn_model *model, const uint8_t *const *images,
                                   size_t count, int threads, cnn_int8_range *ranges,
                                   cnn_error *error) {
    measuring m = {.model = model,
                   .images = images,
                   .count = count,
                   .nodes = model->network->fused.node_count};
    m.values = cnn_alloc((size_t)threads * (size_t)m.nodes, sizeof *m.values);
    m.workspaces = cnn_alloc((size_t)threads, sizeof *m.workspaces);
    cnn_pixel_table_fill(model->info.mean, model->info.deviation, &m.table);
    cnn_status status = measure(&m, threads, ranges, error);
    for (int t = 0; m.workspaces && t < threads; t++) {
        cnn_free(m.workspaces[t]);
    }
    cnn_free(m.workspaces);
    cnn_free(m.values);
    return status;
}
