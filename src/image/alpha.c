#include "image/alpha.h"

#include <stddef.h>
#include <string.h>

const char *const cnn_alpha_names[] = {"drop", "white", "black", NULL};

static bool has_alpha(const cnn_image *image) {
    return image->channels == 2 || image->channels == 4;
}

static size_t pixels_of(const cnn_image *image) {
    return (size_t)image->width * (size_t)image->height;
}

/* --- composing --- */

/* One colour over an opaque background, as Pillow rounds it: with 7 more bits, divided by 255. */
static uint8_t compose(unsigned colour, unsigned background, unsigned alpha) {
    unsigned sum = 128 * (colour * alpha + background * (255 - alpha) + 128);
    return (uint8_t)((((sum >> 8) + sum) >> 8) >> 7);
}

void cnn_alpha_compose(cnn_alpha alpha, cnn_image *image) {
    if (!has_alpha(image) || alpha == CNN_ALPHA_DROP) {
        return;
    }
    unsigned background = alpha == CNN_ALPHA_WHITE ? 255 : 0;
    size_t colours = (size_t)image->channels - 1;
    uint8_t *pixel = image->pixels;
    for (size_t i = 0; i < pixels_of(image); i++, pixel += image->channels) {
        for (size_t c = 0; c < colours; c++) {
            pixel[c] = compose(pixel[c], background, pixel[colours]);
        }
    }
}

/* --- shapes --- */

/* How often each byte occurs in a channel. */
typedef struct levels {
    size_t count[256];
    size_t all;
} levels;

static levels count_levels(const cnn_image *image, size_t channel) {
    levels found = {.all = pixels_of(image)};
    size_t channels = (size_t)image->channels;
    for (size_t i = 0; i < found.all; i++) {
        found.count[image->pixels[i * channels + channel]]++;
    }
    return found;
}

/* The percentile by nearest rank; `thousandths` of all pixels, 1 … 1000. */
static int percentile(const levels *of, size_t thousandths) {
    size_t rank = (of->all / 1000) * thousandths + ((of->all % 1000) * thousandths + 999) / 1000;
    size_t below = 0;
    for (int level = 0; level < 255; level++) {
        below += of->count[level];
        if (below >= rank) {
            return level;
        }
    }
    return 255;
}

bool cnn_alpha_has_shape(const cnn_image *image, bool *light) {
    *light = false;
    if (!has_alpha(image)) {
        return false;
    }
    size_t colours = (size_t)image->channels - 1;
    levels alpha = count_levels(image, colours);
    bool shape = percentile(&alpha, 990) - percentile(&alpha, 10) >= CNN_ALPHA_SHAPE;
    for (size_t c = 0; c < colours && shape; c++) {
        levels colour = count_levels(image, c);
        shape = percentile(&colour, 995) - percentile(&colour, 5) <= CNN_ALPHA_SAME;
        *light = c == colours / 2 ? percentile(&colour, 500) >= 128 : *light;
    }
    return shape;
}
