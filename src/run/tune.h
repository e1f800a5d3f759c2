/* The last step of a training: temperature and threshold of model.bin, from validation images. */
#ifndef CNN_RUN_TUNE_H
#define CNN_RUN_TUNE_H

#include "nn/minibatch.h"
#include "run/setup.h"

/* True if the config requires temperature or threshold to be chosen on validation images. */
bool cnn_tune_wanted(const cnn_config *config);

/* Checks, before training, that this is possible: CNN_ERROR_CONFIG without validation images,
 * CNN_ERROR_DATA if they are all of one class. */
CNN_MUST_USE cnn_status cnn_tune_check(const cnn_config *config, const cnn_dataset *dataset,
                                       cnn_error *error);

/* Chooses these for the parameters with which the network is prepared: first the temperature, then,
 * with it, the threshold. Stores both in setup->info, and logs them and how good they are. logits:
 * [validation images], overwritten. */
CNN_MUST_USE cnn_status cnn_tune(const cnn_config *config, cnn_setup *setup,
                                 cnn_minibatch *minibatch, const float *parameters, float *logits,
                                 const cnn_log_sink *log, cnn_error *error);

#endif
