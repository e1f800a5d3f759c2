/* Have the images changed? One number for the files of a data set as they are now, and for all that
 * decides which bytes they become. */
#ifndef CNN_IMAGE_CACHE_KEY_H
#define CNN_IMAGE_CACHE_KEY_H

#include "base/hash.h"
#include "image/load.h"

#include <time.h>

/* *key: of the paths (made absolute), in their order, of the files' sizes and times of
 * change (of content and of status, which no program can set back), of the settings and of the
 * decoder's code. No file is opened. *newest: the latest change of a file's status. Needs memory
 * only: CNN_ERROR_RUNTIME where it is refused. */
CNN_MUST_USE cnn_status cnn_image_key(const char *const *paths, size_t count,
                                      const cnn_image_settings *settings, int threads,
                                      cnn_hash128 *key, struct timespec *newest, cnn_error *error);

#endif
