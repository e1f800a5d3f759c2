/* Weights of a network in integers of 8 bits: one scale for each filter (Krishnamoorthi,
 * "Quantizing deep convolutional networks for efficient inference: a whitepaper", 2018). */
#ifndef CNN_MODEL_C_QUANTIZE_WEIGHTS_H
#define CNN_MODEL_C_QUANTIZE_WEIGHTS_H

#include "model/c_int8.h"

/* A layer with weights, as if it were a convolution. */
typedef struct cnn_int8_weights {
    const float *weight, *bias; /* [filters][depth][kernel], [filters]; NULL: no bias */
    size_t filters, depth, kernel;
} cnn_int8_weights;

/* Quantizes the filters of a layer that reads values of in_scale, into the arrays of a step, which
 * it allocates; step->kind decides on the order of weights. out_scale: of the values that it
 * writes, which gives the multipliers; 0: it is the logit, whose sum stays as it is. *last_scale:
 * of the last filter. Sums fit into 32 bits. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_int8_quantize_filters(const cnn_int8_weights *weights, double in_scale,
                                                  double out_scale, cnn_int8_step *step,
                                                  double *last_scale, cnn_error *error);

/* Allocates the arrays of a step. False if memory is refused. */
bool cnn_int8_make_weights(cnn_int8_step *step, size_t weights, size_t channels);

/* factor = *multiplier / 2^*shift, to 31 bits, within what `narrow` of the functions can do: a
 * factor that is too large or too small becomes the nearest that it can. */
void cnn_int8_split_factor(double factor, int32_t *multiplier, int *shift);

/* The nearest integer, halves up, as the functions round. */
double cnn_int8_nearest(double x);

/* x, or the bound that it is beyond. */
double cnn_int8_limited(double x, double low, double high);

#endif
