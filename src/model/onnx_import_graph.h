/* The graph of an ONNX file, checked and indexed: who writes each value, who reads it, which nodes
 * an output depends on, what its constants are. */
#ifndef CNN_MODEL_ONNX_IMPORT_GRAPH_H
#define CNN_MODEL_ONNX_IMPORT_GRAPH_H

#include "base/sort.h"
#include "model/onnx_reader.h"

typedef struct cnn_onnx_value {
    const char *name;
    int writer; /* the node that writes it; -1: an input or an initializer */
    bool is_input, needed;
    /* A constant: exactly one is not NULL. Both NULL: it depends on the input. */
    const Onnx__TensorProto *tensor;
    const Onnx__AttributeProto *attribute; /* of a node Constant */
    int first_reader;                      /* of `edges`; -1: none */
} cnn_onnx_value;

/* A value that a node reads. */
typedef struct cnn_onnx_edge {
    int value; /* -1: an optional input that is not given */
    int node;
    int next;  /* the next edge of the same value; -1: none */
    bool data; /* the node computes something from it, and is needed */
    bool cut;  /* left out of the lists of readers */
} cnn_onnx_edge;

typedef struct cnn_onnx_operation {
    const Onnx__NodeProto *proto;
    int first_edge, edge_count;
    int output; /* the first value that it writes; -1: none */
    bool needed;
} cnn_onnx_operation;

typedef struct cnn_onnx_graph {
    const cnn_onnx_file *file;
    int64_t opset;
    cnn_onnx_value *values;
    size_t value_count;
    cnn_onnx_operation *nodes; /* in an order in which they can be computed */
    int node_count;
    cnn_onnx_edge *edges;
    size_t edge_count;
    cnn_keyed *names; /* of the values, by hash: those of the first name_count */
    size_t name_count;
    int input, end; /* values: the only input that `end` depends on, and `end` itself */
    /* In our own files that resize images, the input is the resized image, which this node writes;
     * else -1. */
    int resizer;
} cnn_onnx_graph;

/* until: the name of the value or node that is the end, or NULL: the output of the graph. Messages
 * do not name the file. Free with cnn_onnx_graph_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_onnx_graph_create(const cnn_onnx_file *file, const char *until,
                                              cnn_onnx_graph *graph, cnn_error *error);
void cnn_onnx_graph_free(cnn_onnx_graph *graph);

/* --- nodes --- */

/* The name of a node, or of its first output if it has none; never NULL. */
const char *cnn_onnx_node_name(const cnn_onnx_graph *graph, int node);
const char *cnn_onnx_node_type(const cnn_onnx_graph *graph, int node);
bool cnn_onnx_node_is(const cnn_onnx_graph *graph, int node, const char *type);

/* The value of that name, or -1. */
int cnn_onnx_find(const cnn_onnx_graph *graph, const char *name);

/* The value of input k, or -1. */
int cnn_onnx_input_of(const cnn_onnx_graph *graph, int node, int k);

/* The number of edges, not cut, that read a value; *first: the first of them, or -1. */
int cnn_onnx_readers(const cnn_onnx_graph *graph, int value, int *first);

/* Fails with the node's name and operator before the message. */
cnn_status cnn_onnx_refuse(const cnn_onnx_graph *graph, int node, cnn_error *error,
                           const char *format, ...) CNN_PRINTF(4, 5);

/* --- attributes --- */

const Onnx__AttributeProto *cnn_onnx_attribute(const cnn_onnx_graph *graph, int node,
                                               const char *name);
int64_t cnn_onnx_int_of(const cnn_onnx_graph *graph, int node, const char *name, int64_t fallback);
double cnn_onnx_float_of(const cnn_onnx_graph *graph, int node, const char *name, double fallback);

/* --- constants --- */

bool cnn_onnx_is_constant(const cnn_onnx_graph *graph, int value);

/* A constant of float32: `data`, [count], owned by the caller. */
typedef struct cnn_onnx_constant {
    float *data;
    size_t count;
    int rank;
    int64_t dim[5];
} cnn_onnx_constant;

/* The constant that is input k of the node. CNN_ERROR_MODEL if it is none, or not of float32. Free
 * data with cnn_free. */
CNN_MUST_USE cnn_status cnn_onnx_read_floats(const cnn_onnx_graph *graph, int node, int k,
                                             cnn_onnx_constant *floats, cnn_error *error);

/* The same for a list of at most `most` integers. */
CNN_MUST_USE cnn_status cnn_onnx_read_integers(const cnn_onnx_graph *graph, int node, int k,
                                               int most, int64_t *integers, int *count,
                                               cnn_error *error);

/* The same for any value; messages name the node. */
CNN_MUST_USE cnn_status cnn_onnx_value_integers(const cnn_onnx_graph *graph, int node, int number,
                                                int most, int64_t *integers, int *count,
                                                cnn_error *error);

#endif
