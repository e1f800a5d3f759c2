/* Resizes an image to the size that a network sees: stretch, crop or letterbox. The only user of
 * stb_image_resize (stb.c compiles it). */
#ifndef CNN_IMAGE_RESIZE_H
#define CNN_IMAGE_RESIZE_H

#include "cnn/status.h"
#include "image/alpha.h"
#include "image/range.h"

#include <stddef.h>
#include <stdint.h>

typedef enum cnn_resize {
    CNN_RESIZE_STRETCH,   /* the whole image, its shape changed */
    CNN_RESIZE_CROP,      /* the largest part in the middle that has the right shape */
    CNN_RESIZE_LETTERBOX, /* the whole image, its shape kept, black around it */
} cnn_resize;

/* What the network sees. Integers as in the config: width and height 1 … 4096, channels 1 or 3. */
typedef struct cnn_image_settings {
    int64_t width, height, channels;
    cnn_resize resize;
    cnn_range_kind range;
    cnn_range ends; /* of CNN_RANGE_STRETCH: found in the training images, not in the config */
    cnn_alpha alpha;
    double max_megapixels;
    const char *max_megapixels_name; /* for messages; NULL: the key, image.max_megapixels */
} cnn_image_settings;

/* Bytes of one image as the network sees it: channels × height × width. */
size_t cnn_image_size(const cnn_image_settings *settings);

/* from: [height][width][settings->channels]; to: the same at the size of the settings. An image
 * that has the right size already is copied. CNN_ERROR_DATA with a reason if the shape is too
 * extreme; CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_image_resize(const uint8_t *from, int width, int height,
                                         const cnn_image_settings *settings, uint8_t *to,
                                         cnn_error *error);

#endif
