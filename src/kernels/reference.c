#include "kernels/reference.h"

#include "base/elementary.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Where the channels that filter k sees begin in x, and its weights in w. */
static int first_value(const cnn_reference_conv *s, int n, int k) {
    int channel = k / (s->K / s->groups) * (s->C / s->groups);
    return (n * s->C + channel) * s->H * s->W;
}

static int first_weight(const cnn_reference_conv *s, int k) {
    return k * (s->C / s->groups) * s->R * s->R;
}

void cnn_reference_conv_forward(const cnn_reference_conv *s, const double *x, const double *w,
                                const double *b, double *y) {
    for (int n = 0; n < s->N; n++) {
        for (int k = 0; k < s->K; k++) {
            const int value = first_value(s, n, k), weight = first_weight(s, k);
            const int channels = s->C / s->groups;
            for (int oh = 0; oh < s->OH; oh++) {
                for (int ow = 0; ow < s->OW; ow++) {
                    double z = b ? b[k] : 0.0;
                    for (int c = 0; c < channels; c++) {
                        for (int r = 0; r < s->R; r++) {
                            for (int q = 0; q < s->R; q++) {
                                int h = oh * s->stride + r - s->top;
                                int v = ow * s->stride + q - s->left;
                                if (h >= 0 && h < s->H && v >= 0 && v < s->W) {
                                    z += x[value + (c * s->H + h) * s->W + v] *
                                         w[weight + (c * s->R + r) * s->R + q];
                                }
                            }
                        }
                    }
                    y[((n * s->K + k) * s->OH + oh) * s->OW + ow] = z;
                }
            }
        }
    }
}

void cnn_reference_conv_backward(const cnn_reference_conv *s, const double *x, const double *w,
                                 const double *dy, double *dx, double *dw, double *db) {
    if (dx) {
        memset(dx, 0, sizeof *dx * (size_t)s->N * (size_t)s->C * (size_t)s->H * (size_t)s->W);
    }
    for (int n = 0; n < s->N; n++) {
        for (int k = 0; k < s->K; k++) {
            const int value = first_value(s, n, k), of_filter = first_weight(s, k);
            const int channels = s->C / s->groups;
            for (int oh = 0; oh < s->OH; oh++) {
                for (int ow = 0; ow < s->OW; ow++) {
                    double dz = dy[((n * s->K + k) * s->OH + oh) * s->OW + ow];
                    if (db) {
                        db[k] += dz;
                    }
                    for (int c = 0; c < channels; c++) {
                        for (int r = 0; r < s->R; r++) {
                            for (int q = 0; q < s->R; q++) {
                                int h = oh * s->stride + r - s->top;
                                int v = ow * s->stride + q - s->left;
                                if (h >= 0 && h < s->H && v >= 0 && v < s->W) {
                                    int from = value + (c * s->H + h) * s->W + v;
                                    int weight = of_filter + (c * s->R + r) * s->R + q;
                                    dw[weight] += dz * x[from];
                                    if (dx) {
                                        dx[from] += dz * w[weight];
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

int cnn_reference_maxpool_place(const cnn_reference_pool *s, const double *plane, int oh, int ow) {
    int best = -1;
    for (int r = 0; r < s->size; r++) {
        for (int q = 0; q < s->size; q++) {
            int h = oh * s->stride + r - s->top;
            int v = ow * s->stride + q - s->left;
            bool inside = h >= 0 && h < s->H && v >= 0 && v < s->W;
            if (inside && (best < 0 || plane[h * s->W + v] > plane[best])) {
                best = h * s->W + v;
            }
        }
    }
    return best;
}

void cnn_reference_maxpool_forward(const cnn_reference_pool *s, const double *x, double *y) {
    for (int plane = 0; plane < s->N * s->C; plane++, x += s->H * s->W) {
        for (int oh = 0; oh < s->OH; oh++) {
            for (int ow = 0; ow < s->OW; ow++) {
                *y++ = x[cnn_reference_maxpool_place(s, x, oh, ow)];
            }
        }
    }
}

void cnn_reference_maxpool_backward(const cnn_reference_pool *s, const double *x, const double *dy,
                                    double *dx) {
    memset(dx, 0, sizeof *dx * (size_t)s->N * (size_t)s->C * (size_t)s->H * (size_t)s->W);
    for (int plane = 0; plane < s->N * s->C; plane++, x += s->H * s->W, dx += s->H * s->W) {
        for (int oh = 0; oh < s->OH; oh++) {
            for (int ow = 0; ow < s->OW; ow++) {
                dx[cnn_reference_maxpool_place(s, x, oh, ow)] += *dy++;
            }
        }
    }
}

/* Where the value of a padded row and column is; -1: outside. */
static int average_x(const cnn_reference_average *pool, int row, int column) {
    int h = row - pool->top, v = column - pool->left;
    return h >= 0 && h < pool->H && v >= 0 && v < pool->W ? h * pool->W + v : -1;
}

void cnn_reference_avgpool_forward(const cnn_reference_average *pool, const double *x, double *y) {
    for (int plane = 0; plane < pool->N * pool->C; plane++, x += pool->H * pool->W) {
        for (int oh = 0; oh < pool->OH; oh++) {
            for (int ow = 0; ow < pool->OW; ow++) {
                double sum = 0.0;
                for (int r = 0; r < pool->height; r++) {
                    for (int s = 0; s < pool->width; s++) {
                        int from = average_x(pool, oh * pool->stride + r, ow * pool->stride + s);
                        sum += from < 0 ? 0.0 : x[from];
                    }
                }
                *y++ = sum / (pool->height * pool->width);
            }
        }
    }
}

void cnn_reference_avgpool_backward(const cnn_reference_average *pool, const double *dy,
                                    double *dx) {
    for (int plane = 0; plane < pool->N * pool->C; plane++, dx += pool->H * pool->W) {
        memset(dx, 0, (size_t)pool->H * (size_t)pool->W * sizeof *dx);
        for (int oh = 0; oh < pool->OH; oh++) {
            for (int ow = 0; ow < pool->OW; ow++, dy++) {
                for (int r = 0; r < pool->height; r++) {
                    for (int s = 0; s < pool->width; s++) {
                        int to = average_x(pool, oh * pool->stride + r, ow * pool->stride + s);
                        if (to >= 0) {
                            dx[to] += *dy / (pool->height * pool->width);
                        }
                    }
                }
            }
        }
    }
}

/* Mean and 1 / sqrt(variance + eps) of channel c. */
static void channel_moments(const cnn_reference_batchnorm *s, const double *x, int c, double *mean,
                            double *inverse) {
    double sum = 0.0, squares = 0.0;
    double count = (double)s->N * s->plane;
    for (int n = 0; n < s->N; n++) {
        for (int i = 0; i < s->plane; i++) {
            sum += x[(n * s->C + c) * s->plane + i];
        }
    }
    *mean = sum / count;
    for (int n = 0; n < s->N; n++) {
        for (int i = 0; i < s->plane; i++) {
            double apart = x[(n * s->C + c) * s->plane + i] - *mean;
            squares += apart * apart;
        }
    }
    *inverse = 1.0 / sqrt(squares / count + s->eps);
}

void cnn_reference_batchnorm_forward(const cnn_reference_batchnorm *s, const double *x,
                                     const double *w, const double *b, double *y) {
    for (int c = 0; c < s->C; c++) {
        double mean, inverse;
        channel_moments(s, x, c, &mean, &inverse);
        for (int n = 0; n < s->N; n++) {
            for (int i = 0; i < s->plane; i++) {
                int at = (n * s->C + c) * s->plane + i;
                y[at] = (x[at] - mean) * inverse * w[c] + b[c];
            }
        }
    }
}

void cnn_reference_batchnorm_backward(const cnn_reference_batchnorm *s, const double *x,
                                      const double *w, const double *dy, double *dx, double *dw,
                                      double *db) {
    double count = (double)s->N * s->plane;
    for (int c = 0; c < s->C; c++) {
        double mean, inverse;
        double sum = 0.0, product = 0.0; /* of dy, and of dy times the normalized value */
        channel_moments(s, x, c, &mean, &inverse);
        for (int n = 0; n < s->N; n++) {
            for (int i = 0; i < s->plane; i++) {
                int at = (n * s->C + c) * s->plane + i;
                sum += dy[at];
                product += dy[at] * (x[at] - mean) * inverse;
            }
        }
        db[c] += sum;
        dw[c] += product;
        for (int n = 0; dx && n < s->N; n++) {
            for (int i = 0; i < s->plane; i++) {
                int at = (n * s->C + c) * s->plane + i;
                double normalized = (x[at] - mean) * inverse;
                dx[at] = w[c] * inverse * (dy[at] - sum / count - normalized * product / count);
            }
        }
    }
}

void cnn_reference_dense_forward(int N, int inputs, int outputs, const double *x, const double *w,
                                 const double *b, double *y) {
    for (int n = 0; n < N; n++) {
        for (int o = 0; o < outputs; o++) {
            double z = b[o];
            for (int i = 0; i < inputs; i++) {
                z += w[o * inputs + i] * x[n * inputs + i];
            }
            y[n * outputs + o] = z;
        }
    }
}

void cnn_reference_dense_backward(int N, int inputs, int outputs, const double *x, const double *w,
                                  const double *dy, double *dx, double *dw, double *db) {
    if (dx) {
        memset(dx, 0, sizeof *dx * (size_t)N * (size_t)inputs);
    }
    for (int n = 0; n < N; n++) {
        for (int o = 0; o < outputs; o++) {
            double dz = dy[n * outputs + o];
            db[o] += dz;
            for (int i = 0; i < inputs; i++) {
                dw[o * inputs + i] += dz * x[n * inputs + i];
                if (dx) {
                    dx[n * inputs + i] += dz * w[o * inputs + i];
                }
            }
        }
    }
}

void cnn_reference_relu_forward(size_t count, double max, const double *x, double *y) {
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] > max ? max : x[i] > 0.0 ? x[i] : 0.0;
    }
}

void cnn_reference_relu_backward(size_t count, double max, const double *x, const double *dy,
                                 double *dx) {
    for (size_t i = 0; i < count; i++) {
        dx[i] = x[i] > 0.0 && x[i] < max ? dy[i] : 0.0;
    }
}

void cnn_reference_leaky_relu_forward(size_t count, double slope, const double *x, double *y) {
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] > 0.0 ? x[i] : slope * x[i];
    }
}

void cnn_reference_leaky_relu_backward(size_t count, double slope, const double *x,
                                       const double *dy, double *dx) {
    for (size_t i = 0; i < count; i++) {
        dx[i] = x[i] > 0.0 ? dy[i] : slope * dy[i];
    }
}

void cnn_reference_sigmoid_forward(size_t count, const double *x, double *y) {
    for (size_t i = 0; i < count; i++) {
        y[i] = cnn_sigmoid(x[i]);
    }
}

void cnn_reference_sigmoid_backward(size_t count, const double *y, const double *dy, double *dx) {
    for (size_t i = 0; i < count; i++) {
        dx[i] = dy[i] * y[i] * (1.0 - y[i]);
    }
}

/* One side: y[o], from x[n] whose values are `stride` apart. */
static uint8_t resample_value(const uint8_t *x, int n, size_t stride, int on, int o) {
    double scale = (double)n / on;
    double width = scale > 1.0 ? scale : 1.0;
    double center = (o + 0.5) * scale;
    int from = center - width + 0.5 < 0.0 ? 0 : (int)(center - width + 0.5);
    int to = center + width + 0.5 > n ? n : (int)(center + width + 0.5);
    double total = 0.0;
    for (int i = from; i < to; i++) {
        total += fmax(0.0, 1.0 - fabs((i - center + 0.5) * (1.0 / width)));
    }
    double sum = 0.5; /* every term is a multiple of 2^-22, so that the sum is exact */
    for (int i = from; i < to; i++) {
        double weight = fmax(0.0, 1.0 - fabs((i - center + 0.5) * (1.0 / width))) / total;
        sum += floor(weight * 4194304.0 + 0.5) / 4194304.0 * x[(size_t)i * stride];
    }
    return sum >= 255.0 ? 255 : (uint8_t)sum;
}

void cnn_reference_resample_bytes(const cnn_reference_resample *size, const uint8_t *x,
                                  uint8_t *between, uint8_t *y) {
    size_t C = (size_t)size->C, H = (size_t)size->H, W = (size_t)size->W;
    size_t OH = (size_t)size->OH, OW = (size_t)size->OW;
    for (size_t h = 0; h < H; h++) {
        for (size_t ow = 0; ow < OW; ow++) {
            for (size_t c = 0; c < C; c++) {
                between[(h * OW + ow) * C + c] =
                    resample_value(x + h * W * C + c, size->W, C, size->OW, (int)ow);
            }
        }
    }
    for (size_t oh = 0; oh < OH; oh++) {
        for (size_t i = 0; i < OW * C; i++) {
            y[oh * OW * C + i] = resample_value(between + i, size->H, OW * C, size->OH, (int)oh);
        }
    }
}
