/* The images of --int8: which set the scales of a network in 8 bits, and which measure it. */
#ifndef CNN_MODEL_C_INT8_IMAGES_H
#define CNN_MODEL_C_INT8_IMAGES_H

#include "cnn/file.h"
#include "cnn/status.h"

#include <stddef.h>

enum { CNN_INT8_SCALING_MAX = 256, CNN_INT8_MEASURED_MAX = 4096, CNN_INT8_NO_LABEL = -1 };

typedef struct cnn_int8_image {
    char *path;
    int label; /* 0 or 1, or CNN_INT8_NO_LABEL */
} cnn_int8_image;

typedef struct cnn_int8_images {
    cnn_int8_image *scaling, *measured; /* in the order of the list */
    size_t scaling_count, measured_count;
} cnn_int8_images;

/* Finds the images of paths[count]. One path can be a manifest, or a folder with folders of the
 * two classes, or with splits of them: labels are then known. Otherwise paths are images, and
 * folders of images.
 *
 * Every second image sets scales, and the others measure: at most CNN_INT8_SCALING_MAX and
 * CNN_INT8_MEASURED_MAX of them, evenly spread over the list. Free with cnn_int8_images_free, also
 * after a failure. CNN_ERROR_DATA if there are fewer than two images, or a path cannot be read. */
CNN_MUST_USE cnn_status cnn_int8_images_find(const char *const *paths, size_t count,
                                             char *const classes[2], int threads,
                                             cnn_int8_images *images, cnn_error *error);
void cnn_int8_images_free(cnn_int8_images *images);

#endif
