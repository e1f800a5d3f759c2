/* Decides which epoch is the best, and whether the last improvement was too long ago. */
#ifndef CNN_RUN_BEST_EPOCH_H
#define CNN_RUN_BEST_EPOCH_H

#include "config/config.h"
#include "samples/dataset.h"
#include "stats/metrics.h"

/* Starts as cnn_best_epoch_none. Part of the checkpoint. */
typedef struct cnn_best_epoch {
    int64_t epoch;   /* the best one; 0: none yet */
    double value;    /* the metric of that epoch, smoothed */
    double smoothed; /* the metric of the last epoch, smoothed; NaN: none yet */
} cnn_best_epoch;

cnn_best_epoch cnn_best_epoch_none(void);

/* CNN_ERROR_CONFIG if the metric of the config cannot be computed on the validation images: it
 * needs a class that they lack, or the config has a patience but there are no validation images. */
CNN_MUST_USE cnn_status cnn_best_epoch_check(const cnn_config *config, const cnn_dataset *dataset,
                                             cnn_error *error);

/* Records the validation metrics of an epoch (counted from 1): s <- smoothing s + (1 - smoothing)
 * value, starting from the first value. True if s is better than at any earlier epoch. Without
 * validation images every epoch is the best. */
bool cnn_best_epoch_update(const cnn_early_stopping *rule, int64_t epoch,
                           const cnn_metrics *validation, cnn_best_epoch *best);

/* True if `patience` epochs have passed without an improvement. Never if patience is 0. */
bool cnn_best_epoch_is_over(const cnn_early_stopping *rule, int64_t epochs,
                            const cnn_best_epoch *best);

/* True if a run of this config that has trained this many epochs ends before its last epoch. */
bool cnn_best_epoch_stops_early(const cnn_config *config, int64_t epochs,
                                const cnn_best_epoch *best);

#endif
