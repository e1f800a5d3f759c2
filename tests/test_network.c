/* Whole networks: gradients, planning, independence of lanes, threads and instruction sets,
 * starting weights, loss and optimizers. */
#include "test_support.h"

#include "nn/gradient_check.h"
#include "nn/loss.h"
#include "base/memory.h"
#include "nn/optimizer.h"
#include "nn/reference_network.h"
#include "nn/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_NETWORK "1x6x6: conv 1 3, relu, maxpool 2, flatten, dense 1, sigmoid"

/* One network for each way that buffers, borders and fused steps are planned. */
static const char *const networks[] = {
    SEED_NETWORK,
    /* every kind of layer once more, alone or almost */
    "2x3x3: flatten, dense 1, sigmoid",
    "2x3x3: flatten, dense 5, dense 1, sigmoid",
    "1x4x4: relu, flatten, dense 3, relu, dense 1, sigmoid",
    "2x5x5: maxpool 2 1, flatten, dense 3, sigmoid, dense 1, sigmoid",
    /* deep, with stride, padding and an even kernel */
    "3x9x8: conv 4 3 1 same, relu, conv 5 4 2 same, maxpool 2, flatten, dense 6, dense 1, sigmoid",
    "2x8x8: conv 3 2 1 same, relu, conv 4 4 1 same, relu, conv 2 3 2 1, flatten, dense 1, sigmoid",
    /* overlapping pools, and one that leaves the last rows out */
    "1x9x9: conv 3 3, maxpool 3 2, conv 4 2, relu, maxpool 2 1, flatten, dense 1, sigmoid",
    "2x8x7: conv 3 2, relu, maxpool 2 3, flatten, dense 1, sigmoid",
    /* means of windows and channels; slopes below 0, also none, and all */
    "2x6x7: conv 3 3, leaky_relu 0.2, avgpool 2, flatten, dense 1, sigmoid",
    "1x8x7: conv 4 3 1 same, leaky_relu, avgpool 3 2, conv 3 2, leaky_relu 1, global_avgpool, "
    "flatten, dense 9, leaky_relu 0, dense 1, sigmoid",
    "3x5x6: avgpool 2 3, conv 16 3 1 same, relu, conv 17 3 1 same, leaky_relu, global_avgpool, "
    "flatten, dense 1, sigmoid",
    /* sigmoids inside, after a ReLU or a sigmoid whose output they must not change */
    "1x6x6: conv 2 3 1 1, sigmoid, conv 3 3, relu, sigmoid, maxpool 2, flatten, dense 1, sigmoid",
    "2x6x6: conv 4 3, relu, sigmoid, conv 3 3, flatten, relu, sigmoid, dense 1, sigmoid",
    "1x6x6: conv 2 3, sigmoid, sigmoid, maxpool 2, flatten, dense 1, sigmoid",
    /* SiLU, which reads its input backward: after a convolution, alone, twice, flat, around a ReLU
     */
    "2x6x7: conv 3 3, silu, conv 2 3 1 same, silu, silu, flatten, dense 3, silu, dense 1, sigmoid",
    "1x6x6: silu, conv 3 3, relu, silu, residual, silu, end, leaky_relu, flatten, dense 1, sigmoid",
    /* ReLU after flatten, after ReLU, after a pool; two flattens */
    "1x6x6: conv 3 3, flatten, relu, dense 1, sigmoid",
    "1x6x6: conv 3 3, relu, relu, conv 2 2, relu, flatten, relu, flatten, dense 1, sigmoid",
    "1x7x7: conv 3 2, maxpool 2, relu, conv 2 3 1 same, flatten, flatten, dense 1, sigmoid",
    /* flatten directly after a convolution whose gradient has a border: values must be copied */
    "2x6x6: conv 3 3, conv 2 3, flatten, dense 1, sigmoid",
    "2x5x4: conv 2 1, conv 3 4 1 same, relu, flatten, dense 4, relu, dense 1, sigmoid",
    /* more padding than the kernel reaches, kernels smaller than the stride, a single output */
    "1x4x5: conv 2 2 1 3, relu, conv 3 3 1 4, conv 2 1 1 2, maxpool 3, flatten, dense 1, sigmoid",
    "2x9x10: conv 3 2 3, relu, conv 2 1 2 1, flatten, dense 1, sigmoid",
    "3x5x5: conv 17 5, relu, flatten, dense 18, relu, dense 1, sigmoid",
    "2x6x9: conv 3 3 1 same, relu, conv 2 5 3 2, relu, conv 2 2 3 same, flatten, dense 1, sigmoid",
    /* max-pooling that the convolution applies: first layers and others, odd sizes, no ReLU */
    "3x7x9: conv 5 5 1 same, maxpool 2, conv 3 1, maxpool 2, flatten, dense 1, sigmoid",
    "1x9x8: conv 8 3, relu, maxpool 2, conv 3 3 1 same, relu, maxpool 2, flatten, dense 1, sigmoid",
    "2x6x6: conv 3 3, sigmoid, maxpool 2, conv 2 2, relu, relu, maxpool 1, flatten, dense 1, "
    "sigmoid",
    /* Winograd: first layers and others, pooled or not, all in a row, borders and values to copy */
    "16x7x6: conv 16 3 1 same, relu, maxpool 2, flatten, dense 1, sigmoid",
    "17x5x6: conv 18 3 1 1, flatten, dense 2, dense 1, sigmoid",
    "2x9x7: conv 17 3, relu, conv 16 3 1 same, relu, maxpool 2, conv 19 3 1 3, maxpool 2, conv 2 "
    "2, "
    "flatten, dense 1, sigmoid",
    "1x8x8: conv 16 1, conv 16 3 1 2, sigmoid, conv 16 3, relu, maxpool 3 2, flatten, dense 1, "
    "sigmoid",
    "1x6x8: conv 16 3 1 same, maxpool 2 1, conv 16 3 1 same, relu, conv 16 3 1 same, flatten, "
    "relu, "
    "dense 1, sigmoid",
    /* sums: of the image itself, in a row, in each other, with projections (strided, too), with
     * ReLU after and before, of flat values, without parameters inside, after Winograd and a pool
     */
    "2x6x6: residual, conv 2 3 1 same, end, flatten, dense 1, sigmoid",
    "1x6x7: conv 3 3 1 same, relu, residual, conv 3 3 1 same, relu, conv 3 3 1 same, end, relu, "
    "residual, conv 4 3 1 same, end, residual, conv 5 3 2 1, relu, end, relu, global_avgpool, "
    "flatten, dense 1, sigmoid",
    "2x7x7: residual, relu, conv 3 3 1 same, residual, leaky_relu, conv 3 3 1 same, end, end, "
    "flatten, residual, dense 147, relu, end, dense 1, sigmoid",
    "1x8x8: conv 16 3 1 same, residual, relu, conv 16 3 1 same, relu, maxpool 2, end, residual, "
    "sigmoid, end, "
    "maxpool 2, flatten, dense 1, sigmoid",
    "3x5x5: residual, maxpool 3 2, end, conv 2 2, flatten, dense 1, sigmoid",
    /* ReLUs with a ceiling, alone and fused: after direct and Winograd's convolutions, before pools
     * that convolutions apply, after dense and a sum */
    "2x6x6: relu 0.5, conv 3 3, relu 0.9, maxpool 2, flatten, relu 0.7, dense 4, relu 0.8, dense "
    "1, sigmoid",
    "16x7x6: conv 16 3 1 same, relu 0.4, maxpool 2, conv 3 1, relu 0.2, maxpool 2, residual, relu "
    "0.1, end, relu 0.3, flatten, dense 1, sigmoid",
    /* groups and depthwise convolutions: first, by a pool of their own, with strides and all sorts
     * of padding; without biases */
    "4x7x6: conv 6 3 1 same 2, relu, conv 6 3 2 same_upper 6 false, relu 0.5, conv 6 3 1 1 6, "
    "maxpool 2, flatten, dense 1, sigmoid",
    "3x8x9: conv 3 5 1 same 3, relu, conv 4 1 1 valid 1 false, conv 4 4 3 2:1:0:3 4, conv 8 2 1 "
    "0:1:1:0 4, flatten, dense 1, sigmoid",
    "2x6x7: conv 2 3 1 1 2 false, maxpool 2, conv 4 1 1 valid 2, maxpool 2, flatten, dense 1, "
    "sigmoid",
    "2x9x8: conv 4 2 3 1 2, conv 4 1 3 valid 4, flatten, dense 1, sigmoid",
    "16x6x6: conv 16 3 1 same 1 false, relu, maxpool 2, conv 16 3 1 0:1:2:1, flatten, dense 1, "
    "sigmoid",
    /* pools with padding, that of ResNets among them */
    "1x7x8: conv 3 3 2 same_upper, relu, maxpool 3 2 1, conv 3 1, avgpool 3 1 same, maxpool 2 2 "
    "0:1:1:0, flatten, dense 1, sigmoid",
    "2x5x6: maxpool 3 1 2:0:1:2, avgpool 3 2 1:2:0:1, flatten, dense 1, sigmoid",
    /* an inverted residual: expand, depthwise, project, and a sum without ReLU (MobileNetV2) */
    "2x6x5: conv 3 3 1 same, residual, conv 9 1, relu 0.4, conv 9 3 1 same 9, relu 0.4, conv 3 1, "
    "end, conv 9 1, relu 0.4, conv 9 5 2 same_upper 9, relu 0.4, conv 4 1, global_avgpool, "
    "flatten, "
    "dense 1, sigmoid",
};

/* Networks with layers that see the whole batch: after convolutions and dense layers, first, twice
 * in a row, after pools, before each kind of ReLU and before flatten. */
static const char *const batch_networks[] = {
    "2x6x7: conv 3 3, batchnorm, relu, maxpool 2, flatten, dense 1, sigmoid",
    "1x8x7: batchnorm, conv 4 3 1 same, batchnorm, leaky_relu, conv 3 2, batchnorm, "
    "batchnorm, relu, flatten, dense 5, batchnorm, relu, dense 1, sigmoid",
    "3x7x7: conv 16 3 1 same, batchnorm, relu, conv 17 3 1 same, batchnorm, relu, maxpool 2, "
    "batchnorm 0.1, global_avgpool, flatten, dense 1, sigmoid",
    "2x6x5: conv 3 3, batchnorm, silu, residual, conv 3 3 1 same, batchnorm, silu, end, "
    "flatten, dense 1, sigmoid",
    "2x5x5: conv 3 3, relu, batchnorm, flatten, batchnorm, sigmoid, dense 4, dense 1, sigmoid",
    "2x6x6: conv 16 1, batchnorm, conv 16 3 1 same, maxpool 2, batchnorm, relu, flatten, dense 1, "
    "sigmoid",
    "1x6x6: conv 4 3 1 same, batchnorm, relu, residual, conv 5 3 1 same, batchnorm, relu, conv 5 3 "
    "1 same, "
    "batchnorm, end, relu, residual, batchnorm, relu, conv 5 3 2 1, end, batchnorm, relu, "
    "global_avgpool, flatten, dense 1, sigmoid",
    /* as published: the basic and the bottleneck block of ResNets, with a normalized projection …
     */
    "1x7x7: conv 3 3 2 1 1 false, batchnorm, relu, maxpool 3 2 1, residual, conv 3 3 1 1 1 false, "
    "batchnorm, relu, conv 3 3 1 1 1 false, batchnorm, end, relu, flatten, dense 1, sigmoid",
    "2x5x5: residual batchnorm, conv 3 1 1 valid 1 false, batchnorm, relu, conv 3 3 2 1 1 false, "
    "batchnorm, relu, conv 6 1 1 valid 1 false, batchnorm, end, relu, flatten, dense 1, sigmoid",
    /* … and of MobileNets: the separable convolution, and the inverted residual */
    "2x6x6: conv 4 3 2 same_upper 1 false, batchnorm 0.001, relu 1, conv 4 3 1 same 4 false, "
    "batchnorm 0.001, relu 1, residual, conv 8 1 1 valid 1 false, batchnorm 0.001, relu 1, conv 8 "
    "3 "
    "1 same 8 false, batchnorm 0.001, relu 1, conv 4 1 1 valid 1 false, batchnorm 0.001, end, "
    "flatten, dense 1, sigmoid",
};

/* Does the layer, as it runs, take the gradient of a pooled output, but not by Winograd? Then its
 * sums run over windows, in another order than without fusing. */
static bool sums_windows(const cnn_node *node) {
    return node->unpools && node->ops->work_size(node) == 0;
}

/* The same of a node of network->graph. */
static bool sums_windows_when_fused(const cnn_network *network, int number) {
    for (int i = 0; i < network->fused.node_count; i++) {
        if (network->fused.nodes[i].origin == number) {
            return sums_windows(&network->fused.nodes[i]);
        }
    }
    return false;
}

/* --- gradients --- */

typedef struct check_log {
    int rows, dead; /* dead: all gradients are zero, which proves little */
    double largest_double_error, largest_float_error;
    size_t checked;
} check_log;

static void log_row(void *context, const cnn_gradient_row *row) {
    check_log *log = context;
    log->rows++;
    log->dead += !(row->largest > 0.0);
    log->checked += row->checked;
    log->largest_double_error = fmax(log->largest_double_error, row->double_error);
    log->largest_float_error = fmax(log->largest_float_error, row->float_error);
}

/* Entries of each tensor at which differences are compared with the equations in double; those are
 * compared with the kernels at every entry. Five: they have different places in kernels of 3 × 3.
 */
enum { ENTRIES = 5, ENTRIES_SOAK = 12 };

static bool run_check(cnn_network *network, check_log *log) {
    bool passed = false;
    cnn_error error;
    *log = (check_log){0};
    size_t entries = test_is_soak() ? ENTRIES_SOAK : ENTRIES;
    test_ok(cnn_gradient_check(network, 3, entries, log_row, log, &passed, &error), &error);
    return passed;
}

static void expect_check_passes(const char *text) {
    cnn_network *network = test_network_create(text, test_kernels(), CNN_NETWORK_FAST);
    check_log log;
    int tensors = 0;
    for (int i = 0; i < network->graph.node_count; i++) {
        for (int t = 0; t < network->graph.nodes[i].tensor_count; t++) {
            tensors += !network->graph.nodes[i].tensors[t].average;
        }
    }
    if (!run_check(network, &log)) {
        fail_msg("%s: errors of %.3g (double), %.3g (float)", text, log.largest_double_error,
                 log.largest_float_error);
    }
    assert_int_equal(log.rows, tensors);
    assert_int_equal(log.dead, 0);
    assert_true(log.checked >= (size_t)tensors);
    cnn_network_free(network);
}

static void test_gradient_check_passes(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(networks); i++) {
        expect_check_passes(networks[i]);
    }
    for (size_t i = 0; i < TEST_COUNT(batch_networks); i++) {
        expect_check_passes(batch_networks[i]);
    }
}

static void test_seed_network_has_15_parameters(void **state) {
    (void)state;
    cnn_network *network = test_network_create(SEED_NETWORK, test_kernels(), CNN_NETWORK_FAST);
    const int first[] = {0, 9, 10, 14}; /* w1, b1, w2, b2 */
    const char *const names[] = {"0.weight", "0.bias", "4.weight", "4.bias"};
    int seen = 0;
    assert_int_equal(network->parameter_count, 15);
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            char name[CNN_TENSOR_NAME_MAX];
            cnn_tensor_full_name(node->path, &node->tensors[t], name);
            assert_string_equal(name, names[seen]);
            assert_int_equal(node->tensors[t].offset, first[seen++]);
        }
    }
    assert_int_equal(seen, 4);
    cnn_network_free(network);
}

/* --- the check can fail: layers with a mistake put in --- */

static const cnn_layer_ops *correct; /* the ops that the wrong ones below call */

static void slightly_steep_backward(const cnn_layer *layer, const cnn_pass *pass) {
    correct->backward(layer, pass);
    for (size_t i = 0; i < layer->node->parameter_count; i++) {
        pass->gradients[i] *= 1.001f;
    }
}

static void slightly_steep_reference(const cnn_node *node, const cnn_reference_pass *pass) {
    correct->reference_backward(node, pass);
    for (size_t i = 0; i < node->parameter_count; i++) {
        pass->gradients[i] *= 1.00001;
    }
}

static void no_backward(const cnn_layer *layer, const cnn_pass *pass) {
    (void)layer, (void)pass; /* nothing to write: it is the first layer, and dx is NULL */
}

static void no_reference(const cnn_node *node, const cnn_reference_pass *pass) {
    (void)node, (void)pass;
}

static void expect_check_fails(const cnn_layer_ops *wrong) {
    cnn_network *network = test_network_create(SEED_NETWORK, test_kernels(), CNN_NETWORK_FAST);
    check_log log;
    assert_true(run_check(network, &log));
    network->graph.nodes[1].ops = wrong;
    network->plan.instructions[0].backward = wrong->backward;
    assert_false(run_check(network, &log));
    cnn_network_free(network);
}

static void test_gradient_check_fails(void **state) {
    (void)state;
    correct = cnn_layer_find("conv");
    cnn_layer_ops wrong = *correct;
    wrong.backward = slightly_steep_backward; /* kernels against equations */
    expect_check_fails(&wrong);
    wrong = *correct;
    wrong.reference_backward = slightly_steep_reference; /* equations against differences */
    expect_check_fails(&wrong);
    wrong = *correct;
    wrong.backward = no_backward; /* all zero on both sides: equal, but proves nothing */
    wrong.reference_backward = no_reference;
    expect_check_fails(&wrong);
}

/* --- running a batch --- */

/* One batch through its own mini-batch, twice: the second time must not depend on the first.
 * gradients: [parameter_count], logits: [m]. */
static void run_batch(cnn_network *network, const float *parameters, test_samples *samples,
                      size_t first, size_t m, int threads, float *gradients, float *logits) {
    cnn_minibatch *minibatch;
    cnn_error error;
    const float *mean = NULL;
    cnn_sample_source source = test_samples_source(samples);
    uint8_t *labels = cnn_alloc(m, sizeof *labels);
    assert_non_null(labels);
    test_ok(cnn_minibatch_create(network, m, threads, &minibatch, &error), &error);
    for (int times = 0; times < 2; times++) {
        memset(labels, 77, m);
        for (size_t i = 0; i < m; i++) {
            logits[i] = NAN;
        }
        cnn_minibatch_gradients(minibatch, parameters, &source, first, m, &mean, logits, labels);
        assert_memory_equal(labels, samples->labels + first, m);
    }
    memcpy(gradients, mean, network->parameter_count * sizeof *gradients);
    cnn_minibatch_free(minibatch);
    cnn_free(labels);
}

/* The same in double; gradients: [parameter_count], logits: [m]. */
static void run_reference(const cnn_network *network, const float *parameters,
                          const test_samples *samples, size_t first, int m, double *gradients,
                          double *logits) {
    size_t image = cnn_shape_size(&samples->shape);
    const uint8_t *labels = samples->labels + first;
    cnn_reference_network *reference;
    cnn_error error;
    double *wide = test_widen(parameters, network->parameter_count);
    double *x = test_widen(samples->x + first * image, (size_t)m * image);
    test_ok(cnn_reference_network_create(network, m, &reference, &error), &error);
    (void)cnn_reference_network_loss(reference, m, wide, x, labels, NULL);
    memcpy(logits, cnn_reference_network_logits(reference), (size_t)m * sizeof *logits);
    cnn_reference_network_gradients(reference, m, wide, x, labels, gradients);
    cnn_reference_network_free(reference);
    cnn_free(wide);
    cnn_free(x);
}

/* The largest difference between two arrays, as a share of the largest value of the second. */
static double distance(const float *got, const double *want, size_t count) {
    double gap = 0.0;
    double largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        double here = fabs((double)got[i] - want[i]);
        gap = here <= gap ? gap : here; /* NaN is kept */
        largest = fmax(largest, fabs(want[i]));
    }
    return gap / largest;
}

/* The weights that convolutions use are those of the last prepare. After a change without prepare,
 * the comparison with the reference must fail; after prepare, it must succeed. */
static void test_forgotten_prepare_is_noticed(void **state) {
    (void)state;
    enum { IMAGES = 20 };
    cnn_network *network = test_network_create(networks[5], test_kernels(), CNN_NETWORK_FAST);
    size_t count = network->parameter_count;
    test_samples samples = test_samples_create(network, IMAGES, 21);
    float *parameters = test_parameters(network, 21);
    float *gradients = cnn_alloc(count, sizeof *gradients);
    double *want = cnn_alloc(count, sizeof *want);
    float logits[IMAGES];
    double want_logits[IMAGES];
    assert_non_null(gradients);
    assert_non_null(want);
    cnn_network_prepare(network, parameters);
    parameters[network->graph.nodes[3].parameter_offset + 1] += 0.25f;
    run_batch(network, parameters, &samples, 0, IMAGES, 1, gradients, logits);
    run_reference(network, parameters, &samples, 0, IMAGES, want, want_logits);
    assert_true(distance(gradients, want, count) > 100.0 * CNN_GRADIENT_FLOAT_BOUND);
    assert_true(distance(logits, want_logits, IMAGES) > 100.0 * CNN_GRADIENT_FLOAT_BOUND);
    cnn_network_prepare(network, parameters);
    run_batch(network, parameters, &samples, 0, IMAGES, 1, gradients, logits);
    assert_true(distance(gradients, want, count) < CNN_GRADIENT_FLOAT_BOUND);
    assert_true(distance(logits, want_logits, IMAGES) < CNN_GRADIENT_FLOAT_BOUND);
    cnn_free(parameters);
    cnn_free(gradients);
    cnn_free(want);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void expect_same_floats(const char *what, const float *got, const float *want,
                               size_t count) {
    if (memcmp(got, want, count * sizeof *got) != 0) {
        fail_msg("other bytes: %s", what);
    }
}

/* --- fused layers --- */

/* The largest error, as a share of the tensor's largest gradient, that a fused network and a
 * stepwise one may both make. */
#define FUSED_BOUND 1e-5

/* What one network made of a batch. */
typedef struct fused_run {
    cnn_network *network;
    float *gradients, *logits; /* [parameter_count], [images] */
} fused_run;

static fused_run fused_run_create(const char *text, cnn_network_mode mode, const float *parameters,
                                  test_samples *samples) {
    fused_run run = {.network = test_network_create(text, test_kernels(), mode)};
    run.gradients = cnn_alloc(run.network->parameter_count, sizeof *run.gradients);
    run.logits = cnn_alloc(samples->count, sizeof *run.logits);
    assert_non_null(run.gradients);
    assert_non_null(run.logits);
    cnn_network_prepare(run.network, parameters);
    run_batch(run.network, parameters, samples, 0, samples->count, 1, run.gradients, run.logits);
    return run;
}

static void fused_run_free(fused_run *run) {
    cnn_free(run->gradients);
    cnn_free(run->logits);
    cnn_network_free(run->network);
}

/* Logits are the same bytes, and gradients, except for layers that sum in another order; those,
 * too, are as close to the numbers in double. */
static void expect_same_runs(const char *text, const fused_run *fast, const fused_run *stepwise,
                             const float *parameters, const test_samples *samples) {
    const cnn_network *network = fast->network;
    double *want = cnn_alloc(network->parameter_count, sizeof *want);
    double *logits = cnn_alloc(samples->count, sizeof *logits);
    assert_non_null(want);
    assert_non_null(logits);
    run_reference(network, parameters, samples, 0, (int)samples->count, want, logits);
    expect_same_floats(text, fast->logits, stepwise->logits, samples->count);
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            const cnn_tensor *tensor = &node->tensors[t];
            const float *got = fast->gradients + tensor->offset;
            double error = distance(got, want + tensor->offset, tensor->count);
            if (!(error <= FUSED_BOUND)) {
                fail_msg("%s: error of %.3g in %d.%s", text, error, i, tensor->name);
            }
            if (!sums_windows_when_fused(network, i)) {
                expect_same_floats(text, got, stepwise->gradients + tensor->offset, tensor->count);
            }
        }
    }
    cnn_free(want);
    cnn_free(logits);
}

static void expect_fast_is_stepwise(const char *text, const float *parameters,
                                    test_samples *samples) {
    fused_run fast = fused_run_create(text, CNN_NETWORK_FAST, parameters, samples);
    fused_run stepwise = fused_run_create(text, CNN_NETWORK_STEPWISE, parameters, samples);
    expect_same_runs(text, &fast, &stepwise, parameters, samples);
    fused_run_free(&fast);
    fused_run_free(&stepwise);
}

static void test_fast_and_stepwise_are_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(networks); i++) {
        cnn_network *network =
            test_network_create(networks[i], test_kernels(), CNN_NETWORK_STEPWISE);
        test_samples samples = test_samples_create(network, CNN_LANES + 3, 5);
        float *parameters = test_parameters(network, 5);
        expect_fast_is_stepwise(networks[i], parameters, &samples);
        cnn_free(parameters);
        test_samples_free(&samples);
        cnn_network_free(network);
    }
}

/* Layers before and after a pooling: first layers of all sizes, poolings that are fused (2 2) and
 * that are not; then a convolution by Winograd, fused or not. "%s" are relu or nothing. */
static void test_fused_poolings(void **state) {
    (void)state;
    const char *const pools[] = {"2 2", "3 2", "3 3", "2 1"};
    const int kernels[] = {1, 3, 5};
    const int filters[] = {1, 3, 4, 5, 8, 16};
    const int sides[] = {12, 11, 13};
    size_t round = 0;
    for (size_t p = 0; p < TEST_COUNT(pools); p++) {
        for (size_t k = 0; k < TEST_COUNT(kernels); k++) {
            for (size_t f = 0; f < TEST_COUNT(filters); f++, round++) {
                char text[256];
                (void)snprintf(text, sizeof text,
                               "%dx%dx%d: conv %d %d %d same, %smaxpool %s, conv 16 1, "
                               "conv 32 3 1 same, %s%sflatten, dense 3, dense 1, sigmoid",
                               round % 2 == 0 ? 1 : 3, sides[round % 3], sides[round / 2 % 3],
                               filters[f], kernels[k], 1 + (int)(round / 2 + k) % 2,
                               (round + p) / 2 % 2 == 0 ? "relu, " : "", pools[p],
                               round / 3 % 2 == 0 ? "relu, " : "",
                               round % 3 == 0 ? "" : "maxpool 2, ");
                cnn_network *network =
                    test_network_create(text, test_kernels(), CNN_NETWORK_STEPWISE);
                test_samples samples = test_samples_create(network, CNN_LANES + 3, round + 1);
                float *parameters = test_parameters(network, round + 1);
                memset(samples.labels, 1, samples.count); /* so that nothing cancels out */
                expect_fast_is_stepwise(text, parameters, &samples);
                cnn_free(parameters);
                test_samples_free(&samples);
                cnn_network_free(network);
            }
        }
    }
}

/* Two kinds of pixel, which stay two kinds with a kernel of 1: most windows tie. A filter whose
 * values are all below 0 has no gradient before a ReLU. */
static void test_fused_ties(void **state) {
    (void)state;
    const char *const texts[] = {
        "1x7x8: conv 5 1, relu, maxpool 2, conv 2 3, flatten, dense 1, sigmoid",
        "3x7x8: conv 5 1, maxpool 2, conv 2 3, flatten, dense 1, sigmoid",
        "3x7x8: conv 5 1, relu, maxpool 2, flatten, dense 1, sigmoid",
        "1x7x8: conv 2 1, conv 5 1, relu, maxpool 2, flatten, dense 1, sigmoid",
        "1x7x8: conv 2 1, conv 5 1, maxpool 2, flatten, dense 1, sigmoid",
    };
    for (size_t i = 0; i < TEST_COUNT(texts); i++) {
        cnn_network *network = test_network_create(texts[i], test_kernels(), CNN_NETWORK_STEPWISE);
        const cnn_node *node = &network->graph.nodes[i < 3 ? 1 : 2];
        const cnn_tensor *weight = &node->tensors[0], *bias = &node->tensors[1];
        test_samples samples = test_samples_create(network, CNN_LANES + 3, 30 + i);
        float *parameters = test_parameters(network, 30 + i);
        for (size_t j = 0; j < samples.count * cnn_shape_size(&samples.shape); j++) {
            samples.x[j] = samples.x[j] < 0.25f ? 0.25f : 0.75f;
        }
        parameters[bias->offset + 4] = -30.0f;
        expect_fast_is_stepwise(texts[i], parameters, &samples);
        fused_run fast = fused_run_create(texts[i], CNN_NETWORK_FAST, parameters, &samples);
        size_t inputs = weight->count / bias->count;
        for (size_t j = 0; j < inputs; j++) {
            bool dead = fast.gradients[weight->offset + 4 * inputs + j] == 0.0f;
            assert_true(dead == (fast.network->fused.nodes[i < 3 ? 1 : 2].relu > 0));
        }
        fused_run_free(&fast);
        cnn_free(parameters);
        test_samples_free(&samples);
        cnn_network_free(network);
    }
}

/* --- threads and instruction sets --- */

/* Enough work per image for three threads even in a batch of 33 (minibatch.c). */
#define BUSY_NETWORK                                                                               \
    "3x12x12: conv 16 3 1 same, relu, maxpool 2, conv 17 3 1 same, relu, maxpool 2, conv 5 3, "    \
    "relu, "                                                                                       \
    "flatten, dense 7, relu, dense 1, sigmoid"

enum { SIZES_LARGEST = 600 }; /* 38 blocks: more than minibatch.c has slots */
static const size_t batch_sizes[] = {1, 15, 16, 17, 33, SIZES_LARGEST};

/* Results of all batch sizes, one after the other: gradients, then logits. */
typedef struct batch_results {
    float *gradients[TEST_COUNT(batch_sizes)];
    float *logits[TEST_COUNT(batch_sizes)];
} batch_results;

static void results_create(batch_results *results, const cnn_kernels *kernels, int threads) {
    cnn_network *network = test_network_create(BUSY_NETWORK, kernels, CNN_NETWORK_FAST);
    test_samples samples = test_samples_create(network, SIZES_LARGEST + 1, 6);
    float *parameters = test_parameters(network, 6);
    cnn_network_prepare(network, parameters);
    for (size_t i = 0; i < TEST_COUNT(batch_sizes); i++) {
        results->gradients[i] = cnn_alloc(network->parameter_count, sizeof(float));
        results->logits[i] = cnn_alloc(batch_sizes[i], sizeof(float));
        assert_non_null(results->gradients[i]);
        assert_non_null(results->logits[i]);
        run_batch(network, parameters, &samples, 1, batch_sizes[i], threads, results->gradients[i],
                  results->logits[i]);
    }
    cnn_free(parameters);
    test_samples_free(&samples);
    cnn_network_free(network);
}

/* For one batch size, against the equations in double. */
static void expect_close_results(const batch_results *got, size_t i) {
    cnn_network *network = test_network_create(BUSY_NETWORK, test_kernels(), CNN_NETWORK_FAST);
    test_samples samples = test_samples_create(network, SIZES_LARGEST + 1, 6);
    float *parameters = test_parameters(network, 6);
    double *gradients = cnn_alloc(network->parameter_count, sizeof *gradients);
    double *logits = cnn_alloc(batch_sizes[i], sizeof *logits);
    assert_non_null(gradients);
    assert_non_null(logits);
    run_reference(network, parameters, &samples, 1, (int)batch_sizes[i], gradients, logits);
    double gap = distance(got->gradients[i], gradients, network->parameter_count);
    test_near("gradients of batch", i, gap, 0.0, CNN_GRADIENT_FLOAT_BOUND);
    gap = distance(got->logits[i], logits, batch_sizes[i]);
    test_near("logits of batch", i, gap, 0.0, CNN_GRADIENT_FLOAT_BOUND);
    cnn_free(parameters);
    cnn_free(gradients);
    cnn_free(logits);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void results_free(batch_results *results) {
    for (size_t i = 0; i < TEST_COUNT(batch_sizes); i++) {
        cnn_free(results->gradients[i]);
        cnn_free(results->logits[i]);
    }
}

static void expect_same_results(const batch_results *got, const batch_results *want) {
    cnn_network *network = test_network_create(BUSY_NETWORK, test_kernels(), CNN_NETWORK_FAST);
    for (size_t i = 0; i < TEST_COUNT(batch_sizes); i++) {
        expect_same_floats("gradients", got->gradients[i], want->gradients[i],
                           network->parameter_count);
        expect_same_floats("logits", got->logits[i], want->logits[i], batch_sizes[i]);
    }
    cnn_network_free(network);
}

static void test_threads_and_instruction_sets_are_the_same(void **state) {
    (void)state;
    const int threads[] = {2, 3, 5, 16};
    batch_results want;
    results_create(&want, test_kernels(), 1);
    for (size_t i = 0; i < TEST_COUNT(batch_sizes); i++) {
        expect_close_results(&want, i);
    }
    for (size_t i = 0; i < TEST_COUNT(threads); i++) {
        batch_results got;
        results_create(&got, test_kernels(), threads[i]);
        expect_same_results(&got, &want);
        results_free(&got);
    }
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        const cnn_kernels *kernels = cnn_kernels_for((cnn_isa)isa);
        if (kernels) {
            batch_results got;
            results_create(&got, kernels, 2);
            expect_same_results(&got, &want);
            results_free(&got);
        }
    }
    results_free(&want);
}

/* Layers that see the whole batch, on batches of one, some, and many blocks: close to the same in
 * double, and the same bytes with any number of threads and instruction set. */
static void test_whole_batches(void **state) {
    (void)state;
    enum { LARGEST = 700 };
    static const size_t sizes[] = {2, 16, 37, LARGEST};
    for (size_t n = 0; n < TEST_COUNT(batch_networks); n++) {
        cnn_network *network =
            test_network_create(batch_networks[n], test_kernels(), CNN_NETWORK_FAST);
        test_samples samples = test_samples_create(network, LARGEST, 9);
        float *parameters = test_parameters(network, 9);
        size_t count = network->parameter_count;
        float *want = cnn_alloc(count, sizeof *want);
        float *got = cnn_alloc(count, sizeof *got);
        double *wide = cnn_alloc(count, sizeof *wide);
        float logits[LARGEST];
        double wide_logits[LARGEST];
        assert_non_null(want);
        assert_non_null(got);
        assert_non_null(wide);
        for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
            size_t m = sizes[i];
            cnn_network_prepare(network, parameters);
            run_batch(network, parameters, &samples, 0, m, 1, want, logits);
            run_reference(network, parameters, &samples, 0, (int)m, wide, wide_logits);
            if (m > 2) { /* two images in a batch are all kinks and cancellation */
                test_near(batch_networks[n], m, distance(want, wide, count), 0.0, 2e-4);
                test_near("logits", m, distance(logits, wide_logits, m), 0.0, 2e-5);
            }
            for (int threads = 2; threads <= 5; threads++) {
                run_batch(network, parameters, &samples, 0, m, threads, got, logits);
                expect_same_floats(batch_networks[n], got, want, count);
            }
            for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
                if (!cnn_kernels_for((cnn_isa)isa)) {
                    continue;
                }
                cnn_network *other = test_network_create(
                    batch_networks[n], cnn_kernels_for((cnn_isa)isa), CNN_NETWORK_FAST);
                cnn_network_prepare(other, parameters);
                run_batch(other, parameters, &samples, 0, m, 2, got, logits);
                expect_same_floats(batch_networks[n], got, want, count);
                cnn_network_free(other);
            }
        }
        cnn_free(want);
        cnn_free(got);
        cnn_free(wide);
        cnn_free(parameters);
        test_samples_free(&samples);
        cnn_network_free(network);
    }
}

/* cnn_minibatch_forward gives the logits of training, for any number of threads and images. */
static void test_minibatch_forward(void **state) {
    (void)state;
    enum { IMAGES = 1500 }; /* enough for several threads to run at the same time */
    cnn_network *network = test_network_create(BUSY_NETWORK, test_kernels(), CNN_NETWORK_FAST);
    test_samples samples = test_samples_create(network, IMAGES + 1, 7);
    cnn_sample_source source = test_samples_source(&samples);
    float *parameters = test_parameters(network, 7);
    float *gradients = cnn_alloc(network->parameter_count, sizeof *gradients);
    float want[IMAGES], logits[IMAGES];
    uint8_t labels[IMAGES];
    assert_non_null(gradients);
    cnn_network_prepare(network, parameters);
    run_batch(network, parameters, &samples, 1, IMAGES, 1, gradients, want);
    for (int round = 0; round < 4; round++) {
        cnn_minibatch *minibatch;
        cnn_error error;
        size_t room = round % 2 == 0 ? 0 : 16; /* 0: for prediction only */
        int threads = round < 2 ? 1 : 3;
        test_ok(cnn_minibatch_create(network, room, threads, &minibatch, &error), &error);
        memset(logits, 0xff, sizeof logits);
        memset(labels, 0xff, sizeof labels);
        cnn_minibatch_forward(minibatch, parameters, &source, 1, IMAGES, logits,
                              round == 0 ? NULL : labels);
        expect_same_floats("logits", logits, want, IMAGES);
        assert_true(round == 0 || memcmp(labels, samples.labels + 1, IMAGES) == 0);
        cnn_minibatch_free(minibatch);
    }
    assert_true(cnn_minibatch_memory(network, 16, 3, NULL) >=
                3 * sizeof(float) * network->plan.workspace_size);
    cnn_free(parameters);
    cnn_free(gradients);
    test_samples_free(&samples);
    cnn_network_free(network);
}

/* The gradient of a batch is the mean of its images' gradients: lanes that hold no image add
 * nothing. */
static void test_batch_gradient_is_the_mean(void **state) {
    (void)state;
    enum { IMAGES = 21 };
    cnn_network *network = test_network_create(networks[5], test_kernels(), CNN_NETWORK_FAST);
    size_t count = network->parameter_count;
    test_samples samples = test_samples_create(network, IMAGES, 8);
    float *parameters = test_parameters(network, 8);
    float *gradients = cnn_alloc(count, sizeof *gradients);
    float *single = cnn_alloc(count, sizeof *single);
    double *mean = cnn_alloc(count, sizeof *mean);
    double *sizes = cnn_alloc(count, sizeof *sizes);
    float logits[IMAGES], logit;
    assert_non_null(gradients);
    assert_non_null(single);
    assert_non_null(mean);
    assert_non_null(sizes);
    cnn_network_prepare(network, parameters);
    run_batch(network, parameters, &samples, 0, IMAGES, 1, gradients, logits);
    for (size_t image = 0; image < IMAGES; image++) {
        run_batch(network, parameters, &samples, image, 1, 1, single, &logit);
        assert_true(logit == logits[image]);
        for (size_t i = 0; i < count; i++) {
            mean[i] += (double)single[i] / (double)IMAGES;
            sizes[i] += fabs((double)single[i]) / (double)IMAGES;
        }
    }
    for (size_t i = 0; i < count; i++) {
        test_near("mean gradient", i, (double)gradients[i], mean[i], 4e-6 * sizes[i] + 1e-9);
    }
    cnn_free(parameters);
    cnn_free(gradients);
    cnn_free(single);
    cnn_free(mean);
    cnn_free(sizes);
    test_samples_free(&samples);
    cnn_network_free(network);
}

/* --- lanes, workspaces and borders --- */

/* Keeps the gradient of the first layer's output: the final result of backward. */
typedef struct front_gradient {
    double values[32768]; /* [LANES][C][H][W] */
    size_t per_lane;
} front_gradient;

static void look_at_front(const cnn_network *network, const float *workspace,
                          front_gradient *front) {
    const cnn_block *block;
    const float *values = cnn_network_gradient(network, 1, workspace, &block);
    assert_true(test_block_count(block) <= TEST_COUNT(front->values));
    front->per_lane = test_block_count(block) / CNN_LANES;
    test_block_read(block, values, front->values);
}

/* Runs a block of 16 images, image order[lane] in each lane (< 0: NaN all over). */
static void run_lanes(const cnn_network *network, const float *parameters,
                      const test_samples *samples, const int order[CNN_LANES],
                      float logits[CNN_LANES], front_gradient *front) {
    size_t size = cnn_shape_size(&samples->shape);
    float *workspace = cnn_network_workspace(network, true);
    float *gradients = cnn_alloc(network->parameter_count, sizeof *gradients);
    double *x = cnn_alloc(size * CNN_LANES, sizeof *x);
    _Alignas(CNN_ALIGNMENT) float slopes[CNN_LANES];
    const cnn_block *block;
    assert_non_null(workspace);
    assert_non_null(gradients);
    assert_non_null(x);
    for (size_t lane = 0; lane < CNN_LANES; lane++) {
        slopes[lane] = 0.5f; /* the same for all, so that only the image makes a difference */
        for (size_t i = 0; i < size; i++) {
            x[lane * size + i] =
                order[lane] < 0 ? (double)NAN : (double)samples->x[(size_t)order[lane] * size + i];
        }
    }
    float *input = cnn_network_input(network, workspace, &block);
    test_block_write(block, x, input);
    memcpy(logits, cnn_network_forward(network, parameters, workspace), CNN_LANES * sizeof *logits);
    cnn_network_backward(network, parameters, workspace, slopes, gradients);
    look_at_front(network, workspace, front);
    cnn_free(workspace);
    cnn_free(gradients);
    cnn_free(x);
}

/* Image 0 goes through every lane, next to other images and to NaN. */
static void expect_independent_lanes(const char *text, cnn_network_mode mode) {
    static front_gradient want, got;
    cnn_network *network = test_network_create(text, test_kernels(), mode);
    test_samples samples = test_samples_create(network, 2 * CNN_LANES, 9);
    float *parameters = test_parameters(network, 9);
    float want_logits[CNN_LANES], logits[CNN_LANES];
    int order[CNN_LANES];
    cnn_network_prepare(network, parameters);
    for (int lane = 0; lane < CNN_LANES; lane++) {
        order[lane] = lane;
    }
    run_lanes(network, parameters, &samples, order, want_logits, &want);
    for (int lane = 0; lane < CNN_LANES; lane++) {
        for (int i = 0; i < CNN_LANES; i++) {
            order[i] = i == lane ? 0 : lane % 2 == 0 ? CNN_LANES + i : -1;
        }
        run_lanes(network, parameters, &samples, order, logits, &got);
        expect_same_floats("logit", &logits[lane], &want_logits[0], 1);
        assert_memory_equal(got.values + (size_t)lane * got.per_lane, want.values,
                            got.per_lane * sizeof *got.values);
    }
    cnn_free(parameters);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void test_lanes_are_independent(void **state) {
    (void)state;
    expect_independent_lanes(networks[5], CNN_NETWORK_STEPWISE);
    expect_independent_lanes(networks[5], CNN_NETWORK_FAST);
    /* Winograd, pooled and not, after a layer whose gradient can be read */
    expect_independent_lanes(
        "2x9x8: conv 16 1, conv 16 3 1 same, relu, maxpool 2, conv 17 3 1 same, "
        "flatten, dense 1, sigmoid",
        CNN_NETWORK_FAST);
}

static void mark_place(const cnn_place *place, bool *inside) {
    const cnn_block *block = &place->block;
    for (int c = 0; c < block->channels && place->offset != CNN_NOWHERE; c++) {
        for (int h = 0; h < block->height; h++) {
            bool *row = inside + place->offset + c * block->plane_stride + h * block->row_stride;
            memset(row, true, (size_t)block->width * CNN_LANES * sizeof *row);
        }
    }
}

/* True for every float of a workspace that belongs to the inside of a block, to what a layer keeps
 * or to the working memory; the rest are borders. Free with cnn_free. */
static bool *mark_insides(const cnn_network *network) {
    const cnn_plan *plan = &network->plan;
    bool *inside = cnn_alloc(plan->workspace_size, sizeof *inside);
    assert_non_null(inside);
    for (int i = 0; i < network->fused.node_count - 1; i++) {
        const cnn_node_places *places = &plan->places[i];
        mark_place(&places->value, inside);
        mark_place(&places->gradient, inside);
        mark_place(&places->own_gradient, inside);
        mark_place(&places->dx[0], inside);
        mark_place(&places->dx[1], inside);
        memset(inside + places->kept, true, places->kept_size * sizeof *inside);
    }
    memset(inside + plan->work_offset, true, plan->work_size * sizeof *inside);
    return inside;
}

static void fill_work(const cnn_run *run, float work) {
    for (size_t i = 0; i < run->plan->work_size; i++) {
        run->workspace[run->plan->work_offset + i] = work;
    }
}

/* Forward and backward of one block in the workspace given, whose working memory is `work` whenever
 * an instruction gets it. logits: [LANES]. */
static void run_block(const cnn_network *network, const float *parameters, test_samples *samples,
                      size_t first, float *workspace, float work, float *logits, float *gradients) {
    const cnn_block *block;
    cnn_sample_source source = test_samples_source(samples);
    const cnn_run run = {.plan = &network->plan,
                         .parameters = parameters,
                         .workspace = workspace,
                         .gradients = gradients};
    _Alignas(CNN_ALIGNMENT) float slopes[CNN_LANES];
    float *x = cnn_network_input(network, workspace, &block);
    source.fill(source.context, first, CNN_LANES, block, x, NULL);
    for (int i = 0; i < network->plan.instruction_count; i++) {
        fill_work(&run, work);
        cnn_run_forward(&run, i, i + 1);
    }
    memcpy(logits, cnn_network_result(network, workspace), CNN_LANES * sizeof *logits);
    for (int lane = 0; lane < CNN_LANES; lane++) {
        slopes[lane] = cnn_loss_gradient(logits[lane], lane % 2, CNN_LANES);
    }
    memset(gradients, 0, network->parameter_count * sizeof *gradients);
    cnn_network_set_logit_gradients(network, workspace, slopes);
    for (int i = network->plan.instruction_count - 1; i >= 0; i--) {
        fill_work(&run, work);
        cnn_run_backward(&run, i, i + 1);
    }
}

/* Equal, or both NaN. */
static bool same_value(double a, double b) {
    return isnan(a) ? (bool)isnan(b) : a == b;
}

/* The node of the stepwise network whose output a node of the fused one stores. */
static int stored_node(const cnn_node *node) {
    return node->pool ? node->pool : node->relu ? node->relu : node->origin;
}

/* All activations that both have, unless the fused network has overwritten them. */
static void expect_same_values(const char *text, const cnn_network *fast, const float *fast_values,
                               const cnn_network *stepwise, const float *stepwise_values) {
    for (int i = 1; i < fast->fused.node_count - 1; i++) {
        const cnn_node *node = &fast->fused.nodes[i];
        bool overwritten = false;
        for (int later = i + 1; later < fast->fused.node_count - 1; later++) {
            overwritten =
                overwritten || (fast->plan.places[later].buffer == fast->plan.places[i].buffer &&
                                !fast->fused.nodes[later].ops->aliases_input);
        }
        if (overwritten) {
            continue;
        }
        const cnn_block *a, *b;
        const float *x = cnn_network_value(fast, i, fast_values, &a);
        const float *y = cnn_network_value(stepwise, stored_node(node), stepwise_values, &b);
        size_t count = cnn_shape_size(&node->stored) * CNN_LANES;
        assert_int_equal(test_block_count(a), count);
        assert_int_equal(test_block_count(b), count);
        double *got = cnn_alloc(count, sizeof *got);
        double *want = cnn_alloc(count, sizeof *want);
        assert_non_null(got);
        assert_non_null(want);
        test_block_read(a, x, got);
        test_block_read(b, y, want);
        for (size_t j = 0; j < count; j++) {
            if (!same_value(got[j], want[j])) {
                fail_msg("%s: node %d: expected %g, got %g", text, i, want[j], got[j]);
            }
        }
        cnn_free(got);
        cnn_free(want);
    }
}

/* Every activation of a fused network is that of a stepwise one, and every gradient, also with NaN
 * in one pixel of some images. (A layer that sums over windows need not use that pixel.) */
static void test_fused_values(void **state) {
    (void)state;
    for (size_t n = 0; n < TEST_COUNT(networks); n++) {
        for (int with_nan = 0; with_nan < 2; with_nan++) {
            cnn_network *both[2];
            float *workspaces[2], *gradients[2], logits[2][CNN_LANES], *parameters = NULL;
            for (int mode = 0; mode < 2; mode++) {
                both[mode] =
                    test_network_create(networks[n], test_kernels(),
                                        mode == 0 ? CNN_NETWORK_FAST : CNN_NETWORK_STEPWISE);
                test_samples samples = test_samples_create(both[mode], CNN_LANES, 40);
                for (size_t lane = 1; with_nan == 1 && lane < CNN_LANES; lane += 3) {
                    size_t size = cnn_shape_size(&samples.shape);
                    samples.x[lane * size + (lane * 7) % size] = NAN;
                }
                parameters = parameters ? parameters : test_parameters(both[mode], 40);
                workspaces[mode] = cnn_network_workspace(both[mode], true);
                gradients[mode] = cnn_alloc(both[mode]->parameter_count, sizeof(float));
                assert_non_null(workspaces[mode]);
                assert_non_null(gradients[mode]);
                cnn_network_prepare(both[mode], parameters);
                run_block(both[mode], parameters, &samples, 0, workspaces[mode], NAN, logits[mode],
                          gradients[mode]);
                test_samples_free(&samples);
            }
            expect_same_values(networks[n], both[0], workspaces[0], both[1], workspaces[1]);
            for (int i = 0; i < both[0]->fused.node_count; i++) {
                const cnn_node *node = &both[0]->fused.nodes[i];
                for (size_t j = node->parameter_offset;
                     j < node->parameter_offset + node->parameter_count; j++) {
                    assert_true(sums_windows(node) ||
                                same_value((double)gradients[0][j], (double)gradients[1][j]));
                }
            }
            for (int mode = 0; mode < 2; mode++) {
                cnn_free(workspaces[mode]);
                cnn_free(gradients[mode]);
                cnn_network_free(both[mode]);
            }
            cnn_free(parameters);
        }
    }
}

/* A used workspace whose insides are all NaN, and whose working memory is before every layer, gives
 * what a fresh one gives: nothing old is read, and borders are exactly 0 all the time. */
static void test_workspace_is_used_again(void **state) {
    (void)state;
    for (size_t n = 0; n < TEST_COUNT(networks); n++) {
        cnn_network *network = test_network_create(networks[n], test_kernels(), CNN_NETWORK_FAST);
        size_t count = network->parameter_count;
        test_samples samples = test_samples_create(network, 3 * CNN_LANES, 10);
        float *parameters = test_parameters(network, 10);
        bool *inside = mark_insides(network);
        float *used = cnn_network_workspace(network, true);
        float *gradients = cnn_alloc(2 * count, sizeof *gradients);
        float logits[2][CNN_LANES];
        assert_non_null(used);
        assert_non_null(gradients);
        cnn_network_prepare(network, parameters);
        for (size_t round = 0; round < 3; round++) {
            float *fresh = cnn_network_workspace(network, true);
            assert_non_null(fresh);
            run_block(network, parameters, &samples, round * CNN_LANES, fresh, 0.0f, logits[0],
                      gradients);
            run_block(network, parameters, &samples, round * CNN_LANES, used, NAN, logits[1],
                      gradients + count);
            expect_same_floats(networks[n], logits[1], logits[0], CNN_LANES);
            expect_same_floats(networks[n], gradients + count, gradients, count);
            for (size_t i = 0; i < network->plan.workspace_size; i++) {
                if (!inside[i] && (used[i] != 0.0f || signbit(used[i]))) {
                    fail_msg("%s: a border became %g", networks[n], (double)used[i]);
                }
                used[i] = inside[i] ? NAN : used[i];
            }
            cnn_free(fresh);
        }
        cnn_free(used);
        cnn_free(inside);
        cnn_free(gradients);
        cnn_free(parameters);
        test_samples_free(&samples);
        cnn_network_free(network);
    }
}

/* --- the environment --- */

static void expect_conv_way(const char *choice, bool winograd) {
    assert_int_equal(choice ? setenv("CNN_CONV", choice, 1) : unsetenv("CNN_CONV"), 0);
    cnn_network *network = test_network_create("16x8x8: conv 16 3, relu, flatten, dense 1, sigmoid",
                                               test_kernels(), CNN_NETWORK_FAST);
    assert_int_equal(unsetenv("CNN_CONV"), 0);
    const cnn_node *node = &network->fused.nodes[1];
    assert_true((node->ops->work_size(node) > 0) == winograd); /* only Winograd needs any */
    cnn_network_free(network);
}

static void expect_conv_refused(const char *choice, const char *message) {
    test_spec spec;
    cnn_error error = {0};
    cnn_network *network = (cnn_network *)&error; /* anything but NULL */
    test_spec_read(SEED_NETWORK, &spec);
    assert_int_equal(setenv("CNN_CONV", choice, 1), 0);
    cnn_status status =
        cnn_network_create(&spec.spec, test_kernels(), CNN_NETWORK_FAST, &network, &error);
    assert_int_equal(unsetenv("CNN_CONV"), 0);
    assert_int_equal(status, CNN_ERROR_CONFIG);
    assert_int_equal(error.status, CNN_ERROR_CONFIG);
    assert_string_equal(error.message, message);
    assert_null(network);
}

/* The tests after this one must not depend on CNN_CONV in the environment. */
static void test_conv_choice(void **state) {
    (void)state;
    expect_conv_way(NULL, true);
    expect_conv_way("", true);
    expect_conv_way("auto", true);
    expect_conv_way("direct", false);
    expect_conv_refused("Direct", "environment: CNN_CONV: expected auto or direct, got \"Direct\"");
    expect_conv_refused("winograd",
                        "environment: CNN_CONV: expected auto or direct, got \"winograd\"");
    expect_conv_refused(" auto", "environment: CNN_CONV: expected auto or direct, got \" auto\"");
}

/* --- what is refused --- */

static void expect_refused(const char *text, const char *message) {
    test_spec spec;
    cnn_error error = {0};
    cnn_network *network = (cnn_network *)&error; /* anything but NULL */
    test_spec_read(text, &spec);
    assert_int_equal(cnn_graph_check(&spec.spec, &error), CNN_ERROR_CONFIG);
    assert_string_equal(error.message, message);
    assert_int_equal(error.status, CNN_ERROR_CONFIG);
    assert_int_equal(cnn_graph_check(&spec.spec, NULL), CNN_ERROR_CONFIG);
    assert_int_equal(
        cnn_network_create(&spec.spec, test_kernels(), CNN_NETWORK_FAST, &network, &error),
        CNN_ERROR_CONFIG);
    assert_null(network);
}

static void test_check_refuses_shapes(void **state) {
    (void)state;
    expect_refused("1x6x6: dense 1, sigmoid",
                   "layers[0].type: expected flatten before dense (its input is 1×6×6)");
    expect_refused(
        "1x6x7: conv 1 9 1 1, flatten, dense 1, sigmoid",
        "layers[0].kernel: expected at most 8 (its input is 6×7 with 2 of padding), got 9");
    expect_refused(
        "1x7x6: conv 1 7, flatten, dense 1, sigmoid",
        "layers[0].kernel: expected at most 6 (its input is 7×6 with 0 of padding), got 7");
    expect_refused(
        "1x6x6: conv 2 5, conv 1 3, flatten, dense 1, sigmoid",
        "layers[1].kernel: expected at most 2 (its input is 2×2 with 0 of padding), got 3");
    expect_refused("1x6x6: flatten, conv 1 3, dense 1, sigmoid",
                   "layers[1].type: expected conv before flatten, found it after one");
    expect_refused("1x6x6: flatten, maxpool 2, dense 1, sigmoid",
                   "layers[1].type: expected maxpool before flatten, found it after one");
    expect_refused("1x6x5: maxpool 6, flatten, dense 1, sigmoid",
                   "layers[0].size: expected at most 5 (its input is 6×5), got 6");
}

static void test_check_refuses_endings(void **state) {
    (void)state;
    expect_refused("1x6x6:", "layers[0].type: expected sigmoid as the last layer, got nothing");
    expect_refused("1x6x6: flatten, dense 1",
                   "layers[1].type: expected sigmoid as the last layer, got dense");
    expect_refused("1x6x6: flatten, dense 2, sigmoid",
                   "layers[1].units: expected 1 in the last dense layer, got 2");
    expect_refused("1x6x6: flatten, sigmoid",
                   "layers[0].type: expected dense with 1 unit before the "
                   "last sigmoid, got flatten");
    expect_refused("1x6x6: sigmoid", "layers[0].type: expected dense with 1 unit before the last "
                                     "sigmoid, got nothing");
    expect_refused("1x6x6: flatten, dense 1, relu, sigmoid",
                   "layers[2].type: expected dense with 1 unit before the last sigmoid, got relu");
}

static void test_check_refuses_sizes(void **state) {
    (void)state;
    expect_refused("3x20000x20000: flatten, dense 1, sigmoid",
                   "image: expected a smaller input, got 3×20000×20000");
    expect_refused("3x2147483000x2147483000: flatten, dense 1, sigmoid",
                   "image: expected a smaller input, got 3×2147483000×2147483000");
    expect_refused("3x1000x1000: conv 4096 1, flatten, dense 1, sigmoid",
                   "layers[0]: expected a smaller output, got 4096×1000×1000");
    expect_refused("3x1000x1000: flatten, dense 65536, dense 1, sigmoid",
                   "layers[1]: expected at most 1024 million parameters in all, got more");
    cnn_error error;
    cnn_layer_spec layers[CNN_LAYERS_MAX + 1];
    for (size_t i = 0; i < TEST_COUNT(layers); i++) {
        layers[i] = (cnn_layer_spec){.ops = cnn_layer_find("relu")};
    }
    cnn_network_spec spec = {{1, 6, 6, false}, CNN_LAYERS_MAX + 1, layers, false};
    assert_int_equal(cnn_graph_check(&spec, &error), CNN_ERROR_CONFIG);
    assert_string_equal(error.message, "layers: expected at most 1024 layers, got 1025");
}

/* The largest number of layers, all in one buffer: planning must not take long. */
static void test_many_layers(void **state) {
    (void)state;
    cnn_layer_spec layers[CNN_LAYERS_MAX];
    for (size_t i = 0; i < CNN_LAYERS_MAX; i++) {
        layers[i] = (cnn_layer_spec){.ops = cnn_layer_find("flatten")};
    }
    layers[CNN_LAYERS_MAX - 2] = (cnn_layer_spec){.ops = cnn_layer_find("dense"), .value = {1}};
    layers[CNN_LAYERS_MAX - 1] = (cnn_layer_spec){.ops = cnn_layer_find("sigmoid")};
    cnn_network_spec spec = {{1, 6, 6, false}, CNN_LAYERS_MAX, layers, false};
    cnn_network *network;
    cnn_error error;
    test_ok(cnn_network_create(&spec, test_kernels(), CNN_NETWORK_FAST, &network, &error), &error);
    assert_int_equal(network->parameter_count, 37);
    assert_int_equal(network->plan.places[CNN_LAYERS_MAX - 2].value.offset,
                     network->plan.places[0].value.offset);
    assert_int_equal(network->plan.instruction_count, 1);
    cnn_network_free(network);
}

static void test_check_gives_shapes(void **state) {
    (void)state;
    test_spec spec;
    cnn_error error;
    cnn_graph graph;
    const cnn_shape want[8] = {{4, 9, 8, false}, {4, 9, 8, false}, {5, 5, 4, false},
                               {5, 2, 2, false}, {20, 1, 1, true}, {6, 1, 1, true},
                               {1, 1, 1, true},  {1, 1, 1, true}};
    test_spec_read("3x9x8: conv 4 3 1 same, relu, conv 5 4 2 same, maxpool 2 2, flatten, dense 6, "
                   "dense 1, sigmoid",
                   &spec);
    test_ok(cnn_graph_create(&spec.spec, &graph, &error), &error);
    assert_int_equal(graph.node_count, 1 + TEST_COUNT(want));
    for (size_t i = 0; i < TEST_COUNT(want); i++) {
        const cnn_shape *got = &graph.nodes[i + 1].out;
        assert_int_equal(got->channels, want[i].channels);
        assert_int_equal(got->height, want[i].height);
        assert_int_equal(got->width, want[i].width);
        assert_true(got->flat == want[i].flat);
        assert_true(cnn_shape_equal(got, &want[i]));
    }
    cnn_graph_free(&graph);
    assert_null(cnn_layer_find("Conv")); /* case counts */
    assert_null(cnn_layer_find(""));
}

/* --- starting weights --- */

/* He uniform: mean 0, variance bound²/3, all within the bound; biases exactly 0. */
static void expect_he_uniform(const cnn_tensor *tensor, const float *values) {
    double bound = sqrt(6.0 / tensor->fan_in);
    double sum = 0.0, squares = 0.0, largest = 0.0;
    for (size_t i = 0; i < tensor->count; i++) {
        double w = (double)values[i];
        sum += w;
        squares += w * w;
        largest = fmax(largest, fabs(w));
    }
    double count = (double)tensor->count;
    double deviation = bound / sqrt(3.0);
    assert_true(largest <= bound * (1.0 + 1e-7)); /* rounded to float */
    assert_true(largest > 0.99 * bound);
    test_near("mean", 0, sum / count, 0.0, 5.0 * deviation / sqrt(count));
    test_near("variance", 0, squares / count, bound * bound / 3.0,
              5.0 * bound * bound / sqrt(count));
}

static void test_initialize(void **state) {
    (void)state;
    cnn_network *network = test_network_create(
        "3x8x8: conv 16 5 1 same, conv 20 3, flatten, dense 30, dense 1, sigmoid", test_kernels(),
        CNN_NETWORK_FAST);
    const int fan_ins[] = {3 * 25, 16 * 9, 20 * 36};
    const int weighted_layers[] = {0, 1, 3};
    size_t bytes = network->parameter_count * sizeof(float);
    float *first = cnn_alloc(1, bytes);
    float *second = cnn_alloc(1, bytes);
    assert_non_null(first);
    assert_non_null(second);
    memset(first, 0xff, bytes); /* NaN: everything must be written */
    cnn_network_initialize(network, 1, first);
    for (size_t i = 0; i < TEST_COUNT(fan_ins); i++) {
        const cnn_tensor *tensors = network->graph.nodes[1 + weighted_layers[i]].tensors;
        assert_int_equal(tensors[0].fan_in, fan_ins[i]);
        expect_he_uniform(&tensors[0], first + tensors[0].offset);
    }
    for (int i = 0; i < network->graph.node_count; i++) {
        for (int t = 0; t < network->graph.nodes[i].tensor_count; t++) {
            const cnn_tensor *tensor = &network->graph.nodes[i].tensors[t];
            for (size_t j = 0; j < tensor->count; j++) {
                assert_true((first[tensor->offset + j] == 0.0f) ==
                            (strcmp(tensor->name, "bias") == 0));
            }
        }
    }
    cnn_network_initialize(network, 1, second);
    assert_memory_equal(second, first, bytes);
    cnn_network_initialize(network, 2, second);
    assert_true(memcmp(second, first, bytes) != 0);
    cnn_free(first);
    cnn_free(second);
    cnn_network_free(network);
}

/* --- loss and optimizers --- */

static void test_loss(void **state) {
    (void)state;
    for (int i = -400; i <= 400; i++) {
        float z = (float)i * 0.05f;
        double a = 1.0 / (1.0 + exp(-(double)z));
        for (int y = 0; y <= 1; y++) {
            double want = y == 1 ? log1p(exp(-(double)z)) : log1p(exp((double)z));
            test_near("loss", (size_t)(i + 400), cnn_loss(z, y), want, 1e-14 * want);
            test_near("loss gradient", (size_t)(i + 400), (double)cnn_loss_gradient(z, y, 7),
                      (a - y) / 7.0, 1e-7 * fabs(a - y) / 7.0);
        }
        test_near("probability", (size_t)(i + 400), (double)cnn_probability(z), a, 1e-7 * a);
    }
    /* no overflow if the probability rounds to 0 or 1 */
    assert_true(cnn_loss(1000.0f, 1) == 0.0);
    assert_true(cnn_loss(1000.0f, 0) == 1000.0);
    assert_true(cnn_loss(-1000.0f, 1) == 1000.0);
    assert_true(cnn_loss(-3e38f, 0) == 0.0);
    assert_true(cnn_loss_gradient(1000.0f, 0, 2) == 0.5f);
    assert_true(cnn_loss_gradient(-1000.0f, 1, 2) == -0.5f);
    assert_true(isnan(cnn_loss(NAN, 0)));
    assert_true(isnan(cnn_loss(NAN, 1)));
    assert_true(!isfinite(cnn_loss(INFINITY, 0)));
    assert_true(isnan(cnn_loss_gradient(NAN, 0, 1)));
    assert_true(isnan(cnn_probability(NAN)));
}

/* 100 steps down a bowl whose sides differ, in float and in double. */
static void expect_optimizer(cnn_optimizer optimizer, size_t state_size) {
    enum { COUNT = 37, STEPS = 100 };
    const double rate = 0.05;
    float w[COUNT], gradients[COUNT], velocity[COUNT] = {0};
    double want_w[COUNT], want_v[COUNT] = {0};
    uint64_t seed = 11;
    assert_int_equal(cnn_optimizer_state_size(&optimizer), state_size);
    for (size_t i = 0; i < COUNT; i++) {
        want_w[i] = test_random(&seed, -2.0, 2.0);
        w[i] = (float)want_w[i];
    }
    for (int step = 0; step < STEPS; step++) {
        for (size_t i = 0; i < COUNT; i++) {
            double steepness = 0.02 * (double)(i + 1);
            gradients[i] = (float)steepness * (w[i] - 1.0f);
            want_v[i] = (state_size > 0 ? optimizer.momentum * want_v[i] : 0.0) +
                        steepness * (want_w[i] - 1.0);
            want_w[i] -= rate * want_v[i];
        }
        cnn_update update = {.rate = rate, .number = step + 1, .scale = 1.0};
        cnn_optimizer_step(&optimizer, NULL, &update, COUNT, gradients,
                           state_size > 0 ? velocity : NULL, w);
    }
    for (size_t i = 0; i < COUNT; i++) {
        test_near("w", i, (double)w[i], want_w[i], 1e-4);
        test_near("v", i, (double)velocity[i], state_size > 0 ? want_v[i] : 0.0, 1e-4);
    }
}

static void test_optimizers(void **state) {
    (void)state;
    expect_optimizer((cnn_optimizer){.kind = CNN_OPTIMIZER_SGD, .momentum = 0.9}, 0);
    expect_optimizer((cnn_optimizer){.kind = CNN_OPTIMIZER_MOMENTUM, .momentum = 0.9}, 1);
    expect_optimizer((cnn_optimizer){.kind = CNN_OPTIMIZER_MOMENTUM, .momentum = 0.0}, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_choice),
        cmocka_unit_test(test_gradient_check_passes),
        cmocka_unit_test(test_seed_network_has_15_parameters),
        cmocka_unit_test(test_gradient_check_fails),
        cmocka_unit_test(test_forgotten_prepare_is_noticed),
        cmocka_unit_test(test_fast_and_stepwise_are_the_same),
        cmocka_unit_test(test_fused_poolings),
        cmocka_unit_test(test_fused_ties),
        cmocka_unit_test(test_fused_values),
        cmocka_unit_test(test_threads_and_instruction_sets_are_the_same),
        cmocka_unit_test(test_whole_batches),
        cmocka_unit_test(test_minibatch_forward),
        cmocka_unit_test(test_batch_gradient_is_the_mean),
        cmocka_unit_test(test_lanes_are_independent),
        cmocka_unit_test(test_workspace_is_used_again),
        cmocka_unit_test(test_check_refuses_shapes),
        cmocka_unit_test(test_check_refuses_endings),
        cmocka_unit_test(test_check_refuses_sizes),
        cmocka_unit_test(test_many_layers),
        cmocka_unit_test(test_check_gives_shapes),
        cmocka_unit_test(test_initialize),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_optimizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
