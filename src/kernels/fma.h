/* scalar_fma(a, b, c): a * b + c with one rounding, as fmaf. If the target has no instruction for
 * it, the C library computes fmaf slowly; this computes the same in a few operations on double. */
#ifndef CNN_KERNELS_FMA_H
#define CNN_KERNELS_FMA_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Float arithmetic in another format (x87) would make the error term below wrong. */
#if !defined(__FMA__) && !defined(__ARM_FEATURE_FMA) && !defined(FP_FAST_FMAF) &&                  \
    FLT_EVAL_METHOD == 0
#define FMA_EMULATED 1
#endif

#ifdef FMA_EMULATED
/* The product of two floats is exact in double. The sum is not, and rounding it twice, to double
 * and then to float, may go wrong where the first rounding ends halfway between two floats. So the
 * sum is rounded to odd: if it is not exact, to the one of its two neighbouring doubles whose last
 * bit is set, which is never halfway. S. Boldo, G. Melquiond, "Emulation of a FMA and correctly
 * rounded sums: proved algorithms using rounding to odd", IEEE Transactions on Computers 57 (2008).
 */
static inline float scalar_fma(float a, float b, float c) {
    double product = (double)a * (double)b;
    double sum = product + (double)c;
    /* sum + error is the exact sum (Knuth's TwoSum); error is NaN if sum is NaN or infinite */
    double part = sum - product;
    double error = (product - (sum - part)) + ((double)c - part);
    if (error > 0.0 || error < 0.0) {
        uint64_t bits;
        memcpy(&bits, &sum, sizeof bits);
        if ((bits & 1u) == 0) { /* one double on, toward the error's side */
            bits = (error > 0.0) == (sum > 0.0) ? bits + 1u : bits - 1u;
        }
        memcpy(&sum, &bits, sizeof sum);
    }
    return (float)sum;
}
#else
static inline float scalar_fma(float a, float b, float c) {
    return fmaf(a, b, c);
}
#endif

#endif
