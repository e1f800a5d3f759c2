/* The networks that the recipe of --init chooses from, as layers of a config. */
#ifndef CNN_INSPECT_RECIPE_NETWORK_H
#define CNN_INSPECT_RECIPE_NETWORK_H

#include "base/json_writer.h"

#include <stdbool.h>

enum { CNN_RECIPE_STAGES_MAX = 5 };

/* Stages, then the mean of each channel, dropout, and a dense layer with one unit. A stage is a 3×3
 * convolution, batchnorm and relu; in the last stages also a residual of twice the same; and
 * max-pooling, which halves the sides. Such small residual networks, with pooling early and few
 * filters where the image is large, learn fast for the time they take (He et al., "Deep residual
 * learning for image recognition", 2015; Page, "How to train your ResNet", 2018). */
typedef struct cnn_recipe_network {
    int side; /* of the square to which images are stretched; 0: their median size */
    int filters[CNN_RECIPE_STAGES_MAX]; /* of each stage; 0: there is none, nor after it. Without
                                         * any, the input is features, which are flat */
    int residuals;                      /* the last stages that have one */
    bool halves;                        /* the first convolution is 5×5 with stride 2 */
    size_t images_min;                  /* to train on; with fewer, a smaller network does */
    double rate; /* operations of training per second, measured on two cores; see recipe.c */
} cnn_recipe_network;

/* Writes the value of the key "layers". dropout: the rate before the dense layer. */
void cnn_recipe_write_layers(const cnn_recipe_network *network, double dropout,
                             cnn_json_writer *json);

#endif
