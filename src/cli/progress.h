/* Messages on stderr, and the progress line. */
#ifndef CNN_CLI_PROGRESS_H
#define CNN_CLI_PROGRESS_H

#include "cli/progress_line.h"

#include "cnn/log.h"

#include <stdbool.h>

typedef struct cnn_progress {
    const char *program;
    cnn_log_level least; /* messages below this level are not shown */
    bool terminal;       /* stderr is a terminal that can redraw a line in place */
    bool drawn;          /* the line is on the screen */
    bool shared;         /* another process may have drawn it, with --jobs */
    double last;         /* when it was drawn, in seconds of the monotonic clock */
    double reading;      /* when reading images began, by the same clock */
    bool unicode, colour;
    int fold;               /* the current one; 0: none */
    cnn_curve curve;        /* of the current run */
    double validation_loss; /* of its last epoch; NaN: none */
} cnn_progress;

/* Levels: quiet leaves errors only, verbose adds details. On a terminal, the results of an epoch
 * are in the line that is redrawn, and not a message, unless verbose. */
void cnn_progress_start(cnn_progress *progress, const char *program, bool quiet, bool verbose);

/* For cnn_log_sink, cnn_common_options and cnn_train_options; user is the cnn_progress. */
void cnn_progress_log(void *user, cnn_log_level level, const char *line);
void cnn_progress_reading(void *user, size_t done, size_t count);
void cnn_progress_show(void *user, const cnn_train_progress *state);
void cnn_progress_sweep(void *user, const cnn_sweep_progress *state);
void cnn_progress_epoch(void *user, const cnn_train_epoch *epoch);

/* Removes the line from the screen. */
void cnn_progress_clear(cnn_progress *progress);

#endif
