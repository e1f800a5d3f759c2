/* 16 floats in one AVX-512 register: see simd.h. */
#ifndef CNN_KERNELS_SIMD_AVX512_H
#define CNN_KERNELS_SIMD_AVX512_H

#include <immintrin.h>

#define VEC_WIDTH 16
#define TILE_FILTERS 4
#define TILE_PARTS 1
#define SINGLE_VECTORS 2
#define SINGLE_PIXELS 14

typedef __m512 vec;
typedef __mmask16 vec_mask;

static inline vec vec_load(const float *p) {
    return _mm512_load_ps(p);
}
static inline vec vec_load_once(const float *p) {
    vec x = _mm512_load_ps(p);
    __asm__("" : "+v"(x));
    return x;
}
static inline void vec_store(float *p, vec x) {
    _mm512_store_ps(p, x);
}
static inline vec vec_loadu(const float *p) {
    return _mm512_loadu_ps(p);
}
static inline void vec_storeu(float *p, vec x) {
    _mm512_storeu_ps(p, x);
}
static inline vec vec_zero(void) {
    return _mm512_setzero_ps();
}
static inline vec vec_broadcast(float x) {
    return _mm512_set1_ps(x);
}
static inline vec vec_broadcast_once(const float *p) {
    vec x = _mm512_set1_ps(*p);
    __asm__("" : "+v"(x));
    return x;
}
static inline vec vec_add(vec a, vec b) {
    return _mm512_add_ps(a, b);
}
static inline vec vec_sub(vec a, vec b) {
    return _mm512_sub_ps(a, b);
}
static inline vec vec_mul(vec a, vec b) {
    return _mm512_mul_ps(a, b);
}
static inline vec vec_fma(vec a, vec b, vec c) {
    return _mm512_fmadd_ps(a, b, c);
}
static inline vec vec_relu(vec x) {
    return _mm512_max_ps(_mm512_setzero_ps(), x); /* the second operand where either is NaN */
}
static inline vec vec_at_most(vec x, vec top) {
    return _mm512_min_ps(top, x); /* the second operand where either is NaN */
}
static inline vec_mask vec_greater(vec a, vec b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
static inline vec_mask vec_greater_or_nan(vec a, vec b) {
    return (vec_mask)(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) |
                      _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q));
}
static inline vec_mask vec_equal(vec a, vec b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
static inline vec vec_select(vec_mask m, vec a, vec b) {
    return _mm512_mask_blend_ps(m, b, a);
}
static inline float vec_sum(vec x) {
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
/* Pairs of rows are interleaved by single floats, then by pairs, quads and eights. */
static inline void vec_transpose(vec row[VEC_WIDTH]) {
    vec t[VEC_WIDTH];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(row[i], row[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        row[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        row[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        row[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        row[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 16; i += 8) {
        for (int j = 0; j < 4; j++) {
            t[i + j] = _mm512_shuffle_f32x4(row[i + j], row[i + j + 4], 0x88);
            t[i + j + 4] = _mm512_shuffle_f32x4(row[i + j], row[i + j + 4], 0xdd);
        }
    }
    for (int j = 0; j < 8; j++) {
        row[j] = _mm512_shuffle_f32x4(t[j], t[j + 8], 0x88);
        row[j + 8] = _mm512_shuffle_f32x4(t[j], t[j + 8], 0xdd);
    }
}

/* --- integers --- */

typedef __m512i ints;
typedef __m128i bytes16;

static inline ints ints_broadcast(int32_t x) {
    return _mm512_set1_epi32(x);
}
static inline ints ints_add(ints a, ints b) {
    return _mm512_add_epi32(a, b);
}
static inline ints ints_mul(ints a, ints b) {
    return _mm512_mullo_epi32(a, b);
}
static inline ints ints_from_bytes(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline void ints_to_bytes(uint8_t *p, ints x, int shift) {
    __m512i shifted =
        _mm512_max_epi32(_mm512_sra_epi32(x, _mm_cvtsi32_si128(shift)), _mm512_setzero_si512());
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtusepi32_epi8(shifted));
}
static inline bytes16 bytes16_load(const uint8_t *p) {
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static inline void bytes16_store(uint8_t *p, bytes16 x) {
    _mm_storeu_si128((__m128i *)(void *)p, x);
}
static inline void bytes16_zip(bytes16 a, bytes16 b, bytes16 *low, bytes16 *high) {
    *low = _mm_unpacklo_epi8(a, b);
    *high = _mm_unpackhi_epi8(a, b);
}

#endif
