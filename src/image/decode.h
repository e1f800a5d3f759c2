/* From an image file to its pixels, upright. */
#ifndef CNN_IMAGE_DECODE_H
#define CNN_IMAGE_DECODE_H

#include "cnn/status.h"
#include "image/container.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cnn_image_format {
    CNN_IMAGE_PNG,
    CNN_IMAGE_JPEG,
    CNN_IMAGE_BMP,
    CNN_IMAGE_PNM,
    CNN_IMAGE_WEBP, /* where libwebp was found */
    CNN_IMAGE_TIFF, /* where libtiff was found */
    CNN_IMAGE_TGA,
    CNN_IMAGE_FORMATS,
} cnn_image_format;

typedef struct cnn_image {
    bool header_only; /* read no pixels: pixels and samples stay NULL */
    uint8_t *pixels;  /* [height][width][channels] */
    uint16_t
        *samples; /* the same in 16 bits; NULL if the file has 8 per value, and for some TIFF */
    int width, height;
    int channels;    /* 1: grey, 2: grey and alpha, 3: RGB, 4: RGBA */
    int orientation; /* 1 … 8, from the file's EXIF data (exif.h); already applied */
    bool deep;       /* more than 8 bits per value: pixels hold the high bytes (PNM: pnm.c) */
    cnn_image_format format;
    size_t file_size; /* bytes */
} cnn_image;

/* The most pixels that an image may have. */
typedef struct cnn_pixel_limit {
    double megapixels;
    const char *name; /* what messages call it; NULL: image.max_megapixels */
} cnn_pixel_limit;

/* Decodes `path`, of a file or of an image in a container (container.h), whose format is found by
 * its content, and turns it upright. An image with more pixels than allowed is refused before it is
 * decoded. CNN_ERROR_DATA with a reason, without the
 * path. Free with cnn_image_release. */
CNN_MUST_USE cnn_status cnn_image_read_limited(const char *path, const cnn_pixel_limit *limit,
                                               cnn_image *image, cnn_error *error);
/* The same for many images, whose containers stay open; NULL: as cnn_image_read_limited. */
CNN_MUST_USE cnn_status cnn_image_read_from(cnn_containers *containers, const char *path,
                                            const cnn_pixel_limit *limit, cnn_image *image,
                                            cnn_error *error);
/* cnn_image_read_limited with the limit of the key image.max_megapixels. */
CNN_MUST_USE cnn_status cnn_image_read(const char *path, double max_megapixels, cnn_image *image,
                                       cnn_error *error);
/* The same without pixels: all that the header of the file says of them, which is what decoding it
 * would say. Data that are missing or damaged may stay unseen. Nothing is to be released. */
CNN_MUST_USE cnn_status cnn_image_read_header(cnn_containers *containers, const char *path,
                                              const cnn_pixel_limit *limit, cnn_image *image,
                                              cnn_error *error);
void cnn_image_release(cnn_image *image); /* all zero is allowed */

/* "PNG", "JPEG", … */
const char *cnn_image_format_name(cnn_image_format format);

/* *format: that of this name. False if none that is read has it. */
bool cnn_image_format_of_name(const char *name, cnn_image_format *format);

/* Is the extension of `path` that of a format that is read? */
bool cnn_image_has_extension(const char *path);

/* Does the extension of `path` belong to another image format? False for an unknown extension, and
 * for none. */
bool cnn_image_extension_is_wrong(const char *path, cnn_image_format format);

#endif
