/* Runs a network in integers of 8 bits, with the functions that its C source has. */
#include "model/c_int8.h"

#include "model/c_int8_functions.inc"

static struct window window_of(const cnn_int8_step *step) {
    const cnn_int8_window *w = &step->window;
    return (struct window){w->height,       w->width,   w->channels, w->zero, w->kernel_height,
                           w->kernel_width, w->stride,  w->top,      w->left, w->out_height,
                           w->out_width,    w->filters, w->groups,   w->pool};
}

static void run_add(const cnn_int8_network *network, int n, const struct limits *limits,
                    int8_t *buffer) {
    const cnn_int8_step *step = &network->steps[n];
    const size_t *offset = network->places.offset;
    add(limits, buffer + offset[step->node->input[0]], cnn_int8_input(network, n, 0)->zero,
        step->multiplier[0], buffer + offset[step->node->input[1]],
        cnn_int8_input(network, n, 1)->zero, step->multiplier[1], step->shift[0],
        buffer + offset[n], (int32_t)step->size);
}

/* All steps but the first and the last. */
static void run_step(const cnn_int8_network *network, int n, int8_t *buffer) {
    const cnn_int8_step *step = &network->steps[n];
    const struct window window = window_of(step);
    const struct limits limits = {step->zero, step->low, step->high};
    const int8_t *x = buffer + network->places.offset[step->node->input[0]];
    int8_t *y = buffer + network->places.offset[n];
    switch (step->kind) {
    case CNN_INT8_CONVOLVE:
        convolve(&window, &limits, x, y, step->weight, step->bias, step->multiplier, step->shift);
        break;
    case CNN_INT8_DEPTHWISE:
        depthwise(&window, &limits, x, y, step->weight, step->bias, step->multiplier, step->shift);
        break;
    case CNN_INT8_MAXIMUM:
        maximum(&window, &limits, x, y);
        break;
    case CNN_INT8_AVERAGE:
        average(&window, &limits, x, y, step->multiplier[0], step->shift[0]);
        break;
    case CNN_INT8_LOOK_UP:
        look_up(x, y, step->weight, (int32_t)step->size);
        break;
    case CNN_INT8_ADD:
        run_add(network, n, &limits, buffer);
        break;
    case CNN_INT8_TRANSPOSE:
        transpose(x, y, window.height * window.width, window.channels);
        break;
    case CNN_INT8_SAME:
        if (x != y) { /* a later step needs x as it is */
            transpose(x, y, (int32_t)step->size, 1);
        }
        break;
    case CNN_INT8_IMAGE:
    case CNN_INT8_LOGIT:
        break;
    }
}

float cnn_int8_run(const cnn_int8_network *network, const uint8_t *pixels, int8_t *buffer,
                   int32_t *logit) {
    const size_t *offset = network->places.offset;
    const cnn_int8_step *image = &network->steps[0], *last = &network->steps[network->count - 1];
    quantize(pixels, buffer + offset[0], image->weight, image->window.height * image->window.width,
             image->window.channels);
    for (int n = 1; n + 1 < network->count; n++) {
        run_step(network, n, buffer);
    }
    *logit = dot(buffer + offset[last->node->input[0]], last->weight, (int32_t)last->weight_count,
                 last->window.zero) +
             last->bias[0];
    *logit = *logit < last->low ? last->low : *logit > last->high ? last->high : *logit;
    return probability(*logit, network->logit_multiplier, network->logit_shift);
}
