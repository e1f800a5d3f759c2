/* Resizes an image to the size that a network sees: stretch, crop or letterbox, by the resampler of
 * kernels/resample.h. */
#ifndef CNN_IMAGE_RESIZE_H
#define CNN_IMAGE_RESIZE_H

#include "cnn/status.h"
#include "image/alpha.h"
#include "image/container.h"
#include "image/range.h"
#include "kernels/kernels.h"

#include <stddef.h>
#include <stdint.h>

typedef enum cnn_resize {
    CNN_RESIZE_STRETCH,   /* the whole image, its shape changed */
    CNN_RESIZE_CROP,      /* the largest part in the middle that has the right shape */
    CNN_RESIZE_LETTERBOX, /* the whole image, its shape kept, black around it */
} cnn_resize;

/* Their names in configs, by number; ends with NULL. */
extern const char *const cnn_resize_names[];

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

/* Pixels in memory: `height` rows, `stride` bytes apart, of `width` pixels of 1 to 4 bytes (grey,
 * grey and alpha, RGB, RGBA). */
typedef struct cnn_pixels {
    const uint8_t *bytes;
    int width, height, channels;
    size_t stride;
} cnn_pixels;

/* A part of an image, in pixels. */
typedef struct cnn_rectangle {
    int x, y, width, height;
} cnn_rectangle;

/* The part of an image of width × height pixels that the network sees, and the part of what it sees
 * where that is. */
void cnn_image_fit(const cnn_image_settings *settings, int width, int height, cnn_rectangle *source,
                   cnn_rectangle *target);

/* What one thread uses again for each image: memory for resizing, which grows to what the largest
 * image needs (some rows, and the weights of the last size), and the containers that images come
 * from, which the threads share. */
typedef struct cnn_image_buffers {
    const cnn_kernels *kernels;
    cnn_resample_side across, down;
    size_t weights_size[2]; /* bytes that across and down have */
    uint8_t *bytes;
    size_t byte_count;
    cnn_containers *containers;
    bool borrowed; /* the containers belong to another */
} cnn_image_buffers;

/* Creates buffers[threads], for the kernels of cnn_kernels_choose, whose errors it returns.
 * CNN_ERROR_RUNTIME if memory is refused. Free with cnn_image_buffers_free, which ignores NULL. */
CNN_MUST_USE cnn_status cnn_image_buffers_create(int threads, cnn_image_buffers **buffers,
                                                 cnn_error *error);
void cnn_image_buffers_free(cnn_image_buffers *buffers, int threads);

/* Lets the buffers use containers that live longer than they. */
void cnn_image_buffers_borrow(cnn_image_buffers *buffers, int threads, cnn_containers *containers);

/* Resizes to to[channels][height][width] of the settings. Colours become grey, or grey becomes
 * three equal planes, before; alpha is dropped. The bytes are those of Pillow 9.4 to 12: crop, then
 * resize((width, height), BILINEAR). An image that has the right size already is copied.
 * CNN_ERROR_DATA with a reason if a side has more than CNN_RESAMPLE_SIDE_MAX pixels, or the shape
 * is so extreme that too much memory would be needed; CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_image_resize(const cnn_pixels *from, const cnn_image_settings *settings,
                                         cnn_image_buffers *buffers, uint8_t *to, cnn_error *error);

#endif
