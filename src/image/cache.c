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
#include <sys/stat.h>
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

/* Bytes that are kept of an image. */
static size_t kept_size(const cnn_image_request *request) {
    return request->transform ? request->transform->size : cnn_image_size(request->settings);
}

static decoding start_decoding(const cnn_image_request *request, char **reasons) {
    return (decoding){.request = request,
                      .reasons = reasons,
                      .image_size = cnn_image_size(request->settings),
                      .kept_size = kept_size(request),
                      .batch = request->transform ? CNN_TRANSFORM_IMAGES : 1};
}

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
        set_reason(&d->reasons[i], error.message);
        return false;
    }
    set_reason(&d->reasons[i], NULL);
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

static cnn_status decode_into_memory(const cnn_image_request *request, cnn_image_set *images,
                                     cnn_error *error) {
    decoding d = start_decoding(request, images->reasons);
    d.memory = cnn_alloc(request->count, d.kept_size);
    if (!d.memory) {
        char what[80];
        (void)snprintf(what, sizeof what, "%zu images of %zu bytes", request->count, d.kept_size);
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
    ino_t unused;           /* the file that was there, and could not be used; 0: none */
} cache_place;

typedef struct retry {
    const cnn_image_request *request;
    const cnn_cache_record *records;
    char **reasons;
    uint8_t *pixels; /* [threads][image_size] */
    size_t image_size;
    cnn_image_buffers *buffers; /* [threads] */
    atomic_bool readable;       /* an image that was unreadable can be read now */
} retry;

static void retry_unreadable(void *context, size_t i, int thread) {
    retry *r = context;
    cnn_error error;
    if (r->records[i].readable) {
        return;
    }
    if (cnn_image_load(r->request->paths[i], r->request->settings, &r->buffers[thread],
                       r->pixels + (size_t)thread * r->image_size, NULL, &error) == CNN_OK) {
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
    r.pixels = cnn_alloc((size_t)request->threads, r.image_size);
    bool ready = r.pixels && cnn_image_buffers_create(request->threads, &r.buffers, NULL) == CNN_OK;
    atomic_init(&r.readable, !ready);
    if (ready) {
        cnn_parallel_for(request->count, request->threads, retry_unreadable, &r);
        cnn_image_buffers_free(r.buffers, request->threads);
    }
    cnn_free(r.pixels);
    return !atomic_load(&r.readable);
}

/* Of several processes that train together, each has a request for its images, and one speaks. */
static const char *whose(const cnn_image_request *request) {
    return request->number_step > 1 ? " (the share of this process)" : "";
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
    cnn_log_message(request->log, CNN_LOG_INFO, "%zu images%s from the cache (%s)", request->count,
                    whose(request), c->path);
    return true;
}

/* --- the cache: writing --- */

/* Two changes of a file within one tick of the file system's clock get the same time. So the images
 * are read only after the tick of the latest change: any later change then gets another time, and
 * another key. The clock of a network's server may be hours behind this one or ahead of it, so a
 * tick that is short is waited for unless the change is a day old. */
static void outwait(const struct timespec *newest) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double tick = newest->tv_nsec == 0 ? 2.0 : 0.02; /* whole seconds only, as FAT keeps them */
    double age =
        (double)(now.tv_sec - newest->tv_sec) + 1e-9 * (double)(now.tv_nsec - newest->tv_nsec);
    double day = 86400.0;
    bool is_short = tick < 1.0;
    if (is_short ? age > -day && age < day : age >= 0.0 && age < tick) {
        double left = is_short ? tick : tick - age;
        struct timespec pause = {.tv_sec = (time_t)left,
                                 .tv_nsec = (long)(1e9 * (left - (double)(time_t)left))};
        (void)nanosleep(&pause, NULL); /* only a signal cuts this short, and that ends the run */
    }
}

static cnn_status decode_and_finish(decoding *d, const cache_place *c, cnn_error *error) {
    if (!d->kept) {
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
    decoding d = start_decoding(request, reasons);
    d.kept = cnn_alloc((size_t)request->threads, d.batch * d.kept_size);
    d.writer = &writer;
    cnn_status status = decode_and_finish(&d, c, error);
    cnn_free(d.kept);
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

/* Has another machine, whose lock this one does not see, put the same images into the cache? It may
 * have mapped them, and on a network's file system it would lose a file that is replaced. */
static bool is_published(const cnn_image_request *request, const cache_place *c) {
    cnn_cache_file other;
    int file = cnn_cache_folder_open_file(c->path);
    if (file < 0) {
        return false;
    }
    struct stat about;
    bool good =
        fstat(file, &about) == 0 && about.st_ino != c->unused &&
        cnn_cache_file_open(file, &c->layout, request->threads, &other) == CNN_CACHE_FILE_GOOD;
    (void)close(file);
    if (good) {
        cnn_cache_file_close(&other);
    }
    return good;
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
    if (is_published(request, c)) {
        cnn_cache_draft_discard(&draft); /* this run keeps what it has mapped */
    } else if (cnn_cache_draft_publish(&draft, error) == CNN_OK) {
        cnn_log_message(request->log, CNN_LOG_INFO, "%zu images%s decoded, now in the cache (%s)",
                        request->count, whose(request), c->path);
    } else { /* this run can still use the draft */
        cnn_log_message(request->log, CNN_LOG_WARNING, "images not cached: %s", error->message);
    }
    return CNN_OK;
}

/* Mixes the transform's key into that of the images. */
static cnn_hash128 transformed_key(cnn_hash128 images, const cnn_image_transform *transform) {
    const cnn_hash128 both[2] = {images, transform->key};
    return cnn_xxh3_128(both, sizeof both);
}

/* Finds the place of the images in the cache, and their key. The file's name depends on the source,
 * the settings and the transform only, so that changed images replace the ones they were. */
static cnn_status find_place(const cnn_image_request *request, cache_place *c, cnn_error *error) {
    const cnn_image_settings *settings = request->settings;
    const cnn_image_transform *transform = request->transform;
    char text[256];
    (void)snprintf(text, sizeof text,
                   "%016" PRIx64 " %" PRId64 "x%" PRId64 "x%" PRId64 " %" PRId64 " %a %d %" PRId64
                   " %" PRId64 " %d",
                   cnn_xxh3_64(request->source, strlen(request->source)), settings->channels,
                   settings->height, settings->width, (int64_t)settings->resize,
                   settings->max_megapixels, (int)settings->range, settings->ends.low,
                   settings->ends.high, (int)settings->alpha);
    cnn_hash128 hash = cnn_xxh3_128(text, strlen(text));
    hash = transform ? transformed_key(hash, transform) : hash;
    char name[64];
    (void)snprintf(name, sizeof name, "%016" PRIx64 "%016" PRIx64 SUFFIX, hash.high, hash.low);
    c->folder = (cnn_cache_folder){
        .path = request->cache.folder, .suffix = SUFFIX, .limit = request->cache.limit};
    c->layout.count = request->count;
    c->layout.image_size = kept_size(request);
    c->path = cnn_path_join(request->cache.folder, name);
    if (!c->path) {
        return cnn_fail_memory(error, "the cache");
    }
    CNN_TRY(cnn_cache_key(request->paths, request->count, settings, request->threads,
                          &c->layout.key, &c->newest, error));
    c->layout.key = transform ? transformed_key(c->layout.key, transform) : c->layout.key;
    if (request->plain) {
        const cnn_hash128 both[2] = {
            c->layout.key, cnn_xxh3_128(request->plain, request->count * sizeof *request->plain)};
        c->layout.key = cnn_xxh3_128(both, sizeof both);
    }
    return CNN_OK;
}

/* Reads the images from the cache, or writes them to it. *done: the set has its pixels. */
static cnn_status read_or_write(const cnn_image_request *request, cache_place *c,
                                cnn_image_set *images, bool *done, cnn_error *error) {
    CNN_TRY(find_place(request, c, error));
    *done = read_cached(request, c, images);
    /* The second attempt follows a wait for another run that wrote the same images. If that run
     * failed, this one writes them. */
    for (int attempt = 0; attempt < 2 && !*done; attempt++) {
        struct stat about;
        c->unused = stat(c->path, &about) == 0 ? about.st_ino : 0;
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

static void free_reasons(cnn_image_set *images) {
    for (size_t i = 0; i < images->count && images->reasons; i++) {
        set_reason(&images->reasons[i], NULL);
    }
    cnn_free(images->reasons);
}

void cnn_image_set_adopt_reasons(cnn_image_set *images, char **reasons, size_t count) {
    free_reasons(images);
    images->reasons = reasons;
    images->count = count;
}

void cnn_image_set_free(cnn_image_set *images) {
    free_reasons(images);
    cnn_free(images->memory);
    cnn_cache_file_close(&images->file);
    *images = (cnn_image_set){0};
}
