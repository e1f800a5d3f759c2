/* A loop of nothing but independent fused multiply-adds: as fast as a core can do them. One for
 * each instruction set. */
#ifndef CNN_BENCH_FMA_LOOP_H
#define CNN_BENCH_FMA_LOOP_H

#include <stddef.h>

typedef struct bench_fma_loop {
    double flops_per_turn;      /* multiplications and additions */
    float (*run)(size_t turns); /* the result has no meaning, but must be used */
} bench_fma_loop;

extern const bench_fma_loop bench_fma_loop_generic;
extern const bench_fma_loop bench_fma_loop_avx2;
extern const bench_fma_loop bench_fma_loop_avx512;

#endif
