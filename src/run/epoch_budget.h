/* How many epochs fit into a time: the arithmetic of train.minutes, without a clock. */
#ifndef CNN_RUN_EPOCH_BUDGET_H
#define CNN_RUN_EPOCH_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The share of a budget that is left free: a machine is not always as fast as when it was measured.
 */
#define CNN_BUDGET_MARGIN 0.1

/* What the parts of a run take on this machine, in seconds. */
typedef struct cnn_run_speed {
    double step;      /* a batch of training, the change of the weights included */
    double forward;   /* an image, forward only */
    double intervals; /* an image, in the intervals of the metrics */
    double model;     /* a model file, until it is on disk */
    double files;     /* all files that are written at the end of an epoch */
} cnn_run_speed;

/* The parts of a run. */
typedef struct cnn_run_work {
    int64_t batches;         /* of an epoch */
    size_t validation, test; /* images */
    size_t compared;         /* training images that finish.c predicts at the end */
    bool tunes;              /* a temperature or a threshold is found after the last epoch */
    bool gathered; /* part of a cross-validation, which tests the model again, and measures all
                    * predictions twice */
} cnn_run_work;

/* Seconds of an epoch: its batches, validation and files. */
double cnn_budget_epoch(const cnn_run_speed *speed, const cnn_run_work *work);

/* Seconds of what follows the last batch of a run that is cut short: the end of its epoch, then
 * temperature, metrics, intervals and files of the model. */
double cnn_budget_end(const cnn_run_speed *speed, const cnn_run_work *work);

/* The number of epochs that fit into a budget of `seconds`, CNN_BUDGET_MARGIN less, of which
 * `spent` are over; `limit` (at least 1) at most. 0: not even one. */
int64_t cnn_budget_epochs(const cnn_run_speed *speed, const cnn_run_work *work, double seconds,
                          double spent, int64_t limit);

#endif
