#include "image/resize.h"

#include "base/error.h"
#include "image/guard.h"

#include <stb_image_resize.h>

#include <string.h>

size_t cnn_image_size(const cnn_image_settings *settings) {
    return (size_t)settings->channels * (size_t)settings->height * (size_t)settings->width;
}

/* A part of an image, in pixels. */
typedef struct rectangle {
    int x, y, width, height;
} rectangle;

/* The largest rectangle of shape width : height in the middle of an outer one, in whole pixels. */
static rectangle middle_of_shape(int outer_width, int outer_height, int64_t width, int64_t height) {
    rectangle part = {.width = outer_width, .height = outer_height};
    if ((int64_t)outer_width * height > (int64_t)outer_height * width) {
        part.width = (int)(((int64_t)outer_height * width + height / 2) / height);
    } else {
        part.height = (int)(((int64_t)outer_width * height + width / 2) / width);
    }
    part.width = part.width < 1 ? 1 : part.width > outer_width ? outer_width : part.width;
    part.height = part.height < 1 ? 1 : part.height > outer_height ? outer_height : part.height;
    part.x = (outer_width - part.width) / 2;
    part.y = (outer_height - part.height) / 2;
    return part;
}

cnn_status cnn_image_resize(const uint8_t *from, int width, int height,
                            const cnn_image_settings *settings, uint8_t *to, cnn_error *error) {
    int channels = (int)settings->channels;
    int to_width = (int)settings->width;
    int to_height = (int)settings->height;
    rectangle source = {.width = width, .height = height};
    rectangle target = {.width = to_width, .height = to_height};
    if (settings->resize == CNN_RESIZE_CROP) {
        source = middle_of_shape(width, height, to_width, to_height);
    } else if (settings->resize == CNN_RESIZE_LETTERBOX) {
        target = middle_of_shape(to_width, to_height, width, height);
        memset(to, 0, cnn_image_size(settings));
    }
    const uint8_t *first =
        from + ((size_t)source.y * (size_t)width + (size_t)source.x) * (size_t)channels;
    uint8_t *place =
        to + ((size_t)target.y * (size_t)to_width + (size_t)target.x) * (size_t)channels;
    if (source.width == target.width && source.height == target.height) {
        for (int row = 0; row < target.height; row++) { /* same size: copied, not filtered */
            memcpy(place + (size_t)row * (size_t)to_width * (size_t)channels,
                   first + (size_t)row * (size_t)width * (size_t)channels,
                   (size_t)target.width * (size_t)channels);
        }
        return CNN_OK;
    }
    CNN_TRY(cnn_image_guard_resize(source.width, source.height, target.width, target.height,
                                   channels, error));
    if (!stbir_resize_uint8(first, source.width, source.height, width * channels, place,
                            target.width, target.height, to_width * channels, channels)) {
        return cnn_fail_memory(error, "resizing an image");
    }
    return CNN_OK;
}
