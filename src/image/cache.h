/* The pixels of a run: decoded into memory, or kept decoded in the user's cache and mapped from
 * there, so that the next run need not decode them, and memory need not hold them. */
#ifndef CNN_IMAGE_CACHE_H
#define CNN_IMAGE_CACHE_H

#include "base/log.h"
#include "image/cache_file.h"
#include "image/load.h"

/* Where decoded images are kept between runs. */
typedef struct cnn_image_cache {
    const char *folder; /* NULL: nowhere */
    uint64_t limit;     /* bytes that all files in it may take */
} cnn_image_cache;

/* Which images, and as what. */
typedef struct cnn_image_request {
    const char *const *paths; /* [count], of files */
    uint64_t *contents;       /* [count]: a hash of each image's pixels, to be filled in */
    size_t count;
    const cnn_image_settings *settings;
    cnn_image_cache cache;
    const char *source; /* what the images come from, as text: newer ones of a source take the
                         * place of older ones in the cache */
    int threads;
    const cnn_log_sink *log;
    bool (*should_stop)(void *user); /* asked before every image, by any thread; may be NULL */
    void *user;
} cnn_image_request;

typedef struct cnn_image_store {
    const uint8_t *pixels; /* [count][channels][height][width]; in memory or in the pack */
    char **reasons;        /* [count]: why an image cannot be read; NULL where it can */
    size_t count;
    uint8_t *memory;
    cnn_image_pack pack;
} cnn_image_store;

/* Gets the pixels of all images and fills in contents[i]: from the cache where it holds
 * them as the files are now, else by decoding them, on up to `threads` threads, and putting them
 * there. The bytes are the same either way. Unreadable images are decoded again every time, so that
 * their reasons are there every time. A cache that cannot be used is told to the log and does
 * without. CNN_ERROR_RUNTIME where memory or descriptors run out: no image is to blame for that,
 * and none is left out. CNN_STOPPED where should_stop says so. Free with cnn_image_store_free, also
 * after a failure. */
CNN_MUST_USE cnn_status cnn_image_store_load(const cnn_image_request *request,
                                             cnn_image_store *store, cnn_error *error);
void cnn_image_store_free(cnn_image_store *store); /* all zero is fine */

#endif
