/* The work of one of several processes that train a network on random images: what the trainer does
 * with each batch. */
#ifndef CNN_BENCH_RANK_WORK_H
#define CNN_BENCH_RANK_WORK_H

#include "recorded_transport.h"

#include "config/config.h"
#include "model/pretrained.h"
#include "nn/step.h"
#include "samples/fetch.h"

/* What is trained, and how. */
typedef struct bench_task {
    cnn_config *config;         /* its network, optimizer and augmentation; or … */
    cnn_pretrained *pretrained; /* … all weights of this file, by SGD; the other is NULL */
    size_t batch_size;
    int threads;
    int side; /* of square images; 0: as the config or the file has them */
} bench_task;

typedef struct bench_rank_work {
    const bench_task *task;
    cnn_ranks ranks;
    cnn_optimizer optimizer;
    cnn_step step;
    cnn_background *background; /* NULL with one process, and so is … */
    cnn_fetch *fetch;
    cnn_dataset dataset;
    cnn_pixel_table table;
    size_t *order;
    cnn_dataset_source images;
    cnn_sample_source source;
    size_t next; /* position of the next batch */
    bool fetching;
} bench_rank_work;

/* task and transport stay the caller's. The struct must stay where it is. Free with
 * bench_rank_work_free, also after a failure. */
CNN_MUST_USE cnn_status bench_rank_work_create(const bench_task *task,
                                               const cnn_transport *transport,
                                               bench_rank_work *work, cnn_error *error);
void bench_rank_work_free(bench_rank_work *work);

typedef struct bench_rank_step {
    double gradients; /* seconds until the gradients of the batch were there … */
    double all;       /* … and until the end of the step */
    double processor; /* of which this thread computed */
} bench_rank_step;

/* One step, with its messages. */
bench_rank_step bench_rank_work_step(bench_rank_work *work);

#endif
