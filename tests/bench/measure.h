/* What the benchmark measures. Times are in seconds, of the monotonic clock. */
#ifndef CNN_BENCH_MEASURE_H
#define CNN_BENCH_MEASURE_H

#include "workload.h"

/* The clock, in seconds from some moment on. */
double bench_now(void);

/* The median of values[count], which it sorts; count > 0. */
double bench_median(double *values, size_t count);

/* --- the processor (measure_peak.c) --- */

/* Multiplications and additions per second that `threads` threads together can do as fused
 * multiply-adds of an instruction set: the best of several tries that take `seconds` in all. */
double bench_peak(cnn_isa isa, int threads, double seconds);

/* --- whole steps (measure_steps.c) --- */

typedef struct bench_step_time {
    double median, best, worst; /* seconds per step, over rounds of several steps each */
    int rounds;
} bench_step_time;

/* Trains all workloads in turn, round after round, so that other load affects all of them alike;
 * some `seconds` for each. times: [count]. CNN_ERROR_DIVERGED if a loss is not finite. */
CNN_MUST_USE cnn_status bench_steps(bench_workload *const *workloads, int count, double seconds,
                                    bench_step_time *times, cnn_error *error);

/* --- layer by layer (measure_layers.c) --- */

typedef struct bench_layer_row {
    char layer[64];        /* "0 conv+relu": with the following layers that it applies */
    cnn_shape out;         /* of the last of them; no channels: not a layer */
    const char *direction; /* "forward", "weight", "data", "step" */
    double seconds;        /* for a block of CNN_LANES images */
    double flops;          /* of a block; 0 where none are counted */
    double share;          /* of the time of a step */
} bench_layer_row;

/* Rows of one network, on one thread: medians over repetitions that take some `seconds` in all.
 * *rows: the caller's, to be freed with cnn_free. */
CNN_MUST_USE cnn_status bench_layers(bench_workload *workload, double seconds,
                                     bench_layer_row **rows, int *count, cnn_error *error);

#endif
