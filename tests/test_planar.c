/* One image at a time: the same bytes as in blocks. */
#include "test_support.h"

#include "base/memory.h"
#include "nn/planar.h"

#include <string.h>

enum { IMAGES = 5 };

/* Sizes that are no multiples of a vector's width, rows shorter than a vector, borders, strides,
 * and values that are read long after they were computed. */
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
static float *make_workspace(const cnn_planar *planar) {
    float *workspace = cnn_planar_workspace(planar);
    assert_non_null(workspace);
    memset(workspace, 0xff, cnn_planar_workspace_size(planar) * sizeof *workspace); /* NaN */
    return workspace;
}

static float run_planar(const cnn_planar *planar, const float *parameters, const cnn_shape *shape,
                        const float *x) {
    size_t stride;
    float *workspace = make_workspace(planar);
    float *to = cnn_planar_input(planar, workspace, &stride);
    size_t plane = (size_t)shape->height * (size_t)shape->width;
    for (size_t c = 0; c < (size_t)shape->channels; c++) {
        memcpy(to + c * stride, x + c * plane, plane * sizeof *x);
    }
    float logit = cnn_planar_forward(planar, parameters, workspace);
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
    cnn_planar *planar;
    cnn_network *network = make_network(line, kernels, &parameters);
    test_samples samples = test_samples_create(network, IMAGES, 4);
    cnn_network_prepare(network, parameters);
    run_blocks(network, parameters, &samples, logits);
    test_ok(cnn_planar_create(network, &planar, &error), &error);
    assert_non_null(planar);
    cnn_planar_prepare(planar, parameters);
    for (size_t i = 0; i < IMAGES; i++) {
        const float *x = samples.x + i * cnn_shape_size(&samples.shape);
        float logit = run_planar(planar, parameters, &samples.shape, x);
        if (memcmp(&logit, &logits[i], sizeof logit) != 0) {
            fail_msg("%s: image %zu: expected %.9g as in a block, got %.9g", line, i,
                     (double)logits[i], (double)logit);
        }
        got[i] = (double)logit;
    }
    cnn_planar_free(planar);
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
    cnn_planar *planar;
    cnn_network *network = test_network_create(
        "16x8x8: conv 16 3 1 same, flatten, dense 1, sigmoid", test_kernels(), CNN_NETWORK_FAST);
    test_ok(cnn_planar_create(network, &planar, &error), &error);
    assert_null(planar);
    cnn_network_free(network);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_blocks),
        cmocka_unit_test(test_not_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
