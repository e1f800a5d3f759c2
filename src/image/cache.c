#include "image/cache.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "image/cache_folder.h"
#include "image/cache_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX ".images"

/* The reason that is kept when there is no memory for a copy of the real one. */
static char no_memory[] = "out of memory";

static void set_reason(char **reason, const char *text) {
    if (*reason != no_memory) {
        cnn_free(*reason);
    }
    *reason = NULL;
    if (text) {
        char *copy = cnn_copy_string(text);
        *reason = copy ? copy : no_memory;
    }
}

/* --- decoding --- */

typedef struct decoding {
    const cnn_image_request *request;
    char **reasons;
    size_t image_size;
    /* The pixels go to `memory`, or through `buffers` to `writer`. */
    uint8_t *memory;  /* [count][image_size] */
    uint8_t *buffers; /* [threads][image_size] */
    cnn_cache_file_writer *writer;
    cnn_image_buffers *resizing; /* [threads] */
    atomic_bool ended;           /* no further image is decoded */
    cnn_error why;               /* written by the thread that set `ended` */
} decoding;

/* Ends the decoding of all images, for a reason that is no image's fault. The first reason counts.
 */
static void end(decoding *d, const char *path, const cnn_error *error) {
    if (!atomic_exchange(&d->ended, true)) {
        d->why = *error;
        if (path) {
            (void)cnn_fail_prefix(&d->why, d->why.status, "%s: ", path);
        }
    }
}

static void decode(void *context, size_t i, int thread) {
    decoding *d = context;
    const cnn_image_request *request = d->request;
    if (request->should_stop && request->should_stop(request->user)) {
        end(d, NULL,
            &(cnn_error){.status = CNN_STOPPED,
                         .message = "stopped while images were being read; nothing has changed"});
    }
    if (atomic_load(&d->ended)) {
        return;
    }
    const char *path = request->paths[i];
    uint8_t *pixels =
        d->memory ? d->memory + i * d->image_size : d->buffers + (size_t)thread * d->image_size;
    cnn_error error;
    uint64_t content;
    if (cnn_image_load(path, request->settings, &d->resizing[thread], pixels, &content, &error) !=
        CNN_OK) {
        if (error.status == CNN_ERROR_RUNTIME) {
            end(d, path, &error);
        }
        set_reason(&d->reasons[i], error.message);
        return;
    }
    set_reason(&d->reasons[i], NULL);
    request->contents[i] = content;
    if (d->writer) {
        cnn_cache_file_write(d->writer, i, pixels, content);
    }
}

static cnn_status decode_all(decoding *d, cnn_error *error) {
    int threads = d->request->threads;
    CNN_TRY(cnn_image_buffers_create(threads, &d->resizing, error));
    atomic_init(&d->ended, false);
    cnn_parallel_for(d->request->count, threads, decode, d);
    cnn_image_buffers_free(d->resizing, threads);
    if (!atomic_load(&d->ended)) {
        return CNN_OK;
    }
    return cnn_fail(error, d->why.status, "%s", d->why.message);
}

static cnn_status decode_into_memory(const cnn_image_request *request, cnn_image_set *images,
                                     cnn_error *error) {
    decoding d = {.request = request,
                  .reasons = images->reasons,
                  .image_size = cnn_image_size(request->settings)};
    d.memory = cnn_alloc(request->count, d.image_size);
    if (!d.memory) {
        char what[80];
        (void)snprintf(what, sizeof what, "%zu images of %zu bytes", request->count, d.image_size);
        return cnn_fail_memory(error, what);
    }
    images->memory = d.memory;
    images->pixels = d.memory;
    return decode_all(&d, error);
}

/* --- the cache: reading --- */

/* Where the images of a request are in the cache. */
typedef struct cache_place {
    cnn_cache_folder folder;
    char *path; /* of the cache file */
    cnn_cache_file_layout layout;
    struct timespec newest; /* when an image last changed */
} cache_place;

typedef struct retry {
    const cnn_image_request *request;
    const cnn_cache_record *records;
    char **reasons;
    uint8_t *buffers; /* [threads][image_size] */
    size_t image_size;
    atomic_bool readable; /* an image that was unreadable can be read now */
} retry;

static void retry_unreadable(void *context, size_t i, int thread) {
    retry *r = context;
    cnn_error error;
    if (r->records[i].readable) {
        return;
    }
    if (cnn_image_load(r->request->paths[i], r->request->settings, NULL,
                       r->buffers + (size_t)thread * r->image_size, NULL, &error) == CNN_OK) {
        atomic_store(&r->readable, true);
    } else {
        set_reason(&r->reasons[i], error.message);
    }
}

/* Takes contents and pixels from the cache file. False if an image that was unreadable can be read
 * now. */
static bool take(const cnn_image_request *request, cnn_image_set *images) {
    size_t unreadable = 0;
    for (size_t i = 0; i < request->count; i++) {
        request->contents[i] = images->file.records[i].content;
        unreadable += !images->file.records[i].readable;
    }
    images->pixels = images->file.pixels;
    if (unreadable == 0) {
        return true;
    }
    retry r = {.request = request,
               .records = images->file.records,
               .reasons = images->reasons,
               .image_size = cnn_image_size(request->settings)};
    r.buffers = cnn_alloc((size_t)request->threads, r.image_size);
    if (!r.buffers) {
        return false;
    }
    atomic_init(&r.readable, false);
    cnn_parallel_for(request->count, request->threads, retry_unreadable, &r);
    cnn_free(r.buffers);
    return !atomic_load(&r.readable);
}

/* Maps the images from the cache. False if it does not hold them. */
static bool read_cached(const cnn_image_request *request, const cache_place *c,
                        cnn_image_set *images) {
    int file = cnn_cache_folder_open_file(c->path);
    if (file < 0) {
        return false;
    }
    cnn_cache_file_state state =
        cnn_cache_file_open(file, &c->layout, request->threads, &images->file);
    (void)close(file);
    if (state == CNN_CACHE_FILE_DAMAGED) {
        cnn_log_message(request->log, CNN_LOG_INFO, "%s: damaged; decoding the images again",
                        c->path);
    }
    if (state != CNN_CACHE_FILE_GOOD) {
        return false;
    }
    if (!take(request, images)) {
        cnn_cache_file_close(&images->file);
        return false;
    }
    cnn_log_message(request->log, CNN_LOG_INFO, "%zu images from the cache (%s)", request->count,
                    c->path);
    return true;
}

/* --- the cache: writing --- */

/* Two changes of a file within one tick of the file system's clock get the same time. So the images
 * are read only after the tick of the latest change: any later change then gets another time, and
 * another key. */
static void outwait(const struct timespec *newest) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double tick = newest->tv_nsec == 0 ? 2.0 : 0.02; /* whole seconds only, as FAT keeps them */
    double age =
        (double)(now.tv_sec - newest->tv_sec) + 1e-9 * (double)(now.tv_nsec - newest->tv_nsec);
    if (age >= 0.0 && age < tick) {
        double left = tick - age;
        struct timespec pause = {.tv_sec = (time_t)left,
                                 .tv_nsec = (long)(1e9 * (left - (double)(time_t)left))};
        (void)nanosleep(&pause, NULL); /* only a signal cuts this short, and that ends the run */
    }
}

static cnn_status decode_and_finish(decoding *d, const cache_place *c, cnn_error *error) {
    if (!d->buffers) {
        return cnn_fail_memory(error, "decoding");
    }
    outwait(&c->newest);
    CNN_TRY(decode_all(d, error));
    return cnn_cache_file_finish(d->writer, error);
}

static cnn_status decode_into_file(const cnn_image_request *request, const cache_place *c, int file,
                                   char **reasons, cnn_error *error) {
    cnn_cache_file_writer writer;
    CNN_TRY(cnn_cache_file_start(file, &c->layout, &writer, error));
    decoding d = {.request = request,
                  .reasons = reasons,
                  .image_size = c->layout.image_size,
                  .buffers = cnn_alloc((size_t)request->threads, c->layout.image_size),
                  .writer = &writer};
    cnn_status status = decode_and_finish(&d, c, error);
    cnn_free(d.buffers);
    cnn_cache_file_writer_free(&writer);
    return status;
}

/* Decodes all images into the draft and maps it. */
static cnn_status fill_draft(const cnn_image_request *request, const cache_place *c,
                             const cnn_cache_draft *draft, cnn_image_set *images,
                             cnn_error *error) {
    size_t size;
    if (!cnn_cache_file_size(&c->layout, &size)) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "they are too many");
    }
    CNN_TRY(cnn_cache_draft_reserve(&c->folder, draft, size, error));
    CNN_TRY(decode_into_file(request, c, draft->file, images->reasons, error));
    /* The draft is checked like any other cache file: this also shows a write that did not reach a
     * network's server. */
    if (cnn_cache_file_open(draft->file, &c->layout, request->threads, &images->file) !=
        CNN_CACHE_FILE_GOOD) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: cannot be read back", draft->draft_path);
    }
    return CNN_OK;
}

/* Decodes all images into the cache and maps them, unless another run is doing so. *done: the set
 * has its pixels. */
static cnn_status write_cached(const cnn_image_request *request, const cache_place *c,
                               cnn_image_set *images, bool *done, cnn_error *error) {
    cnn_cache_draft draft;
    bool look_again;
    *done = false;
    cnn_status status =
        cnn_cache_draft_open(&c->folder, c->path, request->log, &draft, &look_again, error);
    if (status != CNN_OK || look_again) {
        return status;
    }
    status = fill_draft(request, c, &draft, images, error);
    if (status != CNN_OK) {
        cnn_cache_draft_discard(&draft);
        return status;
    }
    images->pixels = images->file.pixels;
    *done = true;
    if (cnn_cache_draft_publish(&draft, error) == CNN_OK) {
        cnn_log_message(request->log, CNN_LOG_INFO, "%zu images decoded, now in the cache (%s)",
                        request->count, c->path);
    } else { /* this run can still use the draft */
        cnn_log_message(request->log, CNN_LOG_WARNING, "images not cached: %s", error->message);
    }
    return CNN_OK;
}

/* Finds the place of the images in the cache, and their key. The file's name depends on the source
 * and the settings only, so that changed images replace the ones they were. */
static cnn_status find_place(const cnn_image_request *request, cache_place *c, cnn_error *error) {
    const cnn_image_settings *settings = request->settings;
    char text[256];
    (void)snprintf(text, sizeof text,
                   "%016" PRIx64 " %" PRId64 "x%" PRId64 "x%" PRId64 " %" PRId64 " %a %d %" PRId64
                   " %" PRId64 " %d",
                   cnn_xxh3_64(request->source, strlen(request->source)), settings->channels,
                   settings->height, settings->width, (int64_t)settings->resize,
                   settings->max_megapixels, (int)settings->range, settings->ends.low,
                   settings->ends.high, (int)settings->alpha);
    cnn_hash128 hash = cnn_xxh3_128(text, strlen(text));
    char name[64];
    (void)snprintf(name, sizeof name, "%016" PRIx64 "%016" PRIx64 SUFFIX, hash.high, hash.low);
    c->folder = (cnn_cache_folder){
        .path = request->cache.folder, .suffix = SUFFIX, .limit = request->cache.limit};
    c->layout.count = request->count;
    c->layout.image_size = cnn_image_size(settings);
    c->path = cnn_path_join(request->cache.folder, name);
    if (!c->path) {
        return cnn_fail_memory(error, "the cache");
    }
    return cnn_cache_key(request->paths, request->count, settings, request->threads, &c->layout.key,
                         &c->newest, error);
}

/* Reads the images from the cache, or writes them to it. *done: the set has its pixels. */
static cnn_status read_or_write(const cnn_image_request *request, cache_place *c,
                                cnn_image_set *images, bool *done, cnn_error *error) {
    CNN_TRY(find_place(request, c, error));
    *done = read_cached(request, c, images);
    /* The second attempt follows a wait for another run that wrote the same images. If that run
     * failed, this one writes them. */
    for (int attempt = 0; attempt < 2 && !*done; attempt++) {
        CNN_TRY(write_cached(request, c, images, done, error));
        *done = *done || read_cached(request, c, images);
    }
    return CNN_OK;
}

/* Loads the images through the cache. False if that is impossible. */
static bool load_cached(const cnn_image_request *request, cnn_image_set *images) {
    cache_place c = {0};
    cnn_error error = {0};
    bool done = false;
    cnn_status status = read_or_write(request, &c, images, &done, &error);
    if (status != CNN_OK && status != CNN_STOPPED) {
        cnn_log_message(request->log, CNN_LOG_WARNING, "images not cached: %s", error.message);
    }
    cnn_free(c.path);
    return done;
}

/* --- from the cache, or into memory --- */

cnn_status cnn_image_set_load(const cnn_image_request *request, cnn_image_set *images,
                              cnn_error *error) {
    *images = (cnn_image_set){.count = request->count};
    images->reasons = cnn_alloc(request->count, sizeof *images->reasons);
    if (!images->reasons) {
        return cnn_fail_memory(error, "the images");
    }
    if (request->cache.folder && load_cached(request, images)) {
        return CNN_OK;
    }
    return decode_into_memory(request, images, error);
}

void cnn_image_set_free(cnn_image_set *images) {
    for (size_t i = 0; i < images->count && images->reasons; i++) {
        set_reason(&images->reasons[i], NULL);
    }
    cnn_free(images->reasons);
    cnn_free(images->memory);
    cnn_cache_file_close(&images->file);
    *images = (cnn_image_set){0};
}
