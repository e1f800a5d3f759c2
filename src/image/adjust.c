/* Applies image.range and image.alpha to the pixels of an image, before they are resized. */
#include "base/error.h"
#include "base/memory.h"
#include "image/load.h"

#include <limits.h>
#include <string.h>

void cnn_image_adjust(cnn_image *image, const cnn_image_settings *settings) {
    if (settings->range == CNN_RANGE_STRETCH && cnn_range_is_valid(&settings->ends)) {
        cnn_range_apply(&settings->ends, image);
    }
    cnn_alpha_compose(settings->alpha, image);
}

/* Copies pixels in memory into an image without gaps. */
static cnn_status copy_pixels(const uint8_t *from, size_t stride, cnn_image *image,
                              cnn_error *error) {
    size_t row = (size_t)image->width * (size_t)image->channels;
    image->pixels = cnn_alloc((size_t)image->height, row);
    if (!image->pixels) {
        return cnn_fail_memory(error, "an image");
    }
    for (size_t y = 0; y < (size_t)image->height; y++) {
        memcpy(image->pixels + y * row, from + y * stride, row);
    }
    return CNN_OK;
}

cnn_status cnn_image_adjust_and_convert(const uint8_t *from, int width, int height, int channels,
                                        size_t stride, const cnn_image_settings *settings,
                                        uint8_t *pixels, cnn_error *error) {
    bool possible = width >= 1 && width <= INT_MAX / 4 && height >= 1 && channels >= 1 &&
                    channels <= 4 && stride >= (size_t)width * (size_t)channels;
    bool changes = settings->range == CNN_RANGE_STRETCH || settings->alpha != CNN_ALPHA_DROP;
    if (!possible || !changes) { /* what is impossible is refused there */
        return cnn_image_convert(from, width, height, channels, stride, settings, pixels, error);
    }
    cnn_image image = {.width = width, .height = height, .channels = channels};
    CNN_TRY(copy_pixels(from, stride, &image, error));
    cnn_image_adjust(&image, settings);
    cnn_status status =
        cnn_image_convert(image.pixels, width, height, channels, (size_t)width * (size_t)channels,
                          settings, pixels, error);
    cnn_image_release(&image);
    return status;
}
