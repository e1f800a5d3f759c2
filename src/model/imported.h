/* A network that another program has trained, as layers and weights of this one: on the way from a
 * foreign file to a model file. */
#ifndef CNN_MODEL_IMPORTED_H
#define CNN_MODEL_IMPORTED_H

#include "model/model_file.h"

struct cJSON;

typedef struct cnn_imported {
    cnn_config *config; /* its image and network parts; without a classifier, network.features */
    /* classes: NULL without a classifier */
    cnn_model_info info;
    cnn_graph graph;   /* of config->network */
    float *parameters; /* of the graph, [graph.parameter_count], finite */
} cnn_imported;

/* Makes the network of `root`, an object with the keys `image` and `layers` of a config, called
 * `name` in messages. features: it has no classifier. Sets neither `info` nor parameters. Free with
 * cnn_imported_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_imported_plan(const char *name, const struct cJSON *root, bool features,
                                          cnn_imported *imported, cnn_error *error);

/* Sets the parameters: the tensors of `file`, which must be those of the layers, and finite. */
CNN_MUST_USE cnn_status cnn_imported_fill(cnn_imported *imported, const cnn_saved_file *file,
                                          cnn_error *error);
void cnn_imported_free(cnn_imported *imported);

/* Takes over mean and deviation, [channels], which decide about image.normalize. */
void cnn_imported_normalize(cnn_imported *imported, const double *mean, const double *deviation);

/* Names the classes, with which the network has a classifier: temperature 1, threshold 0.5. */
CNN_MUST_USE cnn_status cnn_imported_name_classes(cnn_imported *imported, const char *first,
                                                  const char *second, cnn_error *error);

/* Writes it as a model file, or, without a classifier, as a file to start from (pretrained.h).
 * source: what the file says about where it is from. */
CNN_MUST_USE cnn_status cnn_imported_write(const char *path, const cnn_imported *imported,
                                           const char *source, cnn_error *error);

#endif
