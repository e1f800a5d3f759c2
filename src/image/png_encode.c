#include "cnn/png.h"

#include "base/error.h"
#include "base/memory.h"

#include <png.h>

/* What libpng and zlib take by themselves while they compress: 0.4 MB, and some rows. */
#define COMPRESSING ((size_t)1 << 20)

/* bytes: room for *size. */
static cnn_status encode(png_image *image, const uint8_t *pixels, uint8_t *bytes,
                         png_alloc_size_t *size, cnn_error *error) {
    if (!cnn_memory_claim(COMPRESSING)) {
        return cnn_fail_memory(error, "a picture");
    }
    int done = png_image_write_to_memory(image, bytes, size, 0, pixels, 0, NULL);
    cnn_memory_return(COMPRESSING);
    /* writing to memory can fail for no other reason */
    return done ? CNN_OK : cnn_fail(error, CNN_ERROR_RUNTIME, "out of memory (%s)", image->message);
}

/* flags: of libpng's png_image. */
static cnn_status encode_picture(int channels, int height, int width, const uint8_t *pixels,
                                 png_uint_32 flags, uint8_t **bytes, size_t *size,
                                 cnn_error *error) {
    *bytes = NULL;
    *size = 0;
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY,
                       .flags = flags};
    if (height > PNG_USER_HEIGHT_MAX || width > PNG_USER_WIDTH_MAX) {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "expected a picture of at most %d x %d pixels, got %d x %d",
                        PNG_USER_WIDTH_MAX, PNG_USER_HEIGHT_MAX, width, height);
    }
    png_alloc_size_t room = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *memory = cnn_alloc(room, 1);
    if (!memory) {
        return cnn_fail_memory(error, "a picture");
    }
    cnn_status status = encode(&image, pixels, memory, &room, error);
    if (status != CNN_OK) {
        cnn_free(memory);
        return status;
    }
    *bytes = memory;
    *size = room;
    return CNN_OK;
}

cnn_status cnn_png_encode(int channels, int height, int width, const uint8_t *pixels,
                          uint8_t **bytes, size_t *size, cnn_error *error) {
    return encode_picture(channels, height, width, pixels, 0, bytes, size, error);
}

cnn_status cnn_png_encode_fast(int channels, int height, int width, const uint8_t *pixels,
                               uint8_t **bytes, size_t *size, cnn_error *error) {
    return encode_picture(channels, height, width, pixels, PNG_IMAGE_FLAG_FAST, bytes, size, error);
}

void cnn_png_free(uint8_t *bytes) {
    cnn_free(bytes);
}
