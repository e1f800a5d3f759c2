#include "nn/minibatch.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/gradient_exchange.h"
#include "nn/loss.h"
#include "nn/run.h"
#include "nn/slot_sum.h"
#include "nn/slots.h"

#include <string.h>

/* Multiplications and additions below which another thread costs more than it saves: some 20
 * microseconds of work. */
#define FLOPS_PER_THREAD 1e6
/* What preparing one weight costs, in the same unit. */
#define FLOPS_PER_PREPARED 60.0
/* The cost of reading one gradient from memory and adding it. */
#define FLOPS_PER_ADDED 20.0

/* What the other processes must know of a block. */
typedef struct block_result {
    float logits[CNN_LANES];
    uint8_t labels[CNN_LANES];
} block_result;

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
    float *shared;     /* [plan.shared_size]: of the layers that see the whole batch */
    double *sums;      /* [blocks][plan.sums_size]: the sums of the blocks for the current layer */
    size_t slot_count; /* of this process */
    size_t slot_stride;
    float *slots;     /* [slot_count][slot_stride] gradients */
    float *gradients; /* [slot_stride]: their sum */
    /* A batch of several processes; else NULL. */
    const cnn_ranks *ranks;
    cnn_gradient_exchange *exchange;
    block_result *results; /* [blocks] */
    size_t *first_slots;   /* [ranks + 1]: of each process, for the current batch */
    size_t *parts;         /* [ranks + 1]: in arrays of all blocks, where those of each begin */
};

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

/* blocks: of this process. */
static size_t workspaces_for(const cnn_network *network, size_t batch_size, size_t blocks,
                             int threads) {
    if (batch_size == 0 && needs_inference(network, batch_size)) {
        return 0;
    }
    return keeps_blocks(network) && blocks > (size_t)threads ? blocks : (size_t)threads;
}

size_t cnn_minibatch_memory(const cnn_network *network, size_t batch_size, int threads,
                            const cnn_ranks *ranks) {
    const cnn_plan *plan = &network->plan;
    size_t slots, blocks;
    cnn_slots_most(batch_size, cnn_rank(ranks), cnn_rank_count(ranks), &slots, &blocks);
    size_t workspace = batch_size > 0 ? plan->workspace_size : plan->forward_size;
    size_t arrays = batch_size > 0 ? slots + 1 : 0;
    return (workspace * workspaces_for(network, batch_size, blocks, threads) +
            slot_stride(network) * arrays + plan->shared_size) *
               sizeof(float) +
           plan->sums_size * cnn_block_count(batch_size) * sizeof(double) +
           (needs_inference(network, batch_size) ? cnn_inference_memory(network, threads) : 0) +
           (cnn_rank_count(ranks) > 1 ? cnn_gradient_exchange_memory(network) : 0);
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
    size_t blocks, ranks = (size_t)cnn_rank_count(minibatch->ranks);
    cnn_slots_most(batch_size, cnn_rank(minibatch->ranks), (int)ranks, &minibatch->slot_count,
                   &blocks);
    minibatch->slot_stride = slot_stride(network);
    minibatch->one_per_block = keeps_blocks(network);
    minibatch->workspace_count = workspaces_for(network, batch_size, blocks, minibatch->threads);
    minibatch->workspaces = cnn_alloc(minibatch->workspace_count, sizeof *minibatch->workspaces);
    minibatch->shared = cnn_alloc(plan->shared_size, sizeof *minibatch->shared);
    minibatch->sums =
        cnn_alloc(plan->sums_size * cnn_block_count(batch_size), sizeof *minibatch->sums);
    minibatch->pool = cnn_thread_pool_create(minibatch->threads);
    minibatch->gradients = cnn_alloc(batch_size > 0 ? minibatch->slot_stride : 0, sizeof(float));
    minibatch->first_slots = cnn_alloc(ranks + 1, sizeof *minibatch->first_slots);
    minibatch->parts = cnn_alloc(ranks + 1, sizeof *minibatch->parts);
    if (!minibatch->workspaces || !minibatch->shared || !minibatch->sums || !minibatch->pool ||
        !minibatch->gradients || !minibatch->first_slots || !minibatch->parts) {
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

/* What only a batch of several processes needs. */
static cnn_status allocate_shared(cnn_minibatch *minibatch, size_t batch_size,
                                  cnn_background *background, cnn_error *error) {
    size_t blocks = cnn_block_count(batch_size);
    minibatch->results = cnn_alloc(blocks, sizeof *minibatch->results);
    if (!minibatch->results) {
        return cnn_fail_memory(error, "activations and gradients");
    }
    return cnn_gradient_exchange_create(minibatch->network, cnn_slot_count(blocks),
                                        minibatch->ranks, background, &minibatch->exchange, error);
}

cnn_status cnn_minibatch_create(cnn_network *network, size_t batch_size, int threads,
                                cnn_minibatch **minibatch, cnn_error *error) {
    return cnn_minibatch_create_shared(network, batch_size, threads, NULL, NULL, minibatch, error);
}

cnn_status cnn_minibatch_create_shared(cnn_network *network, size_t batch_size, int threads,
                                       const cnn_ranks *ranks, cnn_background *background,
                                       cnn_minibatch **out, cnn_error *error) {
    cnn_minibatch *minibatch = *out = cnn_alloc(1, sizeof *minibatch);
    if (!minibatch) {
        return cnn_fail_memory(error, "a mini-batch");
    }
    minibatch->network = network;
    minibatch->objective = cnn_objective_plain;
    minibatch->threads = threads;
    minibatch->ranks = cnn_rank_count(ranks) > 1 ? ranks : NULL;
    cnn_status status = allocate(minibatch, batch_size)
                            ? CNN_OK
                            : cnn_fail_memory(error, "activations and gradients");
    if (status == CNN_OK && needs_inference(network, batch_size)) {
        status = cnn_inference_create(network, threads, &minibatch->inference, error);
    }
    if (status == CNN_OK && minibatch->ranks) {
        status = allocate_shared(minibatch, batch_size, background, error);
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
    cnn_free(minibatch->first_slots);
    cnn_free(minibatch->parts);
    cnn_free(minibatch->results);
    cnn_gradient_exchange_free(minibatch->exchange);
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
    size_t blocks, slots;   /* of the batch */
    size_t first_slot, own; /* of this process: slots, and … */
    size_t first_block;     /* … the first block */
    int stage;              /* the current stage, … */
    size_t sums_size;       /* … and the number of sums that a block computes in it */
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

/* The first block of slot `slot` of this process. */
static size_t first_of_slot(const batch_pass *pass, size_t slot) {
    return cnn_slot_block(pass->blocks, pass->slots, pass->first_slot + slot);
}

/* Block b of slot `slot` of this process. */
static cnn_run run_of(const batch_pass *pass, size_t b, size_t slot, int thread) {
    const cnn_minibatch *minibatch = pass->minibatch;
    const cnn_plan *plan = &pass->network->plan;
    return (cnn_run){
        .plan = plan,
        .parameters = pass->parameters,
        .workspace =
            pass->workspaces[minibatch->one_per_block ? b - pass->first_block : (size_t)thread],
        .gradients = minibatch->slots + slot * minibatch->slot_stride,
        .shared = minibatch->shared,
        .sums = minibatch->sums + b * pass->sums_size,
        .count = images_in_block(pass, b)};
}

static void run_backward(const batch_pass *pass, const cnn_run *run, const cnn_stage *stage,
                         bool last_block) {
    cnn_gradient_exchange *exchange = pass->minibatch->exchange;
    if (exchange) {
        cnn_gradient_exchange_backward(exchange, run, stage->first, stage->last, last_block);
    } else {
        cnn_run_backward(run, stage->first, stage->last);
    }
}

/* One stage forward, of all blocks of one slot, one after the other; the last stage also backward,
 * while a block's activations are in the cache. */
static void forward_stage_body(void *context, size_t slot, int thread) {
    const batch_pass *pass = context;
    const cnn_network *network = pass->network;
    const cnn_stage *stage = &network->plan.stages[pass->stage];
    size_t end = first_of_slot(pass, slot + 1);
    if (pass->stage == 0) {
        clear_slot(pass->minibatch, slot);
    }
    for (size_t b = first_of_slot(pass, slot); b < end; b++) {
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
            run_backward(pass, &run, stage, b + 1 == end);
        }
    }
}

static void backward_stage_body(void *context, size_t slot, int thread) {
    const batch_pass *pass = context;
    const cnn_stage *stage = &pass->network->plan.stages[pass->stage];
    size_t end = first_of_slot(pass, slot + 1);
    for (size_t b = first_of_slot(pass, slot); b < end; b++) {
        const cnn_run run = run_of(pass, b, slot, thread);
        run_backward(pass, &run, stage, b + 1 == end);
    }
}

/* --- several processes --- */

/* Where the blocks of the processes begin, in an array of `size` bytes a block. */
static const size_t *find_parts(const batch_pass *pass, size_t size) {
    const cnn_minibatch *minibatch = pass->minibatch;
    for (int rank = 0; rank <= cnn_rank_count(minibatch->ranks); rank++) {
        minibatch->parts[rank] =
            size * cnn_slot_block(pass->blocks, pass->slots, minibatch->first_slots[rank]);
    }
    return minibatch->parts;
}

/* Every process gets the sums of all blocks for the current layer. They are combined in the order
 * of blocks, by each process alike. */
static void gather_sums(const batch_pass *pass) {
    const cnn_minibatch *minibatch = pass->minibatch;
    if (minibatch->ranks) {
        cnn_ranks_gather(minibatch->ranks, minibatch->sums,
                         find_parts(pass, pass->sums_size * sizeof *minibatch->sums));
    }
}

/* Every process gets the logits and labels of all images. */
static void gather_results(const batch_pass *pass) {
    const cnn_minibatch *minibatch = pass->minibatch;
    block_result *results = minibatch->results;
    size_t end = first_of_slot(pass, pass->own);
    for (size_t b = pass->first_block; b < end; b++) {
        size_t images = (size_t)images_in_block(pass, b);
        memcpy(results[b].logits, pass->logits + b * CNN_LANES, images * sizeof *pass->logits);
        memcpy(results[b].labels, pass->labels + b * CNN_LANES, images);
    }
    cnn_ranks_gather(minibatch->ranks, results, find_parts(pass, sizeof *results));
    for (size_t b = 0; b < pass->blocks; b++) {
        size_t images = (size_t)images_in_block(pass, b);
        memcpy(pass->logits + b * CNN_LANES, results[b].logits, images * sizeof *pass->logits);
        memcpy(pass->labels + b * CNN_LANES, results[b].labels, images);
    }
}

/* The sums of the blocks, of all processes, for the layer after a stage. */
static cnn_batch_sums sums_of_all(const batch_pass *pass, const cnn_stage *stage) {
    const cnn_minibatch *minibatch = pass->minibatch;
    gather_sums(pass);
    return (cnn_batch_sums){.parameters = pass->parameters + stage->batch->node->parameter_offset,
                            .blocks = pass->blocks,
                            .stride = pass->sums_size,
                            .sums = minibatch->sums,
                            .shared = minibatch->shared + stage->shared};
}

/* The number of sums that a block computes for the layer after a stage. */
static size_t sums_after(const batch_pass *pass, int stage) {
    const cnn_layer *layer = stage >= 0 ? pass->network->plan.stages[stage].batch : NULL;
    return layer ? layer->node->ops->batch->sums_size(layer->node) : 0;
}

/* All stages forward, then all but the last backward (the last has gone both ways); between two,
 * the sums of the blocks are combined. A network without layers that see the whole batch has one
 * stage. */
static void run_stages(batch_pass *pass, int threads) {
    cnn_thread_pool *pool = pass->minibatch->pool;
    int last = pass->network->plan.stage_count - 1;
    for (pass->stage = 0; pass->stage <= last; pass->stage++) {
        const cnn_stage *stage = &pass->network->plan.stages[pass->stage];
        pass->sums_size = sums_after(pass, pass->stage < last ? pass->stage : last - 1);
        cnn_thread_pool_for(pool, pass->own, threads, forward_stage_body, pass);
        if (pass->stage < last) {
            const cnn_batch_sums batch = sums_of_all(pass, stage);
            stage->batch->node->ops->batch->combine(stage->batch->node, &batch);
        }
    }
    for (pass->stage = last - 1; pass->stage >= 0; pass->stage--) {
        const cnn_stage *stage = &pass->network->plan.stages[pass->stage];
        const cnn_batch_sums batch = sums_of_all(pass, stage);
        stage->batch->node->ops->batch->combine_gradient(stage->batch->node, &batch);
        pass->sums_size = sums_after(pass, pass->stage - 1);
        cnn_thread_pool_for(pool, pass->own, threads, backward_stage_body, pass);
    }
}

/* --- */

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

/* The sum of the gradients of all slots, when this process has computed all of them. */
static const float *add_own_slots(const batch_pass *pass) {
    const cnn_minibatch *minibatch = pass->minibatch;
    if (pass->slots == 1) {
        return minibatch->slots; /* nothing to add up */
    }
    double flops = FLOPS_PER_ADDED * (double)minibatch->slot_stride * (double)pass->slots;
    cnn_slot_sum(minibatch->pool, useful_threads(minibatch, flops), pass->slots,
                 minibatch->slot_stride, minibatch->slots, minibatch->gradients);
    return minibatch->gradients;
}

/* The blocks and slots of a batch, and those of this process. */
static void divide_batch(batch_pass *pass) {
    const cnn_ranks *ranks = pass->minibatch->ranks;
    int rank = cnn_rank(ranks), count = cnn_rank_count(ranks);
    size_t *first = pass->minibatch->first_slots;
    pass->blocks = cnn_block_count(pass->count);
    pass->slots = cnn_slot_count(pass->blocks);
    cnn_slots_divide(pass->slots, count, first);
    pass->first_slot = first[rank];
    pass->own = first[rank + 1] - first[rank];
    pass->first_block = first_of_slot(pass, 0);
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
                       .logits = logits,
                       .labels = labels};
    divide_batch(&pass);
    size_t own_blocks = first_of_slot(&pass, pass.own) - pass.first_block;
    double block_flops = 3.0 * minibatch->network->flops * CNN_LANES;
    int threads = useful_threads(minibatch, block_flops * (double)own_blocks);
    if (!minibatch->ranks) {
        run_stages(&pass, threads);
        *gradients = add_own_slots(&pass);
        return;
    }
    cnn_gradient_exchange_start(minibatch->exchange, pass.slots, minibatch->slots,
                                minibatch->slot_stride, minibatch->gradients);
    run_stages(&pass, threads);
    gather_results(&pass);
    cnn_gradient_exchange_wait(minibatch->exchange);
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
    int threads = useful_threads(minibatch, block_flops * (double)cnn_block_count(count));
    cnn_thread_pool_for(minibatch->pool, cnn_block_count(count), threads, forward_body, &pass);
}
