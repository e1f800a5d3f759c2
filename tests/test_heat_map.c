/* Where a model looked: HiResCAM by hand, against pytorch-grad-cam, and against differences of the
 * logit, for a network cut at any node; occlusion by hand; maps over pictures; names and files of
 * pictures. */
#include "test_support.h"

#include "base/memory.h"
#include "cli/picture_names.h"
#include "cli/picture_writer.h"
#include "inspect/heat_map.h"
#include "inspect/map_product.h"
#include "inspect/map_picture.h"
#include "inspect/occlusion.h"
#include "nn/cut.h"

#include "cnn/png.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- a network for prediction, with its parameters --- */

typedef struct predicting {
    cnn_network *trained, *network;
    float *trained_parameters, *parameters;
} predicting;

/* trained_parameters: taken over. */
static predicting prepare(const char *line, const cnn_kernels *kernels, float *trained_parameters) {
    cnn_error error;
    predicting p = {.trained = test_network_create(line, kernels, CNN_NETWORK_FAST)};
    p.trained_parameters = trained_parameters ? trained_parameters : test_parameters(p.trained, 5);
    test_ok(cnn_network_create_prediction(p.trained, &p.network, &error), &error);
    p.parameters = cnn_alloc(p.network->parameter_count, sizeof *p.parameters);
    assert_non_null(p.parameters);
    cnn_network_merge_parameters(p.network, p.trained, p.trained_parameters, p.parameters);
    cnn_network_prepare(p.network, p.parameters);
    return p;
}

static void release(predicting *p) {
    cnn_network_free(p->network);
    cnn_network_free(p->trained);
    cnn_free(p->parameters);
    cnn_free(p->trained_parameters);
}

/* The `fill` function of a source of one image, double x[C][H][W], in each lane. */
static void fill(void *context, size_t first, int count, const cnn_block *block, float *x,
                 uint8_t *labels) {
    (void)first, (void)labels;
    const double *from = context;
    const int lanes = cnn_block_lanes(block);
    for (int c = 0; c < block->channels; c++) {
        for (int h = 0; h < block->height; h++) {
            float *to = x + c * block->plane_stride + h * block->row_stride;
            for (int w = 0; w < block->width; w++, from++, to += lanes) {
                for (int lane = 0; lane < lanes; lane++) {
                    to[lane] = lane < count ? (float)*from : 0.0f;
                }
            }
        }
    }
}

/* The product of maps of x at nodes[count]. Returns the logit. */
static float map_nodes(const predicting *p, const int *nodes, int count, double *x, float *map) {
    cnn_error error;
    cnn_heat_map *maker;
    float logit;
    const cnn_sample_source source = {.fill = fill, .context = x};
    test_ok(cnn_heat_map_create(p->network, p->parameters, nodes, count, NULL, &maker, &error),
            &error);
    test_ok(cnn_heat_map_run(maker, &source, 0, 1, &logit, map, &error), &error);
    cnn_heat_map_free(maker);
    return logit;
}

/* HiResCAM of x at a node. Returns the logit. */
static float map_at(const predicting *p, int node, double *x, float *map) {
    return map_nodes(p, &node, 1, x, map);
}

/* --- by hand --- */

static void test_by_hand(void **state) {
    (void)state;
    /* activations 2x + 1 = 3 5 7 9; the logit is their sum with the weights of the dense layer */
    static const float parameters[] = {2.0f, 1.0f, 1.0f, -1.0f, 0.5f, 3.0f, 0.25f};
    float *copy = cnn_alloc(7, sizeof *copy);
    memcpy(copy, parameters, sizeof parameters);
    predicting p =
        prepare("1x2x2: conv 1 1, relu, flatten, dense 1, sigmoid", test_kernels(), copy);
    double x[] = {1, 2, 3, 4};
    float map[4];
    assert_int_equal(cnn_heat_map_deep(&p.network->graph, CNN_HEAT_MAP_SIDE), 2);
    assert_true(map_at(&p, 2, x, map) == 28.75f);
    static const float at_relu[] = {3.0f, -5.0f, 3.5f, 27.0f};
    assert_memory_equal(map, at_relu, sizeof map);
    /* at the image: x times 2 times the same weights; the constant 1 belongs to no pixel */
    assert_true(map_at(&p, 0, x, map) == 28.75f);
    static const float at_image[] = {2.0f, -4.0f, 3.0f, 24.0f};
    assert_memory_equal(map, at_image, sizeof map);
    release(&p);
}

/* Global average pooling and a dense layer: CAM (Zhou et al. 2016), the sum of activation times
 * weight of the channel, divided by the number of places. */
static void test_is_cam(void **state) {
    (void)state;
    predicting p =
        prepare("2x9x8: conv 3 3 1 same, relu, global_avgpool, flatten, dense 1, sigmoid",
                test_kernels(), NULL);
    double *x = test_random_values(2 * 9 * 8, 3);
    float map[72];
    const float logit = map_at(&p, 2, x, map);
    const size_t last = p.network->parameter_count - 1;
    double sum = (double)p.parameters[last];
    for (int i = 0; i < 72; i++) {
        double want = 0.0;
        for (int c = 0; c < 3; c++) { /* the convolution in double */
            double a = (double)p.parameters[54 + c];
            for (int t = 0; t < 18; t++) {
                const int h = i / 8 + t % 9 / 3 - 1, w = i % 8 + t % 3 - 1;
                const bool inside = h >= 0 && h < 9 && w >= 0 && w < 8;
                a += inside ? (double)p.parameters[c * 18 + t] * x[t / 9 * 72 + h * 8 + w] : 0.0;
            }
            want += (a > 0.0 ? a : 0.0) * (double)p.parameters[57 + c] / 72.0;
        }
        test_near("map", (size_t)i, (double)map[i], want, 1e-6);
        sum += want;
    }
    test_near("logit", 0, (double)logit, sum, 1e-5);
    cnn_free(x);
    release(&p);
}

/* --- pytorch-grad-cam --- */

/* As `simple` of tests/compare/explain_torch.py. */
static double simple(int i, int factor, int modulus) {
    return (double)((i * factor + 11) % modulus) / modulus - 0.5;
}

/* tests/compare/explain_torch.py --golden, with PyTorch 2.x and pytorch-grad-cam 1.5: the logit,
 * then HiResCAM of the last convolution's ReLU, 7 × 7. */
static const double golden[] = {
    -0.183385,
    0,
    0.001803176,
    0,
    -0.0007557988,
    0,
    0,
    0.001783402,
    0.001281361,
    0.00155297,
    0.001869792,
    0.002154397,
    0.001486329,
    -0.008827395,
    0.00591805,
    0.0007143616,
    0.003371962,
    -0.001035807,
    -0.002128933,
    -0.01431378,
    0.0001251429,
    0.0009818713,
    0,
    0.0001256601,
    -0.003174473,
    -0.007600286,
    -0.002150246,
    0.007755849,
    -0.005427295,
    -0.004711848,
    -0.002442717,
    -0.0008527536,
    -0.0001365814,
    0.001350729,
    6.237767e-05,
    0.0003733142,
    -8.069271e-05,
    -0.002704804,
    0.001682573,
    0.002615758,
    0.003142335,
    -0.003224353,
    -0.0009552194,
    -0.001790141,
    -0.002958778,
    -0.005032935,
    0.0001384282,
    -0.004657784,
    -0.001855876,
    -0.001070366,
};

/* The same: the product of the first convolution, 14 × 14, the pooling, and that map. */
static const double golden_product[] = {0,
                                        3.799391e-05,
                                        0,
                                        0,
                                        1.526049e-05,
                                        0,
                                        -5.503858e-06,
                                        -1.859751e-05,
                                        -1.713799e-07,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        7.459751e-06,
                                        0,
                                        0,
                                        3.948918e-05,
                                        7.944199e-06,
                                        0,
                                        0,
                                        0,
                                        -1.151825e-07,
                                        -1.983789e-05,
                                        -2.352596e-05,
                                        0,
                                        0,
                                        0,
                                        0,
                                        1.760927e-05,
                                        5.198651e-05,
                                        2.376819e-05,
                                        3.87774e-07,
                                        0,
                                        0,
                                        0,
                                        -1.161762e-05,
                                        -0.000134242,
                                        -3.572295e-05,
                                        0,
                                        2.157011e-05,
                                        0,
                                        0,
                                        0,
                                        2.762104e-05,
                                        0,
                                        0,
                                        0,
                                        0,
                                        -3.740649e-05,
                                        -0.0001733133,
                                        -0.0001864128,
                                        -1.593893e-05,
                                        3.171285e-06,
                                        7.864068e-05,
                                        4.885865e-06,
                                        0,
                                        0,
                                        0,
                                        0,
                                        -3.91705e-06,
                                        -9.118296e-06,
                                        -3.232233e-05,
                                        -0.000348131,
                                        -0.0006578716,
                                        -0.0001302493,
                                        -4.59564e-06,
                                        0,
                                        4.880445e-06,
                                        2.28775e-07,
                                        0,
                                        0,
                                        0,
                                        -1.352383e-07,
                                        -1.981862e-05,
                                        -5.30393e-05,
                                        -3.84266e-05,
                                        -0.0001258251,
                                        -0.0001772305,
                                        -5.817533e-05,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        1.631177e-07,
                                        0,
                                        -5.050399e-06,
                                        -0.0004097605,
                                        -0.0004730808,
                                        0,
                                        0,
                                        0,
                                        0,
                                        -1.768273e-05,
                                        0,
                                        -2.941773e-05,
                                        -3.725701e-05,
                                        -3.716508e-07,
                                        0,
                                        0,
                                        0,
                                        -0.0005132915,
                                        -0.0005421661,
                                        0,
                                        1.341017e-05,
                                        0,
                                        0,
                                        -1.556203e-05,
                                        -1.995169e-06,
                                        0,
                                        0,
                                        -3.377155e-05,
                                        -2.067071e-05,
                                        0,
                                        0,
                                        0,
                                        0,
                                        -1.910621e-08,
                                        0,
                                        3.141076e-05,
                                        1.227079e-05,
                                        -3.469966e-06,
                                        -7.128411e-05,
                                        0,
                                        0,
                                        0,
                                        -6.880978e-06,
                                        0,
                                        0,
                                        3.686515e-05,
                                        3.22436e-05,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        4.258826e-08,
                                        1.759899e-05,
                                        7.066391e-05,
                                        6.222392e-05,
                                        1.217979e-05,
                                        3.32942e-06,
                                        0,
                                        0,
                                        0,
                                        0,
                                        -1.254248e-05,
                                        -1.970886e-05,
                                        0,
                                        0,
                                        0,
                                        8.744153e-07,
                                        3.1756e-06,
                                        1.4295e-05,
                                        3.294264e-05,
                                        1.367917e-06,
                                        -6.319221e-06,
                                        -1.197274e-05,
                                        0,
                                        0,
                                        -1.875213e-05,
                                        -1.94807e-05,
                                        -2.953247e-06,
                                        0,
                                        0,
                                        0,
                                        -1.246745e-07,
                                        -1.114133e-07,
                                        0,
                                        0,
                                        -2.521388e-06,
                                        -2.941026e-06,
                                        0,
                                        0,
                                        -2.190906e-05,
                                        -7.93996e-06,
                                        -6.71725e-06,
                                        -7.99993e-06,
                                        0,
                                        0,
                                        -7.034647e-07,
                                        -8.015323e-06,
                                        -4.03559e-05,
                                        -1.556675e-05,
                                        -2.235413e-07,
                                        -7.146036e-08,
                                        -3.160597e-07,
                                        -8.111732e-07};

static void test_golden(void **state) {
    (void)state;
    static const char line[] = "2x14x14: conv 4 3 1 same, batchnorm, relu, maxpool 2, conv 5 3 1 "
                               "same, relu, avgpool 3 2, flatten, dense 6, leaky_relu 0.01, "
                               "dense 1, sigmoid";
    cnn_network *trained = test_network_create(line, test_kernels(), CNN_NETWORK_FAST);
    float *parameters = cnn_alloc(trained->parameter_count, sizeof *parameters);
    int tensors = 0;
    for (int n = 0; n < trained->graph.node_count; n++) {
        const cnn_node *node = &trained->graph.nodes[n];
        for (int t = 0; t < node->tensor_count; t++, tensors++) {
            const cnn_tensor *tensor = &node->tensors[t];
            const double add = strcmp(tensor->name, "running_var") == 0 ? 1.0 : 0.0;
            for (size_t i = 0; i < tensor->count; i++) {
                parameters[tensor->offset + i] =
                    (float)(simple((int)i, 37 + 2 * tensors, 101) + add);
            }
        }
    }
    cnn_network_free(trained);
    predicting p = prepare(line, test_kernels(), parameters);
    double x[2 * 14 * 14];
    for (int i = 0; i < 2 * 14 * 14; i++) {
        x[i] = simple(i, 29, 97);
    }
    float map[49];
    const int node = cnn_heat_map_deep(&p.network->graph, CNN_HEAT_MAP_SIDE);
    assert_string_equal(p.network->graph.nodes[node].path, "5");
    test_near("logit", 0, (double)map_at(&p, node, x, map), golden[0], 2e-6);
    for (size_t i = 0; i < 49; i++) {
        test_near("map", i, (double)map[i], golden[1 + i], 1e-7);
    }
    float product[14 * 14];
    int nodes[CNN_HEAT_MAP_NODES];
    assert_int_equal(cnn_heat_map_nodes(&p.network->graph, node, nodes), 3);
    assert_string_equal(p.network->graph.nodes[nodes[0]].path, "2");
    assert_string_equal(p.network->graph.nodes[nodes[1]].path, "3");
    (void)map_nodes(&p, nodes, 3, x, product);
    for (size_t i = 0; i < TEST_COUNT(product); i++) {
        test_near("product", i, (double)product[i], golden_product[i], 1e-7);
    }
    release(&p);
}

/* --- the product --- */

/* Each lane has the values times a power of two of its own, with a sign: scales[lane]. */
static void fill_maps(const float *values, size_t count, const float *scales, float *maps) {
    for (size_t i = 0; i < count; i++) {
        for (size_t lane = 0; lane < CNN_LANES; lane++) {
            maps[i * CNN_LANES + lane] = scales ? scales[lane] * values[i] : values[i];
        }
    }
}

static void test_multiply(void **state) {
    (void)state;
    /* smoothed along the row: 1 3 2 -2 -4; the deep map is 4 in its left half, between its centres
     * from 4 to -2, and -2 after them */
    static const float fine[] = {0.0f, 4.0f, 4.0f, -4.0f, -4.0f}, deep[] = {4.0f, -2.0f};
    static const float want[] = {1.0f, 3.0f * 3.4f / 4.0f, 2.0f / 4.0f, -2.0f * 1.4f / 4.0f,
                                 -4.0f * 2.0f / 4.0f};
    float fine_scales[CNN_LANES], deep_scales[CNN_LANES];
    for (int lane = 0; lane < CNN_LANES; lane++) {
        const float sign = lane % 3 == 1 ? -1.0f : 1.0f;
        fine_scales[lane] = sign * ldexpf(1.0f, lane);
        deep_scales[lane] = sign * ldexpf(1.0f, -lane); /* each is divided by its own largest */
    }
    float maps[5 * CNN_LANES], coarse[2 * CNN_LANES], work[10 * CNN_LANES];
    fill_maps(fine, 5, fine_scales, maps);
    fill_maps(deep, 2, deep_scales, coarse);
    cnn_map_smooth(maps, 1, 5, work);
    cnn_map_multiply(maps, 1, 5, coarse, 1, 2, work);
    for (size_t i = 0; i < TEST_COUNT(maps); i++) {
        const double scale = (double)fine_scales[i % CNN_LANES];
        test_near("product", i, (double)maps[i] / scale, (double)want[i / CNN_LANES], 1e-6);
    }
    /* down a column: 4 in the middle */
    static const float column[] = {0.0f, 4.0f, 0.0f};
    fill_maps(column, 3, fine_scales, maps);
    cnn_map_smooth(maps, 3, 1, work);
    for (size_t i = 0; i < 3 * CNN_LANES; i++) {
        const double share = i / CNN_LANES == 1 ? 2.0 : 1.0;
        test_near("column", i, (double)maps[i], share * (double)fine_scales[i % CNN_LANES], 0.0);
    }
    /* where the signs differ, and where nothing is known */
    for (int k = 0; k < 2; k++) {
        static const float one = 1.0f, against[2] = {-1.0f, 0.0f};
        fill_maps(&one, 1, NULL, maps);
        fill_maps(&against[k], 1, NULL, coarse);
        cnn_map_multiply(maps, 1, 1, coarse, 1, 1, work);
        for (int lane = 0; lane < CNN_LANES; lane++) {
            assert_true(maps[lane] == 0.0f);
        }
    }
}

/* The nodes of a network with 28 × 28, 14 × 14 and 7 × 7 places, and of small ones. */
static void test_nodes(void **state) {
    (void)state;
    predicting p = prepare("1x56x56: conv 2 3 1 same, relu, maxpool 2, conv 2 3 1 same, relu, "
                           "maxpool 2, conv 2 3 1 same, relu, maxpool 2, relu, maxpool 7, flatten, "
                           "dense 1, sigmoid",
                           test_kernels(), NULL);
    const cnn_graph *graph = &p.network->graph;
    const int deep = cnn_heat_map_deep(graph, CNN_HEAT_MAP_SIDE);
    assert_string_equal(graph->nodes[deep].path, "9");
    int nodes[CNN_HEAT_MAP_NODES];
    assert_int_equal(cnn_heat_map_nodes(graph, deep, nodes), 4);
    static const char *const paths[] = {"2", "5", "8", "9"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(graph->nodes[nodes[i]].path, paths[i]);
    }
    release(&p);
    p = prepare("1x9x9: flatten, dense 1, sigmoid", test_kernels(), NULL);
    assert_int_equal(cnn_heat_map_deep(&p.network->graph, CNN_HEAT_MAP_SIDE), 0);
    assert_int_equal(cnn_heat_map_nodes(&p.network->graph, 0, nodes), 1);
    assert_int_equal(nodes[0], 0);
    release(&p);
    /* sides that fall by 2: not each of them */
    p = prepare("1x30x30: conv 1 3, conv 1 3, conv 1 3, conv 1 3, conv 1 3, conv 1 3, flatten, "
                "dense 1, sigmoid",
                test_kernels(), NULL);
    assert_int_equal(cnn_heat_map_nodes(&p.network->graph, 6, nodes), 2);
    assert_int_equal(nodes[0], 1);
    assert_int_equal(nodes[1], 6);
    release(&p);
}

/* --- any network, cut anywhere --- */

static const char *const networks[] = {
    "2x9x8: conv 3 3, batchnorm, relu, maxpool 2, conv 4 3 1 same, flatten, dense 1, sigmoid",
    /* normalizations that remain in prediction, with and without a ReLU after them */
    "3x7x7: batchnorm, relu, conv 4 3, batchnorm 0.1, relu, avgpool 2, batchnorm, flatten, dense "
    "1, "
    "sigmoid",
    "2x8x8: conv 16 3 1 same, relu, conv 16 3 1 same, batchnorm, silu, maxpool 2, flatten, dense "
    "5, "
    "batchnorm, leaky_relu, dropout, dense 1, sigmoid",
    /* cuts before a residual, whose input has two readers */
    "1x8x8: conv 4 3 1 same, residual, conv 4 3 1 same, batchnorm, relu, conv 4 3 1 same, end, "
    "relu, "
    "residual, batchnorm, relu, conv 6 3 2 same, end, global_avgpool, flatten, dense 1, sigmoid",
    "2x6x6: residual, conv 2 3 1 same, silu, end, conv 4 3 2 same_upper 1 false, relu 1, conv 4 3 "
    "1 "
    "same 4 false, batchnorm, relu 0.5, global_avgpool, flatten, dense 1, sigmoid",
    "2x5x6: flatten, dense 1, sigmoid",
};

/* Logits of 16 lanes of values of a head. */
static void head_logits(const cnn_network *head, const float *parameters, const double *values,
                        float *workspace, float *logits) {
    const cnn_block *block;
    float *x = cnn_network_input(head, workspace, &block);
    test_block_write(block, values, x);
    memcpy(logits, cnn_network_forward(head, parameters, workspace), CNN_LANES * sizeof *logits);
}

enum { STEP_BITS = 8 };

/* The gradient of a head against differences of its logit, at every second value. */
static void compare_gradient(const cnn_network *head, const float *parameters) {
    const size_t size = cnn_shape_size(&head->graph.nodes[0].out), all = size * CNN_LANES;
    const double step = ldexp(1.0, -STEP_BITS);
    float *workspace = cnn_network_workspace(head, true);
    float *ignored = cnn_alloc(head->parameter_count, sizeof *ignored);
    double *values = test_random_values(all, 11), *gradients = cnn_alloc(all, sizeof *gradients);
    float middle[CNN_LANES], above[CNN_LANES] = {0}, below[CNN_LANES] = {0}, ones[CNN_LANES];
    for (int lane = 0; lane < CNN_LANES; lane++) {
        ones[lane] = 1.0f;
    }
    head_logits(head, parameters, values, workspace, middle);
    cnn_network_backward(head, parameters, workspace, ones, ignored);
    const cnn_block *block;
    const float *gradient = cnn_network_gradient(head, 0, workspace, &block);
    assert_non_null(gradient);
    test_block_read(block, gradient, gradients);
    const size_t each = all / CNN_LANES;
    size_t compared = 0, kinks = 0;
    for (size_t i = 0; i < each; i += 2) {
        for (int side = 1; side >= -1; side -= 2) {
            for (size_t lane = 0; lane < CNN_LANES; lane++) {
                values[lane * each + i] += side * step;
            }
            head_logits(head, parameters, values, workspace, side > 0 ? above : below);
            for (size_t lane = 0; lane < CNN_LANES; lane++) {
                values[lane * each + i] -= side * step;
            }
        }
        for (size_t lane = 0; lane < CNN_LANES; lane++) {
            const double up = (double)(above[lane] - middle[lane]) / step;
            const double down = (double)(middle[lane] - below[lane]) / step;
            compared++;
            if (fabs(up - down) > 4e-3) { /* a ReLU or a maximum changed sides */
                kinks++;
                continue;
            }
            test_near("gradient", lane * each + i, gradients[lane * each + i], (up + down) / 2,
                      5e-3);
        }
    }
    assert_true(kinks * 4 < compared);
    cnn_free(workspace);
    cnn_free(ignored);
    cnn_free(values);
    cnn_free(gradients);
}

/* All products with a deep node have the bytes of the product of the two maps. */
static void compare_pairs(const predicting *p, int deep, double *x, const float *deep_map) {
    const cnn_graph *graph = &p->network->graph;
    const cnn_shape *to = &graph->nodes[deep].out;
    for (int fine = 0; fine < deep; fine++) {
        const cnn_shape *from = &graph->nodes[fine].out;
        if (!cnn_cut_is_possible(graph, fine) || from->flat) {
            continue;
        }
        float want[128], got[128], maps[128 * CNN_LANES], coarse[128 * CNN_LANES],
            work[256 * CNN_LANES];
        const float logit = map_at(p, fine, x, want);
        const size_t positions = (size_t)(from->height * from->width);
        fill_maps(want, positions, NULL, maps);
        fill_maps(deep_map, (size_t)(to->height * to->width), NULL, coarse);
        cnn_map_smooth(maps, from->height, from->width, work);
        cnn_map_multiply(maps, from->height, from->width, coarse, to->height, to->width, work);
        assert_true(map_nodes(p, (const int[]){fine, deep}, 2, x, got) == logit);
        for (size_t i = 0; i < positions; i++) {
            assert_true(got[i] == maps[i * CNN_LANES]);
        }
    }
}

static void test_any_cut(void **state) {
    (void)state;
    for (size_t n = 0; n < TEST_COUNT(networks); n++) {
        predicting p = prepare(networks[n], test_kernels(), NULL);
        double *x = test_random_values(cnn_shape_size(&p.network->graph.nodes[0].out), 9);
        const cnn_sample_source source = {.fill = fill, .context = x};
        float want;
        cnn_error error;
        cnn_inference *inference;
        test_ok(cnn_inference_create(p.network, 1, &inference, &error), &error);
        cnn_inference_prepare(inference, p.parameters);
        cnn_inference_run(inference, 0, &source, 0, 1, &want, NULL);
        cnn_inference_free(inference);
        int cuts = 0;
        for (int node = 0; node < cnn_graph_result(&p.network->graph); node++) {
            if (!cnn_cut_is_possible(&p.network->graph, node)) {
                continue;
            }
            cuts++;
            float map[128];
            const float logit = map_at(&p, node, x, map);
            assert_memory_equal(&logit, &want, sizeof logit); /* the bytes of a prediction */
            if (!p.network->graph.nodes[node].out.flat) {
                compare_pairs(&p, node, x, map);
            }
            cnn_network *head;
            size_t first;
            test_ok(cnn_cut_head(p.network, node, &head, &first, &error), &error);
            cnn_network_prepare(head, p.parameters + first);
            compare_gradient(head, p.parameters + first);
            cnn_network_free(head);
        }
        assert_true(cuts >= 2);
        cnn_free(x);
        release(&p);
    }
}

/* Inside of a residual, a path leads past the node. */
static void test_impossible_cuts(void **state) {
    (void)state;
    predicting p = prepare(networks[3], test_kernels(), NULL);
    int refused = 0;
    for (int node = 1; node < p.network->graph.node_count - 1; node++) {
        const bool inside = strchr(p.network->graph.nodes[node].path, '.') != NULL;
        refused += !cnn_cut_is_possible(&p.network->graph, node);
        assert_true(!inside || !cnn_cut_is_possible(&p.network->graph, node));
    }
    assert_true(refused > 0);
    assert_false(cnn_cut_is_possible(&p.network->graph, p.network->graph.node_count - 1));
    release(&p);
}

static void map_network(const void *test_case, const cnn_kernels *kernels, double *got) {
    predicting p = prepare(test_case, kernels, NULL);
    double *x = test_random_values(cnn_shape_size(&p.network->graph.nodes[0].out), 9);
    float map[128];
    got[0] = (double)map_at(&p, 0, x, map);
    for (int i = 0; i < 30; i++) {
        got[1 + i] = (double)map[i];
    }
    cnn_free(x);
    release(&p);
}

static void test_same_bytes(void **state) {
    (void)state;
    for (size_t n = 0; n < TEST_COUNT(networks); n++) {
        test_all_instruction_sets(networks[n], map_network, 31);
    }
}

/* A normalization that could not be merged: large images (planar.h) once merged the others twice.
 */
static void test_prediction_of_prediction(void **state) {
    (void)state;
    predicting p =
        prepare("1x160x160: batchnorm, conv 8 3 1 same, batchnorm, relu, conv 8 3 1 same, "
                "relu, global_avgpool, flatten, dense 1, sigmoid",
                test_kernels(), NULL);
    assert_true(cnn_inference_prefers_planes(p.network));
    double *x = test_random_values(160 * 160, 9);
    const cnn_sample_source source = {.fill = fill, .context = x};
    float logits[2];
    const cnn_network *const either[2] = {p.trained, p.network};
    const float *const parameters[2] = {p.trained_parameters, p.parameters};
    for (int i = 0; i < 2; i++) {
        cnn_error error;
        cnn_inference *inference;
        test_ok(cnn_inference_create(either[i], 1, &inference, &error), &error);
        cnn_inference_prepare(inference, parameters[i]);
        cnn_inference_run(inference, 0, &source, 0, 1, &logits[i], NULL);
        cnn_inference_free(inference);
    }
    assert_memory_equal(&logits[0], &logits[1], sizeof *logits);
    cnn_free(x);
    release(&p);
}

/* --- occlusion --- */

static void test_occlusion(void **state) {
    (void)state;
    /* the logit is the sum of the pixels times 1 … 4; patches are one pixel */
    static const float parameters[] = {1.0f, 2.0f, 3.0f, 4.0f, 0.5f};
    float *copy = cnn_alloc(5, sizeof *copy);
    memcpy(copy, parameters, sizeof parameters);
    predicting p = prepare("1x2x2: flatten, dense 1, sigmoid", test_kernels(), copy);
    static const uint8_t pixels[] = {10, 20, 30, 40}; /* the mean is 25 */
    cnn_pixel_table table;
    for (int byte = 0; byte < 256; byte++) {
        table.value[0][byte] = (float)byte;
    }
    cnn_error error;
    cnn_minibatch *minibatch;
    float logit, map[4];
    test_ok(cnn_minibatch_create(p.network, 0, 1, &minibatch, &error), &error);
    test_ok(cnn_occlusion_map(minibatch, p.parameters, &table, &p.network->graph.nodes[0].out,
                              pixels, &logit, map, &error),
            &error);
    static const float want[] = {-15.0f, -10.0f, 15.0f, 60.0f};
    assert_true(logit == 300.5f);
    assert_memory_equal(map, want, sizeof map);
    cnn_minibatch_free(minibatch);
    release(&p);
}

/* --- maps over pictures --- */

static void test_values(void **state) {
    (void)state;
    static const float map[] = {0.0f, 4.0f, 8.0f, 12.0f}; /* 2 × 2 */
    cnn_image_settings settings = {.width = 10, .height = 10};
    cnn_map_view view = {.map = map,
                         .map_height = 2,
                         .map_width = 2,
                         .range = 12.0f,
                         .settings = &settings,
                         .image_height = 10,
                         .image_width = 20};
    float value;
    assert_true(cnn_map_value(&view, 0.5, 0.5, &value) && value == 6.0f);
    assert_true(cnn_map_value(&view, 0.25, 0.75, &value) && value == 8.0f); /* a cell's centre */
    assert_true(cnn_map_value(&view, 0.0, 0.0, &value) && value == 0.0f);
    /* the middle 10 × 10 of 20 × 10 */
    settings.resize = CNN_RESIZE_CROP;
    assert_false(cnn_map_value(&view, 0.24, 0.5, &value));
    assert_true(cnn_map_value(&view, 0.375, 0.25, &value) && value == 0.0f);
    assert_true(cnn_map_value(&view, 0.5, 0.5, &value) && value == 6.0f);
    assert_false(cnn_map_value(&view, 0.76, 0.5, &value));
    /* all of the image in rows 2.5 to 7.5 (rounded: 2 to 7) */
    settings.resize = CNN_RESIZE_LETTERBOX;
    assert_true(cnn_map_value(&view, 0.25, 0.6, &value) && value == 4.0f);
    assert_true(cnn_map_value(&view, 0.25, 0.0, &value) && value == 0.0f);
}

static void test_overlay(void **state) {
    (void)state;
    static const float map[] = {-1.0f, 0.0f, 1.0f};
    const cnn_image_settings settings = {.width = 3, .height = 1};
    const cnn_map_view view = {.map = map,
                               .map_height = 1,
                               .map_width = 3,
                               .range = 1.0f,
                               .settings = &settings,
                               .image_height = 1,
                               .image_width = 3};
    static const uint8_t picture[9] = {0, 0, 0, 255, 255, 255, 0, 0, 0};
    /* greys 48 and 208; a fifth of them under the full colour */
    static const uint8_t want[9] = {36, 91, 147, 208, 208, 208, 194, 87, 10};
    uint8_t overlay[9];
    cnn_error error;
    test_ok(cnn_map_overlay(&view, 1, 3, picture, overlay, &error), &error);
    assert_memory_equal(overlay, want, sizeof want);
}

/* A class whose name has no glyphs is a number: the pixels are those of "CLASS 1". */
static void test_sheet(void **state) {
    (void)state;
    int height, width;
    cnn_map_sheet_size(20, 300, &height, &width);
    assert_int_equal(width, 300);
    const size_t size = (size_t)height * (size_t)width * 3;
    uint8_t *overlay = cnn_alloc(20 * 300, 3), *sheets = cnn_alloc(2, size);
    static const char *const names[2][2] = {{"ants", "\xc3\xa9"}, {"ANTS", "class 1"}};
    for (size_t i = 0; i < 2; i++) {
        cnn_map_sheet(20, 300, overlay, 0.5f, names[i], sheets + i * size);
    }
    assert_memory_equal(sheets, sheets + size, size);
    size_t ink = 0;
    for (size_t i = 0; i < size; i++) {
        ink += sheets[i] == 32;
    }
    assert_true(ink > 500);
    cnn_free(overlay);
    cnn_free(sheets);
}

/* --- names --- */

static void test_names(void **state) {
    (void)state;
    cnn_picture_names *names = cnn_picture_names_create();
    assert_non_null(names);
    static const char *const cases[][2] = {
        {"a/x.jpg", "x.jpg.png"},       {"b/x.jpg", "x.jpg-2.png"}, {"x.jpg-2", "x.jpg-2-2.png"},
        {"x.jpg-3", "x.jpg-3.png"},     {"c/x.jpg", "x.jpg-4.png"}, {"/x.png", "x.png.png"},
        {"d/\xff\xfe", "\xff\xfe.png"}, {"..", "...png"},           {"e/", ".png"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        assert_string_equal(cnn_picture_names_next(names, cases[i][0]), cases[i][1]);
    }
    char longest[256];
    memset(longest, 'n', sizeof longest);
    memcpy(longest + 199, "\xc3\xa9", 2); /* one character, bytes 199 and 200 */
    longest[255] = '\0';
    const char *first = cnn_picture_names_next(names, longest);
    assert_int_equal(strlen(first), 199 + 4);
    assert_int_equal(strlen(cnn_picture_names_next(names, longest)), 199 + 6);
    cnn_picture_names_free(names);
}

/* --- the process that writes --- */

static void expect_refused(cnn_picture_writer *writer, const char *name, const void *bytes,
                           size_t size) {
    cnn_error error;
    assert_int_equal(cnn_picture_writer_put(writer, name, bytes, size, &error), CNN_ERROR_RUNTIME);
    assert_non_null(strstr(error.message, "not a picture"));
}

static void test_writer(void **state) {
    (void)state;
    cnn_error error;
    cnn_picture_writer writer;
    static const uint8_t pixels[3] = {1, 2, 3};
    uint8_t *png;
    size_t size;
    test_ok(cnn_png_encode(3, 1, 1, pixels, &png, &size, &error), &error);
    test_ok(cnn_picture_writer_start("maps/inner", NULL, &writer, &error), &error);
    for (int i = 0; i < 2; i++) { /* the second time, the file is replaced */
        struct stat about;
        test_ok(cnn_picture_writer_put(&writer, "a.png", png, size, &error), &error);
        assert_int_equal(stat("maps/inner/a.png", &about), 0);
        assert_int_equal(about.st_size, size);
    }
    expect_refused(&writer, "../a.png", png, size);
    expect_refused(&writer, "a.txt", png, size);
    expect_refused(&writer, ".png", png, size);
    expect_refused(&writer, "b.png", "no picture at all", 17);
    assert_int_not_equal(access("maps/a.png", F_OK), 0);
    /* a folder in the place of the file */
    assert_int_equal(mkdir("maps/inner/c.png", 0777), 0);
    assert_int_equal(cnn_picture_writer_put(&writer, "c.png", png, size, &error),
                     CNN_ERROR_RUNTIME);
    assert_non_null(strstr(error.message, "maps/inner/c.png"));
    cnn_picture_writer_end(&writer);
    FILE *file = fopen("file", "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(cnn_picture_writer_start("file", NULL, &writer, &error), CNN_ERROR_RUNTIME);
    cnn_png_free(png);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_is_cam),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_multiply),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_any_cut),
        cmocka_unit_test(test_impossible_cuts),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_prediction_of_prediction),
        cmocka_unit_test(test_occlusion),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_overlay),
        cmocka_unit_test(test_sheet),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_writer, test_folder_enter, test_folder_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
