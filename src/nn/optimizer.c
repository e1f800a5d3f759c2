#include "optimizer.h"

size_t cnn_optimizer_state_size(const cnn_optimizer *optimizer) {
    return optimizer->kind == CNN_OPTIMIZER_MOMENTUM ? 1 : 0;
}

/* Parameters that one thread moves at a time. */
enum { CHUNK = 65536 };

typedef struct step {
    const cnn_optimizer *optimizer;
    float rate;
    size_t count;
    const float *gradients;
    float *state, *parameters;
} step;

static void step_chunk(void *context, size_t chunk, int thread) {
    (void)thread;
    const step *s = context;
    size_t first = chunk * CHUNK;
    size_t last = s->count - first < CHUNK ? s->count : first + CHUNK;
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
    step s = {.optimizer = optimizer,
              .rate = (float)rate,
              .count = count,
              .gradients = gradients,
              .state = state,
              .parameters = parameters};
    size_t chunks = (count + CHUNK - 1) / CHUNK;
    cnn_thread_pool_for(pool, chunks, (int)(chunks < 64 ? chunks : 64), step_chunk, &s);
}
