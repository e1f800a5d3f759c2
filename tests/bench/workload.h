/* What is measured: the network of a config in training, on images made of random bytes. */
#ifndef CNN_BENCH_WORKLOAD_H
#define CNN_BENCH_WORKLOAD_H

#include "config/config.h"
#include "samples/dataset.h"
#include "nn/step.h"

/* Images of a config's size, shared by all workloads on it. */
typedef struct bench_images {
    size_t count;      /* a multiple of the batch size */
    size_t image_size; /* bytes */
    uint8_t *pixels;   /* [count][image_size] */
    size_t *order;     /* [count], a shuffled epoch's */
    cnn_pixel_table table;
} bench_images;

CNN_MUST_USE cnn_status bench_images_create(const cnn_config *config, bench_images *images,
                                            cnn_error *error);
void bench_images_free(bench_images *images);

typedef struct bench_workload {
    const cnn_config *config;
    cnn_isa isa;
    int threads;
    cnn_optimizer optimizer;
    cnn_sample_source source; /* of a bench_images */
    size_t image_count, batch_size;
    size_t next; /* position of the next batch in the source */
    cnn_step step;
} bench_workload;

/* A network in training. Images and config stay the caller's. Free with bench_workload_free. */
CNN_MUST_USE cnn_status bench_workload_create(const cnn_config *config, bench_images *images,
                                              cnn_isa isa, int threads, bench_workload **workload,
                                              cnn_error *error);
void bench_workload_free(bench_workload *workload);

/* Back to the starting weights and the first batch. */
void bench_workload_restart(bench_workload *workload);

/* One step, as the trainer does it; returns the sum of the losses. */
double bench_workload_step(bench_workload *workload);

/* Multiplications and additions that a step does for one image by the definition of each layer:
 * forward, and again for the gradient of its weights and for that of its input where they are
 * needed. Of layers without weights, which neither multiply nor add, nothing counts. */
double bench_step_flops(const cnn_network *network);

#endif
