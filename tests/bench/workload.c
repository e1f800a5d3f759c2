#include "workload.h"

#include "bench_step.h"

#include "base/error.h"
#include "base/memory.h"
#include "run/training_settings.h"

#include <string.h>

cnn_status bench_images_create(const cnn_config *config, bench_images *images, cnn_error *error) {
    *images = (bench_images){.image_size = cnn_image_size(&config->image)};
    images->count = bench_image_count((size_t)config->train.batch_size, images->image_size);
    images->pixels = cnn_alloc(images->count, images->image_size);
    images->order = cnn_alloc(images->count, sizeof *images->order);
    if (!images->pixels || !images->order) {
        bench_images_free(images);
        return cnn_fail_memory(error, "images");
    }
    bench_fill_pixels(images->pixels, images->count * images->image_size);
    bench_fill_order(images->order, images->count);
    const double mean[3] = {0.0, 0.0, 0.0}, deviation[3] = {1.0, 1.0, 1.0};
    cnn_pixel_table_fill(mean, deviation, &images->table);
    return CNN_OK;
}

void bench_images_free(bench_images *images) {
    cnn_free(images->pixels);
    cnn_free(images->order);
    *images = (bench_images){0};
}

static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const bench_images *images = context;
    const uint8_t *lanes[CNN_LANES];
    for (int i = 0; i < count; i++) {
        size_t index = images->order[first + (size_t)i];
        lanes[i] = images->pixels + index * images->image_size;
        if (labels) {
            labels[i] = index % 2 == 1;
        }
    }
    cnn_block_from_images(&images->table, lanes, count, block, x);
}

cnn_status bench_workload_create(const cnn_config *config, bench_images *images, cnn_isa isa,
                                 int threads, bench_workload **out, cnn_error *error) {
    *out = NULL;
    bench_workload *w = cnn_alloc(1, sizeof *w);
    if (!w) {
        return cnn_fail_memory(error, "a workload");
    }
    *w = (bench_workload){
        .config = config,
        .isa = isa,
        .threads = threads,
        .optimizer = cnn_settings_optimizer(config),
        .source = {.fill = fill, .context = images},
        .image_count = images->count,
        .batch_size = (size_t)config->train.batch_size,
    };
    cnn_step *step = &w->step;
    cnn_status status = cnn_network_create(&config->network, cnn_kernels_for(isa), CNN_NETWORK_FAST,
                                           &step->network, error);
    if (status == CNN_OK) {
        status =
            cnn_minibatch_create(step->network, w->batch_size, threads, &step->minibatch, error);
    }
    step->optimizer = &w->optimizer;
    step->learning_rate = config->train.schedule.rate;
    step->clip_norm = config->train.clip_norm;
    step->threshold = 0.5;
    if (status == CNN_OK) {
        status = bench_step_allocate(step, w->batch_size, error);
    }
    if (status != CNN_OK) {
        bench_workload_free(w);
        return status;
    }
    bench_workload_restart(w);
    *out = w;
    return CNN_OK;
}

void bench_workload_free(bench_workload *w) {
    if (w) {
        bench_step_free(&w->step);
        cnn_free(w);
    }
}

void bench_workload_restart(bench_workload *w) {
    const cnn_network *network = w->step.network;
    size_t state = network->parameter_count * cnn_optimizer_state_size(&w->optimizer);
    cnn_network_initialize(network, (uint64_t)w->config->train.seed, w->step.parameters);
    memset(w->step.optimizer_state, 0, state * sizeof *w->step.optimizer_state);
    w->next = 0;
    w->step.number = 1;
}

double bench_workload_step(bench_workload *w) {
    int64_t right;
    double loss = cnn_step_run(&w->step, &w->source, w->next, w->batch_size, &right);
    w->step.number++;
    w->next = (w->next + w->batch_size) % w->image_count;
    return loss;
}

double bench_step_flops(const cnn_network *network) {
    double flops = 0.0;
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        if (node->parameter_count > 0) {
            flops += cnn_node_flops(node) * (node->needs_dx ? 3.0 : 2.0);
        }
    }
    return flops;
}
