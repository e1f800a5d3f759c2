/* Finds near-copies: images that look alike but differ in size, compression or brightness. */
#ifndef CNN_SAMPLES_NEAR_COPIES_H
#define CNN_SAMPLES_NEAR_COPIES_H

#include "image/facts.h"
#include "samples/list.h"

typedef struct cnn_near_copy {
    /* The nearest near-copy: of those with another label, if any; else of those in another split,
     * if any; else of all. */
    size_t nearest;
    int distance;     /* to it: number of bits that differ; -1: there is no near-copy */
    bool other_label; /* a near-copy has the other label */
    bool other_split; /* a near-copy is in another split */
} cnn_near_copy;

/* Fills in near[count]. Near-copies are images whose perceptual hashes differ in at most
 * CNN_NEAR_COPY_BITS bits, without exact copies and constant images. Uses up to `threads` threads.
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_near_copies_find(const cnn_sample *samples,
                                             const cnn_image_facts *facts, size_t count,
                                             int threads, cnn_near_copy *near, cnn_error *error);

#endif
