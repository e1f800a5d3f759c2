#include "image/guard.h"

#include "base/error.h"
#include "image/format.h"
#include "image/jpeg.h"
#include "image/png.h"

#include <string.h>

/* --- BMP and TGA, whose header states how many bytes the pixels take --- */

static size_t read_16(const uint8_t *bytes) {
    return (size_t)bytes[0] | (size_t)bytes[1] << 8;
}

static size_t read_32(const uint8_t *bytes) {
    return read_16(bytes) | read_16(bytes + 2) << 16;
}

/* Sides above this make an image too large for any limit: decode.c says so. */
#define SIDE_MAX ((size_t)1 << 24)

static cnn_status fail_cut(const char *format, size_t needed, size_t at, size_t size,
                           cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_DATA,
                    "the %s file is cut short: expected %zu bytes of pixels at byte %zu, found %zu",
                    format, needed, at, size > at ? size - at : 0);
}

/* "BM", size of the file (4), 0 (4), offset of the pixels (4), size of what follows (4): 12, with
 * width (2), height (2), planes (2), bits (2); or more, with width (4), height (4), planes (2),
 * bits (2), compression (4). A row ends at a multiple of 4 bytes; the last one may end earlier. */
static cnn_status guard_bmp(const uint8_t *bytes, size_t size, cnn_error *error) {
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
    return begin > size || needed > size - begin ? fail_cut("BMP", needed, begin, size, error)
                                                 : CNN_OK;
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
static bool may_be_tga(const uint8_t *bytes, size_t size) {
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
static cnn_status guard_tga(const uint8_t *bytes, size_t size, cnn_error *error) {
    if (!may_be_tga(bytes, size)) {
        return CNN_OK;
    }
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
                      : fail_cut("TGA", pixels * pixel_size, begin, size, error);
    }
    return CNN_OK;
}

cnn_status cnn_image_guard(const uint8_t *bytes, size_t size, cnn_image_needs *needs,
                           cnn_error *error) {
    *needs = (cnn_image_needs){false};
    CNN_TRY(cnn_image_refuse_format(bytes, size, error));
    if (cnn_png_is(bytes, size)) {
        return cnn_png_check(bytes, size, &needs->divide, error);
    }
    if (cnn_jpeg_is(bytes, size)) {
        return cnn_jpeg_check(bytes, size, &needs->repair, error);
    }
    if (size >= 2 && memcmp(bytes, "BM", 2) == 0) {
        return guard_bmp(bytes, size, error);
    }
    return guard_tga(bytes, size, error);
}

/* --- resizing --- */

/* The most bytes, and the most steps for finding the weights, to resize one image. A photograph
 * needs a hundredth of that. */
#define RESIZE_MAX 0x1p30

/* The cost of one side. The filter covers four pixels of the smaller size. */
typedef struct resized_side {
    double reach;        /* of the filter, in pixels of the input */
    double contributors; /* pixels with weights: each has a range (8 bytes) and 4 weights */
} resized_side;

static resized_side resize_side(int from, int to) {
    double reach = from > to ? 4.0 * from / to + 1.0 : 4.0;
    return (resized_side){.reach = reach, .contributors = from > to ? from + reach : to};
}

cnn_status cnn_image_guard_resize(int width, int height, int to_width, int to_height, int channels,
                                  cnn_error *error) {
    resized_side across = resize_side(width, to_width);
    resized_side down = resize_side(height, to_height);
    double row_bytes = (double)to_width * channels * (double)sizeof(float);
    double bytes = (across.contributors + down.contributors) * (8 + 4 * sizeof(float)) +
                   (width + across.reach) * channels * (double)sizeof(float) +
                   row_bytes * (down.reach + 2.0);
    /* for each pixel of an output's side, it visits half of the input's side */
    double steps = (double)width * to_width + (double)height * to_height;
    if (bytes > RESIZE_MAX || steps > RESIZE_MAX) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected an image of a less extreme shape, found %d×%d, which cannot be "
                        "resized to %d×%d",
                        width, height, to_width, to_height);
    }
    return CNN_OK;
}
