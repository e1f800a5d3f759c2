/* Divides the images into the folds of a k-fold cross-validation. */
#ifndef CNN_SAMPLES_FOLDS_H
#define CNN_SAMPLES_FOLDS_H

#include "samples/list.h"

enum { CNN_FOLDS_MIN = 2, CNN_FOLDS_MAX = 1000 };

/* Divides the samples of CNN_SPLIT_TRAIN into `folds` parts. fold[count]: set to the part, from 0,
 * or -1 for samples of other splits. Units (units.h: copies, groups) are never divided. Apart from
 * that, every class is spread as evenly as possible: if each unit has images of one class only, the
 * numbers of images of a class in two folds differ by at most the size of its largest unit.
 *
 * The fold of an image depends on seed, contents and groups only, not on paths or the order of the
 * samples. CNN_ERROR_DATA, message starting with `source`, if a class has fewer units than there
 * are folds, or if a fold has no image of a class. */
CNN_MUST_USE cnn_status cnn_folds_assign(const cnn_sample *samples, size_t count, int folds,
                                         uint64_t seed, char *const *classes, const char *source,
                                         int *fold, cnn_error *error);

#endif
