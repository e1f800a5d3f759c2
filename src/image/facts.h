/* Properties of an image file that --check-data and --init look at: format, size, brightness,
 * hashes. */
#ifndef CNN_IMAGE_FACTS_H
#define CNN_IMAGE_FACTS_H

#include "image/hidden.h"
#include "image/load.h"
#include "image/perceptual_hash.h"
#include "image/quality.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_image_facts {
    cnn_image_format format;
    int width, height;         /* upright */
    int channels;              /* of the file: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA */
    int orientation;           /* 1 … 8: exif.h */
    bool deep;                 /* 16 bits per value */
    bool shape_in_alpha;       /* the shape is only in the alpha channel (alpha.h) */
    bool constant;             /* all pixels have the same colour */
    size_t file_size;          /* bytes */
    double brightness;         /* mean grey, 0 … 255 */
    cnn_image_quality quality; /* of what the network sees, but the levels of the file */
    uint64_t content;          /* cnn_image_content */
    uint64_t perceptual[CNN_PERCEPTUAL_WORDS];
} cnn_image_facts;

/* Decodes `path` and measures it; constant, brightness and perceptual as the network sees the
 * colours (cnn_image_adjust). Fails exactly if cnn_image_load fails with the same settings:
 * CNN_ERROR_DATA with a reason, without the path; CNN_ERROR_RUNTIME. buffers: NULL for one image
 * alone. hidden: what the file holds beyond what the network sees is added; may be NULL. */
CNN_MUST_USE cnn_status cnn_image_facts_read(const char *path, const cnn_image_settings *settings,
                                             cnn_image_buffers *buffers, cnn_hidden *hidden,
                                             cnn_image_facts *facts, cnn_error *error);

/* The same from the header of the file only: format, size, mode, orientation and file size; the
 * rest is 0. Takes a small part of the time, and may not see that the data after it are damaged. */
CNN_MUST_USE cnn_status cnn_image_facts_read_header(const char *path,
                                                    const cnn_image_settings *settings,
                                                    cnn_image_buffers *buffers,
                                                    cnn_image_facts *facts, cnn_error *error);

/* "grey", "RGBA 16 bit", … */
const char *cnn_image_mode_name(int channels, bool deep);

#endif
