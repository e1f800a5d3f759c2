/* A batch through the network: its blocks, on several threads and in several processes. */
#include "nn/minibatch_state.h"

#include "base/memory.h"
#include "nn/loss.h"
#include "nn/run.h"
#include "nn/slot_sum.h"
#include "nn/slots.h"

#include <string.h>

/* The cost of reading one gradient from memory and adding it. */
#define FLOPS_PER_ADDED 20.0

/* The data shared by the threads of one pass. */
typedef struct batch_pass {
    cnn_minibatch *minibatch;
    const cnn_network *network;
    float *const *workspaces;
    const float *parameters;
    const cnn_sample_source *source;
    size_t first, count;
    size_t blocks, slots;   /* of the batch */
    size_t first_slot, own; /* the first slot of this process, and the number of its slots */
    size_t first_block;     /* of this process */
    int stage;              /* the current stage */
    size_t sums_size;       /* the number of sums that a block computes in it */
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

/* Every process gets the sums of all blocks for the current layer. Each process combines them in
 * the order of blocks. */
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

/* Runs all stages forward, then all but the last backward (the last stage runs both ways); between
 * two, the sums of the blocks are combined. A network without layers that see the whole batch has
 * one stage. */
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

/* The sum of the gradients of all slots, when this process has computed all of them. */
static const float *add_own_slots(const batch_pass *pass) {
    const cnn_minibatch *minibatch = pass->minibatch;
    if (pass->slots == 1) {
        return minibatch->slots; /* nothing to add up */
    }
    double flops = FLOPS_PER_ADDED * (double)minibatch->slot_stride * (double)pass->slots;
    cnn_slot_sum(minibatch->pool, cnn_minibatch_threads(minibatch, flops), pass->slots,
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

static batch_pass start_pass(cnn_minibatch *minibatch, const float *parameters,
                             const cnn_sample_source *source, size_t first, size_t count,
                             float *logits, uint8_t *labels) {
    return (batch_pass){.minibatch = minibatch,
                        .network = minibatch->network,
                        .workspaces = minibatch->workspaces,
                        .parameters = parameters,
                        .source = source,
                        .first = first,
                        .count = count,
                        .logits = logits,
                        .labels = labels};
}

void cnn_minibatch_gradients(cnn_minibatch *minibatch, const float *parameters,
                             const cnn_sample_source *source, size_t first, size_t m,
                             const float **gradients, float *logits, uint8_t *labels) {
    batch_pass pass = start_pass(minibatch, parameters, source, first, m, logits, labels);
    divide_batch(&pass);
    size_t own_blocks = first_of_slot(&pass, pass.own) - pass.first_block;
    double block_flops = 3.0 * minibatch->network->flops * CNN_LANES;
    int threads = cnn_minibatch_threads(minibatch, block_flops * (double)own_blocks);
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

void cnn_minibatch_forward(cnn_minibatch *minibatch, const float *parameters,
                           const cnn_sample_source *source, size_t first, size_t count,
                           float *logits, uint8_t *labels) {
    batch_pass pass = start_pass(minibatch, parameters, source, first, count, logits, labels);
    if (minibatch->inference) {
        cnn_inference_prepare(minibatch->inference, parameters);
    }
    double block_flops = minibatch->network->flops * CNN_LANES;
    int threads = cnn_minibatch_threads(minibatch, block_flops * (double)cnn_block_count(count));
    cnn_thread_pool_for(minibatch->pool, cnn_block_count(count), threads, forward_body, &pass);
}
