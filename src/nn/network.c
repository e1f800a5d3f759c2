#include "nn/network.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- planning --- */

static void add_tensors(cnn_network *network, cnn_layer *layer) {
    if (layer->ops->tensors) {
        layer->tensor_count =
            layer->ops->tensors(&layer->spec, &layer->in, &layer->out, layer->tensors);
    }
    layer->parameter_offset = network->parameter_count;
    for (int i = 0; i < layer->tensor_count; i++) {
        cnn_tensor *tensor = &layer->tensors[i];
        tensor->offset = network->parameter_count;
        tensor->count = 1;
        for (int d = 0; d < tensor->rank; d++) {
            tensor->count *= (size_t)tensor->dim[d];
        }
        network->parameter_count += tensor->count;
    }
    layer->parameter_count = network->parameter_count - layer->parameter_offset;
}

static void plan_batch(cnn_network *network, cnn_layer *layer, cnn_network_mode mode) {
    if (!layer->ops->batch || mode == CNN_NETWORK_PREDICT) {
        return;
    }
    layer->batch = layer->ops->batch;
    layer->shared_offset = network->shared_size;
    network->shared_size += layer->batch->shared_size(layer);
    size_t sums = layer->batch->sums_size(layer);
    network->sums_size = sums > network->sums_size ? sums : network->sums_size;
}

/* A block for a shape with a border. *size grows by its floats; *offset: of value (0, 0, 0). */
static cnn_block place_block(const cnn_shape *shape, int before, int after, size_t *size,
                             size_t *offset) {
    ptrdiff_t rows = shape->height + before + after;
    ptrdiff_t columns = shape->width + before + after;
    cnn_block block = {.channels = shape->channels,
                       .height = shape->height,
                       .width = shape->width,
                       .row_stride = columns * CNN_LANES,
                       .plane_stride = rows * columns * CNN_LANES};
    *offset = *size + (size_t)(before * block.row_stride + (ptrdiff_t)before * CNN_LANES);
    *size += (size_t)(block.plane_stride * shape->channels);
    return block;
}

/* The same memory seen through a shape of as many values; for blocks without a border only. */
static cnn_block flat_block(const cnn_shape *shape) {
    return (cnn_block){.channels = shape->channels,
                       .height = 1,
                       .width = 1,
                       .row_stride = CNN_LANES,
                       .plane_stride = CNN_LANES};
}

static bool has_border(const cnn_block *block) {
    return block->row_stride != (ptrdiff_t)block->width * CNN_LANES ||
           block->plane_stride != block->height * block->row_stride;
}

static bool is_flatten(const cnn_layer *layer) {
    return layer->out.flat && !layer->in.flat && layer->ops->in_place;
}

/* Hands its input on as it is. */
static bool changes_nothing(const cnn_layer *layer) {
    return is_flatten(layer) || layer->ops->role == CNN_LAYER_FORK;
}

/* Which layers work in their input's buffer? Not where a layer before, sharing that buffer, needs
 * its own output for its backward pass; one that changes nothing always may. */
static void share_buffers(cnn_network *network) {
    bool output_needed = false; /* by a layer that shares the buffer so far */
    for (int i = 0; i < network->layer_count; i++) {
        cnn_layer *layer = &network->layers[i];
        layer->shares_value = layer->ops->in_place && (changes_nothing(layer) || !output_needed);
        output_needed = (layer->shares_value && output_needed) || layer->ops->backward_reads_output;
    }
}

static void plan_values(cnn_network *network) {
    int count = network->layer_count;
    for (int i = 0; i < count; i++) {
        cnn_activation *activation = &network->activations[i];
        if (activation->inside_fused) {
            continue; /* never in memory */
        }
        if (i > 0 && network->layers[i - 1].shares_value) {
            const cnn_activation *input = &network->activations[i - 1];
            activation->value_offset = input->value_offset;
            activation->value =
                is_flatten(&network->layers[i - 1]) ? flat_block(&activation->shape) : input->value;
            continue;
        }
        /* the first layer that does not work in this buffer says which border it needs */
        int reader = i;
        while (reader < count - 1 && network->layers[reader].shares_value) {
            reader++;
        }
        int before = 0, after = 0;
        const cnn_layer *layer = &network->layers[reader];
        if (reader < count - 1 && layer->ops->input_border) {
            layer->ops->input_border(layer, &before, &after);
        }
        activation->value = place_block(&activation->shape, before, after, &network->workspace_size,
                                        &activation->value_offset);
    }
}

static void plan_gradients(cnn_network *network) {
    for (int i = 0; i < network->layer_count; i++) {
        cnn_activation *activation = &network->activations[i];
        if (!activation->has_gradient || activation->inside_unpooled) {
            continue;
        }
        const cnn_layer *writer = &network->layers[i - 1]; /* there is one: it has parameters */
        const cnn_activation *input = &network->activations[i - 1];
        bool flatten = is_flatten(writer);
        if (writer->ops->in_place && input->has_gradient &&
            !(flatten && has_border(&input->gradient))) {
            activation->gradient_offset = input->gradient_offset;
            activation->gradient = flatten ? flat_block(&activation->shape) : input->gradient;
            continue;
        }
        int before = 0, after = 0;
        if (writer->ops->gradient_border && writer->needs_dx) {
            writer->ops->gradient_border(writer, &before, &after);
        }
        activation->gradient = place_block(&activation->shape, before, after,
                                           &network->workspace_size, &activation->gradient_offset);
    }
}

/* Room for the input's gradient of projections: that of the activation is the other branch's. */
static void plan_projections(cnn_network *network) {
    for (int i = 0; i < network->layer_count; i++) {
        cnn_layer *layer = &network->layers[i];
        if (layer->spec.projects && layer->needs_dx) {
            layer->dx_block =
                place_block(&layer->in, 0, 0, &network->workspace_size, &layer->projected_offset);
        }
    }
}

/* What forward keeps for backward, and the working memory, which all layers use in turn. Prediction
 * needs both, too: they come before the gradients. */
static void plan_layer_memory(cnn_network *network) {
    size_t work_size = 0;
    for (int i = 0; i < network->layer_count - 1; i++) {
        cnn_layer *layer = &network->layers[i];
        const cnn_layer_ops *ops = layer->ops;
        size_t work = ops->work_size ? ops->work_size(layer) : 0;
        work_size = work > work_size ? work : work_size;
        layer->kept_offset = network->workspace_size;
        network->workspace_size += ops->kept_size ? ops->kept_size(layer) : 0;
    }
    for (int i = 0; i < network->layer_count - 1; i++) {
        if (network->layers[i].pool_follows) {
            network->layers[i].kept_offset =
                network->layers[network->layers[i].output - 1].kept_offset;
        }
    }
    network->work_offset = network->workspace_size;
    network->workspace_size += work_size;
}

/* A max-pooling behind layer i (and its ReLU) is done while layer i writes; what is between them is
 * never in memory. */
static void fuse_pool(cnn_network *network, int i) {
    cnn_layer *layer = &network->layers[i];
    int p = i + (layer->relu_follows ? 2 : 1);
    if (!layer->ops->applies_pool || !cnn_layer_pools_2x2(&network->layers[p].spec)) {
        return;
    }
    bool unpools = layer->ops->unpools && layer->ops->unpools(layer);
    layer->pool_follows = true;
    network->layers[p].forward_done = true;
    network->layers[p].backward_done = unpools;
    for (int j = i; j < p; j++) {
        network->layers[j].output = p + 1;
        network->activations[j + 1].inside_fused = true;
        network->activations[j + 1].inside_unpooled = unpools;
        if (j > i) {
            network->layers[j].backward_done = true; /* a ReLU: the places of the maxima know */
        }
    }
    layer->gradient_from = unpools ? p + 1 : i + 1;
}

/* A ReLU right behind a layer that can is applied while that layer writes. */
static void fuse_layers(cnn_network *network) {
    for (int i = 0; i + 1 < network->layer_count; i++) {
        cnn_layer *layer = &network->layers[i];
        cnn_layer *next = &network->layers[i + 1];
        if (layer->ops->applies_relu && strcmp(next->ops->name, "relu") == 0) {
            layer->relu_follows = true;
            next->forward_done = true;
        }
        fuse_pool(network, i);
    }
}

static cnn_status plan_layers(cnn_network *network, cnn_error *error) {
    for (int i = 0; i < network->layer_count; i++) {
        cnn_layer *layer = &network->layers[i];
        const cnn_activation *input = &network->activations[layer->source];
        layer->x_block = input->value;
        if (!layer->spec.projects) {
            layer->dx_block = input->gradient;
        }
        if (i + 1 < network->layer_count) { /* the last sigmoid writes nothing */
            layer->y_block = network->activations[layer->output].value;
            layer->dy_block = network->activations[layer->gradient_from].gradient;
        }
        network->flops += layer->ops->flops(layer);
        if (layer->ops->plan) {
            cnn_status status = layer->ops->plan(layer, error);
            if (status != CNN_OK) {
                return status;
            }
        }
    }
    return CNN_OK;
}

static void plan_layer(cnn_network *network, const cnn_network_spec *spec, const cnn_shape *shapes,
                       int i, cnn_network_mode mode) {
    cnn_layer *layer = &network->layers[i];
    layer->spec = spec->layers[i];
    layer->ops = layer->spec.ops;
    layer->kernels = network->kernels;
    layer->number = i;
    cnn_layer_path(spec, i, false, layer->path);
    layer->direct_only = network->direct_only;
    layer->output = layer->gradient_from = i + 1;
    int fork = cnn_layer_sources(spec, i, &layer->source, &layer->shortcut);
    if (fork >= 0) {
        layer->partner = fork;
        network->layers[fork].partner = i;
    }
    layer->in = layer->source > 0 ? shapes[layer->source - 1] : spec->input;
    layer->out = shapes[i];
    network->activations[i].shape = i > 0 ? shapes[i - 1] : spec->input;
    network->activations[i].has_gradient = network->parameter_count > 0;
    layer->needs_dx = network->activations[layer->source].has_gradient;
    add_tensors(network, layer);
    plan_batch(network, layer, mode);
}

cnn_status cnn_network_create(const cnn_network_spec *spec, const cnn_kernels *kernels,
                              cnn_network_mode mode, cnn_network **out, cnn_error *error) {
    *out = NULL;
    bool direct_only = false;
    cnn_shape shapes[CNN_LAYERS_MAX];
    cnn_status status = cnn_network_check(spec, shapes, error);
    if (status == CNN_OK) {
        status = cnn_conv_choose(&direct_only, error);
    }
    if (status != CNN_OK) {
        return status;
    }
    cnn_network *network = cnn_alloc(1, sizeof *network);
    if (!network) {
        return cnn_fail_memory(error, "the network");
    }
    size_t count = (size_t)spec->layer_count;
    network->kernels = kernels;
    network->direct_only = direct_only;
    network->layers = cnn_alloc(count, sizeof *network->layers);
    network->activations = cnn_alloc(count, sizeof *network->activations);
    if (!network->layers || !network->activations) {
        cnn_network_free(network);
        return cnn_fail_memory(error, "the network");
    }
    network->layer_count = spec->layer_count;
    for (int i = 0; i < spec->layer_count; i++) {
        plan_layer(network, spec, shapes, i, mode);
    }
    if (mode != CNN_NETWORK_STEPWISE) {
        fuse_layers(network);
    }
    share_buffers(network);
    plan_values(network);
    plan_layer_memory(network);
    network->forward_size = network->workspace_size;
    plan_gradients(network);
    plan_projections(network);
    status = plan_layers(network, error);
    if (status == CNN_OK) {
        *out = network;
    } else {
        cnn_network_free(network);
    }
    return status;
}

void cnn_network_free(cnn_network *network) {
    if (!network) {
        return;
    }
    for (int i = 0; network->layers && i < network->layer_count; i++) {
        if (network->layers[i].plan) {
            network->layers[i].ops->free_plan(&network->layers[i]);
        }
    }
    cnn_free(network->layers);
    cnn_free(network->activations);
    cnn_free(network);
}

void cnn_network_initialize(const cnn_network *network, uint64_t seed, float *parameters) {
    for (int i = 0; i < network->layer_count; i++) {
        const cnn_layer *layer = &network->layers[i];
        for (int t = 0; t < layer->tensor_count; t++) {
            const cnn_tensor *tensor = &layer->tensors[t];
            double bound = tensor->fan_in > 0 ? sqrt(6.0 / tensor->fan_in) : 0.0;
            for (size_t j = tensor->offset; j < tensor->offset + tensor->count; j++) {
                double u = cnn_random_uniform(seed, CNN_RANDOM_WEIGHTS, 0, j);
                parameters[j] =
                    tensor->fan_in > 0 ? (float)((2.0 * u - 1.0) * bound) : tensor->start;
            }
        }
    }
}

/* --- running --- */

void cnn_network_prepare_part(const cnn_network *network, const float *parameters, int part,
                              int parts) {
    for (int i = 0; i < network->layer_count; i++) {
        const cnn_layer *layer = &network->layers[i];
        if (layer->ops->prepare) {
            layer->ops->prepare(layer, parameters + layer->parameter_offset, part, parts);
        }
    }
}

void cnn_network_prepare(const cnn_network *network, const float *parameters) {
    cnn_network_prepare_part(network, parameters, 0, 1);
}

float *cnn_network_workspace(const cnn_network *network, bool training) {
    return cnn_alloc(training ? network->workspace_size : network->forward_size, sizeof(float));
}

float *cnn_network_input(const cnn_network *network, float *workspace, const cnn_block **block) {
    *block = &network->activations[0].value;
    return workspace + network->activations[0].value_offset;
}

/* Copies a block of `shape` between places with different strides; a flat side counts as one
 * without border. */
static void copy_block(const cnn_shape *shape, const cnn_block *from_block, const float *from,
                       const cnn_block *to_block, float *to) {
    size_t row = (size_t)shape->width * CNN_LANES;
    bool from_flat = from_block->channels != shape->channels;
    bool to_flat = to_block->channels != shape->channels;
    for (int c = 0; c < shape->channels; c++) {
        for (int h = 0; h < shape->height; h++) {
            size_t flat = ((size_t)c * (size_t)shape->height + (size_t)h) * row;
            const float *source =
                from_flat ? from + flat
                          : from + c * from_block->plane_stride + h * from_block->row_stride;
            float *target =
                to_flat ? to + flat : to + c * to_block->plane_stride + h * to_block->row_stride;
            memcpy(target, source, row * sizeof *target);
        }
    }
}

/* Where layer i's input and output stand. */
static const float *input_of(const cnn_network *network, int i, const float *workspace) {
    return workspace + network->activations[network->layers[i].source].value_offset;
}

static float *output_of(const cnn_network *network, int i, float *workspace) {
    return workspace + network->activations[network->layers[i].output].value_offset;
}

/* The gradient of layer i's output, and of its input: NULL where nobody asks for it. */
static float *output_gradient_of(const cnn_network *network, int i, float *workspace) {
    const cnn_activation *output = &network->activations[network->layers[i].gradient_from];
    return output->has_gradient ? workspace + output->gradient_offset : NULL;
}

static float *input_gradient_of(const cnn_network *network, int i, float *workspace) {
    const cnn_layer *layer = &network->layers[i];
    const cnn_activation *input = &network->activations[layer->source];
    if (layer->spec.projects) {
        return input->has_gradient ? workspace + layer->projected_offset : NULL;
    }
    return input->has_gradient ? workspace + input->gradient_offset : NULL;
}

static void forward_layers(const cnn_network *network, const float *parameters, float *workspace,
                           int first, int last, cnn_network_observer *observer, void *context) {
    for (int i = first; i < last; i++) {
        const cnn_layer *layer = &network->layers[i];
        const float *x = input_of(network, i, workspace);
        float *y = output_of(network, i, workspace);
        if (layer->ops->role == CNN_LAYER_SUM) {
            const cnn_activation *shortcut = &network->activations[layer->shortcut];
            cnn_layer_add(layer, x, &shortcut->value, workspace + shortcut->value_offset, y);
        }
        if (layer->ops->in_place && x != y && !network->activations[i].inside_fused) {
            copy_block(&layer->in, &layer->x_block, x, &layer->y_block, y);
        }
        if (layer->ops->forward && !layer->forward_done) {
            layer->ops->forward(layer, parameters + layer->parameter_offset, x, y,
                                workspace + layer->kept_offset, workspace + network->work_offset);
        }
        if (observer) {
            observer(context, i, false, &layer->y_block, y);
        }
    }
}

/* A sum hands the gradient of its output to both its inputs. The shortcut's is the fork's to add,
 * or that of a projection. */
static void backward_sum(const cnn_network *network, const cnn_layer *layer, const float *dy,
                         float *dx, float *workspace) {
    if (dx) {
        copy_block(&layer->in, &layer->dy_block, dy, &layer->dx_block, dx);
    }
    const cnn_activation *shortcut = &network->activations[layer->shortcut];
    if (network->layers[layer->number - 1].spec.projects) {
        copy_block(&layer->in, &layer->dy_block, dy, &shortcut->gradient,
                   workspace + shortcut->gradient_offset);
    }
}

/* A fork adds what came through the shortcut to dx, which came through the layers. */
static void backward_fork(const cnn_network *network, const cnn_layer *layer, float *dx,
                          float *workspace) {
    const cnn_layer *sum = &network->layers[layer->partner];
    const cnn_layer *before = &network->layers[sum->number - 1];
    if (before->spec.projects) {
        cnn_layer_add_gradient(&before->dx_block, workspace + before->projected_offset,
                               &layer->dx_block, dx);
    } else {
        cnn_layer_add_gradient(&sum->dy_block, output_gradient_of(network, sum->number, workspace),
                               &layer->dx_block, dx);
    }
}

static void backward_layers(const cnn_network *network, const float *parameters, float *workspace,
                            int first, int last, float *gradients, cnn_network_observer *observer,
                            void *context) {
    for (int i = last - 1; i >= first; i--) {
        const cnn_layer *layer = &network->layers[i];
        float *dy = output_gradient_of(network, i, workspace);
        float *dx = input_gradient_of(network, i, workspace);
        if (!dy) {
            break; /* nothing before here has parameters */
        }
        if (observer) {
            observer(context, i, true, &layer->dy_block, dy);
        }
        if (layer->backward_done) {
            continue;
        }
        if (layer->ops->in_place && dx && dx != dy) {
            copy_block(&layer->in, &layer->dy_block, dy, &layer->dx_block, dx);
        }
        if (layer->ops->role == CNN_LAYER_SUM) {
            backward_sum(network, layer, dy, dx, workspace);
        } else if (layer->ops->role == CNN_LAYER_FORK && dx) {
            backward_fork(network, layer, dx, workspace);
        }
        if (layer->ops->backward && (dx || layer->parameter_count > 0)) {
            layer->ops->backward(
                layer, parameters + layer->parameter_offset, input_of(network, i, workspace),
                workspace + network->activations[layer->gradient_from].value_offset, dy,
                workspace + layer->kept_offset, workspace + network->work_offset,
                gradients + layer->parameter_offset, dx);
        }
    }
}

const float *cnn_network_logits(const cnn_network *network, const float *workspace) {
    return input_of(network, network->layer_count - 1, workspace);
}

void cnn_network_set_logit_gradients(const cnn_network *network, float *workspace,
                                     const float *logit_gradients) {
    memcpy(input_gradient_of(network, network->layer_count - 1, workspace), logit_gradients,
           CNN_LANES * sizeof *logit_gradients);
}

const float *cnn_network_forward_observed(const cnn_network *network, const float *parameters,
                                          float *workspace, cnn_network_observer *observer,
                                          void *context) {
    forward_layers(network, parameters, workspace, 0, network->layer_count - 1, observer, context);
    return cnn_network_logits(network, workspace);
}

void cnn_network_backward_observed(const cnn_network *network, const float *parameters,
                                   float *workspace, const float *logit_gradients, float *gradients,
                                   cnn_network_observer *observer, void *context) {
    cnn_network_set_logit_gradients(network, workspace, logit_gradients);
    backward_layers(network, parameters, workspace, 0, network->layer_count - 1, gradients,
                    observer, context);
}

/* --- by the whole batch --- */

int cnn_network_stage_end(const cnn_network *network, int layer) {
    while (layer < network->layer_count - 1 && !network->layers[layer].batch) {
        layer++;
    }
    return layer;
}

void cnn_network_forward_stage(const cnn_network *network, const float *parameters,
                               float *workspace, int first, int last) {
    forward_layers(network, parameters, workspace, first, last, NULL, NULL);
}

void cnn_network_backward_stage(const cnn_network *network, const float *parameters,
                                float *workspace, int first, int last, float *gradients) {
    backward_layers(network, parameters, workspace, first, last, gradients, NULL, NULL);
}

void cnn_network_gather(const cnn_network *network, int i, int count, float *workspace,
                        double *sums) {
    const cnn_layer *layer = &network->layers[i];
    layer->batch->gather(layer, input_of(network, i, workspace), count,
                         workspace + network->work_offset, sums);
}

void cnn_network_batch_forward(const cnn_network *network, int i, const float *shared,
                               float *workspace) {
    const cnn_layer *layer = &network->layers[i];
    layer->batch->forward(layer, shared + layer->shared_offset, input_of(network, i, workspace),
                          output_of(network, i, workspace));
}

void cnn_network_gather_gradient(const cnn_network *network, int i, const float *shared, int count,
                                 float *workspace, double *sums, float *gradients) {
    const cnn_layer *layer = &network->layers[i];
    layer->batch->gather_gradient(
        layer, shared + layer->shared_offset, input_of(network, i, workspace),
        output_gradient_of(network, i, workspace), count, workspace + network->work_offset, sums,
        gradients + layer->parameter_offset);
}

void cnn_network_batch_backward(const cnn_network *network, int i, const float *shared, int count,
                                float *workspace) {
    const cnn_layer *layer = &network->layers[i];
    float *dx = input_gradient_of(network, i, workspace);
    if (dx) {
        layer->batch->backward(layer, shared + layer->shared_offset,
                               input_of(network, i, workspace),
                               output_gradient_of(network, i, workspace), count, dx);
    }
}

void cnn_network_draw(const cnn_network *network, const cnn_draw *draw, size_t first, int count,
                      float *workspace) {
    for (int i = 0; i < network->layer_count; i++) {
        const cnn_layer *layer = &network->layers[i];
        if (layer->ops->draw) {
            layer->ops->draw(layer, draw, first, count, workspace + layer->kept_offset);
        }
    }
}

void cnn_network_update_averages(const cnn_network *network, const float *shared,
                                 float *parameters) {
    for (int i = 0; i < network->layer_count; i++) {
        const cnn_layer *layer = &network->layers[i];
        if (layer->batch) {
            layer->batch->update(layer, shared + layer->shared_offset,
                                 parameters + layer->parameter_offset);
        }
    }
}

/* --- image by image --- */

const float *cnn_network_forward(const cnn_network *network, const float *parameters,
                                 float *workspace) {
    return cnn_network_forward_observed(network, parameters, workspace, NULL, NULL);
}

void cnn_network_backward(const cnn_network *network, const float *parameters, float *workspace,
                          const float *logit_gradients, float *gradients) {
    cnn_network_backward_observed(network, parameters, workspace, logit_gradients, gradients, NULL,
                                  NULL);
}
