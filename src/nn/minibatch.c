#include "nn/minibatch.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/loss.h"
#include "nn/run.h"

#include <string.h>

/* The blocks of a batch are divided among at most this many slots, each with a gradient array: a
 * slot gets a run of neighbouring blocks, the same ones whatever the number of threads. This bounds
 * the memory, and the threads that a batch can use. */
enum { SLOTS_MAX = 32 };

/* Number of parameters added up at a time: those of all slots fit into the second-level cache. */
enum { REDUCTION_CHUNK = 4096 };

/* Multiplications and additions below which another thread costs more than it saves: some 20
 * microseconds of work. */
#define FLOPS_PER_THREAD 1e6
/* What preparing one weight costs, in the same unit. */
#define FLOPS_PER_PREPARED 60.0
/* The cost of reading one gradient from memory and adding it. */
#define FLOPS_PER_ADDED 20.0

struct cnn_minibatch {
    cnn_network *network;
    cnn_objective objective;
    int threads;
    cnn_thread_pool *pool;
    bool one_per_block; /* of the workspaces; else there is one per thread */
    float **workspaces; /* [workspace_count] */
    size_t workspace_count;
    cnn_inference *inference; /* of forward passes; NULL: the network itself, in `workspaces` */
    cnn_draw draw;
    float *shared; /* [plan.shared_size]: of the layers that see the whole batch */
    double *sums;  /* [blocks][plan.sums_size]: the sums of the blocks for the current layer */
    size_t slot_count;
    size_t slot_stride;
    float *slots;     /* [slot_count][slot_stride] gradients */
    float *gradients; /* [slot_stride]: their sum */
};

static size_t block_count(size_t images) {
    return (images + CNN_LANES - 1) / CNN_LANES;
}

static size_t slots_for(size_t batch_size) {
    size_t blocks = block_count(batch_size);
    return blocks < SLOTS_MAX ? blocks : SLOTS_MAX;
}

/* The size of a slot in floats, rounded up so that every slot is aligned. */
static size_t slot_stride(const cnn_network *network) {
    return (network->parameter_count + CNN_LANES - 1) / CNN_LANES * CNN_LANES;
}

/* Do the activations of all blocks stay? Yes where blocks wait for each other between stages, and
 * in a stepwise network, where the caller reads them. */
static bool keeps_blocks(const cnn_network *network) {
    return network->plan.stage_count > 1 || network->mode == CNN_NETWORK_STEPWISE;
}

/* Do forward passes need a network or memory of their own? */
static bool needs_inference(const cnn_network *network, size_t batch_size) {
    return cnn_inference_prefers_planes(network) ||
           (batch_size > 0 && cnn_network_differs_in_prediction(network));
}

static size_t workspaces_for(const cnn_network *network, size_t batch_size, int threads) {
    if (batch_size == 0 && needs_inference(network, batch_size)) {
        return 0;
    }
    size_t blocks = block_count(batch_size);
    return keeps_blocks(network) && blocks > (size_t)threads ? blocks : (size_t)threads;
}

size_t cnn_minibatch_memory(const cnn_network *network, size_t batch_size, int threads) {
    const cnn_plan *plan = &network->plan;
    size_t workspace = batch_size > 0 ? plan->workspace_size : plan->forward_size;
    size_t arrays = batch_size > 0 ? slots_for(batch_size) + 1 : 0;
    return (workspace * workspaces_for(network, batch_size, threads) +
            slot_stride(network) * arrays + plan->shared_size) *
               sizeof(float) +
           plan->sums_size * block_count(batch_size) * sizeof(double) +
           (needs_inference(network, batch_size) ? cnn_inference_memory(network, threads) : 0);
}

/* Each on its own thread: mapping megabytes of new memory takes milliseconds. */
static void make_workspace(void *context, size_t i, int thread) {
    (void)thread;
    cnn_minibatch *minibatch = context;
    if (i < minibatch->workspace_count) {
        minibatch->workspaces[i] =
            cnn_network_workspace(minibatch->network, minibatch->slot_count > 0);
    } else {
        minibatch->slots = cnn_alloc(minibatch->slot_count, minibatch->slot_stride * sizeof(float));
    }
}

static bool allocate(cnn_minibatch *minibatch, size_t batch_size) {
    const cnn_network *network = minibatch->network;
    const cnn_plan *plan = &network->plan;
    minibatch->slot_count = slots_for(batch_size);
    minibatch->slot_stride = slot_stride(network);
    minibatch->one_per_block = keeps_blocks(network);
    minibatch->workspace_count = workspaces_for(network, batch_size, minibatch->threads);
    minibatch->workspaces = cnn_alloc(minibatch->workspace_count, sizeof *minibatch->workspaces);
    minibatch->shared = cnn_alloc(plan->shared_size, sizeof *minibatch->shared);
    minibatch->sums = cnn_alloc(plan->sums_size * block_count(batch_size), sizeof *minibatch->sums);
    minibatch->pool = cnn_thread_pool_create(minibatch->threads);
    minibatch->gradients =
        cnn_alloc(minibatch->slot_count > 0 ? minibatch->slot_stride : 0, sizeof(float));
    if (!minibatch->workspaces || !minibatch->shared || !minibatch->sums || !minibatch->pool ||
        !minibatch->gradients) {
        return false;
    }
    cnn_thread_pool_for(minibatch->pool, minibatch->workspace_count + 1, minibatch->threads,
                        make_workspace, minibatch);
    bool complete = minibatch->slots != NULL;
    for (size_t i = 0; complete && i < minibatch->workspace_count; i++) {
        complete = minibatch->workspaces[i] != NULL;
    }
    return complete;
}

cnn_status cnn_minibatch_create(cnn_network *network, size_t batch_size, int threads,
                                cnn_minibatch **out, cnn_error *error) {
    cnn_minibatch *minibatch = *out = cnn_alloc(1, sizeof *minibatch);
    if (!minibatch) {
        return cnn_fail_memory(error, "a mini-batch");
    }
    minibatch->network = network;
    minibatch->objective = cnn_objective_plain;
    minibatch->threads = threads;
    cnn_status status = allocate(minibatch, batch_size)
                            ? CNN_OK
                            : cnn_fail_memory(error, "activations and gradients");
    if (status == CNN_OK && needs_inference(network, batch_size)) {
        status = cnn_inference_create(network, threads, &minibatch->inference, error);
    }
    if (status != CNN_OK) {
        cnn_minibatch_free(minibatch);
        *out = NULL;
    }
    return status;
}

void cnn_minibatch_free(cnn_minibatch *minibatch) {
    if (!minibatch) {
        return;
    }
    cnn_thread_pool_free(minibatch->pool);
    for (size_t i = 0; minibatch->workspaces && i < minibatch->workspace_count; i++) {
        cnn_free(minibatch->workspaces[i]);
    }
    cnn_free(minibatch->workspaces);
    cnn_inference_free(minibatch->inference);
    cnn_free(minibatch->shared);
    cnn_free(minibatch->sums);
    cnn_free(minibatch->slots);
    cnn_free(minibatch->gradients);
    cnn_free(minibatch);
}

/* The data shared by the threads of one pass. */
typedef struct batch_pass {
    cnn_minibatch *minibatch;
    const cnn_network *network; /* what runs, on … */
    float *const *workspaces;   /* … these */
    const float *parameters;
    const cnn_sample_source *source;
    size_t first, count;
    size_t slots;
    size_t parts; /* of the parameters, for adding up */
    int stage;    /* the current stage */
    float *logits;
    uint8_t *labels;
} batch_pass;

/* Images in block b of the pass. */
static int images_in_block(const batch_pass *pass, size_t b) {
    size_t rest = pass->count - b * CNN_LANES;
    return rest < CNN_LANES ? (int)rest : CNN_LANES;
}

static void fill_block(const batch_pass *pass, size_t b, float *workspace) {
    const cnn_block *block;
    float *x = cnn_network_input(pass->network, workspace, &block);
    pass->source->fill(pass->source->context, pass->first + b * CNN_LANES, images_in_block(pass, b),
                       block, x, pass->labels ? pass->labels + b * CNN_LANES : NULL);
}

static void draw_block(const batch_pass *pass, size_t b, float *workspace) {
    cnn_network_draw(pass->network, &pass->minibatch->draw, b * CNN_LANES, images_in_block(pass, b),
                     workspace);
}

static void keep_logits(const batch_pass *pass, size_t b, const float *logits) {
    memcpy(pass->logits + b * CNN_LANES, logits, (size_t)images_in_block(pass, b) * sizeof *logits);
}

/* dL/dZ of the block's images (eq. 8), and 0 in lanes without one. */
static void find_logit_gradients(const batch_pass *pass, size_t b, float gradients[CNN_LANES]) {
    memset(gradients, 0, CNN_LANES * sizeof *gradients);
    for (int lane = 0; lane < images_in_block(pass, b); lane++) {
        size_t i = b * CNN_LANES + (size_t)lane;
        gradients[lane] = cnn_objective_gradient(&pass->minibatch->objective, pass->logits[i],
                                                 pass->labels[i], (int)pass->count);
    }
}

static void forward_body(void *context, size_t b, int thread) {
    const batch_pass *pass = context;
    if (pass->minibatch->inference) {
        cnn_inference_run(pass->minibatch->inference, thread, pass->source,
                          pass->first + b * CNN_LANES, images_in_block(pass, b),
                          pass->logits + b * CNN_LANES,
                          pass->labels ? pass->labels + b * CNN_LANES : NULL);
        return;
    }
    float *workspace = pass->workspaces[thread];
    fill_block(pass, b, workspace);
    keep_logits(pass, b, cnn_network_forward(pass->network, pass->parameters, workspace));
}

static void clear_slot(cnn_minibatch *minibatch, size_t slot) {
    memset(minibatch->slots + slot * minibatch->slot_stride, 0,
           minibatch->slot_stride * sizeof *minibatch->slots);
}

/* The blocks of a slot: a run of neighbours. */
static size_t first_of_slot(const batch_pass *pass, size_t slot) {
    return block_count(pass->count) * slot / pass->slots;
}

/* Block b of a slot. */
static cnn_run run_of(const batch_pass *pass, size_t b, size_t slot, int thread) {
    const cnn_minibatch *minibatch = pass->minibatch;
    const cnn_plan *plan = &pass->network->plan;
    return (cnn_run){.plan = plan,
                     .parameters = pass->parameters,
                     .workspace = pass->workspaces[minibatch->one_per_block ? b : (size_t)thread],
                     .gradients = minibatch->slots + slot * minibatch->slot_stride,
                     .shared = minibatch->shared,
                     .sums = minibatch->sums + b * plan->sums_size,
                     .count = images_in_block(pass, b)};
}

/* One stage forward, of all blocks of one slot, one after the other; the last stage also backward,
 * while a block's activations are in the cache. */
static void forward_stage_body(void *context, size_t slot, int thread) {
    const batch_pass *pass = context;
    const cnn_network *network = pass->network;
    const cnn_stage *stage = &network->plan.stages[pass->stage];
    if (pass->stage == 0) {
        clear_slot(pass->minibatch, slot);
    }
    for (size_t b = first_of_slot(pass, slot); b < first_of_slot(pass, slot + 1); b++) {
        const cnn_run run = run_of(pass, b, slot, thread);
        if (pass->stage == 0) {
            draw_block(pass, b, run.workspace);
            fill_block(pass, b, run.workspace);
        }
        cnn_run_forward(&run, stage->first, stage->last);
        if (!stage->batch) {
            _Alignas(CNN_ALIGNMENT) float logit_gradients[CNN_LANES];
            keep_logits(pass, b, cnn_network_result(network, run.workspace));
            find_logit_gradients(pass, b, logit_gradients);
            cnn_network_set_logit_gradients(network, run.workspace, logit_gradients);
            cnn_run_backward(&run, stage->first, stage->last);
        }
    }
}

static void backward_stage_body(void *context, size_t slot, int thread) {
    const batch_pass *pass = context;
    const cnn_stage *stage = &pass->network->plan.stages[pass->stage];
    for (size_t b = first_of_slot(pass, slot); b < first_of_slot(pass, slot + 1); b++) {
        const cnn_run run = run_of(pass, b, slot, thread);
        cnn_run_backward(&run, stage->first, stage->last);
    }
}

/* All stages forward, then all but the last backward (the last has gone both ways); between two,
 * the sums of the blocks are combined. A network without layers that see the whole batch has one
 * stage. */
static void run_stages(batch_pass *pass, int threads) {
    const cnn_minibatch *minibatch = pass->minibatch;
    const cnn_plan *plan = &pass->network->plan;
    cnn_batch_sums batch = {
        .blocks = block_count(pass->count), .stride = plan->sums_size, .sums = minibatch->sums};
    for (pass->stage = 0; pass->stage < plan->stage_count; pass->stage++) {
        const cnn_stage *stage = &plan->stages[pass->stage];
        cnn_thread_pool_for(minibatch->pool, pass->slots, threads, forward_stage_body, pass);
        if (stage->batch) {
            const cnn_node *node = stage->batch->node;
            batch.parameters = pass->parameters + node->parameter_offset;
            batch.shared = minibatch->shared + stage->shared;
            node->ops->batch->combine(node, &batch);
        }
    }
    for (pass->stage = plan->stage_count - 2; pass->stage >= 0; pass->stage--) {
        const cnn_stage *stage = &plan->stages[pass->stage];
        batch.shared = minibatch->shared + stage->shared;
        stage->batch->node->ops->batch->combine_gradient(stage->batch->node, &batch);
        cnn_thread_pool_for(minibatch->pool, pass->slots, threads, backward_stage_body, pass);
    }
}

/* --- adding up --- */

/* Adds slots up for one run of parameters, by a fixed tree: slots 1 apart, then 2, 4, … The last
 * sums go to a separate array: this thread will read what it writes there, and takes no cache lines
 * from other threads. */
static void add_slots(const cnn_minibatch *minibatch, size_t slots, size_t from, size_t count) {
    float *sum = minibatch->gradients + from;
    for (size_t apart = 1; apart < slots; apart *= 2) {
        for (size_t slot = 0; slot + apart < slots; slot += 2 * apart) {
            float *one = minibatch->slots + slot * minibatch->slot_stride + from;
            const float *other = one + apart * minibatch->slot_stride;
            float *to = 2 * apart < slots ? one : sum;
            for (size_t i = 0; i < count; i++) {
                to[i] = one[i] + other[i];
            }
        }
    }
}

/* One of few large parts, so that a thread mostly finds in its cache what it wrote before. */
static void reduction_body(void *context, size_t part, int thread) {
    (void)thread;
    const batch_pass *pass = context;
    const cnn_minibatch *minibatch = pass->minibatch;
    size_t lines = minibatch->slot_stride / CNN_LANES;
    size_t last = lines * (part + 1) / pass->parts * CNN_LANES;
    for (size_t from = lines * part / pass->parts * CNN_LANES; from < last;
         from += REDUCTION_CHUNK) {
        add_slots(minibatch, pass->slots, from,
                  last - from < REDUCTION_CHUNK ? last - from : REDUCTION_CHUNK);
    }
}

/* The number of threads that pay off for this amount of work. */
static int useful_threads(const cnn_minibatch *minibatch, double flops) {
    double useful = flops / FLOPS_PER_THREAD;
    return useful < 1.0 ? 1 : useful < minibatch->threads ? (int)useful : minibatch->threads;
}

cnn_thread_pool *cnn_minibatch_pool(cnn_minibatch *minibatch) {
    return minibatch->pool;
}

void cnn_minibatch_set_objective(cnn_minibatch *minibatch, const cnn_objective *objective) {
    minibatch->objective = *objective;
}

const cnn_objective *cnn_minibatch_objective(const cnn_minibatch *minibatch) {
    return &minibatch->objective;
}

/* The data shared by the threads of a preparation. */
typedef struct preparation {
    const cnn_network *network;
    const float *parameters;
    int parts;
} preparation;

static void prepare_body(void *context, size_t part, int thread) {
    (void)thread;
    const preparation *p = context;
    cnn_network_prepare_part(p->network, p->parameters, (int)part, p->parts);
}

void cnn_minibatch_prepare(cnn_minibatch *minibatch, const float *parameters) {
    double flops = FLOPS_PER_PREPARED * (double)minibatch->network->parameter_count;
    preparation p = {.network = minibatch->network,
                     .parameters = parameters,
                     .parts = useful_threads(minibatch, flops)};
    cnn_thread_pool_for(minibatch->pool, (size_t)p.parts, p.parts, prepare_body, &p);
}

void cnn_minibatch_gradients(cnn_minibatch *minibatch, const float *parameters,
                             const cnn_sample_source *source, size_t first, size_t m,
                             const float **gradients, float *logits, uint8_t *labels) {
    batch_pass pass = {.minibatch = minibatch,
                       .network = minibatch->network,
                       .workspaces = minibatch->workspaces,
                       .parameters = parameters,
                       .source = source,
                       .first = first,
                       .count = m,
                       .slots = slots_for(m),
                       .logits = logits,
                       .labels = labels};
    double block_flops = 3.0 * minibatch->network->flops * CNN_LANES;
    int threads = useful_threads(minibatch, block_flops * (double)block_count(m));
    run_stages(&pass, threads);
    if (pass.slots == 1) {
        *gradients = minibatch->slots; /* nothing to add up */
        return;
    }
    threads = useful_threads(minibatch,
                             FLOPS_PER_ADDED * (double)minibatch->slot_stride * (double)pass.slots);
    pass.parts = (size_t)threads;
    cnn_thread_pool_for(minibatch->pool, pass.parts, threads, reduction_body, &pass);
    *gradients = minibatch->gradients;
}

const float *cnn_minibatch_workspace(const cnn_minibatch *minibatch, size_t block) {
    return minibatch->workspaces[block];
}

void cnn_minibatch_set_draw(cnn_minibatch *minibatch, cnn_draw draw) {
    minibatch->draw = draw;
}

void cnn_minibatch_update_averages(const cnn_minibatch *minibatch, float *parameters) {
    cnn_network_update_averages(minibatch->network, minibatch->shared, parameters);
}

void cnn_minibatch_forward(cnn_minibatch *minibatch, const float *parameters,
                           const cnn_sample_source *source, size_t first, size_t count,
                           float *logits, uint8_t *labels) {
    batch_pass pass = {.minibatch = minibatch,
                       .network = minibatch->network,
                       .workspaces = minibatch->workspaces,
                       .parameters = parameters,
                       .source = source,
                       .first = first,
                       .count = count,
                       .logits = logits,
                       .labels = labels};
    if (minibatch->inference) {
        cnn_inference_prepare(minibatch->inference, parameters);
    }
    double block_flops = minibatch->network->flops * CNN_LANES;
    int threads = useful_threads(minibatch, block_flops * (double)block_count(count));
    cnn_thread_pool_for(minibatch->pool, block_count(count), threads, forward_body, &pass);
}
