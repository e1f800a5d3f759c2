/* model.bin: a trained network with everything needed to use it. */
#ifndef CNN_MODEL_MODEL_FILE_H
#define CNN_MODEL_MODEL_FILE_H

#include "config/config.h"
#include "model/safetensors.h"

/* The data of a model, apart from its network. */
typedef struct cnn_model_info {
    char *classes[2];
    double mean[3], deviation[3]; /* of x / 255, per channel; 0 and 1 if not standardized */
    double temperature;           /* the logit is divided by this; 1 if not calibrated */
    double threshold;             /* class 1 if the probability is at least this, as float */
} cnn_model_info;

/* How a byte of a channel becomes what the network sees: x scale + shift, for exports. */
void cnn_model_normalization(const cnn_model_info *info, int channel, float *scale, float *shift);

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
 * high]), and the temperature if it is not 1. graph: of config->network, with its parameters,
 * [graph->parameter_count]. */
CNN_MUST_USE cnn_status cnn_model_write(const char *path, const cnn_config *config,
                                        const cnn_model_info *info, const cnn_graph *graph,
                                        const float *parameters, cnn_error *error);

/* The same, with the string `cnntrain.source`: where the network is from; NULL: without it. If
 * there are no classes (NULL), the network has no classifier: the file is one to start from
 * (pretrained.h). */
CNN_MUST_USE cnn_status cnn_model_write_from(const char *path, const char *source,
                                             const cnn_config *config, const cnn_model_info *info,
                                             const cnn_graph *graph, const float *parameters,
                                             cnn_error *error);

/* Reads such a file and plans its network for prediction by `kernels`. It is prepared with its
 * parameters, unless cnn_inference_prefers_planes: inference then prepares its own weights, and a
 * caller that runs network->plan calls cnn_network_prepare first. CNN_ERROR_MODEL with a message
 * that starts with the path, also if the network was trained with pixels that differ from those of
 * this version. Free with cnn_model_free. */
CNN_MUST_USE cnn_status cnn_model_read(const char *path, const cnn_kernels *kernels,
                                       cnn_model **model, cnn_error *error);
void cnn_model_free(cnn_model *model);

/* Replaces the network of a model by that of the layers `spec`, with these parameters of the
 * network that was trained, and prepares it for prediction. */
CNN_MUST_USE cnn_status cnn_model_replace_network(cnn_model *model, const cnn_network_spec *spec,
                                                  const cnn_kernels *kernels,
                                                  const float *parameters, cnn_error *error);

/* --- for code that reads such files, and files of networks without a classifier --- */

/* *features: the file is a network without a classifier: the string `cnntrain.kind` is "features".
 * CNN_ERROR_MODEL for any other kind. */
CNN_MUST_USE cnn_status cnn_model_read_kind(const cnn_saved_file *file, bool *features,
                                            cnn_error *error);

/* Reads the string `cnntrain.config` into the config's image and network parts and *info, both
 * zeroed before. features: without classes and threshold; the layers then get a classifier, dense 1
 * and sigmoid, that has no tensors in the file. The caller frees what is in them on failure, too.
 */
CNN_MUST_USE cnn_status cnn_model_read_config(const cnn_saved_file *file, bool features,
                                              cnn_config *config, cnn_model_info *info,
                                              cnn_error *error);

/* Fails unless the file contains the tensors of the first node_count nodes, by name and shape, and
 * no others. */
CNN_MUST_USE cnn_status cnn_model_compare_tensors(const cnn_saved_file *file,
                                                  const cnn_graph *graph, int node_count,
                                                  cnn_error *error);

/* Copies the tensors of the first node_count nodes, which the file contains
 * (cnn_model_compare_tensors), into the graph's flat parameters. */
void cnn_model_copy_tensors(const cnn_saved_file *file, const cnn_graph *graph, int node_count,
                            float *parameters);

/* Fails if one of weights[count] is NaN or infinite. */
CNN_MUST_USE cnn_status cnn_model_check_finite(const float *weights, size_t count,
                                               cnn_error *error);

/* Completes the error of a file that was refused: the path before the message; any status but
 * CNN_ERROR_RUNTIME becomes CNN_ERROR_MODEL. Returns the status. */
cnn_status cnn_model_refuse(const char *path, cnn_status status, cnn_error *error);

#endif
