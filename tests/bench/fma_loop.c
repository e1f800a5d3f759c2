/* Compiled once for each instruction set, as kernels/table.c is, over the same vector operations
 * as the kernels. */
#include "fma_loop.h"

#include "kernels/simd.h"

/* Independent sums: two multiply-adds per cycle that take 4 or 5 cycles each need 10 of them in
 * flight. With two operands more, 12 fit in the 16 registers of AVX2. */
enum { CHAINS = 12 };

/* Every sum moves towards 1, away from denormal numbers. A compiler cannot shorten it: each
 * multiply-add rounds, and needs the one before. */
static float run(size_t turns) {
    const vec half = vec_broadcast(0.5f);
    vec sum[CHAINS];
    CNN_UNROLL
    for (int i = 0; i < CHAINS; i++) {
        sum[i] = vec_broadcast(1.0f / (float)(i + 2));
    }
    for (size_t turn = 0; turn < turns; turn++) {
        CNN_UNROLL
        for (int i = 0; i < CHAINS; i++) {
            sum[i] = vec_fma(sum[i], half, half);
        }
    }
    vec total = vec_zero();
    CNN_UNROLL
    for (int i = 0; i < CHAINS; i++) {
        total = vec_add(total, sum[i]);
    }
    return vec_sum(total);
}

#if defined(CNN_COMPILE_AVX512)
#define FMA_LOOP bench_fma_loop_avx512
#elif defined(CNN_COMPILE_AVX2)
#define FMA_LOOP bench_fma_loop_avx2
#else
#define FMA_LOOP bench_fma_loop_generic
#endif

const bench_fma_loop FMA_LOOP = {.flops_per_turn = 2.0 * (double)CHAINS * VEC_WIDTH, .run = run};
