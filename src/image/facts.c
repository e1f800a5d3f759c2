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

/* Alpha is ignored, as the network does not see it. */
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

/* Brightness and perceptual hash. pixels: the image in grey. */
static cnn_status measure_grey(const uint8_t *pixels, cnn_image_facts *facts, cnn_error *error) {
    size_t count = (size_t)facts->width * (size_t)facts->height;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += pixels[i];
    }
    facts->brightness = (double)sum / (double)count;
    uint8_t small[CNN_PERCEPTUAL_SIDE * CNN_PERCEPTUAL_SIDE];
    cnn_image_settings as = {
        .width = CNN_PERCEPTUAL_SIDE, .height = CNN_PERCEPTUAL_SIDE, .channels = 1};
    CNN_TRY(cnn_image_convert(pixels, facts->width, facts->height, 1, (size_t)facts->width, &as,
                              small, error));
    cnn_perceptual_hash(small, facts->perceptual);
    return CNN_OK;
}

/* Converts an image, and allocates *pixels for the result. */
static cnn_status convert(const cnn_image *image, const cnn_image_settings *as, uint8_t **pixels,
                          cnn_error *error) {
    *pixels = cnn_alloc(cnn_image_size(as), 1);
    return *pixels ? cnn_image_convert(image->pixels, image->width, image->height, image->channels,
                                       (size_t)image->width * (size_t)image->channels, as, *pixels,
                                       error)
                   : cnn_fail_memory(error, "an image");
}

/* Converts the image to what the network sees (*seen) only to find out whether that succeeds. */
static cnn_status measure(const cnn_image *image, const cnn_image_settings *settings,
                          uint8_t **seen, uint8_t **grey, cnn_image_facts *facts,
                          cnn_error *error) {
    *facts = (cnn_image_facts){.format = image->format,
                               .width = image->width,
                               .height = image->height,
                               .channels = image->channels,
                               .orientation = image->orientation,
                               .deep = image->deep,
                               .constant = is_constant(image),
                               .file_size = image->file_size};
    cnn_image_settings same_size = {.width = image->width, .height = image->height, .channels = 1};
    CNN_TRY(convert(image, settings, seen, error));
    CNN_TRY(convert(image, &same_size, grey, error));
    CNN_TRY(cnn_image_content(image, &facts->content, error));
    return measure_grey(*grey, facts, error);
}

cnn_status cnn_image_facts_read(const char *path, const cnn_image_settings *settings,
                                cnn_image_facts *facts, cnn_error *error) {
    cnn_image image;
    uint8_t *seen = NULL;
    uint8_t *grey = NULL;
    CNN_TRY(cnn_image_read(path, settings->max_megapixels, &image, error));
    cnn_status status = measure(&image, settings, &seen, &grey, facts, error);
    cnn_free(seen);
    cnn_free(grey);
    cnn_image_release(&image);
    return status;
}
