/* The inside of a cnn_predictor (cnn/predict.h), for code that looks into its network. */
#ifndef CNN_RUN_PREDICTOR_H
#define CNN_RUN_PREDICTOR_H

#include "model/model_file.h"
#include "samples/dataset.h"

#include "cnn/predict.h"

/* Both are owned by the predictor. */
const cnn_model *cnn_predictor_model(const cnn_predictor *predictor);
const cnn_pixel_table *cnn_predictor_table(const cnn_predictor *predictor);

/* Fills the logit and probability of a prediction from the output of the network, or its status and
 * reason if that is not a number. */
void cnn_prediction_set(const cnn_predictor *predictor, float output, cnn_prediction *prediction);

/* Fills status and reason from an error. */
void cnn_prediction_fail(cnn_status status, const cnn_error *error, cnn_prediction *prediction);

#endif
