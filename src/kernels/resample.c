#include "kernels/resample.h"

#include "kernels/kernels.h"

#include <math.h>

/* The half width of the triangle, in input pixels. */
static double half_width(int from, int to) {
    return from > to ? (double)from / to : 1.0;
}

int cnn_resample_taps(int from, int to) {
    int taps = 2 * (int)ceil(half_width(from, to)) + 1;
    return taps < from ? taps : from;
}

/* The height of the triangle around `center` at an input pixel. `reach` is 1 / half width. */
static double height(int pixel, double center, double reach) {
    double distance = fabs((pixel - center + 0.5) * reach);
    return distance < 1.0 ? 1.0 - distance : 0.0;
}

/* Sets first, count and weights of output pixel `x`. The order of all operations, which are
 * rounded, is that of Pillow (precompute_coeffs, normalize_coeffs_8bpc). */
static void weigh(cnn_resample_side *side, int x) {
    double width = half_width(side->from, side->to);
    double reach = 1.0 / width;
    double center = (x + 0.5) * ((double)side->from / side->to);
    int first = (int)(center - width + 0.5);
    int end = (int)(center + width + 0.5);
    first = first < 0 ? 0 : first;
    end = end > side->from ? side->from : end;
    double sum = 0.0;
    for (int i = first; i < end; i++) {
        sum += height(i, center, reach);
    }
    int32_t *weights = side->weights + (ptrdiff_t)x * side->taps;
    for (int i = first; i < end; i++) {
        weights[i - first] =
            (int32_t)(0.5 + height(i, center, reach) / sum * (1 << CNN_RESAMPLE_BITS));
    }
    int count = end - first;
    while (count > 1 && weights[count - 1] == 0) {
        count--;
    }
    side->first[x] = first;
    side->count[x] = count;
}

void cnn_resample_weigh(cnn_resample_side *side) {
    for (int x = 0; x < side->to; x++) {
        weigh(side, x);
    }
}

/* --- memory of the kernels --- */

static size_t round_up(size_t count) {
    return (count + CNN_LANES - 1) / CNN_LANES * CNN_LANES;
}

int cnn_resample_planes(int channels, bool grey) {
    return channels >= 3 && !grey ? 3 : 1;
}

size_t cnn_resample_row_size(const cnn_resample_side *side, int planes) {
    return round_up((size_t)side->to * (size_t)planes);
}

size_t cnn_resample_scratch_size(const cnn_resample_side *side, int channels, int planes) {
    return CNN_LANES *
           (round_up((size_t)side->from * (size_t)channels) + cnn_resample_row_size(side, planes));
}
