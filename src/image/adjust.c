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

/* Copies pixels in memory into an image without gaps. image: with width, height and channels. */
static cnn_status copy_pixels(const cnn_pixels *from, cnn_image *image, cnn_error *error) {
    size_t row = (size_t)image->width * (size_t)image->channels;
    image->pixels = cnn_alloc((size_t)image->height, row);
    if (!image->pixels) {
        return cnn_fail_memory(error, "an image");
    }
    for (size_t y = 0; y < (size_t)image->height; y++) {
        memcpy(image->pixels + y * row, from->bytes + y * from->stride, row);
    }
    return CNN_OK;
}

cnn_status cnn_image_adjust_and_convert(const cnn_pixels *from, const cnn_image_settings *settings,
                                        cnn_image_buffers *buffers, uint8_t *pixels,
                                        cnn_error *error) {
    bool possible = from->width >= 1 && from->width <= INT_MAX / 4 && from->height >= 1 &&
                    from->channels >= 1 && from->channels <= 4 &&
                    from->stride >= (size_t)from->width * (size_t)from->channels;
    bool changes = settings->range == CNN_RANGE_STRETCH || settings->alpha != CNN_ALPHA_DROP;
    if (!possible || !changes) { /* what is impossible is refused there */
        return cnn_image_convert(from, settings, buffers, pixels, error);
    }
    cnn_image image = {.width = from->width, .height = from->height, .channels = from->channels};
    CNN_TRY(copy_pixels(from, &image, error));
    cnn_image_adjust(&image, settings);
    const cnn_pixels adjusted = cnn_image_pixels(&image);
    cnn_status status = cnn_image_convert(&adjusted, settings, buffers, pixels, error);
    cnn_image_release(&image);
    return status;
}
