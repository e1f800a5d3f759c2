#include "nn/network.h"

#include "base/error.h"
#include "nn/fuse.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/run.h"

#include <math.h>
#include <string.h>

static cnn_fuse_pass *const prediction_passes[] = {cnn_fuse_drop_training, cnn_fuse_normalization,
                                                   NULL};
static cnn_fuse_pass *const storing_passes[] = {cnn_fuse_relu, cnn_fuse_pool, NULL};

static void apply(cnn_fuse_pass *const *passes, cnn_graph *graph) {
    for (; *passes; passes++) {
        (*passes)(graph);
    }
}

/* --- creating --- */

/* From network->graph on. */
static cnn_status plan_network(cnn_network *network, cnn_network_mode mode, cnn_error *error) {
    network->parameter_count = network->graph.parameter_count;
    network->flops = cnn_graph_flops(&network->graph);
    if (mode == CNN_NETWORK_GRAPH) {
        return CNN_OK;
    }
    CNN_TRY(cnn_graph_copy(&network->graph, &network->fused, error));
    if (mode != CNN_NETWORK_STEPWISE) {
        apply(storing_passes, &network->fused);
    }
    return cnn_plan_create(&network->graph, &network->fused, network->kernels, mode, &network->plan,
                           error);
}

static cnn_status create(const cnn_network_spec *spec, cnn_network_mode mode, cnn_network *network,
                         cnn_error *error) {
    CNN_TRY(cnn_graph_create(spec, &network->graph, error));
    CNN_TRY(cnn_conv_choose(&network->direct_only, error));
    for (int i = 0; i < network->graph.node_count; i++) {
        network->graph.nodes[i].direct_only = network->direct_only;
    }
    return plan_network(network, mode, error);
}

static cnn_status create_prediction(const cnn_network *trained, cnn_network *network,
                                    cnn_error *error) {
    network->direct_only = trained->direct_only;
    CNN_TRY(cnn_graph_copy(&trained->graph, &network->graph, error));
    apply(prediction_passes, &network->graph);
    cnn_graph_place_parameters(&network->graph);
    return plan_network(network, CNN_NETWORK_PREDICT, error);
}

/* spec or trained: the source. */
static cnn_status create_either(const cnn_network_spec *spec, const cnn_network *trained,
                                const cnn_kernels *kernels, cnn_network_mode mode,
                                cnn_network **out, cnn_error *error) {
    cnn_network *network = *out = cnn_alloc(1, sizeof *network);
    if (!network) {
        return cnn_fail_memory(error, "the network");
    }
    network->kernels = kernels;
    network->mode = mode;
    cnn_status status =
        spec ? create(spec, mode, network, error) : create_prediction(trained, network, error);
    if (status != CNN_OK) {
        cnn_network_free(network);
        *out = NULL;
    }
    return status;
}

cnn_status cnn_network_create(const cnn_network_spec *spec, const cnn_kernels *kernels,
                              cnn_network_mode mode, cnn_network **network, cnn_error *error) {
    return create_either(spec, NULL, kernels, mode, network, error);
}

cnn_status cnn_network_create_prediction(const cnn_network *trained, cnn_network **network,
                                         cnn_error *error) {
    return create_either(NULL, trained, trained->kernels, CNN_NETWORK_PREDICT, network, error);
}

cnn_status cnn_network_create_part(const cnn_network *prediction, cnn_graph *graph,
                                   cnn_network **out, cnn_error *error) {
    cnn_network *network = *out = cnn_alloc(1, sizeof *network);
    if (!network) {
        cnn_graph_free(graph);
        return cnn_fail_memory(error, "the network");
    }
    network->kernels = prediction->kernels;
    network->mode = CNN_NETWORK_PREDICT;
    network->direct_only = prediction->direct_only;
    network->graph = *graph;
    *graph = (cnn_graph){0};
    cnn_status status = plan_network(network, CNN_NETWORK_PREDICT, error);
    if (status != CNN_OK) {
        cnn_network_free(network);
        *out = NULL;
    }
    return status;
}

void cnn_network_free(cnn_network *network) {
    if (network) {
        cnn_plan_free(&network->plan);
        cnn_graph_free(&network->fused);
        cnn_graph_free(&network->graph);
        cnn_free(network);
    }
}

/* --- parameters --- */

bool cnn_network_differs_in_prediction(const cnn_network *trained) {
    /* a network for prediction has nothing left to merge; a normalization may remain in it */
    for (int i = 0; i < trained->graph.node_count && trained->mode != CNN_NETWORK_PREDICT; i++) {
        const cnn_layer_ops *ops = trained->graph.nodes[i].ops;
        if (ops->training_only || ops->batch) {
            return true;
        }
    }
    return false;
}

/* Merges a batch normalization into the weights [channels][…] and biases [channels] before it. */
static void merge(const cnn_node *into, const cnn_node *normalizer, const float *trained,
                  float *parameters) {
    size_t channels = (size_t)into->out.channels;
    size_t each = into->tensors[0].count / channels;
    float *bias = parameters + into->tensors[0].count;
    for (size_t c = 0; c < channels; c++) {
        double scale, shift;
        cnn_batchnorm_scale(normalizer, trained + normalizer->parameter_offset, (int)c, &scale,
                            &shift);
        for (size_t i = c * each; i < (c + 1) * each; i++) {
            parameters[i] = (float)((double)parameters[i] * scale);
        }
        bias[c] = (float)((double)bias[c] * scale + shift);
    }
}

void cnn_network_merge_parameters(const cnn_network *network, const cnn_network *trained,
                                  const float *trained_parameters, float *parameters) {
    const cnn_node *origins = trained->graph.nodes;
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        float *own = parameters + node->parameter_offset;
        const cnn_node *origin = &origins[node->origin];
        if (node->parameter_count > 0) { /* it may have a bias that its origin has not */
            memset(own, 0, node->parameter_count * sizeof *own);
            memcpy(own, trained_parameters + origin->parameter_offset,
                   origin->parameter_count * sizeof *own);
        }
        if (node->normalizer) {
            merge(node, &origins[node->normalizer], trained_parameters, own);
        }
    }
}

void cnn_network_initialize(const cnn_network *network, uint64_t seed, float *parameters) {
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            const cnn_tensor *tensor = &node->tensors[t];
            double bound = tensor->fan_in > 0 ? sqrt(6.0 / tensor->fan_in) : 0.0;
            for (size_t j = tensor->offset; j < tensor->offset + tensor->count; j++) {
                double u = cnn_random_uniform(seed, CNN_RANDOM_WEIGHTS, 0, j);
                parameters[j] =
                    tensor->fan_in > 0 ? (float)((2.0 * u - 1.0) * bound) : tensor->start;
            }
        }
    }
}

void cnn_network_prepare_part(const cnn_network *network, const float *parameters, int part,
                              int parts) {
    for (int i = 0; i < network->plan.instruction_count; i++) {
        const cnn_layer *layer = &network->plan.instructions[i].layer;
        if (network->plan.instructions[i].own && layer->node->ops->prepare) {
            layer->node->ops->prepare(layer, parameters + layer->node->parameter_offset, part,
                                      parts);
        }
    }
}

void cnn_network_prepare(const cnn_network *network, const float *parameters) {
    cnn_network_prepare_part(network, parameters, 0, 1);
}

void cnn_network_update_averages(const cnn_network *network, const float *shared,
                                 float *parameters) {
    for (int s = 0; s + 1 < network->plan.stage_count; s++) {
        const cnn_stage *stage = &network->plan.stages[s];
        const cnn_node *node = stage->batch->node;
        node->ops->batch->update(node, shared + stage->shared, parameters + node->parameter_offset);
    }
}

/* --- one block --- */

float *cnn_network_workspace(const cnn_network *network, bool training) {
    return cnn_alloc(training ? network->plan.workspace_size : network->plan.forward_size,
                     sizeof(float));
}

float *cnn_network_input(const cnn_network *network, float *workspace, const cnn_block **block) {
    const cnn_place *place = &network->plan.places[0].value;
    *block = &place->block;
    return workspace + place->offset;
}

void cnn_network_draw(const cnn_network *network, const cnn_draw *draw, size_t first, int count,
                      float *workspace) {
    for (int n = 0; n < network->fused.node_count; n++) {
        const cnn_node *node = &network->fused.nodes[n];
        if (node->ops->draw) {
            node->ops->draw(node, draw, first, count, workspace + network->plan.places[n].kept);
        }
    }
}

const float *cnn_network_result(const cnn_network *network, const float *workspace) {
    return workspace + network->plan.places[cnn_graph_result(&network->fused)].value.offset;
}

const cnn_block *cnn_network_result_block(const cnn_network *network) {
    return &network->plan.places[cnn_graph_result(&network->fused)].value.block;
}

void cnn_network_set_logit_gradients(const cnn_network *network, float *workspace,
                                     const float *logit_gradients) {
    int logit = cnn_graph_result(&network->fused);
    memcpy(workspace + network->plan.places[logit].gradient.offset, logit_gradients,
           CNN_LANES * sizeof *logit_gradients);
}

const float *cnn_network_forward(const cnn_network *network, const float *parameters,
                                 float *workspace) {
    const cnn_run run = {.plan = &network->plan, .parameters = parameters, .workspace = workspace};
    cnn_run_forward(&run, 0, network->plan.instruction_count);
    return cnn_network_result(network, workspace);
}

void cnn_network_backward(const cnn_network *network, const float *parameters, float *workspace,
                          const float *logit_gradients, float *gradients) {
    const cnn_run run = {.plan = &network->plan,
                         .parameters = parameters,
                         .workspace = workspace,
                         .gradients = gradients};
    cnn_network_set_logit_gradients(network, workspace, logit_gradients);
    cnn_run_backward(&run, 0, network->plan.instruction_count);
}

void cnn_network_backward_values(const cnn_network *network, const float *parameters,
                                 float *workspace, const cnn_block *block, const float *gradient) {
    const cnn_run run = {.plan = &network->plan, .parameters = parameters, .workspace = workspace};
    const cnn_place *to = &network->plan.places[cnn_graph_result(&network->fused)].gradient;
    cnn_block_copy(block, gradient, &to->block, workspace + to->offset);
    cnn_run_backward(&run, 0, network->plan.instruction_count);
}

static const float *look_at(const cnn_place *place, const float *workspace,
                            const cnn_block **block) {
    *block = &place->block;
    return place->offset == CNN_NOWHERE ? NULL : workspace + place->offset;
}

const float *cnn_network_value(const cnn_network *network, int node, const float *workspace,
                               const cnn_block **block) {
    return look_at(&network->plan.places[node].value, workspace, block);
}

const float *cnn_network_gradient(const cnn_network *network, int node, const float *workspace,
                                  const cnn_block **block) {
    return look_at(&network->plan.places[node].gradient, workspace, block);
}
