#include "inspect/map_product.h"

#include "inspect/map_picture.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stddef.h>

/* A line of `count` cells of `size` values each, by 1 2 1. */
static void smooth_line(const float *from, int count, ptrdiff_t size, float *to) {
    for (int i = 0; i < count; i++, to += size) {
        const float *at = from + i * size;
        const float *before = i > 0 ? at - size : at;
        const float *after = i < count - 1 ? at + size : at;
        for (ptrdiff_t k = 0; k < size; k++) {
            to[k] = 0.25f * (before[k] + after[k]) + 0.5f * at[k];
        }
    }
}

void cnn_map_smooth(float *maps, int height, int width, float *work) {
    const ptrdiff_t row = (ptrdiff_t)width * CNN_LANES;
    for (int h = 0; h < height; h++) {
        smooth_line(maps + h * row, width, CNN_LANES, work + h * row);
    }
    smooth_line(work, height, row, maps);
}

/* Divides the maps of each image by their largest absolute value. */
static void normalize(float *maps, ptrdiff_t cells) {
    float scales[CNN_LANES] = {0};
    for (ptrdiff_t i = 0; i < cells; i++) {
        for (int lane = 0; lane < CNN_LANES; lane++) {
            const float value = fabsf(maps[i * CNN_LANES + lane]);
            scales[lane] = value > scales[lane] ? value : scales[lane];
        }
    }
    for (int lane = 0; lane < CNN_LANES; lane++) {
        scales[lane] = scales[lane] > 0.0f ? 1.0f / scales[lane] : 0.0f;
    }
    for (ptrdiff_t i = 0; i < cells; i++) {
        for (int lane = 0; lane < CNN_LANES; lane++) {
            maps[i * CNN_LANES + lane] *= scales[lane];
        }
    }
}

/* to: the values a share `weight` of the way from those of `from` to those of `next`. */
static void interpolate(const float *from, const float *next, float weight, ptrdiff_t count,
                        float *to) {
    for (ptrdiff_t i = 0; i < count; i++) {
        to[i] = from[i] + weight * (next[i] - from[i]);
    }
}

/* wide[rows][width]: each row of maps[rows][columns], interpolated. */
static void widen(const float *maps, int rows, int columns, int width, float *wide) {
    for (int w = 0; w < width; w++) {
        const cnn_map_cells x = cnn_map_find_cells((w + 0.5) / width, columns);
        for (int r = 0; r < rows; r++) {
            const float *row = maps + (ptrdiff_t)r * columns * CNN_LANES;
            interpolate(row + (ptrdiff_t)x.first * CNN_LANES, row + (ptrdiff_t)x.next * CNN_LANES,
                        x.weight, CNN_LANES, wide + ((ptrdiff_t)r * width + w) * CNN_LANES);
        }
    }
}

/* The product where both are positive or both negative, without a branch, so that it becomes vector
 * instructions. */
static void multiply(float *maps, const float *factors, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        const float map = maps[i], factor = factors[i];
        const float positive = (map > 0.0f ? map : 0.0f) * (factor > 0.0f ? factor : 0.0f);
        const float negative = (map < 0.0f ? map : 0.0f) * (factor < 0.0f ? -factor : 0.0f);
        maps[i] = positive + negative;
    }
}

void cnn_map_multiply(float *maps, int height, int width, float *coarse, int rows, int columns,
                      float *work) {
    const ptrdiff_t row = (ptrdiff_t)width * CNN_LANES;
    float *wide = work + row;
    normalize(coarse, (ptrdiff_t)rows * columns);
    widen(coarse, rows, columns, width, wide);
    for (int h = 0; h < height; h++) {
        const cnn_map_cells y = cnn_map_find_cells((h + 0.5) / height, rows);
        interpolate(wide + y.first * row, wide + y.next * row, y.weight, row, work);
        multiply(maps + h * row, work, row);
    }
}
