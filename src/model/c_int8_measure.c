#include "model/c_int8_measure.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "image/load.h"
#include "model/c_int8_images.h"
#include "model/c_int8_ranges.h"
#include "nn/minibatch.h"
#include "samples/dataset.h"

#include <math.h>

/* Images that are decoded and predicted together. */
enum { CHUNK = 64 };

/* Some images, decoded. */
typedef struct loading {
    const cnn_image_settings *settings;
    const cnn_int8_image *list;
    size_t image_size;
    uint8_t *pixels;             /* [count][image_size], planes */
    bool *readable;              /* [count] */
    cnn_image_buffers *resizing; /* [threads] */
    cnn_thread_pool *pool;
    int threads;
} loading;

static void load_image(void *context, size_t i, int thread) {
    const loading *l = context;
    cnn_error error;
    l->readable[i] = cnn_image_load(l->list[i].path, l->settings, &l->resizing[thread],
                                    l->pixels + i * l->image_size, NULL, &error) == CNN_OK;
}

/* Room for `count` images at a time. Close it with end_loading, also after a failure. */
static cnn_status begin_loading(const cnn_model *model, size_t count, int threads, loading *l,
                                cnn_error *error) {
    l->settings = &model->config->image;
    l->image_size = cnn_image_size(l->settings);
    l->threads = threads;
    l->pixels = cnn_alloc(count, l->image_size);
    l->readable = cnn_alloc(count, sizeof *l->readable);
    l->pool = cnn_thread_pool_create(threads);
    CNN_TRY(cnn_image_buffers_create(threads, &l->resizing, error));
    return l->pixels && l->readable && l->pool ? CNN_OK : cnn_fail_memory(error, "images");
}

static void end_loading(loading *l) {
    cnn_thread_pool_free(l->pool);
    cnn_image_buffers_free(l->resizing, l->threads);
    cnn_free(l->readable);
    cnn_free(l->pixels);
}

static void load(loading *l, const cnn_int8_image *list, size_t count) {
    l->list = list;
    cnn_thread_pool_for(l->pool, count, l->threads, load_image, l);
}

/* --- scales --- */

static cnn_status measure_ranges(const cnn_model *model, const cnn_int8_images *images, loading *l,
                                 cnn_int8_range *ranges, cnn_int8_result *result,
                                 cnn_error *error) {
    const uint8_t *readable[CNN_INT8_SCALING_MAX];
    load(l, images->scaling, images->scaling_count);
    for (size_t i = 0; i < images->scaling_count; i++) {
        if (l->readable[i]) {
            readable[result->scaling_images++] = l->pixels + i * l->image_size;
        } else {
            result->unreadable_images++;
        }
    }
    if (result->scaling_images == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "%s: none of %zu images for the scales can be read",
                        images->scaling[0].path, images->scaling_count);
    }
    return cnn_int8_ranges_measure(model, readable, result->scaling_images, l->threads, ranges,
                                   error);
}

static cnn_status quantize(const cnn_model *model, const cnn_int8_images *images, int threads,
                           cnn_int8_network **network, cnn_int8_result *result, cnn_error *error) {
    loading l = {0};
    cnn_int8_range *ranges = cnn_alloc((size_t)model->network->fused.node_count, sizeof *ranges);
    cnn_status status = ranges ? begin_loading(model, images->scaling_count, threads, &l, error)
                               : cnn_fail_memory(error, "the ranges of values");
    if (status == CNN_OK) {
        status = measure_ranges(model, images, &l, ranges, result, error);
    }
    end_loading(&l);
    if (status == CNN_OK) {
        status = cnn_int8_network_create(model, ranges, network, error);
    }
    cnn_free(ranges);
    return status;
}

/* --- measuring --- */

/* The images of a chunk that can be read, and their probabilities. */
typedef struct chunk {
    loading loading;
    const cnn_int8_network *network;
    cnn_pixel_table table;
    cnn_minibatch *minibatch;
    const uint8_t *images[CHUNK]; /* planes */
    int labels[CHUNK];
    size_t count;
    float exact[CHUNK], quantized[CHUNK];
    uint8_t *interleaved; /* [threads][image_size] */
    int8_t *buffers;      /* [threads][network->places.size] */
} chunk;

static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const chunk *c = context;
    (void)labels;
    cnn_block_from_images(&c->table, c->images + first, count, block, x);
}

static void run_quantized(void *context, size_t i, int thread) {
    chunk *c = context;
    const cnn_image_settings *settings = c->loading.settings;
    size_t channels = (size_t)settings->channels, size = c->loading.image_size;
    uint8_t *pixels = c->interleaved + (size_t)thread * size;
    for (size_t k = 0; k < size; k++) {
        pixels[k] = c->images[i][k % channels * (size / channels) + k / channels];
    }
    int32_t logit;
    c->quantized[i] = cnn_int8_run(c->network, pixels,
                                   c->buffers + (size_t)thread * c->network->places.size, &logit);
}

static void predict_chunk(chunk *c) {
    const cnn_model *model = c->network->model;
    const cnn_sample_source source = {.fill = fill, .context = c};
    cnn_minibatch_forward(c->minibatch, model->parameters, &source, 0, c->count, c->exact, NULL);
    for (size_t i = 0; i < c->count; i++) {
        c->exact[i] = cnn_probability(c->exact[i] / (float)model->info.temperature);
    }
    cnn_thread_pool_for(c->loading.pool, c->count, c->loading.threads, run_quantized, c);
}

/* Adds what a chunk shows, in the order of its images. */
static void add_chunk(const chunk *c, cnn_int8_result *result) {
    float threshold = (float)c->network->model->info.threshold;
    for (size_t i = 0; i < c->count; i++) {
        double difference = fabs((double)c->exact[i] - (double)c->quantized[i]);
        bool exact = c->exact[i] >= threshold, quantized = c->quantized[i] >= threshold;
        result->measured_images++;
        result->mean_difference += difference;
        result->largest_difference =
            difference > result->largest_difference ? difference : result->largest_difference;
        result->changed_decisions += exact != quantized;
        if (c->labels[i] != CNN_INT8_NO_LABEL) {
            result->labelled_images++;
            result->correct_float += exact == (c->labels[i] == 1);
            result->correct_int8 += quantized == (c->labels[i] == 1);
        }
    }
}

static void measure_chunk(chunk *c, const cnn_int8_image *list, size_t count,
                          cnn_int8_result *result) {
    load(&c->loading, list, count);
    c->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (c->loading.readable[i]) {
            c->images[c->count] = c->loading.pixels + i * c->loading.image_size;
            c->labels[c->count++] = list[i].label;
        } else {
            result->unreadable_images++;
        }
    }
    predict_chunk(c);
    add_chunk(c, result);
}

static cnn_status begin_measuring(const cnn_int8_network *network, int threads, chunk *c,
                                  cnn_error *error) {
    const cnn_model *model = network->model;
    c->network = network;
    cnn_pixel_table_fill(model->info.mean, model->info.deviation, &c->table);
    CNN_TRY(begin_loading(model, CHUNK, threads, &c->loading, error));
    CNN_TRY(cnn_minibatch_create(model->network, 0, threads, &c->minibatch, error));
    c->interleaved = cnn_alloc((size_t)threads, c->loading.image_size);
    c->buffers = cnn_alloc((size_t)threads, network->places.size);
    return c->interleaved && c->buffers ? CNN_OK : cnn_fail_memory(error, "images");
}

static cnn_status measure(const cnn_int8_network *network, const cnn_int8_images *images,
                          int threads, cnn_int8_result *result, cnn_error *error) {
    chunk *c = cnn_alloc(1, sizeof *c);
    if (!c) {
        return cnn_fail_memory(error, "images");
    }
    cnn_status status = begin_measuring(network, threads, c, error);
    for (size_t first = 0; status == CNN_OK && first < images->measured_count; first += CHUNK) {
        size_t left = images->measured_count - first;
        measure_chunk(c, images->measured + first, left < CHUNK ? left : CHUNK, result);
    }
    if (result->measured_images > 0) {
        result->mean_difference /= (double)result->measured_images;
    }
    cnn_minibatch_free(c->minibatch);
    end_loading(&c->loading);
    cnn_free(c->interleaved);
    cnn_free(c->buffers);
    cnn_free(c);
    return status;
}

cnn_status cnn_int8_make(const cnn_model *model, const char *const *paths, size_t count,
                         int threads, cnn_int8_network **network, cnn_int8_result *result,
                         cnn_error *error) {
    cnn_int8_images images;
    *network = NULL;
    *result = (cnn_int8_result){0};
    threads = threads > 0 ? threads : cnn_default_threads();
    cnn_status status =
        cnn_int8_images_find(paths, count, model->info.classes, threads, &images, error);
    if (status == CNN_OK) {
        status = quantize(model, &images, threads, network, result, error);
    }
    if (status == CNN_OK) {
        status = measure(*network, &images, threads, result, error);
    }
    cnn_int8_images_free(&images);
    if (status != CNN_OK) {
        cnn_int8_network_free(*network);
        *network = NULL;
    }
    return status;
}
