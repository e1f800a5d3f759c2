/* Decodes all images of a request, on several threads, into memory or into a cache file. Private to
 * cache.c. */
#ifndef CNN_IMAGE_DECODE_SET_H
#define CNN_IMAGE_DECODE_SET_H

#include "image/cache.h"

/* Bytes that are kept of each image of a request: its pixels, or what a transform makes of them. */
size_t cnn_kept_size(const cnn_image_request *request);

/* Both decode the images, transform them if the request says so, and fill in contents[i], and
 * reasons[i] of images that cannot be read. CNN_ERROR_RUNTIME if memory or descriptors run out, or
 * the file cannot be written; CNN_STOPPED if should_stop returned true. */
CNN_MUST_USE cnn_status cnn_decode_into_memory(const cnn_image_request *request, char **reasons,
                                               uint8_t *memory, /* [count][kept_size] */
                                               cnn_error *error);
CNN_MUST_USE cnn_status cnn_decode_into_file(const cnn_image_request *request, char **reasons,
                                             cnn_cache_file_writer *writer, cnn_error *error);

/* Replaces *reason by a copy of the text; NULL: by NULL. */
void cnn_set_reason(char **reason, const char *text);

#endif
