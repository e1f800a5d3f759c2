/* A model in 8 bits, made with images and measured on others. */
#ifndef CNN_MODEL_C_INT8_MEASURE_H
#define CNN_MODEL_C_INT8_MEASURE_H

#include "model/c_int8.h"

#include "cnn/convert.h"

/* Makes the network in 8 bits of a model, with scales from some of the images at paths[count], and
 * measures it on the others (c_int8_images.h). Images that cannot be read are counted and left out.
 * Results are the same for any number of threads. Free *network with cnn_int8_network_free.
 * CNN_ERROR_DATA if there are too few images, or all that set the scales are unreadable. */
CNN_MUST_USE cnn_status cnn_int8_make(const cnn_model *model, const char *const *paths,
                                      size_t count, int threads, cnn_int8_network **network,
                                      cnn_int8_result *result, cnn_error *error);

#endif
