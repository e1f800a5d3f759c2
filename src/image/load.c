#include "image/load.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "image/guard.h"

#include <stb_image_resize.h>

#include <limits.h>
#include <string.h>

size_t cnn_image_size(const cnn_image_settings *settings) {
    return (size_t)settings->channels * (size_t)settings->height * (size_t)settings->width;
}

/* Pixels with another number of channels, the same bytes as stb_image gives: colour to grey with
 * its weights, alpha dropped. */
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

/* A part of an image, in pixels. */
typedef struct rectangle {
    int x, y, width, height;
} rectangle;

/* The largest width : height rectangle in the middle of an outer one, to whole pixels. */
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

/* from: interleaved, with the network's number of channels. */
static cnn_status resize(const uint8_t *from, int width, int height,
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
        for (int row = 0; row < target.height; row++) { /* no filter: the same bytes */
            memcpy(place + (size_t)row * (size_t)to_width * (size_t)channels,
                   first + (size_t)row * (size_t)width * (size_t)channels,
                   (size_t)target.width * (size_t)channels);
        }
        return CNN_OK;
    }
    cnn_status status = cnn_image_guard_resize(source.width, source.height, target.width,
                                               target.height, channels, error);
    if (status != CNN_OK) {
        return status;
    }
    if (!stbir_resize_uint8(first, source.width, source.height, width * channels, place,
                            target.width, target.height, to_width * channels, channels)) {
        return cnn_fail_memory(error, "resizing an image");
    }
    return CNN_OK;
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

cnn_status cnn_image_convert(const uint8_t *from, int width, int height, int channels,
                             size_t stride, const cnn_image_settings *settings, uint8_t *pixels,
                             cnn_error *error) {
    size_t row_bytes;
    if (width < 1 || height < 1 || channels < 1 || channels > 4 ||
        !cnn_multiply_size((size_t)width, (size_t)channels, &row_bytes) || stride < row_bytes) {
        return cnn_fail(
            error, CNN_ERROR_DATA,
            "expected 1 to 4 channels and rows of at least width × channels bytes, got %d "
            "× %d pixels of %d channels, %zu bytes a row",
            width, height, channels, stride);
    }
    if (width > INT_MAX / 4 || (size_t)width > SIZE_MAX / 3 / (size_t)height) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a smaller image, got %d×%d", width,
                        height);
    }
    size_t to_channels = (size_t)settings->channels;
    size_t row = (size_t)width * to_channels;
    uint8_t *same_channels = cnn_alloc((size_t)height, row);
    uint8_t *small = cnn_alloc(cnn_image_size(settings), 1);
    cnn_status status = CNN_OK;
    if (!same_channels || !small) {
        status = cnn_fail_memory(error, "an image");
        goto done;
    }
    for (int y = 0; y < height; y++) {
        convert_channels(from + (size_t)y * stride, channels, (size_t)width, (int)to_channels,
                         same_channels + (size_t)y * row);
    }
    status = resize(same_channels, width, height, settings, small, error);
    if (status == CNN_OK) {
        separate_planes(small, settings, pixels);
    }
done:
    cnn_free(same_channels);
    cnn_free(small);
    return status;
}

/* Grey counts as colour with three equal parts, alpha does not count. */
cnn_status cnn_image_content(const cnn_image *image, uint64_t *content, cnn_error *error) {
    size_t width = (size_t)image->width;
    size_t row = width * 3;
    uint8_t *colours = cnn_alloc(row, 1);
    if (!colours) {
        return cnn_fail_memory(error, "an image");
    }
    uint64_t hash = CNN_HASH_START;
    hash = cnn_hash_bytes(hash,
                          (const uint8_t[4]){(uint8_t)width, (uint8_t)(width >> 8),
                                             (uint8_t)(width >> 16), (uint8_t)(width >> 24)},
                          4);
    for (size_t y = 0; y < (size_t)image->height; y++) {
        convert_channels(image->pixels + y * width * (size_t)image->channels, image->channels,
                         width, 3, colours);
        hash = cnn_hash_bytes(hash, colours, row);
    }
    *content = hash;
    cnn_free(colours);
    return CNN_OK;
}

cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings, uint8_t *pixels,
                          uint64_t *content, cnn_error *error) {
    cnn_image image;
    cnn_status status = cnn_image_read(path, settings->max_megapixels, &image, error);
    if (status == CNN_OK && content) {
        status = cnn_image_content(&image, content, error);
    }
    if (status == CNN_OK) {
        status = cnn_image_convert(image.pixels, image.width, image.height, image.channels,
                                   (size_t)image.width * (size_t)image.channels, settings, pixels,
                                   error);
    }
    cnn_image_release(&image);
    return status;
}
