/* Properties of an image file that matter before training on it. */
#ifndef CNN_IMAGE_FACTS_H
#define CNN_IMAGE_FACTS_H

#include "image/load.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of a perceptual hash, and how many may differ between near-copies.
 *
 * The hash is that of Zauner (2010), "Implementation and Benchmarking of Perceptual Image Hash
 * Functions", section 3.2.1, with 255 bits instead of 64, which cannot distinguish small images:
 * which of the 16 × 16 lowest frequencies (except the mean) of the cosine transform of a grey 32 ×
 * 32 image are above their median. */
#define CNN_PERCEPTUAL_BITS 255
#define CNN_PERCEPTUAL_WORDS 4
#define CNN_NEAR_COPY_BITS 16

typedef struct cnn_image_facts {
    cnn_image_format format;
    int width, height; /* upright */
    int channels;      /* of the file: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA */
    int orientation;   /* 1 … 8: exif.h */
    bool deep;         /* 16 bits per value */
    bool constant;     /* all pixels have one colour */
    size_t file_size;  /* bytes */
    double brightness; /* mean grey, 0 … 255 */
    uint64_t content;  /* cnn_image_content */
    uint64_t perceptual[CNN_PERCEPTUAL_WORDS];
} cnn_image_facts;

/* Decodes `path` and determines its properties. Fails if cnn_image_load with the same settings
 * would fail: CNN_ERROR_DATA with a reason, without the path; CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_image_facts_read(const char *path, const cnn_image_settings *settings,
                                             cnn_image_facts *facts, cnn_error *error);

/* Does the name have the extension of a supported format other than that of the content? Other
 * extensions, and none, do not count. */
bool cnn_image_extension_is_wrong(const char *path, cnn_image_format format);

/* "PNG", "JPEG", …; "grey", "RGBA 16 bit", … */
const char *cnn_image_format_name(cnn_image_format format);
const char *cnn_image_mode_name(int channels, bool deep);

#endif
