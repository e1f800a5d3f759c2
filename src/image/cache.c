#include "image/cache.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "image/cache_folder.h"
#include "image/cache_key.h"
#include "image/decode_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX ".images"

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
        cnn_set_reason(&r->reasons[i], error.message);
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
 * another key. The clock of a network server may be hours behind this one or ahead of it, so a
 * short tick is always waited for, unless the change is a day old. */
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

/* Decodes all images into the file. */
static cnn_status write_file(const cnn_image_request *request, const cache_place *c, int file,
                             char **reasons, cnn_error *error) {
    cnn_cache_file_writer writer;
    CNN_TRY(cnn_cache_file_start(file, &c->layout, &writer, error));
    outwait(&c->newest);
    cnn_status status = cnn_decode_into_file(request, reasons, &writer, error);
    if (status == CNN_OK) {
        status = cnn_cache_file_finish(&writer, error);
    }
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
    CNN_TRY(write_file(request, c, draft->file, images->reasons, error));
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
    c->layout.image_size = cnn_kept_size(request);
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

static cnn_status decode_into_memory(const cnn_image_request *request, cnn_image_set *images,
                                     cnn_error *error) {
    size_t size = cnn_kept_size(request);
    images->memory = cnn_alloc(request->count, size);
    images->pixels = images->memory;
    if (!images->memory) {
        char what[80];
        (void)snprintf(what, sizeof what, "%zu images of %zu bytes", request->count, size);
        return cnn_fail_memory(error, what);
    }
    return cnn_decode_into_memory(request, images->reasons, images->memory, error);
}

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
        cnn_set_reason(&images->reasons[i], NULL);
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
