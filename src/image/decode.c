#include "image/decode.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "image/format.h"
#include "image/reader.h"

#include <string.h>

#define IMAGE_FILE_LIMIT ((size_t)1 << 30)

cnn_status cnn_image_check_size(int width, int height, const cnn_pixel_limit *limit,
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

/* Turns pixels[height][width] of `size` bytes each. width, height: of the file's image. */
static cnn_status turn(uint8_t *pixels, size_t width, size_t height, size_t size, int orientation,
                       cnn_error *error) {
    uint8_t *turned = cnn_alloc(width * height, size);
    if (!turned) {
        return cnn_fail_memory(error, "turning an image");
    }
    size_t to_width = orientation >= 5 ? height : width;
    size_t to_height = orientation >= 5 ? width : height;
    uint8_t *to = turned;
    for (size_t y = 0; y < to_height; y++) {
        for (size_t x = 0; x < to_width; x++, to += size) {
            memcpy(to, pixels + source_of(orientation, x, y, width, height) * size, size);
        }
    }
    memcpy(pixels, turned, width * height * size);
    cnn_free(turned);
    return CNN_OK;
}

/* Applies the orientation. */
static cnn_status turn_upright(cnn_image *image, cnn_error *error) {
    size_t width = (size_t)image->width;
    size_t height = (size_t)image->height;
    size_t channels = (size_t)image->channels;
    if (image->orientation == 1) {
        return CNN_OK;
    }
    if (image->pixels) {
        CNN_TRY(turn(image->pixels, width, height, channels, image->orientation, error));
    }
    if (image->samples) {
        CNN_TRY(turn((uint8_t *)image->samples, width, height, channels * sizeof *image->samples,
                     image->orientation, error));
    }
    if (image->orientation >= 5) {
        image->width = (int)height;
        image->height = (int)width;
    }
    return CNN_OK;
}

/* Decodes a whole file. */
static cnn_status decode(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                         cnn_image *image, cnn_error *error) {
    if (size == 0) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected an image, found an empty file");
    }
    CNN_TRY(cnn_image_refuse_format(bytes, size, error));
    const cnn_image_reader *reader = cnn_image_find_reader(bytes, size, &image->format);
    if (!reader) {
        char formats[CNN_IMAGE_FORMAT_LIST_SIZE];
        cnn_image_format_list(formats, sizeof formats);
        return cnn_fail(error, CNN_ERROR_DATA,
                        "expected a %s image, found something else or a damaged one", formats);
    }
    image->file_size = size;
    image->orientation = 1;
    CNN_TRY(reader->read(bytes, size, limit, image, error));
    return turn_upright(image, error);
}

static cnn_status read_alone(const char *path, size_t length, char **bytes, size_t *size,
                             cnn_error *error) {
    cnn_containers *containers = cnn_containers_create();
    if (!containers) {
        return cnn_fail_memory(error, "an image");
    }
    const cnn_status status =
        cnn_containers_read(containers, path, length, IMAGE_FILE_LIMIT, bytes, size, error);
    cnn_containers_free(containers);
    return status;
}

static cnn_status read_bytes(cnn_containers *containers, const char *path, char **bytes,
                             size_t *size, cnn_error *error) {
    size_t length;
    if (cnn_container_of(path, &length) != CNN_CONTAINER_NONE && path[length]) {
        return containers ? cnn_containers_read(containers, path, length, IMAGE_FILE_LIMIT, bytes,
                                                size, error)
                          : read_alone(path, length, bytes, size, error);
    }
    if (cnn_file_is_endless(path)) {
        return cnn_fail(error, CNN_ERROR_DATA, "expected a file, found a pipe or a device");
    }
    return cnn_file_read(path, IMAGE_FILE_LIMIT, CNN_ERROR_DATA, bytes, size, error);
}

static cnn_status read_image(cnn_containers *containers, const char *path,
                             const cnn_pixel_limit *limit, bool header_only, cnn_image *image,
                             cnn_error *error) {
    char *bytes;
    size_t size;
    *image = (cnn_image){.header_only = header_only};
    CNN_TRY(read_bytes(containers, path, &bytes, &size, error));
    cnn_status status = decode((const uint8_t *)bytes, size, limit, image, error);
    cnn_free(bytes);
    if (status != CNN_OK) {
        cnn_image_release(image);
    }
    return status;
}

cnn_status cnn_image_read_from(cnn_containers *containers, const char *path,
                               const cnn_pixel_limit *limit, cnn_image *image, cnn_error *error) {
    return read_image(containers, path, limit, false, image, error);
}

cnn_status cnn_image_read_header(cnn_containers *containers, const char *path,
                                 const cnn_pixel_limit *limit, cnn_image *image, cnn_error *error) {
    return read_image(containers, path, limit, true, image, error);
}

cnn_status cnn_image_read_limited(const char *path, const cnn_pixel_limit *limit, cnn_image *image,
                                  cnn_error *error) {
    return cnn_image_read_from(NULL, path, limit, image, error);
}

cnn_status cnn_image_read(const char *path, double max_megapixels, cnn_image *image,
                          cnn_error *error) {
    const cnn_pixel_limit limit = {.megapixels = max_megapixels};
    return cnn_image_read_limited(path, &limit, image, error);
}

void cnn_image_release(cnn_image *image) {
    cnn_free(image->pixels);
    cnn_free(image->samples);
    *image = (cnn_image){0};
}
