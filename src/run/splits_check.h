/* Do the splits have the images that the config needs? */
#ifndef CNN_RUN_SPLITS_CHECK_H
#define CNN_RUN_SPLITS_CHECK_H

#include "config/config.h"
#include "samples/dataset.h"

/* Can what the config wants be chosen on the validation images: the best epoch, temperature and
 * threshold? CNN_ERROR_CONFIG or CNN_ERROR_DATA if not. */
CNN_MUST_USE cnn_status cnn_splits_check(const cnn_config *config, const cnn_dataset *dataset,
                                         cnn_error *error);

/* Lets a reading make this check on the list of images, before one is read, unless images of the
 * list will be held back. The config must outlive the reading. */
void cnn_splits_check_list(const cnn_config *config, cnn_reading *reading);

#endif
