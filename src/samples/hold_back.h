/* Holds back training images for validation. */
#ifndef CNN_SAMPLES_HOLD_BACK_H
#define CNN_SAMPLES_HOLD_BACK_H

#include "samples/list.h"

/* Moves about fraction × (images of the class) images of each class from CNN_SPLIT_TRAIN to
 * CNN_SPLIT_VALIDATION: at least one of each class that has two or more, and never all of a class.
 *
 * Images with the same content, and images of the same group, form a unit, which is moved as a
 * whole or not at all. The order in which units are taken depends on seed, content and group only,
 * not on paths or the order of the samples. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_hold_back(cnn_sample *samples, size_t count, double fraction,
                                      uint64_t seed, cnn_error *error);

#endif
