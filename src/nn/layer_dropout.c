/* dropout: in training each value is 0 with probability `rate`, else divided by 1 - rate, so that
 * prediction does not use the layer ("inverted" dropout; Srivastava et al., "Dropout: a simple way
 * to prevent neural networks from overfitting", 2014; PyTorch's Dropout). Which values are dropped
 * is a pure function of seed, step, image and position. */
#include "nn/layer.h"

#include "base/random.h"

enum { RATE };

static const cnn_key keys[] = {
    {.name = "rate",
     .kind = &cnn_kind_number,
     .offset = offsetof(cnn_layer_spec, number[RATE]),
     .minimum = 0.0,
     .maximum = 0.99,
     .fallback = 0.5,
     .help = "share of values that are set to 0 in training"},
    {.name = NULL},
};

static size_t kept_size(const cnn_node *node) {
    return cnn_shape_size(&node->out) * CNN_LANES;
}

/* Random bits of two neighbouring values of an image, 32 each. */
static uint64_t bits_of_pair(const cnn_node *node, const cnn_draw *draw, size_t image,
                             size_t pair) {
    uint64_t place = (uint64_t)image << 40 | (uint64_t)node->serial << 32 | (uint64_t)pair;
    return cnn_random_bits(draw->seed, CNN_RANDOM_DROPOUT, draw->step, place);
}

/* Values whose bits are below this are dropped. */
static uint64_t threshold(const cnn_node *node) {
    return (uint64_t)(node->spec.number[RATE] * 0x1p32);
}

static double survivor_factor(const cnn_node *node) {
    return 1.0 / (1.0 - node->spec.number[RATE]);
}

/* kept: each value's factor, [values][LANES]. */
static void draw_factors(const cnn_node *node, const cnn_draw *draw, size_t first, int count,
                         float *kept) {
    size_t values = cnn_shape_size(&node->out);
    uint64_t dropped_below = threshold(node);
    float factor = (float)survivor_factor(node);
    for (int lane = 0; lane < count; lane++) {
        uint64_t bits = 0;
        for (size_t i = 0; i < values; i++, bits >>= 32) {
            if (i % 2 == 0) {
                bits = bits_of_pair(node, draw, first + (size_t)lane, i / 2);
            }
            kept[i * CNN_LANES + (size_t)lane] =
                (bits & 0xffffffff) < dropped_below ? 0.0f : factor;
        }
    }
}

/* values *= factors */
static void multiply(const cnn_block *block, const float *factors, float *values) {
    size_t row_floats = (size_t)block->width * CNN_LANES;
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++, factors += row_floats) {
            float *row = values + cnn_block_row(block, c, h);
            for (size_t i = 0; i < row_floats; i++) {
                row[i] *= factors[i];
            }
        }
    }
}

static void forward(const cnn_layer *layer, const cnn_pass *pass) {
    multiply(&layer->y_block, pass->kept, pass->y);
}

static void backward(const cnn_layer *layer, const cnn_pass *pass) {
    multiply(&layer->dx_block[0], pass->kept, pass->dx[0]);
}

/* --- in double --- */

/* With the factors of seed 0 and step 0, which a batch has where cnn_minibatch_set_draw was not
 * called. */

static double reference_factor(const cnn_node *node, size_t image, size_t i) {
    const cnn_draw draw = {0};
    uint64_t bits = bits_of_pair(node, &draw, image, i / 2) >> (i % 2 * 32) & 0xffffffff;
    return bits < threshold(node) ? 0.0 : survivor_factor(node);
}

static void reference_multiply(const cnn_node *node, int N, const double *from, double *to) {
    size_t values = cnn_shape_size(&node->out);
    for (size_t i = 0; i < (size_t)N * values; i++) {
        to[i] = from[i] * reference_factor(node, i / values, i % values);
    }
}

static void reference_forward(const cnn_node *node, const cnn_reference_pass *pass) {
    reference_multiply(node, pass->N, pass->x[0], pass->y);
}

static void reference_backward(const cnn_node *node, const cnn_reference_pass *pass) {
    if (pass->dx[0]) {
        reference_multiply(node, pass->N, pass->dy, pass->dx[0]);
    }
}

extern const cnn_layer_ops cnn_layer_dropout;
const cnn_layer_ops cnn_layer_dropout = {
    .name = "dropout",
    .help = "in training, sets values to 0 at random and enlarges the others",
    .prose = "In training, each value is 0 with the probability `rate`, and otherwise divided by 1 "
             "- `rate`; predictions do not use it (Srivastava et al. 2014).",
    .keys = keys,
    .in_place = true,
    .training_only = true,
    .infer_shape = cnn_layer_same_shape,
    .flops = cnn_layer_flops_per_value,
    .kept_size = kept_size,
    .draw = draw_factors,
    .forward = forward,
    .backward = backward,
    .reference_forward = reference_forward,
    .reference_backward = reference_backward,
};
