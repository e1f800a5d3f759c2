/* Which training images an epoch uses if both classes are to occur equally often. */
#ifndef CNN_SAMPLES_SAMPLING_H
#define CNN_SAMPLES_SAMPLING_H

#include "samples/dataset.h"

/* The images of each class in a balanced epoch: an epoch has as many images as the training set,
 * half of them from each class (if the number is odd, one more from class 1). */
typedef struct cnn_sampling_plan {
    size_t images[2]; /* images drawn from each class */
    size_t rounds[2]; /* each image of the class is drawn this often … */
    size_t extra[2];  /* … and this many images once more */
} cnn_sampling_plan;

cnn_sampling_plan cnn_sampling_plan_make(const cnn_dataset *dataset);

/* drawn[split_count[TRAIN]]: sample indices in the order of files, copies next to each other. The
 * images that are drawn once more than others of their class are chosen again in every epoch
 * (counted from 1), as a pure function of seed and epoch. Fails if memory is refused. */
CNN_MUST_USE cnn_status cnn_sampling_draw(const cnn_dataset *dataset, uint64_t seed, int64_t epoch,
                                          size_t *drawn, cnn_error *error);

#endif
