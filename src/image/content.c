/* The hash of the content of an image file (cnn_image_content). */
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "image/load.h"

/* Does the file hold anything in its low bytes? A copy in 16 bits of an image of 8 bits has the
 * value 257 v for v. */
static bool has_low_bytes(const cnn_image *image) {
    size_t channels = (size_t)image->channels;
    size_t colours = channels >= 3 ? 3 : 1;
    size_t pixels = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < pixels * channels && image->samples; i++) {
        if (i % channels < colours && image->samples[i] != image->pixels[i] * 257) {
            return true;
        }
    }
    return false;
}

static bool has_transparency(const cnn_image *image) {
    size_t channels = (size_t)image->channels;
    size_t pixels = (size_t)image->width * (size_t)image->height;
    bool alpha = channels == 2 || channels == 4;
    for (size_t i = 0; i < pixels && alpha; i++) {
        if (image->pixels[(i + 1) * channels - 1] != 255) {
            return true;
        }
    }
    return false;
}

/* Writes one byte of each value of a row into row. Returns how many there are. */
typedef size_t row_writer(const cnn_image *image, size_t first, uint8_t *row);

/* first: the offset of the row's first value. Grey becomes three equal parts. */
static size_t write_high(const cnn_image *image, size_t first, uint8_t *row) {
    size_t channels = (size_t)image->channels, width = (size_t)image->width;
    const uint8_t *pixel = image->pixels + first;
    for (size_t x = 0; x < width; x++, pixel += channels, row += 3) {
        row[0] = pixel[0];
        row[1] = pixel[channels >= 3 ? 1 : 0];
        row[2] = pixel[channels >= 3 ? 2 : 0];
    }
    return 3 * width;
}

static size_t write_low(const cnn_image *image, size_t first, uint8_t *row) {
    size_t channels = (size_t)image->channels, width = (size_t)image->width;
    const uint16_t *sample = image->samples + first;
    for (size_t x = 0; x < width; x++, sample += channels, row += 3) {
        row[0] = (uint8_t)sample[0];
        row[1] = (uint8_t)sample[channels >= 3 ? 1 : 0];
        row[2] = (uint8_t)sample[channels >= 3 ? 2 : 0];
    }
    return 3 * width;
}

static size_t write_alpha(const cnn_image *image, size_t first, uint8_t *row) {
    size_t channels = (size_t)image->channels, width = (size_t)image->width;
    for (size_t x = 0; x < width; x++) {
        row[x] = image->pixels[first + (x + 1) * channels - 1];
    }
    return width;
}

/* row: room for [3 × width]. */
static uint64_t hash_rows(const cnn_image *image, row_writer *write, uint64_t hash, uint8_t *row) {
    size_t values = (size_t)image->width * (size_t)image->channels;
    for (size_t y = 0; y < (size_t)image->height; y++) {
        hash = cnn_hash_bytes(hash, row, write(image, y * values, row));
    }
    return hash;
}

/* Hashes the rows of pixels as they are. */
static uint64_t hash_stored_rows(const cnn_image *image, uint64_t hash) {
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (size_t y = 0; y < (size_t)image->height; y++) {
        hash = cnn_hash_bytes(hash, image->pixels + y * row, row);
    }
    return hash;
}

/* Alpha and low bytes are part of the hash only where there are any, so that images without them
 * have the same hash whatever the file's format can hold. */
cnn_status cnn_image_content(const cnn_image *image, uint64_t *content, cnn_error *error) {
    size_t width = (size_t)image->width;
    uint8_t *row = cnn_alloc(width, 3);
    if (!row) {
        return cnn_fail_memory(error, "an image");
    }
    uint64_t hash = CNN_HASH_START;
    hash = cnn_hash_bytes(hash,
                          (const uint8_t[4]){(uint8_t)width, (uint8_t)(width >> 8),
                                             (uint8_t)(width >> 16), (uint8_t)(width >> 24)},
                          4);
    if (image->channels == 3) { /* the most frequent kind needs no copy */
        hash = hash_stored_rows(image, hash);
    } else {
        hash = hash_rows(image, write_high, hash, row);
    }
    if (has_transparency(image)) {
        hash = hash_rows(image, write_alpha, cnn_hash_bytes(hash, "alpha", 5), row);
    }
    if (has_low_bytes(image)) {
        hash = hash_rows(image, write_low, cnn_hash_bytes(hash, "low", 3), row);
    }
    *content = hash;
    cnn_free(row);
    return CNN_OK;
}
