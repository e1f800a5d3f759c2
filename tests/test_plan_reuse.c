/* Memory that values of a plan for prediction, or gradients of one for training, use one after the
 * other: no two that are needed at the same time overlap, and results do not depend on what was
 * there before. */
#include "test_support.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/minibatch.h"
#include "nn/plan_reuse.h"

#include <stdio.h>
#include <string.h>

/* --- lifetimes alone --- */

enum { LIFETIMES = 60, STEPS = 40 };

static int random_int(uint64_t *state, int low, int high) { /* low … high */
    return (int)test_random(state, low, high + 1);
}

static void test_lifetimes(void **state) {
    (void)state;
    uint64_t random = 17;
    for (int round = 0; round < 300; round++) {
        cnn_lifetime all[LIFETIMES];
        cnn_error error;
        size_t size, least = 0;
        for (int i = 0; i < LIFETIMES; i++) {
            int first = random_int(&random, 0, STEPS - 1);
            int length = random_int(&random, 0, i % 10 == 0 ? STEPS : 4);
            all[i] = (cnn_lifetime){.size = (size_t)random_int(&random, 0, 1000),
                                    .first = first,
                                    .last = first + length};
        }
        test_ok(cnn_lifetimes_place(all, LIFETIMES, &size, &error), &error);
        for (int i = 0; i < LIFETIMES; i++) {
            assert_int_equal(all[i].offset % CNN_LANES, 0);
            assert_true(all[i].offset + all[i].size <= size);
            for (int j = 0; j < i; j++) {
                bool in_time = all[i].first <= all[j].last && all[j].first <= all[i].last;
                bool in_space = all[i].offset < all[j].offset + all[j].size &&
                                all[j].offset < all[i].offset + all[i].size;
                assert_false(in_time && in_space);
            }
        }
        for (int step = 0; step < 2 * STEPS; step++) {
            size_t needed = 0;
            for (int i = 0; i < LIFETIMES; i++) {
                needed += all[i].first <= step && step <= all[i].last ? all[i].size : 0;
            }
            least = needed > least ? needed : least;
        }
        assert_true(size >= least && size <= least + least / 2);
    }
}

/* --- random networks --- */

/* A layer that keeps rows and columns. */
static void add_layer(uint64_t *random, int depth, cnn_text *line) {
    static const char *const plain[] = {
        "relu, ", "silu, ", "leaky_relu, ", "relu 0.5, ", "avgpool 3 1 same, ", "maxpool 3 1 1, "};
    int kind = random_int(random, 0, 9);
    if (kind < 4) {
        cnn_text_format(line, "conv %d %d 1 same, ", random_int(random, 1, 20),
                        2 * random_int(random, 0, 2) + 1);
    } else if (kind < 7 || depth == 3) {
        cnn_text_format(line, "%s", plain[random_int(random, 0, 5)]);
    } else {
        cnn_text_format(line, "residual, ");
        for (int i = random_int(random, 1, 4); i > 0; i--) {
            add_layer(random, depth + 1, line);
        }
        cnn_text_format(line, "end, ");
    }
}

/* The line of a network without layers that prediction leaves out or merges. Free with
 * cnn_text_free. */
static cnn_text random_line(uint64_t *random) {
    cnn_text line = {0};
    cnn_text_format(&line, "%dx%dx%d: ", random_int(random, 1, 18), random_int(random, 8, 13),
                    random_int(random, 8, 13));
    for (int i = random_int(random, 1, 6); i > 0; i--) {
        add_layer(random, 0, &line);
    }
    cnn_text_format(&line, random_int(random, 0, 1) ? "maxpool 2, " : "conv 17 3 2 1, ");
    for (int i = random_int(random, 0, 5); i > 0; i--) {
        add_layer(random, 0, &line);
    }
    cnn_text_format(&line, random_int(random, 0, 1) ? "global_avgpool, " : "relu, ");
    cnn_text_format(&line, "flatten, dense 9, relu, dense 1, sigmoid");
    assert_false(line.failed);
    return line;
}

static void run(const cnn_network *network, const float *parameters, test_samples *samples,
                size_t first, float *workspace, float *logits) {
    const cnn_block *block;
    cnn_sample_source source = test_samples_source(samples);
    float *x = cnn_network_input(network, workspace, &block);
    source.fill(source.context, first, CNN_LANES, block, x, NULL);
    memcpy(logits, cnn_network_forward(network, parameters, workspace), CNN_LANES * sizeof *logits);
}

static void poison(float *values, size_t count) {
    memset(values, 0xff, count * sizeof *values); /* NaN */
}

/* Is memory that node n stores or keeps, or of its inputs, also another's that is needed then? */
static void expect_no_overlap(const char *line, const cnn_network *network) {
    const cnn_graph *graph = &network->fused;
    const cnn_plan *plan = &network->plan;
    int end = graph->node_count - 1;
    int *owner = cnn_alloc(plan->workspace_size, sizeof *owner); /* 1 + the buffer's node */
    assert_non_null(owner);
    for (int n = 0; n < end; n++) {
        const cnn_node_places *mine = &plan->places[n];
        const cnn_node_places *first = &plan->places[mine->buffer];
        for (int k = 0; k < graph->nodes[n].input_count; k++) {
            int buffer = plan->places[graph->nodes[n].input[k]].buffer;
            const cnn_node_places *input = &plan->places[buffer];
            for (size_t i = input->start; i < input->start + input->size; i++) {
                if (owner[i] != buffer + 1) {
                    fail_msg("%s: node %d reads memory that node %d has changed", line, n,
                             owner[i] - 1);
                }
            }
        }
        for (size_t i = mine->kept; i < mine->kept + mine->kept_size; i++) {
            owner[i] = -1 - n;
        }
        for (size_t i = first->start; i < first->start + first->size; i++) {
            if (owner[i] == -1 - n) {
                fail_msg("%s: node %d stores where it keeps something", line, n);
            }
            owner[i] = mine->buffer + 1;
        }
        for (size_t i = plan->work_offset; i < plan->work_offset + plan->work_size; i++) {
            assert_int_equal(owner[i], 0);
        }
    }
    cnn_free(owner);
}

static void check_line(const char *line, uint64_t seed) {
    cnn_error error;
    cnn_network *plain = test_network_create(line, test_kernels(), CNN_NETWORK_FAST);
    cnn_network *reusing;
    test_ok(cnn_network_create_prediction(plain, &reusing, &error), &error);
    assert_int_equal(plain->fused.node_count, reusing->fused.node_count);
    assert_true(reusing->plan.forward_size <= reusing->plan.separate_size);
    assert_true(reusing->plan.separate_size <= plain->plan.forward_size);
    expect_no_overlap(line, reusing);

    float *parameters = test_parameters(plain, seed);
    test_samples samples = test_samples_create(plain, 3 * CNN_LANES, seed);
    float *separate = cnn_network_workspace(plain, false);
    float *reused = cnn_network_workspace(reusing, false);
    assert_non_null(separate);
    assert_non_null(reused);
    cnn_network_prepare(plain, parameters);
    cnn_network_prepare(reusing, parameters);
    for (size_t block = 0; block < 3; block++) { /* poison before the first, values before others */
        float want[CNN_LANES], got[CNN_LANES];
        if (block == 0) {
            poison(reused, reusing->plan.forward_size);
        }
        run(plain, parameters, &samples, block * CNN_LANES, separate, want);
        run(reusing, parameters, &samples, block * CNN_LANES, reused, got);
        for (int lane = 0; lane < CNN_LANES; lane++) {
            /* NOLINTNEXTLINE: the bits are compared, also of -0 and NaN */
            if (memcmp(&got[lane], &want[lane], sizeof *got) != 0) {
                fail_msg("%s: block %zu: expected %.9g, got %.9g", line, block, (double)want[lane],
                         (double)got[lane]);
            }
        }
    }
    cnn_free(separate);
    cnn_free(reused);
    cnn_free(parameters);
    test_samples_free(&samples);
    cnn_network_free(reusing);
    cnn_network_free(plain);
}

static void test_random_networks(void **state) {
    (void)state;
    uint64_t random = 5;
    for (uint64_t round = 0; round < 60; round++) {
        cnn_text line = random_line(&random);
        check_line(line.data, round + 1);
        cnn_text_free(&line);
    }
}

/* --- gradients --- */

enum { BATCH = CNN_LANES + 3 };

/* A network with layers that see the whole batch, and convolutions whose gradients have borders. */
static cnn_text random_batch_line(uint64_t *random) {
    cnn_text line = {0};
    cnn_text_format(&line, "%dx%dx%d: ", random_int(random, 1, 5), random_int(random, 6, 9),
                    random_int(random, 6, 9));
    for (int i = random_int(random, 1, 3); i > 0; i--) {
        add_layer(random, 1, &line);
        cnn_text_format(&line, "conv 8 %d 1 same, batchnorm, relu%s, ",
                        2 * random_int(random, 0, 2) + 1, random_int(random, 0, 1) ? " 0.5" : "");
        add_layer(random, 1, &line);
        cnn_text_format(&line, "conv 8 1, batchnorm, conv 8 3 %d 1 8, ", random_int(random, 1, 2));
    }
    cnn_text_format(&line, "batchnorm, global_avgpool, flatten, dense 1, sigmoid");
    assert_false(line.failed);
    return line;
}

/* The gradients of the second of two steps, whose memory is that of the first. Free with cnn_free.
 */
static float *second_gradients(const char *line, cnn_network_mode mode, uint64_t seed,
                               size_t *count) {
    cnn_error error;
    cnn_minibatch *minibatch;
    float logits[BATCH];
    uint8_t labels[BATCH];
    cnn_network *network = test_network_create(line, test_kernels(), mode);
    float *parameters = test_parameters(network, seed);
    test_samples samples = test_samples_create(network, 2 * BATCH, seed);
    const cnn_sample_source source = test_samples_source(&samples);
    *count = network->parameter_count;
    float *result = cnn_alloc(*count, sizeof *result);
    assert_non_null(result);
    test_ok(cnn_minibatch_create(network, BATCH, 1, &minibatch, &error), &error);
    cnn_minibatch_prepare(minibatch, parameters);
    for (size_t step = 0; step < 2; step++) {
        const float *gradients;
        cnn_minibatch_gradients(minibatch, parameters, &source, step * BATCH, BATCH, &gradients,
                                logits, labels);
        memcpy(result, gradients, *count * sizeof *result);
    }
    cnn_minibatch_free(minibatch);
    test_samples_free(&samples);
    cnn_free(parameters);
    cnn_network_free(network);
    return result;
}

/* In a stepwise network, each gradient has its own place. */
static void test_gradients(void **state) {
    (void)state;
    uint64_t random = 8;
    for (uint64_t round = 0; round < 30; round++) {
        size_t count;
        cnn_text line = random_batch_line(&random);
        float *reused = second_gradients(line.data, CNN_NETWORK_FAST, round + 1, &count);
        float *separate = second_gradients(line.data, CNN_NETWORK_STEPWISE, round + 1, &count);
        if (memcmp(reused, separate, count * sizeof *reused) != 0) {
            fail_msg("%s: the gradients differ", line.data);
        }
        cnn_free(reused);
        cnn_free(separate);
        cnn_text_free(&line);
    }
}

/* --- sizes --- */

#define BLOCK(f)                                                                                   \
    "residual, conv " f " 3 1 same, batchnorm, relu, conv " f " 3 1 same, batchnorm, end, relu, "
#define DOWN(f)                                                                                    \
    "residual, conv " f " 3 2 1, batchnorm, relu, conv " f " 3 1 same, batchnorm, end, relu, "

/* ResNet-18 with a quarter of its filters: all values take several times what the largest ones need
 * that are needed together, those of the first convolution and of its pool. */
static void test_resnet(void **state) {
    (void)state;
    static const char line[] =
        "3x64x64: conv 16 7 2 3, batchnorm, relu, maxpool 3 2 1, " BLOCK("16") BLOCK("16")
            DOWN("32") BLOCK("32") DOWN("64") BLOCK("64") DOWN("128")
                BLOCK("128") "global_avgpool, flatten, dense 1, sigmoid";
    cnn_error error;
    cnn_network *trained = test_network_create(line, test_kernels(), CNN_NETWORK_FAST);
    cnn_network *network;
    test_ok(cnn_network_create_prediction(trained, &network, &error), &error);
    const cnn_plan *plan = &network->plan;
    size_t reused = plan->forward_size - plan->work_size;
    size_t separate = plan->separate_size - plan->work_size;
    assert_true(10 * reused < 3 * separate);
    /* forward alone needs no memory for the gradients of Winograd's convolution */
    assert_true(4 * plan->work_size < 3 * trained->plan.work_size);
    /* gradients, too, take the memory of the few that are needed together */
    assert_true(4 * (trained->plan.workspace_size - trained->plan.forward_size) <
                trained->plan.forward_size - trained->plan.work_size);
    cnn_network_free(network);
    cnn_network_free(trained);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lifetimes),
        cmocka_unit_test(test_random_networks),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_resnet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
