/* One step of training: a mini-batch's gradients, and the weights moved against them. */
#ifndef CNN_NN_STEP_H
#define CNN_NN_STEP_H

#include "nn/minibatch.h"
#include "nn/optimizer.h"

/* What a step works on; everything is the caller's. */
typedef struct cnn_step {
    cnn_network *network; /* the one that minibatch runs */
    cnn_minibatch *minibatch;
    const cnn_optimizer *optimizer;
    cnn_draw draw; /* of this step */
    double learning_rate;
    int64_t number;         /* of the step, from 1 */
    double clip_norm;       /* gradients longer than this are cut to it; 0: none are */
    double ema_decay;       /* of the average */
    double threshold;       /* the probability from which an image counts as class 1 */
    float *parameters;      /* [parameter_count] */
    float *optimizer_state; /* [cnn_optimizer_state_size * parameter_count] */
    float *average;         /* [parameter_count]: of the parameters; NULL: none is kept */
    float *logits;          /* [the largest m], overwritten */
    uint8_t *labels;        /* [the largest m], overwritten */
} cnn_step;

/* Trains on the m images at first … first + m - 1 of the source: gradients of the minibatch's
 * objective, clipped; the optimizer's step, in which the tensors decay that are marked so; what
 * follows the batches; the weights' average. Returns the sum of the images' losses by that
 * objective before the step; where it is not finite, the weights stay as they are. *right: how many
 * of them the network had right. */
double cnn_step_run(const cnn_step *step, const cnn_sample_source *source, size_t first, size_t m,
                    int64_t *right);

#endif
