/* Networks in integers of 8 bits: the arithmetic of their functions, every kind of layer against
 * its slow twin in double, the ranges of values, and which images measure. */
#include "test_support.h"

#include "base/elementary.h"
#include "base/memory.h"
#include "model/c_int8_images.h"
#include "model/c_int8_ranges.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-function" /* the others are tested by what calls them */
#include "model/c_int8_functions.inc"

enum { IMAGES = 20, STEPS_APART = 1 };

/* --- functions --- */

static void test_round_shift(void **state) {
    (void)state;
    assert_int_equal(round_shift(5, 1), 3); /* halves up */
    assert_int_equal(round_shift(-5, 1), -2);
    assert_int_equal(round_shift(-6, 1), -3);
    assert_int_equal(round_shift((INT64_C(1) << 62) - 1, 62), 1);
    assert_int_equal(round_shift(-(INT64_C(1) << 62) + 1, 62), -1);
    uint64_t random = 1;
    for (int i = 0; i < 100000; i++) {
        double v = floor(test_random(&random, -0x1p50, 0x1p50));
        int shift = (int)test_random(&random, 1, 62);
        assert_true((double)round_shift((int64_t)v, shift) == floor(ldexp(v, -shift) + 0.5));
    }
}

/* Within two units of the result of cnn_sigmoid, in order, and symmetrical but for the rounding of
 * halves. */
static void test_probability(void **state) {
    (void)state;
    double before = 0.0;
    for (int i = -30000; i <= 30000; i++) {
        int32_t logit = i * 71582; /* × 2^-26: to ±32 */
        double p = (double)probability(logit, 1 << 30, 32);
        double z = (double)logit * 0x1p30 / 0x1p32 / 0x1p24;
        test_near("probability", (size_t)(i + 30000), p, cnn_sigmoid(z), 0x1p-23);
        assert_true(p >= before);
        test_near("symmetry", (size_t)(i + 30000), p + (double)probability(-logit, 1 << 30, 32),
                  1.0, 0x1p-23);
        before = p;
    }
}

/* --- layers --- */

typedef struct quantized {
    cnn_network *trained;
    cnn_model model;
    uint8_t *pixels;               /* [IMAGES], planes */
    const uint8_t *images[IMAGES]; /* of pixels */
    cnn_int8_range *ranges;
    cnn_int8_network *network;
} quantized;

/* Makes weights that 8 bits have exactly: multiples of 1/128 up to 127/128, which each filter has.
 */
static void make_exact(const cnn_graph *graph, float *parameters) {
    for (int n = 0; n < graph->node_count; n++) {
        const cnn_tensor *tensor = &graph->nodes[n].tensors[0];
        bool weighs = graph->nodes[n].ops->weighs_channels;
        for (size_t i = 0; weighs && i < tensor->count; i++) {
            float *weight = &parameters[tensor->offset + i];
            bool first = i % (tensor->count / (size_t)tensor->dim[0]) == 0;
            *weight = first ? 0x1.fcp-1f : roundf(*weight * 128.0f) / 128.0f;
            *weight = *weight > 0x1.fcp-1f    ? 0x1.fcp-1f
                      : *weight < -0x1.fcp-1f ? -0x1.fcp-1f
                                              : *weight;
        }
    }
}

static void measure(quantized *q, int threads, cnn_int8_range *ranges) {
    cnn_error error;
    test_ok(cnn_int8_ranges_measure(&q->model, q->images, IMAGES, threads, ranges, &error), &error);
}

static void quantize_line(const char *line, quantized *q) {
    cnn_error error;
    *q = (quantized){.trained = test_network_create(line, test_kernels(), CNN_NETWORK_FAST)};
    float *parameters = test_parameters(q->trained, 3);
    test_ok(cnn_network_create_prediction(q->trained, &q->model.network, &error), &error);
    const cnn_graph *graph = &q->model.network->graph;
    q->model.parameters = cnn_alloc(graph->parameter_count, sizeof(float));
    cnn_network_merge_parameters(q->model.network, q->trained, parameters, q->model.parameters);
    make_exact(graph, q->model.parameters);
    cnn_free(parameters);
    q->model.info = (cnn_model_info){.mean = {0.4, 0.5, 0.6},
                                     .deviation = {0.2, 0.25, 0.3},
                                     .temperature = 1.25,
                                     .threshold = 0.5};
    const size_t size = cnn_shape_size(&graph->nodes[0].out);
    uint64_t random = 7;
    q->pixels = cnn_alloc(IMAGES, size);
    for (size_t i = 0; i < IMAGES * size; i++) {
        q->pixels[i] = (uint8_t)test_random(&random, 0.0, 256.0);
    }
    for (size_t i = 0; i < IMAGES; i++) {
        q->images[i] = q->pixels + i * size;
    }
    q->ranges = cnn_alloc((size_t)q->model.network->fused.node_count, sizeof *q->ranges);
    measure(q, 1, q->ranges);
    test_ok(cnn_int8_network_create(&q->model, q->ranges, &q->network, &error), &error);
}

static void free_quantized(quantized *q) {
    cnn_int8_network_free(q->network);
    cnn_network_free(q->model.network);
    cnn_network_free(q->trained);
    cnn_free(q->model.parameters);
    cnn_free(q->pixels);
    cnn_free(q->ranges);
}

static void interleave(const cnn_shape *shape, const uint8_t *planes, uint8_t *pixels) {
    size_t channels = (size_t)shape->channels, size = cnn_shape_size(shape) / channels;
    for (size_t i = 0; i < size * channels; i++) {
        pixels[i] = planes[i % channels * size + i / channels];
    }
}

/* Gives every value its own place, so that all can be read after a run. Returns their size. */
static size_t separate(cnn_int8_network *network) {
    size_t size = 0;
    for (int n = 0; n < network->count; n++) {
        const cnn_int8_step *step = &network->steps[n];
        bool same = step->kind == CNN_INT8_SAME;
        network->places.offset[n] = same ? network->places.offset[step->node->input[0]] : size;
        size += same ? 0 : step->size;
    }
    return size;
}

/* The numbers that a value stands for, as [channels][height][width]. Those of a flattened value
 * that has the order of its input come into the order of flatten. */
static double *numbers_of(const cnn_int8_network *network, int n, const int8_t *buffer) {
    const cnn_int8_step *step = &network->steps[n];
    const cnn_shape *shape = step->kind == CNN_INT8_SAME ? &step->node->in : &step->node->stored;
    size_t channels = (size_t)shape->channels, size = step->size / channels;
    double *numbers = cnn_alloc(step->size, sizeof *numbers);
    for (size_t i = 0; i < step->size; i++) {
        int value = buffer[network->places.offset[n] + i] - step->zero;
        numbers[i % channels * size + i / channels] = value * step->scale;
    }
    return numbers;
}

/* What fused nodes do to the output y of their own operation. Returns it in the fused shape. */
static void apply_epilogues(const cnn_node *node, double *y) {
    for (size_t i = 0; node->relu && i < cnn_shape_size(&node->out); i++) {
        y[i] = y[i] < 0.0 ? 0.0 : y[i] > (double)node->relu_max ? (double)node->relu_max : y[i];
    }
    const cnn_shape *out = &node->out, *stored = &node->stored;
    for (size_t i = 0; node->pool && i < cnn_shape_size(stored); i++) {
        size_t width = (size_t)stored->width, rows = (size_t)stored->height;
        size_t w = i % width, h = i / width % rows, c = i / width / rows;
        const double *at = y + (c * (size_t)out->height + 2 * h) * (size_t)out->width + 2 * w;
        y[i] = fmax(fmax(at[0], at[1]), fmax(at[out->width], at[out->width + 1]));
    }
}

/* A normalization in prediction; its twin is that of training. */
static void normalize(const cnn_node *node, const float *parameters, const double *x, double *y) {
    size_t size = cnn_shape_size(&node->out), each = size / (size_t)node->out.channels;
    for (size_t i = 0; i < size; i++) {
        double scale, shift;
        cnn_batchnorm_scale(node, parameters, (int)(i / each), &scale, &shift);
        y[i] = x[i] * scale + shift;
    }
}

/* The output of a node by its slow twin, from the values in 8 bits that it reads. */
static double *expected_of(const quantized *q, int n, const int8_t *buffer, size_t *count) {
    const cnn_node *node = q->network->steps[n].node;
    size_t size = cnn_shape_size(&node->out);
    double *parameters =
        test_widen(q->model.parameters + node->parameter_offset, node->parameter_count);
    double *x[2] = {NULL, NULL}, *y = cnn_alloc(size, sizeof *y);
    for (int k = 0; k < node->input_count; k++) {
        x[k] = numbers_of(q->network, node->input[k], buffer);
    }
    if (!x[0]) {
        fail_msg("no memory");
        return y;
    }
    const cnn_reference_pass pass = {.N = 1, .parameters = parameters, .x = {x[0], x[1]}, .y = y};
    if (node->ops->aliases_input) {
        memcpy(y, x[0], size * sizeof *y);
    } else if (node->ops->batch) {
        normalize(node, q->model.parameters + node->parameter_offset, x[0], y);
    } else {
        node->ops->reference_forward(node, &pass);
    }
    apply_epilogues(node, y);
    *count = cnn_shape_size(&node->stored);
    cnn_free(parameters);
    cnn_free(x[0]);
    cnn_free(x[1]);
    return y;
}

/* Each value is the nearest one to that of the twin; a bias is rounded, too, so that a few are one
 * step away. */
static void compare_step(const quantized *q, int n, const int8_t *buffer) {
    const cnn_int8_step *step = &q->network->steps[n];
    size_t count, away = 0;
    double *expected = expected_of(q, n, buffer, &count);
    double *found = numbers_of(q->network, n, buffer);
    for (size_t i = 0; i < count; i++) {
        double wanted = floor(expected[i] / step->scale + 0.5) + step->zero;
        wanted = wanted < -128.0 ? -128.0 : wanted > 127.0 ? 127.0 : wanted;
        double value = found[i] / step->scale + step->zero;
        test_near(step->node->ops->name, i, value, wanted, STEPS_APART + 1e-6);
        away += fabs(value - wanted) > 0.5;
    }
    assert_in_range(away, 0, 2 + count / 20);
    cnn_free(expected);
    cnn_free(found);
}

static void compare_logit(const quantized *q, const int8_t *buffer, int32_t logit, float p) {
    const int last = q->network->count - 1;
    size_t count;
    double *expected = expected_of(q, last, buffer, &count);
    double found = logit * q->network->steps[last].scale;
    test_near("logit", 0, found, expected[0], 1e-3 * fmax(1.0, fabs(expected[0])));
    test_near("probability", 0, (double)p, cnn_sigmoid(found / q->model.info.temperature), 1e-6);
    cnn_free(expected);
}

static void check_line(const char *line) {
    quantized q;
    quantize_line(line, &q);
    const cnn_shape *shape = &q.model.network->graph.nodes[0].out;
    uint8_t *pixels = cnn_alloc(cnn_shape_size(shape), 1);
    int8_t *packed = cnn_alloc(q.network->places.size, 1);
    int32_t logits[2];
    interleave(shape, q.images[0], pixels);
    memset(packed, 0x55, q.network->places.size);
    float shared = cnn_int8_run(q.network, pixels, packed, &logits[0]);
    int8_t *buffer = cnn_alloc(separate(q.network), 1);
    float p = cnn_int8_run(q.network, pixels, buffer, &logits[1]);
    assert_int_equal(logits[0], logits[1]); /* values that share memory are intact */
    assert_true(p == shared);
    for (int n = 1; n + 1 < q.network->count; n++) {
        compare_step(&q, n, buffer);
    }
    compare_logit(&q, buffer, logits[1], p);
    cnn_free(pixels);
    cnn_free(packed);
    cnn_free(buffer);
    free_quantized(&q);
}

static const char *const lines[] = {
    /* fused with ReLU and pooling; an odd row and column are left over */
    "1x11x9: conv 4 3 1 same, relu, maxpool 2, flatten, dense 6, relu, dense 1, sigmoid",
    "3x9x8: conv 5 3 2 same_upper, relu 0.8, conv 4 1, maxpool 2, flatten, dense 1, sigmoid",
    /* groups, depthwise; ceilings; functions that nothing applies */
    "3x8x8: conv 20 3, conv 20 3 1 1 20, relu 6, conv 8 3 2 1 4, leaky_relu, silu, flatten, dense "
    "1, sigmoid",
    /* pools */
    "2x9x9: conv 3 3, maxpool 3 2 1, relu, avgpool 2 1 1, batchnorm, silu, global_avgpool, relu, "
    "flatten, dense 1, sigmoid",
    /* flattened values whose order matters */
    "2x4x5: flatten, batchnorm, dense 4, leaky_relu, dense 1, sigmoid",
    /* residuals: of the same shape, and projected */
    "3x6x6: conv 4 3 1 same, relu, residual, conv 4 3 1 same, relu, end, relu, residual, conv 6 3 "
    "2 "
    "1, batchnorm, end, global_avgpool, flatten, dense 1, sigmoid",
};

static void test_layers(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(lines); i++) {
        check_line(lines[i]);
    }
}

/* Sums that could leave 32 bits get coarser weights; a filter of zeros and a large bias are kept.
 */
static void test_extreme_weights(void **state) {
    (void)state;
    quantized q;
    cnn_error error;
    quantize_line("1x80x80: conv 1 1, flatten, dense 2, dense 1, sigmoid", &q);
    cnn_int8_network_free(q.network);
    const cnn_graph *graph = &q.model.network->graph;
    const cnn_node *conv = &graph->nodes[1], *dense = &graph->nodes[3];
    q.model.parameters[conv->tensors[0].offset] = 0.0f;
    q.model.parameters[conv->tensors[1].offset] = 1e6f;
    for (size_t i = 0; i < dense->tensors[0].count; i++) {
        q.model.parameters[dense->tensors[0].offset + i] = 1.0f;
    }
    measure(&q, 2, q.ranges);
    test_ok(cnn_int8_network_create(&q.model, q.ranges, &q.network, &error), &error);
    const cnn_int8_step *step = &q.network->steps[1];
    int8_t *buffer = cnn_alloc(separate(q.network), 1);
    int32_t logit;
    (void)cnn_int8_run(q.network, q.pixels, buffer, &logit);
    test_near("bias", 0, (buffer[q.network->places.offset[1]] - step->zero) * step->scale, 1e6,
              1e4);
    cnn_free(buffer);
    free_quantized(&q);
}

/* --- ranges --- */

static void test_threads(void **state) {
    (void)state;
    quantized q;
    quantize_line(lines[3], &q);
    size_t count = (size_t)q.model.network->fused.node_count;
    cnn_int8_range *again = cnn_alloc(count, sizeof *again);
    for (int threads = 2; threads <= 5; threads += 3) {
        measure(&q, threads, again);
        assert_memory_equal(again, q.ranges, count * sizeof *again);
    }
    cnn_free(again);
    free_quantized(&q);
}

static void test_values_that_overflow(void **state) {
    (void)state;
    quantized q;
    cnn_error error;
    quantize_line(lines[0], &q);
    q.model.parameters[0] = 3e38f;
    q.model.info.deviation[0] = 1e-3;
    assert_int_equal(cnn_int8_ranges_measure(&q.model, q.images, IMAGES, 1, q.ranges, &error),
                     CNN_ERROR_DATA);
    assert_non_null(strstr(error.message, "overflow"));
    free_quantized(&q);
}

/* --- images --- */

static void make_files(const char *folder, int count) {
    cnn_error error;
    char path[TEST_PATH_MAX];
    test_ok(cnn_folder_make(folder, &error), &error);
    for (int i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/%03d.pgm", folder, i);
        FILE *file = fopen(path, "wb"); /* cnn_file_write would wait for the disk */
        assert_non_null(file);
        assert_true(fputs("P5 1 1 255\nx", file) >= 0 && fclose(file) == 0);
    }
}

static cnn_int8_images find(const char *const *paths, size_t count) {
    char first[] = "a", second[] = "b";
    char *const classes[2] = {first, second};
    cnn_int8_images images;
    cnn_error error;
    test_ok(cnn_int8_images_find(paths, count, classes, 1, &images, &error), &error);
    return images;
}

static void test_images(void **state) {
    (void)state;
    const char *const labelled[] = {"data"}, *const mixed[] = {"data/a", "data/b/000.pgm"};
    make_files("data/a", 700);
    make_files("data/b", 5);
    cnn_int8_images images = find(labelled, 1);
    assert_int_equal(images.scaling_count, CNN_INT8_SCALING_MAX); /* of 353 */
    assert_int_equal(images.measured_count, 352);
    assert_int_equal(images.measured[0].label, 0);
    assert_int_equal(images.measured[351].label, 1);
    for (size_t i = 0; i < images.scaling_count; i++) {
        for (size_t j = 0; j < images.measured_count; j++) {
            assert_string_not_equal(images.scaling[i].path, images.measured[j].path);
        }
    }
    cnn_int8_images_free(&images);
    images = find(mixed, 2);
    assert_int_equal(images.measured_count, 350);
    assert_int_equal(images.measured[0].label, CNN_INT8_NO_LABEL);
    assert_string_equal(images.measured[0].path, "data/a/001.pgm");
    cnn_int8_images_free(&images);
    images = find(mixed, 1); /* a folder without classes */
    assert_int_equal(images.scaling[0].label, CNN_INT8_NO_LABEL);
    cnn_int8_images_free(&images);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_shift),
        cmocka_unit_test(test_probability),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_extreme_weights),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_values_that_overflow),
        cmocka_unit_test_setup_teardown(test_images, test_folder_enter, test_folder_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
