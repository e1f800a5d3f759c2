/* Training as a part of something larger: a member of a set of runs. */
#ifndef CNN_RUN_TRAINING_H
#define CNN_RUN_TRAINING_H

#include "config/config.h"
#include "samples/dataset.h"

#include "cnn/train.h"

/* cnn_train on images that are already loaded and split (cnn_dataset_choose_fold) and stay owned by
 * the caller; predictions.csv has the test images, and there is no test_predictions.csv. images
 * NULL: cnn_train itself. */
CNN_MUST_USE cnn_status cnn_train_on(cnn_dataset *images, const cnn_config *config,
                                     const cnn_train_options *options, cnn_error *error);

#endif
