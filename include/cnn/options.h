/* Options of every function that reads images. */
#ifndef CNN_OPTIONS_H
#define CNN_OPTIONS_H

#include "cnn/log.h"
#include "cnn/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The default limit for the total size of the files in the cache directory: 10 GiB. */
#define CNN_CACHE_LIMIT_DEFAULT ((uint64_t)10 << 30)

/* All members may be zero. None of them changes a result. */
typedef struct cnn_common_options {
    int threads; /* 0: as many as there are processors */
    /* a directory for decoded images, which later runs need not decode again; any number of runs
     * may use it at once. NULL: none. If it cannot be used, the log says so and the work continues
     */
    const char *cache_directory;
    uint64_t cache_limit; /* of all files in it, in bytes; 0: CNN_CACHE_LIMIT_DEFAULT */
    cnn_log_sink log;
    /* called after every batch and, from any thread, before every image that is read; true: stop.
     * NULL: never */
    bool (*should_stop)(void *user);
    /* called on the caller's thread while images are read, `done` of `count` so far: decoded, and
     * with a pretrained network made into features, which can take minutes. The first call has done
     * 0, the last one done == count, also if reading ends early. Not called for images that are in
     * the cache. NULL: never */
    void (*reading)(void *user, size_t done, size_t count);
    /* cnn_train only: the processes that train together, of which this is one; every one of them
     * calls cnn_train with the same config and the same other options. The first one writes the run
     * directory, and only its log and progress are worth showing. NULL: this process alone */
    const cnn_transport *transport;
    void *user; /* passed to should_stop, reading, and to cnn_train_options.progress */
} cnn_common_options;

#endif
