/* Training: one run, and a cross-validation. */
#ifndef CNN_TRAIN_H
#define CNN_TRAIN_H

#include "cnn/config.h"
#include "cnn/options.h"
#include "cnn/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The progress of a run. loss: the mean so far in this epoch, of the loss that training minimises.
 */
typedef struct cnn_train_progress {
    int64_t epoch, epochs; /* counted from 1 */
    int64_t batch, batches;
    int fold, folds;    /* of a cross-validation or a sweep, counted from 1; 0 if this is none */
    const char *member; /* what they count: "fold", "run"; NULL if this is none */
    double loss;
    double images_per_second;
    double seconds_left; /* of the whole training, estimated */
} cnn_train_progress;

/* The results of an epoch: a row of metrics.csv, which is written when they are reported. Values
 * that do not exist are NaN. */
typedef struct cnn_train_epoch {
    const char *directory; /* the run directory; of a fold or a sweep's member, its own */
    int64_t epoch, epochs; /* counted from 1 */
    int fold, folds;       /* as above */
    double learning_rate;
    double train_loss, train_accuracy;
    double validation_loss, validation_accuracy, validation_auc;
    double seconds;
} cnn_train_epoch;

/* All members may be zero. */
typedef struct cnn_train_options {
    cnn_common_options common;
    const char *output; /* the run directory; NULL: the config's */
    bool resume;        /* continue from the checkpoint in the run directory, or start if there is
                         * none */
    bool overwrite;     /* start over in a run directory that is in use */
    double max_seconds; /* end after about this time, with all files of a finished run; 0: no limit.
                         * Counted from the call, also if the run is resumed */
    bool no_test; /* do not measure the test images, for a run that is one of many, one of which
                   * will be chosen. They are read: training images that are copies of them are left
                   * out, as in any run */
    /* called after every batch, with common.user; NULL: never */
    void (*progress)(void *user, const cnn_train_progress *progress);
    /* called after every epoch, with common.user; NULL: never */
    void (*epoch)(void *user, const cnn_train_epoch *epoch);
} cnn_train_options;

/* Trains and writes the run directory. The config is not changed; if it does not name the classes,
 * the run directory's copy has those of the data.
 *
 * CNN_STOPPED: should_stop returned true; a checkpoint is written, if training had begun.
 * CNN_ERROR_DIVERGED: the loss became NaN or infinite; models of earlier epochs are kept.
 * CNN_ERROR_CONFIG: the run directory is in use, or was started with another config or other data.
 * CNN_ERROR_DATA, CNN_ERROR_RUNTIME: see cnn/status.h. */
CNN_MUST_USE cnn_status cnn_train(const cnn_config *config, const cnn_train_options *options,
                                  cnn_error *error);

typedef struct cnn_cross_validation_options {
    cnn_train_options train; /* of every fold; output is the directory of the whole */
    int folds;               /* 2 to 1000 */
    /* train this fold alone, 1 to folds, while other processes may train others in the same
     * directory; resume and overwrite then apply to its run directory. 0: train all, and gather */
    int member;
    bool gather; /* train nothing; put the results of all folds together */
} cnn_cross_validation_options;

/* k-fold cross-validation: divides the images of data.train into options->folds parts with class
 * shares as equal as possible (copies and groups stay together). For each part, trains on the
 * others in OUTPUT/fold-1, …, and tests on it; the share data.validation of the others chooses the
 * epoch. Writes split.csv, folds.csv, predictions.csv and summary.json to the output directory. The
 * same statuses as cnn_train; CNN_ERROR_CONFIG also if the config names validation or test images.
 */
CNN_MUST_USE cnn_status cnn_cross_validate(const cnn_config *config,
                                           const cnn_cross_validation_options *options,
                                           cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
