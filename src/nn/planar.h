/* A network for prediction, one image at a time.
 *
 * Blocks (kernels/kernels.h) hold 16 images. Of a large image, one block has tens of megabytes of
 * activations, and a single image uses one lane of 16. Here, an activation is one image's planes,
 * float x[C][plane stride]: the rows of a plane follow each other without a border, and lanes are
 * neighbouring pixels. Every output is the sum of the same products in the same order as in a
 * block, so that results are the same bytes. */
#ifndef CNN_NN_PLANAR_H
#define CNN_NN_PLANAR_H

#include "nn/network.h"

typedef struct cnn_planar cnn_planar;

/* Can every layer be computed so? Not those that use Winograd's algorithm, which adds in another
 * order, nor those without cnn_planar_ops. */
bool cnn_planar_serves(const cnn_network *network);

/* Plans a network for prediction (cnn_network_create_prediction, or a network that does not differ
 * in prediction), which must live longer. *planar is NULL if cnn_planar_serves is false.
 * CNN_ERROR_RUNTIME if memory is refused. Free with cnn_planar_free. */
CNN_MUST_USE cnn_status cnn_planar_create(const cnn_network *network, cnn_planar **planar,
                                          cnn_error *error);
void cnn_planar_free(cnn_planar *planar);

/* To be called after parameters have changed, before the next pass; not while passes run. */
void cnn_planar_prepare(cnn_planar *planar, const float *parameters);

/* Floats of a workspace; the size of one thread's memory. */
size_t cnn_planar_workspace_size(const cnn_planar *planar);
/* Zeroed; NULL when memory is refused. Free with cnn_free. */
float *cnn_planar_workspace(const cnn_planar *planar);

/* Where to write the image: x[C][*plane_stride], rows without gaps. */
float *cnn_planar_input(const cnn_planar *planar, float *workspace, size_t *plane_stride);

/* Computes the result for the image in the workspace, laid out as any activation: the logit, or
 * features. It is there until the next pass. */
const float *cnn_planar_forward(const cnn_planar *planar, const float *parameters,
                                float *workspace);

/* --- for layers --- */

/* Floats from a channel to the next: the plane, and room for whole vectors after its last row. A
 * flat shape is one plane. */
size_t cnn_planar_stride(const cnn_shape *shape);
/* Floats of an activation. */
size_t cnn_planar_size(const cnn_shape *shape);

/* A node as planned. */
typedef struct cnn_planar_layer {
    const cnn_node *node;
    const cnn_kernels *kernels;
    cnn_shape in, out; /* of the first input, and of what it stores */
    ptrdiff_t x_stride, y_stride;
} cnn_planar_layer;

typedef struct cnn_planar_pass {
    const float *parameters; /* the layer's own */
    const float *packed;     /* what pack has written */
    const float *x[CNN_NODE_INPUTS_MAX];
    float *y;
    float *work; /* scratch, uninitialised */
} cnn_planar_pass;

/* What a type of layer needs for one image at a time: the member `planar` of its row. */
struct cnn_planar_ops {
    /* Can the node be computed so, with the same bytes as in a block? NULL: always. */
    bool (*serves)(const cnn_node *node);
    /* Floats of packed parameters, and packing. NULL: none. */
    size_t (*packed_size)(const cnn_node *node, const cnn_kernels *kernels);
    void (*pack)(const cnn_planar_layer *layer, const float *parameters, float *packed);
    /* Floats of scratch space. NULL: none. */
    size_t (*work_size)(const cnn_planar_layer *layer);
    void (*forward)(const cnn_planar_layer *layer, const cnn_planar_pass *pass);
};

/* For layers that map values to values at the same place: runs ops->forward on blocks of which each
 * row is a plane. A flat shape is one plane, so its channels are not told apart. */
void cnn_planar_forward_elementwise(const cnn_planar_layer *layer, const cnn_planar_pass *pass);
extern const cnn_planar_ops cnn_planar_elementwise;

/* Windows of kernel × kernel values, `stride` apart, on a plane with `outside` around it. */
typedef struct cnn_planar_slide {
    int kernel, stride, top, left; /* the first window starts above and to the left of the plane */
    float outside;
    cnn_shape in, out;
} cnn_planar_slide;

/* Planes are copied with what is around them, and divided among stride × stride phases, so that
 * neighbouring windows read neighbouring values: value (h, w) is in phase (h mod stride, w mod
 * stride). */
typedef struct cnn_planar_phases {
    cnn_planar_slide slide;
    cnn_planar_window window;
    int rows, columns; /* of a phase */
    size_t size;       /* floats of a phase, and of what is read after it */
    float *values;     /* [stride * stride][size] */
} cnn_planar_phases;

/* Floats of scratch space for the phases of a plane. */
size_t cnn_planar_phases_size(const cnn_planar_slide *slide);
/* Starts with `outside` everywhere, in work[cnn_planar_phases_size]. */
void cnn_planar_phases_start(const cnn_planar_slide *slide, float *work, cnn_planar_phases *phases);
/* Copies a plane into its phases. */
void cnn_planar_phases_fill(const cnn_planar_phases *phases, const cnn_kernels *kernels,
                            const float *plane);

#endif
