/* Reads all images of a list on several threads. */
#ifndef CNN_INSPECT_READ_IMAGES_H
#define CNN_INSPECT_READ_IMAGES_H

#include "cnn/options.h"
#include "image/container.h"
#include "samples/list.h"

/* Reads image i of a list. Several threads call it at once, for different images; `thread` is below
 * cnn_setup_threads of the options. CNN_ERROR_DATA if the image is unreadable; the message is the
 * reason. */
typedef cnn_status cnn_read_image(void *context, size_t i, int thread, cnn_error *error);

/* Calls `read` once for each image of `list`, in the order in which the containers, from which it
 * reads, have them. reasons[list->count]: set to why an image is
 * unreadable; free each with cnn_free, also after a failure. Of the options, threads and
 * should_stop are used. CNN_STOPPED if should_stop returned true; CNN_ERROR_RUNTIME if reading
 * failed for a reason that is not the fault of an image. The message starts with the path of an
 * image. */
CNN_MUST_USE cnn_status cnn_read_images(const cnn_sample_list *list,
                                        const cnn_common_options *options,
                                        cnn_containers *containers, cnn_read_image *read,
                                        void *context, char **reasons, cnn_error *error);

#endif
