/* Event files, from which TensorBoard shows runs. */
#ifndef CNN_TENSORBOARD_H
#define CNN_TENSORBOARD_H

#include "cnn/status.h"
#include "cnn/train.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A writer of event files; it writes the file of one run directory at a time. */
typedef struct cnn_tensorboard cnn_tensorboard;

/* CNN_ERROR_CONFIG if the library was built without protobuf-c; CNN_ERROR_RUNTIME if memory is
 * refused. Free with cnn_tensorboard_free. */
CNN_MUST_USE cnn_status cnn_tensorboard_create(cnn_tensorboard **tensorboard, cnn_error *error);
void cnn_tensorboard_free(cnn_tensorboard *tensorboard); /* NULL is allowed */

/* Adds the results of an epoch to the file in epoch->directory. If the file is of an earlier
 * process, its events of this epoch and later ones, and what follows a damaged event, are removed
 * before, and the epochs of metrics.csv that it does not have are added. The message of a failure
 * starts with the path. */
CNN_MUST_USE cnn_status cnn_tensorboard_epoch(cnn_tensorboard *tensorboard,
                                              const cnn_train_epoch *epoch, cnn_error *error);

/* Runs whose training has ended. */
typedef struct cnn_tensorboard_runs {
    const cnn_config *config;
    const char *output; /* the run directory, or that of the set; NULL: the config's */
    int folds;          /* of a cross-validation; 0: none */
    bool sweep;         /* a sweep */
    int member;         /* of the set, alone; 0: all */
} cnn_tensorboard_runs;

/* Completes the files of finished runs, whichever process trained them: adds epochs of metrics.csv
 * that are missing, and what a finished run leaves: pictures of the worst mistakes and of the least
 * certain images (cnn/report.h), with maps of where the model looked, and its config, as text. A
 * file that has all this stays as it is. */
CNN_MUST_USE cnn_status cnn_tensorboard_finish(cnn_tensorboard *tensorboard,
                                               const cnn_tensorboard_runs *runs, cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
