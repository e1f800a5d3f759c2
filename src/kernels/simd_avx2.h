/* 8 floats in one AVX2 register, with FMA: see simd.h. */
#ifndef CNN_KERNELS_SIMD_AVX2_H
#define CNN_KERNELS_SIMD_AVX2_H

#include <immintrin.h>

#define VEC_WIDTH 8
#define TILE_FILTERS 2
#define TILE_PARTS 2
#define SINGLE_VECTORS 2
#define SINGLE_PIXELS 6

typedef __m256 vec;
typedef __m256 vec_mask;

static inline vec vec_load(const float *p) {
    return _mm256_load_ps(p);
}
static inline vec vec_load_once(const float *p) {
    vec x = _mm256_load_ps(p);
    __asm__("" : "+x"(x));
    return x;
}
static inline void vec_store(float *p, vec x) {
    _mm256_store_ps(p, x);
}
static inline vec vec_loadu(const float *p) {
    return _mm256_loadu_ps(p);
}
static inline void vec_storeu(float *p, vec x) {
    _mm256_storeu_ps(p, x);
}
static inline vec vec_zero(void) {
    return _mm256_setzero_ps();
}
static inline vec vec_broadcast(float x) {
    return _mm256_set1_ps(x);
}
static inline vec vec_broadcast_once(const float *p) {
    vec x = _mm256_set1_ps(*p);
    __asm__("" : "+x"(x));
    return x;
}
static inline vec vec_add(vec a, vec b) {
    return _mm256_add_ps(a, b);
}
static inline vec vec_sub(vec a, vec b) {
    return _mm256_sub_ps(a, b);
}
static inline vec vec_mul(vec a, vec b) {
    return _mm256_mul_ps(a, b);
}
static inline vec vec_fma(vec a, vec b, vec c) {
    return _mm256_fmadd_ps(a, b, c);
}
static inline vec vec_relu(vec x) {
    return _mm256_max_ps(_mm256_setzero_ps(), x); /* the second operand where either is NaN */
}
static inline vec vec_at_most(vec x, vec top) {
    return _mm256_min_ps(top, x); /* the second operand where either is NaN */
}
static inline vec_mask vec_greater(vec a, vec b) {
    return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}
static inline vec_mask vec_greater_or_nan(vec a, vec b) {
    return _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ), _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
static inline vec_mask vec_equal(vec a, vec b) {
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}
static inline vec vec_select(vec_mask m, vec a, vec b) {
    return _mm256_blendv_ps(b, a, m);
}
static inline float vec_sum(vec x) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
/* Pairs of rows are interleaved by single floats, then by pairs and quads. */
static inline void vec_transpose(vec row[VEC_WIDTH]) {
    vec t[VEC_WIDTH];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        row[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        row[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        row[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        row[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int j = 0; j < 4; j++) {
        t[j] = _mm256_permute2f128_ps(row[j], row[j + 4], 0x20);
        t[j + 4] = _mm256_permute2f128_ps(row[j], row[j + 4], 0x31);
    }
    for (int j = 0; j < 8; j++) {
        row[j] = t[j];
    }
}

/* --- integers --- */

typedef __m256i ints;
typedef __m128i bytes16;

static inline ints ints_broadcast(int32_t x) {
    return _mm256_set1_epi32(x);
}
static inline ints ints_add(ints a, ints b) {
    return _mm256_add_epi32(a, b);
}
static inline ints ints_mul(ints a, ints b) {
    return _mm256_mullo_epi32(a, b);
}
static inline ints ints_from_bytes(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
static inline void ints_to_bytes(uint8_t *p, ints x, int shift) {
    __m256i shifted = _mm256_srai_epi32(x, shift);
    __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128(shifted), _mm256_extracti128_si256(shifted, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(words, words));
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
