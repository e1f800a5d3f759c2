#include "nn/gradient_check.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/minibatch.h"
#include "nn/reference_network.h"

#include <limits.h>
#include <math.h>

/* Images of the batch: one block is full, the second is not. */
enum { IMAGES = CNN_LANES + 3 };
/* Values of the double batch; a network too large for it is checked on fewer images. */
#define BATCH_VALUES_MAX ((size_t)1 << 24)

/* Everything that the three computations share. */
typedef struct gradient_check {
    cnn_network *network;
    cnn_reference_network *reference;
    cnn_minibatch *minibatch;
    int n;
    double *x; /* [n][C][H][W] */
    uint8_t labels[IMAGES];
    double *parameters, *gradients; /* [parameter_count] */
    double largest;                 /* of all gradients */
    float *float_parameters;        /* parameters, which are exact in float */
} gradient_check;

/* Feeds check->x, whose values are exact in float, to the tuned network. */
static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    const gradient_check *check = context;
    const double *from = check->x;
    size_t image = (size_t)block->channels * (size_t)block->height * (size_t)block->width;
    for (int lane = 0; lane < CNN_LANES; lane++) {
        for (size_t i = 0; i < image; i++) {
            size_t column = i % (size_t)block->width;
            size_t row = i / (size_t)block->width % (size_t)block->height;
            size_t channel = i / (size_t)block->width / (size_t)block->height;
            float *to = x + channel * (size_t)block->plane_stride +
                        row * (size_t)block->row_stride + column * CNN_LANES + (size_t)lane;
            *to = lane < count ? (float)from[(first + (size_t)lane) * image + i] : 0.0f;
        }
        if (labels && lane < count) {
            labels[lane] = check->labels[first + (size_t)lane];
        }
    }
}

/* Central difference of the loss for parameter i, in double. False at a kink. */
static bool difference(gradient_check *c, size_t i, double *slope) {
    double kept = c->parameters[i];
    double h = 1e-4;
    /* NOLINTNEXTLINE(cert-flp30-c): attempt counts, h does not */
    for (int attempt = 0; attempt < 4; attempt++, h /= 10.0) {
        uint64_t below, above;
        c->parameters[i] = kept - h;
        double low =
            cnn_reference_network_loss(c->reference, c->n, c->parameters, c->x, c->labels, &below);
        c->parameters[i] = kept + h;
        double high =
            cnn_reference_network_loss(c->reference, c->n, c->parameters, c->x, c->labels, &above);
        c->parameters[i] = kept;
        if (below == above) {
            *slope = (high - low) / ((kept + h) - (kept - h));
            return true;
        }
    }
    return false;
}

static void check_tensor(gradient_check *c, const float *float_gradients, size_t entries,
                         cnn_gradient_row *row) {
    const cnn_tensor *tensor = row->tensor;
    for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++) {
        row->largest = fmax(row->largest, fabs(c->gradients[i]));
    }
    /* a tensor that (next to) no gradient reaches, such as a bias before batch normalization,
     * must be found so by all three: errors are measured by the other tensors' gradients then */
    double scale = fmax(row->largest, 0.01 * c->largest);
    scale = scale > 0.0 ? scale : 1.0;
    for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++) {
        double gap = fabs((double)float_gradients[i] - c->gradients[i]) / scale;
        row->float_error = gap <= row->float_error ? row->float_error : gap; /* NaN is kept */
    }
    size_t steps = tensor->count < entries ? tensor->count : entries;
    for (size_t step = 0; step < steps; step++) {
        size_t i = tensor->offset + tensor->count * step / steps;
        double slope;
        if (difference(c, i, &slope)) {
            double gap = fabs(slope - c->gradients[i]) / scale;
            row->double_error = gap <= row->double_error ? row->double_error : gap;
            row->checked++;
        } else {
            row->at_kinks++;
        }
    }
}

/* Random images, labels and parameters: inputs in [0, 1), weights as they start, biases in ±0.1, so
 * that no ReLU is at its kink, as it would be with black images and zero biases. */
static void randomize(gradient_check *c, uint64_t seed) {
    const cnn_network *network = c->network;
    size_t image = cnn_shape_size(&network->graph.nodes[0].out);
    for (size_t i = 0; i < (size_t)c->n * image; i++) {
        c->x[i] = cnn_random_uniform(seed, CNN_RANDOM_GRADIENT_CHECK, 0, i);
    }
    for (int j = 0; j < c->n; j++) {
        c->labels[j] =
            (uint8_t)(cnn_random_bits(seed, CNN_RANDOM_GRADIENT_CHECK, 1, (uint64_t)j) & 1);
    }
    cnn_network_initialize(network, seed, c->float_parameters);
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            const cnn_tensor *tensor = &node->tensors[t];
            for (size_t j = 0; tensor->fan_in == 0 && j < tensor->count; j++) {
                double u =
                    cnn_random_uniform(seed, CNN_RANDOM_GRADIENT_CHECK, 2, tensor->offset + j);
                c->float_parameters[tensor->offset + j] =
                    (float)((double)tensor->start + 0.2 * u - 0.1);
            }
        }
    }
    for (size_t i = 0; i < network->parameter_count; i++) {
        c->parameters[i] = (double)c->float_parameters[i];
    }
}

static int images_that_fit(const cnn_network *network) {
    size_t largest = 1;
    for (int i = 0; i < network->graph.node_count; i++) {
        size_t size = cnn_shape_size(&network->graph.nodes[i].out);
        largest = size > largest ? size : largest;
    }
    size_t fit = BATCH_VALUES_MAX / largest;
    return fit < 1 ? 1 : fit < IMAGES ? (int)fit : IMAGES;
}

/* Checks all tensors that gradients change. */
static void check_tensors(gradient_check *c, const float *float_gradients, size_t entries,
                          void (*report)(void *context, const cnn_gradient_row *row), void *context,
                          bool *passed) {
    const cnn_graph *graph = &c->network->graph;
    bool reached = false; /* some tensor has a gradient that is not zero */
    *passed = true;
    for (int i = 0; i < graph->node_count; i++) {
        const cnn_node *node = &graph->nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            if (node->tensors[t].average) {
                continue; /* no gradient changes it */
            }
            cnn_gradient_row row = {
                .path = node->path, .ops = node->ops, .tensor = &node->tensors[t]};
            check_tensor(c, float_gradients, entries, &row);
            reached = reached || row.largest > 0.0;
            *passed = *passed && row.checked > 0 && row.double_error < CNN_GRADIENT_DOUBLE_BOUND &&
                      row.float_error < CNN_GRADIENT_FLOAT_BOUND;
            report(context, &row);
        }
    }
    *passed = *passed && reached;
}

static cnn_status prepare_check(gradient_check *c, cnn_error *error) {
    size_t image = cnn_shape_size(&c->network->graph.nodes[0].out);
    CNN_TRY(cnn_reference_network_create(c->network, c->n, &c->reference, error));
    CNN_TRY(cnn_minibatch_create(c->network, (size_t)c->n, 1, &c->minibatch, error));
    c->x = cnn_alloc((size_t)c->n * image, sizeof *c->x);
    c->parameters = cnn_alloc(c->network->parameter_count, sizeof *c->parameters);
    c->gradients = cnn_alloc(c->network->parameter_count, sizeof *c->gradients);
    c->float_parameters = cnn_alloc(c->network->parameter_count, sizeof *c->float_parameters);
    return c->x && c->parameters && c->gradients && c->float_parameters
               ? CNN_OK
               : cnn_fail_memory(error, "the gradient check");
}

/* The gradients of the tuned network, and, in *c, of the one in double. */
static const float *find_gradients(gradient_check *c) {
    const float *float_gradients;
    float logits[IMAGES];
    uint8_t labels[IMAGES];
    cnn_sample_source source = {.fill = fill, .context = c};
    cnn_network_prepare(c->network, c->float_parameters);
    cnn_minibatch_gradients(c->minibatch, c->float_parameters, &source, 0, (size_t)c->n,
                            &float_gradients, logits, labels);
    (void)cnn_reference_network_loss(c->reference, c->n, c->parameters, c->x, c->labels, NULL);
    cnn_reference_network_gradients(c->reference, c->n, c->parameters, c->x, c->labels,
                                    c->gradients);
    for (size_t i = 0; i < c->network->parameter_count; i++) {
        c->largest = fmax(c->largest, fabs(c->gradients[i]));
    }
    return float_gradients;
}

cnn_status cnn_gradient_check(cnn_network *network, uint64_t seed, size_t entries,
                              void (*report)(void *context, const cnn_gradient_row *row),
                              void *context, bool *passed, cnn_error *error) {
    gradient_check c = {.network = network, .n = images_that_fit(network)};
    cnn_status status = prepare_check(&c, error);
    if (status == CNN_OK) {
        randomize(&c, seed);
        check_tensors(&c, find_gradients(&c), entries, report, context, passed);
    }
    cnn_free(c.x);
    cnn_free(c.parameters);
    cnn_free(c.gradients);
    cnn_free(c.float_parameters);
    cnn_minibatch_free(c.minibatch);
    cnn_reference_network_free(c.reference);
    return status;
}
