/* Residuals in the graph: names, inputs, what is refused; and a network of all layers that modern
 * networks use, trained for a hundred steps and compared with the same in double. */
#include "test_support.h"

#include "base/memory.h"
#include "nn/reference_network.h"
#include "nn/step.h"

#include <math.h>
#include <string.h>

/* --- nodes --- */

static void expect_node(const cnn_graph *graph, int number, const char *type, const char *path,
                        int serial, int first, int second) {
    const cnn_node *node = &graph->nodes[number];
    assert_string_equal(node->ops->name, type);
    assert_string_equal(node->path, path);
    assert_int_equal(node->serial, serial);
    assert_int_equal(node->input_count, second < 0 ? 1 : 2);
    assert_int_equal(node->input[0], first);
    assert_true(second < 0 || node->input[1] == second);
}

static void test_residuals_are_nodes(void **state) {
    (void)state;
    test_spec spec;
    cnn_graph graph;
    cnn_error error;
    test_spec_read(
        "1x8x8: conv 3 3, residual, conv 5 3 2 same, residual, relu, conv 5 3 1 same, end, "
        "end, residual, relu, end, flatten, dense 1, sigmoid",
        &spec);
    test_ok(cnn_graph_create(&spec.spec, &graph, &error), &error);
    assert_int_equal(graph.node_count, 13);
    assert_string_equal(graph.nodes[0].ops->name, "image");
    assert_int_equal(graph.nodes[0].input_count, 0);
    expect_node(&graph, 1, "conv", "0", 0, 0, -1);
    expect_node(&graph, 2, "conv", "1.layers.0", 2, 1, -1);
    expect_node(&graph, 3, "relu", "1.layers.1.layers.0", 4, 2, -1);
    expect_node(&graph, 4, "conv", "1.layers.1.layers.1", 5, 3, -1);
    expect_node(&graph, 5, "add", "1.layers.1", 6, 4, 2); /* shapes are the same: the node itself */
    expect_node(&graph, 6, "conv", "1.projection", 7, 1, -1);
    expect_node(&graph, 7, "add", "1", 8, 5, 6);
    expect_node(&graph, 8, "relu", "2.layers.0", 10, 7, -1);
    expect_node(&graph, 9, "add", "2", 11, 8, 7);
    expect_node(&graph, 10, "flatten", "3", 12, 9, -1);
    expect_node(&graph, 12, "sigmoid", "5", 14, 11, -1);
    assert_int_equal(cnn_graph_logit(&graph), 11);
    assert_int_equal(graph.nodes[6].out.channels, 5);
    assert_int_equal(graph.nodes[6].out.height, 3);
    int reader;
    assert_int_equal(cnn_graph_readers(&graph, 1, &reader), 2);
    assert_int_equal(reader, 2);
    assert_int_equal(cnn_graph_readers(&graph, 7, &reader), 2);
    assert_int_equal(cnn_graph_readers(&graph, 12, &reader), 0);

    char name[CNN_TENSOR_NAME_MAX];
    cnn_tensor_full_name(graph.nodes[6].path, &graph.nodes[6].tensors[1], name);
    assert_string_equal(name, "1.projection.bias");
    assert_int_equal(graph.nodes[6].tensors[1].offset,
                     graph.nodes[6].parameter_offset + 3 * 5); /* after the weight */
    cnn_graph_free(&graph);
}

/* What an exporter or a heat map asks. */
static void test_attributes(void **state) {
    (void)state;
    test_spec spec;
    cnn_graph graph;
    cnn_error error;
    double value = -1.0;
    static const struct {
        int node;
        const char *name;
        double value;
    } attributes[] = {{1, "filters", 4},
                      {1, "kernel", 4},
                      {1, "stride", 2},
                      {1, "padding_top", 1},
                      {1, "padding_left", 1},
                      {1, "padding_bottom", 2},
                      {1, "padding_right", 2},
                      {2, "size", 2},
                      {2, "stride", 1},
                      {3, "negative_slope", .3},
                      {4, "padding_top", 3},
                      {4, "padding_right", 3},
                      {1, "groups", 1},
                      {1, "bias", 1},
                      {2, "padding_top", 0},
                      {10, "units", 1},
                      {5, "padding_top", 1},
                      {5, "padding_left", 2},
                      {5, "padding_bottom", 0},
                      {5, "padding_right", 3},
                      {5, "groups", 2},
                      {5, "bias", 0},
                      {6, "max", 6},
                      {7, "padding_left", 1},
                      {8, "padding_top", 0},
                      {8, "padding_right", 1}};
    test_spec_read(
        "1x9x9: conv 4 4 2 same, maxpool 2 1, leaky_relu 0.3, conv 2 3 1 3, conv 2 3 2 "
        "1:2:0:3 2 false, relu 6, avgpool 3 1 same, maxpool 3 2 same_upper, flatten, dense "
        "1, sigmoid",
        &spec);
    test_ok(cnn_graph_create(&spec.spec, &graph, &error), &error);
    for (size_t i = 0; i < TEST_COUNT(attributes); i++) {
        assert_true(
            cnn_node_attribute(&graph.nodes[attributes[i].node], attributes[i].name, &value));
        test_near(attributes[i].name, i, value, attributes[i].value, 0.0);
    }
    assert_false(cnn_node_attribute(&graph.nodes[9], "padding_top", &value));
    assert_false(cnn_node_attribute(&graph.nodes[1], "padding", &value)); /* no number */
    assert_false(cnn_node_attribute(&graph.nodes[2], "groups", &value));
    assert_false(cnn_node_attribute(&graph.nodes[0], "filters", &value));
    cnn_graph_free(&graph);
}

/* The longest names that fit: the deepest residuals, with places of three digits each. */
static void test_longest_place(void **state) {
    (void)state;
    enum { COUNT = 250, START = 100, SECOND = 100 };
    static cnn_layer_spec layers[COUNT];
    cnn_network_spec spec = {.input = {1, 4, 4, false}, .layer_count = COUNT, .layers = layers};
    for (int i = 0; i < COUNT; i++) {
        layers[i] = (cnn_layer_spec){.ops = cnn_layer_find("relu"), .depth = i > START};
    }
    layers[START].ops = cnn_layer_find("residual");
    for (int i = 0; i < CNN_RESIDUAL_DEPTH_MAX - 1; i++) {
        layers[START + 1 + SECOND + i].ops = cnn_layer_find("residual");
        for (int j = START + 1 + SECOND + i + 1; j < COUNT; j++) {
            layers[j].depth++;
        }
    }
    layers[COUNT - 1].ops = cnn_layer_find("dense"); /* which needs a flat input */
    cnn_error error;
    assert_int_equal(cnn_graph_check(&spec, &error), CNN_ERROR_CONFIG);
    const char *want = "layers[100].layers[100].layers[0].layers[0].layers[45].type: ";
    assert_memory_equal(error.message, want, strlen(want));

    /* and the path, in a graph that is accepted */
    layers[COUNT - 1].ops = cnn_layer_find("relu");
    spec.layer_count = COUNT - 9;
    cnn_layer_spec *end = &layers[spec.layer_count - 3];
    end[0] = (cnn_layer_spec){.ops = cnn_layer_find("flatten")};
    end[1] = (cnn_layer_spec){.ops = cnn_layer_find("dense"), .value = {1}};
    end[2] = (cnn_layer_spec){.ops = cnn_layer_find("sigmoid")};
    cnn_graph graph;
    test_ok(cnn_graph_create(&spec, &graph, &error), &error);
    int last = graph.node_count - 3 - CNN_RESIDUAL_DEPTH_MAX - 1;
    assert_string_equal(graph.nodes[last].path, "100.layers.100.layers.0.layers.0.layers.33");
    cnn_graph_free(&graph);
}

/* Shapes and tensors of the published blocks, as PyTorch has them. */
static void test_shapes(void **state) {
    (void)state;
    test_spec spec;
    cnn_graph graph;
    cnn_error error;
    test_spec_read("3x15x14: conv 8 3 2 same_upper 1 false, conv 24 1 1 valid 4, conv 24 5 2 "
                   "same_upper 24 false, maxpool 3 2 1, residual batchnorm, conv 6 3 2 1, end, "
                   "flatten, dense 1, sigmoid",
                   &spec);
    test_ok(cnn_graph_create(&spec.spec, &graph, &error), &error);
    const int shapes[][3] = {{8, 8, 7}, {24, 8, 7}, {24, 4, 4}, {24, 2, 2}, {6, 1, 1}};
    const int weights[][4] = {{8, 3, 3, 3}, {24, 2, 1, 1}, {24, 1, 5, 5}, {0}, {6, 24, 3, 3}};
    const double flops[] = {2. * 8 * 56 * 27, 2. * 24 * 56 * 2, 2. * 24 * 16 * 25, 24 * 4 * 8.};
    for (int i = 0; i < 5; i++) {
        const cnn_node *node = &graph.nodes[i + 1];
        assert_int_equal(node->out.channels, shapes[i][0]);
        assert_int_equal(node->out.height, shapes[i][1]);
        assert_int_equal(node->out.width, shapes[i][2]);
        if (weights[i][0] > 0) {
            assert_memory_equal(node->tensors[0].dim, weights[i], sizeof weights[i]);
            assert_int_equal(node->tensors[0].fan_in,
                             weights[i][1] * weights[i][2] * weights[i][2]);
        }
        test_near("flops", (size_t)i, i < 4 ? cnn_node_flops(node) : 0, i < 4 ? flops[i] : 0, 0.0);
    }
    assert_int_equal(graph.nodes[1].tensor_count, 1);
    assert_int_equal(graph.nodes[2].tensor_count, 2);
    /* the projection without a bias, and its normalization */
    expect_node(&graph, 6, "conv", "4.projection", 6, 4, -1);
    expect_node(&graph, 7, "batchnorm", "4.batchnorm", 7, 6, -1);
    expect_node(&graph, 8, "add", "4", 8, 5, 7);
    assert_int_equal(graph.nodes[6].parameter_count, 6 * 24);
    cnn_graph_free(&graph);
}

static void expect_refused(const char *text, const char *message) {
    test_spec spec;
    cnn_error error;
    test_spec_read(text, &spec);
    assert_int_equal(cnn_graph_check(&spec.spec, &error), CNN_ERROR_CONFIG);
    if (!strstr(error.message, message)) {
        fail_msg("expected \"%s\", got \"%s\"", message, error.message);
    }
}

static void test_sums_that_cannot_be(void **state) {
    (void)state;
    /* larger than the input; no stride gives 5 of 8 rows; rows and columns by different strides */
    expect_refused("1x6x6: residual, conv 2 3 1 3, end, flatten, dense 1, sigmoid",
                   "layers[0].layers: expected an output that can be added to the input");
    expect_refused("1x8x8: relu, residual, conv 1 4, end, flatten, dense 1, sigmoid",
                   "layers[1].layers: expected an output that can be added");
    expect_refused("1x9x5: residual, maxpool 3 2, end, flatten, dense 1, sigmoid",
                   "got 1×4×2 from 1×9×5 (padding \"same\"");
    expect_refused("1x4x4: residual, flatten, end, dense 1, sigmoid", "can be added to the input");
    expect_refused("1x4x4: flatten, residual, dense 3, end, dense 1, sigmoid",
                   "got 3×1×1 from 16×1×1");
    expect_refused("1x4x4: residual, relu, residual, conv 1 2, end, end, flatten, dense 1, sigmoid",
                   "layers[0].layers[1].layers: expected an output that can be added");
    expect_refused(
        "1x4x4: residual, residual, residual, residual, residual, relu, end, end, end, end, "
        "end, flatten, dense 1, sigmoid",
        "expected at most 4 residuals in each other");
    expect_refused("1x4x4: flatten, dense 1, residual, sigmoid, end",
                   "expected sigmoid as the last");
    expect_refused(
        "1x4x4: flatten, residual, dense 16, end, sigmoid",
        "layers[1].type: expected dense with 1 unit before the last sigmoid, got residual");
}

static void test_options_that_cannot_be(void **state) {
    (void)state;
    expect_refused("4x6x6: conv 6 3 1 same 4, flatten, dense 1, sigmoid",
                   "layers[0].groups: expected a divisor of the 4 input channels and of the 6 "
                   "filters, got 4");
    expect_refused("4x6x6: conv 6 3 1 same 3, flatten, dense 1, sigmoid",
                   "divisor of the 4 input channels and of the 6 filters, got 3");
    expect_refused(
        "1x3x4: conv 1 6 1 0:1:0:1, flatten, dense 1, sigmoid",
        "layers[0].kernel: expected at most 3 (its input is 3×4 with 0 of padding), got 6");
    expect_refused(
        "1x9x4: conv 1 7 1 0:1:0:1, flatten, dense 1, sigmoid",
        "layers[0].kernel: expected at most 6 (its input is 9×4 with 2 of padding), got 7");
    expect_refused(
        "1x6x6: maxpool 3 2 0:0:3:0, flatten, dense 1, sigmoid",
        "layers[0].padding: expected less than the size of a window, 3, on each side, got 3");
    expect_refused("1x6x6: avgpool 2 2 2, flatten, dense 1, sigmoid",
                   "a window, 2, on each side, got 2");
    expect_refused("1x2x6: maxpool 5 1 1, flatten, dense 1, sigmoid",
                   "layers[0].size: expected at most 4 (its input is 2×6, and padding), got 5");
}

/* --- silu --- */

/* Values and derivatives, rounded from sixty decimal digits. */
static void test_silu(void **state) {
    (void)state;
    const double x[] = {-30.0, -3.0, -1.0, 0.0, 0.5, 1.0, 4.0, 40.0};
    const double y[] = {-2.8072868906517896e-12, -0.14227761953270035, -0.2689414213699951, 0.0,
                        0.3112296656009273,      0.7310585786300049,   3.928055160151634,   40.0};
    const double slope[] = {
        -2.713710660963134e-12, -0.08810410601516962, 0.07232948812851327, 0.5,
        0.7399611873026518,     0.9276705118714867,   1.052664614891073,   1.0000000000000002};
    const double ones[TEST_COUNT(x)] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    double got[TEST_COUNT(x)], gradient[TEST_COUNT(x)];
    const cnn_layer_ops *silu = cnn_layer_find("silu");
    const cnn_node node = {.ops = silu, .in = {8, 1, 1, true}, .out = {8, 1, 1, true}};
    const cnn_reference_pass pass = {.N = 1, .x = {x}, .y = got, .dy = ones, .dx = {gradient}};
    silu->reference_forward(&node, &pass);
    silu->reference_backward(&node, &pass);
    for (size_t i = 0; i < TEST_COUNT(x); i++) {
        test_near("silu", i, got[i], y[i], 1e-15 * fmax(1.0, fabs(y[i])));
        test_near("slope of silu", i, gradient[i], slope[i], 1e-15);
    }
}

/* --- a hundred steps --- */

enum { IMAGES = 40, BATCH = 20, STEPS = 100 };

static const char all_layers[] =
    "2x8x8: batchnorm, conv 4 3 1 same, batchnorm, relu, residual, conv 6 3 2 same, batchnorm, "
    "leaky_relu 0.1, dropout 0.1, conv 6 3 1 same, batchnorm, end, relu, avgpool 2, residual, conv "
    "6 "
    "3 1 same, end, leaky_relu, global_avgpool, flatten, dropout 0.2, dense 5, leaky_relu, dense "
    "1, "
    "sigmoid";

static void train(cnn_network *network, const cnn_optimizer *optimizer, double rate,
                  test_samples *samples, float *parameters) {
    cnn_minibatch *minibatch;
    cnn_error error;
    float logits[BATCH];
    uint8_t labels[BATCH];
    cnn_sample_source source = test_samples_source(samples);
    float *state = cnn_alloc(2 * network->parameter_count, sizeof *state);
    assert_non_null(state);
    test_ok(cnn_minibatch_create(network, BATCH, 2, &minibatch, &error), &error);
    for (int t = 0; t < STEPS; t++) {
        /* the reference drops out what seed 0 and step 0 drop */
        cnn_step step = {.network = network,
                         .minibatch = minibatch,
                         .optimizer = optimizer,
                         .learning_rate = rate,
                         .number = t + 1,
                         .threshold = 0.5,
                         .parameters = parameters,
                         .optimizer_state = state,
                         .logits = logits,
                         .labels = labels};
        int64_t right;
        (void)cnn_step_run(&step, &source, (size_t)(t % 2) * BATCH, BATCH, &right);
    }
    cnn_minibatch_free(minibatch);
    cnn_free(state);
}

/* One step of PyTorch's SGD with momentum, or of Adam; t counts from 1. */
static void move(const cnn_optimizer *o, double rate, int t, double g, double *w, double *m,
                 double *v) {
    if (o->kind == CNN_OPTIMIZER_MOMENTUM) {
        *m = o->momentum * *m + g;
        *w -= rate * *m;
        return;
    }
    *m = o->beta1 * *m + (1.0 - o->beta1) * g;
    *v = o->beta2 * *v + (1.0 - o->beta2) * g * g;
    *w -=
        rate * (*m / (1.0 - pow(o->beta1, t))) / (sqrt(*v / (1.0 - pow(o->beta2, t))) + o->epsilon);
}

static void train_in_double(const cnn_network *network, const cnn_optimizer *optimizer, double rate,
                            const test_samples *samples, double *parameters) {
    size_t count = network->parameter_count, image = cnn_shape_size(&samples->shape);
    cnn_reference_network *reference;
    cnn_error error;
    double *x = test_widen(samples->x, IMAGES * image);
    double *work = cnn_alloc(3 * count, sizeof *work);
    assert_non_null(work);
    test_ok(cnn_reference_network_create(network, BATCH, &reference, &error), &error);
    for (int t = 0; t < STEPS; t++) {
        const double *batch = x + (size_t)(t % 2) * BATCH * image;
        const uint8_t *labels = samples->labels + (size_t)(t % 2) * BATCH;
        (void)cnn_reference_network_loss(reference, BATCH, parameters, batch, labels, NULL);
        cnn_reference_network_gradients(reference, BATCH, parameters, batch, labels, work);
        for (size_t k = 0; k < count; k++) {
            move(optimizer, rate, t + 1, work[k], &parameters[k], &work[count + k],
                 &work[2 * count + k]);
        }
    }
    cnn_reference_network_free(reference);
    cnn_free(work);
    cnn_free(x);
}

static void expect_hundred_steps(const cnn_optimizer *optimizer, double rate) {
    cnn_network *network = test_network_create(all_layers, test_kernels(), CNN_NETWORK_FAST);
    test_samples samples = test_samples_create(network, IMAGES, 6);
    float *parameters = test_parameters(network, 6);
    double *want = test_widen(parameters, network->parameter_count);
    double moved = 0.0;
    float *start = test_parameters(network, 6);
    train(network, optimizer, rate, &samples, parameters);
    train_in_double(network, optimizer, rate, &samples, want);
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        for (int t = 0; t < node->tensor_count; t++) {
            const cnn_tensor *tensor = &node->tensors[t];
            char name[CNN_TENSOR_NAME_MAX];
            cnn_tensor_full_name(node->path, tensor, name);
            /* training does not use running averages: see test_inference.c */
            for (size_t k = tensor->offset; !tensor->average && k < tensor->offset + tensor->count;
                 k++) {
                test_near(name, k - tensor->offset, (double)parameters[k], want[k], 1e-4);
                moved = fmax(moved, fabs((double)parameters[k] - (double)start[k]));
            }
        }
    }
    assert_true(moved > 0.05); /* far beyond the bound */
    cnn_free(parameters);
    cnn_free(start);
    cnn_free(want);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void test_hundred_steps(void **state) {
    (void)state;
    const cnn_optimizer momentum = {.kind = CNN_OPTIMIZER_MOMENTUM, .momentum = 0.9};
    /* a bias before batchnorm has gradient 0; a larger epsilon keeps Adam from making steps of
     * its rounding errors */
    const cnn_optimizer adam = {
        .kind = CNN_OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-3};
    expect_hundred_steps(&momentum, 0.01);
    expect_hundred_steps(&adam, 0.002);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_residuals_are_nodes),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_longest_place),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_sums_that_cannot_be),
        cmocka_unit_test(test_options_that_cannot_be),
        cmocka_unit_test(test_silu),
        cmocka_unit_test(test_hundred_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
