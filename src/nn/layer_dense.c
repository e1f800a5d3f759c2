/* dense: every output is a weighted sum of all inputs (eq. 6, 9, 10, 11). */
#include "nn/single.h"

#include "base/error.h"
#include "kernels/reference.h"

enum { UNITS };

static const cnn_key keys[] = {
    {.name = "units",
     .kind = &cnn_kind_int,
     .offset = offsetof(cnn_layer_spec, value[UNITS]),
     .required = true,
     .minimum = 1,
     .maximum = 65536,
     .help = "outputs"},
    {.name = NULL},
};

static cnn_status infer_shape(const cnn_layer_spec *spec, const cnn_shape *in, cnn_shape *out,
                              cnn_error *error) {
    if (!in->flat) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "type: expected flatten before dense (its input is %d×%d×%d)", in->channels,
                        in->height, in->width);
    }
    *out = (cnn_shape){.channels = spec->value[UNITS], .height = 1, .width = 1, .flat = true};
    return CNN_OK;
}

static int tensors(const cnn_layer_spec *spec, const cnn_shape *in, const cnn_shape *out,
                   cnn_tensor *tensor) {
    (void)out;
    int units = spec->value[UNITS];
    tensor[0] = (cnn_tensor){.name = "weight",
                             .rank = 2,
                             .dim = {units, in->channels},
                             .fan_in = in->channels,
                             .decays = true};
    tensor[1] = (cnn_tensor){.name = "bias", .rank = 1, .dim = {units}};
    return 2;
}

static double flops(const cnn_node *node) {
    return 2.0 * (double)node->in.channels * (double)node->out.channels;
}

/* For the block's transposed activations: see dense_backward_weight in kernels.h. */
static size_t work_size(const cnn_node *node) {
    size_t inputs = (size_t)node->in.channels;
    return (inputs + CNN_LANES - 1) / CNN_LANES * CNN_LANES * CNN_LANES;
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    const float *bias = pass->parameters + layer->node->tensors[0].count;
    layer->kernels->dense_forward(layer->node->in.channels, layer->node->out.channels,
                                  pass->parameters, bias, pass->x[0], layer->node->relu_max,
                                  pass->y);
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    const cnn_kernels *kernels = layer->kernels;
    int inputs = layer->node->in.channels;
    int outputs = layer->node->out.channels;
    if (pass->gradients) {
        kernels->dense_backward_weight(inputs, outputs, pass->x[0], pass->dy, pass->work,
                                       pass->gradients,
                                       pass->gradients + layer->node->tensors[0].count);
    }
    if (pass->dx[0]) {
        kernels->dense_backward_data(inputs, outputs, pass->parameters, pass->dy, pass->dx[0]);
    }
}

/* --- one image at a time --- */

static size_t single_packed_size(const cnn_node *node, const cnn_kernels *kernels) {
    (void)kernels;
    size_t outputs = (size_t)node->out.channels;
    return (outputs + CNN_LANES - 1) / CNN_LANES * CNN_LANES * (size_t)node->in.channels;
}

/* packed: see single_dense in kernels.h. */
static void single_pack(const cnn_layer *layer, const float *parameters, float *packed) {
    size_t inputs = (size_t)layer->node->in.channels;
    for (size_t o = 0; o < (size_t)layer->node->out.channels; o++) {
        float *to = packed + o / CNN_LANES * CNN_LANES * inputs + o % CNN_LANES;
        for (size_t i = 0; i < inputs; i++) {
            to[i * CNN_LANES] = *parameters++;
        }
    }
}

static void single_forward(const cnn_layer *layer, const cnn_single_pass *pass) {
    layer->kernels->single_dense(layer->node->in.channels, layer->node->out.channels, pass->packed,
                                 pass->parameters + layer->node->tensors[0].count, pass->x[0],
                                 layer->node->relu_max, pass->y);
}

static const cnn_single_ops single = {
    .packed_size = single_packed_size, .pack = single_pack, .forward = single_forward};

/* --- in double --- */

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_dense_forward(pass->N, node->in.channels, node->out.channels, pass->x[0],
                                pass->parameters, pass->parameters + node->tensors[0].count,
                                pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_dense_backward(pass->N, node->in.channels, node->out.channels, pass->x[0],
                                 pass->parameters, pass->dy, pass->dx[0], pass->gradients,
                                 pass->gradients + node->tensors[0].count);
}

const cnn_layer_ops cnn_layer_dense = {
    .name = "dense",
    .help = "fully connected",
    .keys = keys,
    .epilogues = CNN_EPILOGUE_RELU,
    .weighs_channels = true,
    .infer_shape = infer_shape,
    .tensors = tensors,
    .flops = flops,
    .work_size = work_size,
    .forward = forward,
    .backward = backward,
    .single = &single,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
