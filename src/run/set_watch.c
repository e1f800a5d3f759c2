#include "run/set_watch.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/clock.h"
#include "run/duration.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

/* Parts of the training of a member, in the shared memory: an integer, so that it is never read
 * half written. */
enum { WHOLE = 1000000 };

/* What the process of a member reports. All but `now` is read when it has ended. */
typedef struct member_state {
    atomic_int from; /* how far the member was when its process began: of WHOLE; … */
    atomic_int now;  /* … and is now */
    bool trained;    /* by this process */
    double begin;    /* of its process, by cnn_clock_seconds */
    int64_t epoch, epochs;
    double validation_loss;
} member_state;

struct cnn_set_watch {
    const char *name;
    int members;
    double share;
    double begin;
    int rung, rungs, wanted;
    int finished, failed; /* in the rung */
    member_state *shared; /* [members] */
};

cnn_status cnn_set_watch_create(const char *name, int members, double share, cnn_set_watch **watch,
                                cnn_error *error) {
    cnn_set_watch *made = *watch = cnn_alloc(1, sizeof *made);
    if (!made) {
        return cnn_fail_memory(error, "the progress of a set");
    }
    void *shared = mmap(NULL, (size_t)members * sizeof *made->shared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        const int reason = errno;
        cnn_free(made);
        *watch = NULL;
        return cnn_fail_errno(error, "shared memory", reason);
    }
    *made = (cnn_set_watch){.name = name,
                            .members = members,
                            .share = share,
                            .begin = cnn_clock_seconds(),
                            .rungs = 1,
                            .wanted = members,
                            .shared = shared};
    return CNN_OK;
}

void cnn_set_watch_free(cnn_set_watch *watch) {
    if (watch) {
        (void)munmap(watch->shared, (size_t)watch->members * sizeof *watch->shared);
        cnn_free(watch);
    }
}

void cnn_set_watch_rung(cnn_set_watch *watch, int rung, int rungs, int wanted) {
    watch->rung = rung;
    watch->rungs = rungs;
    watch->wanted = wanted;
    watch->finished = watch->failed = 0;
}

/* --- in the process of a member --- */

void cnn_set_watch_begin(cnn_set_watch *watch, int member) {
    member_state *state = &watch->shared[member - 1];
    state->begin = cnn_clock_seconds();
    state->trained = false;
}

static void set_share(member_state *state, double epochs, int64_t of) {
    const int now = of > 0 ? (int)(fmin(fmax(epochs / (double)of, 0.0), 1.0) * WHOLE) : 0;
    if (!state->trained) { /* a run that is resumed begins in the middle */
        state->trained = true;
        atomic_fetch_add(&state->from, now - atomic_load(&state->now));
    }
    atomic_store(&state->now, now);
}

void cnn_set_watch_batch(cnn_set_watch *watch, int member, const cnn_train_progress *progress) {
    const double part =
        progress->batches > 0 ? (double)progress->batch / (double)progress->batches : 0.0;
    set_share(&watch->shared[member - 1], (double)progress->epoch - 1.0 + part, progress->epochs);
}

void cnn_set_watch_epoch(cnn_set_watch *watch, int member, const cnn_train_epoch *epoch) {
    member_state *state = &watch->shared[member - 1];
    set_share(state, (double)epoch->epoch, epoch->epochs);
    state->epoch = epoch->epoch;
    state->epochs = epoch->epochs;
    state->validation_loss = epoch->validation_loss;
}

/* --- in the process of the set --- */

/* What is left of the member is not trained: counts as if it had been done before. */
static void drop_rest(member_state *state) {
    const int rest = WHOLE - atomic_load(&state->now);
    atomic_fetch_add(&state->from, rest);
    atomic_fetch_add(&state->now, rest);
}

/* "; 3 of 12 done, 1 failed, about 2 min 5 s left" */
static void add_counts(const cnn_set_watch *watch, cnn_text *text) {
    const cnn_sweep_progress all = cnn_set_watch_look(watch, 0);
    cnn_text_format(text, "; %d of %d done", all.finished, all.runs);
    if (all.failed > 0) {
        cnn_text_format(text, ", %d failed", all.failed);
    }
    if (all.seconds_left > 0.0) {
        char left[CNN_DURATION_SIZE];
        cnn_duration_text(all.seconds_left, left);
        cnn_text_format(text, ", about %s left", left);
    }
}

static void log_end(const cnn_set_watch *watch, int member, const cnn_log_sink *log) {
    const member_state *state = &watch->shared[member - 1];
    cnn_text line = {0};
    cnn_text_format(&line, "%s %d/%d: ", watch->name, member, watch->members);
    if (state->trained) {
        char time[CNN_DURATION_SIZE];
        cnn_duration_text(cnn_clock_seconds() - state->begin, time);
        cnn_text_format(&line, "epoch %lld/%lld after %s", (long long)state->epoch,
                        (long long)state->epochs, time);
        if (!isnan(state->validation_loss)) {
            cnn_text_format(&line, ", validation loss %.4f", state->validation_loss);
        }
    } else {
        cnn_text_format(&line, "finished before");
    }
    add_counts(watch, &line);
    if (!line.failed) {
        cnn_log_message(log, CNN_LOG_EPOCH, "%s", line.data);
    }
    cnn_text_free(&line);
}

void cnn_set_watch_end(cnn_set_watch *watch, int member, bool failed, const cnn_log_sink *log) {
    member_state *state = &watch->shared[member - 1];
    watch->failed += failed;
    watch->finished += !failed;
    if (failed || watch->rungs == 1) {
        drop_rest(state);
    }
    if (!failed) {
        log_end(watch, member, log);
    }
}

cnn_sweep_progress cnn_set_watch_look(const cnn_set_watch *watch, int running) {
    cnn_sweep_progress all = {.runs = watch->wanted,
                              .finished = watch->finished,
                              .failed = watch->failed,
                              .running = running,
                              .rung = watch->rung,
                              .rungs = watch->rungs,
                              .seconds_left = (double)NAN};
    double now = 0.0, trained = 0.0;
    for (int i = 0; i < watch->members; i++) {
        const member_state *state = &watch->shared[i];
        const int reached = atomic_load(&state->now);
        now += (double)reached / WHOLE;
        trained += (double)(reached - atomic_load(&state->from)) / WHOLE;
    }
    const double total = watch->share * watch->members;
    const double seconds = cnn_clock_seconds() - watch->begin;
    all.share = total > 0.0 ? fmin(now / total, 1.0) : 1.0;
    if (trained > 0.0) {
        all.seconds_left = fmax(total - now, 0.0) * seconds / trained;
    }
    return all;
}
