/* The vector operations in which kernels are written, chosen at compile time: this header includes
 * one of simd_avx512.h, simd_avx2.h, simd_neon.h and simd_generic.h. Each defines
 *
 *   vec, vec_mask             VEC_WIDTH floats; one truth value for each
 *   TILE_FILTERS              filters of a register tile: TILE_FILTERS × 6 sums fit the registers
 *   TILE_PARTS                neighbouring vectors of one pixel in a register tile
 *   SINGLE_VECTORS            vectors of filters in a register tile of single.inc, and
 *   SINGLE_PIXELS             its pixels: the sums, the vectors and one value fit the registers
 *   vec_load, vec_store       at addresses aligned to the size of the vector
 *   vec_load_once             the same as vec_load, for a value that several operations use: the
 *                             compiler must not load it again for each of them
 *   vec_loadu, vec_storeu     at any address
 *   vec_zero, vec_broadcast   0, or one float, in every lane
 *   vec_broadcast_once(p)     the float at p in every lane, for several operations
 *   vec_add, vec_sub, vec_mul a + b, a - b, a * b
 *   vec_fma(a, b, c)          a * b + c with one rounding
 *   vec_relu(x)               0 > x ? 0 : x, so that NaN and -0 do not change vec_at_most(x, top)
 *   x > top ? top : x, so that NaN stays what it is vec_greater(a, b)         a > b; false if
 *   either is NaN vec_greater_or_nan(a, b)  a > b, or a is NaN vec_equal(a, b)           a == b;
 *   false if either is NaN vec_select(m, a, b)       m ? a : b vec_transpose(rows)       VEC_WIDTH
 *   vectors, as a square, in place vec_sum(x)                the lane tree of one vector: lanes
 *   width/2 apart, …, 2 apart, 1 apart scalar_fma(a, b, c)       vec_fma for one float; fma.h has
 *   it
 *
 *   ints                      VEC_WIDTH integers of 32 bits; lanes are those of vec
 *   ints_broadcast            one integer in every lane
 *   ints_add, ints_mul        a + b, a * b; must not overflow
 *   ints_from_bytes           of VEC_WIDTH unsigned bytes at any address
 *   ints_to_bytes(p, x, n)    stores x >> n, clipped to 0 … 255, as VEC_WIDTH bytes at any address
 *
 *   bytes16                   16 bytes, on every instruction set
 *   bytes16_load, _store      at any address
 *   bytes16_zip(a, b, &l, &h) l = a0 b0 … a7 b7, h = a8 b8 … a15 b15
 *
 * and nothing else, so that all of them compute the same bytes. */
#ifndef CNN_KERNELS_SIMD_H
#define CNN_KERNELS_SIMD_H

#include "kernels/fma.h"

#if defined(CNN_COMPILE_AVX512)
#include "kernels/simd_avx512.h"
#elif defined(CNN_COMPILE_AVX2)
#include "kernels/simd_avx2.h"
#elif defined(__aarch64__)
#include "kernels/simd_neon.h"
#else
#include "kernels/simd_generic.h"
#endif

/* Loops over tiles must be unrolled completely, or the accumulators would be in memory; not under
 * sanitizers, whose checks of each access would make the code so large that compiling takes
 * minutes. */
#if defined(CNN_SANITIZED)
#define CNN_UNROLL
#elif defined(__clang__)
#define CNN_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define CNN_UNROLL _Pragma("GCC unroll 32")
#else
#define CNN_UNROLL
#endif

#define CNN_INLINE static inline __attribute__((always_inline))

/* The ReLU that a kernel applies while it stores: see relu_max in kernels.h. */
CNN_INLINE vec vec_rectify(vec x, float relu_max) {
    return relu_max > 0.0f ? vec_at_most(vec_relu(x), vec_broadcast(relu_max)) : x;
}

#endif
