#include "nn/minibatch_state.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/slots.h"

/* Multiplications and additions below which another thread costs more than it saves: some 20
 * microseconds of work. */
#define FLOPS_PER_THREAD 1e6
/* What preparing one weight costs, in the same unit. */
#define FLOPS_PER_PREPARED 60.0

/* The size of a slot in floats, rounded up so that every slot is aligned. */
static size_t slot_stride(const cnn_network *network) {
    return (network->parameter_count + CNN_LANES - 1) / CNN_LANES * CNN_LANES;
}

/* Do the activations of all blocks stay? Yes where blocks wait for each other between stages, and
 * in a stepwise network, where the caller reads them. */
static bool keeps_blocks(const cnn_network *network) {
    return network->plan.stage_count > 1 || network->mode == CNN_NETWORK_STEPWISE;
}

/* Do forward passes need a separate network, or separate memory? */
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
           (cnn_rank_count(ranks) > 1 ? cnn_gradient_exchange_memory(network, ranks) : 0);
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
                                        minibatch->ranks, background, minibatch->pool,
                                        &minibatch->exchange, error);
}

void cnn_minibatch_choose_ahead(cnn_ranks *ranks, size_t batch_size, int threads) {
    if (cnn_rank_count(ranks) == 1) {
        return;
    }
    size_t slots, blocks;
    cnn_slots_most(batch_size, cnn_rank(ranks), cnn_rank_count(ranks), &slots, &blocks);
    bool has_processor = ranks->transport->spare_processor || slots < (size_t)threads;
    ranks->ahead = cnn_ranks_or(ranks, !has_processor) == 0;
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

int cnn_minibatch_threads(const cnn_minibatch *minibatch, double flops) {
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
                     .parts = cnn_minibatch_threads(minibatch, flops)};
    cnn_thread_pool_for(minibatch->pool, (size_t)p.parts, p.parts, prepare_body, &p);
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
