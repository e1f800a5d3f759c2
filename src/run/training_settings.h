/* The settings of optimizer, schedule and loss from the config. */
#ifndef CNN_RUN_TRAINING_SETTINGS_H
#define CNN_RUN_TRAINING_SETTINGS_H

#include "config/config.h"
#include "nn/loss.h"
#include "nn/schedule.h"
#include "samples/dataset.h"

cnn_optimizer cnn_settings_optimizer(const cnn_config *config);

/* The time budget of a run, or set of runs; 0: none. */
double cnn_settings_seconds(const cnn_config *config);

/* images: number of images of one epoch. */
cnn_schedule cnn_settings_schedule(const cnn_config *config, size_t images);

/* train.pos_weight "balanced" is the number of training images of class 0 divided by that of class
 * 1. */
cnn_objective cnn_settings_objective(const cnn_config *config, const cnn_dataset *dataset);

/* Logs how classes of different size are balanced, if they are. */
void cnn_settings_log_balance(const cnn_config *config, const cnn_dataset *dataset,
                              const cnn_log_sink *log);

#endif
