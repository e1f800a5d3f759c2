#include "image/decode.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "image/exif.h"
#include "image/guard.h"
#include "image/stb.h"

#define STBI_NO_STDIO
#include <stb_image.h>

#include <string.h>

#define IMAGE_FILE_LIMIT ((size_t)1 << 30)

/* What one array of the decoder may take: 16-bit RGBA, twice as much as it grows, a compressed file
 * as it grows, and some for what is read by blocks. */
static size_t memory_limit(int width, int height, size_t file_size) {
    return 16 * (size_t)width * (size_t)height + 2 * file_size + ((size_t)16 << 20);
}

/* stb's reason, or ours where it gives none. */
static cnn_status fail_decoding(cnn_error *error) {
    /* not by stb's reason: where it gets no memory to look at the format, it says "unknown" */
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

static cnn_status check_size(int width, int height, double max_megapixels, cnn_error *error) {
    double megapixels = (double)width * (double)height / 1e6;
    if (width < 1 || height < 1) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected an image with pixels, found %d×%d", width,
                        height);
    }
    if (megapixels > max_megapixels) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected at most %g megapixels (image.max_megapixels), found %.6g: %d×%d",
                        max_megapixels, megapixels, width, height);
    }
    return CNN_OK;
}

/* Of a file that stb_image takes for one of ours. TGA has no signature: it is what is left. */
static cnn_image_format find_format(const uint8_t *bytes, size_t size) {
    static const struct {
        const char *start;
        cnn_image_format format;
    } signatures[] = {{"\x89PNG", CNN_IMAGE_PNG},   {"\xff\xd8", CNN_IMAGE_JPEG},
                      {"\xff\xff", CNN_IMAGE_JPEG}, /* FF may fill */
                      {"BM", CNN_IMAGE_BMP},        {"P5", CNN_IMAGE_PNM},
                      {"P6", CNN_IMAGE_PNM}};
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        size_t length = strlen(signatures[i].start);
        if (size >= length && memcmp(bytes, signatures[i].start, length) == 0) {
            return signatures[i].format;
        }
    }
    return CNN_IMAGE_TGA;
}

/* Where the value at (x, y) of an upright image stands in the file's, of width × height. */
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

/* Moves pixels to where the orientation wants them. */
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

cnn_status cnn_image_read(const char *path, double max_megapixels, cnn_image *image,
                          cnn_error *error) {
    *image = (cnn_image){0};
    if (cnn_file_is_endless(path)) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a file, found a pipe or a device");
    }
    char *bytes;
    size_t size;
    cnn_status status = cnn_file_read(path, IMAGE_FILE_LIMIT, CNN_ERROR_DATA, &bytes, &size, error);
    if (status != CNN_OK) {
        return status;
    }
    const stbi_uc *data = (const stbi_uc *)bytes;
    if (size == 0) {
        status = cnn_fail(error, CNN_ERROR_DATA, "expected an image, found an empty file");
        goto done;
    }
    image->file_size = size;
    image->format = find_format(data, size);
    image->orientation = cnn_exif_orientation(data, size);
    if (image->orientation == 0) {
        status = cnn_fail_memory(error, "an image's EXIF data");
        goto done;
    }
    cnn_stb_limit(memory_limit(0, 0, size));
    image->deep = stbi_is_16_bit_from_memory(data, (int)size); /* the guard makes it 8 in PNM */
    if (cnn_stb_was_refused()) {
        status = fail_decoding(error);
        goto done;
    }
    status = cnn_image_guard(bytes, &size, error);
    if (status != CNN_OK) {
        goto done;
    }
    if (!stbi_info_from_memory(data, (int)size, &image->width, &image->height, &image->channels)) {
        status = fail_decoding(error);
        goto done;
    }
    status = check_size(image->width, image->height, max_megapixels, error);
    if (status != CNN_OK) {
        goto done;
    }
    cnn_stb_limit(memory_limit(image->width, image->height, size));
    image->pixels =
        stbi_load_from_memory(data, (int)size, &image->width, &image->height, &image->channels, 0);
    if (!image->pixels) {
        status = fail_decoding(error);
        goto done;
    }
    /* the header that was decoded may not be the one that was asked */
    status = check_size(image->width, image->height, max_megapixels, error);
    if (status == CNN_OK) {
        status = turn_upright(image, error);
    }
done:
    cnn_free(bytes);
    if (status != CNN_OK) {
        cnn_image_release(image);
    }
    return status;
}

void cnn_image_release(cnn_image *image) {
    stbi_image_free(image->pixels);
    *image = (cnn_image){0};
}
