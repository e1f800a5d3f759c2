#include "image/range.h"

#include "base/error.h"
#include "base/memory.h"

const char *const cnn_range_names[] = {"full", "stretch", NULL};

enum { VALUES = 65536, WHITE = 65535 };

bool cnn_range_is_valid(const cnn_range *range) {
    return range->low >= 0 && range->low < range->high && range->high <= WHITE;
}

static size_t colours_of(const cnn_image *image) {
    return image->channels >= 3 ? 3 : 1;
}

static bool has_alpha(const cnn_image *image) {
    return image->channels == 2 || image->channels == 4;
}

/* Value i of the file, in 16 bits. */
static uint16_t value_of(const cnn_image *image, size_t i) {
    return image->samples ? image->samples[i] : (uint16_t)(image->pixels[i] * 257);
}

/* --- the histogram --- */

cnn_histogram *cnn_histogram_create(void) {
    return cnn_alloc(1, sizeof(cnn_histogram)); /* zeroed */
}

/* counts: [VALUES], zero. */
static void count_values(const cnn_image *image, cnn_alpha alpha, uint64_t *counts) {
    size_t channels = (size_t)image->channels;
    size_t colours = colours_of(image);
    size_t values = (size_t)image->width * (size_t)image->height * channels;
    bool skip = has_alpha(image) && alpha != CNN_ALPHA_DROP;
    for (size_t i = 0; i < values; i += channels) {
        if (skip && image->pixels[i + channels - 1] == 0) {
            continue;
        }
        for (size_t c = 0; c < colours; c++) {
            counts[value_of(image, i + c)] += 3 / colours;
        }
    }
}

cnn_status cnn_histogram_add(cnn_histogram *histogram, const cnn_image *image, cnn_alpha alpha,
                             cnn_error *error) {
    uint64_t *counts = cnn_alloc(VALUES, sizeof *counts);
    if (!counts) {
        return cnn_fail_memory(error, "the values of an image");
    }
    count_values(image, alpha, counts);
    for (size_t v = 0; v < VALUES; v++) {
        if (counts[v] > 0) {
            atomic_fetch_add_explicit(&histogram->count[v], counts[v], memory_order_relaxed);
        }
    }
    cnn_free(counts);
    return CNN_OK;
}

/* The value at a rank, which counts from 1. */
static int64_t value_at(const cnn_histogram *histogram, uint64_t rank) {
    uint64_t below = 0;
    for (int v = 0; v < WHITE; v++) {
        below += atomic_load_explicit(&histogram->count[v], memory_order_relaxed);
        if (below >= rank) {
            return v;
        }
    }
    return WHITE;
}

cnn_range cnn_histogram_range(const cnn_histogram *histogram) {
    uint64_t count = 0;
    for (int v = 0; v < VALUES; v++) {
        count += atomic_load_explicit(&histogram->count[v], memory_order_relaxed);
    }
    if (count == 0) {
        return (cnn_range){.low = 0, .high = WHITE};
    }
    /* ceil(count / 1000) and ceil(999 count / 1000), without an overflow */
    uint64_t tail = count / 1000;
    uint64_t first = tail + (count % 1000 > 0);
    cnn_range range = {.low = value_at(histogram, first),
                       .high = value_at(histogram, count - tail)};
    if (range.low == range.high) {
        range.high += range.high < WHITE;
        range.low = range.low < range.high ? range.low : range.high - 1;
    }
    return range;
}

void cnn_histogram_add_ranks(cnn_histogram *histogram, const cnn_ranks *ranks) {
    enum { PART = 512 };
    uint64_t counts[PART];
    for (int first = 0; first < VALUES && cnn_rank_count(ranks) > 1; first += PART) {
        for (int v = 0; v < PART; v++) {
            counts[v] = atomic_load_explicit(&histogram->count[first + v], memory_order_relaxed);
        }
        cnn_ranks_add(ranks, counts, PART);
        for (int v = 0; v < PART; v++) {
            atomic_store_explicit(&histogram->count[first + v], counts[v], memory_order_relaxed);
        }
    }
}

int cnn_range_levels(const cnn_range *range) {
    return (int)((range->high >> 8) - (range->low >> 8)) + 1;
}

bool cnn_range_is_narrow(const cnn_range *range) {
    return range->high - range->low < CNN_NARROW_RANGE;
}

/* --- from values to bytes --- */

uint8_t cnn_range_byte(const cnn_range *range, uint32_t value) {
    uint32_t low = (uint32_t)range->low;
    uint32_t distance = (uint32_t)range->high - low;
    if (value <= low) {
        return 0;
    }
    if (value - low >= distance) {
        return 255;
    }
    return (uint8_t)((510 * (value - low) + distance) / (2 * distance));
}

void cnn_range_apply(const cnn_range *range, cnn_image *image) {
    size_t channels = (size_t)image->channels;
    size_t colours = colours_of(image);
    size_t values = (size_t)image->width * (size_t)image->height * channels;
    for (size_t i = 0; i < values; i += channels) {
        for (size_t c = 0; c < colours; c++) {
            image->pixels[i + c] = cnn_range_byte(range, value_of(image, i + c));
        }
    }
}
