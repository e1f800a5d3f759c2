#include "step.h"

#include "loss.h"

#include <math.h>

double cnn_step_run(const cnn_step *step, const cnn_sample_source *source, size_t first, size_t m,
                    int64_t *right) {
    const float *gradients;
    cnn_minibatch_set_draw(step->minibatch, step->draw);
    cnn_minibatch_prepare(step->minibatch, step->parameters);
    cnn_minibatch_gradients(step->minibatch, step->parameters, source, first, m, &gradients,
                            step->logits, step->labels);
    double loss = 0.0;
    *right = 0;
    for (size_t i = 0; i < m; i++) {
        loss += cnn_loss(step->logits[i], step->labels[i]);
        *right +=
            (cnn_probability(step->logits[i]) >= (float)step->threshold) == (step->labels[i] == 1);
    }
    if (isfinite(loss)) {
        cnn_optimizer_step(step->optimizer, cnn_minibatch_pool(step->minibatch),
                           step->learning_rate, step->network->parameter_count, gradients,
                           step->optimizer_state, step->parameters);
        cnn_minibatch_update_averages(step->minibatch, step->parameters);
    }
    return loss;
}
