/* Which images are tested together in a k-fold cross-validation. */
#ifndef CNN_SAMPLES_FOLDS_H
#define CNN_SAMPLES_FOLDS_H

#include "samples/list.h"

/* The most folds that make sense to wait for, and that fit fold[]. */
enum { CNN_FOLDS_MIN = 2, CNN_FOLDS_MAX = 1000 };

/* Divides the samples of CNN_SPLIT_TRAIN into `folds` parts: fold[count], from 0, -1 for samples of
 * other splits. Every class is spread as evenly as its units (units.h: copies, groups), which are
 * never divided, allow: where each unit is of one class, the numbers of a class in two folds differ
 * by no more than its largest unit has.
 *
 * Which fold an image is in depends on seed, contents and groups alone: not on paths, and not on
 * the order of the samples. CNN_ERROR_DATA, message starting with `source`, where a class has fewer
 * units than there are folds, or ends up missing in one. */
CNN_MUST_USE cnn_status cnn_folds_assign(const cnn_sample *samples, size_t count, int folds,
                                         uint64_t seed, char *const *classes, const char *source,
                                         int *fold, cnn_error *error);

#endif
