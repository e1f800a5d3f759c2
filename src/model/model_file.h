/* model.bin: a trained network with everything needed to use it. */
#ifndef CNN_MODEL_MODEL_FILE_H
#define CNN_MODEL_MODEL_FILE_H

#include "config/config.h"

/* The data of a model, apart from its network. */
typedef struct cnn_model_info {
    char *classes[2];
    double mean[3], deviation[3]; /* of x / 255, per channel; 0 and 1 if not standardized */
    double temperature;           /* the logit is divided by this; 1 if not calibrated */
    double threshold;             /* class 1 if the probability is at least this, as float */
} cnn_model_info;

typedef struct cnn_model {
    cnn_model_info info;
    cnn_config *config;   /* its image and network parts */
    cnn_network *network; /* the network for prediction (nn/network.h) … */
    float *parameters;    /* … and its parameters, [network->parameter_count] */
} cnn_model;

/* Writes a safetensors file (safetensors.h) whose tensors are named and shaped as those of a
 * PyTorch nn.Sequential of the same layers: "0.weight" [out, in, kh, kw], "0.bias" [out], … The
 * string `cnntrain.config` contains image, layers, classes, normalization, threshold, and
 * CNN_IMAGE_PIXELS (load.h) as "pixels", as JSON, the ends of image.range "stretch" ("range": [low,
 * high]), and the temperature if it is not 1. */
CNN_MUST_USE cnn_status cnn_model_write(const char *path, const cnn_config *config,
                                        const cnn_model_info *info, const cnn_network *network,
                                        const float *parameters, cnn_error *error);

/* Reads such a file and plans its network for `kernels`, prepared with its parameters.
 * CNN_ERROR_MODEL with a message that starts with the path, also if the network was trained with
 * other pixels than this version makes. Free with cnn_model_free. */
CNN_MUST_USE cnn_status cnn_model_read(const char *path, const cnn_kernels *kernels,
                                       cnn_model **model, cnn_error *error);
void cnn_model_free(cnn_model *model);

#endif
