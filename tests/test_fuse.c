/* From a graph to a program: tests each pass of fuse.h alone, on graphs written as text, and the
 * instructions and buffers of the plans. */
#include "test_support.h"

#include "nn/fuse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Writes a graph as "conv 0; relu 1; add 2 1": each node with the numbers of its inputs, and what
 * was fused with it. */
static void describe(const cnn_graph *graph, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 1; i < graph->node_count && used < size; i++) {
        const cnn_node *node = &graph->nodes[i];
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", i > 1 ? "; " : "", node->ops->name);
        for (int k = 0; k < node->input_count && used < size; k++) {
            used += (size_t)snprintf(text + used, size - used, " %d", node->input[k]);
        }
        if (used < size) {
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s%s%s",
                                 node->normalizer ? " +batchnorm" : "", node->relu ? " +relu" : "",
                                 node->pool ? " +pool" : "", node->unpools ? " (unpools)" : "");
        }
    }
}

/* Makes the graph of `line`, and applies the passes. Free with cnn_graph_free. */
static cnn_graph fuse(const char *line, cnn_fuse_pass *const *passes) {
    test_spec spec;
    cnn_graph graph, fused;
    cnn_error error;
    test_spec_read(line, &spec);
    test_ok(cnn_graph_create(&spec.spec, &graph, &error), &error);
    test_ok(cnn_graph_copy(&graph, &fused, &error), &error);
    for (; *passes; passes++) {
        (*passes)(&fused);
    }
    for (int i = 0; i < fused.node_count; i++) {
        const cnn_node *node = &fused.nodes[i];
        assert_string_equal(node->path, graph.nodes[node->origin].path);
        assert_int_equal(node->serial, graph.nodes[node->origin].serial);
        for (int k = 0; k < node->input_count; k++) { /* nodes come after their inputs */
            assert_in_range(node->input[k], 0, i - 1);
            assert_true(cnn_shape_equal(&fused.nodes[node->input[k]].stored,
                                        k == 0 ? &node->in : &node->out));
        }
    }
    cnn_graph_free(&graph);
    return fused;
}

static void expect(const char *line, cnn_fuse_pass *first, cnn_fuse_pass *second,
                   const char *want) {
    cnn_fuse_pass *const passes[] = {first, second, NULL};
    char got[1024];
    cnn_graph graph = fuse(line, passes);
    describe(&graph, got, sizeof got);
    assert_string_equal(got, want);
    cnn_graph_free(&graph);
}

static void test_relu(void **state) {
    (void)state;
    expect("1x8x8: conv 3 3, relu, relu, flatten, dense 4, relu, dense 1, sigmoid", cnn_fuse_relu,
           NULL, "conv 0 +relu; relu 1; flatten 2; dense 3 +relu; dense 4; sigmoid 5");
    expect("1x8x8: relu, conv 3 3, leaky_relu, maxpool 2, relu, flatten, dense 1, sigmoid",
           cnn_fuse_relu, NULL,
           "relu 0; conv 1; leaky_relu 2; maxpool 3; relu 4; flatten 5; dense 6; sigmoid 7");
    expect("1x8x8: batchnorm, relu, flatten, dense 1, sigmoid", cnn_fuse_relu, NULL,
           "batchnorm 0 +relu; flatten 1; dense 2; sigmoid 3");
    /* each with its own ceiling */
    cnn_fuse_pass *const passes[] = {cnn_fuse_relu, NULL};
    cnn_graph graph = fuse("1x8x8: conv 3 3, relu 6, conv 2 3, relu, conv 2 1 1 valid 2, relu 0.5, "
                           "flatten, dense 1, sigmoid",
                           passes);
    assert_true(graph.nodes[1].relu_max == 6.0f && graph.nodes[2].relu_max == INFINITY);
    assert_true(graph.nodes[3].relu_max == 0.5f && graph.nodes[5].relu_max == 0.0f);
    cnn_graph_free(&graph);
    /* the sum takes a ReLU; the convolution, which the sum reads too, does not */
    expect("1x8x8: conv 2 3, residual, relu, conv 2 3 1 same, end, relu, flatten, dense 1, sigmoid",
           cnn_fuse_relu, NULL,
           "conv 0; relu 1; conv 2; add 3 1 +relu; flatten 4; dense 5; sigmoid 6");
}

static void test_pool(void **state) {
    (void)state;
    const char *line = "16x16x16: conv 16 3 1 same, relu, maxpool 2, conv 5 3, maxpool 2, flatten, "
                       "dense 1, sigmoid";
    expect(line, cnn_fuse_pool, NULL,
           "conv 0; relu 1; maxpool 2; conv 3 +pool; flatten 4; dense 5; sigmoid 6");
    /* the first layer needs no gradient of its input; the other one does not use Winograd */
    expect(line, cnn_fuse_relu, cnn_fuse_pool,
           "conv 0 +relu +pool (unpools); conv 1 +pool; flatten 2; dense 3; sigmoid 4");
    expect("1x9x9: conv 2 1, maxpool 3 2, conv 2 1, maxpool 2 1, maxpool 2, flatten, dense 1, "
           "sigmoid",
           cnn_fuse_pool, NULL,
           "conv 0; maxpool 1; conv 2; maxpool 3; maxpool 4; flatten 5; dense 6; sigmoid 7");
    /* padding is not part of the pooling that a convolution applies */
    expect("2x8x8: conv 2 3 1 same 2, maxpool 2, conv 2 1, maxpool 2 2 0:0:1:1, flatten, dense 1, "
           "sigmoid",
           cnn_fuse_pool, NULL,
           "conv 0 +pool (unpools); conv 1; maxpool 2; flatten 3; dense 4; sigmoid 5");
    /* two nodes read the convolution; a ReLU after the pool is not one before it */
    expect("1x8x8: conv 2 3 1 same, residual, maxpool 2, relu, end, flatten, dense 1, sigmoid",
           cnn_fuse_pool, NULL,
           "conv 0; maxpool 1; relu 2; conv 1; add 3 4; flatten 5; dense 6; sigmoid 7");
    expect("1x8x8: conv 2 3 1 same, maxpool 2, relu, flatten, dense 1, sigmoid", cnn_fuse_pool,
           cnn_fuse_relu, "conv 0 +pool (unpools); relu 1; flatten 2; dense 3; sigmoid 4");
}

static void test_normalization(void **state) {
    (void)state;
    expect("1x8x8: conv 2 3, batchnorm, batchnorm, relu, batchnorm, flatten, dense 3, batchnorm, "
           "dense 1, sigmoid",
           cnn_fuse_normalization, NULL,
           "conv 0 +batchnorm; batchnorm 1; relu 2; batchnorm 3; flatten 4; dense 5 +batchnorm; "
           "dense 6; sigmoid 7");
    expect("1x8x8: conv 2 3, residual, batchnorm, end, batchnorm, flatten, dense 1, sigmoid",
           cnn_fuse_normalization, NULL,
           "conv 0; batchnorm 1; add 2 1; batchnorm 3; flatten 4; dense 5; sigmoid 6");
    /* a convolution gets the bias that it did not have, after its weights */
    cnn_fuse_pass *const passes[] = {cnn_fuse_normalization, NULL};
    cnn_graph graph = fuse("2x8x8: conv 2 3 1 valid 2 false, batchnorm, conv 2 1 1 valid 1 false, "
                           "flatten, dense 1, sigmoid",
                           passes);
    cnn_graph_place_parameters(&graph);
    assert_int_equal(graph.nodes[1].parameter_count, 2 * 9 + 2);
    assert_string_equal(graph.nodes[1].tensors[1].name, "bias");
    assert_int_equal(graph.nodes[2].parameter_count, 2 * 2);
    cnn_graph_free(&graph);
    /* a convolution with a fused ReLU is not linear */
    expect("1x8x8: conv 2 3, relu, batchnorm, flatten, dense 1, sigmoid", cnn_fuse_relu,
           cnn_fuse_normalization, "conv 0 +relu; batchnorm 1; flatten 2; dense 3; sigmoid 4");
}

static void test_drop_training(void **state) {
    (void)state;
    const char *line = "1x8x8: dropout, conv 2 3, residual, dropout, end, dropout, dropout, "
                       "batchnorm, flatten, dense 1, sigmoid";
    cnn_fuse_pass *const passes[] = {cnn_fuse_drop_training, NULL};
    expect(line, cnn_fuse_drop_training, NULL,
           "conv 0; add 1 1; batchnorm 2; flatten 3; dense 4; sigmoid 5");
    cnn_graph graph = fuse(line, passes);
    for (int i = 0; i < graph.node_count; i++) {
        assert_false(graph.nodes[i].has_gradient || graph.nodes[i].needs_dx);
    }
    cnn_graph_free(&graph);
    expect("1x8x8: conv 2 3, dropout, batchnorm, flatten, dense 1, sigmoid", cnn_fuse_drop_training,
           cnn_fuse_normalization, "conv 0 +batchnorm; flatten 1; dense 2; sigmoid 3");
}

/* --- plans --- */

/* Compares a plan with "conv fb, relu b | …": each instruction, the directions (forward, backward)
 * in which it does something, and "|" between stages. */
static void expect_plan(const char *line, cnn_network_mode mode, const char *want) {
    cnn_network *network = test_network_create(line, test_kernels(), mode);
    char got[1024] = "";
    size_t used = 0;
    int stage = 0;
    for (int i = 0; i < network->plan.instruction_count && used < sizeof got; i++) {
        const cnn_instruction *instruction = &network->plan.instructions[i];
        bool starts = i == network->plan.stages[stage].last;
        stage += starts;
        used += (size_t)snprintf(got + used, sizeof got - used, "%s%s%s %s%s",
                                 i == 0   ? ""
                                 : starts ? " | "
                                          : ", ",
                                 instruction->own ? "" : "+", instruction->layer.node->ops->name,
                                 instruction->forward ? "f" : "", instruction->backward ? "b" : "");
    }
    assert_string_equal(got, want);
    assert_int_equal(stage + 1, network->plan.stage_count);
    assert_int_equal(network->plan.stages[stage].last, network->plan.instruction_count);
    assert_null(network->plan.stages[stage].batch);
    cnn_network_free(network);
}

static void test_instructions(void **state) {
    (void)state;
    /* fused operations occur in backward only; flatten does nothing if nothing moves */
    expect_plan("1x6x6: conv 2 3, relu, flatten, dense 1, sigmoid", CNN_NETWORK_FAST,
                "conv fb, +relu b, dense fb");
    expect_plan("1x6x6: conv 2 3, relu, maxpool 2, flatten, dense 1, sigmoid", CNN_NETWORK_FAST,
                "conv fb, dense fb");
    expect_plan("1x6x6: conv 2 1, conv 2 3, relu, maxpool 2, flatten, dense 1, sigmoid",
                CNN_NETWORK_FAST, "conv fb, conv fb, +maxpool b, dense fb");
    /* layers before the first with weights have no backward */
    expect_plan("1x6x6: relu, maxpool 2, conv 2 2, flatten, dense 1, sigmoid", CNN_NETWORK_FAST,
                "relu f, maxpool f, conv fb, dense fb");
    /* each operation alone, with copies between them */
    expect_plan("1x6x6: conv 2 3, relu, flatten, dense 1, sigmoid", CNN_NETWORK_STEPWISE,
                "conv fb, +relu f, relu fb, +relu b, +flatten f, +flatten b, dense fb");
    /* a value with two readers: copied before it is changed; its gradients are added up */
    expect_plan("1x6x6: conv 2 3, residual, relu, end, flatten, dense 1, sigmoid", CNN_NETWORK_FAST,
                "conv fb, +conv b, +relu f, relu fb, add fb, dense fb");
    expect_plan("1x6x6: residual, sigmoid, end, relu, flatten, dense 1, sigmoid", CNN_NETWORK_FAST,
                "+sigmoid f, sigmoid f, add f, dense fb");
    /* nothing to add up for the image */
    expect_plan("1x6x6: residual, conv 1 3 1 same, end, flatten, dense 1, sigmoid",
                CNN_NETWORK_FAST, "conv fb, add fb, dense fb");
    /* two more stages: each batchnorm is in the stage before it and in the one after it, and
     * undoes the ReLU that it applied. Gradients share memory, so that of the convolution gets
     * zeros around it */
    expect_plan("1x6x6: batchnorm, conv 2 3, batchnorm, relu, flatten, dense 1, sigmoid",
                CNN_NETWORK_FAST,
                "batchnorm f | +batchnorm fb, conv fb, +conv b, batchnorm fb | +batchnorm fb, "
                "dense fb");
}

static void test_buffers(void **state) {
    (void)state;
    cnn_network *network =
        test_network_create("1x6x6: conv 2 3, residual, conv 2 3 1 same, dropout, residual, relu, "
                            "conv 2 1, end, end, dropout, relu, dropout, flatten, dense 1, sigmoid",
                            test_kernels(), CNN_NETWORK_FAST);
    const cnn_node_places *places = network->plan.places;
    /* image, conv, conv, dropout (in place), relu (its input is needed), conv, add, add, dropout
     * (in place), relu (in place), dropout (not over what the ReLU's backward reads), flatten … */
    assert_int_equal(places[3].buffer, 2);
    assert_int_equal(places[4].buffer, 4);
    assert_int_equal(places[8].buffer, 7);
    assert_int_equal(places[9].buffer, 7);
    assert_int_equal(places[10].buffer, 10);
    assert_int_equal(places[11].buffer, 10);
    assert_int_equal(places[11].value.offset, places[10].value.offset);
    assert_int_equal(places[11].value.block.channels, 2 * 4 * 4);
    /* the padding of the convolution is around its input, and nowhere else */
    assert_int_equal(places[1].value.block.row_stride, (4 + 2) * CNN_LANES);
    assert_int_equal(places[2].value.block.row_stride, 4 * CNN_LANES);
    /* gradients: in place where the operation is, the shortcut's is that of the sum */
    assert_int_equal(places[9].gradient.offset, places[7].gradient.offset);
    assert_int_equal(places[7].dx[1].offset, places[7].gradient.offset);
    assert_int_equal(places[2].dx[0].offset, places[1].gradient.offset);
    assert_int_not_equal(places[7].dx[0].offset, places[7].gradient.offset);
    assert_true(places[0].gradient.offset == CNN_NOWHERE);
    cnn_network_free(network);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relu),          cmocka_unit_test(test_pool),
        cmocka_unit_test(test_normalization), cmocka_unit_test(test_drop_training),
        cmocka_unit_test(test_instructions),  cmocka_unit_test(test_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
