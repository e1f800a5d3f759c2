#include "measure.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>

enum { ROUNDS = 11 };

/* The measurements of one workload so far. */
typedef struct rounds {
    double step_seconds[ROUNDS]; /* of each round */
    int count;
    double spent;
} rounds;

static cnn_status one_step(bench_workload *workload, double *seconds, cnn_error *error) {
    double begin = bench_now();
    double loss = bench_workload_step(workload);
    *seconds = bench_now() - begin;
    if (!isfinite(loss)) {
        return cnn_fail(error, CNN_ERROR_DIVERGED,
                        "the loss is not finite: train.learning_rate = %g is too large",
                        workload->config->train.schedule.rate);
    }
    return CNN_OK;
}

/* Some steps from the same start. The first one, which finds other caches and sleeping threads,
 * does not count, unless it has used the workload's time up. */
static cnn_status one_round(bench_workload *workload, double seconds, rounds *done,
                            cnn_error *error) {
    bench_workload_restart(workload);
    double sum, step;
    cnn_status status = one_step(workload, &sum, error);
    int steps = 1;
    if (status == CNN_OK && sum < seconds) {
        sum = 0.0;
        for (steps = 0; status == CNN_OK && (steps == 0 || sum < seconds / (double)ROUNDS);
             steps++) {
            status = one_step(workload, &step, error);
            sum += step;
        }
    }
    done->step_seconds[done->count++] = sum / steps;
    done->spent += sum;
    return status;
}

static void summarize(rounds *done, bench_step_time *time) {
    time->median = bench_median(done->step_seconds, (size_t)done->count);
    time->best = done->step_seconds[0]; /* sorted by now */
    time->worst = done->step_seconds[done->count - 1];
    time->rounds = done->count;
}

cnn_status bench_steps(bench_workload *const *workloads, int count, double seconds,
                       bench_step_time *times, cnn_error *error) {
    rounds *done = cnn_alloc((size_t)count, sizeof *done);
    if (!done) {
        return cnn_fail_memory(error, "measurements");
    }
    cnn_status status = CNN_OK;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < count && status == CNN_OK; i++) {
            if (round == 0 || done[i].spent < seconds) {
                status = one_round(workloads[i], seconds, &done[i], error);
            }
        }
    }
    for (int i = 0; i < count && status == CNN_OK; i++) {
        summarize(&done[i], &times[i]);
    }
    cnn_free(done);
    return status;
}
