/* Reads TGA images. */
#include "base/error.h"
#include "image/reader.h"
#include "image/stb_decode.h"

static size_t read_16(const uint8_t *bytes) {
    return (size_t)bytes[0] | (size_t)bytes[1] << 8;
}

static cnn_status fail_cut(size_t needed, size_t at, size_t size, cnn_error *error) {
    return cnn_fail(
        error, CNN_ERROR_DATA,
        "the TGA file is cut short: expected %zu bytes of pixels at byte %zu, found %zu", needed,
        at, size > at ? size - at : 0);
}

/* Does bytes[size] contain this number of run-length coded pixels? They are packets of a byte n,
 * and a pixel that is repeated n - 127 times (n >= 128), or n + 1 pixels. */
static bool has_packets(const uint8_t *bytes, size_t size, size_t pixels, size_t pixel_size) {
    size_t at = 0;
    for (size_t i = 0; i < pixels;) {
        if (at >= size) {
            return false;
        }
        size_t count = (bytes[at] & 127U) + 1;
        count = count < pixels - i ? count : pixels - i;
        at += 1 + (bytes[at] >= 128 ? 1 : count) * pixel_size;
        i += count;
    }
    return at <= size;
}

/* A TGA has no signature, only a header in which not everything is allowed. */
static bool recognises(const uint8_t *bytes, size_t size) {
    if (size < 18) {
        return false;
    }
    unsigned type = bytes[2] & ~8U; /* 8: run-length coded */
    unsigned bits = bytes[16];
    return (bytes[1] == 1 ? type == 1 : bytes[1] == 0 && (type == 2 || type == 3)) &&
           (bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32);
}

/* Length of a text before the palette (1), has a palette (1), type (1), the palette's first entry
 * (2), entries (2), bits of each (1); x (2), y (2), width (2), height (2), bits (1), 1 byte more.
 */
static cnn_status check(const uint8_t *bytes, size_t size, cnn_error *error) {
    size_t palette = bytes[1] == 1 ? read_16(bytes + 5) * ((bytes[7] + 7U) / 8) : 0;
    size_t begin = 18 + (size_t)bytes[0] + palette;
    size_t pixels = read_16(bytes + 12) * read_16(bytes + 14);
    size_t pixel_size = (bytes[16] + 7U) / 8;
    bool packed = bytes[2] >= 8;
    size_t found = size > begin ? size - begin : 0;
    if (packed ? !has_packets(bytes + (size - found), found, pixels, pixel_size)
               : found < pixels * pixel_size) {
        return packed ? cnn_fail(error, CNN_ERROR_DATA,
                                 "the TGA file is cut short: expected more pixels, found the end "
                                 "of the file at byte %zu",
                                 size)
                      : fail_cut(pixels * pixel_size, begin, size, error);
    }
    return CNN_OK;
}

static cnn_status read_tga(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                           cnn_image *image, cnn_error *error) {
    CNN_TRY(check(bytes, size, error));
    return cnn_stb_decode(bytes, size, limit, image, error);
}

const cnn_image_reader cnn_tga_reader = {
    .name = "TGA", .extensions = "tga ", .recognises = recognises, .read = read_tga};
