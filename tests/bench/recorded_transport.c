#include "recorded_transport.h"

#include "base/memory.h"
#include "run/clock.h"

#include <stdlib.h>
#include <time.h>

double bench_thread_seconds(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* A thread that waits for a network sleeps, so that others compute meanwhile; a sleep of the
 * last tenth of a millisecond could be too long. */
static void wait_until(double end) {
    double left;
    while ((left = end - cnn_clock_seconds()) > 0.0) {
        if (left > 2e-4) {
            const struct timespec sleep = {.tv_nsec = left < 0.5 ? (long)(1e9 * (left - 1e-4))
                                                                 : 400000000L};
            (void)nanosleep(&sleep, NULL);
        }
    }
}

static void pretend(const bench_recorded *r, const bench_round *round) {
    if (r->bandwidth > 0.0) {
        size_t bytes = round->sent > round->received ? round->sent : round->received;
        wait_until(r->origin + round->begin + r->latency + (double)bytes / r->bandwidth);
    }
}

static void exchange(void *context, int channel, const cnn_message *messages, size_t count) {
    bench_recorded *r = context;
    bench_rounds *of = &r->channels[channel];
    bench_round round = {.begin = cnn_clock_seconds() - r->origin,
                         .used = bench_thread_seconds(),
                         .messages = count};
    for (size_t i = 0; i < count; i++) {
        round.sent += messages[i].receives ? 0 : messages[i].size;
        round.received += messages[i].receives ? messages[i].size : 0;
    }
    of->failed = of->failed ||
                 !cnn_grow((void **)&of->rounds, &of->capacity, of->count + 1, sizeof *of->rounds);
    if (!of->failed) {
        of->rounds[of->count++] = round;
    }
    if (r->inner) {
        r->inner->exchange(r->inner->context, channel, messages, count);
    } else {
        pretend(r, &round);
    }
}

static void abandon(void *context, const cnn_error *error) {
    const bench_recorded *r = context;
    if (r->inner) {
        r->inner->abandon(r->inner->context, error);
    }
    exit(1);
}

void bench_recorded_begin(bench_recorded *r, const cnn_transport *inner, int rank, int count) {
    *r = (bench_recorded){.inner = inner};
    r->transport = (cnn_transport){.rank = inner ? inner->rank : rank,
                                   .count = inner ? inner->count : count,
                                   .exchange = exchange,
                                   .abandon = abandon,
                                   .context = r};
}

void bench_recorded_free(bench_recorded *r) {
    for (int channel = 0; channel < CNN_TRANSPORT_CHANNELS; channel++) {
        cnn_free(r->channels[channel].rounds);
        r->channels[channel] = (bench_rounds){0};
    }
}

void bench_recorded_restart(bench_recorded *r) {
    for (int channel = 0; channel < CNN_TRANSPORT_CHANNELS; channel++) {
        r->channels[channel].count = 0;
    }
    r->origin = cnn_clock_seconds();
}
