/* What a process of several exchanges with the others in a step: when, and how many bytes. The
 * others may be missing. */
#ifndef CNN_BENCH_RECORDED_TRANSPORT_H
#define CNN_BENCH_RECORDED_TRANSPORT_H

#include "cnn/transport.h"

/* One call of `exchange`. */
typedef struct bench_round {
    double begin;          /* seconds since bench_recorded_restart */
    double used;           /* processor time that its thread has used so far, in seconds */
    size_t sent, received; /* bytes */
    size_t messages;
} bench_round;

typedef struct bench_rounds {
    bench_round *rounds;
    size_t count, capacity;
    bool failed; /* memory was refused */
} bench_rounds;

typedef struct bench_recorded {
    cnn_transport transport; /* to be used in place of … */
    /* … this one. NULL: there are no other processes. What is sent is lost, and bytes that should
     * be received stay as they are. */
    const cnn_transport *inner;
    /* Without others, a call takes latency + bytes / bandwidth, in seconds and bytes per second,
     * the bytes being the larger one of those sent and those received; bandwidth 0: no time. */
    double latency, bandwidth;
    double origin;
    bench_rounds channels[CNN_TRANSPORT_CHANNELS];
} bench_recorded;

/* inner: NULL, then `rank` of `count` processes. The struct must stay where it is. Free with
 * bench_recorded_free. */
void bench_recorded_begin(bench_recorded *recorded, const cnn_transport *inner, int rank,
                          int count);
void bench_recorded_free(bench_recorded *recorded);

/* Forgets all calls: a step begins. None may be going on. */
void bench_recorded_restart(bench_recorded *recorded);

/* Processor time that the calling thread has used. */
double bench_thread_seconds(void);

#endif
