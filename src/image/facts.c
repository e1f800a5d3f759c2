#include "image/facts.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- names --- */

const char *cnn_image_format_name(cnn_image_format format) {
    static const char *const names[CNN_IMAGE_FORMATS] = {"PNG", "JPEG", "BMP", "TGA", "PNM"};
    return names[format];
}

const char *cnn_image_mode_name(int channels, bool deep) {
    static const char *const names[2][4] = {
        {"grey", "grey and alpha", "RGB", "RGBA"},
        {"grey 16 bit", "grey and alpha 16 bit", "RGB 16 bit", "RGBA 16 bit"}};
    return names[deep][channels - 1];
}

bool cnn_image_extension_is_wrong(const char *path, cnn_image_format format) {
    static const struct {
        const char *extension;
        cnn_image_format format;
    } known[] = {{"png", CNN_IMAGE_PNG},  {"jpg", CNN_IMAGE_JPEG},  {"jpeg", CNN_IMAGE_JPEG},
                 {"jpe", CNN_IMAGE_JPEG}, {"jfif", CNN_IMAGE_JPEG}, {"bmp", CNN_IMAGE_BMP},
                 {"dib", CNN_IMAGE_BMP},  {"tga", CNN_IMAGE_TGA},   {"pnm", CNN_IMAGE_PNM},
                 {"pgm", CNN_IMAGE_PNM},  {"ppm", CNN_IMAGE_PNM}};
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(dot + 1, known[i].extension) == 0) {
            return known[i].format != format;
        }
    }
    return false;
}

/* --- the perceptual hash --- */

enum {
    SIDE = 32,        /* of the image that is transformed */
    FREQUENCIES = 16, /* of each direction that are kept */
    COEFFICIENTS = FREQUENCIES * FREQUENCIES,
};
_Static_assert(COEFFICIENTS - 1 == CNN_PERCEPTUAL_BITS, "a bit a coefficient but the first");
_Static_assert(CNN_PERCEPTUAL_WORDS * 64 > CNN_PERCEPTUAL_BITS, "bits fit into words");

static int by_value(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void hash_small_image(const uint8_t pixels[SIDE * SIDE],
                             uint64_t hash[CNN_PERCEPTUAL_WORDS]) {
    const double pi = 3.14159265358979323846;
    double cosine[FREQUENCIES][SIDE];
    double rows[FREQUENCIES][SIDE]; /* transformed from top to bottom */
    double coefficients[COEFFICIENTS], sorted[CNN_PERCEPTUAL_BITS];
    for (int k = 0; k < FREQUENCIES; k++) {
        for (int i = 0; i < SIDE; i++) {
            cosine[k][i] = cos(pi * (2 * i + 1) * k / (2 * SIDE));
        }
    }
    for (int k = 0; k < FREQUENCIES; k++) {
        for (int x = 0; x < SIDE; x++) {
            rows[k][x] = 0.0;
            for (int y = 0; y < SIDE; y++) {
                rows[k][x] += pixels[y * SIDE + x] * cosine[k][y];
            }
        }
    }
    for (int k = 0; k < FREQUENCIES; k++) {
        for (int l = 0; l < FREQUENCIES; l++) {
            double *coefficient = &coefficients[k * FREQUENCIES + l];
            *coefficient = 0.0;
            for (int x = 0; x < SIDE; x++) {
                *coefficient += rows[k][x] * cosine[l][x];
            }
        }
    }
    const double *pattern = coefficients + 1; /* the mean is not part of it */
    memcpy(sorted, pattern, sizeof sorted);
    qsort(sorted, CNN_PERCEPTUAL_BITS, sizeof *sorted, by_value);
    memset(hash, 0, CNN_PERCEPTUAL_WORDS * sizeof *hash);
    for (int i = 0; i < CNN_PERCEPTUAL_BITS; i++) {
        if (pattern[i] > sorted[CNN_PERCEPTUAL_BITS / 2]) {
            hash[i / 64] |= (uint64_t)1 << (i % 64);
        }
    }
}

/* --- */

/* Alpha does not count: the network does not see it. */
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

/* Brightness and perceptual hash. pixels: of the image, in grey. */
static cnn_status look_at_grey(const uint8_t *pixels, cnn_image_facts *facts, cnn_error *error) {
    size_t count = (size_t)facts->width * (size_t)facts->height;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += pixels[i];
    }
    facts->brightness = (double)sum / (double)count;
    uint8_t small[SIDE * SIDE];
    cnn_image_settings as = {.width = SIDE, .height = SIDE, .channels = 1};
    cnn_status status = cnn_image_convert(pixels, facts->width, facts->height, 1,
                                          (size_t)facts->width, &as, small, error);
    if (status == CNN_OK) {
        hash_small_image(small, facts->perceptual);
    }
    return status;
}

/* Resizes an image, and pixels[] to hold it. */
static cnn_status convert(const cnn_image *image, const cnn_image_settings *as, uint8_t **pixels,
                          cnn_error *error) {
    *pixels = cnn_alloc(cnn_image_size(as), 1);
    return *pixels ? cnn_image_convert(image->pixels, image->width, image->height, image->channels,
                                       (size_t)image->width * (size_t)image->channels, as, *pixels,
                                       error)
                   : cnn_fail_memory(error, "an image");
}

cnn_status cnn_image_facts_read(const char *path, const cnn_image_settings *settings,
                                cnn_image_facts *facts, cnn_error *error) {
    cnn_image image;
    uint8_t *seen = NULL; /* as the network sees it, to check that this is possible */
    uint8_t *grey = NULL;
    cnn_status status = cnn_image_read(path, settings->max_megapixels, &image, error);
    if (status != CNN_OK) {
        return status;
    }
    *facts = (cnn_image_facts){.format = image.format,
                               .width = image.width,
                               .height = image.height,
                               .channels = image.channels,
                               .orientation = image.orientation,
                               .deep = image.deep,
                               .constant = is_constant(&image),
                               .file_size = image.file_size};
    cnn_image_settings same_size = {.width = image.width, .height = image.height, .channels = 1};
    status = convert(&image, settings, &seen, error);
    if (status == CNN_OK) {
        status = convert(&image, &same_size, &grey, error);
    }
    if (status == CNN_OK) {
        status = cnn_image_content(&image, &facts->content, error);
    }
    if (status == CNN_OK) {
        status = look_at_grey(grey, facts, error);
    }
    cnn_free(seen);
    cnn_free(grey);
    cnn_image_release(&image);
    return status;
}
