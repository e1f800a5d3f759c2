/* Refuses images that stb_image and stb_image_resize would not handle safely or rightly, before
 * these see them. */
#ifndef CNN_IMAGE_GUARD_H
#define CNN_IMAGE_GUARD_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a file needs that stb_image does not do. */
typedef struct cnn_image_needs {
    bool repair; /* a JPEG: cnn_jpeg_repair (jpeg.h) before it is decoded */
    bool divide; /* a PNG of Apple's variant: cnn_png_divide_by_alpha (png.h) afterwards */
} cnn_image_needs;

/* Inspects bytes[size], a file of any kind but PNM. Refuses known formats that are not read
 * (format.h), files that are cut short or damaged (png.h, jpeg.h; BMP and TGA of which pixels are
 * missing, which stb_image would leave black), and files that stb_image would not handle safely.
 * CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_image_guard(const uint8_t *bytes, size_t size, cnn_image_needs *needs,
                                        cnn_error *error);

/* Refuses to resize an image whose shape is so extreme that stb_image_resize would take seconds, or
 * that the number of bytes it needs would overflow. CNN_ERROR_DATA with a reason. */
CNN_MUST_USE cnn_status cnn_image_guard_resize(int width, int height, int to_width, int to_height,
                                               int channels, cnn_error *error);

#endif
