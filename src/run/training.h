/* Training as a part of something larger: a fold of a cross-validation. */
#ifndef CNN_RUN_TRAINING_H
#define CNN_RUN_TRAINING_H

#include "config/config.h"
#include "samples/dataset.h"

#include "cnn/train.h"

/* cnn_train on images that are there already, split (cnn_dataset_choose_fold), and stay the
 * caller's; predictions.csv tells of the test images. images NULL: cnn_train itself. */
CNN_MUST_USE cnn_status cnn_train_on(cnn_dataset *images, cnn_config *config,
                                     const cnn_train_options *options, cnn_error *error);

/* Does the run directory `path` hold all that a run of this config leaves? Looks at no images.
 * CNN_ERROR_CONFIG where it holds something else, or a run with another config. */
CNN_MUST_USE cnn_status cnn_train_is_finished(const char *path, cnn_config *config, bool *finished,
                                              cnn_error *error);

#endif
