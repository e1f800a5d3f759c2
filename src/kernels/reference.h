/* The same operations as kernels.h, in double, one loop per index, to be read together with the
 * equations and to check the tuned kernels against. Arrays are dense and row-major: x[N][C][H][W],
 * w[K][C][R][R], y[N][K][OH][OW]. backward functions add to parameter gradients (dw, db) and
 * overwrite input gradients (dx, which may be NULL). */
#ifndef CNN_KERNELS_REFERENCE_H
#define CNN_KERNELS_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* A convolution of N images: C × H × W inputs, K filters of R × R, zeros around the image: `top`
 * rows above it, `left` columns to its left, and as many below and to the right as an output of OH
 * × OW needs. Channels and filters are in `groups` groups; a filter sees the channels of its own
 * group only: w[K][C / groups][R][R]. */
typedef struct cnn_reference_conv {
    int N, C, H, W, K, R, stride, top, left, OH, OW, groups;
} cnn_reference_conv;

/* y = x * w + b (cross-correlation; eq. 2). Where there is no bias, b and db are NULL. */
void cnn_reference_conv_forward(const cnn_reference_conv *size, const double *x, const double *w,
                                const double *b, double *y);
/* eq. 14, 15, 16. */
void cnn_reference_conv_backward(const cnn_reference_conv *size, const double *x, const double *w,
                                 const double *dy, double *dx, double *dw, double *db);

/* Max-pooling of N images: windows of `size` × `size`, `stride` apart, the first one `top` rows
 * above the image and `left` columns to its left. What is outside does not count. */
typedef struct cnn_reference_pool {
    int N, C, H, W, size, stride, top, left, OH, OW;
} cnn_reference_pool;

/* The position of the maximum of window (oh, ow) in its plane x[H][W]: h * W + w; ties: the first.
 */
int cnn_reference_maxpool_place(const cnn_reference_pool *pool, const double *plane, int oh,
                                int ow);
/* eq. 4. */
void cnn_reference_maxpool_forward(const cnn_reference_pool *pool, const double *x, double *y);
/* eq. 12. */
void cnn_reference_maxpool_backward(const cnn_reference_pool *pool, const double *x,
                                    const double *dy, double *dx);

/* Average pooling of N images: windows of height × width, `stride` apart, the first one as above.
 * What is outside the image counts as zeros. */
typedef struct cnn_reference_average {
    int N, C, H, W, height, width, stride, top, left, OH, OW;
} cnn_reference_average;

/* y = the mean of each window. */
void cnn_reference_avgpool_forward(const cnn_reference_average *pool, const double *x, double *y);
/* Each value of a window gets an equal share of the gradient of the window. */
void cnn_reference_avgpool_backward(const cnn_reference_average *pool, const double *dy,
                                    double *dx);

/* Batch normalization of N images of C channels of `plane` values, over images and plane:
 * y = (x - mean) / sqrt(variance + eps) · w[c] + b[c], the variance biased. */
typedef struct cnn_reference_batchnorm {
    int N, C, plane;
    double eps;
} cnn_reference_batchnorm;

void cnn_reference_batchnorm_forward(const cnn_reference_batchnorm *size, const double *x,
                                     const double *w, const double *b, double *y);
void cnn_reference_batchnorm_backward(const cnn_reference_batchnorm *size, const double *x,
                                      const double *w, const double *dy, double *dx, double *dw,
                                      double *db);

/* y[n] = w x[n] + b for n < N; w: [outputs][inputs] (eq. 6). */
void cnn_reference_dense_forward(int N, int inputs, int outputs, const double *x, const double *w,
                                 const double *b, double *y);
/* eq. 9, 10, 11. */
void cnn_reference_dense_backward(int N, int inputs, int outputs, const double *x, const double *w,
                                  const double *dy, double *dx, double *dw, double *db);

/* eq. 3 and 13, for `count` values: y = min(max(0, x), max); INFINITY: no ceiling. */
void cnn_reference_relu_forward(size_t count, double max, const double *x, double *y);
void cnn_reference_relu_backward(size_t count, double max, const double *x, const double *dy,
                                 double *dx);

/* y = x if x > 0, else slope x; dx = dy times the derivative. */
void cnn_reference_leaky_relu_forward(size_t count, double slope, const double *x, double *y);
void cnn_reference_leaky_relu_backward(size_t count, double slope, const double *x,
                                       const double *dy, double *dx);

/* eq. 6 and 8, for `count` values: y = sigma(x), dx = dy * y (1 - y). */
void cnn_reference_sigmoid_forward(size_t count, const double *x, double *y);
void cnn_reference_sigmoid_backward(size_t count, const double *y, const double *dy, double *dx);

/* Resamples the values x[H][W][C] of one byte to y[OH][OW][C], for all C alike: bilinear and
 * antialiased as resample.h states it, first rows, then columns. Memory: `between`, [H][OW][C]. */
typedef struct cnn_reference_resample {
    int C, H, W, OH, OW;
} cnn_reference_resample;

void cnn_reference_resample_bytes(const cnn_reference_resample *size, const uint8_t *x,
                                  uint8_t *between, uint8_t *y);

#endif
