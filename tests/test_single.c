/* One image at a time: the same bytes as in blocks. */
#include "test_support.h"

#include "base/memory.h"
#include "nn/inference.h"
#include "nn/single.h"

#include <stdio.h>
#include <string.h>

enum { IMAGES = 5 };

/* Sizes that are no multiples of a vector's width, channels that fill several vectors, rows shorter
 * and longer than a tile, borders, strides, convolutions that run in pairs, also in
 * several parts, and values that are
 * read long after they were computed. */
static const char *const lines[] = {
    "1x1x1: flatten, dense 1, sigmoid",
    "3x5x7: conv 4 1, relu, flatten, dense 33, relu, dense 17, leaky_relu, dense 1, sigmoid",
    "3x33x31: conv 8 3 2 same, relu, conv 5 1, conv 9 5 1 same, flatten, dense 1, sigmoid",
    "2x17x19: conv 6 3 3, relu, conv 6 2 2, silu, flatten, dense 1, sigmoid",
    "2x20x20: conv 7 3 1 same, relu, maxpool 2, conv 5 4 1 same, maxpool 2, flatten, dense 1, "
    "sigmoid",
    "1x23x29: maxpool 3 2, conv 3 7 2 same, relu, avgpool 3 2, flatten, dense 1, sigmoid",
    "4x40x9: conv 40 1, relu, conv 3 1, global_avgpool, flatten, dense 1, sigmoid",
    "2x12x12: conv 6 1, residual, conv 20 1, relu, conv 6 1, end, relu, residual, conv 8 3 2 same, "
    "batchnorm, relu, conv 8 1, batchnorm, end, relu, global_avgpool, flatten, dense 1, sigmoid",
    "2x9x9: batchnorm, conv 3 3, relu, batchnorm, silu, batchnorm, flatten, dropout, dense 1, "
    "sigmoid",
    "3x17x21: conv 8 3 2 same_upper 1 false, relu 6, conv 8 5 2 same_upper 8, relu 0.5, "
    "conv 8 3 1 same 8 false, maxpool 3 2 1, flatten, dense 1, sigmoid",
    "6x14x14: conv 12 1, relu 1, conv 12 7 3 2:0:1:3 12, batchnorm, relu 6, "
    "conv 6 1 1 2 1 false, avgpool 3 1 same, flatten, dense 3, relu 1, dense 1, sigmoid",
    "3x18x33: conv 70 1, relu 6, conv 70 5 2 same_upper 70, relu 6, conv 40 1, residual, conv 90 "
    "1, "
    "relu 6, conv 90 3 1 same 90, relu 6, conv 40 1, end, conv 33 5 1 same, conv 33 3 3 1 33, "
    "conv 17 1 2, flatten, dense 1, sigmoid",
    "1x46x120: conv 40 1, relu 6, conv 40 5 1 same 40, relu, conv 2 1, flatten, dense 1, sigmoid",
    "1x47x121: conv 33 3 1 same, relu, conv 33 3 2 same_upper 33, conv 2 1, flatten, dense 1, "
    "sigmoid",
    "1x90x120: conv 33 1, conv 33 2 3 valid 33, conv 2 1, flatten, dense 1, sigmoid",
    "2x8x8: residual, residual, conv 2 5 1 same, end, residual, relu, end, conv 2 1, end, flatten, "
    "dense 1, sigmoid",
};

/* The network for prediction and its parameters. */
static cnn_network *make_network(const char *line, const cnn_kernels *kernels, float **parameters) {
    cnn_error error;
    cnn_network *trained = test_network_create(line, kernels, CNN_NETWORK_FAST);
    *parameters = test_parameters(trained, 5);
    if (!cnn_network_differs_in_prediction(trained)) {
        return trained;
    }
    cnn_network *network;
    float *merged;
    test_ok(cnn_network_create_prediction(trained, &network, &error), &error);
    merged = cnn_alloc(network->parameter_count, sizeof *merged);
    assert_non_null(merged);
    cnn_network_merge_parameters(network, trained, *parameters, merged);
    cnn_free(*parameters);
    cnn_network_free(trained);
    *parameters = merged;
    return network;
}

/* Garbage everywhere: whatever a pass does not write itself must not matter. */
static float *make_workspace(const cnn_single *single) {
    float *workspace = cnn_single_workspace(single);
    assert_non_null(workspace);
    memset(workspace, 0xff, cnn_single_workspace_size(single) * sizeof *workspace); /* NaN */
    return workspace;
}

static float run_single(const cnn_single *single, const float *parameters, const cnn_shape *shape,
                        const float *x) {
    const cnn_block *planes;
    float *workspace = make_workspace(single), logit;
    float *to = cnn_single_input(single, workspace, &planes);
    for (int c = 0; c < shape->channels; c++) {
        for (int h = 0; h < shape->height; h++, x += shape->width) {
            memcpy(to + cnn_block_row(planes, c, h), x, (size_t)shape->width * sizeof *x);
        }
    }
    cnn_single_forward(single, parameters, workspace, &logit);
    cnn_free(workspace);
    return logit;
}

static void run_blocks(const cnn_network *network, const float *parameters, test_samples *samples,
                       float *logits) {
    const cnn_block *block;
    cnn_sample_source source = test_samples_source(samples);
    float *workspace = cnn_network_workspace(network, false);
    assert_non_null(workspace);
    float *x = cnn_network_input(network, workspace, &block);
    source.fill(source.context, 0, IMAGES, block, x, NULL);
    memcpy(logits, cnn_network_forward(network, parameters, workspace), IMAGES * sizeof *logits);
    cnn_free(workspace);
}

static void compare(const void *test_case, const cnn_kernels *kernels, double *got) {
    const char *line = *(const char *const *)test_case;
    float *parameters;
    float logits[IMAGES];
    cnn_error error;
    cnn_single *single;
    cnn_network *network = make_network(line, kernels, &parameters);
    test_samples samples = test_samples_create(network, IMAGES, 4);
    cnn_network_prepare(network, parameters);
    run_blocks(network, parameters, &samples, logits);
    test_ok(cnn_single_create(network, &single, &error), &error);
    assert_non_null(single);
    cnn_single_prepare(single, parameters);
    for (size_t i = 0; i < IMAGES; i++) {
        const float *x = samples.x + i * cnn_shape_size(&samples.shape);
        float logit = run_single(single, parameters, &samples.shape, x);
        /* NOLINTNEXTLINE: the bits are compared, also of -0 and NaN */
        if (memcmp(&logit, &logits[i], sizeof logit) != 0) {
            fail_msg("%s: image %zu: expected %.9g as in a block, got %.9g", line, i,
                     (double)logits[i], (double)logit);
        }
        got[i] = (double)logit;
    }
    cnn_single_free(single);
    test_samples_free(&samples);
    cnn_free(parameters);
    cnn_network_free(network);
}

static void test_same_as_blocks(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(lines); i++) {
        test_all_instruction_sets(&lines[i], compare, IMAGES);
    }
}

/* Winograd's sums are others. */
static void test_not_served(void **state) {
    (void)state;
    cnn_error error;
    cnn_single *single;
    cnn_network *network = test_network_create(
        "16x8x8: conv 16 3 1 same, flatten, dense 1, sigmoid", test_kernels(), CNN_NETWORK_FAST);
    test_ok(cnn_single_create(network, &single, &error), &error);
    assert_null(single);
    cnn_network_free(network);
}

/* --- inference chooses the way --- */

/* Large enough for planes; the second is not served by them, so it runs in blocks. */
static const char *const large[] = {
    "3x60x50: conv 10 3 2 same, batchnorm, relu, residual, conv 24 1, relu, dropout, conv 10 1, "
    "end, conv 16 1, global_avgpool, flatten, dense 1, sigmoid",
    "3x40x40: conv 16 3 1 same, relu, conv 16 3 1 same, batchnorm, global_avgpool, flatten, "
    "dense 1, sigmoid",
};

static void infer(const cnn_network *network, const float *parameters, test_samples *samples,
                  int thread, int count, float *results, uint8_t *labels) {
    cnn_error error;
    cnn_inference *inference;
    cnn_sample_source source = test_samples_source(samples);
    test_ok(cnn_inference_create(network, thread + 1, &inference, &error), &error);
    cnn_inference_prepare(inference, parameters);
    cnn_inference_run(inference, thread, &source, 0, count, results, labels);
    cnn_inference_free(inference);
}

/* As the steps that predict did before there was inference: merge, then blocks. */
static void test_inference(void **state) {
    (void)state;
    for (size_t n = 0; n < TEST_COUNT(large); n++) {
        float *merged, *parameters;
        float want[IMAGES], got[IMAGES];
        uint8_t labels[IMAGES];
        cnn_network *trained = test_network_create(large[n], test_kernels(), CNN_NETWORK_FAST);
        cnn_network *network = make_network(large[n], test_kernels(), &merged);
        test_samples samples = test_samples_create(network, IMAGES, 4);
        parameters = test_parameters(trained, 5);
        assert_true(network->plan.separate_size * sizeof(float) > (size_t)1 << 20);
        assert_int_equal(cnn_inference_prefers_planes(trained), n == 0);
        cnn_network_prepare(network, merged);
        run_blocks(network, merged, &samples, want);
        for (int thread = 0; thread < 3; thread += 2) {
            infer(trained, parameters, &samples, thread, IMAGES, got, labels);
            assert_memory_equal(got, want, sizeof want);
            assert_memory_equal(labels, samples.labels, IMAGES);
        }
        infer(trained, parameters, &samples, 0, 1, got, NULL);
        assert_memory_equal(got, want, sizeof *want);
        test_samples_free(&samples);
        cnn_free(parameters);
        cnn_free(merged);
        cnn_network_free(trained);
        cnn_network_free(network);
    }
}

/* --- features --- */

/* The features of the beginning of a network, put into the rest of it, give the logits of all. */
static const char *const halves[][2] = {
    {"3x60x50: conv 10 3 2 same, batchnorm, relu, conv 24 1, relu, global_avgpool, flatten",
     "dense 7, relu, dense 1, sigmoid"},
    {"3x60x50: conv 10 3 2 same, batchnorm, relu, dropout", "conv 4 1, flatten, dense 1, sigmoid"},
    {"2x7x9: conv 3 3, relu, maxpool 2", "conv 4 1, flatten, dense 1, sigmoid"},
    {"16x8x8: conv 16 3 1 same, flatten", "dense 1, sigmoid"},
};

static cnn_network *features_network(const char *line) {
    char text[256];
    test_spec spec;
    cnn_network *network;
    cnn_error error;
    (void)snprintf(text, sizeof text, "%s", line);
    test_spec_read(text, &spec);
    spec.spec.features = true;
    test_ok(cnn_network_create(&spec.spec, test_kernels(), CNN_NETWORK_FAST, &network, &error),
            &error);
    return network;
}

/* The line of a network whose input has the shape of the features. */
static void rest_line(const cnn_network *beginning, const char *layers, char *line, size_t size) {
    const cnn_shape *shape = &beginning->graph.nodes[beginning->graph.node_count - 1].out;
    (void)snprintf(line, size, "%dx%dx%d: %s%s", shape->channels, shape->height, shape->width,
                   shape->flat ? "flatten, " : "", layers);
}

static void test_features(void **state) {
    (void)state;
    for (size_t n = 0; n < TEST_COUNT(halves); n++) {
        char line[256];
        float want[IMAGES], got[IMAGES];
        (void)snprintf(line, sizeof line, "%s, %s", halves[n][0], halves[n][1]);
        cnn_network *whole = test_network_create(line, test_kernels(), CNN_NETWORK_FAST);
        cnn_network *beginning = features_network(halves[n][0]);
        float *parameters = test_parameters(whole, 5);
        test_samples samples = test_samples_create(whole, IMAGES, 4);
        infer(whole, parameters, &samples, 0, IMAGES, want, NULL);

        rest_line(beginning, halves[n][1], line, sizeof line);
        cnn_network *rest = test_network_create(line, test_kernels(), CNN_NETWORK_FAST);
        test_samples features = test_samples_create(rest, IMAGES, 4);
        infer(beginning, parameters, &samples, 0, IMAGES, features.x, NULL);
        infer(rest, parameters + beginning->parameter_count, &features, 0, IMAGES, got, NULL);
        assert_int_equal(beginning->parameter_count + rest->parameter_count,
                         whole->parameter_count);
        assert_memory_equal(got, want, sizeof want);
        test_samples_free(&samples);
        test_samples_free(&features);
        cnn_free(parameters);
        cnn_network_free(whole);
        cnn_network_free(beginning);
        cnn_network_free(rest);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_blocks),
        cmocka_unit_test(test_not_served),
        cmocka_unit_test(test_inference),
        cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
