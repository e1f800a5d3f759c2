#include "nn/schedule.h"

#include "base/elementary.h"

#include <math.h>

#define PI 0x1.921fb54442d18p+1

/* one_cycle: the share of the steps on the way up; its first rate and its last one, as parts. */
#define CYCLE_UP 0.3
#define CYCLE_FIRST 25.0
#define CYCLE_LAST 1e4

/* Half a cosine from `from` (way 0) to `to` (way 1). */
static double anneal(double from, double to, double way) {
    return to + (from - to) * 0.5 * (1.0 + cnn_cosine(PI * way));
}

static double one_cycle(const cnn_schedule *schedule, int64_t step, double total) {
    double first = schedule->rate / CYCLE_FIRST;
    double top = CYCLE_UP * total - 1.0; /* may be below 0 if there are few steps */
    if ((double)step <= top) {
        return anneal(first, schedule->rate, (double)step / top);
    }
    return anneal(schedule->rate, first / CYCLE_LAST, ((double)step - top) / (total - 1.0 - top));
}

static double stepped(const cnn_schedule *schedule, int64_t step) {
    double rate = schedule->rate;
    int64_t falls = step / schedule->steps_an_epoch / schedule->step_epochs;
    for (int64_t i = 0; i < falls && rate > 0.0; i++) {
        rate *= schedule->step_factor;
    }
    return rate;
}

double cnn_schedule_rate(const cnn_schedule *schedule, int64_t step) {
    double total = (double)schedule->epochs * (double)schedule->steps_an_epoch;
    if (schedule->kind == CNN_SCHEDULE_ONE_CYCLE) {
        return one_cycle(schedule, step, total);
    }
    double warmup = ceil(schedule->warmup_epochs * (double)schedule->steps_an_epoch);
    if ((double)step < warmup) {
        return schedule->rate * ((double)step + 1.0) / warmup;
    }
    switch (schedule->kind) {
    case CNN_SCHEDULE_STEP:
        return stepped(schedule, step);
    case CNN_SCHEDULE_COSINE:
        return anneal(schedule->rate, 0.0, ((double)step - warmup) / (total - warmup));
    case CNN_SCHEDULE_CONSTANT:
    case CNN_SCHEDULE_ONE_CYCLE:
        break;
    }
    return schedule->rate;
}
