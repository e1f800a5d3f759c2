/* The ways to compute a convolution layer: conv_direct.c adds up all products (any kernel, stride
 * and number of groups); conv_winograd.c avoids most of the multiplications (3×3, stride 1, one
 * group); conv_depthwise.c is for groups of one channel and one filter. layer_conv.c chooses. */
#ifndef CNN_NN_CONV_PLAN_H
#define CNN_NN_CONV_PLAN_H

#include "nn/padding.h"

/* A convolution's numbers, from its layer's spec. */
typedef struct cnn_conv_size {
    int kernel, stride, groups;
    cnn_padding padding;
} cnn_conv_size;

typedef struct cnn_conv_direct cnn_conv_direct;
typedef struct cnn_conv_winograd cnn_conv_winograd;

/* --- direct --- */

/* Rows and columns of zeros around the input and around the output's gradient. */
void cnn_conv_direct_input_border(const cnn_node *node, const cnn_conv_size *size, int *before,
                                  int *after);
void cnn_conv_direct_gradient_border(const cnn_node *node, const cnn_conv_size *size, int *before,
                                     int *after);

/* Builds the plan for a layer whose blocks are known; NULL when memory is refused. */
cnn_conv_direct *cnn_conv_direct_create(const cnn_layer *layer, const cnn_conv_size *size);
void cnn_conv_direct_free(cnn_conv_direct *plan);

/* Prepares new weights, [filters][channels / groups][kernel][kernel]: one of `parts` parts of the
 * work. */
void cnn_conv_direct_prepare(const cnn_layer *layer, const cnn_conv_direct *plan,
                             const float *weights, int part, int parts);

/* Does backward take the gradient of the pooled output? Only if no dx is needed. */
bool cnn_conv_direct_unpools(const cnn_node *node);

/* One block, as the operations of layer.h. places: of the maxima, if pooling is fused. bias, db:
 * NULL if there is none. */
void cnn_conv_direct_forward(const cnn_layer *layer, const cnn_conv_direct *plan, const float *bias,
                             const float *x, float *y, float *places);
void cnn_conv_direct_backward(const cnn_layer *layer, const cnn_conv_direct *plan, const float *x,
                              const float *dy, const float *places, float *dw, float *db,
                              float *dx);

/* --- depthwise: as many groups as channels and as filters --- */

/* Can it compute this layer? */
bool cnn_conv_depthwise_serves(const cnn_node *node, const cnn_conv_size *size);

/* As above. Nothing is planned or prepared: weights are used as they are. */
void cnn_conv_depthwise_input_border(const cnn_node *node, const cnn_conv_size *size, int *before,
                                     int *after);
void cnn_conv_depthwise_gradient_border(const cnn_node *node, const cnn_conv_size *size,
                                        int *before, int *after);
void cnn_conv_depthwise_forward(const cnn_layer *layer, const cnn_conv_size *size,
                                const float *weights, const float *bias, const float *x, float *y);
void cnn_conv_depthwise_backward(const cnn_layer *layer, const cnn_conv_size *size,
                                 const float *weights, const float *x, const float *dy, float *dw,
                                 float *db, float *dx);

/* --- Winograd --- */

/* Can it compute this layer, and is it faster? Depends only on the shape of the layer, so that
 * every machine makes the same choice. */
bool cnn_conv_winograd_serves(const cnn_node *node, const cnn_conv_size *size);

/* As above. The gradient needs no border. */
void cnn_conv_winograd_input_border(const cnn_node *node, const cnn_conv_size *size, int *before,
                                    int *after);

/* Floats that a pass over one block needs for itself. */
size_t cnn_conv_winograd_work_size(const cnn_node *node, const cnn_conv_size *size);

/* As above. If pooling is fused, backward takes the gradient of the pooled output, and `places`. */
cnn_conv_winograd *cnn_conv_winograd_create(const cnn_layer *layer, const cnn_conv_size *size);
void cnn_conv_winograd_free(cnn_conv_winograd *plan);
void cnn_conv_winograd_prepare(const cnn_layer *layer, const cnn_conv_winograd *plan,
                               const float *weights, int part, int parts);
void cnn_conv_winograd_forward(const cnn_layer *layer, const cnn_conv_winograd *plan,
                               const float *bias, const float *x, float *y, float *places,
                               float *work);
void cnn_conv_winograd_backward(const cnn_layer *layer, const cnn_conv_winograd *plan,
                                const float *x, const float *dy, const float *places, float *work,
                                float *dw, float *db, float *dx);

#endif
