#include "report/thumbnails.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "image/jpeg_encode.h"
#include "image/load.h"
#include "run/setup.h"

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
    const size_t *images;
    cnn_thumbnail *thumbnails;
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
    const cnn_image_settings *settings = r->settings;
    const cnn_pixel_limit limit = {.megapixels = settings->max_megapixels,
                                   .name = settings->max_megapixels_name};
    cnn_image image;
    cnn_error error = {0};
    cnn_status status =
        cnn_image_read_limited(r->from->paths[r->images[i]], &limit, &image, &error);
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

static cnn_status make_plain(request *r, size_t count, cnn_error *error) {
    const int threads = cnn_setup_threads(r->report->threads);
    cnn_status status = cnn_image_buffers_create(threads, &r->buffers, error);
    r->failed = cnn_alloc(count, sizeof *r->failed);
    if (status == CNN_OK && !r->failed) {
        status = cnn_fail_memory(error, "the pictures");
    }
    if (status == CNN_OK) {
        cnn_parallel_for(count, threads, make_one, r);
    }
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        status = r->failed[i] == CNN_OK ? CNN_OK : cnn_fail_memory(error, "the pictures");
    }
    cnn_free(r->failed);
    cnn_image_buffers_free(r->buffers, threads);
    return status;
}

/* --- */

cnn_status cnn_thumbnails_make(const cnn_report *report, const cnn_report_images *from,
                               const size_t *images, size_t count, bool with_maps,
                               cnn_thumbnail *thumbnails, cnn_error *error) {
    static const cnn_image_settings any = {.max_megapixels = 2048.0};
    request r = {.report = report,
                 .settings = report->run ? &report->run->config->image : &any,
                 .from = from,
                 .images = images,
                 .thumbnails = thumbnails};
    for (size_t i = 0; i < count; i++) {
        thumbnails[i] = (cnn_thumbnail){0};
    }
    (void)with_maps;
    return make_plain(&r, count, error);
}

void cnn_thumbnail_release(cnn_thumbnail *thumbnail) {
    cnn_free(thumbnail->picture.bytes);
    cnn_free(thumbnail->map.bytes);
    *thumbnail = (cnn_thumbnail){0};
}
