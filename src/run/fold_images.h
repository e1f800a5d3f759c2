/* The images of a k-fold cross-validation: read once, and the fold of each. */
#ifndef CNN_RUN_FOLD_IMAGES_H
#define CNN_RUN_FOLD_IMAGES_H

#include "config/config.h"
#include "samples/dataset.h"

#include "cnn/options.h"

typedef struct cnn_fold_images {
    cnn_dataset *dataset;
    int folds;
    int *fold;           /* [dataset->count], from 0 */
    cnn_reading reading; /* of the options, which must outlive this */
} cnn_fold_images;

/* Checks that the config can be used with --folds. CNN_ERROR_CONFIG if it names validation or test
 * images: every fold is the test set of one run, and data.validation is the share of the other
 * folds' images that is held back to choose the epoch. */
CNN_MUST_USE cnn_status cnn_fold_images_check(const cnn_config *config, cnn_error *error);

/* Checks the config, reads the images of data.train and divides them into `folds` folds
 * (cnn_folds_assign, by train.seed). CNN_ERROR_DATA if a manifest assigns splits. Free with
 * cnn_fold_images_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_fold_images_load(const cnn_config *config,
                                             const cnn_common_options *options, int folds,
                                             cnn_fold_images *images, cnn_error *error);
void cnn_fold_images_free(cnn_fold_images *images);

/* Splits the dataset for the run that is tested on a fold, counted from 1. */
CNN_MUST_USE cnn_status cnn_fold_images_choose(const cnn_fold_images *images,
                                               const cnn_config *config, int fold,
                                               cnn_error *error);

/* Finds the ends of image.range "stretch" in the training images of the chosen fold, and loads the
 * pixels with them. Does nothing with another range. */
CNN_MUST_USE cnn_status cnn_fold_images_stretch(const cnn_fold_images *images,
                                                const cnn_config *config, cnn_error *error);

/* Loads the pixels with the ends of a model, unless they are loaded so already. */
CNN_MUST_USE cnn_status cnn_fold_images_see(const cnn_fold_images *images, const cnn_config *config,
                                            const cnn_range *ends, cnn_error *error);

#endif
