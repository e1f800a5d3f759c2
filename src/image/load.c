#include "image/load.h"

#include "base/error.h"
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

cnn_pixels cnn_image_pixels(const cnn_image *image) {
    return (cnn_pixels){.bytes = image->pixels,
                        .width = image->width,
                        .height = image->height,
                        .channels = image->channels,
                        .stride = (size_t)image->width * (size_t)image->channels};
}

static cnn_status convert_image(cnn_image *image, const cnn_image_settings *settings,
                                cnn_image_buffers *buffers, uint8_t *pixels, uint64_t *content,
                                cnn_error *error) {
    const cnn_pixels from = cnn_image_pixels(image);
    if (content) {
        CNN_TRY(cnn_image_content(image, content, error));
    }
    cnn_image_adjust(image, settings);
    return cnn_image_convert(&from, settings, buffers, pixels, error);
}

cnn_status cnn_image_load(const char *path, const cnn_image_settings *settings,
                          cnn_image_buffers *buffers, uint8_t *pixels, uint64_t *content,
                          cnn_error *error) {
    cnn_image image;
    const cnn_pixel_limit limit = {.megapixels = settings->max_megapixels,
                                   .name = settings->max_megapixels_name};
    cnn_containers *containers = buffers ? buffers->containers : NULL;
    CNN_TRY(cnn_image_read_from(containers, path, &limit, &image, error));
    cnn_status status = convert_image(&image, settings, buffers, pixels, content, error);
    cnn_image_release(&image);
    return status;
}
