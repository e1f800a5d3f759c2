/* How fast are the features of a pretrained network computed?
 *
 *     cnnfeatures FILE THREADS [SECONDS]
 *
 * Random images of the file's size. Prints images per second of many images, on THREADS threads,
 * and the milliseconds of one image on one thread: medians of passes, over SECONDS (3) each. What
 * runs on one thread is measured in time of the processor. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "model/model_file.h"
#include "model/pretrained.h"
#include "nn/inference.h"
#include "samples/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PASSES_MAX = 1000 };

typedef struct bench {
    cnn_network *network;
    cnn_inference *inference;
    cnn_pixel_table table;
    uint8_t *pixels; /* of one image */
    int threads;
    float *results; /* [threads][CNN_LANES][result size] */
} bench;

static double seconds_of(clockid_t clock) {
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double now(void) {
    return seconds_of(CLOCK_MONOTONIC);
}

/* The `fill` function of a cnn_sample_source: the same image everywhere. */
static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const bench *b = context;
    const uint8_t *images[CNN_LANES];
    (void)first, (void)labels;
    for (int lane = 0; lane < count; lane++) {
        images[lane] = b->pixels;
    }
    cnn_block_from_images(&b->table, images, count, block, x);
}

static void run(bench *b, int thread, int count) {
    const cnn_sample_source source = {.fill = fill, .context = b};
    size_t size = cnn_inference_result_size(b->inference) * CNN_LANES;
    cnn_inference_run(b->inference, thread, &source, 0, count, b->results + (size_t)thread * size,
                      NULL);
}

static void run_many(void *context, size_t i, int thread) {
    (void)i;
    run(context, thread, CNN_LANES);
}

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The median time of a pass: of one image, or of CNN_LANES images on each thread. On one thread, it
 * is that of the processor, which does not count the time of other programs. */
static double measure(bench *b, bool many, double seconds) {
    clockid_t clock = many && b->threads > 1 ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
    double times[PASSES_MAX];
    size_t count = 0;
    for (double end = now() + seconds; count < 3 || (count < PASSES_MAX && now() < end); count++) {
        double begin = seconds_of(clock);
        if (many) {
            cnn_parallel_for((size_t)b->threads, b->threads, run_many, b);
        } else {
            run(b, 0, 1);
        }
        times[count] = seconds_of(clock) - begin;
    }
    qsort(times, count, sizeof *times, ascending);
    return times[count / 2];
}

static cnn_status set_up(const char *path, bench *b, cnn_error *error) {
    const cnn_kernels *kernels = NULL;
    cnn_pretrained *file = NULL;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    CNN_TRY(cnn_pretrained_read(path, &file, error));
    cnn_network_spec spec = file->layers;
    spec.features = true;
    CNN_TRY(cnn_network_create(&spec, kernels, CNN_NETWORK_GRAPH, &b->network, error));
    CNN_TRY(cnn_inference_create(b->network, b->threads, &b->inference, error));
    float *parameters = cnn_alloc(b->network->parameter_count, sizeof *parameters);
    size_t size = cnn_shape_size(&spec.input);
    b->pixels = cnn_alloc(size, 1);
    b->results = cnn_alloc((size_t)b->threads * CNN_LANES * cnn_inference_result_size(b->inference),
                           sizeof *b->results);
    if (!parameters || !b->pixels || !b->results) {
        return CNN_ERROR_RUNTIME;
    }
    cnn_model_copy_tensors(&file->file, &b->network->graph, b->network->graph.node_count - 1,
                           parameters);
    cnn_inference_prepare(b->inference, parameters);
    cnn_pixel_table_fill(file->mean, file->deviation, &b->table);
    for (size_t i = 0; i < size; i++) {
        b->pixels[i] = (uint8_t)cnn_random_bits(1, CNN_RANDOM_SHUFFLE, 0, i);
    }
    return CNN_OK;
}

int main(int count, char **arguments) {
    cnn_error error = {0};
    bench b = {.threads = count > 2 ? atoi(arguments[2]) : 0};
    double seconds = count > 3 ? atof(arguments[3]) : 3.0;
    if (b.threads < 1) {
        (void)fprintf(stderr, "usage: cnnfeatures FILE THREADS [SECONDS]\n");
        return 2;
    }
    if (set_up(arguments[1], &b, &error) != CNN_OK) {
        (void)fprintf(stderr, "cnnfeatures: %s\n", error.message);
        return 1;
    }
    printf("%.1f images/s, %d threads; one image: %.1f ms\n",
           (double)(b.threads * CNN_LANES) / measure(&b, true, seconds), b.threads,
           1e3 * measure(&b, false, seconds));
    return 0;
}
