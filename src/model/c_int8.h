/* A network in integers of 8 bits: its steps, as c_quantize.c makes them from a model and
 * c_int8_run.c and c_int8_source.c read them.
 *
 * A value q stands for (q - zero) scale. Weights have one scale for each filter and no zero; sums
 * are exact in 32 bits. Arithmetic: c_int8_functions.inc. */
#ifndef CNN_MODEL_C_INT8_H
#define CNN_MODEL_C_INT8_H

#include "model/c_places.h"
#include "model/model_file.h"

typedef enum cnn_int8_kind {
    CNN_INT8_IMAGE,     /* bytes become values, by table[channels][256] */
    CNN_INT8_CONVOLVE,  /* conv and dense, … */
    CNN_INT8_DEPTHWISE, /* … those with a filter for each channel, and a batchnorm alone */
    CNN_INT8_MAXIMUM,   /* maxpool */
    CNN_INT8_AVERAGE,   /* avgpool, global_avgpool */
    CNN_INT8_LOOK_UP,   /* a function of single values, by table[256] */
    CNN_INT8_ADD,       /* the sum of a residual */
    CNN_INT8_TRANSPOSE, /* flatten, where the order of its values matters */
    CNN_INT8_SAME,      /* flatten before a dense layer, whose weights have that order */
    CNN_INT8_LOGIT,     /* the last dense layer: a sum in 32 bits, not a value */
} cnn_int8_kind;

/* Windows, as in c_int8_functions.inc. */
typedef struct cnn_int8_window {
    int height, width, channels, zero, kernel_height, kernel_width, stride, top, left, out_height,
        out_width, filters, groups, pool;
} cnn_int8_window;

typedef struct cnn_int8_step {
    cnn_int8_kind kind;
    const cnn_node *node; /* of the network's fused graph */
    size_t size;          /* of its value, in bytes */
    double scale;         /* of its value, or of the logit's sum */
    int zero, low, high;  /* its value is from low to high */
    cnn_int8_window window;
    int8_t *weight; /* [weight_count], or a table */
    size_t weight_count;
    int32_t *bias, *multiplier; /* [channels]; of ADD: multiplier[2], of its inputs */
    uint8_t *shift;             /* [channels]; of ADD: [1] */
    size_t channels;
} cnn_int8_step;

typedef struct cnn_int8_network {
    const cnn_model *model;
    cnn_int8_step *steps; /* [count], one for each node of the fused graph from the image on */
    int count;
    cnn_c_places places;      /* of their values, in one buffer of bytes */
    int32_t logit_multiplier; /* of `probability`; the temperature is in it */
    int logit_shift;
} cnn_int8_network;

/* The values that a node has for images. */
typedef struct cnn_int8_range {
    double low, high;
} cnn_int8_range;

/* Quantizes a model. ranges: [nodes of model->network->fused]. The network refers to the model,
 * which must outlive it. Free with cnn_int8_network_free. CNN_ERROR_CONFIG for a layer that has no
 * form in integers; CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_int8_network_create(const cnn_model *model,
                                                const cnn_int8_range *ranges,
                                                cnn_int8_network **network, cnn_error *error);
void cnn_int8_network_free(cnn_int8_network *network); /* NULL is allowed */

/* The step whose value a step reads as its input 0 or 1. */
static inline const cnn_int8_step *cnn_int8_input(const cnn_int8_network *network, int step,
                                                  int input) {
    return &network->steps[network->steps[step].node->input[input]];
}

/* An attribute of a node as an integer, or `missing`. */
int cnn_int8_attribute(const cnn_node *node, const char *name, int missing);

/* Runs it: pixels [height][width][channels], buffer [places.size]. *logit: the sum of the last
 * layer. Returns the probability of class 1. */
float cnn_int8_run(const cnn_int8_network *network, const uint8_t *pixels, int8_t *buffer,
                   int32_t *logit);

#endif
