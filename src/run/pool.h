/* The pool of a k-fold cross-validation: all images, read once, and the fold of each. */
#ifndef CNN_RUN_POOL_H
#define CNN_RUN_POOL_H

#include "config/config.h"
#include "samples/dataset.h"

#include "cnn/train.h"

typedef struct cnn_pool {
    cnn_dataset *dataset;
    int folds;
    int *fold; /* [dataset->count], from 0 */
} cnn_pool;

/* Reads the images of data.train and divides them into options->folds folds (cnn_folds_assign, by
 * train.seed). CNN_ERROR_CONFIG where the config names validation or test images of its own: every
 * fold is the test set of one run, and data.validation the share of the others' images that is held
 * back for choosing the epoch. CNN_ERROR_DATA where a manifest splits by itself. Free with
 * cnn_pool_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_pool_load(const cnn_config *config, const cnn_train_options *options,
                                      cnn_pool *pool, cnn_error *error);
void cnn_pool_free(cnn_pool *pool);

/* The first of that alone, which needs no images. */
CNN_MUST_USE cnn_status cnn_pool_check_config(const cnn_config *config, cnn_error *error);

#endif
