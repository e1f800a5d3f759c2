/* How fast does a run train on this machine? */
#ifndef CNN_RUN_MEASURE_SPEED_H
#define CNN_RUN_MEASURE_SPEED_H

#include "run/epoch_budget.h"
#include "run/trainer.h"

/* Measures the parts of the run, each for `seconds` at most, but at least once: it predicts images,
 * computes intervals, writes the files of an epoch under a temporary name in the run directory,
 * which must exist, and, for a run that is new (training), trains on batches of the first epoch.
 * Nothing is kept: weights, state and optimizer state are unchanged, or will be set when the run
 * starts. Call after everything is allocated and before cnn_trainer_start. */
CNN_MUST_USE cnn_status cnn_measure_speed(cnn_trainer *t, double seconds, bool training,
                                          cnn_run_speed *speed, cnn_error *error);

/* The same without files: nothing is written, and no run directory is needed. */
CNN_MUST_USE cnn_status cnn_measure_computing(cnn_trainer *t, double seconds, bool training,
                                              cnn_run_speed *speed, cnn_error *error);

/* The amounts of work of a run, to be multiplied by its speed. */
cnn_run_work cnn_measure_work(const cnn_trainer *t);

#endif
