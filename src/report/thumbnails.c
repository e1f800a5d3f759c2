#include "report/thumbnails.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "image/jpeg_encode.h"
#include "image/load.h"
#include "run/setup.h"

#include "cnn/explain.h"
#include "cnn/png.h"

#include <stdio.h>

/* The largest PNG. Photographs take less as JPEG; drawings and tiny images are exact as PNG. */
enum { PNG_MAX = 10000 };

/* --- encoding --- */

/* pixels: [height][width][3]. */
static cnn_status encode(const uint8_t *pixels, const cnn_thumbnail *thumbnail,
                         cnn_thumbnail_file *file, cnn_error *error) {
    const int height = thumbnail->height, width = thumbnail->width;
    file->media_type = "image/png";
    CNN_TRY(cnn_png_encode(3, height, width, pixels, &file->bytes, &file->size, error));
    if (file->size <= PNG_MAX) {
        return CNN_OK;
    }
    cnn_png_free(file->bytes);
    file->media_type = "image/jpeg";
    return cnn_jpeg_encode(height, width, pixels, &file->bytes, &file->size, error);
}

/* --- pictures without maps --- */

typedef struct request {
    const cnn_report *report;
    const cnn_image_settings *settings;
    const cnn_report_images *from;
    const size_t *images; /* [count], … */
    size_t count;
    cnn_thumbnail *thumbnails;  /* … and theirs */
    bool *made;                 /* [count] */
    cnn_image_buffers *buffers; /* [threads] */
    cnn_status *failed;         /* [count]: not the fault of the file */
} request;

/* A side of the picture: that of the image, scaled like its longest side. */
static int scaled(int side, int longest) {
    const int wanted = longest > CNN_THUMBNAIL_SIDE        ? CNN_THUMBNAIL_SIDE
                       : longest >= CNN_THUMBNAIL_SIDE / 2 ? longest
                                                           : CNN_THUMBNAIL_SIDE / 2;
    const int64_t result = ((int64_t)side * wanted + longest / 2) / longest;
    return result > 0 ? (int)result : 1;
}

/* planes: [3][count]; pixels: [count][3]. */
static void interleave(const uint8_t *planes, size_t count, uint8_t *pixels) {
    for (size_t i = 0; i < 3 * count; i++) {
        pixels[i] = planes[i % 3 * count + i / 3];
    }
}

static cnn_status convert(cnn_image *image, cnn_image_buffers *buffers, cnn_thumbnail *thumbnail,
                          cnn_error *error) {
    const int longest = image->width > image->height ? image->width : image->height;
    thumbnail->width = scaled(image->width, longest);
    thumbnail->height = scaled(image->height, longest);
    const size_t count = (size_t)thumbnail->width * (size_t)thumbnail->height;
    const cnn_image_settings settings = {
        .width = thumbnail->width, .height = thumbnail->height, .channels = 3};
    const cnn_pixels from = cnn_image_pixels(image);
    uint8_t *planes = cnn_alloc(count, 3), *pixels = cnn_alloc(count, 3);
    cnn_status status = planes && pixels
                            ? cnn_image_convert(&from, &settings, buffers, planes, error)
                            : cnn_fail_memory(error, "a picture");
    if (status == CNN_OK) {
        interleave(planes, count, pixels);
        status = encode(pixels, thumbnail, &thumbnail->picture, error);
    }
    cnn_free(planes);
    cnn_free(pixels);
    return status;
}

/* A cnn_parallel_body. */
static void make_one(void *context, size_t i, int thread) {
    const request *r = context;
    if (r->made[i]) {
        return;
    }
    const cnn_image_settings *settings = r->settings;
    const cnn_pixel_limit limit = {.megapixels = settings->max_megapixels,
                                   .name = settings->max_megapixels_name};
    cnn_image image;
    cnn_error error = {0};
    cnn_status status = cnn_image_read_from(r->buffers[thread].containers,
                                            r->from->paths[r->images[i]], &limit, &image, &error);
    if (status == CNN_OK) {
        cnn_image_adjust(&image, settings);
        status = convert(&image, &r->buffers[thread], &r->thumbnails[i], &error);
        cnn_image_release(&image);
    }
    if (status == CNN_ERROR_DATA) {
        (void)snprintf(r->thumbnails[i].reason, sizeof r->thumbnails[i].reason, "%.255s",
                       error.message);
        status = CNN_OK;
    }
    r->failed[i] = status;
}

static cnn_status make_plain(request *r, cnn_error *error) {
    const int threads = cnn_setup_threads(r->report->threads);
    CNN_TRY(cnn_image_buffers_create(threads, &r->buffers, error));
    cnn_parallel_for(r->count, threads, make_one, r);
    cnn_image_buffers_free(r->buffers, threads);
    for (size_t i = 0; i < r->count; i++) {
        if (r->failed[i] != CNN_OK) {
            return cnn_fail_memory(error, "the pictures");
        }
    }
    return CNN_OK;
}

/* --- pictures with maps --- */

/* Files that one model predicted. */
typedef struct explained {
    size_t *place;                 /* [count] in request.images */
    const char **paths;            /* [count] */
    cnn_explanation *explanations; /* [count] */
    size_t count;
} explained;

/* Those of a fold; -1: all. */
static void choose_fold(const request *r, int fold, explained *e) {
    e->count = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (fold < 0 || r->from->fold[r->images[i]] == fold) {
            e->place[e->count] = i;
            e->paths[e->count++] = r->from->paths[r->images[i]];
        }
    }
}

/* From one explanation to its thumbnail. An image whose probability is another one now has
 * changed: predictions of the same model and pixels have the same bytes. */
static cnn_status keep(const request *r, size_t place, const cnn_explanation *explanation,
                       cnn_error *error) {
    cnn_thumbnail *thumbnail = &r->thumbnails[place];
    const double before = r->from->probabilities[r->images[place]];
    const double now = (double)explanation->prediction.probability;
    r->made[place] = true;
    if (explanation->prediction.status == CNN_ERROR_RUNTIME) { /* not the fault of the file */
        return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", r->from->paths[r->images[place]],
                        explanation->prediction.reason);
    }
    if (explanation->prediction.status != CNN_OK) {
        (void)snprintf(thumbnail->reason, sizeof thumbnail->reason, "%s",
                       explanation->prediction.reason);
        return CNN_OK;
    }
    if (before < now || before > now) {
        (void)snprintf(thumbnail->reason, sizeof thumbnail->reason,
                       "the file has changed since it was predicted: its probability is now %.4f",
                       now);
        return CNN_OK;
    }
    thumbnail->width = explanation->width;
    thumbnail->height = explanation->height;
    CNN_TRY(encode(explanation->picture, thumbnail, &thumbnail->picture, error));
    return encode(explanation->overlay, thumbnail, &thumbnail->map, error);
}

static cnn_status explain(const request *r, const cnn_predictor *model, explained *e,
                          cnn_error *error) {
    const cnn_explain_options options = {.threads = r->report->threads,
                                         .longest_side = CNN_THUMBNAIL_SIDE};
    cnn_explainer *explainer;
    CNN_TRY(cnn_explainer_create(model, &options, &explainer, error));
    cnn_status status = cnn_explain_files(explainer, e->paths, e->count, e->explanations, error);
    for (size_t i = 0; i < e->count; i++) {
        if (status == CNN_OK) {
            status = keep(r, e->place[i], &e->explanations[i], error);
        }
        cnn_explanation_release(&e->explanations[i]);
    }
    cnn_explainer_free(explainer);
    return status;
}

/* With the models of the folds. Without its file, a model's images have no maps. */
static cnn_status explain_folds(const request *r, explained *e, cnn_error *error) {
    for (size_t fold = 0; fold < r->report->set->count; fold++) {
        cnn_predictor *model;
        choose_fold(r, (int)fold, e);
        if (e->count == 0) {
            continue;
        }
        cnn_status status = cnn_predictor_load(r->report->set->members[fold].model, &model, error);
        if (status == CNN_ERROR_MODEL) {
            continue;
        }
        if (status == CNN_OK) {
            status = explain(r, model, e, error);
            cnn_predictor_free(model);
        }
        CNN_TRY(status);
    }
    return CNN_OK;
}

static cnn_status make_explained(const request *r, cnn_error *error) {
    explained e = {.place = cnn_alloc(r->count, sizeof *e.place),
                   .paths = cnn_alloc(r->count, sizeof *e.paths),
                   .explanations = cnn_alloc(r->count, sizeof *e.explanations)};
    cnn_status status =
        e.place && e.paths && e.explanations ? CNN_OK : cnn_fail_memory(error, "the pictures");
    if (status == CNN_OK && r->report->model) {
        choose_fold(r, -1, &e);
        status = explain(r, r->report->model, &e, error);
    } else if (status == CNN_OK && r->report->set && r->from->fold) {
        status = explain_folds(r, &e, error);
    }
    cnn_free(e.place);
    cnn_free(e.paths);
    cnn_free(e.explanations);
    return status;
}

/* --- */

static bool wants_to_stop(const cnn_report *report) {
    const cnn_common_options *options = report->options;
    return options && options->should_stop && options->should_stop(options->user);
}

cnn_status cnn_thumbnails_make(const cnn_report *report, const cnn_report_images *from,
                               const size_t *images, size_t count, bool with_maps,
                               cnn_thumbnail *thumbnails, cnn_error *error) {
    static const cnn_image_settings any = {.max_megapixels = 2048.0};
    request r = {.report = report,
                 .settings = report->run ? &report->run->seen : &any,
                 .from = from,
                 .images = images,
                 .count = count,
                 .thumbnails = thumbnails,
                 .made = cnn_alloc(count, sizeof *r.made),
                 .failed = cnn_alloc(count, sizeof *r.failed)};
    for (size_t i = 0; i < count; i++) {
        thumbnails[i] = (cnn_thumbnail){0};
    }
    cnn_status status = !r.made || !r.failed    ? cnn_fail_memory(error, "the pictures")
                        : wants_to_stop(report) ? cnn_fail(error, CNN_STOPPED, "stopped")
                                                : CNN_OK;
    if (status == CNN_OK && with_maps) {
        status = make_explained(&r, error);
    }
    if (status == CNN_OK) {
        status = make_plain(&r, error);
    }
    cnn_free(r.made);
    cnn_free(r.failed);
    return status;
}

void cnn_thumbnail_release(cnn_thumbnail *thumbnail) {
    cnn_free(thumbnail->picture.bytes);
    cnn_free(thumbnail->map.bytes);
    *thumbnail = (cnn_thumbnail){0};
}
