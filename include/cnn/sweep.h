/* Sweeps: many runs of one config, which differ in the values of some keys. */
#ifndef CNN_SWEEP_H
#define CNN_SWEEP_H

#include "cnn/train.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The progress of a sweep. */
typedef struct cnn_sweep_progress {
    int runs;                      /* in all; with halving, in this rung */
    int finished, failed, running; /* of them */
    int rung, rungs;               /* of halving, from 1; rungs is 1 without */
    double share;                  /* of the epochs of all runs, those that are done, 0 to 1 */
    double seconds_left;           /* of the whole, estimated; NaN: not known yet */
} cnn_sweep_progress;

typedef struct cnn_sweep_options {
    cnn_train_options train; /* of every run; output is the directory of the whole */
    const char *config;      /* the path of the config, … */
    const char *const *overrides;
    size_t override_count; /* … KEY=VALUE for all runs, as in cnn_config_load, … */
    const char *sweep;     /* … and the path of the sweep file */
    /* train this member alone, from 1, while other processes may train others in the same
     * directory; resume and overwrite then apply to its run directory. 0: train all, and gather */
    int member;
    bool gather;    /* train nothing; put the results that exist together */
    bool no_report; /* do not make report.html */
    int jobs; /* runs that are trained at the same time, in separate processes, which share threads
               * and memory equally. Of the callbacks, should_stop, `progress` and, in any of the
               * processes, the log's are called. The process must have one thread. Below 2: one
               * after the other, and train.progress is not called */
    /* called several times a second while runs are trained, with train.common.user, but for
     * `member`; NULL: never */
    void (*progress)(void *user, const cnn_sweep_progress *progress);
} cnn_sweep_options;

/* Trains a run for every member of the sweep in OUTPUT/0001, …: the run that cnn_train makes of the
 * config with the member's values as overrides, byte for byte, but for test images, which are not
 * measured. Checks the configs of all members, and estimates the time, before it trains. Then
 * chooses a member by the validation metric of the config's train.early_stopping.metric, measures
 * the test images with its model alone, and writes members.csv, sweep.csv, report.html,
 * summary.json, test_predictions.csv and tested.csv to the output directory, and a report.html of
 * the chosen member to its own.
 *
 * What concerns one run is logged as CNN_LOG_DETAIL, but for warnings, and a line for each run that
 * ends as CNN_LOG_EPOCH; with `member`, as by cnn_train.
 *
 * A member that fails is a row of sweep.csv. The same statuses as cnn_train; the
 * status of a member if all have failed, also before; CNN_ERROR_CONFIG also for mistakes in the
 * sweep file. */
CNN_MUST_USE cnn_status cnn_sweep_run(const cnn_sweep_options *options, cnn_error *error);

/* The members, with the time that each takes on this machine, as text; and a line with a warning if
 * they may have different validation images. Reads the data, trains and writes nothing. *text is to
 * be freed with cnn_text_release. */
CNN_MUST_USE cnn_status cnn_sweep_dry_run(const cnn_sweep_options *options, char **text,
                                          cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
