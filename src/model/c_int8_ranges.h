/* Which values the layers of a network have: measured on images, for scales of 8 bits. */
#ifndef CNN_MODEL_C_INT8_RANGES_H
#define CNN_MODEL_C_INT8_RANGES_H

#include "model/c_int8.h"

/* The range of a node leaves out, at either end, at most one value in 100,000: a single one must
 * not make the steps of all others coarse. tests/README.md has what other rules give.
 *
 * ranges: [nodes of model->network->fused], of those whose values a layer computes; others are 0.
 * images: [count], bytes [channels][height][width] each. The same ranges for any number of threads.
 * CNN_ERROR_DATA if a value is not finite; CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_int8_ranges_measure(const cnn_model *model,
                                                const uint8_t *const *images, size_t count,
                                                int threads, cnn_int8_range *ranges,
                                                cnn_error *error);

#endif
