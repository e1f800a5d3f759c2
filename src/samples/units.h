/* Units: images that no split may separate, because they are copies of one image or belong to one
 * group. */
#ifndef CNN_SAMPLES_UNITS_H
#define CNN_SAMPLES_UNITS_H

#include "base/random.h"
#include "samples/list.h"

typedef struct cnn_unit {
    uint64_t order;   /* random number from seed, content and group */
    size_t images[2]; /* per class */
} cnn_unit;

typedef struct cnn_units {
    cnn_unit *units; /* [count], sorted by `order` */
    size_t count;
    size_t *unit_of; /* [samples]: the unit of each sample of CNN_SPLIT_TRAIN; 0 for others */
} cnn_units;

/* Finds the units of those samples[count] that are in CNN_SPLIT_TRAIN. Two samples are in the same
 * unit if they are connected by a chain of equal contents and equal groups. The order of the units
 * depends on seed, purpose, content and group only, not on paths or the order of the samples.
 * `what` names the task in the message if memory is refused (CNN_ERROR_RUNTIME). Free with
 * cnn_units_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_units_find(const cnn_sample *samples, size_t count, uint64_t seed,
                                       cnn_random_purpose purpose, const char *what,
                                       cnn_units *units, cnn_error *error);
void cnn_units_free(cnn_units *units);

/* Counts the images of each class, and the units that hold images of it. */
void cnn_units_count(const cnn_units *units, size_t images[2], size_t holders[2]);

#endif
