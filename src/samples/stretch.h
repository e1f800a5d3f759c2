/* image.range "stretch": finds its ends in the training images. */
#ifndef CNN_SAMPLES_STRETCH_H
#define CNN_SAMPLES_STRETCH_H

#include "samples/dataset.h"

/* Reads all training images among samples[count] on the threads of `reading`, and sets *ends to the
 * percentiles of their values (cnn_histogram_range). Images that cannot be read are left out.
 * CNN_ERROR_RUNTIME, CNN_STOPPED. */
CNN_MUST_USE cnn_status cnn_stretch_find(const cnn_sample *samples, size_t count,
                                         const cnn_image_settings *image,
                                         const cnn_reading *reading, cnn_range *ends,
                                         cnn_error *error);

/* Finds the ends in the images that are training images now, logs them, and loads the pixels of all
 * samples anew with them. Does nothing unless the dataset's range is CNN_RANGE_STRETCH. Errors as
 * those of cnn_dataset_load_again. */
CNN_MUST_USE cnn_status cnn_dataset_stretch(cnn_dataset *dataset, const cnn_data_settings *data,
                                            const cnn_reading *reading, cnn_error *error);

#endif
