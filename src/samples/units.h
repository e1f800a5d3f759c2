/* Images that have to stay together: copies of one image, and images of one group. */
#ifndef CNN_SAMPLES_UNITS_H
#define CNN_SAMPLES_UNITS_H

#include "base/random.h"
#include "samples/list.h"

typedef struct cnn_unit {
    uint64_t order;   /* random, of seed, content and group */
    size_t images[2]; /* of each class */
} cnn_unit;

typedef struct cnn_units {
    cnn_unit *units; /* [count], by rising order */
    size_t count;
    size_t *unit_of; /* [samples]: the unit of each one of CNN_SPLIT_TRAIN; 0 for the others */
} cnn_units;

/* The units of samples[count] that are in CNN_SPLIT_TRAIN: the classes of "has the same content"
 * and "is of the same group", chained. A unit's place depends on seed, purpose, content and group
 * alone: not on paths, and not on the order of the samples. `what` is what a lack of memory kept us
 * from. Free with cnn_units_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_units_find(const cnn_sample *samples, size_t count, uint64_t seed,
                                       cnn_random_purpose purpose, const char *what,
                                       cnn_units *units, cnn_error *error);
void cnn_units_free(cnn_units *units);

#endif
