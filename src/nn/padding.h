/* The key `padding` of convolution and pooling: rows and columns around an image. */
#ifndef CNN_NN_PADDING_H
#define CNN_NN_PADDING_H

#include "nn/layer.h"

/* The names of `padding`, and the numbers that stand for them in all four sides. */
extern const cnn_named_number cnn_padding_names[];

/* Rows above and below an image, columns to its left and right. */
typedef struct cnn_padding {
    int top, left, bottom, right;
} cnn_padding;

/* The padding that `sides` (cnn_kind_sides) means for windows of size × size, `stride` apart, on an
 * input of this shape. */
cnn_padding cnn_padding_of(const int sides[4], int size, int stride, const cnn_shape *in);

/* The number of windows along the rows and columns of an input with padding. */
int cnn_padded_rows(const cnn_padding *padding, int size, int stride, const cnn_shape *in);
int cnn_padded_columns(const cnn_padding *padding, int size, int stride, const cnn_shape *in);

/* infer_shape of pooling layers, whose keys are `size`, `stride` and `padding`: each window
 * contains a value of the input. */
CNN_MUST_USE cnn_status cnn_pooled_shape(const cnn_layer_spec *spec, int size, int stride,
                                         const int sides[4], const cnn_shape *in, cnn_shape *out,
                                         cnn_error *error);

/* The rows of a table of attributes (cnn_layer_attribute), from the function that gives a node's
 * padding. */
#define CNN_PADDING_ATTRIBUTES(padding_of)                                                         \
    static double attribute_top(const cnn_node *node) {                                            \
        return padding_of(node).top;                                                               \
    }                                                                                              \
    static double attribute_left(const cnn_node *node) {                                           \
        return padding_of(node).left;                                                              \
    }                                                                                              \
    static double attribute_bottom(const cnn_node *node) {                                         \
        return padding_of(node).bottom;                                                            \
    }                                                                                              \
    static double attribute_right(const cnn_node *node) {                                          \
        return padding_of(node).right;                                                             \
    }                                                                                              \
    static const cnn_layer_attribute attributes[] = {{"padding_top", attribute_top},               \
                                                     {"padding_left", attribute_left},             \
                                                     {"padding_bottom", attribute_bottom},         \
                                                     {"padding_right", attribute_right},           \
                                                     {NULL, NULL}};

/* For the manual; SIZE: the key with the size of a window. */
#define CNN_PADDING_PROSE(SIZE)                                                                    \
    "\"valid\": none; \"same\": " SIZE " - 1 in all (at stride 1 the output is as large as the "   \
    "input; if their number is odd, the additional one is below and to the right); "               \
    "\"same_upper\": as many as an output of input / stride, rounded up, needs (if their number "  \
    "is odd, the additional one is below and to the right), which is the \"SAME\" of TensorFlow "  \
    "and the \"SAME_UPPER\" of ONNX, and at stride 1 \"same\"; a number: for each side; a list "   \
    "of "                                                                                          \
    "four numbers: above, to the left, below, to the right."

#endif
