/* A convolution of one image at a time (planar.h): the functions that layer_conv.c makes its
 * cnn_planar_ops of. */
#ifndef CNN_NN_PLANAR_CONV_H
#define CNN_NN_PLANAR_CONV_H

#include "nn/planar.h"

typedef struct cnn_planar_conv {
    int kernel, stride, top, left;
    bool padded;    /* on any side */
    bool depthwise; /* each channel has a filter of its own; else one group */
} cnn_planar_conv;

/* As in cnn_planar_ops. */
size_t cnn_planar_conv_packed_size(const cnn_node *node, const cnn_kernels *kernels,
                                   const cnn_planar_conv *conv);
void cnn_planar_conv_pack(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                          const float *parameters, float *packed);
size_t cnn_planar_conv_work_size(const cnn_planar_layer *layer, const cnn_planar_conv *conv);
void cnn_planar_conv_forward(const cnn_planar_layer *layer, const cnn_planar_conv *conv,
                             const cnn_planar_pass *pass);

#endif
