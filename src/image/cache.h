/* The pixels of all images of a run: decoded into memory, or mapped from the user's cache of
 * decoded images. The cache saves the next run from decoding, and this one from holding them in
 * memory. */
#ifndef CNN_IMAGE_CACHE_H
#define CNN_IMAGE_CACHE_H

#include "base/log.h"
#include "image/cache_file.h"
#include "image/load.h"

/* Where decoded images are kept between runs. */
typedef struct cnn_image_cache {
    const char *folder; /* NULL: no cache */
    uint64_t limit;     /* of the bytes of all its files together */
} cnn_image_cache;

/* Images that a transform sees together, at most. */
#define CNN_TRANSFORM_IMAGES 16

/* What is kept of each image in place of its pixels: a function of them. */
typedef struct cnn_image_transform {
    size_t size;     /* bytes that are kept of an image */
    cnn_hash128 key; /* of all that the function depends on besides the pixels and the number */
    /* kept[i] = the function of pixels[i], of image number[i] of the request, which marks it as
     * plain[i]; i < count <= CNN_TRANSFORM_IMAGES. Several threads call it at once. */
    void (*run)(void *context, int thread, int count, const size_t *number, const bool *plain,
                const uint8_t *const *pixels, uint8_t *const *kept);
    void *context;
} cnn_image_transform;

/* Which images to load, and how. */
typedef struct cnn_image_request {
    const char *const *paths; /* [count], of files */
    uint64_t *contents;       /* [count]: filled in with a hash of each image's pixels */
    size_t count;
    const cnn_image_settings *settings;
    const cnn_image_transform *transform; /* NULL: pixels are kept */
    /* For the transform, image i has the number first_number + i * number_step; i itself if the
     * step is 0. */
    size_t first_number, number_step;
    const bool *plain; /* [count]: images of which the transform need not make augmented variants;
                        * NULL: none */
    cnn_image_cache cache;
    const char *source; /* text that identifies where the images come from: in the cache, newer
                         * images replace older ones from the same source */
    int threads;
    const cnn_log_sink *log;
    bool (*should_stop)(void *user); /* called before every image, by any thread; may be NULL */
    /* Called by the caller's thread while images are decoded and transformed, `done` of `count` so
     * far: first with done 0, last with done == count, also if decoding ends early. May be NULL. */
    void (*progress)(void *user, size_t done, size_t count);
    void *user;
} cnn_image_request;

typedef struct cnn_image_set {
    /* [count][channels][height][width], or [count][transform->size], in `memory` or in `file` */
    const uint8_t *pixels;
    char **reasons; /* [count]: why an image cannot be read; NULL if it can */
    size_t count;
    uint8_t *memory;
    cnn_cache_file file;
} cnn_image_set;

/* Loads the pixels of all images, or what a transform makes of them, and fills in contents[i]. If
 * the cache holds the images in their current state, they are mapped from there. Otherwise they are
 * decoded on up to `threads` threads and put into the cache. The bytes are the same either way.
 * Unreadable images are decoded again every time, so that their reasons are always reported. If the
 * cache cannot be used, the log says so and the images stay in memory. CNN_ERROR_RUNTIME if memory
 * or descriptors run out: that is no image's fault, so none is left out. CNN_STOPPED if should_stop
 * returns true. Free with cnn_image_set_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_image_set_load(const cnn_image_request *request, cnn_image_set *images,
                                           cnn_error *error);
void cnn_image_set_free(cnn_image_set *images); /* all zero is allowed */

/* Replaces images->reasons and count: the set then owns reasons[count], and count is no longer that
 * of its pixels. */
void cnn_image_set_adopt_reasons(cnn_image_set *images, char **reasons, size_t count);

#endif
