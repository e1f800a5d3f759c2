#include "measure.h"

#include "fma_loop.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <time.h>

enum { TRIES = 10 };

double bench_now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

static const bench_fma_loop *loop_for(cnn_isa isa) {
    switch (isa) {
#ifdef CNN_BENCH_X86
    case CNN_ISA_AVX2:
        return &bench_fma_loop_avx2;
    case CNN_ISA_AVX512:
        return &bench_fma_loop_avx512;
#else
    case CNN_ISA_AVX2:
    case CNN_ISA_AVX512:
#endif
    case CNN_ISA_GENERIC:
        break;
    }
    return &bench_fma_loop_generic;
}

typedef struct peak_try {
    const bench_fma_loop *loop;
    size_t turns;
} peak_try;

static void body(void *context, size_t index, int thread) {
    (void)index, (void)thread;
    const peak_try *try = context;
    volatile float used = try->loop->run(try->turns);
    (void)used;
}

/* Seconds that all threads together need for their iterations. */
static double time_turns(peak_try *try, int threads) {
    double begin = bench_now();
    cnn_parallel_for((size_t)threads, threads, body, try);
    return bench_now() - begin;
}

/* The shortest of several tries: load makes a try longer, never shorter. */
static double best_time(peak_try *try, int threads, int tries) {
    double best = time_turns(try, threads);
    for (int i = 1; i < tries; i++) {
        double seconds = time_turns(try, threads);
        best = seconds < best ? seconds : best;
    }
    return best;
}

double bench_peak(cnn_isa isa, int threads, double seconds) {
    peak_try try = {.loop = loop_for(isa), .turns = 1000};
    double wanted = seconds / (double)TRIES, took;
    while ((took = best_time(&try, 1, 3)) < 0.5 * wanted) {
        try.turns *= 2;
    }
    try.turns = (size_t)((double)try.turns * wanted / took) + 1;
    took = best_time(&try, threads, TRIES);
    return try.loop->flops_per_turn * (double)try.turns * threads / took;
}
