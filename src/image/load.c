#include "image/load.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

cnn_status cnn_image_convert(const cnn_pixels *from, const cnn_image_settings *settings,
                             cnn_image_buffers *buffers, uint8_t *pixels, cnn_error *error) {
    size_t row_bytes;
    if (from->width < 1 || from->height < 1 || from->channels < 1 || from->channels > 4 ||
        !cnn_multiply_size((size_t)from->width, (size_t)from->channels, &row_bytes) ||
        from->stride < row_bytes) {
        return cnn_fail(
            error, CNN_ERROR_DATA,
            "expected 1 to 4 channels and rows of at least width × channels bytes, got %d "
            "× %d pixels of %d channels, %zu bytes per row",
            from->width, from->height, from->channels, from->stride);
    }
    if (buffers) {
        return cnn_image_resize(from, settings, buffers, pixels, error);
    }
    CNN_TRY(cnn_image_buffers_create(1, &buffers, error));
    cnn_status status = cnn_image_resize(from, settings, buffers, pixels, error);
    cnn_image_buffers_free(buffers, 1);
    return status;
}

/* Writes the colours of `count` pixels as RGB. Grey becomes three equal parts. Alpha is ignored. */
static void write_colours(const uint8_t *from, int channels, size_t count, uint8_t *to) {
    size_t green = channels >= 3 ? 1 : 0;
    size_t blue = channels >= 3 ? 2 : 0;
    for (size_t i = 0; i < count; i++, from += channels, to += 3) {
        to[0] = from[0];
        to[1] = from[green];
        to[2] = from[blue];
    }
}

cnn_status cnn_image_content(const cnn_image *image, uint64_t *content, cnn_error *error) {
    size_t width = (size_t)image->width;
    size_t row = width * (size_t)image->channels;
    uint8_t *colours = NULL;
    if (image->channels != 3 && !(colours = cnn_alloc(width, 3))) {
        return cnn_fail_memory(error, "an image");
    }
    uint64_t hash = CNN_HASH_START;
    hash = cnn_hash_bytes(hash,
                          (const uint8_t[4]){(uint8_t)width, (uint8_t)(width >> 8),
                                             (uint8_t)(width >> 16), (uint8_t)(width >> 24)},
                          4);
    for (size_t y = 0; y < (size_t)image->height; y++) {
        const uint8_t *pixels = image->pixels + y * row;
        if (colours) {
            write_colours(pixels, image->channels, width, colours);
        }
        hash = cnn_hash_bytes(hash, colours ? colours : pixels, width * 3);
    }
    *content = hash;
    cnn_free(colours);
    return CNN_OK;
}

cnn_pixels cnn_image_pixels(const cnn_image *image) {
    return (cnn_pixels){.bytes = image->pixels,
                        .width = image->width,
                        .height = image->height,
                        .channels = image->channels,
                        .stride = (size_t)image->width * (size_t)image->channels};
}

static cnn_status convert_image(const cnn_image *image, const cnn_image_settings *settings,
                                cnn_image_buffers *buffers, uint8_t *pixels, uint64_t *content,
                                cnn_error *error) {
    const cnn_pixels from = cnn_image_pixels(image);
    if (content) {
        CNN_TRY(cnn_image_content(image, content, error));
    }
    return cnn_image_convert(&from, settings, buffers, pixels, error);
}

cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings,
                          cnn_image_buffers *buffers, uint8_t *pixels, uint64_t *content,
                          cnn_error *error) {
    cnn_image image;
    const cnn_pixel_limit limit = {.megapixels = settings->max_megapixels,
                                   .name = settings->max_megapixels_name};
    CNN_TRY(cnn_image_read_limited(path, &limit, &image, error));
    cnn_status status = convert_image(&image, settings, buffers, pixels, content, error);
    cnn_image_release(&image);
    return status;
}
