/* One step of training: a mini-batch's gradients, and the weights moved against them. */
#ifndef CNN_NN_STEP_H
#define CNN_NN_STEP_H

#include "nn/minibatch.h"
#include "nn/optimizer.h"

/* The data of a step; the caller owns everything. */
typedef struct cnn_step {
    cnn_network *network; /* the one that minibatch runs */
    cnn_minibatch *minibatch;
    const cnn_optimizer *optimizer;
    cnn_draw draw; /* of this step */
    double learning_rate;
    int64_t number;         /* of the step, from 1 */
    double clip_norm;       /* longer gradients are shortened to this; 0: never */
    size_t slow_count;      /* the first parameters, whose rate is … */
    double slow_factor;     /* … this times learning_rate */
    double ema_decay;       /* of the average */
    double threshold;       /* an image is of class 1 if its probability is at least this */
    float *parameters;      /* [parameter_count] */
    float *optimizer_state; /* [cnn_optimizer_state_size * parameter_count] */
    float *average;         /* [parameter_count]: of the parameters; NULL: none is kept */
    float *logits;          /* [the largest m], overwritten */
    uint8_t *labels;        /* [the largest m], overwritten */
    const float *gradients; /* [parameter_count]: between the two halves of a step */
} cnn_step;

/* First half of a step: each image of the batch, first … first + m - 1 of the source, forward
 * through the network, its loss, and backward. Gradients of the minibatch's objective are kept for
 * the second half. Returns the sum of the images' losses by that objective. *right: number of
 * images that are classified correctly. */
double cnn_step_gradients(cnn_step *step, const cnn_sample_source *source, size_t first, size_t m,
                          int64_t *right);

/* Second half: gradients are clipped; the optimizer moves the weights, of which the tensors decay
 * that are marked so; then running averages of layers and the average of the weights are updated.
 */
void cnn_step_update(const cnn_step *step);

/* Both halves. If the loss is not finite, the weights are not changed. */
double cnn_step_run(cnn_step *step, const cnn_sample_source *source, size_t first, size_t m,
                    int64_t *right);

#endif
