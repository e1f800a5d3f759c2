/* Have the images changed? One number for the current state of the files of a data set, and for
 * everything else that decides which bytes they become. */
#ifndef CNN_IMAGE_CACHE_KEY_H
#define CNN_IMAGE_CACHE_KEY_H

#include "base/hash.h"
#include "image/load.h"

#include <time.h>

/* *key: a hash of the paths (made absolute) in order, of the sizes and times of change of the files
 * (of content and of status, which no program can set back), of the settings and of the decoder's
 * code. No file is opened. *newest: the latest change of the status of a file. CNN_ERROR_RUNTIME if
 * memory is refused; nothing else can fail. */
CNN_MUST_USE cnn_status cnn_image_key(const char *const *paths, size_t count,
                                      const cnn_image_settings *settings, int threads,
                                      cnn_hash128 *key, struct timespec *newest, cnn_error *error);

#endif
