#include "optimizer.h"

size_t cnn_optimizer_state_size(const cnn_optimizer *optimizer) {
    return optimizer->kind == CNN_OPTIMIZER_MOMENTUM ? 1 : 0;
}

void cnn_optimizer_step(const cnn_optimizer *optimizer, double rate, size_t count,
                        const float *gradients, float *state, float *parameters) {
    float step = (float)rate;
    float momentum = (float)optimizer->momentum;
    switch (optimizer->kind) {
    case CNN_OPTIMIZER_SGD:
        for (size_t i = 0; i < count; i++) {
            parameters[i] -= step * gradients[i];
        }
        break;
    case CNN_OPTIMIZER_MOMENTUM:
        for (size_t i = 0; i < count; i++) {
            state[i] = momentum * state[i] + gradients[i];
            parameters[i] -= step * state[i];
        }
        break;
    }
}
