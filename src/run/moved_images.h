/* A run whose images have moved: content decides, not the path. */
#ifndef CNN_RUN_MOVED_IMAGES_H
#define CNN_RUN_MOVED_IMAGES_H

#include "base/text.h"
#include "samples/dataset.h"

/* Brings the samples of the dataset, and fold with them, into the order of the table that the run
 * wrote when it was started: split.csv of a run, or that of a cross-validation (fold is NULL or
 * [dataset->count], the fold of each sample, counted from 0). A row matches an image with its
 * content, label, and split or fold. Paths and groups do not count: files may have moved, or have
 * other names. Images that are equal in all three are interchangeable.
 *
 * *difference (free with cnn_text_free) is empty if every row has an image and every image a row.
 * Otherwise nothing is changed, and it names the first row without an image, and the first image
 * without a row. CNN_ERROR_RUNTIME if the table cannot be read. */
CNN_MUST_USE cnn_status cnn_moved_images_follow(const char *table, cnn_dataset *dataset, int *fold,
                                                cnn_text *difference, cnn_error *error);

#endif
