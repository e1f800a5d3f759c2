/* A convolution of one image at a time (single.h): the functions that layer_conv.c makes its
 * cnn_single_ops of. */
#ifndef CNN_NN_SINGLE_CONV_H
#define CNN_NN_SINGLE_CONV_H

#include "nn/single.h"

typedef struct cnn_single_conv {
    int kernel, stride, top, left;
    bool depthwise; /* each channel has its own filter; else one group */
} cnn_single_conv;

/* As in cnn_single_ops. */
int cnn_single_conv_makes_channels(const cnn_node *node, const cnn_kernels *kernels,
                                   const cnn_single_conv *conv);
size_t cnn_single_conv_packed_size(const cnn_node *node, const cnn_kernels *kernels,
                                   const cnn_single_conv *conv);
void cnn_single_conv_pack(const cnn_layer *layer, const cnn_single_conv *conv,
                          const float *parameters, float *packed);
void cnn_single_conv_find_offsets(const cnn_layer *layer, const cnn_single_conv *conv,
                                  int32_t *offsets);
size_t cnn_single_conv_work_size(const cnn_layer *layer);
void cnn_single_conv_forward(const cnn_layer *layer, const cnn_single_conv *conv,
                             const cnn_single_pass *pass);

#endif
