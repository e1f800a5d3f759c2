/* The tuned arithmetic: raw pointers and sizes in, numbers out. One table of functions per
 * instruction set; all tables compute the same bytes.
 *
 * Blocks. Every kernel works on a block of CNN_LANES images at once. The image is the innermost
 * dimension: an activation is float x[C][H][W][CNN_LANES], aligned to 64 bytes, possibly with a
 * border of zeros around each plane (cnn_block describes the positions). So every operation is
 * plain vector arithmetic, and lane i of every vector belongs to image i.
 *
 * Same bytes. Every lane sees the same operations in the same order whatever the vector's width:
 * multiply-adds are explicit fused ones, sums run in the order of the loops that the comments
 * state, and lanes are added up by one fixed tree (lanes 8 apart, then 4, 2, 1).
 *
 * reference.h contains the slow twins, to be read together with the equations. */
#ifndef CNN_KERNELS_KERNELS_H
#define CNN_KERNELS_KERNELS_H

#include "base/cpu.h"
#include "kernels/resample.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CNN_LANES 16

/* Kernels that store a sum can apply a ReLU to it, y = min(max(0, y), relu_max). Their argument
 * relu_max is its ceiling, or INFINITY for a ReLU without one, or 0: no ReLU. NaN stays NaN. */

/* The memory layout of a block. Strides are in floats; pointers passed to kernels point at value
 * (0, 0, 0) of the inside, not at the border. Column stride is always CNN_LANES. */
typedef struct cnn_block {
    int channels, height, width;
    ptrdiff_t row_stride, plane_stride;
    bool single; /* one image: the column stride is 1. Only functions that fill inputs get such a
                    block */
} cnn_block;

/* Images of a block, and its column stride. */
static inline int cnn_block_lanes(const cnn_block *block) {
    return block->single ? 1 : CNN_LANES;
}

/* A convolution seen as a list of taps: every output value is a sum over the same taps,
 *     y[f][p] = bias[f] + sum over t of w[f][t] * x[x_offset[p] + tap_offset[t]],
 * for output pixel p and filter f, at y[f * y_plane_stride + y_offset[p]]. Forward, the taps are
 * the (channel, row, column) of the kernel (eq. 2). The data gradient is the same sum with the taps
 * (filter, row, column) over dz (eq. 16). Offsets are in floats and count from value (0, 0, 0). */
typedef struct cnn_conv_taps {
    int filters, pixels, taps;
    ptrdiff_t y_plane_stride;
    const int32_t *x_offset;   /* [pixels] */
    const int32_t *y_offset;   /* [pixels] */
    const int32_t *tap_offset; /* [taps] */
    bool from_memory;          /* x or y are larger than caches: hints about them pay off */
} cnn_conv_taps;

/* A depthwise convolution, in which each channel has its own filter: for output pixel (i, j) of
 * channel c,
 *     y[c][i][j] = bias[c] + sum over r, q of w[c][r][q] * x[c][i][j + taps (r, q)],
 * where x starts at the patch of output (0, 0). All steps are in floats, from an index to the next
 * one. The data gradient with a stride is a few of these, each over those taps and outputs that
 * meet each other (conv_depthwise.c). */
typedef struct cnn_depthwise {
    int channels, rows, columns; /* of the output */
    int tap_rows, tap_columns;   /* rows × columns <= CNN_DEPTHWISE_TAPS_MAX */
    ptrdiff_t x_plane, x_row, x_column, tap_row, tap_column;
    ptrdiff_t w_plane, w_row, w_column;
    ptrdiff_t y_plane, y_row, y_column;
} cnn_depthwise;
#define CNN_DEPTHWISE_TAPS_MAX (31 * 31)

/* Max-pooling geometry: windows of size × size, `stride` apart; the first one starts `top` rows
 * above the input and `left` columns to its left. What is outside the input is not part of a
 * window; each contains a value of the input. */
typedef struct cnn_pool_window {
    int size, stride, top, left;
} cnn_pool_window;

/* Windows of average pooling: height × width values, `stride` apart, the first one as above. What
 * is outside the input counts as zeros. */
typedef struct cnn_average_window {
    int height, width, stride, top, left;
} cnn_average_window;

/* Batch normalization backward: numbers of each channel. Forward, y = x scale + shift, with a ReLU
 * (relu_max). constant, slope: of the input's gradient; sums do not use them. */
typedef struct cnn_batchnorm {
    const float *mean, *scale, *shift, *constant, *slope; /* [channels] */
    float relu_max;
} cnn_batchnorm;

/* The place of a maximum that gets no gradient. */
#define CNN_POOL_NONE (-1.0f)

/* Winograd's F(4×4, 3×3) (winograd.inc): the output is cut into tiles of 4×4, each from a patch of
 * 6×6 of the input, which become 36 elements. Tiles are counted row by row and processed in groups
 * of up to CNN_WINOGRAD_GROUP; each of the 36 elements of a group is a small matrix: float
 * v[36][channels][GROUP][LANES] for inputs, float m[36][filters][GROUP][LANES] for outputs, so that
 * the products between them are conv_forward with one tap for each channel. */
#define CNN_WINOGRAD_STEP 4
#define CNN_WINOGRAD_ELEMENTS 36
#define CNN_WINOGRAD_GROUP 6

typedef struct cnn_winograd {
    int channels, filters;
    int channels_padded; /* rounded up to a multiple of LANES */
    int before;          /* zeros above and to the left of the image */
    int tile_rows, tile_columns;
    int transposed_rows, transposed_columns; /* input pixels that the tiles' patches cover */
    float relu_max;
    /* Distance from the matrix of one element to the next, in floats, for v and for m. */
    ptrdiff_t channel_element_stride, filter_element_stride;
    cnn_block x_block, y_block, dy_block, dx_block; /* y, dy: after the pooling, if there is one */
} cnn_winograd;

/* A convolution of one image (nn/single.h), whose channels are the lanes: for output pixel (i, j)
 * and filter f, in lane f mod LANES of block f / LANES,
 *     y[f][i][j] = bias[f] + sum over t of w[f][t] * x[offset[t] + i x_row + j x_column],
 * with a ReLU (relu_max). Steps and offsets are in floats. */
typedef struct cnn_single_window {
    int filters, taps;
    int rows, columns; /* of the output */
    ptrdiff_t x_row, x_column, y_row, y_plane;
    const int32_t *offset; /* [taps] */
    float relu_max;
    const float *next; /* packed weights that will be needed next: a hint for the cache */
} cnn_single_window;

typedef struct cnn_kernels {
    cnn_isa isa;

    /* Number of filters that are side by side in packed weights. */
    int filter_tile;

    /* y = convolution of x (see cnn_conv_taps), with a ReLU (relu_max). packed:
     * [ceil(filters / filter_tile)][taps][filter_tile], as written by cnn_conv_pack. bias:
     * [filters], or NULL for zeros. Order of each sum: bias, then taps rising. */
    void (*conv_forward)(const cnn_conv_taps *geometry, const float *x, const float *packed,
                         const float *bias, float relu_max, float *y);

    /* The same, then max-pooled by 2×2: pixels 4 i … 4 i + 3 are the window of output i, row-major,
     * so that y_offset is [pixels / 4]. arg: [filters][pixels / 4][LANES], the place of each
     * maximum in its window as for maxpool_forward; CNN_POOL_NONE if there is a ReLU and
     * the maximum is not between 0 and its ceiling, because it gets no gradient then (eq. 3, 4, 12,
     * 13). */
    void (*conv_pool_forward)(const cnn_conv_taps *geometry, const float *x, const float *packed,
                              const float *bias, float relu_max, float *y, float *arg);

    /* dw[f][t] += sum over pixels and lanes of dz[f][p] * x[x_offset[p] + tap_offset[t]] (eq. 14);
     * dw: [filters][taps]. dz has the layout of y in the geometry. Order: per lane over pixels
     * rising, then the lane tree. */
    void (*conv_backward_weight)(const cnn_conv_taps *geometry, const float *x, const float *dz,
                                 float *dw);

    /* db[f] += sum over pixels and lanes of dz[f][p] (eq. 15). Order as in the weight gradient. */
    void (*conv_backward_bias)(const cnn_conv_taps *geometry, const float *dz, float *db);

    /* The gradients of conv_pool_forward, from the gradient after the pooling: dy[f][i] belongs to
     * the pixel of window i that had the maximum (eq. 12 to 15). geometry and arg: as for
     * conv_pool_forward; dy has the layout of y in the geometry. Order: windows rising. */
    void (*conv_pool_backward_weight)(const cnn_conv_taps *geometry, const float *x,
                                      const float *dy, const float *arg, float *dw);
    void (*conv_pool_backward_bias)(const cnn_conv_taps *geometry, const float *dy,
                                    const float *arg, float *db);

    /* y = the convolution, with a ReLU (relu_max). bias: NULL for zeros. Order of each sum: bias,
     * then taps, rows first. */
    void (*depthwise_forward)(const cnn_depthwise *geometry, const float *x, const float *w,
                              const float *bias, float relu_max, float *y);

    /* dw[c][r][q] += sum over pixels and lanes of dz * x, and db[c] += sum of dz, for the y, x and
     * w of depthwise_forward; dz has the layout of y. db: NULL if there is no bias. Order: per lane
     * over pixels, rows first, then the lane tree. */
    void (*depthwise_backward_weight)(const cnn_depthwise *geometry, const float *x,
                                      const float *dz, float *dw, float *db);

    /* y[o] = b[o] + sum over i of w[o][i] * x[i] (eq. 6), with a ReLU (relu_max). w:
     * [outputs][inputs], b: [outputs], x: [inputs][LANES], y: [outputs][LANES]; sums over inputs
     * rising. */
    void (*dense_forward)(int inputs, int outputs, const float *w, const float *b, const float *x,
                          float relu_max, float *y);

    /* dx[i] = sum over o of w[o][i] * dy[o] (eq. 11). Outputs rising. */
    void (*dense_backward_data)(int inputs, int outputs, const float *w, const float *dy,
                                float *dx);

    /* dw[o][i] += sum over lanes of dy[o][lane] * x[i][lane], db[o] += sum over lanes of
     * dy[o][lane] (eq. 9, 10). For dw, lanes are added in rising order; for db, by the lane tree.
     * scratch: [LANES][inputs rounded up to a multiple of LANES] floats, overwritten. */
    void (*dense_backward_weight)(int inputs, int outputs, const float *x, const float *dy,
                                  float *scratch, float *dw, float *db);

    /* y = a + b, with a ReLU (relu_max). */
    void (*add_forward)(const cnn_block *a_block, const float *a, const cnn_block *b_block,
                        const float *b, float relu_max, const cnn_block *y_block, float *y);

    /* x = min(max(0, x), relu_max) in place (eq. 3). */
    void (*relu_forward)(const cnn_block *block, float relu_max, float *x);

    /* d = d if 0 < y < relu_max, else 0, in place (eq. 13). y and d may have different strides. */
    void (*relu_backward)(const cnn_block *y_block, const float *y, float relu_max,
                          const cnn_block *d_block, float *d);

    /* x = x if x > 0, else slope x, in place; NaN stays NaN. */
    void (*leaky_relu_forward)(const cnn_block *block, float slope, float *x);

    /* d = d if y > 0, else slope d, in place. y and d may have different strides. */
    void (*leaky_relu_backward)(const cnn_block *y_block, const float *y, float slope,
                                const cnn_block *d_block, float *d);

    /* y = the mean of each window: its values added up row-major, times 1 / (height width) in
     * float. */
    void (*avgpool_forward)(const cnn_average_window *window, const cnn_block *x_block,
                            const float *x, const cnn_block *y_block, float *y);

    /* dx = the sum over the windows that contain it, in row-major order, of dy / (height width). */
    void (*avgpool_backward)(const cnn_average_window *window, const cnn_block *y_block,
                             const float *dy, const cnn_block *x_block, float *dx);

    /* y = maximum of each window; arg: its place in the window, row-major, as a float, at the same
     * index as in a block [C][OH][OW][LANES] without border. Ties: the first (eq. 12). A NaN in a
     * window is its maximum. */
    void (*maxpool_forward)(const cnn_pool_window *window, const cnn_block *x_block, const float *x,
                            const cnn_block *y_block, float *y, float *arg);

    /* dx = dy at the maximum of each window, zeros elsewhere; overlapping windows add up, in
     * row-major order of the windows (eq. 12). */
    void (*maxpool_backward)(const cnn_pool_window *window, const cnn_block *y_block,
                             const float *dy, const float *arg, const cnn_block *x_block,
                             float *dx);

    /* --- Batch normalization. Sums run, for each lane, over a row rising, then over rows. --- */

    /* sums[c][lane] = sum over the plane of x - mean[c] (squares: of its square). */
    void (*channel_sums)(const cnn_block *block, const float *x, const float *mean, bool squares,
                         float *sums);
    /* y = x scale[c] + shift[c], with one rounding, then a ReLU (relu_max). x may be y. */
    void (*channel_scale)(const cnn_block *x_block, const float *x, const float *scale,
                          const float *shift, float relu_max, const cnn_block *y_block, float *y);
    /* Of the gradient d after the ReLU, if norm has one (eq. 13); d' is that before it.
     * sums[c][lane] = sum of d'; products[c][lane] = sum of d' (x - mean[c]). */
    void (*batchnorm_gradient_sums)(const cnn_batchnorm *norm, const cnn_block *x_block,
                                    const float *x, const cnn_block *d_block, const float *d,
                                    float *sums, float *products);
    /* dx = (dy' - constant[c] - (x - mean[c]) slope[c]) scale[c]. dx may be dy. */
    void (*batchnorm_backward)(const cnn_batchnorm *norm, const cnn_block *x_block, const float *x,
                               const cnn_block *dy_block, const float *dy,
                               const cnn_block *dx_block, float *dx);

    /* --- Winograd. Tiles first … first + count - 1, count <= GROUP. --- */

    /* Filters first … last - 1 of weights[filters][channels][3][3], transformed, into packed
     * weights for conv_forward: forward [36][packed filters × channels], data [36][packed channels
     * × filters] (NULL: not needed). Values past the last filter or channel are left as they are:
     * 0. */
    void (*winograd_pack)(const cnn_winograd *w, const float *weights, int first, int last,
                          float *forward, float *data);
    /* v = the transformed input. */
    void (*winograd_input)(const cnn_winograd *w, int first, int count, const float *x, float *v);
    /* y = the transformed m plus bias[filters], with a ReLU (w->relu_max). bias: NULL
     * for zeros. */
    void (*winograd_output)(const cnn_winograd *w, int first, int count, const float *m,
                            const float *bias, float *y);
    /* The same, then max-pooled as in conv_pool_forward. */
    void (*winograd_pool_output)(const cnn_winograd *w, int first, int count, const float *m,
                                 const float *bias, float *y, float *arg);
    /* g, with the layout of m, = the transformed gradient of the output; bias_sums[filters][LANES]
     * += its sum over the tiles. */
    void (*winograd_output_gradient)(const cnn_winograd *w, int first, int count, const float *dy,
                                     float *g, float *bias_sums);
    /* The same from the gradient after the pooling. */
    void (*winograd_pool_output_gradient)(const cnn_winograd *w, int first, int count,
                                          const float *dy, const float *arg, float *g,
                                          float *bias_sums);
    /* dx from m, which has the layout of v. Groups must come in rising order: the first tile to
     * reach a value overwrites it, later ones add. */
    void (*winograd_input_gradient)(const cnn_winograd *w, int first, int count, const float *m,
                                    float *dx);
    /* xt[transposed_rows][transposed_columns][LANES][channels_padded] = x with channels innermost,
     * and the same transform of it: vt[36][GROUP][LANES][channels_padded]. */
    void (*winograd_transpose)(const cnn_winograd *w, const float *x, float *xt);
    void (*winograd_input_transposed)(const cnn_winograd *w, int first, int count, const float *xt,
                                      float *vt);
    /* One element of the weight gradient: du[filters][channels_padded] = (add: +=) sum over tiles
     * and lanes of g[filter][tile][lane] * vt[tile][lane][channel]: over each half of a tile's
     * lanes rising, both halves, then over tiles. */
    void (*winograd_outer)(const cnn_winograd *w, int count, const float *g, const float *vt,
                           float *du, bool add);
    /* dw[channels][3][3] of a filter += the transformed du[36][filters][channels_padded]. */
    void (*winograd_weight_gradient)(const cnn_winograd *w, int filter, const float *du, float *dw);
    /* sum of the lanes of sums[count][LANES], by the lane tree, added to db[count]. */
    void (*add_lane_sums)(int count, const float *sums, float *db);

    /* --- One image at a time (cnn_single_window). Each sum: bias, then taps rising. --- */

    /* Filters of a group: a multiple of LANES. */
    int single_filters;
    /* A group of filters, each of which sees all taps. packed: bias[single_filters], then
     * [taps][single_filters], aligned; zeros after the last filter. Lanes of y after the last
     * filter may get any values. */
    void (*single_convolve)(const cnn_single_window *window, const float *x, const float *packed,
                            float *y);
    /* LANES filters, each of which sees the taps in its own lane: offset[t] + lane. packed:
     * bias[LANES], then [taps][LANES], aligned. window->filters and y_plane do not matter. */
    void (*single_filter)(const cnn_single_window *window, const float *x, const float *packed,
                          float *y);
    /* y = x scale[c] + shift[c], with one rounding, then a ReLU (relu_max), of channels in blocks
     * of lanes. scale, shift: [x_block->channels][LANES], aligned. */
    void (*single_scale)(const cnn_block *x_block, const float *x, const float *scale,
                         const float *shift, float relu_max, const cnn_block *y_block, float *y);
    /* y[o] = bias[o] + sum over i of w[o][i] * x[i], with a ReLU (relu_max). packed: [outputs /
     * LANES, rounded up][inputs][LANES], aligned. Order: bias, then inputs rising. */
    void (*single_dense)(int inputs, int outputs, const float *packed, const float *bias,
                         const float *x, float relu_max, float *y);

    /* --- Resampling of bytes (resample.h). Integers: the order of a sum does not matter. --- */

    /* Resamples 16 rows of side->from pixels of `channels` bytes. grey: colours become grey first
     * (cnn_resample_grey); without effect if channels < 3. to: [LANES] rows of
     * cnn_resample_row_size bytes, which start with [cnn_resample_planes][side->to]. scratch:
     * cnn_resample_scratch_size bytes. */
    void (*resample_across)(const cnn_resample_side *side, const uint8_t *const rows[CNN_LANES],
                            int channels, bool grey, uint8_t *scratch, uint8_t *to);

    /* to[x] = the weighted sum of rows[i][x], i < count. Reads and writes rows of `width` bytes,
     * rounded up to a multiple of LANES. */
    void (*resample_down)(const uint8_t *const *rows, const int32_t *weights, int count,
                          size_t width, uint8_t *to);
} cnn_kernels;

/* The table for an instruction set; NULL if this build or this processor lacks it. */
const cnn_kernels *cnn_kernels_for(cnn_isa isa);

/* The table that cnn_isa_choose (base/cpu.h) names. */
CNN_MUST_USE cnn_status cnn_kernels_choose(const cnn_kernels **kernels, cnn_error *error);

/* The environment variable CNN_CONV: "direct" (*direct_only is true: no Winograd), or "auto", the
 * default. CNN_ERROR_CONFIG for anything else. */
CNN_MUST_USE cnn_status cnn_conv_choose(bool *direct_only, cnn_error *error);

/* Floats in packed weights of `filters` × `taps`. */
size_t cnn_conv_packed_size(const cnn_kernels *kernels, int filters, int taps);

/* Packs weights of the filters first … last - 1 for conv_forward. first: a multiple of filter_tile;
 * last: another, or the number of filters. Weight (f, t) is read from w[f * filter_stride +
 * weight_offset[t]]; weight_offset: [taps]; packed: the weights of all filters. Filters past the
 * last become 0. */
void cnn_conv_pack(const cnn_kernels *kernels, const float *w, int first, int last,
                   ptrdiff_t filter_stride, int taps, const int32_t *weight_offset, float *packed);

#endif
