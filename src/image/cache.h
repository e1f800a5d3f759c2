/* The pixels of a run: decoded into memory, or kept decoded in the user's cache and mapped from
 * there, so that the next run does not decode them again and memory need not hold them all. */
#ifndef CNN_IMAGE_CACHE_H
#define CNN_IMAGE_CACHE_H

#include "base/log.h"
#include "image/cache_file.h"
#include "image/load.h"

/* Where decoded images are kept between runs. */
typedef struct cnn_image_cache {
    const char *folder; /* NULL: no cache */
    uint64_t limit;     /* limit for all its files together, in bytes */
} cnn_image_cache;

/* Which images, and how they are prepared. */
typedef struct cnn_image_request {
    const char *const *paths; /* [count], of files */
    uint64_t *contents;       /* [count]: a hash of each image's pixels, filled in */
    size_t count;
    const cnn_image_settings *settings;
    cnn_image_cache cache;
    const char *source; /* the source of the images as text: newer images of a source replace older
                         * ones in the cache */
    int threads;
    const cnn_log_sink *log;
    bool (*should_stop)(void *user); /* called before every image, from any thread; may be NULL */
    void *user;
} cnn_image_request;

typedef struct cnn_image_store {
    const uint8_t *pixels; /* [count][channels][height][width]; in memory or in the pack */
    char **reasons;        /* [count]: why an image cannot be read; NULL if it can */
    size_t count;
    uint8_t *memory;
    cnn_image_pack pack;
} cnn_image_store;

/* Gets the pixels of all images and fills in contents[i]: from the cache if it has them for the
 * files as they are now; otherwise decodes them, on up to `threads` threads, and adds them to the
 * cache. The bytes are the same in both cases. Unreadable images are decoded every time, so that
 * their reasons are known every time. If the cache cannot be used, logs that and continues without
 * it. CNN_ERROR_RUNTIME if memory or descriptors run out: that is not the fault of an image, and no
 * image is left out. CNN_STOPPED if should_stop says so. Free with cnn_image_store_free, also after
 * a failure. */
CNN_MUST_USE cnn_status cnn_image_store_load(const cnn_image_request *request,
                                             cnn_image_store *store, cnn_error *error);
void cnn_image_store_free(cnn_image_store *store); /* a zeroed struct is allowed */

#endif
