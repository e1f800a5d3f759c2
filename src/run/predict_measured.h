/* Predicts files like cnn_predict_files (cnn/predict.h), and measures the images that it sees. */
#ifndef CNN_RUN_PREDICT_MEASURED_H
#define CNN_RUN_PREDICT_MEASURED_H

#include "image/quality.h"

#include "cnn/predict.h"

/* As cnn_predict_files. quality: [count], set for each image whose status is CNN_OK; NULL: nothing
 * is measured. */
CNN_MUST_USE cnn_status cnn_predict_measured(const cnn_predictor *predictor,
                                             const char *const *paths, size_t count, int threads,
                                             cnn_prediction *predictions,
                                             cnn_image_quality *quality, cnn_error *error);

#endif
