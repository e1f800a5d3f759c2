#include "cli/png_file.h"

#include "cnn/error.h"
#include "cnn/file.h"

#include <png.h>
#include <stdlib.h>

cnn_status cnn_png_write(const char *path, int channels, int height, int width,
                         const uint8_t *pixels, cnn_error *error) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
    if (height > PNG_USER_HEIGHT_MAX || width > PNG_USER_WIDTH_MAX) {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "%s: expected a picture of at most %d x %d pixels, got %d x %d", path,
                        PNG_USER_WIDTH_MAX, PNG_USER_HEIGHT_MAX, width, height);
    }
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *bytes = malloc(size);
    if (!bytes) {
        return cnn_fail_memory(error, path);
    }
    cnn_status status;
    if (png_image_write_to_memory(&image, bytes, &size, 0, pixels, 0, NULL)) {
        status = cnn_file_write(path, bytes, size, error);
    } else {
        /* writing to memory can fail for no other reason */
        status = cnn_fail(error, CNN_ERROR_RUNTIME, "%s: out of memory (%s)", path, image.message);
    }
    free(bytes);
    return status;
}
