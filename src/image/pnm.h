/* Reads PNM images: PBM, PGM and PPM, plain (P1 to P3) and binary (P4 to P6). */
#ifndef CNN_IMAGE_PNM_H
#define CNN_IMAGE_PNM_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_pnm_header {
    char kind;         /* '1' … '6' */
    int width, height; /* at most 2^24, or 0 */
    int maximum;       /* of a sample, 1 … 65535; 1 for bits */
    int channels;      /* 1 or 3 */
    size_t begin;      /* offset of the samples in the file */
} cnn_pnm_header;

/* Is the file bytes[size] a PNM image? */
bool cnn_pnm_is(const uint8_t *bytes, size_t size);

/* Reads the header. Refuses a file that is too short for its samples, so that a header cannot ask
 * for memory that the file does not fill. CNN_ERROR_DATA with the place in the file. */
CNN_MUST_USE cnn_status cnn_pnm_read_header(const uint8_t *bytes, size_t size,
                                            cnn_pnm_header *header, cnn_error *error);

/* Reads the samples into pixels[height][width][channels]: 0 is black, the maximum is 255.
 *
 * A sample v becomes round(255 v / maximum), ties to even, as Pillow scales all but grey with a
 * maximum above 255 (which it scales to 16 bits). The maximum 65535 is the exception: the high
 * byte, as of images of 16 bits in any format. Samples above the
 * maximum are white, or refused in a plain file. CNN_ERROR_DATA with the place in the file. */
CNN_MUST_USE cnn_status cnn_pnm_read_pixels(const uint8_t *bytes, size_t size,
                                            const cnn_pnm_header *header, uint8_t *pixels,
                                            cnn_error *error);

#endif
