/* Images that must stay together: copies of one image, and images of one group. */
#ifndef CNN_SAMPLES_UNITS_H
#define CNN_SAMPLES_UNITS_H

#include "base/random.h"
#include "samples/list.h"

typedef struct cnn_unit {
    uint64_t order;   /* random, from seed, content and group */
    size_t images[2]; /* of each class */
} cnn_unit;

typedef struct cnn_units {
    cnn_unit *units; /* [count], by rising order */
    size_t count;
    size_t *unit_of; /* [samples]: the unit of each sample of CNN_SPLIT_TRAIN; 0 for the others */
} cnn_units;

/* The units of samples[count] that are in CNN_SPLIT_TRAIN: samples with the same content or of the
 * same group are in one unit, transitively. The order of units depends only on seed, purpose,
 * content and group, not on paths or on the order of the samples. `what` is the purpose named if
 * memory is refused. Free with cnn_units_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_units_find(const cnn_sample *samples, size_t count, uint64_t seed,
                                       cnn_random_purpose purpose, const char *what,
                                       cnn_units *units, cnn_error *error);
void cnn_units_free(cnn_units *units);

#endif
