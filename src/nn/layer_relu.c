/* relu: max(0, x) (eq. 3, 13), or with a ceiling min(max(0, x), max), such as the ReLU6 of
 * Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010, which MobileNets use. */
#include "nn/single.h"

#include "base/hash.h"
#include "kernels/reference.h"

#include <math.h>

enum { MAX };

static const cnn_key keys[] = {
    {.name = "max",
     .kind = &cnn_kind_optional_number,
     .offset = offsetof(cnn_layer_spec, number[MAX]),
     .minimum = 0.0,
     .above_minimum = true,
     .maximum = 1e6,
     .help = "the ceiling; without it there is none",
     .prose = "The ceiling: larger values become it, and their gradient is 0. 6 makes a ReLU6. "
              "Without this key there is none."},
    {.name = NULL},
};

static double max_of(const cnn_node *node) {
    double max = node->spec.number[MAX];
    return max > 0.0 ? (double)(float)max : (double)INFINITY;
}

float cnn_relu_max(const cnn_node *node) {
    return (float)max_of(node);
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    layer->kernels->relu_forward(&layer->y_block, cnn_relu_max(layer->node), pass->y);
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    layer->kernels->relu_backward(&layer->y_block, pass->y, cnn_relu_max(layer->node),
                                  &layer->dx_block[0], pass->dx[0]);
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_relu_forward((size_t)pass->N * cnn_shape_size(&node->in), max_of(node),
                               pass->x[0], pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    cnn_reference_relu_backward((size_t)pass->N * cnn_shape_size(&node->in), max_of(node),
                                pass->x[0], pass->dy, pass->dx[0]);
}

/* The kinks are at 0 and at the ceiling. */
static uint64_t reference_pattern(const cnn_node *node, int N, const double *x, uint64_t hash) {
    double max = max_of(node);
    hash = cnn_layer_sign_pattern(node, N, x, hash);
    for (size_t i = 0, count = (size_t)N * cnn_shape_size(&node->in); max < INFINITY && i < count;
         i++) {
        unsigned char side = x[i] > max;
        hash = cnn_hash_bytes(hash, &side, 1);
    }
    return hash;
}

static cnn_epilogue epilogue(const cnn_layer_spec *spec) {
    (void)spec;
    return CNN_EPILOGUE_RELU;
}

extern const cnn_layer_ops cnn_layer_relu;
const cnn_layer_ops cnn_layer_relu = {
    .name = "relu",
    .help = "max(0, x)",
    .prose = "max(0, x).",
    .keys = keys,
    .in_place = true,
    .backward_reads_output = true,
    .epilogue = epilogue,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .forward = forward,
    .backward = backward,
    .single = &cnn_single_lanes,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
    .reference_pattern = reference_pattern,
};
