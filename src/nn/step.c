#include "nn/step.h"

#include "nn/gradient_norm.h"
#include "nn/loss.h"
#include "nn/weight_average.h"

#include <math.h>

/* One tensor of a node at most: its weight. */
enum { DECAYING_MAX = CNN_LAYERS_MAX };

/* Finds the tensors of the network that decay; returns their number. */
static size_t find_decaying(const cnn_network *network, cnn_parameter_range ranges[DECAYING_MAX]) {
    size_t count = 0;
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            const cnn_tensor *tensor = &node->tensors[t];
            if (tensor->decays) {
                ranges[count] =
                    (cnn_parameter_range){.first = tensor->offset, .count = tensor->count};
                count++;
            }
        }
    }
    return count;
}

void cnn_step_update(const cnn_step *step) {
    const float *gradients = step->gradients;
    cnn_parameter_range decaying[DECAYING_MAX];
    cnn_thread_pool *pool = cnn_minibatch_pool(step->minibatch);
    size_t count = step->network->parameter_count;
    cnn_update update = {.rate = step->learning_rate,
                         .number = step->number,
                         .scale = 1.0,
                         .slow_count = step->slow_count,
                         .slow_factor = step->slow_factor};
    if (step->optimizer->weight_decay > 0.0) {
        update.decaying = decaying;
        update.decaying_count = find_decaying(step->network, decaying);
    }
    if (step->clip_norm > 0.0) {
        update.scale = cnn_clip_scale(cnn_gradient_norm(pool, count, gradients), step->clip_norm);
    }
    cnn_optimizer_step(step->optimizer, pool, &update, count, gradients, step->optimizer_state,
                       step->parameters);
    cnn_minibatch_update_averages(step->minibatch, step->parameters);
    if (step->average) {
        cnn_weight_average_update(pool, cnn_weight_average_decay(step->ema_decay, step->number),
                                  count, step->parameters, step->average);
    }
}

double cnn_step_gradients(cnn_step *step, const cnn_sample_source *source, size_t first, size_t m,
                          int64_t *right) {
    const cnn_objective *objective = cnn_minibatch_objective(step->minibatch);
    cnn_minibatch_set_draw(step->minibatch, step->draw);
    cnn_minibatch_prepare(step->minibatch, step->parameters);
    cnn_minibatch_gradients(step->minibatch, step->parameters, source, first, m, &step->gradients,
                            step->logits, step->labels);
    double loss = 0.0;
    *right = 0;
    for (size_t i = 0; i < m; i++) {
        loss += cnn_objective_loss(objective, step->logits[i], step->labels[i]);
        *right +=
            (cnn_probability(step->logits[i]) >= (float)step->threshold) == (step->labels[i] == 1);
    }
    return loss;
}

double cnn_step_run(cnn_step *step, const cnn_sample_source *source, size_t first, size_t m,
                    int64_t *right) {
    double loss = cnn_step_gradients(step, source, first, m, right);
    if (isfinite(loss)) {
        cnn_step_update(step);
    }
    return loss;
}
