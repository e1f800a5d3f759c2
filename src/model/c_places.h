/* Where each value of a program stands in its one buffer: for C sources, float and int8. */
#ifndef CNN_MODEL_C_PLACES_H
#define CNN_MODEL_C_PLACES_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { CNN_C_INPUTS_MAX = 2 };

/* A step writes one value. */
typedef struct cnn_c_step {
    size_t size;                              /* of the value, in elements; at least 1 */
    int input[CNN_C_INPUTS_MAX], input_count; /* numbers of earlier steps, whose values it reads */
    bool elementwise; /* element i of its value depends on element i of its inputs only */
} cnn_c_step;

typedef struct cnn_c_places {
    size_t *offset; /* [steps]: of each step's value, in elements */
    size_t size;    /* elements of the buffer */
} cnn_c_places;

/* Gives the values of steps[count], which run in this order, a place each. Values that are needed
 * at the same time do not overlap. An elementwise step has the place of an input of the same size
 * that no later step reads, if there is one: it writes over it. The value of the last step is
 * needed at the end. Free with cnn_c_places_free. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_c_places_create(const cnn_c_step *steps, int count,
                                            cnn_c_places *places, cnn_error *error);
void cnn_c_places_free(cnn_c_places *places);

#endif
