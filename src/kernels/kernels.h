/* The tuned arithmetic: raw pointers and sizes in, numbers out. One table of functions per
 * instruction set; all tables compute the same bytes.
 *
 * Blocks. Everything works on a block of CNN_LANES images at once, and the image is the innermost
 * dimension: an activation is float x[C][H][W][CNN_LANES], aligned to 64 bytes, possibly with a
 * border of zeros around each plane (cnn_block says where things are). So every operation is plain
 * vector arithmetic, and lane i of every vector belongs to image i.
 *
 * Same bytes. Every lane sees the same operations in the same order whatever the vector's width:
 * multiply-adds are explicit fused ones, sums run in the order of the loops that the comments
 * state, and lanes are added up by one fixed tree (lanes 8 apart, then 4, 2, 1).
 *
 * reference.h holds the slow twins, to be read beside the equations. */
#ifndef CNN_KERNELS_H
#define CNN_KERNELS_H

#include "cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CNN_LANES 16

/* Where the values of a block stand. Strides are in floats; pointers handed to kernels point at
 * value (0, 0, 0) of the inside, not at the border. Column stride is always CNN_LANES. */
typedef struct cnn_block {
    int channels, height, width;
    ptrdiff_t row_stride, plane_stride;
} cnn_block;

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
} cnn_conv_taps;

/* Max-pooling geometry. Windows lie wholly inside the input. */
typedef struct cnn_pool_window {
    int size, stride;
} cnn_pool_window;

typedef struct cnn_kernels {
    cnn_isa isa;

    /* How many filters stand side by side in packed weights. */
    int filter_tile;

    /* y = convolution of x (see cnn_conv_taps), with max(0, ·) applied where relu.
     * packed: [ceil(filters / filter_tile)][taps][filter_tile], as cnn_conv_pack writes it.
     * bias: [filters], or NULL for zeros. Order of each sum: bias, then taps rising. */
    void (*conv_forward)(const cnn_conv_taps *geometry, const float *x, const float *packed,
                         const float *bias, bool relu, float *y);

    /* dw[f][t] += sum over pixels and lanes of dz[f][p] * x[x_offset[p] + tap_offset[t]] (eq. 14);
     * dw: [filters][taps]. dz stands as y does in the geometry. Order: per lane over pixels rising,
     * then the lane tree. */
    void (*conv_backward_weight)(const cnn_conv_taps *geometry, const float *x, const float *dz,
                                 float *dw);

    /* db[f] += sum over pixels and lanes of dz[f][p] (eq. 15). Order as in the weight gradient. */
    void (*conv_backward_bias)(const cnn_conv_taps *geometry, const float *dz, float *db);

    /* y[o] = b[o] + sum over i of w[o][i] * x[i] (eq. 6), with max(0, ·) where relu.
     * w: [outputs][inputs], b: [outputs], x: [inputs][LANES], y: [outputs][LANES]; sums over
     * inputs rising. */
    void (*dense_forward)(int inputs, int outputs, const float *w, const float *b, const float *x,
                          bool relu, float *y);

    /* dx[i] = sum over o of w[o][i] * dy[o] (eq. 11). Outputs rising. */
    void (*dense_backward_data)(int inputs, int outputs, const float *w, const float *dy,
                                float *dx);

    /* dw[o][i] += sum over lanes of dy[o][lane] * x[i][lane], db[o] += sum over lanes of
     * dy[o][lane] (eq. 9, 10). For dw, lanes are added in rising order; for db, by the lane tree.
     * scratch: [LANES][inputs rounded up to a multiple of LANES] floats, overwritten. */
    void (*dense_backward_weight)(int inputs, int outputs, const float *x, const float *dy,
                                  float *scratch, float *dw, float *db);

    /* x = max(0, x) in place; NaN stays NaN (eq. 3). */
    void (*relu_forward)(const cnn_block *block, float *x);

    /* d = d where y > 0, else 0, in place (eq. 13). y and d may have different strides. */
    void (*relu_backward)(const cnn_block *y_block, const float *y, const cnn_block *d_block,
                          float *d);

    /* y = maximum of each window; arg: its place in the window, row-major, as a float, at the same
     * index as in a block [C][OH][OW][LANES] without border. Ties: the first (eq. 12). A NaN in a
     * window is its maximum. */
    void (*maxpool_forward)(const cnn_pool_window *window, const cnn_block *x_block, const float *x,
                            const cnn_block *y_block, float *y, float *arg);

    /* dx = dy where the window's maximum stood, zeros elsewhere; overlapping windows add up, in
     * row-major order of the windows (eq. 12). */
    void (*maxpool_backward)(const cnn_pool_window *window, const cnn_block *y_block,
                             const float *dy, const float *arg, const cnn_block *x_block,
                             float *dx);
} cnn_kernels;

/* The table for an instruction set; NULL where this build or this processor lacks it. */
const cnn_kernels *cnn_kernels_for(cnn_isa isa);

/* The table that cnn_isa_choose (base/cpu.h) names. */
CNN_MUST_USE cnn_status cnn_kernels_choose(const cnn_kernels **kernels, cnn_error *error);

/* Floats in packed weights of `filters` × `taps`. */
size_t cnn_conv_packed_size(const cnn_kernels *kernels, int filters, int taps);

/* Packs weights for conv_forward. Weight (f, t) is read from
 * w[f * filter_stride + weight_offset[t]]; weight_offset: [taps]. Filters past the last are 0. */
void cnn_conv_pack(const cnn_kernels *kernels, const float *w, int filters, ptrdiff_t filter_stride,
                   int taps, const int32_t *weight_offset, float *packed);

#endif
