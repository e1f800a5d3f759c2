/* Where each value of a network stands in the one buffer of its C source. */
#ifndef CNN_MODEL_C_PLACES_H
#define CNN_MODEL_C_PLACES_H

#include "nn/graph.h"

typedef struct cnn_c_places {
    size_t *offset; /* [nodes of the graph]: of a node's output, in floats */
    size_t size;    /* floats of the buffer */
} cnn_c_places;

/* Gives the outputs of node 0, the image, to `result` a place each. Values that are needed at the
 * same time do not overlap; a layer that maps each value to one may write over its input
 * (cnn_c_writes_over). Free with cnn_c_places_free. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_c_places_create(const cnn_graph *graph, int result,
                                            cnn_c_places *places, cnn_error *error);
void cnn_c_places_free(cnn_c_places *places);

/* Is the output of this node its input, changed in place? Flattening changes nothing. Only if no
 * later node reads that input. */
bool cnn_c_writes_over(const cnn_graph *graph, int node);

#endif
