/* What the C sources of float and of 8 bits share: the header, and the names of layers. */
#ifndef CNN_MODEL_C_HEADER_H
#define CNN_MODEL_C_HEADER_H

#include "base/text.h"
#include "model/model_file.h"

/* What a source needs. */
typedef struct cnn_c_cost {
    size_t buffer_bytes;  /* the one buffer with all values */
    size_t weight_bytes;  /* constants */
    double multiply_adds; /* of one image */
} cnn_c_cost;

/* Appends NAME.h. name: a C identifier, which all public names start with. sha256: of the model
 * file, 64 digits. element: the type of the buffer's elements. note: sentences for its comment on
 * the arithmetic. */
void cnn_c_header_write(const cnn_model *model, const char *name, const char *sha256,
                        const char *element, const char *note, const cnn_c_cost *cost,
                        cnn_text *header);

/* Appends NAME_predict, which has a buffer of `size` elements. */
void cnn_c_predict_write(const char *name, const char *element, size_t size, cnn_text *source);

/* Multiply-adds of the weights of a node. */
double cnn_c_multiply_adds(const cnn_node *node);

/* "layer_3_layers_0": the identifier of a node. */
typedef struct cnn_c_name {
    char text[CNN_LAYER_PATH_MAX + 8];
} cnn_c_name;

cnn_c_name cnn_c_node_name(const cnn_node *node);

#endif
