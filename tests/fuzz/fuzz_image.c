/* Images of all formats, resized to several sizes; and the same pixels from the same bytes. */
#include "fuzz.h"
#include "image/load.h"

#include <zlib.h>

#include <stdlib.h>
#include <string.h>

/* Decompression bombs must end at this limit. */
#define MEGAPIXELS_MAX 0.01

static const cnn_status allowed[] = {CNN_ERROR_DATA, CNN_OK};

static const cnn_image_settings settings[] = {
    {.width = 8, .height = 6, .channels = 3, .resize = CNN_RESIZE_STRETCH},
    {.width = 5, .height = 9, .channels = 1, .resize = CNN_RESIZE_CROP},
    {.width = 16, .height = 1, .channels = 3, .resize = CNN_RESIZE_LETTERBOX},
    {.width = 4,
     .height = 4,
     .channels = 1,
     .range = CNN_RANGE_STRETCH,
     .ends = {1000, 50000},
     .alpha = CNN_ALPHA_WHITE},
};
enum { SETTINGS = sizeof settings / sizeof *settings, PIXELS_MAX = 3 * 8 * 6 };

/* Two loads see different memory, which must not affect the pixels. */
static void check_same(const char *path, const cnn_image_settings *as, const uint8_t *pixels,
                       uint64_t content) {
    uint8_t again[PIXELS_MAX];
    uint64_t content_again;
    cnn_error error;
    if (cnn_image_load(path, as, NULL, again, &content_again, &error) != CNN_OK ||
        memcmp(pixels, again, cnn_image_size(as)) != 0 || content != content_again) {
        fuzz_fail("an image gives other pixels when it is read again");
    }
}

static void read_image(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);
    for (size_t i = 0; i < SETTINGS; i++) {
        cnn_image_settings as = settings[i];
        as.max_megapixels = MEGAPIXELS_MAX;
        uint8_t pixels[PIXELS_MAX];
        uint64_t content;
        cnn_error error;
        cnn_status status = cnn_image_load(path, &as, NULL, pixels, &content, &error);
        fuzz_check(status, &error, allowed);
        if (status != CNN_OK) {
            return; /* whatever the settings */
        }
        if (i == 0) {
            check_same(path, &as, pixels, content);
        }
    }
}

/* --- the checksums of a PNG --- */

static void put_32(uint32_t value, uint8_t *bytes) {
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* Writes the Adler-32 checksum after the compressed data: the bytes at idat[i], of which there are
 * `count`. */
static void repair_adler(uint8_t *const *idat, size_t count) {
    enum { INFLATED_MAX = 1 << 20 };
    static uint8_t inflated[INFLATED_MAX];
    uint8_t *packed = malloc(count);
    if (!packed) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        packed[i] = *idat[i];
    }
    z_stream stream = {.next_in = packed + 2,
                       .avail_in = (uInt)(count - 2),
                       .next_out = inflated,
                       .avail_out = sizeof inflated};
    if (inflateInit2(&stream, -MAX_WBITS) == Z_OK) {
        if (inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in >= 4) {
            uint8_t sum[4];
            put_32((uint32_t)adler32(1, inflated, (uInt)stream.total_out), sum);
            for (size_t i = 0; i < sizeof sum; i++) {
                *idat[2 + stream.total_in + i] = sum[i];
            }
        }
        (void)inflateEnd(&stream);
    }
    free(packed);
}

static void repair_png(uint8_t *bytes, size_t size) {
    if (size < 20 || memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) != 0) {
        return;
    }
    uint8_t **idat = malloc(size * sizeof *idat);
    if (!idat) {
        return;
    }
    for (int pass = 0; pass < 2; pass++) { /* Adler-32 first: the CRC is of it, too */
        size_t count = 0;
        for (size_t at = 8; size - at >= 12;) {
            uint8_t *chunk = bytes + at;
            size_t length =
                (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
            if (length > size - at - 12) {
                break;
            }
            for (size_t i = 0; memcmp(chunk + 4, "IDAT", 4) == 0 && i < length; i++) {
                idat[count++] = chunk + 8 + i;
            }
            if (pass == 1) {
                put_32((uint32_t)crc32(0, chunk + 4, (uInt)(4 + length)), chunk + 8 + length);
            }
            at += 12 + length;
        }
        if (pass == 0 && count > 6) {
            repair_adler(idat, count);
        }
    }
    free(idat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_both_ways(data, size, repair_png, read_image);
    return 0;
}
