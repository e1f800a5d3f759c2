#include "nn/inference.h"

#include "base/error.h"
#include "base/memory.h"
#include "nn/single.h"

#include <string.h>

/* A block whose activations take more than this runs one image at a time: it would not stay in the
 * second-level cache. */
#define BLOCK_BYTES_MAX ((size_t)1 << 20)

struct cnn_inference {
    const cnn_network *trained;
    cnn_network *own;           /* where prediction differs from training; else NULL */
    const cnn_network *network; /* what runs: `own` or `trained` */
    float *own_parameters;      /* [own->parameter_count] */
    const float *parameters;    /* `own_parameters`, or the caller's */
    cnn_single *single;         /* NULL: in blocks */
    float **workspaces;         /* [threads]: of a block, or of an image */
    int threads;
};

static bool is_large(const cnn_network *network) {
    return network->plan.separate_size * sizeof(float) > BLOCK_BYTES_MAX;
}

/* Does a network for prediction differ, or need less memory than one whose values all stay? */
static bool needs_own(const cnn_network *trained) {
    return cnn_network_differs_in_prediction(trained) ||
           (is_large(trained) && trained->mode != CNN_NETWORK_PREDICT &&
            !cnn_single_serves(trained));
}

bool cnn_inference_prefers_planes(const cnn_network *trained) {
    return is_large(trained) && cnn_single_serves(trained);
}

static const cnn_node *result_node(const cnn_inference *inference) {
    const cnn_graph *graph = &inference->network->fused;
    return &graph->nodes[cnn_graph_result(graph)];
}

size_t cnn_inference_result_size(const cnn_inference *inference) {
    return cnn_shape_size(&result_node(inference)->stored);
}

/* --- creating --- */

static cnn_status make_workspaces(cnn_inference *inference, cnn_error *error) {
    inference->workspaces = cnn_alloc((size_t)inference->threads, sizeof *inference->workspaces);
    bool complete = inference->workspaces != NULL;
    for (int i = 0; complete && i < inference->threads; i++) {
        inference->workspaces[i] = inference->single
                                       ? cnn_single_workspace(inference->single)
                                       : cnn_network_workspace(inference->network, false);
        complete = inference->workspaces[i] != NULL;
    }
    return complete ? CNN_OK : cnn_fail_memory(error, "prediction");
}

static cnn_status make(cnn_inference *inference, cnn_error *error) {
    if (needs_own(inference->trained)) {
        CNN_TRY(cnn_network_create_prediction(inference->trained, &inference->own, error));
        inference->network = inference->own;
        inference->own_parameters = cnn_alloc(inference->own->parameter_count, sizeof(float));
        if (!inference->own_parameters) {
            return cnn_fail_memory(error, "prediction");
        }
    }
    if (is_large(inference->network)) {
        CNN_TRY(cnn_single_create(inference->network, &inference->single, error));
    }
    return make_workspaces(inference, error);
}

cnn_status cnn_inference_create(const cnn_network *trained, int threads, cnn_inference **out,
                                cnn_error *error) {
    *out = NULL;
    cnn_inference *inference = cnn_alloc(1, sizeof *inference);
    if (!inference) {
        return cnn_fail_memory(error, "prediction");
    }
    inference->trained = inference->network = trained;
    inference->threads = threads;
    cnn_status status = make(inference, error);
    if (status != CNN_OK) {
        cnn_inference_free(inference);
        return status;
    }
    *out = inference;
    return CNN_OK;
}

void cnn_inference_free(cnn_inference *inference) {
    if (!inference) {
        return;
    }
    for (int i = 0; inference->workspaces && i < inference->threads; i++) {
        cnn_free(inference->workspaces[i]);
    }
    cnn_free(inference->workspaces);
    cnn_single_free(inference->single);
    cnn_network_free(inference->own);
    cnn_free(inference->own_parameters);
    cnn_free(inference);
}

void cnn_inference_prepare(cnn_inference *inference, const float *parameters) {
    inference->parameters = parameters;
    if (inference->own) {
        cnn_network_merge_parameters(inference->own, inference->trained, parameters,
                                     inference->own_parameters);
        inference->parameters = inference->own_parameters;
    }
    if (inference->single) {
        cnn_single_prepare(inference->single, inference->parameters);
    } else {
        cnn_network_prepare(inference->network, inference->parameters);
    }
}

/* That of blocks, which is the larger of the two ways' memory. If the network for prediction cannot
 * be planned to see its size, that of the trained one is an upper limit. */
size_t cnn_inference_memory(const cnn_network *trained, int threads) {
    cnn_network *own = NULL;
    cnn_error ignored;
    size_t block = trained->plan.forward_size;
    if (needs_own(trained) && cnn_network_create_prediction(trained, &own, &ignored) == CNN_OK) {
        block = own->plan.forward_size;
    }
    cnn_network_free(own);
    return (block * (size_t)threads + trained->parameter_count) * sizeof(float);
}

/* --- running --- */

/* Lane `lane` of a block of `size` values, as [C][H][W]. */
static void take_lane(const cnn_block *block, const float *values, int lane, float *to) {
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            const float *row = values + cnn_block_row(block, c, h) + lane;
            for (int w = 0; w < block->width; w++) {
                *to++ = row[(ptrdiff_t)w * CNN_LANES];
            }
        }
    }
}

static const float *run_lanes(const cnn_inference *inference, float *workspace,
                              const cnn_sample_source *source, size_t first, int count,
                              uint8_t *labels) {
    const cnn_block *block;
    float *x = cnn_network_input(inference->network, workspace, &block);
    source->fill(source->context, first, count, block, x, labels);
    return cnn_network_forward(inference->network, inference->parameters, workspace);
}

static void run_block(const cnn_inference *inference, float *workspace,
                      const cnn_sample_source *source, size_t first, int count, float *results,
                      uint8_t *labels) {
    const float *y = run_lanes(inference, workspace, source, first, count, labels);
    const cnn_block *result = cnn_network_result_block(inference->network);
    for (int lane = 0; lane < count; lane++) {
        take_lane(result, y, lane, results + (size_t)lane * cnn_inference_result_size(inference));
    }
}

static void run_one_at_a_time(const cnn_inference *inference, float *workspace,
                              const cnn_sample_source *source, size_t first, int count,
                              float *results, uint8_t *labels) {
    const cnn_block *planes;
    float *x = cnn_single_input(inference->single, workspace, &planes);
    for (int i = 0; i < count; i++) {
        source->fill(source->context, first + (size_t)i, 1, planes, x, labels ? labels + i : NULL);
        cnn_single_forward(inference->single, inference->parameters, workspace,
                           results + (size_t)i * cnn_inference_result_size(inference));
    }
}

bool cnn_inference_has_blocks(const cnn_inference *inference) {
    return !inference->single;
}

const float *cnn_inference_run_block(cnn_inference *inference, int thread,
                                     const cnn_sample_source *source, size_t first, int count,
                                     const cnn_block **block) {
    *block = cnn_network_result_block(inference->network);
    return run_lanes(inference, inference->workspaces[thread], source, first, count, NULL);
}

void cnn_inference_run(cnn_inference *inference, int thread, const cnn_sample_source *source,
                       size_t first, int count, float *results, uint8_t *labels) {
    (inference->single ? run_one_at_a_time : run_block)(inference, inference->workspaces[thread],
                                                        source, first, count, results, labels);
}
