/* Time for limits and speeds. */
#ifndef CNN_RUN_CLOCK_H
#define CNN_RUN_CLOCK_H

#include <time.h>

/* Seconds since an arbitrary moment; never decreases. */
static inline double cnn_clock_seconds(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

#endif
