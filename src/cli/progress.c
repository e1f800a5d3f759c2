#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* The least time between two drawings of the line, in seconds. */
#define REDRAW_SECONDS 0.1

void cnn_progress_start(cnn_progress *progress, const char *program, bool quiet, bool verbose) {
    *progress = (cnn_progress){
        .program = program,
        .least = quiet     ? CNN_LOG_ERROR
                 : verbose ? CNN_LOG_DETAIL
                           : CNN_LOG_INFO,
        .terminal = !quiet && isatty(STDERR_FILENO),
    };
}

void cnn_progress_clear(cnn_progress *progress) {
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        progress->drawn = false;
    }
}

void cnn_progress_log(void *user, cnn_log_level level, const char *line) {
    cnn_progress *progress = user;
    if (level < progress->least) {
        return;
    }
    cnn_progress_clear(progress);
    if (level >= CNN_LOG_WARNING) {
        fprintf(stderr, "%s: %s\n", progress->program, line);
    } else {
        fprintf(stderr, "%s\n", line);
    }
}

static double now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Is it time to draw the line again? If so, it counts as drawn. */
static bool is_due(cnn_progress *progress, double time) {
    if (!progress->terminal || time - progress->last < REDRAW_SECONDS) {
        return false;
    }
    progress->last = time;
    progress->drawn = true;
    return true;
}

void cnn_progress_reading(void *user, size_t done, size_t count) {
    cnn_progress *progress = user;
    double time = now();
    if (done == 0) {
        progress->reading = time;
    }
    if (done == count) {
        cnn_progress_clear(progress);
        progress->last = 0.0; /* the next line is another one */
    } else if (is_due(progress, time)) {
        double seconds = time - progress->reading;
        fprintf(stderr, "\r\033[Kreading images %zu/%zu", done, count);
        if (done > 0 && seconds > 0.0) {
            long left = (long)(seconds / (double)done * (double)(count - done) + 0.5);
            fprintf(stderr, "  %.0f images/s  %ld:%02ld left", (double)done / seconds, left / 60,
                    left % 60);
        }
        (void)fflush(stderr);
    }
}

void cnn_progress_show(void *user, const cnn_train_progress *state) {
    cnn_progress *progress = user;
    if (!is_due(progress, now())) {
        return;
    }
    long left = (long)(state->seconds_left + 0.5);
    char fold[40] = "";
    if (state->folds > 0) {
        (void)snprintf(fold, sizeof fold, "fold %d/%d  ", state->fold, state->folds);
    }
    fprintf(stderr,
            "\r\033[K%sepoch %lld/%lld  batch %lld/%lld  loss %.4f  %.0f images/s  %ld:%02ld left",
            fold, (long long)state->epoch, (long long)state->epochs, (long long)state->batch,
            (long long)state->batches, state->loss, state->images_per_second, left / 60, left % 60);
    (void)fflush(stderr);
}
