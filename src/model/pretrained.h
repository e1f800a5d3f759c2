/* A trained network from which another one starts: its layers without the classifier, and their
 * weights. */
#ifndef CNN_MODEL_PRETRAINED_H
#define CNN_MODEL_PRETRAINED_H

#include "config/config.h"
#include "model/safetensors.h"

typedef struct cnn_pretrained {
    /* The images that it was trained on, and how the network sees them (the image part, and
     * `normalize`). */
    cnn_config *config;
    double mean[3], deviation[3]; /* of x / 255, per channel; 0 and 1 if not standardized */
    /* Its layers up to, not including, the classifier: the last dense layer, the sigmoid after it
     * and dropout before it. There is at least one layer, and the output of the last is flat. */
    cnn_network_spec layers;
    /* Its tensors (cnn_saved_tensor_find), named by their layers' places: "0.weight". All numbers
     * are finite. A model's tensors include those of the classifier. */
    cnn_saved_file file;
    /* Where it is from, and its licence; NULL: the file does not say. */
    const char *source, *license;
} cnn_pretrained;

/* Reads a model (model_file.h), or a file of a network without a classifier, such as
 * data/pretrained.py writes. The latter differs from a model: the string `cnntrain.kind` is
 * "features"; the layers end with one whose output is flat, instead of dense and sigmoid; there are
 * neither classes nor threshold, but possibly the strings `cnntrain.source` and `cnntrain.license`.
 * No network is planned: memory is in proportion to the size of the file. CNN_ERROR_MODEL with a
 * message that starts with the path. Free with cnn_pretrained_free. */
CNN_MUST_USE cnn_status cnn_pretrained_read(const char *path, cnn_pretrained **pretrained,
                                            cnn_error *error);
void cnn_pretrained_free(cnn_pretrained *pretrained);

#endif
