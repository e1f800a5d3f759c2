/* A run that starts from a pretrained network (the config's `pretrained`): which of its layers are
 * frozen, which are trained, and how the layers of the config follow them. */
#ifndef CNN_RUN_PRETRAINED_START_H
#define CNN_RUN_PRETRAINED_START_H

#include "base/hash.h"
#include "model/model_file.h"
#include "model/pretrained.h"

/* The file's layers are frozen ones, whose output, the features, is computed once for each image,
 * then trained ones. Both parts may be empty. The network that is trained is the trained layers of
 * the file and those of the config; its input is the features, or the image if no layer is frozen.
 */
typedef struct cnn_start {
    cnn_pretrained *file;
    cnn_network_spec whole;   /* all layers of the file and the config */
    cnn_network_spec frozen;  /* a part of `whole`; a network whose result is features */
    cnn_network_spec trained; /* the rest of `whole` */
    cnn_graph graph;          /* of `whole` */
    /* [graph.parameter_count]: those of frozen layers, those of the file's trained layers, then
     * those of the config's layers, which are 0 here. */
    float *parameters;
    size_t frozen_count, slow_count; /* of the first two */
    /* A hash of the layers, weights and normalization that the run takes from the file. */
    cnn_hash128 hash;
    char *described; /* in a few words, for messages: the path, layers, and what is trained */
} cnn_start;

/* Reads config->pretrained.file, and checks that the config fits it. *start: NULL if the config
 * names no file. CNN_ERROR_MODEL for the file; CNN_ERROR_CONFIG for the images, for `layers`, whose
 * places in messages are those of the config, and for pretrained.train. The config must outlive the
 * result. Free with cnn_start_free. */
CNN_MUST_USE cnn_status cnn_start_create(const cnn_config *config, cnn_start **start,
                                         cnn_error *error);
void cnn_start_free(cnn_start *start); /* NULL is allowed */

/* Are the images of a run with this start features? False without a start. */
bool cnn_start_is_frozen(const cnn_start *start);

/* The layers of the network that is trained: those of the start, or of the config without one. */
const cnn_network_spec *cnn_start_network(const cnn_start *start, const cnn_config *config);

/* The weights that training starts with: those of the file, and the others from the seed. network:
 * of cnn_start_network. start: may be NULL. */
void cnn_start_weights(const cnn_start *start, const cnn_network *network, uint64_t seed,
                       float *parameters);

/* Writes a model (cnn_model_write) of all layers. config: of the run; trained: the parameters of
 * the network that is trained. */
CNN_MUST_USE cnn_status cnn_start_write_model(const cnn_start *start, const char *path,
                                              const cnn_config *config, const cnn_model_info *info,
                                              const float *trained, cnn_error *error);

/* Replaces the network of a model, which was read from `path`, by that of its layers after the
 * frozen ones: for images that are features. CNN_ERROR_MODEL if its frozen layers are not those of
 * the start. */
CNN_MUST_USE cnn_status cnn_start_take_trained(const cnn_start *start, const char *path,
                                               const cnn_kernels *kernels, cnn_model *model,
                                               cnn_error *error);

#endif
