/* Reads BMP images. */
#include "base/error.h"
#include "image/reader.h"
#include "image/stb_decode.h"

#include <string.h>

static size_t read_16(const uint8_t *bytes) {
    return (size_t)bytes[0] | (size_t)bytes[1] << 8;
}

static size_t read_32(const uint8_t *bytes) {
    return read_16(bytes) | read_16(bytes + 2) << 16;
}

/* Sides above this make an image too large for any limit: decode.c says so. */
#define SIDE_MAX ((size_t)1 << 24)

static cnn_status fail_cut(size_t needed, size_t at, size_t size, cnn_error *error) {
    return cnn_fail(
        error, CNN_ERROR_DATA,
        "the BMP file is cut short: expected %zu bytes of pixels at byte %zu, found %zu", needed,
        at, size > at ? size - at : 0);
}

/* "BM", size of the file (4), 0 (4), offset of the pixels (4), size of what follows (4): 12, with
 * width (2), height (2), planes (2), bits (2); or more, with width (4), height (4), planes (2),
 * bits (2), compression (4). A row ends at a multiple of 4 bytes; the last one may end earlier. */
static cnn_status check(const uint8_t *bytes, size_t size, cnn_error *error) {
    if (size < 34) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the BMP file is cut short: expected a header and pixels, found %zu bytes",
                        size);
    }
    size_t header = read_32(bytes + 14);
    bool old = header == 12;
    size_t width = old ? read_16(bytes + 18) : read_32(bytes + 18);
    size_t height = old ? read_16(bytes + 20) : read_32(bytes + 22);
    size_t bits = read_16(bytes + (old ? 24 : 28));
    size_t compression = old ? 0 : read_32(bytes + 30);
    height = height > INT32_MAX ? (uint32_t)(0U - (uint32_t)height) : height; /* top down */
    if ((header != 12 && (header < 40 || header > 124)) || width == 0 || height == 0 ||
        width > SIDE_MAX || height > SIDE_MAX || bits > 32 ||
        (compression != 0 && compression != 3 && compression != 6)) {
        return CNN_OK; /* refused by stb_image */
    }
    size_t row = (width * bits + 7) / 8;
    size_t needed = (row + 3) / 4 * 4 * (height - 1) + row;
    size_t begin = read_32(bytes + 10);
    return begin > size || needed > size - begin ? fail_cut(needed, begin, size, error) : CNN_OK;
}

static bool recognises(const uint8_t *bytes, size_t size) {
    return size >= 2 && memcmp(bytes, "BM", 2) == 0;
}

static cnn_status read_bmp(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                           cnn_image *image, cnn_error *error) {
    CNN_TRY(check(bytes, size, error));
    return cnn_stb_decode(bytes, size, limit, image, error);
}

const cnn_image_reader cnn_bmp_reader = {
    .name = "BMP", .extensions = "bmp dib ", .recognises = recognises, .read = read_bmp};
