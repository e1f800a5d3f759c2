/* How fast are all weights of a pretrained network trained, with pretrained.train "all"?
 *
 *     cnntraining FILE THREADS [STEPS]
 *
 * Steps of SGD on batches of 32 random images of the file's size, after a first one that is not
 * measured; a dense layer with one unit follows the layers of the file. Prints images per second of
 * wall time and of processor time of all threads together, medians of STEPS (7), the memory of
 * the steps, and a hash of the parameters after them, which shows that two programs compute the
 * same. */
#include "whole_network.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/step.h"
#include "samples/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 32, STEPS_MAX = 1000 };

typedef struct bench {
    cnn_network *network;
    cnn_minibatch *minibatch;
    cnn_optimizer optimizer;
    cnn_pixel_table table;
    uint8_t *pixels; /* of an image, and some more: each image starts at another byte */
    float *parameters;
    float logits[BATCH];
    uint8_t labels[BATCH];
} bench;

static double seconds(clockid_t clock) {
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The `fill` function of a cnn_sample_source. */
static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const bench *b = context;
    const uint8_t *images[CNN_LANES];
    for (int lane = 0; lane < count; lane++) {
        images[lane] = b->pixels + first + (size_t)lane;
        labels[lane] = (uint8_t)(lane % 2);
    }
    cnn_block_from_images(&b->table, images, count, block, x);
}

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *times, size_t count) {
    qsort(times, count, sizeof *times, ascending);
    return times[count / 2];
}

static void measure(bench *b, int threads, size_t steps) {
    double wall[STEPS_MAX] = {0}, processor[STEPS_MAX] = {0};
    const cnn_sample_source source = {.fill = fill, .context = b};
    cnn_step step = {.network = b->network,
                     .minibatch = b->minibatch,
                     .optimizer = &b->optimizer,
                     .learning_rate = 1e-4,
                     .threshold = 0.5,
                     .parameters = b->parameters,
                     .logits = b->logits,
                     .labels = b->labels};
    for (size_t i = 0; i <= steps; i++) {
        int64_t right;
        double begin = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID);
        step.number++;
        (void)cnn_step_run(&step, &source, 0, BATCH, &right);
        if (i > 0) {
            wall[i - 1] = seconds(CLOCK_MONOTONIC) - begin;
            processor[i - 1] = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
        }
    }
    size_t bytes = b->network->parameter_count * sizeof *b->parameters;
    printf("%.1f images/s, %d threads; %.1f images/s of processor time; %.0f MB; parameters "
           "%016" PRIx64 "\n",
           BATCH / median(wall, steps), threads, BATCH / median(processor, steps),
           1e-6 * (double)cnn_minibatch_memory(b->network, BATCH, threads, NULL),
           cnn_xxh3_64(b->parameters, bytes));
}

static cnn_status set_up(const char *path, int threads, bench *b, cnn_error *error) {
    const cnn_kernels *kernels = NULL;
    cnn_pretrained *file = NULL;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    CNN_TRY(cnn_pretrained_read(path, &file, error));
    CNN_TRY(bench_whole_network(file, file->layers.input.height, kernels, &b->network, error));
    CNN_TRY(cnn_minibatch_create(b->network, BATCH, threads, &b->minibatch, error));
    b->parameters = cnn_alloc(b->network->parameter_count, sizeof *b->parameters);
    size_t size = cnn_shape_size(&file->layers.input) + BATCH;
    b->pixels = cnn_alloc(size, 1);
    if (!b->parameters || !b->pixels) {
        return CNN_ERROR_RUNTIME;
    }
    bench_whole_parameters(file, b->network, b->parameters);
    cnn_pixel_table_fill(file->mean, file->deviation, &b->table);
    for (size_t i = 0; i < size; i++) {
        b->pixels[i] = (uint8_t)cnn_random_bits(1, CNN_RANDOM_SHUFFLE, 0, i);
    }
    return CNN_OK;
}

int main(int count, char **arguments) {
    cnn_error error = {0};
    bench b = {.optimizer = {.kind = CNN_OPTIMIZER_SGD}};
    int threads = count > 2 ? atoi(arguments[2]) : 0;
    int steps = count > 3 ? atoi(arguments[3]) : 7;
    if (threads < 1 || steps < 1 || steps > STEPS_MAX) {
        (void)fprintf(stderr, "usage: cnntraining FILE THREADS [STEPS]\n");
        return 2;
    }
    if (set_up(arguments[1], threads, &b, &error) != CNN_OK) {
        (void)fprintf(stderr, "cnntraining: %s\n", error.message);
        return 1;
    }
    measure(&b, threads, (size_t)steps);
    return 0;
}
