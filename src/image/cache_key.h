/* The cache's key: one number for the current state of a data set's files, and for everything that
 * determines the bytes they are decoded to. It changes when an image changes. */
#ifndef CNN_IMAGE_CACHE_KEY_H
#define CNN_IMAGE_CACHE_KEY_H

#include "base/hash.h"
#include "image/load.h"

#include <time.h>

/* *key: a hash of the paths (made absolute) in their order, of the files' sizes and times of change
 * (of content, and of status, which no program can set back), of the settings and of the decoder's
 * code. The state of an image in a container is that of the container. *newest: the latest change
 * of a file's status. No file is opened. CNN_ERROR_RUNTIME if memory is refused, or if a file
 * cannot be looked up for a reason that is not the file's own. */
CNN_MUST_USE cnn_status cnn_cache_key(const char *const *paths, size_t count,
                                      const cnn_image_settings *settings, int threads,
                                      cnn_hash128 *key, struct timespec *newest, cnn_error *error);

#endif
