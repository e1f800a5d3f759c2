/* Measures a network on a set of labelled images. */
#ifndef CNN_RUN_EVALUATE_H
#define CNN_RUN_EVALUATE_H

#include "nn/minibatch.h"
#include "run/setup.h"
#include "stats/metrics_text.h"

/* The logits of images order[count] of the dataset, divided by setup->info.temperature, of the
 * network that the minibatch runs, which must be prepared with its parameters. Several processes
 * each predict the images that they hold, and all get all logits. CNN_ERROR_RUNTIME, for all, if
 * memory is refused. */
CNN_MUST_USE cnn_status cnn_predict_samples(const cnn_setup *setup, cnn_minibatch *minibatch,
                                            const float *parameters, const size_t *order,
                                            size_t count, float *logits, cnn_error *error);

/* Runs all images of a split through the network, which must be prepared with its parameters, and
 * measures. logits: [split_count], filled, divided by setup->info.temperature. metrics->count is 0
 * if the split has no images. */
CNN_MUST_USE cnn_status cnn_evaluate(const cnn_setup *setup, cnn_minibatch *minibatch,
                                     const float *parameters, cnn_split split, float *logits,
                                     cnn_metrics *metrics, cnn_error *error);

/* The same, with intervals. */
CNN_MUST_USE cnn_status cnn_evaluate_intervals(const cnn_setup *setup, cnn_minibatch *minibatch,
                                               const float *parameters, cnn_split split,
                                               float *logits, cnn_measured *measured,
                                               cnn_error *error);

#endif
