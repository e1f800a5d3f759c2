/* An import in progress: private to model/onnx_import*.c. */
#ifndef CNN_MODEL_ONNX_IMPORTER_H
#define CNN_MODEL_ONNX_IMPORTER_H

#include "model/imported_layers.h"
#include "model/onnx_import.h"
#include "model/onnx_import_graph.h"
#include "nn/layer.h"

typedef struct cnn_onnx_importer {
    cnn_onnx_graph graph;
    const cnn_onnx_import_options *options;
    cnn_imported_layers layers;
    cnn_shape shape;           /* of the value that was reached */
    int64_t batch;             /* the images of one call, if the file fixes them; else 0 */
    double scale[3], shift[3]; /* the network sees scale × byte + shift */
    int pads[4];        /* zeros that a Pad has put around the value: top, left, bottom, right */
    bool padded;        /* there was a Pad, and no window after it yet */
    bool softmax;       /* the value that was reached is a softmax */
    double temperature; /* a logit was divided by this */
    size_t floats_left; /* that the file may still become: weights may be used twice */
    int usable;         /* the last node after which the network could end; -1: none */
} cnn_onnx_importer;

/* Adds the layers of a node that reads the value that was reached, and constants. */
CNN_MUST_USE cnn_status cnn_onnx_import_node(cnn_onnx_importer *importer, int node,
                                             cnn_error *error);

/* Adds the layers from a value on to the value that no node reads; *end: this value. */
CNN_MUST_USE cnn_status cnn_onnx_import_walk(cnn_onnx_importer *importer, int value, int *end,
                                             cnn_error *error);

/* --- weights --- */

/* cnn_onnx_read_floats, within floats_left. */
CNN_MUST_USE cnn_status cnn_onnx_take_floats(cnn_onnx_importer *importer, int node, int k,
                                             cnn_onnx_constant *floats, cnn_error *error);

/* y = scale x + shift for each channel, [count]. Free both with cnn_free. */
typedef struct cnn_onnx_affine {
    double *scale, *shift;
    int count;
} cnn_onnx_affine;

/* Reads Add, Sub, Mul or Div with a constant, for `channels` channels of which `inner` dimensions
 * are after them (2: rows and columns; 0: none). CNN_ERROR_MODEL if the constant differs between
 * rows or columns. Free with cnn_onnx_affine_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_onnx_read_affine(cnn_onnx_importer *importer, int node, int channels,
                                             int inner, cnn_onnx_affine *affine, cnn_error *error);
void cnn_onnx_affine_free(cnn_onnx_affine *affine);
bool cnn_onnx_is_affine(const cnn_onnx_graph *graph, int node);

/* Merges it, in double, into the weight and bias of a layer, which gets a bias if it has none. */
CNN_MUST_USE cnn_status cnn_onnx_merge_affine(cnn_onnx_importer *importer,
                                              cnn_imported_layer *layer,
                                              const cnn_onnx_affine *affine,
                                              const char *weight_name, const char *bias_name,
                                              cnn_error *error);

/* --- windows and convolutions --- */

typedef struct cnn_onnx_window {
    int size, stride;
    int pads[4];       /* top, left, bottom, right */
    int rows, columns; /* of the output */
} cnn_onnx_window;

/* Reads the attributes that convolution and pooling share. size: of the weights, or 0. layer: of
 * the registry, whose keys set the limits; its size has the key `size_key`. */
CNN_MUST_USE cnn_status cnn_onnx_read_window(const cnn_onnx_importer *importer, int node, int size,
                                             const char *layer, const char *size_key,
                                             cnn_onnx_window *window, cnn_error *error);

/* Fails unless the layer's key allows the number. */
CNN_MUST_USE cnn_status cnn_onnx_check_key(const cnn_onnx_importer *importer, int node,
                                           const char *layer, const char *key, double number,
                                           cnn_error *error);

typedef struct cnn_onnx_conv {
    cnn_onnx_constant weight, bias; /* bias.data: NULL if there is none */
    cnn_onnx_window window;
    int groups;
} cnn_onnx_conv;

/* Reads a convolution of the value that was reached. Free with cnn_onnx_conv_free, also after a
 * failure. */
CNN_MUST_USE cnn_status cnn_onnx_read_conv(cnn_onnx_importer *importer, int node,
                                           cnn_onnx_conv *conv, cnn_error *error);
void cnn_onnx_conv_free(cnn_onnx_conv *conv);

/* A batch normalization: scale, shift, mean and variance, [channels]. */
typedef struct cnn_onnx_normalization {
    cnn_onnx_constant tensors[4];
    double eps, momentum;
} cnn_onnx_normalization;

CNN_MUST_USE cnn_status cnn_onnx_read_normalization(cnn_onnx_importer *importer, int node,
                                                    int channels,
                                                    cnn_onnx_normalization *normalization,
                                                    cnn_error *error);
/* y = scale x + shift, the same in prediction. affine: with memory for all channels. */
void cnn_onnx_fill_normalization(const cnn_onnx_normalization *normalization,
                                 cnn_onnx_affine *affine);
void cnn_onnx_normalization_free(cnn_onnx_normalization *normalization);

/* Gives the layer the tensors, under these names: weight, bias, mean, variance. */
void cnn_onnx_move_normalization(cnn_imported_layer *layer, cnn_onnx_normalization *normalization,
                                 const char *const names[4]);

#endif
