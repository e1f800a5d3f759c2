#include "image/facts.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

/* --- names --- */

const char *cnn_image_mode_name(int channels, bool deep) {
    static const char *const names[2][4] = {
        {"grey", "grey and alpha", "RGB", "RGBA"},
        {"grey 16 bit", "grey and alpha 16 bit", "RGB 16 bit", "RGBA 16 bit"}};
    return names[deep][channels - 1];
}

/* --- facts --- */

/* Alpha is ignored: the network sees colours only. */
static bool is_constant(const cnn_image *image) {
    size_t channels = (size_t)image->channels;
    size_t colours = channels >= 3 ? 3 : 1;
    size_t pixels = (size_t)image->width * (size_t)image->height;
    for (size_t i = 1; i < pixels; i++) {
        if (memcmp(image->pixels + i * channels, image->pixels, colours) != 0) {
            return false;
        }
    }
    return true;
}

/* The mean grey, and the number of grey levels, as if the image were converted (load.h). */
static double measure_grey(const cnn_image *image, int *levels) {
    size_t channels = (size_t)image->channels;
    size_t count = (size_t)image->width * (size_t)image->height;
    const uint8_t *pixel = image->pixels;
    bool found[256] = {false};
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++, pixel += channels) {
        uint8_t grey = channels >= 3 ? cnn_resample_grey(pixel[0], pixel[1], pixel[2]) : pixel[0];
        sum += grey;
        found[grey] = true;
    }
    *levels = 0;
    for (int level = 0; level < 256; level++) {
        *levels += found[level];
    }
    return (double)sum / (double)count;
}

/* The quality of the image as the network sees it. */
static cnn_status measure_seen(const cnn_pixels *pixels, const cnn_image_settings *settings,
                               cnn_image_buffers *buffers, cnn_image_quality *quality,
                               cnn_error *error) {
    uint8_t *seen = cnn_alloc(cnn_image_size(settings), 1);
    if (!seen) {
        return cnn_fail_memory(error, "an image");
    }
    cnn_status status = cnn_image_convert(pixels, settings, buffers, seen, error);
    if (status == CNN_OK) {
        status = cnn_image_quality_measure(seen, settings, quality, error);
    }
    cnn_free(seen);
    return status;
}

static cnn_image_facts facts_of_header(const cnn_image *image) {
    return (cnn_image_facts){.format = image->format,
                             .width = image->width,
                             .height = image->height,
                             .channels = image->channels,
                             .orientation = image->orientation,
                             .deep = image->deep,
                             .file_size = image->file_size};
}

static cnn_status measure(cnn_image *image, const cnn_image_settings *settings,
                          cnn_image_buffers *buffers, cnn_hidden *hidden, cnn_image_facts *facts,
                          cnn_error *error) {
    bool light;
    bool shape = cnn_alpha_has_shape(image, &light);
    uint64_t content;
    CNN_TRY(cnn_image_content(image, &content, error));
    if (hidden) {
        CNN_TRY(cnn_hidden_look(hidden, image, error));
    }
    cnn_image_adjust(image, settings);
    *facts = facts_of_header(image);
    facts->shape_in_alpha = shape;
    facts->content = content;
    facts->constant = is_constant(image);
    const cnn_pixels pixels = cnn_image_pixels(image);
    const cnn_image_settings small_grey = {
        .width = CNN_PERCEPTUAL_SIDE, .height = CNN_PERCEPTUAL_SIDE, .channels = 1};
    uint8_t small[CNN_PERCEPTUAL_SIDE * CNN_PERCEPTUAL_SIDE];
    CNN_TRY(measure_seen(&pixels, settings, buffers, &facts->quality, error));
    int levels;
    facts->brightness = measure_grey(image, &levels);
    facts->quality.levels = (uint16_t)levels;
    facts->quality.counted = (uint32_t)((size_t)image->width * (size_t)image->height);
    CNN_TRY(cnn_image_convert(&pixels, &small_grey, buffers, small, error));
    cnn_perceptual_hash(small, facts->perceptual);
    return CNN_OK;
}

cnn_status cnn_image_facts_read(const char *path, const cnn_image_settings *settings,
                                cnn_image_buffers *buffers, cnn_hidden *hidden,
                                cnn_image_facts *facts, cnn_error *error) {
    cnn_image image;
    const cnn_pixel_limit limit = {.megapixels = settings->max_megapixels};
    CNN_TRY(cnn_image_read_from(buffers ? buffers->containers : NULL, path, &limit, &image, error));
    cnn_status status = measure(&image, settings, buffers, hidden, facts, error);
    cnn_image_release(&image);
    return status;
}

cnn_status cnn_image_facts_read_header(const char *path, const cnn_image_settings *settings,
                                       cnn_image_buffers *buffers, cnn_image_facts *facts,
                                       cnn_error *error) {
    cnn_image image;
    const cnn_pixel_limit limit = {.megapixels = settings->max_megapixels};
    CNN_TRY(
        cnn_image_read_header(buffers ? buffers->containers : NULL, path, &limit, &image, error));
    *facts = facts_of_header(&image);
    return CNN_OK;
}
