#include "image/load.h"

#include "base/error.h"
#include "base/memory.h"

#include <limits.h>

/* Changes the number of channels. Colour becomes grey by the weights of stb_image. Alpha is
 * dropped. */
static void convert_channels(const uint8_t *from, int from_channels, size_t count, int to_channels,
                             uint8_t *to) {
    for (size_t i = 0; i < count; i++, from += from_channels, to += to_channels) {
        uint8_t red = from[0];
        uint8_t green = from_channels >= 3 ? from[1] : red;
        uint8_t blue = from_channels >= 3 ? from[2] : red;
        if (to_channels == 3) {
            to[0] = red;
            to[1] = green;
            to[2] = blue;
        } else if (from_channels >= 3) {
            to[0] = (uint8_t)((red * 77 + green * 150 + blue * 29) >> 8);
        } else {
            to[0] = red;
        }
    }
}

/* Interleaved to planar: [H][W][C] to [C][H][W]. */
static void separate_planes(const uint8_t *from, const cnn_image_settings *settings,
                            uint8_t *pixels) {
    size_t channels = (size_t)settings->channels;
    size_t plane = (size_t)settings->width * (size_t)settings->height;
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < plane; i++) {
            pixels[c * plane + i] = from[i * channels + c];
        }
    }
}

/* Resizes interleaved pixels and separates their planes. */
static cnn_status resize_to_planes(const uint8_t *from, int width, int height,
                                   const cnn_image_settings *settings, uint8_t *pixels,
                                   cnn_error *error) {
    uint8_t *small = cnn_alloc(cnn_image_size(settings), 1);
    if (!small) {
        return cnn_fail_memory(error, "an image");
    }
    cnn_status status = cnn_image_resize(from, width, height, settings, small, error);
    if (status == CNN_OK) {
        separate_planes(small, settings, pixels);
    }
    cnn_free(small);
    return status;
}

cnn_status cnn_image_convert(const uint8_t *from, int width, int height, int channels,
                             size_t stride, const cnn_image_settings *settings, uint8_t *pixels,
                             cnn_error *error) {
    size_t row_bytes;
    if (width < 1 || height < 1 || channels < 1 || channels > 4 ||
        !cnn_multiply_size((size_t)width, (size_t)channels, &row_bytes) || stride < row_bytes) {
        return cnn_fail(
            error, CNN_ERROR_DATA,
            "expected 1 to 4 channels and rows of at least width × channels bytes, got %d "
            "× %d pixels of %d channels, %zu bytes per row",
            width, height, channels, stride);
    }
    if (width > INT_MAX / 4 || (size_t)width > SIZE_MAX / 3 / (size_t)height) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a smaller image, got %d×%d", width,
                        height);
    }
    size_t to_channels = (size_t)settings->channels;
    size_t row = (size_t)width * to_channels;
    uint8_t *same_channels = cnn_alloc((size_t)height, row);
    if (!same_channels) {
        return cnn_fail_memory(error, "an image");
    }
    for (int y = 0; y < height; y++) {
        convert_channels(from + (size_t)y * stride, channels, (size_t)width, (int)to_channels,
                         same_channels + (size_t)y * row);
    }
    cnn_status status = resize_to_planes(same_channels, width, height, settings, pixels, error);
    cnn_free(same_channels);
    return status;
}

static cnn_status convert_image(cnn_image *image, const cnn_image_settings *settings,
                                uint8_t *pixels, uint64_t *content, cnn_error *error) {
    if (content) {
        CNN_TRY(cnn_image_content(image, content, error));
    }
    cnn_image_adjust(image, settings);
    return cnn_image_convert(image->pixels, image->width, image->height, image->channels,
                             (size_t)image->width * (size_t)image->channels, settings, pixels,
                             error);
}

cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings, uint8_t *pixels,
                          uint64_t *content, cnn_error *error) {
    cnn_image image;
    const cnn_pixel_limit limit = {.megapixels = settings->max_megapixels,
                                   .name = settings->max_megapixels_name};
    CNN_TRY(cnn_image_read_limited(path, &limit, &image, error));
    cnn_status status = convert_image(&image, settings, pixels, content, error);
    cnn_image_release(&image);
    return status;
}
