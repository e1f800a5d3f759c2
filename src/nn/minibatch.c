#include "nn/minibatch.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/inference.h"
#include "nn/loss.h"

#include <string.h>

/* Blocks of a batch are dealt to so many gradient arrays at most, in runs of neighbours: slot s
 * gets the same blocks whatever the number of threads. It bounds the memory, and the threads that a
 * batch can use. */
enum { SLOTS_MAX = 32 };

/* Parameters added up at a time: those of all slots stay in the second-level cache. */
enum { REDUCTION_CHUNK = 4096 };

/* Multiplications and additions below which another thread costs more than it brings: some 20
 * microseconds of work. */
#define FLOPS_PER_THREAD 1e6
/* What preparing one weight costs, in the same coin. */
#define FLOPS_PER_PREPARED 60.0
/* What reading one gradient from memory and adding it costs. */
#define FLOPS_PER_ADDED 20.0

struct cnn_minibatch {
    cnn_network *network;
    cnn_objective objective;
    int threads;
    cnn_thread_pool *pool;
    float **workspaces; /* [workspace_count]: one a thread, or, where the network is trained in
                           stages, one a block */
    size_t workspace_count;
    cnn_inference *inference; /* what forward passes run where that is not `network`, else NULL */
    float **inference_workspaces; /* [threads], then */
    cnn_draw draw;
    float *shared; /* [network->shared_size]: of the layers that see the whole batch */
    double *sums;  /* [blocks][network->sums_size]: what the blocks give to the one at work */
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

/* A slot's floats, rounded up so that every slot is aligned. */
static size_t slot_stride(const cnn_network *network) {
    return (network->parameter_count + CNN_LANES - 1) / CNN_LANES * CNN_LANES;
}

static size_t workspaces_for(const cnn_network *network, size_t batch_size, int threads) {
    size_t blocks = block_count(batch_size);
    return network->shared_size > 0 && blocks > (size_t)threads ? blocks : (size_t)threads;
}

/* Forward passes during training: not by the network that is trained where prediction differs. */
static bool needs_inference(const cnn_network *network, size_t batch_size) {
    return batch_size > 0 && cnn_inference_differs(network);
}

size_t cnn_minibatch_memory(const cnn_network *network, size_t batch_size, int threads) {
    size_t workspace = batch_size > 0 ? network->workspace_size : network->forward_size;
    size_t arrays = batch_size > 0 ? slots_for(batch_size) + 1 : 0;
    return (workspace * workspaces_for(network, batch_size, threads) +
            slot_stride(network) * arrays + network->shared_size) *
               sizeof(float) +
           network->sums_size * block_count(batch_size) * sizeof(double) +
           (needs_inference(network, batch_size)
                ? (network->forward_size * (size_t)threads + network->parameter_count) *
                      sizeof(float)
                : 0);
}

/* Each on a thread of its own: getting megabytes of fresh memory takes milliseconds. */
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

static cnn_status make_inference(cnn_minibatch *minibatch, cnn_error *error) {
    cnn_status status = cnn_inference_create(minibatch->network, &minibatch->inference, error);
    if (status != CNN_OK) {
        return status;
    }
    size_t count = (size_t)minibatch->threads;
    minibatch->inference_workspaces = cnn_alloc(count, sizeof *minibatch->inference_workspaces);
    bool complete = minibatch->inference_workspaces != NULL;
    for (size_t i = 0; complete && i < count; i++) {
        minibatch->inference_workspaces[i] =
            cnn_network_workspace(minibatch->inference->network, false);
        complete = minibatch->inference_workspaces[i] != NULL;
    }
    return complete ? CNN_OK : cnn_fail_memory(error, "the network for prediction");
}

cnn_status cnn_minibatch_create(cnn_network *network, size_t batch_size, int threads,
                                cnn_minibatch **out, cnn_error *error) {
    *out = NULL;
    cnn_minibatch *minibatch = cnn_alloc(1, sizeof *minibatch);
    if (!minibatch) {
        return cnn_fail_memory(error, "a mini-batch");
    }
    minibatch->network = network;
    minibatch->objective = cnn_objective_plain;
    minibatch->threads = threads;
    minibatch->slot_count = slots_for(batch_size);
    minibatch->slot_stride = slot_stride(network);
    minibatch->workspace_count = workspaces_for(network, batch_size, threads);
    minibatch->workspaces = cnn_alloc(minibatch->workspace_count, sizeof *minibatch->workspaces);
    minibatch->shared = cnn_alloc(network->shared_size, sizeof *minibatch->shared);
    minibatch->sums =
        cnn_alloc(network->sums_size * block_count(batch_size), sizeof *minibatch->sums);
    minibatch->pool = cnn_thread_pool_create(threads);
    minibatch->gradients =
        cnn_alloc(minibatch->slot_count > 0 ? minibatch->slot_stride : 0, sizeof(float));
    bool complete = minibatch->workspaces && minibatch->shared && minibatch->sums &&
                    minibatch->pool && minibatch->gradients;
    if (complete) {
        cnn_thread_pool_for(minibatch->pool, minibatch->workspace_count + 1, threads,
                            make_workspace, minibatch);
        complete = minibatch->slots != NULL;
    }
    for (size_t i = 0; complete && i < minibatch->workspace_count; i++) {
        complete = minibatch->workspaces[i] != NULL;
    }
    if (!complete) {
        cnn_minibatch_free(minibatch);
        return cnn_fail_memory(error, "activations and gradients");
    }
    if (needs_inference(network, batch_size)) {
        cnn_status status = make_inference(minibatch, error);
        if (status != CNN_OK) {
            cnn_minibatch_free(minibatch);
            return status;
        }
    }
    *out = minibatch;
    return CNN_OK;
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
    for (int i = 0; minibatch->inference_workspaces && i < minibatch->threads; i++) {
        cnn_free(minibatch->inference_workspaces[i]);
    }
    cnn_free(minibatch->inference_workspaces);
    cnn_inference_free(minibatch->inference);
    cnn_free(minibatch->shared);
    cnn_free(minibatch->sums);
    cnn_free(minibatch->slots);
    cnn_free(minibatch->gradients);
    cnn_free(minibatch);
}

/* What the threads of one pass share. */
typedef struct batch_pass {
    cnn_minibatch *minibatch;
    const cnn_network *network; /* what runs, on … */
    float *const *workspaces;   /* … these */
    const float *parameters;
    const cnn_sample_source *source;
    size_t first, count;
    size_t slots;
    size_t parts; /* of the parameters, for adding up */
    /* In stages: the layers that see the batch at the stage's ends; -1: the image is in front of
     * it. */
    int stage_first, stage_last;
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

static void forward_block(const batch_pass *pass, size_t b, float *workspace) {
    fill_block(pass, b, workspace);
    keep_logits(pass, b, cnn_network_forward(pass->network, pass->parameters, workspace));
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
    forward_block(pass, b, pass->workspaces[thread]);
}

/* The gradients of a slot, zeroed. */
static float *clear_slot(cnn_minibatch *minibatch, size_t slot) {
    float *gradients = minibatch->slots + slot * minibatch->slot_stride;
    memset(gradients, 0, minibatch->slot_stride * sizeof *gradients);
    return gradients;
}

/* The blocks of a slot: a run of neighbours. */
static size_t first_of_slot(const batch_pass *pass, size_t slot) {
    return block_count(pass->count) * slot / pass->slots;
}

/* All blocks of one slot, one behind the other. */
static void gradient_body(void *context, size_t slot, int thread) {
    const batch_pass *pass = context;
    cnn_minibatch *minibatch = pass->minibatch;
    float *workspace = pass->workspaces[thread];
    float *gradients = clear_slot(minibatch, slot);
    for (size_t b = first_of_slot(pass, slot); b < first_of_slot(pass, slot + 1); b++) {
        _Alignas(CNN_ALIGNMENT) float logit_gradients[CNN_LANES];
        draw_block(pass, b, workspace);
        forward_block(pass, b, workspace);
        find_logit_gradients(pass, b, logit_gradients);
        cnn_network_backward(pass->network, pass->parameters, workspace, logit_gradients,
                             gradients);
    }
}

/* --- in stages --- */

/* Forward from a layer that sees the batch (or from the first) to the next such layer, which gets
 * this block's part; the last stage goes on backward as far as it can. */
static void forward_stage_body(void *context, size_t slot, int thread) {
    (void)thread;
    const batch_pass *pass = context;
    cnn_minibatch *minibatch = pass->minibatch;
    const cnn_network *network = minibatch->network;
    bool is_first = pass->stage_first < 0;
    int first = pass->stage_first + 1; /* behind the layer that sees the batch */
    float *gradients =
        is_first ? clear_slot(minibatch, slot) : minibatch->slots + slot * minibatch->slot_stride;
    for (size_t b = first_of_slot(pass, slot); b < first_of_slot(pass, slot + 1); b++) {
        float *workspace = minibatch->workspaces[b];
        double *sums = minibatch->sums + b * network->sums_size;
        if (is_first) {
            draw_block(pass, b, workspace);
            fill_block(pass, b, workspace);
        } else {
            cnn_network_batch_forward(network, pass->stage_first, minibatch->shared, workspace);
        }
        cnn_network_forward_stage(network, pass->parameters, workspace, first, pass->stage_last);
        if (pass->stage_last < network->layer_count - 1) {
            cnn_network_gather(network, pass->stage_last, images_in_block(pass, b), workspace,
                               sums);
            continue;
        }
        _Alignas(CNN_ALIGNMENT) float logit_gradients[CNN_LANES];
        keep_logits(pass, b, cnn_network_logits(network, workspace));
        find_logit_gradients(pass, b, logit_gradients);
        cnn_network_set_logit_gradients(network, workspace, logit_gradients);
        cnn_network_backward_stage(network, pass->parameters, workspace, first, pass->stage_last,
                                   gradients);
        cnn_network_gather_gradient(network, pass->stage_first, minibatch->shared,
                                    images_in_block(pass, b), workspace, sums, gradients);
    }
}

/* Backward from a layer that sees the batch to the one before it, or to the image. */
static void backward_stage_body(void *context, size_t slot, int thread) {
    (void)thread;
    const batch_pass *pass = context;
    cnn_minibatch *minibatch = pass->minibatch;
    const cnn_network *network = minibatch->network;
    float *gradients = minibatch->slots + slot * minibatch->slot_stride;
    for (size_t b = first_of_slot(pass, slot); b < first_of_slot(pass, slot + 1); b++) {
        float *workspace = minibatch->workspaces[b];
        cnn_network_batch_backward(network, pass->stage_last, minibatch->shared,
                                   images_in_block(pass, b), workspace);
        cnn_network_backward_stage(network, pass->parameters, workspace, pass->stage_first + 1,
                                   pass->stage_last, gradients);
        if (pass->stage_first >= 0) {
            cnn_network_gather_gradient(network, pass->stage_first, minibatch->shared,
                                        images_in_block(pass, b), workspace,
                                        minibatch->sums + b * network->sums_size, gradients);
        }
    }
}

static void run_stages(batch_pass *pass, int threads) {
    cnn_minibatch *minibatch = pass->minibatch;
    const cnn_network *network = minibatch->network;
    int before[CNN_LAYERS_MAX]; /* the stage in front of each layer that sees the batch */
    size_t blocks = block_count(pass->count);
    int end = network->layer_count - 1;
    pass->stage_first = -1;
    for (pass->stage_last = -1; pass->stage_last < end;) {
        pass->stage_first = pass->stage_last;
        pass->stage_last = cnn_network_stage_end(network, pass->stage_first + 1);
        cnn_thread_pool_for(minibatch->pool, pass->slots, threads, forward_stage_body, pass);
        if (pass->stage_last < end) {
            const cnn_layer *layer = &network->layers[pass->stage_last];
            before[pass->stage_last] = pass->stage_first;
            layer->batch->combine(layer, pass->parameters + layer->parameter_offset, blocks,
                                  minibatch->sums, network->sums_size,
                                  minibatch->shared + layer->shared_offset);
        }
    }
    while (pass->stage_first >= 0) {
        const cnn_layer *layer = &network->layers[pass->stage_first];
        layer->batch->combine_gradient(layer, blocks, minibatch->sums, network->sums_size,
                                       minibatch->shared + layer->shared_offset);
        pass->stage_last = pass->stage_first;
        pass->stage_first = before[pass->stage_last];
        cnn_thread_pool_for(minibatch->pool, pass->slots, threads, backward_stage_body, pass);
    }
}

/* --- adding up --- */

/* Adds slots up for one run of parameters, by a fixed tree: slots 1 apart, then 2, 4, … The last
 * sums go to an array of their own: what this thread writes there it will read again, and no other
 * thread's cache has to give its lines away for it. */
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

/* One of few large parts, so that a thread mostly finds in its cache what it has written before. */
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

/* Threads that pay for so much work. */
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

/* What the threads of a preparation share. */
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
    if (minibatch->network->shared_size > 0) {
        run_stages(&pass, threads);
    } else {
        cnn_thread_pool_for(minibatch->pool, pass.slots, threads, gradient_body, &pass);
    }
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
        cnn_inference_set(minibatch->inference, minibatch->network, parameters);
        pass.network = minibatch->inference->network;
        pass.workspaces = minibatch->inference_workspaces;
        pass.parameters = minibatch->inference->parameters;
    }
    double block_flops = minibatch->network->flops * CNN_LANES;
    int threads = useful_threads(minibatch, block_flops * (double)block_count(count));
    cnn_thread_pool_for(minibatch->pool, block_count(count), threads, forward_body, &pass);
}
