/* Opens a TIFF in memory with libtiff, which prints nothing and takes a limited amount of memory.
 */
#ifndef CNN_IMAGE_TIFF_FILE_H
#define CNN_IMAGE_TIFF_FILE_H

#include "image/decode.h"

#include <tiffio.h>

/* A file in memory. Set bytes and size, and the rest to 0. */
typedef struct cnn_tiff_source {
    const uint8_t *bytes;
    size_t size, at;
    char message[160]; /* of the first error; empty: none */
    bool extra_unset;  /* the file has more samples than colours, and does not say what they are */
} cnn_tiff_source;

/* libtiff reports a lack of memory like a damaged file, or ignores what it had no memory for.
 * malloc leaves ENOMEM in errno, which says that it was that: set errno to 0 before, and look
 * after. */

/* Opens the file, and reads the description of its first image. Close *tiff with TIFFClose before
 * *source ends. CNN_ERROR_DATA with a reason; or CNN_ERROR_RUNTIME. */
CNN_MUST_USE cnn_status cnn_tiff_open(cnn_tiff_source *s, const cnn_pixel_limit *limit, TIFF **tiff,
                                      cnn_error *error);

/* CNN_ERROR_DATA with the first error that libtiff reported, or with `otherwise` if there is none.
 */
cnn_status cnn_tiff_fail(const cnn_tiff_source *s, const char *otherwise, cnn_error *error);

#endif
