/* Images that look alike without being the same: they differ in size, compression or brightness. */
#ifndef CNN_SAMPLES_NEAR_COPIES_H
#define CNN_SAMPLES_NEAR_COPIES_H

#include "image/facts.h"
#include "samples/list.h"

typedef struct cnn_near_copy {
    int distance;     /* bits that differ; -1: there is no near-copy */
    size_t nearest;   /* the nearest of those with the other label; if there are none, of those in
                       * another split; else of all */
    bool other_label; /* a near-copy has the other label */
    bool other_split; /* a near-copy is in another split */
} cnn_near_copy;

/* Fills in near[count]: the images whose perceptual hashes differ in at most CNN_NEAR_COPY_BITS.
 * Exact copies and constant images do not count. On up to `threads` threads. CNN_ERROR_RUNTIME if
 * memory is refused. */
CNN_MUST_USE cnn_status cnn_near_copies_find(const cnn_sample *samples,
                                             const cnn_image_facts *facts, size_t count,
                                             int threads, cnn_near_copy *near, cnn_error *error);

#endif
