/* Images that several processes hold together: process r of n decodes and keeps those whose place
 * modulo n is r. So each has its share of every class and split. */
#ifndef CNN_SAMPLES_SHARE_H
#define CNN_SAMPLES_SHARE_H

#include "base/ranks.h"
#include "image/cache.h"

/* The process that holds image i of `images`, and the place of the image there. */
int cnn_share_holder(const cnn_ranks *ranks, size_t i);
size_t cnn_share_place(const cnn_ranks *ranks, size_t i);

/* cnn_image_set_load for this process's share of a request: contents and reasons are those of all
 * images, pixels those of the share. If one process fails, all fail. */
CNN_MUST_USE cnn_status cnn_share_load(cnn_ranks *ranks, const cnn_image_request *request,
                                       cnn_image_set *images, cnn_error *error);

#endif
