#include "bench_step.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

#include <string.h>

enum { IMAGES = 1024 };
#define PIXELS_LIMIT ((size_t)64 << 20)

size_t bench_image_count(size_t batch_size, size_t image_size) {
    size_t wanted = IMAGES > PIXELS_LIMIT / image_size ? PIXELS_LIMIT / image_size : IMAGES;
    return wanted < batch_size ? batch_size : wanted / batch_size * batch_size;
}

void bench_fill_pixels(uint8_t *pixels, size_t size) {
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t bits = cnn_random_bits(0, CNN_RANDOM_WEIGHTS, 0, i);
        memcpy(pixels + i, &bits, size - i < sizeof bits ? size - i : sizeof bits);
    }
}

void bench_fill_order(size_t *order, size_t count) {
    for (size_t i = 0; i < count; i++) {
        order[i] = cnn_random_bits(0, CNN_RANDOM_SHUFFLE, 0, i) % count;
    }
}

cnn_status bench_step_allocate(cnn_step *step, size_t batch_size, cnn_error *error) {
    size_t parameters = step->network->parameter_count;
    step->parameters = cnn_alloc(parameters, sizeof *step->parameters);
    step->optimizer_state = cnn_alloc(parameters * cnn_optimizer_state_size(step->optimizer),
                                      sizeof *step->optimizer_state);
    step->logits = cnn_alloc(batch_size, sizeof *step->logits);
    step->labels = cnn_alloc(batch_size, sizeof *step->labels);
    return step->parameters && step->optimizer_state && step->logits && step->labels
               ? CNN_OK
               : cnn_fail_memory(error, "weights");
}

void bench_step_free(cnn_step *step) {
    cnn_free(step->parameters);
    cnn_free(step->optimizer_state);
    cnn_free(step->logits);
    cnn_free(step->labels);
    cnn_minibatch_free(step->minibatch);
    cnn_network_free(step->network);
}
