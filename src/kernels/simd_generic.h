/* 4 floats in plain C, for every processor: see simd.h. */
#ifndef CNN_KERNELS_SIMD_GENERIC_H
#define CNN_KERNELS_SIMD_GENERIC_H

#include "kernels/fma.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define VEC_WIDTH 4
#define TILE_FILTERS 2
#define TILE_PARTS 1
#define SINGLE_VECTORS 4
#define SINGLE_PIXELS 2

typedef struct vec {
    float lane[VEC_WIDTH];
} vec;
typedef struct vec_mask {
    uint32_t lane[VEC_WIDTH];
} vec_mask;

/* Computes the result lane by lane: `expression` may use i, the lane. */
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
static inline vec vec_broadcast_once(const float *p) {
    return vec_broadcast(*p);
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
#ifdef FMA_EMULATED
static __attribute__((noinline, cold)) vec vec_fma_rounded_once(vec a, vec b, vec c) {
    VEC_EACH(vec, scalar_fma(a.lane[i], b.lane[i], c.lane[i]));
}

/* The sum of product and c is rounded twice, to double and to float (see fma.h). That can be wrong
 * only for sums halfway between two floats: a double whose bits end with 1 and 28 zeros, or any
 * double if the result is subnormal. A result of zero is never wrong: if a sum is not exact in
 * double, c is by far the greater term, so the sum is not smaller than the smallest float.
 *
 * Written with the vector types of the compilers, because GCC would not vectorise loops over lanes.
 */
static inline __attribute__((always_inline)) vec vec_fma(vec a, vec b, vec c) {
    typedef float floats __attribute__((vector_size(sizeof(float) * VEC_WIDTH)));
    typedef uint32_t float_bits __attribute__((vector_size(sizeof(float) * VEC_WIDTH)));
    typedef double doubles __attribute__((vector_size(sizeof(double) * VEC_WIDTH)));
    typedef uint64_t double_bits __attribute__((vector_size(sizeof(double) * VEC_WIDTH)));
    floats fa, fb, fc;
    memcpy(&fa, &a, sizeof fa);
    memcpy(&fb, &b, sizeof fb);
    memcpy(&fc, &c, sizeof fc);
    doubles sum = __builtin_convertvector(fa, doubles) * __builtin_convertvector(fb, doubles) +
                  __builtin_convertvector(fc, doubles);
    floats result = __builtin_convertvector(sum, floats);

    float_bits low = __builtin_convertvector((double_bits)sum, float_bits);
    float_bits bits = (float_bits)result;
    float_bits halfway = (float_bits)(low << 3 == 0x80000000u);
    /* neither zero, which wraps around, nor greater than FLT_MIN */
    float_bits subnormal = (float_bits)((bits + bits - 1u) >> 24 == 0);
    float_bits doubt = halfway | subnormal;
    uint64_t any[2];
    memcpy(any, &doubt, sizeof any);
    if (__builtin_expect((any[0] | any[1]) != 0, 0)) {
        return vec_fma_rounded_once(a, b, c);
    }
    memcpy(&a, &result, sizeof a);
    return a;
}
#else
static inline vec vec_fma(vec a, vec b, vec c) {
    VEC_EACH(vec, scalar_fma(a.lane[i], b.lane[i], c.lane[i]));
}
#endif
static inline vec vec_relu(vec x) {
    VEC_EACH(vec, 0.0f > x.lane[i] ? 0.0f : x.lane[i]);
}
static inline vec vec_at_most(vec x, vec top) {
    VEC_EACH(vec, x.lane[i] > top.lane[i] ? top.lane[i] : x.lane[i]);
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

/* --- integers --- */

typedef struct ints {
    int32_t lane[VEC_WIDTH];
} ints;
typedef struct bytes16 {
    uint8_t byte[16];
} bytes16;

static inline ints ints_broadcast(int32_t x) {
    VEC_EACH(ints, x);
}
static inline ints ints_add(ints a, ints b) {
    VEC_EACH(ints, a.lane[i] + b.lane[i]);
}
static inline ints ints_mul(ints a, ints b) {
    VEC_EACH(ints, a.lane[i] * b.lane[i]);
}
static inline ints ints_from_bytes(const uint8_t *p) {
    VEC_EACH(ints, p[i]);
}
static inline void ints_to_bytes(uint8_t *p, ints x, int shift) {
    for (int i = 0; i < VEC_WIDTH; i++) {
        int32_t value = x.lane[i] >> shift;
        p[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}
static inline bytes16 bytes16_load(const uint8_t *p) {
    bytes16 x;
    memcpy(&x, p, sizeof x);
    return x;
}
static inline void bytes16_store(uint8_t *p, bytes16 x) {
    memcpy(p, &x, sizeof x);
}
static inline void bytes16_zip(bytes16 a, bytes16 b, bytes16 *low, bytes16 *high) {
    for (int i = 0; i < 8; i++) {
        low->byte[2 * i] = a.byte[i];
        low->byte[2 * i + 1] = b.byte[i];
        high->byte[2 * i] = a.byte[8 + i];
        high->byte[2 * i + 1] = b.byte[8 + i];
    }
}

#undef VEC_EACH

#endif
