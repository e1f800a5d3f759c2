#include "image/stb_decode.h"

#include "base/error.h"
#include "base/memory.h"
#include "image/stb.h"

#define STBI_NO_STDIO
#include <stb_image.h>

#include <string.h>

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
        reason = "expected a header of a kind that is read, found another kind or a damaged one";
    }
    return cnn_fail(error, CNN_ERROR_DATA, "%s", reason);
}

/* Reads the size of an image, which must be allowed, without its pixels. */
static cnn_status read_size(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                            cnn_image *image, cnn_error *error) {
    cnn_stb_limit(memory_limit(0, 0, size));
    if (!stbi_info_from_memory(bytes, (int)size, &image->width, &image->height, &image->channels)) {
        return fail_decoding(error);
    }
    return cnn_image_check_size(image->width, image->height, limit, error);
}

static cnn_status load_pixels(const uint8_t *bytes, size_t size, cnn_image *image,
                              cnn_error *error) {
    image->pixels =
        stbi_load_from_memory(bytes, (int)size, &image->width, &image->height, &image->channels, 0);
    return image->pixels ? CNN_OK : fail_decoding(error);
}

/* The samples of a file of 16 bits, and their high bytes as pixels. */
static cnn_status load_samples(const uint8_t *bytes, size_t size, cnn_image *image,
                               cnn_error *error) {
    image->samples = stbi_load_16_from_memory(bytes, (int)size, &image->width, &image->height,
                                              &image->channels, 0);
    if (!image->samples) {
        return fail_decoding(error);
    }
    size_t count = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    image->pixels = cnn_alloc(count, 1);
    if (!image->pixels) {
        return cnn_fail_memory(error, "decoding an image");
    }
    for (size_t i = 0; i < count; i++) {
        image->pixels[i] = (uint8_t)(image->samples[i] >> 8);
    }
    return CNN_OK;
}

cnn_status cnn_stb_decode(const uint8_t *bytes, size_t size, const cnn_pixel_limit *limit,
                          cnn_image *image, cnn_error *error) {
    cnn_stb_limit(memory_limit(0, 0, size));
    image->deep = stbi_is_16_bit_from_memory(bytes, (int)size);
    if (cnn_stb_was_refused()) {
        return fail_decoding(error);
    }
    CNN_TRY(read_size(bytes, size, limit, image, error));
    if (image->header_only) {
        return CNN_OK;
    }
    cnn_stb_limit(memory_limit(image->width, image->height, size));
    CNN_TRY(image->deep ? load_samples(bytes, size, image, error)
                        : load_pixels(bytes, size, image, error));
    /* again, since stbi_info may have read another header than the one that was decoded */
    return cnn_image_check_size(image->width, image->height, limit, error);
}

void cnn_stb_expect_apple(bool apple) {
    stbi_convert_iphone_png_to_rgb_thread(apple);
}
