/* Images of all formats, resized to several sizes; and the same pixels from the same bytes. */
#include "fuzz.h"
#include "image/load.h"

#include <string.h>

/* Decompression bombs must end at this limit. */
#define MEGAPIXELS_MAX 0.01

static const cnn_status allowed[] = {CNN_ERROR_DATA, CNN_OK};

static const cnn_image_settings settings[] = {
    {.width = 8, .height = 6, .channels = 3, .resize = CNN_RESIZE_STRETCH},
    {.width = 5, .height = 9, .channels = 1, .resize = CNN_RESIZE_CROP},
    {.width = 16, .height = 1, .channels = 3, .resize = CNN_RESIZE_LETTERBOX},
};
enum { SETTINGS = sizeof settings / sizeof *settings, PIXELS_MAX = 3 * 8 * 6 };

/* Two loads see different memory, which must not affect the pixels. */
static void check_same(const char *path, const cnn_image_settings *as, const uint8_t *pixels,
                       uint64_t content) {
    uint8_t again[PIXELS_MAX];
    uint64_t content_again;
    cnn_error error;
    if (cnn_image_load(path, as, again, &content_again, &error) != CNN_OK ||
        memcmp(pixels, again, cnn_image_size(as)) != 0 || content != content_again) {
        fuzz_fail("an image gives other pixels when it is read again");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);
    for (size_t i = 0; i < SETTINGS; i++) {
        cnn_image_settings as = settings[i];
        as.max_megapixels = MEGAPIXELS_MAX;
        uint8_t pixels[PIXELS_MAX];
        uint64_t content;
        cnn_error error;
        cnn_status status = cnn_image_load(path, &as, pixels, &content, &error);
        fuzz_check(status, &error, allowed);
        if (status != CNN_OK) {
            return 0; /* whatever the settings */
        }
        if (i == 0) {
            check_same(path, &as, pixels, content);
        }
    }
    return 0;
}
