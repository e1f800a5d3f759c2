/* The network for prediction, and layers that only training needs: batch normalization merged into
 * the layer before it, its running averages, dropout; each against its published definition in
 * double. */
#include "test_support.h"

#include "base/memory.h"
#include "nn/minibatch.h"

#include <math.h>
#include <string.h>

/* --- merging --- */

typedef struct merging {
    const char *line;
    int batchnorms; /* that are not merged, because nothing before them can take them */
} merging;

static const merging mergings[] = {
    {"2x6x7: conv 3 3, batchnorm, relu, maxpool 2, flatten, dense 1, sigmoid", 0},
    {"1x8x8: conv 16 3 1 same, batchnorm, relu, conv 16 3 1 same, batchnorm, relu, maxpool 2, "
     "flatten, "
     "dense 1, sigmoid",
     0},
    {"2x4x4: flatten, dense 5, batchnorm, leaky_relu, dense 1, sigmoid", 0},
    {"2x6x6: conv 3 3, dropout 0.4, batchnorm, dropout, relu, flatten, dropout, dense 1, sigmoid",
     0},
    {"3x5x5: batchnorm, conv 4 3, batchnorm 0.1, relu, flatten, dense 1, sigmoid", 1},
    {"1x6x6: conv 3 3, relu, batchnorm, avgpool 2, batchnorm, flatten, dense 1, sigmoid", 2},
    {"1x6x6: conv 3 3, batchnorm, batchnorm, flatten, batchnorm, dense 1, sigmoid", 2},
    {"1x6x6: conv 4 3 1 same, batchnorm, relu, residual, conv 5 3 2 same, batchnorm, relu, conv 5 "
     "3 1 "
     "same, batchnorm, end, relu, global_avgpool, flatten, dense 1, sigmoid",
     0},
    {"1x6x6: conv 3 3 1 same, residual, batchnorm, relu, conv 5 3 2 same, end, batchnorm, relu, "
     "flatten, "
     "dense 1, sigmoid",
     2},
    {"2x5x5: residual, dropout, end, residual, residual, conv 2 3 1 same, batchnorm, end, dropout, "
     "end, "
     "flatten, dense 1, sigmoid",
     0},
    /* weights without a bias, which they get; a depthwise one, a projection */
    {"2x6x6: conv 4 3 2 same_upper 1 false, batchnorm 0.001, relu 1, conv 4 3 1 same 4 false, "
     "batchnorm 0.001, relu 1, conv 16 1 1 valid 1 false, batchnorm, conv 16 3 1 same 1 false, "
     "batchnorm, relu 0.5, flatten, dense 1, sigmoid",
     0},
    {"2x5x5: residual batchnorm, conv 3 3 2 1 1 false, batchnorm, end, relu 0.5, flatten, dense 1, "
     "sigmoid",
     0},
};

enum { IMAGES = 40 };

/* Parameters of a trained network: those of batch normalization far from where they start. */
static float *trained_parameters(const cnn_network *network, uint64_t seed) {
    float *parameters = test_parameters(network, seed);
    uint64_t state = seed + 7;
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        for (int t = 0; t < node->tensor_count && node->ops->batch; t++) {
            bool variance = strcmp(node->tensors[t].name, "running_var") == 0;
            for (size_t j = 0; j < node->tensors[t].count; j++) {
                parameters[node->tensors[t].offset + j] =
                    (float)test_random(&state, variance ? 0.05 : -1.5, variance ? 3.0 : 1.5);
            }
        }
    }
    return parameters;
}

/* y = (x - running mean) / sqrt(running variance + eps) weight + bias, as PyTorch's eval() has it.
 */
static void normalize(const cnn_node *node, const double *parameters, const double *x, double *y) {
    size_t channels = (size_t)node->in.channels;
    size_t plane = (size_t)node->in.height * (size_t)node->in.width;
    for (size_t i = 0; i < IMAGES * channels * plane; i++) {
        const double *p = parameters + i / plane % channels;
        y[i] = (x[i] - p[2 * channels]) / sqrt(p[3 * channels] + node->spec.number[0]) * p[0] +
               p[channels];
    }
}

/* Prediction by the layers of the trained network, one after the other, in double. */
static void predict_in_double(const cnn_network *network, const double *parameters, const double *x,
                              double *logits) {
    const cnn_graph *graph = &network->graph;
    double *value[CNN_LAYERS_MAX] = {NULL};

    for (int i = 1; i < graph->node_count - 1; i++) {
        const cnn_node *node = &graph->nodes[i];
        const double *own = parameters + node->parameter_offset;
        cnn_reference_pass pass = {.N = IMAGES, .parameters = own};
        for (int k = 0; k < node->input_count; k++) {
            pass.x[k] = node->input[k] == 0 ? x : value[node->input[k]];
        }
        size_t count = IMAGES * cnn_shape_size(&node->out);
        pass.y = value[i] = cnn_alloc(count, sizeof **value);
        assert_non_null(value[i]);
        if (strcmp(node->ops->name, "batchnorm") == 0) {
            normalize(node, own, pass.x[0], value[i]);
        } else if (strcmp(node->ops->name, "dropout") == 0) {
            memcpy(value[i], pass.x[0], count * sizeof **value);
        } else {
            node->ops->reference_forward(node, &pass);
        }
    }
    memcpy(logits, value[cnn_graph_result(graph)], IMAGES * sizeof *logits);
    for (int i = 0; i < graph->node_count; i++) {
        cnn_free(value[i]);
    }
}

static void predict(cnn_network *network, const float *parameters, test_samples *samples,
                    int threads, float *logits) {
    cnn_minibatch *minibatch;
    cnn_error error;
    cnn_sample_source source = test_samples_source(samples);
    test_ok(cnn_minibatch_create(network, 32, threads, &minibatch, &error), &error);
    cnn_minibatch_prepare(minibatch, parameters);
    cnn_minibatch_prepare(minibatch, parameters); /* again: nothing of the first time is left */
    cnn_minibatch_forward(minibatch, parameters, &source, 0, IMAGES, logits, NULL);
    cnn_minibatch_free(minibatch);
}

static void run_merging(const void *test_case, const cnn_kernels *kernels, double *got) {
    const merging *f = test_case;
    cnn_network *network = test_network_create(f->line, kernels, CNN_NETWORK_FAST);
    float *parameters = trained_parameters(network, 3);
    test_samples samples = test_samples_create(network, IMAGES, 4);
    double *wide = test_widen(parameters, network->parameter_count);
    double *x = test_widen(samples.x, IMAGES * cnn_shape_size(&samples.shape));
    double want[IMAGES];
    float logits[2][IMAGES];
    predict_in_double(network, wide, x, want);
    predict(network, parameters, &samples, 1, logits[0]);
    predict(network, parameters, &samples, 3, logits[1]);
    assert_memory_equal(logits[0], logits[1], sizeof *logits);
    for (size_t i = 0; i < IMAGES; i++) {
        got[i] = (double)logits[0][i];
        test_near(f->line, i, got[i], want[i], 2e-5 * fmax(1.0, fabs(want[i])));
    }
    cnn_free(parameters);
    cnn_free(wide);
    cnn_free(x);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void test_merged_is_unmerged_in_double(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(mergings); i++) {
        test_all_instruction_sets(&mergings[i], run_merging, IMAGES);
    }
}

static void test_what_is_left(void **state) {
    (void)state;
    for (size_t n = 0; n < TEST_COUNT(mergings); n++) {
        cnn_network *network =
            test_network_create(mergings[n].line, test_kernels(), CNN_NETWORK_FAST);
        cnn_network *prediction;
        cnn_error error;
        int batchnorms = 0;
        assert_true(cnn_network_differs_in_prediction(network));
        test_ok(cnn_network_create_prediction(network, &prediction, &error), &error);
        for (int i = 0; i < prediction->graph.node_count; i++) {
            const char *name = prediction->graph.nodes[i].ops->name;
            assert_string_not_equal(name, "dropout");
            batchnorms += strcmp(name, "batchnorm") == 0;
        }
        assert_int_equal(batchnorms, mergings[n].batchnorms);
        assert_int_equal(prediction->plan.stage_count, 1);
        assert_int_equal(prediction->plan.workspace_size, prediction->plan.forward_size);
        cnn_network_free(prediction);
        cnn_network_free(network);
    }
    cnn_network *plain = test_network_create("1x4x4: conv 2 3, relu, flatten, dense 1, sigmoid",
                                             test_kernels(), CNN_NETWORK_FAST);
    assert_false(cnn_network_differs_in_prediction(plain));
    cnn_network_free(plain);
}

/* --- running averages --- */

/* One batch into the averages of a channel: momentum 0.1, and the unbiased variance (0 where a
 * channel has a single value). */
static void average(const float *x, size_t m, size_t channels, size_t plane, size_t channel,
                    double *mean, double *variance) {
    double sum = 0.0, squares = 0.0, n = (double)(m * plane);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < m * channels * plane; i++) {
            if (i / plane % channels == channel) {
                double apart = (double)x[i] - sum / n;
                sum += pass == 0 ? (double)x[i] : 0.0;
                squares += pass == 1 ? apart * apart : 0.0;
            }
        }
    }
    *mean = 0.9 * *mean + 0.1 * sum / n;
    *variance = 0.9 * *variance + 0.1 * squares / fmax(n - 1.0, 1.0);
}

/* Twenty steps over `images` images in batches of `batch`, by a network that begins with the layer.
 */
static void expect_averages(const char *line, size_t images, size_t batch) {
    cnn_network *network = test_network_create(line, test_kernels(), CNN_NETWORK_FAST);
    test_samples samples = test_samples_create(network, images, 8);
    cnn_sample_source source = test_samples_source(&samples);
    float *parameters = test_parameters(network, 8);
    cnn_minibatch *minibatch;
    cnn_error error;
    float logits[IMAGES];
    uint8_t labels[IMAGES];
    const float *gradients;
    const cnn_node *node = &network->graph.nodes[network->graph.nodes[1].ops->batch ? 1 : 2];
    size_t channels = (size_t)node->in.channels, size = cnn_shape_size(&node->in);
    const float *running = parameters + node->parameter_offset + 2 * channels;
    double *want = test_widen(running, 2 * channels);
    test_ok(cnn_minibatch_create(network, batch, 2, &minibatch, &error), &error);
    for (size_t step = 0, first = 0; step < 20; step++) {
        size_t m = batch < images - first ? batch : images - first;
        cnn_minibatch_prepare(minibatch, parameters);
        cnn_minibatch_gradients(minibatch, parameters, &source, first, m, &gradients, logits,
                                labels);
        for (size_t k = 0; k < network->parameter_count; k++) {
            assert_true(isfinite(gradients[k]));
        }
        cnn_minibatch_update_averages(minibatch, parameters);
        for (size_t c = 0; c < channels; c++) {
            average(samples.x + first * size, m, channels, size / channels, c, &want[c],
                    &want[channels + c]);
        }
        first = first + m < images ? first + m : 0;
    }
    for (size_t c = 0; c < 2 * channels; c++) {
        test_near(line, c, (double)running[c], want[c], 1e-6);
    }
    cnn_free(want);
    cnn_free(parameters);
    cnn_minibatch_free(minibatch);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void test_running_averages(void **state) {
    (void)state;
    const char *images = "3x4x5: batchnorm, conv 2 3, flatten, dense 1, sigmoid";
    const char *flat = "3x4x5: flatten, batchnorm, dense 1, sigmoid";
    expect_averages(images, 37, 16); /* the last batch has 5 images */
    expect_averages(flat, 37, 16);
    expect_averages(images, 33, 32); /* … and here one */
    expect_averages(flat, 33, 32);
    expect_averages(images, 3, 1);
    expect_averages(flat, 3, 1);
}

/* --- dropout --- */

enum { VALUES = 300 };

/* The factors of `count` images of a batch, [VALUES][LANES]; layer: which of two dropouts. */
static void draw(const cnn_network *network, cnn_draw d, size_t first, int layer, float *factors) {
    float *workspace = cnn_network_workspace(network, true);
    assert_non_null(workspace);
    cnn_network_draw(network, &d, first, CNN_LANES, workspace);
    memcpy(factors, workspace + network->plan.places[1 + layer].kept,
           sizeof *factors * VALUES * CNN_LANES);
    cnn_free(workspace);
}

/* Share of the values that one draw drops and another one does not, or the other way round. */
static double share_apart(const float *a, const float *b) {
    int apart = 0;
    for (size_t i = 0; i < VALUES * CNN_LANES; i++) {
        apart += (a[i] > 0.0f) != (b[i] > 0.0f);
    }
    return (double)apart / (VALUES * CNN_LANES);
}

static void test_dropout_draws(void **state) {
    (void)state;
    enum { DRAWS = 50 };
    static float first[VALUES * CNN_LANES], other[VALUES * CNN_LANES];
    const double rate = 0.3;
    cnn_network *network =
        test_network_create("3x10x10: dropout 0.3, dropout 0.3, flatten, dense 1, sigmoid",
                            test_kernels(), CNN_NETWORK_FAST);
    const cnn_draw start = {.seed = 5, .step = 9};
    size_t zeros = 0;
    for (uint64_t step = 0; step < DRAWS; step++) {
        draw(network, (cnn_draw){.seed = 5, .step = step}, 0, 0, first);
        for (size_t i = 0; i < VALUES * CNN_LANES; i++) {
            zeros += !(first[i] > 0.0f);
            if (first[i] > 0.0f) {
                test_near("survivor", i, (double)first[i], 1.0 / (1.0 - rate), 1e-7);
            }
        }
    }
    /* five standard deviations of 240,000 draws */
    test_near("zeros", 0, (double)zeros / (DRAWS * VALUES * CNN_LANES), rate,
              5.0 * sqrt(rate * (1.0 - rate) / (DRAWS * VALUES * CNN_LANES)));
    draw(network, start, 0, 0, first);
    draw(network, start, 0, 0, other);
    assert_memory_equal(first, other, sizeof first);
    const double apart = 2.0 * rate * (1.0 - rate); /* of independent draws */
    draw(network, (cnn_draw){.seed = 6, .step = 9}, 0, 0, other);
    test_near("seeds", 0, share_apart(first, other), apart, 0.04);
    draw(network, (cnn_draw){.seed = 5, .step = 10}, 0, 0, other);
    test_near("steps", 0, share_apart(first, other), apart, 0.04);
    draw(network, start, 0, 1, other);
    test_near("layers", 0, share_apart(first, other), apart, 0.04);
    draw(network, start, CNN_LANES, 0, other);
    test_near("images", 0, share_apart(first, other), apart, 0.04);
    draw(network, start, 1, 0, other); /* image 1 is the same, wherever its block begins */
    for (size_t i = 0; i < VALUES * CNN_LANES; i += CNN_LANES) {
        assert_memory_equal(first + i + 1, other + i, sizeof(float) * (CNN_LANES - 1));
    }
    cnn_network_free(network);
}

static void train_once(const char *line, cnn_draw d, int threads, size_t count, float *gradients) {
    cnn_network *network = test_network_create(line, test_kernels(), CNN_NETWORK_FAST);
    test_samples samples = test_samples_create(network, IMAGES, 4);
    cnn_sample_source source = test_samples_source(&samples);
    float *parameters = test_parameters(network, 4);
    cnn_minibatch *minibatch;
    cnn_error error;
    float logits[IMAGES];
    uint8_t labels[IMAGES];
    const float *got;
    assert_int_equal(network->parameter_count, count);
    test_ok(cnn_minibatch_create(network, IMAGES, threads, &minibatch, &error), &error);
    cnn_minibatch_set_draw(minibatch, d);
    cnn_minibatch_prepare(minibatch, parameters);
    cnn_minibatch_gradients(minibatch, parameters, &source, 0, IMAGES, &got, logits, labels);
    memcpy(gradients, got, count * sizeof *gradients);
    cnn_minibatch_free(minibatch);
    cnn_free(parameters);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void test_dropout_in_training(void **state) {
    (void)state;
    enum { PARAMETERS = 4 * 9 + 4 + 4 * 64 + 1 };
    const char *line =
        "1x10x10: conv 4 3, dropout 0.5, relu, flatten, dropout 0.2, dense 1, sigmoid";
    const char *rate_0 = "1x10x10: conv 4 3, dropout 0, relu, flatten, dropout 0, dense 1, sigmoid";
    const char *without = "1x10x10: conv 4 3, relu, flatten, dense 1, sigmoid";
    static float want[PARAMETERS], got[PARAMETERS];
    const cnn_draw d = {.seed = 2, .step = 3};

    train_once(line, d, 1, PARAMETERS, want);
    for (int threads = 2; threads <= 4; threads++) {
        train_once(line, d, threads, PARAMETERS, got);
        assert_memory_equal(got, want, sizeof want);
    }
    train_once(line, (cnn_draw){.seed = 2, .step = 4}, 2, PARAMETERS, got);
    assert_memory_not_equal(got, want, sizeof want);
    train_once(rate_0, d, 2, PARAMETERS, got);
    train_once(without, d, 2, PARAMETERS, want);
    for (size_t i = 0; i < PARAMETERS; i++) {
        test_near("rate 0", i, (double)got[i], (double)want[i], 0.0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merged_is_unmerged_in_double),
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_running_averages),
        cmocka_unit_test(test_dropout_draws),
        cmocka_unit_test(test_dropout_in_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
