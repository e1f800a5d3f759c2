/* flatten: [C][H][W] seen as one row of values, row-major (eq. 5). No values are moved unless there
 * is a border; then the plan copies. */
#include "nn/single.h"

#include <string.h>

static const cnn_key keys[] = {{.name = NULL}};

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    (void)spec, (void)error;
    *out = (cnn_shape){.channels = (int)cnn_shape_size(in), .height = 1, .width = 1, .flat = true};
    return CNN_OK;
}

/* One image at a time, channels are the lanes. */
static void single_forward(const cnn_layer *layer, const cnn_single_pass *pass) {
    cnn_single_values(&layer->node->in, &layer->x_block[0], pass->x[0], pass->y);
}

static const cnn_single_ops single = {.forward = single_forward};

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    memcpy(pass->y, pass->x[0], (size_t)pass->N * cnn_shape_size(&node->in) * sizeof *pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    if (pass->dx[0]) {
        memcpy(pass->dx[0], pass->dy,
               (size_t)pass->N * cnn_shape_size(&node->in) * sizeof *pass->dx[0]);
    }
}

extern const cnn_layer_ops cnn_layer_flatten;
const cnn_layer_ops cnn_layer_flatten = {
    .name = "flatten",
    .help = "channels × rows × columns as one row of values",
    .prose = "Channels × rows × columns as one row of values. Required between the last `conv` or "
             "pooling layer and the first `dense`.",
    .keys = keys,
    .symbol = "F",
    .in_place = true,
    .aliases_input = true,
    .infer_shape = infer_shape,
    .single = &single,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
