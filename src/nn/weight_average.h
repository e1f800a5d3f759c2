/* The exponential moving average of the weights, which generalizes better than the weights of any
 * one step (Polyak and Juditsky 1992; in this form TensorFlow's ExponentialMovingAverage). */
#ifndef CNN_NN_WEIGHT_AVERAGE_H
#define CNN_NN_WEIGHT_AVERAGE_H

#include "base/parallel.h"

#include <stddef.h>
#include <stdint.h>

/* The decay after step `number` (from 1): min(decay, (1 + number) / (10 + number)), so that the
 * starting weights are soon forgotten. */
double cnn_weight_average_decay(double decay, int64_t number);

/* average = decay average + (1 - decay) parameters, as average + (1 - decay) (parameters -
 * average): equal weights stay equal, to the last bit. All [count]. pool: threads to share the
 * work, or NULL. */
void cnn_weight_average_update(cnn_thread_pool *pool, double decay, size_t count,
                               const float *parameters, float *average);

#endif
