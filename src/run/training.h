/* Training as a part of something larger: a member of a set of runs. */
#ifndef CNN_RUN_TRAINING_H
#define CNN_RUN_TRAINING_H

#include "config/config.h"
#include "samples/dataset.h"

#include "cnn/train.h"

/* What a member of a set is given. */
typedef struct cnn_training {
    cnn_dataset *images; /* loaded and split, and stay owned by the caller; NULL: to be read */
    bool fold;      /* predictions.csv has the test images, there is no test_predictions.csv, and
                     * train.epochs are trained: train.minutes is for the set */
    int64_t pause;  /* after this epoch, unless the run ends there, cnn_train_on returns; what there
                     * is can be resumed. 0: never */
    double seconds; /* the run ends after this time, less that of its earlier epochs; 0: no limit */
} cnn_training;

/* cnn_train as a member of a set. */
CNN_MUST_USE cnn_status cnn_train_on(const cnn_training *training, const cnn_config *config,
                                     const cnn_train_options *options, cnn_error *error);

/* What a run will take on this machine. */
typedef struct cnn_train_cost {
    double epoch, end; /* seconds: of an epoch, and of what follows the last one, without files */
    size_t parameters;
    size_t validation; /* images */
} cnn_train_cost;

/* Estimates it: sets up the run in memory, and measures its parts for about `seconds`. Writes
 * nothing, and logs nothing. images: as above. */
CNN_MUST_USE cnn_status cnn_train_estimate(cnn_dataset *images, double seconds,
                                           const cnn_config *config,
                                           const cnn_train_options *options, cnn_train_cost *cost,
                                           cnn_error *error);

/* *epochs: how many epochs each member of a set can train in `seconds` (above 0), measured with the
 * images of one of them; train.epochs at most, and at least 1. Logs the choice for `members`
 * members. Files are written under temporary names in options->output, which must exist. */
CNN_MUST_USE cnn_status cnn_train_plan_epochs(cnn_dataset *images, double seconds, int members,
                                              const cnn_config *config,
                                              const cnn_train_options *options, int64_t *epochs,
                                              cnn_error *error);

#endif
