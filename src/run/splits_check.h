/* Checks that the splits have the images that the config needs. */
#ifndef CNN_RUN_SPLITS_CHECK_H
#define CNN_RUN_SPLITS_CHECK_H

#include "config/config.h"
#include "samples/dataset.h"

/* CNN_ERROR_CONFIG or CNN_ERROR_DATA if the best epoch, the temperature or the threshold is to be
 * chosen on the validation images, and these do not allow it. */
CNN_MUST_USE cnn_status cnn_splits_check(const cnn_config *config, const cnn_dataset *dataset,
                                         cnn_error *error);

/* Lets a reading make this check on the list of images, before one is read, unless images of the
 * list will be held back. The config must outlive the reading. */
void cnn_splits_check_list(const cnn_config *config, cnn_reading *reading);

#endif
