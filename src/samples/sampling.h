/* Which training images does an epoch go over, where the classes are to come equally often? */
#ifndef CNN_SAMPLES_SAMPLING_H
#define CNN_SAMPLES_SAMPLING_H

#include "samples/dataset.h"

/* What a balanced epoch takes of each class: an epoch has as many images as the training set, half
 * of them of each class (of an odd number, one more of class 1). */
typedef struct cnn_sampling_plan {
    size_t images[2]; /* drawn, of each class */
    size_t rounds[2]; /* times that each image of the class is drawn at least … */
    size_t extra[2];  /* … and images of it that are drawn once more */
} cnn_sampling_plan;

cnn_sampling_plan cnn_sampling_plan_make(const cnn_dataset *dataset);

/* drawn[split_count[TRAIN]]: sample indices in the order of files, copies next to each other. Which
 * images are drawn once more than others of their class is chosen anew every epoch (counted from
 * 1), a pure function of seed and epoch. Fails where memory is refused. */
CNN_MUST_USE cnn_status cnn_sampling_draw(const cnn_dataset *dataset, uint64_t seed, int64_t epoch,
                                          size_t *drawn, cnn_error *error);

#endif
