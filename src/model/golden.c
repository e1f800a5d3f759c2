#include "model/golden.h"

#include "base/base64.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "nn/loss.h"
#include "nn/minibatch.h"
#include "samples/dataset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The generator's; its high bits are the ones that look random. */
#define FACTOR UINT32_C(1664525)
#define TERM UINT32_C(1013904223)
enum { HIGH_BYTE = 24 };

/* How far two answers to the same image may be apart. */
#define PROBABILITY_BOUND 1e-5
#define LOGIT_BOUND 1e-4

/* --- the picture, and the answer of a model --- */

void cnn_golden_draw(const cnn_shape *shape, uint8_t *pixels) {
    const size_t count = cnn_shape_size(shape);
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * FACTOR + TERM;
        pixels[i] = (uint8_t)(state >> HIGH_BYTE);
    }
}

/* An image as the source of a mini-batch. */
typedef struct one_image {
    cnn_pixel_table table;
    uint8_t *planes; /* [channels][height][width] */
} one_image;

static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const one_image *image = context;
    const uint8_t *planes = image->planes;
    (void)first, (void)labels;
    cnn_block_from_images(&image->table, &planes, count, block, x);
}

static void to_planes(const cnn_shape *shape, const uint8_t *pixels, uint8_t *planes) {
    const size_t channels = (size_t)shape->channels, size = cnn_shape_size(shape) / channels;
    for (size_t i = 0; i < size; i++) {
        for (size_t c = 0; c < channels; c++) {
            planes[c * size + i] = pixels[i * channels + c];
        }
    }
}

static cnn_status run(const cnn_model *model, one_image *image, float *logit, cnn_error *error) {
    const cnn_sample_source source = {.fill = fill, .context = image};
    cnn_minibatch *minibatch;
    CNN_TRY(cnn_minibatch_create(model->network, 0, 1, &minibatch, error));
    cnn_minibatch_forward(minibatch, model->parameters, &source, 0, 1, logit, NULL);
    cnn_minibatch_free(minibatch);
    return CNN_OK;
}

cnn_status cnn_golden_ask(const cnn_model *model, const uint8_t *pixels, cnn_golden_answer *answer,
                          cnn_error *error) {
    const cnn_shape *shape = &model->network->graph.nodes[0].out;
    one_image image = {.planes = cnn_alloc(cnn_shape_size(shape), 1)};
    float logit = 0.0f;
    if (!image.planes) {
        return cnn_fail_memory(error, "the golden image");
    }
    to_planes(shape, pixels, image.planes);
    cnn_pixel_table_fill(model->info.mean, model->info.deviation, &image.table);
    cnn_status status = run(model, &image, &logit, error);
    cnn_free(image.planes);
    if (status != CNN_OK) {
        return status;
    }
    answer->logit = logit / (float)model->info.temperature;
    answer->probability = cnn_probability(answer->logit);
    return isfinite(answer->logit) ? CNN_OK
                                   : cnn_fail(error, CNN_ERROR_MODEL,
                                              "the golden image: expected a finite logit, got %g",
                                              (double)answer->logit);
}

cnn_status cnn_golden_ask_drawn(const cnn_model *model, uint8_t *pixels, cnn_golden_answer *answer,
                                cnn_error *error) {
    const cnn_shape *shape = &model->network->graph.nodes[0].out;
    uint8_t *own = pixels ? NULL : cnn_alloc(cnn_shape_size(shape), 1);
    if (!pixels && !own) {
        return cnn_fail_memory(error, "the golden image");
    }
    cnn_golden_draw(shape, pixels ? pixels : own);
    cnn_status status = cnn_golden_ask(model, pixels ? pixels : own, answer, error);
    cnn_free(own);
    return status;
}

/* --- text --- */

enum { HEADER_SIZE = 48 };

/* The header of a PPM or PGM file of this size. Returns its length. */
static size_t write_header(const cnn_shape *shape, char header[HEADER_SIZE]) {
    return (size_t)snprintf(header, HEADER_SIZE, "P%c\n%d %d\n255\n",
                            shape->channels == 1 ? '5' : '6', shape->width, shape->height);
}

void cnn_golden_write_image(const cnn_shape *shape, const uint8_t *pixels, cnn_text *text) {
    char header[HEADER_SIZE];
    cnn_text file = {0};
    cnn_text_append(&file, header, write_header(shape, header));
    cnn_text_append(&file, (const char *)pixels, cnn_shape_size(shape));
    if (file.failed) {
        text->failed = true;
    } else {
        cnn_text_base64(text, (const uint8_t *)file.data, file.length);
    }
    cnn_text_free(&file);
}

static cnn_status read_image(const cnn_shape *shape, const char *text, uint8_t *pixels,
                             cnn_error *error) {
    char header[HEADER_SIZE];
    const size_t length = write_header(shape, header), size = cnn_shape_size(shape);
    uint8_t *file = cnn_alloc(length + size, 1);
    if (!file) {
        return cnn_fail_memory(error, CNN_GOLDEN_IMAGE);
    }
    const bool fits =
        cnn_base64_read(text, file, length + size) && memcmp(file, header, length) == 0;
    if (fits) {
        memcpy(pixels, file + length, size);
    }
    cnn_free(file);
    return fits ? CNN_OK
                : cnn_fail(error, CNN_ERROR_MODEL,
                           CNN_GOLDEN_IMAGE ": expected a %s file of %d x %d pixels in base64",
                           shape->channels == 1 ? "PGM" : "PPM", shape->width, shape->height);
}

static cnn_status read_number(const char *key, const char *text, float *number, cnn_error *error) {
    char *end = NULL;
    const double found = text && *text ? cnn_number_read(text, &end) : 0.0;
    if (!end || *end || end == text || !isfinite((float)found)) {
        return cnn_fail(error, CNN_ERROR_MODEL, "%s: expected a number, got \"%.40s\"", key,
                        text ? text : "");
    }
    *number = (float)found;
    return CNN_OK;
}

cnn_status cnn_golden_read(const cnn_shape *shape, const char *image, const char *logit,
                           const char *probability, uint8_t *pixels, cnn_golden_answer *answer,
                           cnn_error *error) {
    CNN_TRY(read_image(shape, image ? image : "", pixels, error));
    CNN_TRY(read_number(CNN_GOLDEN_LOGIT, logit, &answer->logit, error));
    return read_number(CNN_GOLDEN_PROBABILITY, probability, &answer->probability, error);
}

cnn_status cnn_golden_compare(const cnn_golden_answer *expected, const cnn_golden_answer *found,
                              cnn_error *error) {
    const double probabilities = fabs((double)expected->probability - (double)found->probability);
    const double logits = fabs((double)expected->logit - (double)found->logit);
    const double size = fmax(fabs((double)expected->logit), fabs((double)found->logit));
    if (probabilities <= PROBABILITY_BOUND && logits <= LOGIT_BOUND * fmax(1.0, size)) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_ERROR_MODEL,
                    "the golden image: expected probability %.7f (logit %.6g), got %.7f (%.6g)",
                    (double)expected->probability, (double)expected->logit,
                    (double)found->probability, (double)found->logit);
}
