#include "rank_work.h"

#include "bench_step.h"
#include "whole_network.h"

#include "base/error.h"
#include "base/memory.h"
#include "run/clock.h"
#include "run/training_settings.h"

/* --- images --- */

/* A dataset of which this process holds its share, as after cnn_share_load. */
static cnn_status make_images(bench_rank_work *w, const cnn_shape *shape, cnn_error *error) {
    cnn_dataset *d = &w->dataset;
    const double mean[3] = {0.5, 0.5, 0.5}, deviation[3] = {0.3, 0.3, 0.3};
    size_t ranks = (size_t)cnn_rank_count(&w->ranks);
    d->image_size = cnn_shape_size(shape);
    d->count = bench_image_count(w->task->batch_size, d->image_size);
    d->ranks = ranks > 1 ? &w->ranks : NULL;
    size_t bytes = ((d->count + ranks - 1) / ranks) * d->image_size;
    d->samples = cnn_alloc(d->count, sizeof *d->samples);
    d->images.memory = cnn_alloc(bytes, 1);
    w->order = cnn_alloc(d->count, sizeof *w->order);
    if (!d->samples || !d->images.memory || !w->order) {
        return cnn_fail_memory(error, "images");
    }
    d->images.pixels = d->images.memory;
    bench_fill_pixels(d->images.memory, bytes);
    bench_fill_order(w->order, d->count);
    for (size_t i = 0; i < d->count; i++) {
        d->samples[i] = (cnn_sample){.label = (int)(i % 2), .row = i};
    }
    cnn_pixel_table_fill(mean, deviation, &w->table);
    w->images = (cnn_dataset_source){.dataset = d,
                                     .table = &w->table,
                                     .order = w->order,
                                     .augment = w->task->config ? &w->task->config->augment : NULL,
                                     .epoch = 1};
    w->source = (cnn_sample_source){.fill = cnn_dataset_fill, .context = &w->images};
    return CNN_OK;
}

/* --- the network --- */

static cnn_status make_network(bench_rank_work *w, cnn_shape *input, cnn_error *error) {
    const bench_task *task = w->task;
    const cnn_kernels *kernels = NULL;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    if (task->pretrained) {
        *input = task->pretrained->layers.input;
        input->height = input->width = task->side > 0 ? task->side : input->height;
        w->optimizer = (cnn_optimizer){.kind = CNN_OPTIMIZER_SGD};
        return bench_whole_network(task->pretrained, input->height, kernels, &w->step.network,
                                   error);
    }
    cnn_network_spec spec = task->config->network;
    spec.input.height = task->side > 0 ? task->side : spec.input.height;
    spec.input.width = task->side > 0 ? task->side : spec.input.width;
    *input = spec.input;
    w->optimizer = cnn_settings_optimizer(task->config);
    return cnn_network_create(&spec, kernels, CNN_NETWORK_FAST, &w->step.network, error);
}

static cnn_status make_step(bench_rank_work *w, cnn_error *error) {
    cnn_step *step = &w->step;
    step->optimizer = &w->optimizer;
    step->learning_rate = 1e-5; /* gradients are not those of the batch if others are missing */
    step->threshold = 0.5;
    CNN_TRY(bench_step_allocate(step, w->task->batch_size, error));
    if (w->task->pretrained) {
        bench_whole_parameters(w->task->pretrained, step->network, step->parameters);
    } else {
        cnn_network_initialize(step->network, 1, step->parameters);
    }
    return CNN_OK;
}

cnn_status bench_rank_work_create(const bench_task *task, const cnn_transport *transport,
                                  bench_rank_work *w, cnn_error *error) {
    cnn_shape input;
    *w = (bench_rank_work){.task = task, .ranks = {.transport = transport}};
    CNN_TRY(make_network(w, &input, error));
    CNN_TRY(make_step(w, error));
    CNN_TRY(make_images(w, &input, error));
    if (w->dataset.ranks) {
        cnn_minibatch_choose_ahead(&w->ranks, task->batch_size, task->threads);
        CNN_TRY(cnn_background_create(w->ranks.ahead, &w->background, error));
        CNN_TRY(cnn_fetch_create(&w->dataset, w->background, task->batch_size, &w->fetch, error));
    }
    return cnn_minibatch_create_shared(w->step.network, task->batch_size, task->threads, &w->ranks,
                                       w->background, &w->step.minibatch, error);
}

void bench_rank_work_free(bench_rank_work *w) {
    cnn_background_free(w->background); /* before what its jobs use */
    cnn_fetch_free(w->fetch);
    bench_step_free(&w->step);
    cnn_free(w->dataset.samples);
    cnn_free(w->dataset.images.memory);
    cnn_free(w->order);
}

/* --- a step: as in run/trainer.c and run/interruption.c --- */

static void fetch(bench_rank_work *w, size_t first) {
    size_t count = w->task->batch_size;
    if (!w->fetch) {
        return;
    }
    if (!w->fetching) {
        cnn_fetch_start(w->fetch, &w->images, first, count);
    }
    cnn_fetch_take(w->fetch, &w->images);
    cnn_fetch_start(w->fetch, &w->images, w->next, count);
    w->fetching = true;
}

bench_rank_step bench_rank_work_step(bench_rank_work *w) {
    int64_t right;
    double begin = cnn_clock_seconds(), used = bench_thread_seconds();
    size_t first = w->next;
    w->next = (first + w->task->batch_size) % w->dataset.count;
    fetch(w, first);
    w->step.number++;
    w->step.draw.step++;
    (void)cnn_step_gradients(&w->step, &w->source, first, w->task->batch_size, &right);
    double gradients = cnn_clock_seconds() - begin;
    cnn_step_update(&w->step);
    (void)cnn_ranks_or(&w->ranks, 0); /* stop? write a checkpoint? */
    return (bench_rank_step){.gradients = gradients,
                             .all = cnn_clock_seconds() - begin,
                             .processor = bench_thread_seconds() - used};
}
