/* 4 floats in plain C, for every machine: see simd.h. fmaf is an instruction on most of them; where
 * it is not, the C library computes the same value slowly. */
#ifndef CNN_KERNELS_SIMD_GENERIC_H
#define CNN_KERNELS_SIMD_GENERIC_H

#include <math.h>
#include <stdint.h>

#define VEC_WIDTH 4
#define TILE_FILTERS 2
#define TILE_PARTS 1

typedef struct vec {
    float lane[VEC_WIDTH];
} vec;
typedef struct vec_mask {
    uint32_t lane[VEC_WIDTH];
} vec_mask;

/* One result lane after the other: `expression` may use i, the lane. */
#define VEC_EACH(type, expression)                                                                 \
    type result;                                                                                   \
    for (int i = 0; i < VEC_WIDTH; i++) {                                                          \
        result.lane[i] = (expression);                                                             \
    }                                                                                              \
    return result

static inline vec vec_load(const float *p) {
    VEC_EACH(vec, p[i]);
}
static inline vec vec_load_once(const float *p) {
    return vec_load(p);
}
static inline void vec_store(float *p, vec x) {
    for (int i = 0; i < VEC_WIDTH; i++) {
        p[i] = x.lane[i];
    }
}
static inline vec vec_loadu(const float *p) {
    return vec_load(p);
}
static inline void vec_storeu(float *p, vec x) {
    vec_store(p, x);
}
static inline vec vec_broadcast(float x) {
    VEC_EACH(vec, x);
}
static inline vec vec_zero(void) {
    return vec_broadcast(0.0f);
}
static inline vec vec_add(vec a, vec b) {
    VEC_EACH(vec, a.lane[i] + b.lane[i]);
}
static inline vec vec_sub(vec a, vec b) {
    VEC_EACH(vec, a.lane[i] - b.lane[i]);
}
static inline vec vec_mul(vec a, vec b) {
    VEC_EACH(vec, a.lane[i] * b.lane[i]);
}
static inline vec vec_fma(vec a, vec b, vec c) {
    VEC_EACH(vec, fmaf(a.lane[i], b.lane[i], c.lane[i]));
}
static inline vec vec_relu(vec x) {
    VEC_EACH(vec, 0.0f > x.lane[i] ? 0.0f : x.lane[i]);
}
static inline vec_mask vec_greater(vec a, vec b) {
    VEC_EACH(vec_mask, a.lane[i] > b.lane[i]);
}
static inline vec_mask vec_greater_or_nan(vec a, vec b) {
    VEC_EACH(vec_mask, a.lane[i] > b.lane[i] || isnan(a.lane[i]));
}
static inline vec_mask vec_equal(vec a, vec b) {
    VEC_EACH(vec_mask, !(a.lane[i] < b.lane[i]) && !(a.lane[i] > b.lane[i]) && !isnan(a.lane[i]) &&
                           !isnan(b.lane[i]));
}
static inline vec vec_select(vec_mask m, vec a, vec b) {
    VEC_EACH(vec, m.lane[i] ? a.lane[i] : b.lane[i]);
}
static inline float vec_sum(vec x) {
    return (x.lane[0] + x.lane[2]) + (x.lane[1] + x.lane[3]);
}
static inline void vec_transpose(vec row[VEC_WIDTH]) {
    for (int i = 0; i < VEC_WIDTH; i++) {
        for (int j = i + 1; j < VEC_WIDTH; j++) {
            float swapped = row[i].lane[j];
            row[i].lane[j] = row[j].lane[i];
            row[j].lane[i] = swapped;
        }
    }
}

#undef VEC_EACH

#endif
