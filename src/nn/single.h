/* A network for prediction, one image at a time.
 *
 * Blocks (kernels/kernels.h) hold 16 images. Of a large image, one block has tens of megabytes of
 * activations, and a single image uses one lane of 16. Here, the lanes are 16 neighbouring
 * channels of one image: an activation is a cnn_block, float x[C / 16, rounded up][H][W][16], of
 * which lane i of channel b is the image's channel 16 b + i. What layers do to each lane by itself,
 * they do to such blocks as to others. Every output is the sum of the same products in the same
 * order as in a block of images, so that results are the same bytes. Lanes past the last channel
 * hold any values. A flat shape is one row of values, 16 of them in each channel. */
#ifndef CNN_NN_SINGLE_H
#define CNN_NN_SINGLE_H

#include "nn/network.h"

typedef struct cnn_single cnn_single;

/* Can every layer be computed so? Not those that use Winograd's algorithm, which adds in another
 * order, nor those without cnn_single_ops. */
bool cnn_single_serves(const cnn_network *network);

/* Plans a network for prediction (cnn_network_create_prediction, or a network that does not differ
 * in prediction), which must live longer. *single is NULL if cnn_single_serves is false.
 * CNN_ERROR_RUNTIME if memory is refused. Free with cnn_single_free. */
CNN_MUST_USE cnn_status cnn_single_create(const cnn_network *network, cnn_single **single,
                                          cnn_error *error);
void cnn_single_free(cnn_single *single);

/* To be called after parameters have changed, before the next pass; not while passes run. */
void cnn_single_prepare(cnn_single *single, const float *parameters);

/* Floats of a workspace; the size of one thread's memory. */
size_t cnn_single_workspace_size(const cnn_single *single);
/* Zeroed; NULL when memory is refused. Free with cnn_free. */
float *cnn_single_workspace(const cnn_single *single);

/* Where to write the image: value (0, 0, 0) of a block of one image (block->single), its planes. */
float *cnn_single_input(const cnn_single *single, float *workspace, const cnn_block **block);

/* Computes the result for the image in the workspace, the logit or features, as [C][H][W]. */
void cnn_single_forward(const cnn_single *single, const float *parameters, float *workspace,
                        float *result);

/* --- for layers --- */

/* Channels of the block for that many channels of an image. */
static inline int cnn_single_blocks(int channels) {
    return (channels + CNN_LANES - 1) / CNN_LANES;
}

/* Values of an activation as [C][H][W]. */
void cnn_single_values(const cnn_shape *shape, const cnn_block *block, const float *x, float *to);

/* A pass over one image. The layer's blocks are as above; the first input may be the image itself
 * (x_block[0].single), if the layer reads planes. */
typedef struct cnn_single_pass {
    const float *parameters; /* the layer's own */
    const float *packed;     /* what pack has written, aligned */
    const float *next;       /* packed weights that a later layer needs */
    const int32_t *offsets;  /* what find_offsets has written */
    const float *x[CNN_NODE_INPUTS_MAX];
    float *y;
    float *work; /* scratch, uninitialised, aligned */
    /* The channels and the rows of the output's block that are to be computed: all of them, unless
     * the layer makes or maps channels. y is the first value of these. */
    int first, count, row, rows;
} cnn_single_pass;

/* What a type of layer needs for one image at a time: the member `single` of its row. */
struct cnn_single_ops {
    /* Can the node be computed so, with the same bytes as in a block? NULL: always. */
    bool (*serves)(const cnn_node *node);
    /* Does it read the image as planes? NULL: no. */
    bool (*reads_planes)(const cnn_node *node);
    /* Can it compute some channels and rows of its output's block, from all of its input? Returns
     * of what number of channels; 0: it cannot. NULL: no. */
    int (*makes_channels)(const cnn_node *node, const cnn_kernels *kernels);
    /* Does each channel of its output's block depend on that channel of its input's block only, by
     * a window (filled in)? In a pass, x is then where the window of the first channel and row
     * starts, but for the window's top and left. NULL: no. */
    bool (*maps_channels)(const cnn_node *node, cnn_pool_window *window);
    /* Floats of packed parameters, and packing. NULL: none. */
    size_t (*packed_size)(const cnn_node *node, const cnn_kernels *kernels);
    void (*pack)(const cnn_layer *layer, const float *parameters, float *packed);
    /* Numbers that depend on the layer's blocks. NULL: none. */
    size_t (*offset_count)(const cnn_node *node);
    void (*find_offsets)(const cnn_layer *layer, int32_t *offsets);
    /* Floats of scratch space. NULL: none. */
    size_t (*work_size)(const cnn_layer *layer);
    void (*forward)(const cnn_layer *layer, const cnn_single_pass *pass);
};

/* For layers that do the same to every lane, and have no parameters: runs ops->forward. */
void cnn_single_forward_lanes(const cnn_layer *layer, const cnn_single_pass *pass);
extern const cnn_single_ops cnn_single_lanes;

#endif
