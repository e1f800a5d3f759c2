/* Reads PNG images. */
#include "base/error.h"
#include "image/png_orientation.h"
#include "image/reader.h"
#include "image/stb_decode.h"

#include <zlib.h>

#include <ctype.h>
#include <string.h>

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/* A chunk: its length (4 bytes, big-endian), its name (4), its content, its CRC (4). */
enum { NAME = 4, CONTENT = 8, AROUND = 12 };

static bool recognises(const uint8_t *bytes, size_t size) {
    return size >= 4 && memcmp(bytes, signature, 4) == 0;
}

static size_t read_32(const uint8_t *bytes) {
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

static bool is_called(const uint8_t *chunk, const char *name) {
    return memcmp(chunk + NAME, name, 4) == 0;
}

static cnn_status check_signature(const uint8_t *bytes, size_t size, cnn_error *error) {
    if (size < sizeof signature && memcmp(bytes, signature, size) == 0) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the PNG file is cut short: expected a signature of 8 bytes, found %zu",
                        size);
    }
    if (size < sizeof signature || memcmp(bytes, signature, sizeof signature) != 0) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged PNG: its signature is changed, as if it had been copied as text");
    }
    return CNN_OK;
}

/* Checks that the chunk at `at` is complete and has the right CRC. */
static cnn_status check_chunk(const uint8_t *bytes, size_t size, size_t at, cnn_error *error) {
    const uint8_t *chunk = bytes + at;
    if (size - at < CONTENT) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the PNG file is cut short: expected a chunk at byte %zu, found the end of "
                        "the file%s",
                        at, size > at ? " in it" : "");
    }
    size_t length = read_32(chunk);
    for (size_t i = 0; i < 4; i++) {
        if (!isalpha(chunk[NAME + i])) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "damaged PNG: expected the name of a chunk at byte %zu, found other "
                            "bytes",
                            at + NAME);
        }
    }
    if (size - at < AROUND || length > size - at - AROUND) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the PNG file is cut short: expected %zu bytes for the chunk %.4s at byte "
                        "%zu, found %zu",
                        length + AROUND, (const char *)chunk + NAME, at, size - at);
    }
    unsigned long crc = crc32(crc32(0, NULL, 0), chunk + NAME, (uInt)(4 + length));
    size_t stored = read_32(chunk + CONTENT + length);
    if (crc != stored) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "damaged PNG: expected the CRC %08lx of the chunk %.4s at byte %zu, found "
                        "%08lx",
                        crc, (const char *)chunk + NAME, at, (unsigned long)stored);
    }
    return CNN_OK;
}

/* ihdr: the content of the chunk IHDR, 13 bytes: width (4), height (4), bits, type of colour, … */
static cnn_status check_apple(const uint8_t *ihdr, cnn_error *error) {
    enum { BITS = 8, COLOUR = 9, RGB = 2, RGBA = 6 };
    if (ihdr[BITS] != 8 || (ihdr[COLOUR] != RGB && ihdr[COLOUR] != RGBA)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected 8-bit RGB or RGBA in a PNG of Apple's variant (CgBI), found "
                        "another kind; convert it with: pngcrush -revert-iphone-optimizations "
                        "FILE NEW.png");
    }
    return CNN_OK;
}

/* Refuses a PNG that is cut short, or in which a chunk has a wrong CRC. (The Adler-32 checksum of
 * the pixels is compared when they are decompressed, in stb.c.)
 *
 * *apple: the file is of Apple's variant, as Xcode puts it into apps (chunk CgBI): blue before red,
 * colours multiplied by alpha. Only its usual form is accepted: 8 bits, RGB or RGBA. */
static cnn_status check(const uint8_t *bytes, size_t size, bool *apple, cnn_error *error) {
    *apple = false;
    CNN_TRY(check_signature(bytes, size, error));
    const uint8_t *header = NULL;
    for (size_t at = sizeof signature;; at += AROUND + read_32(bytes + at)) {
        CNN_TRY(check_chunk(bytes, size, at, error));
        const uint8_t *chunk = bytes + at;
        *apple = *apple || is_called(chunk, "CgBI");
        header = is_called(chunk, "IHDR") && read_32(chunk) == 13 ? chunk + CONTENT : header;
        if (is_called(chunk, "IEND")) { /* bytes after it are not part of the image */
            return *apple && header ? check_apple(header, error) : CNN_OK;
        }
    }
}

/* Does a chunk tRNS precede the pixels, so that they have alpha? All chunks are complete. */
static bool has_transparency(const uint8_t *bytes) {
    size_t at = sizeof signature;
    while (!is_called(bytes + at, "tRNS") && !is_called(bytes + at, "IDAT") &&
           !is_called(bytes + at, "IEND")) {
        at += AROUND + read_32(bytes + at);
    }
    return is_called(bytes + at, "tRNS");
}

/* Divides the colours of pixels[count][4] (RGBA) by alpha. Pixels of alpha 0 stay as they are. */
static void divide_by_alpha(uint8_t *pixels, size_t count) {
    for (uint8_t *pixel = pixels; pixel < pixels + 4 * count; pixel += 4) {
        unsigned alpha = pixel[3];
        for (size_t c = 0; alpha > 0 && c < 3; c++) {
            unsigned colour = (pixel[c] * 255U + alpha / 2) / alpha;
            pixel[c] = (uint8_t)(colour < 255 ? colour : 255);
        }
    }
}

static cnn_status read_png(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                           cnn_image *image, cnn_error *error) {
    bool apple;
    CNN_TRY(check(bytes, size, &apple, error));
    image->orientation = cnn_png_orientation(bytes, size);
    if (image->orientation == 0) {
        return cnn_fail_memory(error, "the EXIF data of an image");
    }
    cnn_stb_expect_apple(apple);
    CNN_TRY(cnn_stb_decode(bytes, size, limit, image, error));
    if (apple && image->channels == 4 && image->pixels) {
        divide_by_alpha(image->pixels, (size_t)image->width * (size_t)image->height);
    }
    if (image->header_only && image->channels % 2 == 1 && has_transparency(bytes)) {
        image->channels++; /* which stb_image does while it decodes */
    }
    return CNN_OK;
}

const cnn_image_reader cnn_png_reader = {
    .name = "PNG", .extensions = "png ", .recognises = recognises, .read = read_png};
