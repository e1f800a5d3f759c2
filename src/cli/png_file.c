#include "cli/png_file.h"

#include "cnn/error.h"
#include "cnn/file.h"
#include "cnn/png.h"

cnn_status cnn_png_write(const char *path, int channels, int height, int width,
                         const uint8_t *pixels, cnn_error *error) {
    uint8_t *bytes;
    size_t size;
    cnn_error reason;
    cnn_status status = cnn_png_encode(channels, height, width, pixels, &bytes, &size, &reason);
    if (status != CNN_OK) {
        return cnn_fail(error, status, "%s: %s", path, reason.message);
    }
    status = cnn_file_write(path, bytes, size, error);
    cnn_png_free(bytes);
    return status;
}
