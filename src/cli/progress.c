#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* The least time between two drawings of the line, in seconds. */
#define REDRAW_SECONDS 0.1

/* To the start of the line, and clears it. */
#define CLEAR "\r\033[K"

/* --- what the terminal can do --- */

/* The value of an environment variable; "" if it is not set. */
static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

/* Can a line be redrawn? A terminal that calls itself dumb (Emacs, build logs) shows the codes. */
static bool redraws(void) {
    const char *type = environment("TERM");
    return isatty(STDERR_FILENO) && *type && strcmp(type, "dumb") != 0;
}

/* The encoding of the user's locale, as locale(7) finds it. */
static bool shows_unicode(void) {
    const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = "";
    for (size_t i = 0; i < sizeof variables / sizeof *variables && !*locale; i++) {
        locale = environment(variables[i]);
    }
    return strstr(locale, "UTF-8") || strstr(locale, "utf8") || strstr(locale, "UTF8") ||
           strstr(locale, "utf-8");
}

/* The width of the window, which may change at any time. */
static int window_columns(void) {
    enum { USUAL = 80 };
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return USUAL;
}

/* --- */

void cnn_progress_start(cnn_progress *progress, const char *program, bool quiet, bool verbose) {
    bool terminal = !quiet && redraws();
    *progress = (cnn_progress){
        .program = program,
        .least = quiet      ? CNN_LOG_ERROR
                 : verbose  ? CNN_LOG_DETAIL
                 : terminal ? CNN_LOG_INFO
                            : CNN_LOG_EPOCH,
        .terminal = terminal,
        .unicode = shows_unicode(),
        .colour = !*environment("NO_COLOR"),
        .validation_loss = NAN,
    };
}

void cnn_progress_clear(cnn_progress *progress) {
    if (progress->drawn) {
        fputs(CLEAR, stderr);
        progress->drawn = false;
    }
}

void cnn_progress_log(void *user, cnn_log_level level, const char *line) {
    cnn_progress *progress = user;
    if (level < progress->least) {
        return;
    }
    const bool clear = progress->terminal && (progress->drawn || progress->shared);
    const bool named = level >= CNN_LOG_WARNING;
    progress->drawn = false;
    /* in one write: other processes may write, too */
    fprintf(stderr, "%s%s%s%s\n", clear ? CLEAR : "", named ? progress->program : "",
            named ? ": " : "", line);
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
        fprintf(stderr, CLEAR "reading images %zu/%zu", done, count);
        if (done > 0 && seconds > 0.0) {
            long left = (long)(seconds / (double)done * (double)(count - done) + 0.5);
            fprintf(stderr, "  %.0f images/s  %ld:%02ld left", (double)done / seconds, left / 60,
                    left % 60);
        }
        (void)fflush(stderr);
    }
}

/* Forgets the epochs of another fold. */
static void begin_fold(cnn_progress *progress, int fold) {
    if (fold != progress->fold) {
        progress->fold = fold;
        progress->curve = (cnn_curve){0};
        progress->validation_loss = NAN;
    }
}

static cnn_line_style style_of(const cnn_progress *progress) {
    return (cnn_line_style){.columns = window_columns() - 1, /* the last one may wrap */
                            .unicode = progress->unicode,
                            .colour = progress->colour};
}

static void draw(cnn_text *line) {
    if (!line->failed) {
        fprintf(stderr, CLEAR "%s", line->data);
        (void)fflush(stderr);
    }
    cnn_text_free(line);
}

void cnn_progress_show(void *user, const cnn_train_progress *state) {
    cnn_progress *progress = user;
    if (is_due(progress, now())) {
        begin_fold(progress, state->fold);
        const cnn_line_style style = style_of(progress);
        cnn_text line = {0};
        cnn_progress_line(state, &progress->curve, progress->validation_loss, &style, &line);
        draw(&line);
    }
}

void cnn_progress_sweep(void *user, const cnn_sweep_progress *state) {
    cnn_progress *progress = user;
    if (is_due(progress, now())) {
        const cnn_line_style style = style_of(progress);
        cnn_text line = {0};
        cnn_sweep_line(state, &style, &line);
        draw(&line);
    }
}

void cnn_progress_epoch(void *user, const cnn_train_epoch *epoch) {
    cnn_progress *progress = user;
    bool validated = !isnan(epoch->validation_loss);
    begin_fold(progress, epoch->fold);
    progress->validation_loss = epoch->validation_loss;
    cnn_curve_add(&progress->curve, validated ? epoch->validation_loss : epoch->train_loss);
}
