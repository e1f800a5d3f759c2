#include "image/decode.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "image/exif.h"
#include "image/guard.h"
#include "image/jpeg.h"
#include "image/png.h"
#include "image/pnm.h"
#include "image/stb.h"

#define STBI_NO_STDIO
#include <stb_image.h>

#include <string.h>

#define IMAGE_FILE_LIMIT ((size_t)1 << 30)

/* The most bytes that one array of the decoder may take: 16-bit RGBA, doubled for growth, the
 * compressed file, doubled for growth, and 16 MiB for buffers. */
static size_t memory_limit(int width, int height, size_t file_size) {
    return 16 * (size_t)width * (size_t)height + 2 * file_size + ((size_t)16 << 20);
}

/* The message is stb_image's reason, or our own if it gives none. */
static cnn_status fail_decoding(cnn_error *error) {
    /* first, since stb_image reports an unknown format if it gets no memory */
    if (cnn_stb_was_refused()) {
        return cnn_fail_memory(error, "decoding an image");
    }
    const char *reason = stbi_failure_reason();
    if (cnn_stb_was_limited() || (reason && strcmp(reason, "Out of memory") == 0)) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected data for the pixels of its header, found far more");
    }
    if (!reason || !*reason || strcmp(reason, "Image not of any known type, or corrupt") == 0) {
        reason =
            "expected a PNG, JPEG, BMP, TGA or PNM image, found something else or a damaged one";
    }
    return cnn_fail(error, CNN_ERROR_DATA, "%s", reason);
}

static cnn_status check_size(int width, int height, const cnn_pixel_limit *limit,
                             cnn_error *error) {
    double megapixels = (double)width * (double)height / 1e6;
    if (width < 1 || height < 1) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected an image with pixels, found %d×%d", width,
                        height);
    }
    if (megapixels > limit->megapixels) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected at most %g megapixels (%s), found %.6g: %d×%d", limit->megapixels,
                        limit->name ? limit->name : "image.max_megapixels", megapixels, width,
                        height);
    }
    return CNN_OK;
}

/* The format of a file that stb_image accepts. TGA has no signature, so it is the remaining one. */
static cnn_image_format find_format(const uint8_t *bytes, size_t size) {
    static const struct {
        const char *start;
        cnn_image_format format;
    } signatures[] = {{"\x89PNG", CNN_IMAGE_PNG},
                      {"\xff\xd8", CNN_IMAGE_JPEG},
                      {"\xff\xff", CNN_IMAGE_JPEG}, /* FF is a fill byte */
                      {"BM", CNN_IMAGE_BMP}};
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        size_t length = strlen(signatures[i].start);
        if (size >= length && memcmp(bytes, signatures[i].start, length) == 0) {
            return signatures[i].format;
        }
    }
    return cnn_pnm_is(bytes, size) ? CNN_IMAGE_PNM : CNN_IMAGE_TGA;
}

/* Index of the pixel in the file's image of width × height that (x, y) of the upright image shows.
 */
static size_t source_of(int orientation, size_t x, size_t y, size_t width, size_t height) {
    bool transposed = orientation >= 5;
    size_t column = transposed ? y : x;
    size_t row = transposed ? x : y;
    bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    column = from_right ? width - 1 - column : column;
    row = from_below ? height - 1 - row : row;
    return row * width + column;
}

/* Applies the orientation. */
static cnn_status turn_upright(cnn_image *image, cnn_error *error) {
    size_t width = (size_t)image->width;
    size_t height = (size_t)image->height;
    size_t channels = (size_t)image->channels;
    if (image->orientation == 1) {
        return CNN_OK;
    }
    uint8_t *turned = cnn_alloc(width * height, channels);
    if (!turned) {
        return cnn_fail_memory(error, "turning an image");
    }
    if (image->orientation >= 5) {
        image->width = (int)height;
        image->height = (int)width;
    }
    uint8_t *to = turned;
    for (size_t y = 0; y < (size_t)image->height; y++) {
        for (size_t x = 0; x < (size_t)image->width; x++, to += channels) {
            memcpy(to,
                   image->pixels + source_of(image->orientation, x, y, width, height) * channels,
                   channels);
        }
    }
    memcpy(image->pixels, turned, width * height * channels);
    cnn_free(turned);
    return CNN_OK;
}

/* --- PNM --- */

static cnn_status decode_pnm(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                             cnn_image *image, cnn_error *error) {
    cnn_pnm_header header;
    CNN_TRY(cnn_pnm_read_header(bytes, size, &header, error));
    image->width = header.width;
    image->height = header.height;
    image->channels = header.channels;
    image->deep = header.maximum > 255;
    CNN_TRY(check_size(image->width, image->height, limit, error));
    image->pixels =
        cnn_alloc((size_t)header.width * (size_t)header.height, (size_t)header.channels);
    if (!image->pixels) {
        return cnn_fail_memory(error, "decoding an image");
    }
    return cnn_pnm_read_pixels(bytes, size, &header, image->pixels, error);
}

/* --- the other formats --- */

/* Reads the size of an image, which must be allowed, without its pixels. */
static cnn_status read_size(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                            cnn_image *image, cnn_error *error) {
    cnn_stb_limit(memory_limit(0, 0, size));
    if (!stbi_info_from_memory(bytes, (int)size, &image->width, &image->height, &image->channels)) {
        return fail_decoding(error);
    }
    return check_size(image->width, image->height, limit, error);
}

static cnn_status decode_by_stb(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                                cnn_image *image, cnn_error *error) {
    CNN_TRY(read_size(bytes, size, limit, image, error));
    cnn_stb_limit(memory_limit(image->width, image->height, size));
    image->pixels =
        stbi_load_from_memory(bytes, (int)size, &image->width, &image->height, &image->channels, 0);
    if (!image->pixels) {
        return fail_decoding(error);
    }
    /* again, since stbi_info may have read another header than the one that was decoded */
    return check_size(image->width, image->height, limit, error);
}

/* Removes the junk from a repaired JPEG, and decodes it. */
static cnn_status decode_copy(cnn_jpeg_copy *copy, const cnn_pixel_limit *limit, cnn_image *image,
                              cnn_error *error) {
    CNN_TRY(read_size(copy->bytes, copy->size, limit, image, error));
    cnn_stb_limit(memory_limit(image->width, image->height, copy->size));
    bool cut;
    bool trimmed = cnn_stb_trim_jpeg(copy->bytes, &copy->size, copy->data_end, &cut);
    if (cut) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "the JPEG file is cut short: expected the coded data of %d×%d pixels and "
                        "an end marker, found the end of the file at byte %zu",
                        image->width, image->height, copy->file_end);
    }
    return trimmed ? decode_by_stb(copy->bytes, copy->size, limit, image, error)
                   : fail_decoding(error);
}

static cnn_status decode_repaired(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                                  cnn_image *image, cnn_error *error) {
    cnn_jpeg_copy copy;
    CNN_TRY(cnn_jpeg_repair(bytes, size, &copy, error));
    cnn_status status = decode_copy(&copy, limit, image, error);
    cnn_free(copy.bytes);
    return status;
}

static cnn_status decode_guarded(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                                 cnn_image *image, cnn_error *error) {
    cnn_image_needs needs;
    CNN_TRY(cnn_image_guard(bytes, size, &needs, error));
    stbi_convert_iphone_png_to_rgb_thread(needs.divide); /* on this thread */
    cnn_stb_limit(memory_limit(0, 0, size));
    image->deep = stbi_is_16_bit_from_memory(bytes, (int)size);
    if (cnn_stb_was_refused()) {
        return fail_decoding(error);
    }
    cnn_status status = CNN_ERROR_DATA;
    if (!needs.repair) {
        status = decode_by_stb(bytes, size, limit, image, error);
    }
    if (status == CNN_ERROR_DATA && cnn_jpeg_is(bytes, size) && !image->pixels) {
        status = decode_repaired(bytes, size, limit, image, error);
    }
    if (status == CNN_OK && needs.divide && image->channels == 4) {
        cnn_png_divide_by_alpha(image->pixels, (size_t)image->width * (size_t)image->height);
    }
    return status;
}

/* Decodes a whole file. */
static cnn_status decode(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                         cnn_image *image, cnn_error *error) {
    if (size == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected an image, found an empty file");
    }
    image->file_size = size;
    image->format = find_format(bytes, size);
    image->orientation = cnn_exif_orientation(bytes, size);
    if (image->orientation == 0) {
        return cnn_fail_memory(error, "the EXIF data of an image");
    }
    CNN_TRY(image->format == CNN_IMAGE_PNM ? decode_pnm(bytes, size, limit, image, error)
                                           : decode_guarded(bytes, size, limit, image, error));
    return turn_upright(image, error);
}

cnn_status cnn_image_read_limited(const char *path, const cnn_pixel_limit *limit, cnn_image *image,
                                  cnn_error *error) {
    *image = (cnn_image){0};
    if (cnn_file_is_endless(path)) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a file, found a pipe or a device");
    }
    char *bytes;
    size_t size;
    CNN_TRY(cnn_file_read(path, IMAGE_FILE_LIMIT, CNN_ERROR_DATA, &bytes, &size, error));
    cnn_status status = decode((const uint8_t *)bytes, size, limit, image, error);
    cnn_free(bytes);
    if (status != CNN_OK) {
        cnn_image_release(image);
    }
    return status;
}

cnn_status cnn_image_read(const char *path, double max_megapixels, cnn_image *image,
                          cnn_error *error) {
    const cnn_pixel_limit limit = {.megapixels = max_megapixels};
    return cnn_image_read_limited(path, &limit, image, error);
}

void cnn_image_release(cnn_image *image) {
    stbi_image_free(image->pixels);
    *image = (cnn_image){0};
}
