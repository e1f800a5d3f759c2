/* A trained network as prediction runs it: without the layers that only training knows, and with
 * batch normalization folded into the layer in front of it. */
#ifndef CNN_NN_INFERENCE_H
#define CNN_NN_INFERENCE_H

#include "nn/network.h"

typedef struct cnn_inference {
    cnn_network *network;
    float *parameters; /* [network->parameter_count] */
    int *source; /* [network->layer_count]: which layer of the trained network each one is … */
    int *normalizer; /* … and which of its layers is folded into it; -1: none */
} cnn_inference;

/* Does the network compute something else in prediction than in training? */
bool cnn_inference_differs(const cnn_network *trained);

/* Plans the network; cnn_inference_set gives it its parameters. Free with cnn_inference_free. */
CNN_MUST_USE cnn_status cnn_inference_create(const cnn_network *trained, cnn_inference **inference,
                                             cnn_error *error);
void cnn_inference_free(cnn_inference *inference);

/* From the parameters of the trained network. A batch normalization y = a x + b behind w x + c
 * makes it (a w) x + (a c + b), computed in double. Prepares the network. */
void cnn_inference_set(cnn_inference *inference, const cnn_network *trained,
                       const float *parameters);

#endif
