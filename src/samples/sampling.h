/* Chooses the training images of an epoch when both classes are to occur equally often
 * (data.sampling "balanced"). */
#ifndef CNN_SAMPLES_SAMPLING_H
#define CNN_SAMPLES_SAMPLING_H

#include "samples/dataset.h"

/* What a balanced epoch takes from each class. An epoch has as many images as the training set,
 * half of them from each class (if the number is odd, one more from class 1). */
typedef struct cnn_sampling_plan {
    size_t images[2]; /* drawn per class */
    size_t rounds[2]; /* how often every image of the class is drawn */
    size_t extra[2];  /* images of the class that are drawn once more */
} cnn_sampling_plan;

cnn_sampling_plan cnn_sampling_plan_make(const cnn_dataset *dataset);

/* drawn[split_count[TRAIN]]: set to sample indices in the order of files, repeated ones next to
 * each other. The images that are drawn once more are chosen anew in every epoch (from 1), as a
 * pure function of seed and epoch. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_sampling_draw(const cnn_dataset *dataset, uint64_t seed, int64_t epoch,
                                          size_t *drawn, cnn_error *error);

#endif
