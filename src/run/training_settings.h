/* How the config says that training is to be done: its keys as the settings of optimizer, schedule
 * and loss. */
#ifndef CNN_RUN_TRAINING_SETTINGS_H
#define CNN_RUN_TRAINING_SETTINGS_H

#include "config/config.h"
#include "nn/loss.h"
#include "nn/schedule.h"
#include "samples/dataset.h"

cnn_optimizer cnn_settings_optimizer(const cnn_config *config);

/* images: of one epoch. */
cnn_schedule cnn_settings_schedule(const cnn_config *config, size_t images);

/* train.pos_weight "balanced" is the training images of class 0 by those of class 1. */
cnn_objective cnn_settings_objective(const cnn_config *config, const cnn_dataset *dataset);

/* Tells the log how classes of unlike size are treated, unless they are left as they are. */
void cnn_settings_log_balance(const cnn_config *config, const cnn_dataset *dataset,
                              const cnn_log_sink *log);

#endif
