#include "inspect/occlusion.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

/* The patches along one side. */
typedef struct side {
    int length, patch, step, count;
} side;

static side divide(int length) {
    const int patch = (length + CNN_OCCLUSION_PATCHES - 1) / CNN_OCCLUSION_PATCHES;
    const int step = patch > 1 ? patch / 2 : 1;
    return (side){.length = length,
                  .patch = patch,
                  .step = step,
                  .count = 1 + (length - patch + step - 1) / step};
}

/* Where a patch starts; the last one ends with the side. */
static int start_of(const side *s, size_t index) {
    const int start = (int)index * s->step;
    return start + s->patch <= s->length ? start : s->length - s->patch;
}

/* The context of `fill`: sample 0 is the image, the others are the patches, row by row. */
typedef struct covered {
    const cnn_pixel_table *table;
    const uint8_t *pixels;
    uint8_t mean[3];
    side rows, columns;
} covered;

static void cover(const covered *from, size_t patch, const cnn_block *block, int lane, float *x) {
    const int lanes = cnn_block_lanes(block);
    const int top = start_of(&from->rows, patch / (size_t)from->columns.count);
    const int left = start_of(&from->columns, patch % (size_t)from->columns.count);
    for (int c = 0; c < block->channels; c++) {
        const float mean = from->table->value[c][from->mean[c]];
        for (int h = top; h < top + from->rows.patch; h++) {
            float *to = x + cnn_block_row(block, c, h) + (ptrdiff_t)left * lanes + lane;
            for (int w = 0; w < from->columns.patch; w++, to += lanes) {
                *to = mean;
            }
        }
    }
}

static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    (void)labels;
    const covered *from = context;
    const uint8_t *images[CNN_LANES];
    for (int lane = 0; lane < CNN_LANES; lane++) {
        images[lane] = from->pixels;
    }
    cnn_block_from_images(from->table, images, count, block, x);
    for (int lane = 0; lane < count; lane++) {
        const size_t sample = first + (size_t)lane;
        if (sample > 0) {
            cover(from, sample - 1, block, lane, x);
        }
    }
}

static void find_mean(const cnn_shape *image, const uint8_t *pixels, uint8_t mean[3]) {
    const size_t plane = (size_t)image->height * (size_t)image->width;
    for (int c = 0; c < image->channels; c++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < plane; i++) {
            sum += pixels[(size_t)c * plane + i];
        }
        mean[c] = (uint8_t)((sum + plane / 2) / plane);
    }
}

/* The mean of the drops of the patches over each pixel. counts: as map, zeros. */
static void spread(const covered *from, const float *logits, float *map, float *counts) {
    const size_t width = (size_t)from->columns.length;
    const size_t size = (size_t)from->rows.length * width;
    memset(map, 0, size * sizeof *map);
    for (size_t p = 0; p < (size_t)from->rows.count * (size_t)from->columns.count; p++) {
        const size_t top = (size_t)start_of(&from->rows, p / (size_t)from->columns.count);
        const size_t left = (size_t)start_of(&from->columns, p % (size_t)from->columns.count);
        for (size_t h = top; h < top + (size_t)from->rows.patch; h++) {
            for (size_t w = left; w < left + (size_t)from->columns.patch; w++) {
                map[h * width + w] += logits[0] - logits[1 + p];
                counts[h * width + w] += 1.0f;
            }
        }
    }
    for (size_t i = 0; i < size; i++) {
        map[i] /= counts[i];
    }
}

cnn_status cnn_occlusion_map(cnn_minibatch *minibatch, const float *parameters,
                             const cnn_pixel_table *table, const cnn_shape *image,
                             const uint8_t *pixels, float *logit, float *map, cnn_error *error) {
    covered from = {.table = table,
                    .pixels = pixels,
                    .rows = divide(image->height),
                    .columns = divide(image->width)};
    const cnn_sample_source source = {.fill = fill, .context = &from};
    const size_t samples = 1 + (size_t)from.rows.count * (size_t)from.columns.count;
    const size_t positions = (size_t)image->height * (size_t)image->width;
    float *logits = cnn_alloc(samples + positions, sizeof *logits);
    if (!logits) {
        return cnn_fail_memory(error, "maps");
    }
    find_mean(image, pixels, from.mean);
    cnn_minibatch_forward(minibatch, parameters, &source, 0, samples, logits, NULL);
    *logit = logits[0];
    spread(&from, logits, map, logits + samples);
    cnn_free(logits);
    return CNN_OK;
}
