/* Images: from a file, or from pixels in memory, to the bytes that a network sees. Only this file
 * uses stb_image_resize (stb.c compiles it). */
#ifndef CNN_IMAGE_LOAD_H
#define CNN_IMAGE_LOAD_H

#include "image/decode.h"

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

typedef enum cnn_resize {
    CNN_RESIZE_STRETCH,   /* the whole image, aspect ratio changed */
    CNN_RESIZE_CROP,      /* the largest part in the middle with the right aspect ratio */
    CNN_RESIZE_LETTERBOX, /* the whole image, aspect ratio kept, with black borders */
} cnn_resize;

/* What the network sees. Values as in the config: width and height 1 … 4096, channels 1 or 3. */
typedef struct cnn_image_settings {
    int64_t width, height, channels;
    int64_t resize; /* cnn_resize */
    double max_megapixels;
} cnn_image_settings;

/* Size in bytes of one image as the network sees it: channels × height × width. */
size_t cnn_image_size(const cnn_image_settings *settings);

/* A hash of size and colours: the same for copies, whatever the file format. The probability that
 * any two of a million different images have the same hash is 3e-8. CNN_ERROR_RUNTIME if memory is
 * refused. */
CNN_MUST_USE cnn_status cnn_image_content(const cnn_image *image, uint64_t *content,
                                          cnn_error *error);

/* Decodes `path` (PNG, JPEG, BMP, TGA or PNM, recognised by content), turns it as its EXIF data
 * says, and resizes it: pixels[channels][height][width]. Colour becomes grey as in stb_image, (77 R
 * + 150 G + 29 B) / 256; alpha is dropped; 16 bits become 8. An image with more pixels than allowed
 * is refused before it is decoded. content: its cnn_image_content; may be NULL. CNN_ERROR_DATA with
 * a reason, without the path; CNN_ERROR_RUNTIME if memory or descriptors have run out. */
CNN_MUST_USE cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings,
                                       uint8_t *pixels, uint64_t *content, cnn_error *error);

/* The same from pixels in memory: rows of `width` pixels of 1 to 4 bytes (grey, grey + alpha, RGB,
 * RGBA), `stride` bytes apart. */
CNN_MUST_USE cnn_status cnn_image_convert(const uint8_t *from, int width, int height, int channels,
                                          size_t stride, const cnn_image_settings *settings,
                                          uint8_t *pixels, cnn_error *error);

#endif
