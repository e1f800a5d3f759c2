#include "image/decode_set.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <stdatomic.h>

/* The reason that is kept when there is no memory for a copy of the real one. */
static char no_memory[] = "out of memory";

void cnn_set_reason(char **reason, const char *text) {
    if (*reason != no_memory) {
        cnn_free(*reason);
    }
    *reason = NULL;
    if (text) {
        char *copy = cnn_copy_string(text);
        *reason = copy ? copy : no_memory;
    }
}

typedef struct decoding {
    const cnn_image_request *request;
    char **reasons;
    size_t image_size, kept_size; /* bytes of an image, and of what is kept of it */
    /* What is kept goes to `memory`, or through `kept` to `writer`. */
    uint8_t *memory; /* [count][kept_size] */
    uint8_t *kept;   /* [threads][batch][kept_size] */
    cnn_cache_file_writer *writer;
    size_t batch;                /* images that a thread decodes before it transforms them, or 1 */
    size_t *order;               /* [count]: in which images are decoded; NULL: as listed */
    uint8_t *pixels;             /* [threads][batch][image_size]: before a transform */
    cnn_image_buffers *resizing; /* [threads] */
    atomic_size_t done;          /* images whose batch is finished */
    atomic_bool ended;           /* no further image is decoded */
    cnn_error why;               /* written by the thread that set `ended` */
} decoding;

size_t cnn_kept_size(const cnn_image_request *request) {
    return request->transform ? request->transform->size : cnn_image_size(request->settings);
}

static decoding start_decoding(const cnn_image_request *request, char **reasons) {
    return (decoding){.request = request,
                      .reasons = reasons,
                      .image_size = cnn_image_size(request->settings),
                      .kept_size = cnn_kept_size(request),
                      .batch = request->transform ? CNN_TRANSFORM_IMAGES : 1};
}

/* Ends the decoding of all images, for a reason that is not the fault of an image. The first reason
 * counts. */
static void end(decoding *d, const char *path, const cnn_error *error) {
    if (!atomic_exchange(&d->ended, true)) {
        d->why = *error;
        if (path) {
            (void)cnn_fail_prefix(&d->why, d->why.status, "%s: ", path);
        }
    }
}

/* Decodes image i into pixels[image_size]. False if it is unreadable, or no more are decoded. */
static bool decode_image(decoding *d, size_t i, int thread, uint8_t *pixels) {
    const cnn_image_request *request = d->request;
    if (request->should_stop && request->should_stop(request->user)) {
        end(d, NULL,
            &(cnn_error){.status = CNN_STOPPED,
                         .message = "stopped while images were being read; nothing has changed"});
    }
    if (atomic_load(&d->ended)) {
        return false;
    }
    const char *path = request->paths[i];
    cnn_error error;
    if (cnn_image_load(path, request->settings, &d->resizing[thread], pixels, &request->contents[i],
                       &error) != CNN_OK) {
        if (error.status == CNN_ERROR_RUNTIME) {
            end(d, path, &error);
        }
        cnn_set_reason(&d->reasons[i], error.message);
        return false;
    }
    cnn_set_reason(&d->reasons[i], NULL);
    return true;
}

/* Where what is kept of image i goes; it is image `lane` of its thread's batch. */
static uint8_t *kept_at(const decoding *d, size_t i, int thread, size_t lane) {
    return d->memory ? d->memory + i * d->kept_size
                     : d->kept + ((size_t)thread * d->batch + lane) * d->kept_size;
}

/* To be called by the caller's thread. */
static void report(const decoding *d, size_t done) {
    if (d->request->progress) {
        d->request->progress(d->request->user, done, d->request->count);
    }
}

static size_t number_of(const cnn_image_request *request, size_t i) {
    return request->number_step > 0 ? request->first_number + i * request->number_step : i;
}

/* Batch b: decodes its images, transforms them, and writes what is kept. */
static void decode_batch(void *context, size_t b, int thread) {
    decoding *d = context;
    const cnn_image_transform *transform = d->request->transform;
    size_t index[CNN_TRANSFORM_IMAGES], number[CNN_TRANSFORM_IMAGES];
    const uint8_t *pixels[CNN_TRANSFORM_IMAGES];
    uint8_t *kept[CNN_TRANSFORM_IMAGES];
    bool plain[CNN_TRANSFORM_IMAGES];
    int count = 0;
    for (size_t at = b * d->batch; at < (b + 1) * d->batch && at < d->request->count; at++) {
        size_t i = d->order ? d->order[at] : at;
        size_t lane = (size_t)count;
        uint8_t *to = kept_at(d, i, thread, lane);
        uint8_t *decoded =
            transform ? d->pixels + ((size_t)thread * d->batch + lane) * d->image_size : to;
        if (decode_image(d, i, thread, decoded)) {
            index[count] = i;
            number[count] = number_of(d->request, i);
            pixels[count] = decoded;
            kept[count] = to;
            plain[count] = d->request->plain && d->request->plain[i];
            count++;
        }
    }
    if (transform && count > 0) {
        transform->run(transform->context, thread, count, number, plain, pixels, kept);
    }
    for (int lane = 0; lane < count && d->writer; lane++) {
        cnn_cache_file_write(d->writer, index[lane], kept[lane], d->request->contents[index[lane]]);
    }
    size_t left = d->request->count - b * d->batch;
    size_t finished = left < d->batch ? left : d->batch;
    size_t done = atomic_fetch_add(&d->done, finished) + finished;
    if (thread == 0 && done < d->request->count) {
        report(d, done);
    }
}

static cnn_status decode_in_order(decoding *d, int threads, cnn_error *error) {
    CNN_TRY(cnn_containers_order(d->resizing[0].containers, d->request->paths, d->request->count,
                                 &d->order, error));
    atomic_init(&d->ended, false);
    atomic_init(&d->done, 0);
    report(d, 0);
    cnn_parallel_for((d->request->count + d->batch - 1) / d->batch, threads, decode_batch, d);
    report(d, d->request->count);
    cnn_free(d->order);
    return atomic_load(&d->ended) ? cnn_fail(error, d->why.status, "%s", d->why.message) : CNN_OK;
}

static cnn_status decode_batches(decoding *d, cnn_error *error) {
    int threads = d->request->threads;
    size_t pixels = d->request->transform ? d->batch * d->image_size : 0;
    d->pixels = cnn_alloc((size_t)threads, pixels);
    if (!d->pixels) {
        return cnn_fail_memory(error, "decoding");
    }
    CNN_TRY(cnn_image_buffers_create(threads, &d->resizing, error));
    cnn_status status = decode_in_order(d, threads, error);
    cnn_image_buffers_free(d->resizing, threads);
    return status;
}

static cnn_status decode_all(decoding *d, cnn_error *error) {
    cnn_status status = decode_batches(d, error);
    cnn_free(d->pixels);
    return status;
}

cnn_status cnn_decode_into_memory(const cnn_image_request *request, char **reasons, uint8_t *memory,
                                  cnn_error *error) {
    decoding d = start_decoding(request, reasons);
    d.memory = memory;
    return decode_all(&d, error);
}

cnn_status cnn_decode_into_file(const cnn_image_request *request, char **reasons,
                                cnn_cache_file_writer *writer, cnn_error *error) {
    decoding d = start_decoding(request, reasons);
    d.writer = writer;
    d.kept = cnn_alloc((size_t)request->threads, d.batch * d.kept_size);
    if (!d.kept) {
        return cnn_fail_memory(error, "decoding");
    }
    cnn_status status = decode_all(&d, error);
    cnn_free(d.kept);
    return status;
}
