/* Training as a part of something larger: a member of a set of runs. */
#ifndef CNN_RUN_TRAINING_H
#define CNN_RUN_TRAINING_H

#include "config/config.h"
#include "samples/dataset.h"

#include "cnn/train.h"

/* cnn_train on images that are already loaded and split (cnn_dataset_choose_fold) and stay owned by
 * the caller; predictions.csv has the test images, and there is no test_predictions.csv. seconds:
 * the run ends after this time, less that of its earlier epochs; 0: no limit. It trains
 * train.epochs epochs: train.minutes is for the set. images NULL: cnn_train itself. */
CNN_MUST_USE cnn_status cnn_train_on(cnn_dataset *images, double seconds, const cnn_config *config,
                                     const cnn_train_options *options, cnn_error *error);

/* *epochs: how many epochs each member of a set can train in `seconds` (above 0), measured with the
 * images of one of them; train.epochs at most, and at least 1. Logs the choice for `members`
 * members. Files are written under temporary names in options->output, which must exist. */
CNN_MUST_USE cnn_status cnn_train_plan_epochs(cnn_dataset *images, double seconds, int members,
                                              const cnn_config *config,
                                              const cnn_train_options *options, int64_t *epochs,
                                              cnn_error *error);

#endif
