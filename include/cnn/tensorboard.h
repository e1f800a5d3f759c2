/* Event files, from which TensorBoard shows runs. */
#ifndef CNN_TENSORBOARD_H
#define CNN_TENSORBOARD_H

#include "cnn/status.h"
#include "cnn/train.h"

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
 * before. The message of a failure starts with the path. */
CNN_MUST_USE cnn_status cnn_tensorboard_epoch(cnn_tensorboard *tensorboard,
                                              const cnn_train_epoch *epoch, cnn_error *error);

/* Adds what a finished run leaves: its config, as text, and pictures of the worst mistakes and of
 * the least certain images (cnn/report.h), with maps of where the model looked. Nothing if the file
 * has no epochs of this process: the run was finished already. */
CNN_MUST_USE cnn_status cnn_tensorboard_finish(cnn_tensorboard *tensorboard, cnn_error *error);

#ifdef __cplusplus
}
#endif
#endif
