#include "run/predict_measured.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "model/model_file.h"
#include "nn/loss.h"
#include "run/predictor.h"
#include "run/setup.h"
#include "samples/dataset.h"
#include "stats/calibration.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct cnn_predictor {
    cnn_model *model;
    cnn_containers *containers; /* that images were read from */
    cnn_pixel_table table;
};

/* Images that are decoded before the network runs on them, at most … */
enum { CHUNK = 512 };
/* … and at most this many bytes (but always a block). */
#define CHUNK_BYTES ((size_t)64 << 20)

static const char no_number[] = "the output of the network is not a number: its values overflow";

cnn_status cnn_predictor_load(const char *path, cnn_predictor **out, cnn_error *error) {
    const cnn_kernels *kernels;
    bool direct_only;
    *out = NULL;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    /* checked here, so that a wrong CNN_CONV is not reported as an error of the model */
    CNN_TRY(cnn_conv_choose(&direct_only, error));
    cnn_predictor *predictor = cnn_alloc(1, sizeof *predictor);
    if (!predictor) {
        return cnn_fail_memory(error, path);
    }
    predictor->containers = cnn_containers_create();
    cnn_status status = predictor->containers
                            ? cnn_model_read(path, kernels, &predictor->model, error)
                            : cnn_fail_memory(error, path);
    if (status != CNN_OK) {
        cnn_predictor_free(predictor);
        return status;
    }
    cnn_pixel_table_fill(predictor->model->info.mean, predictor->model->info.deviation,
                         &predictor->table);
    *out = predictor;
    return CNN_OK;
}

void cnn_predictor_free(cnn_predictor *predictor) {
    if (predictor) {
        cnn_containers_free(predictor->containers);
        cnn_model_free(predictor->model);
        cnn_free(predictor);
    }
}

const char *cnn_predictor_class(const cnn_predictor *predictor, int label) {
    return predictor->model->info.classes[label ? 1 : 0];
}

float cnn_predictor_threshold(const cnn_predictor *predictor) {
    return (float)predictor->model->info.threshold;
}

void cnn_predictor_limit_pixels(cnn_predictor *predictor, double max_megapixels, const char *name) {
    cnn_image_settings *settings = &predictor->model->config->image;
    settings->max_megapixels = max_megapixels > 0.0 ? max_megapixels : settings->max_megapixels;
    settings->max_megapixels_name = name;
}

const cnn_model *cnn_predictor_model(const cnn_predictor *predictor) {
    return predictor->model;
}

const cnn_pixel_table *cnn_predictor_table(const cnn_predictor *predictor) {
    return &predictor->table;
}

void cnn_prediction_fail(cnn_status status, const cnn_error *error, cnn_prediction *prediction) {
    *prediction = (cnn_prediction){.status = status};
    (void)snprintf(prediction->reason, sizeof prediction->reason, "%.*s",
                   (int)sizeof prediction->reason - 1, error->message);
}

void cnn_prediction_set(const cnn_predictor *predictor, float output, cnn_prediction *prediction) {
    cnn_temperature_apply(predictor->model->info.temperature, &output, 1);
    prediction->logit = output;
    prediction->probability = cnn_probability(output);
    if (isnan(prediction->probability)) {
        prediction->status = CNN_ERROR_DATA;
        (void)snprintf(prediction->reason, sizeof prediction->reason, "%s", no_number);
    }
}

/* --- one image --- */

/* The `fill` function of a cnn_sample_source: the image, once. */
typedef struct one_image {
    const cnn_predictor *predictor;
    const uint8_t *pixels;
} one_image;

static void fill_one(void *context, size_t first, int count, const cnn_block *block, float *x,
                     uint8_t *labels) {
    const one_image *image = context;
    (void)first, (void)labels;
    cnn_block_from_images(&image->predictor->table, &image->pixels, count, block, x);
}

/* pixels: [channels][height][width], as the network sees them. */
static cnn_status predict_one(const cnn_predictor *predictor, const uint8_t *pixels,
                              float *probability, cnn_error *error) {
    const cnn_model *model = predictor->model;
    one_image image = {.predictor = predictor, .pixels = pixels};
    const cnn_sample_source source = {.fill = fill_one, .context = &image};
    cnn_minibatch *minibatch;
    float logit;
    CNN_TRY(cnn_minibatch_create(model->network, 0, 1, &minibatch, error));
    cnn_minibatch_forward(minibatch, model->parameters, &source, 0, 1, &logit, NULL);
    cnn_minibatch_free(minibatch);
    cnn_temperature_apply(model->info.temperature, &logit, 1);
    *probability = cnn_probability(logit);
    return isnan(*probability) ? cnn_fail(error, CNN_ERROR_DATA, "%s", no_number) : CNN_OK;
}

cnn_status cnn_predict_file(const cnn_predictor *predictor, const char *path, float *probability,
                            cnn_error *error) {
    const cnn_image_settings *settings = &predictor->model->config->image;
    uint8_t *pixels = cnn_alloc(cnn_image_size(settings), 1);
    if (!pixels) {
        return cnn_fail_memory(error, "a prediction");
    }
    cnn_image_buffers *buffers;
    cnn_status status = cnn_image_buffers_create(1, &buffers, error);
    if (status == CNN_OK) {
        cnn_image_buffers_borrow(buffers, 1, predictor->containers);
        status = cnn_image_load(path, settings, buffers, pixels, NULL, error);
        cnn_image_buffers_free(buffers, 1);
    }
    if (status == CNN_OK) {
        status = predict_one(predictor, pixels, probability, error);
    }
    cnn_free(pixels);
    return status;
}

cnn_status cnn_predict_pixels(const cnn_predictor *predictor, const uint8_t *from, int width,
                              int height, int channels, size_t stride, float *probability,
                              cnn_error *error) {
    const cnn_image_settings *settings = &predictor->model->config->image;
    uint8_t *pixels = cnn_alloc(cnn_image_size(settings), 1);
    if (!pixels) {
        return cnn_fail_memory(error, "a prediction");
    }
    const cnn_pixels given = {
        .bytes = from, .width = width, .height = height, .channels = channels, .stride = stride};
    cnn_status status = cnn_image_adjust_and_convert(&given, settings, NULL, pixels, error);
    if (status == CNN_OK) {
        status = predict_one(predictor, pixels, probability, error);
    }
    cnn_free(pixels);
    return status;
}

/* --- many files --- */

/* At most CHUNK files, from number `first` of the order. */
typedef struct chunk {
    const cnn_predictor *predictor;
    size_t first;
    size_t *order;               /* of all files: in which they are decoded; NULL: as listed */
    const char *const *paths;    /* of all files, … */
    cnn_prediction *predictions; /* … which have the others in the same places */
    cnn_image_quality *quality;  /* NULL: not measured */
    size_t image_size;
    uint8_t *pixels;             /* [CHUNK][image_size] */
    cnn_image_buffers *resizing; /* [threads] */
    size_t readable[CHUNK];
} chunk;

/* The number of the chunk's file i among all files. */
static size_t number_of(const chunk *c, size_t i) {
    return c->order ? c->order[c->first + i] : c->first + i;
}

static void decode(void *context, size_t i, int thread) {
    chunk *c = context;
    cnn_error error;
    const size_t number = number_of(c, i);
    cnn_prediction *prediction = &c->predictions[number];
    *prediction = (cnn_prediction){0};
    const cnn_image_settings *settings = &c->predictor->model->config->image;
    uint8_t *pixels = c->pixels + i * c->image_size;
    prediction->status =
        cnn_image_load(c->paths[number], settings, &c->resizing[thread], pixels, NULL, &error);
    if (prediction->status == CNN_OK && c->quality) {
        prediction->status =
            cnn_image_quality_measure(pixels, settings, &c->quality[number], &error);
    }
    if (prediction->status != CNN_OK) {
        cnn_prediction_fail(prediction->status, &error, prediction);
    }
}

static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    (void)labels;
    const chunk *c = context;
    const uint8_t *images[CNN_LANES];
    for (int lane = 0; lane < count; lane++) {
        images[lane] = c->pixels + c->readable[first + (size_t)lane] * c->image_size;
    }
    cnn_block_from_images(&c->predictor->table, images, count, block, x);
}

/* Predicts the files of a chunk. */
static void predict_chunk(chunk *c, size_t size, int threads, cnn_minibatch *minibatch) {
    const cnn_model *model = c->predictor->model;
    float logits[CHUNK];
    size_t readable = 0;
    cnn_sample_source source = {.fill = fill, .context = c};
    cnn_thread_pool_for(cnn_minibatch_pool(minibatch), size, threads, decode, c);
    for (size_t i = 0; i < size; i++) {
        if (c->predictions[number_of(c, i)].status == CNN_OK) {
            c->readable[readable++] = i;
        }
    }
    cnn_minibatch_forward(minibatch, model->parameters, &source, 0, readable, logits, NULL);
    for (size_t i = 0; i < readable; i++) {
        cnn_prediction_set(c->predictor, logits[i], &c->predictions[number_of(c, c->readable[i])]);
    }
}

/* Files of a chunk: as many as fit into CHUNK_BYTES, but at least a block, and no more than there
 * are. */
static size_t chunk_size(size_t image_size, size_t count) {
    size_t most = CHUNK_BYTES / image_size < CNN_LANES ? CNN_LANES : CHUNK_BYTES / image_size;
    most = most < CHUNK ? most : CHUNK;
    return count < most ? count : most;
}

/* c->pixels: space for chunk_size files. c->resizing: [threads]. */
static cnn_status predict_all(chunk *c, size_t count, int threads, cnn_error *error) {
    cnn_minibatch *minibatch;
    size_t most = chunk_size(c->image_size, count);
    size_t blocks = (most + CNN_LANES - 1) / CNN_LANES;
    int useful = blocks < (size_t)threads && blocks > 0 ? (int)blocks : threads;
    CNN_TRY(cnn_minibatch_create(c->predictor->model->network, 0, useful, &minibatch, error));
    for (c->first = 0; c->first < count; c->first += most) {
        size_t left = count - c->first;
        predict_chunk(c, left < most ? left : most, threads, minibatch);
    }
    cnn_minibatch_free(minibatch);
    return CNN_OK;
}

cnn_status cnn_predict_measured(const cnn_predictor *predictor, const char *const *paths,
                                size_t count, int threads, cnn_prediction *predictions,
                                cnn_image_quality *quality, cnn_error *error) {
    chunk *c = cnn_alloc(1, sizeof *c);
    if (!c) {
        return cnn_fail_memory(error, "predictions");
    }
    threads = cnn_setup_threads(threads);
    c->predictor = predictor;
    c->paths = paths;
    c->predictions = predictions;
    c->quality = quality;
    c->image_size = cnn_image_size(&predictor->model->config->image);
    c->pixels = cnn_alloc(chunk_size(c->image_size, count), c->image_size);
    cnn_status status = c->pixels ? cnn_image_buffers_create(threads, &c->resizing, error)
                                  : cnn_fail_memory(error, "predictions");
    if (status == CNN_OK) {
        cnn_image_buffers_borrow(c->resizing, threads, predictor->containers);
        status = cnn_containers_order(predictor->containers, paths, count, &c->order, error);
    }
    if (status == CNN_OK) {
        status = predict_all(c, count, threads, error);
    }
    cnn_free(c->order);
    cnn_image_buffers_free(c->resizing, threads);
    cnn_free(c->pixels);
    cnn_free(c);
    return status;
}

cnn_status cnn_predict_files(const cnn_predictor *predictor, const char *const *paths, size_t count,
                             int threads, cnn_prediction *predictions, cnn_error *error) {
    return cnn_predict_measured(predictor, paths, count, threads, predictions, NULL, error);
}
