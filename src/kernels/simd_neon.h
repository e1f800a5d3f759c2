/* 4 floats in one NEON register: see simd.h. Every 64-bit ARM processor has 32 of them. */
#ifndef CNN_KERNELS_SIMD_NEON_H
#define CNN_KERNELS_SIMD_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define VEC_WIDTH 4
#define TILE_FILTERS 4
#define TILE_PARTS 1
#define SINGLE_VECTORS 4
#define SINGLE_PIXELS 6

typedef float32x4_t vec;
typedef uint32x4_t vec_mask;

static inline vec vec_load(const float *p) {
    return vld1q_f32(p);
}
static inline vec vec_load_once(const float *p) {
    return vec_load(p);
}
static inline void vec_store(float *p, vec x) {
    vst1q_f32(p, x);
}
static inline vec vec_loadu(const float *p) {
    return vld1q_f32(p);
}
static inline void vec_storeu(float *p, vec x) {
    vst1q_f32(p, x);
}
static inline vec vec_zero(void) {
    return vdupq_n_f32(0.0f);
}
static inline vec vec_broadcast(float x) {
    return vdupq_n_f32(x);
}
static inline vec vec_broadcast_once(const float *p) {
    return vld1q_dup_f32(p);
}
static inline vec vec_add(vec a, vec b) {
    return vaddq_f32(a, b);
}
static inline vec vec_sub(vec a, vec b) {
    return vsubq_f32(a, b);
}
static inline vec vec_mul(vec a, vec b) {
    return vmulq_f32(a, b);
}
static inline vec vec_fma(vec a, vec b, vec c) {
    return vfmaq_f32(c, a, b);
}
static inline vec vec_relu(vec x) {
    return vbslq_f32(vcltzq_f32(x), vdupq_n_f32(0.0f), x); /* vmaxq_f32 would make 0 of -0 */
}
static inline vec vec_at_most(vec x, vec top) {
    return vbslq_f32(vcgtq_f32(x, top), top, x);
}
static inline vec_mask vec_greater(vec a, vec b) {
    return vcgtq_f32(a, b);
}
static inline vec_mask vec_greater_or_nan(vec a, vec b) {
    return vornq_u32(vcgtq_f32(a, b), vceqq_f32(a, a));
}
static inline vec_mask vec_equal(vec a, vec b) {
    return vceqq_f32(a, b);
}
static inline vec vec_select(vec_mask m, vec a, vec b) {
    return vbslq_f32(m, a, b);
}
static inline float vec_sum(vec x) {
    float32x2_t two = vadd_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
/* Rows are interleaved in pairs, by single floats, then by pairs. */
static inline void vec_transpose(vec row[VEC_WIDTH]) {
    float32x4x2_t upper = vtrnq_f32(row[0], row[1]);
    float32x4x2_t lower = vtrnq_f32(row[2], row[3]);
    row[0] = vcombine_f32(vget_low_f32(upper.val[0]), vget_low_f32(lower.val[0]));
    row[1] = vcombine_f32(vget_low_f32(upper.val[1]), vget_low_f32(lower.val[1]));
    row[2] = vcombine_f32(vget_high_f32(upper.val[0]), vget_high_f32(lower.val[0]));
    row[3] = vcombine_f32(vget_high_f32(upper.val[1]), vget_high_f32(lower.val[1]));
}

/* --- integers --- */

typedef int32x4_t ints;
typedef uint8x16_t bytes16;

static inline ints ints_broadcast(int32_t x) {
    return vdupq_n_s32(x);
}
static inline ints ints_add(ints a, ints b) {
    return vaddq_s32(a, b);
}
static inline ints ints_mul(ints a, ints b) {
    return vmulq_s32(a, b);
}
static inline ints ints_from_bytes(const uint8_t *p) {
    uint32_t four;
    memcpy(&four, p, sizeof four);
    uint16x8_t words = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(words)));
}
static inline void ints_to_bytes(uint8_t *p, ints x, int shift) {
    uint16x4_t words = vqmovun_s32(vshlq_s32(x, vdupq_n_s32(-shift)));
    uint8x8_t bytes = vqmovn_u16(vcombine_u16(words, words));
    uint32_t four = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
    memcpy(p, &four, sizeof four);
}
static inline bytes16 bytes16_load(const uint8_t *p) {
    return vld1q_u8(p);
}
static inline void bytes16_store(uint8_t *p, bytes16 x) {
    vst1q_u8(p, x);
}
static inline void bytes16_zip(bytes16 a, bytes16 b, bytes16 *low, bytes16 *high) {
    *low = vzip1q_u8(a, b);
    *high = vzip2q_u8(a, b);
}

#endif
