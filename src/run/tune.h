/* The last step of a training: temperature and threshold of model.bin, from validation images. */
#ifndef CNN_RUN_TUNE_H
#define CNN_RUN_TUNE_H

#include "nn/minibatch.h"
#include "run/setup.h"

/* Does the config want anything chosen on validation images? */
bool cnn_tune_wanted(const cnn_config *config);

/* Can it be? Asked before anything is trained: CNN_ERROR_CONFIG without validation images,
 * CNN_ERROR_DATA where they are all of one class. */
CNN_MUST_USE cnn_status cnn_tune_check(const cnn_config *config, const cnn_dataset *dataset,
                                       cnn_error *error);

/* Chooses what is wanted for parameters that the network is prepared with: first the temperature,
 * then, behind it, the threshold; both go into setup->info, and the log says which and how good
 * they are. logits: [validation images], overwritten. */
CNN_MUST_USE cnn_status cnn_tune(const cnn_config *config, cnn_setup *setup,
                                 cnn_minibatch *minibatch, const float *parameters, float *logits,
                                 const cnn_log_sink *log, cnn_error *error);

#endif
