/* Images: from a file, or from pixels in memory, to the bytes that a network sees. The only user of
 * stb_image_resize (stb.c compiles it). */
#ifndef CNN_IMAGE_LOAD_H
#define CNN_IMAGE_LOAD_H

#include "image/decode.h"

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

typedef enum cnn_resize {
    CNN_RESIZE_STRETCH,   /* the whole image, its shape changed */
    CNN_RESIZE_CROP,      /* the largest middle part of the right shape */
    CNN_RESIZE_LETTERBOX, /* the whole image, its shape kept, black around it */
} cnn_resize;

/* What the network sees. Integers as the config holds them: width and height 1 … 4096, channels 1
 * or 3. */
typedef struct cnn_image_settings {
    int64_t width, height, channels;
    int64_t resize; /* cnn_resize */
    double max_megapixels;
} cnn_image_settings;

/* Bytes of one image as the network sees it: channels × height × width. */
size_t cnn_image_size(const cnn_image_settings *settings);

/* A hash of size and colours: the same for copies, whatever the file format. Two different images
 * of a million have the same one by accident with a probability of 3e-8. CNN_ERROR_RUNTIME where
 * memory is refused. */
CNN_MUST_USE cnn_status cnn_image_content(const cnn_image *image, uint64_t *content,
                                          cnn_error *error);

/* Decodes `path` (PNG, JPEG, BMP, TGA or PNM, told apart by content), turns it as its EXIF data
 * says, and brings it to size: pixels[channels][height][width]. Grey from colour is stb_image's
 * (77 R + 150 G + 29 B) / 256; alpha is dropped; 16 bits become 8. An image with more pixels than
 * allowed is refused before it is decoded. content: its cnn_image_content; may be NULL.
 * CNN_ERROR_DATA with a reason, without the path; CNN_ERROR_RUNTIME where memory or descriptors
 * have run out. */
CNN_MUST_USE cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings,
                                       uint8_t *pixels, uint64_t *content, cnn_error *error);

/* The same from pixels in memory: rows of `width` pixels of 1 to 4 bytes (grey, grey + alpha, RGB,
 * RGBA), `stride` bytes apart. */
CNN_MUST_USE cnn_status cnn_image_convert(const uint8_t *from, int width, int height, int channels,
                                          size_t stride, const cnn_image_settings *settings,
                                          uint8_t *pixels, cnn_error *error);

#endif
