/* Which epoch is the best so far, and has the last improvement been too long ago? */
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

/* CNN_ERROR_CONFIG where the validation images do not tell the metric that the config asks for: it
 * needs a class that they lack, or there are none to be patient by. */
CNN_MUST_USE cnn_status cnn_best_epoch_check(const cnn_config *config, const cnn_dataset *dataset,
                                             cnn_error *error);

/* Takes in the validation metrics of an epoch (counted from 1): s <- smoothing s + (1 - smoothing)
 * value, starting from the first value. True where s is better than at any epoch before. Without
 * validation images every epoch is the best. */
bool cnn_best_epoch_update(const cnn_early_stopping *rule, int64_t epoch,
                           const cnn_metrics *validation, cnn_best_epoch *best);

/* Have `patience` epochs passed without an improvement? Never where patience is 0. */
bool cnn_best_epoch_is_over(const cnn_early_stopping *rule, int64_t epochs,
                            const cnn_best_epoch *best);

/* Does a run of this config that has trained so many epochs end before its last one? */
bool cnn_best_epoch_stops_early(const cnn_config *config, int64_t epochs,
                                const cnn_best_epoch *best);

#endif
