#include "optimizer.h"

size_t cnn_optimizer_state_size(const cnn_optimizer *optimizer) {
    return optimizer->kind == CNN_OPTIMIZER_MOMENTUM ? 1 : 0;
}

/* Parameters below which another thread costs more than it brings: some ten microseconds of work.
 */
enum { PARAMETERS_PER_THREAD = 32768 };

typedef struct step {
    const cnn_optimizer *optimizer;
    float rate;
    size_t count, parts;
    const float *gradients;
    float *state, *parameters;
} step;

static void step_part(void *context, size_t part, int thread) {
    (void)thread;
    const step *s = context;
    size_t first = s->count * part / s->parts;
    size_t last = s->count * (part + 1) / s->parts;
    float rate = s->rate;
    float momentum = (float)s->optimizer->momentum;
    const float *gradients = s->gradients;
    float *state = s->state;
    float *parameters = s->parameters;
    switch (s->optimizer->kind) {
    case CNN_OPTIMIZER_SGD:
        for (size_t i = first; i < last; i++) {
            parameters[i] -= rate * gradients[i];
        }
        break;
    case CNN_OPTIMIZER_MOMENTUM:
        for (size_t i = first; i < last; i++) {
            state[i] = momentum * state[i] + gradients[i];
            parameters[i] -= rate * state[i];
        }
        break;
    }
}

void cnn_optimizer_step(const cnn_optimizer *optimizer, cnn_thread_pool *pool, double rate,
                        size_t count, const float *gradients, float *state, float *parameters) {
    size_t useful = count / PARAMETERS_PER_THREAD + 1;
    size_t threads = (size_t)cnn_thread_pool_threads(pool);
    step s = {.optimizer = optimizer,
              .rate = (float)rate,
              .count = count,
              .parts = useful < threads ? useful : threads,
              .gradients = gradients,
              .state = state,
              .parameters = parameters};
    cnn_thread_pool_for(pool, s.parts, (int)s.parts, step_part, &s);
}
