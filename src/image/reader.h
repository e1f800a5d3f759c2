/* What a reader of an image format is. decode.c calls the readers of the table in readers.c. */
#ifndef CNN_IMAGE_READER_H
#define CNN_IMAGE_READER_H

#include "cnn/status.h"
#include "image/decode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_image_reader {
    const char *name;       /* of the format, in messages and reports */
    const char *extensions; /* lower case, each followed by a space */

    /* Does bytes[size] start as a file of this format? */
    bool (*recognises)(const uint8_t *bytes, size_t size);

    /* Decodes bytes[size], which the reader recognises, as the file stores it: sets pixels, and
     * samples if the file has more than 8 bits per value (both to be released with cnn_free, also
     * after a failure), width, height, channels, deep, and the orientation, which is not applied.
     * All else is set already; orientation is 1. If image->header_only is set, takes no memory for
     * pixels and does not decode them.
     *
     * The size must pass cnn_image_check_size before memory is taken for it. Files that are damaged
     * or cut short are refused, with the place in the file. CNN_ERROR_DATA with a reason;
     * CNN_ERROR_RUNTIME if memory is refused. */
    cnn_status (*read)(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                       cnn_image *image, cnn_error *error);

    /* A number for the version of the library that decodes, which pixels may depend on; NULL: no
     * library that the program finds when it starts. */
    uint64_t (*version)(void);
} cnn_image_reader;

/* CNN_ERROR_DATA if an image has no pixels, or more than the limit. */
CNN_MUST_USE cnn_status cnn_image_check_size(int width, int height, const cnn_pixel_limit *limit,
                                             cnn_error *error);

/* One per file. The last two: where CMake finds the library. */
extern const cnn_image_reader cnn_png_reader, cnn_jpeg_reader, cnn_bmp_reader, cnn_tga_reader,
    cnn_pnm_reader, cnn_webp_reader, cnn_tiff_reader;

/* The reader that recognises bytes[size] first; NULL: none does. *format: its format. */
const cnn_image_reader *cnn_image_find_reader(const uint8_t *bytes, size_t size,
                                              cnn_image_format *format);

/* A number for the versions of all readers' libraries. */
uint64_t cnn_image_library_versions(void);

/* Writes the names of all formats that are read, "PNG, JPEG or BMP", into text[size], which
 * CNN_IMAGE_FORMAT_LIST_SIZE is enough for. */
#define CNN_IMAGE_FORMAT_LIST_SIZE 128
void cnn_image_format_list(char *text, size_t size);

#endif
