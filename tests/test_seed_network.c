/* The network of 15 parameters, computed line by line in double with plain loops, from nothing but
 * the equations; compared with the program's numbers, step by step. "eq. n" is the line of the
 * equations' table that a comparison stands for. */
#include "test_support.h"

#include "nn/loss.h"
#include "base/memory.h"
#include "nn/optimizer.h"

#include <math.h>
#include <string.h>

enum {
    M = 5,        /* images in the batch */
    SIDE = 6,     /* of an image */
    KERNEL = 3,   /* of the filter w1 */
    Z_SIDE = 4,   /* of Z1 and A1 */
    P_SIDE = 2,   /* of P1, and of a pooling window */
    FEATURES = 4, /* of F */
};
#define TOLERANCE 1e-6
#define RATE 0.1

/* Every quantity of the notes, for the whole batch; images are the first index. */
typedef struct notes {
    double w1[KERNEL][KERNEL], b1, w2[FEATURES], b2;
    double X[M][SIDE][SIDE], y[M];
    double Z1[M][Z_SIDE][Z_SIDE], A1[M][Z_SIDE][Z_SIDE], P1[M][P_SIDE][P_SIDE], F[M][FEATURES];
    double Z2[M], A2[M], L;
    double dA2[M], dZ2[M], dw2[FEATURES], db2, dF[M][FEATURES];
    double dA1[M][Z_SIDE][Z_SIDE], dZ1[M][Z_SIDE][Z_SIDE], dw1[KERNEL][KERNEL], db1;
    int ties, zeros; /* windows with two equal maxima; values of Z1 that are exactly 0 */
} notes;

/* --- the equations --- */

/* The position of the maximum of a window of A1, the first of several (eq. 12). */
static void maximum_of_window(double a[Z_SIDE][Z_SIDE], int p, int q, int *row, int *column) {
    *row = P_SIDE * p;
    *column = P_SIDE * q;
    for (int i = P_SIDE * p; i < P_SIDE * p + P_SIDE; i++) {
        for (int j = P_SIDE * q; j < P_SIDE * q + P_SIDE; j++) {
            if (a[i][j] > a[*row][*column]) {
                *row = i;
                *column = j;
            }
        }
    }
}

static void convolve(notes *n, int k) { /* eq. 2, 3 */
    for (int i = 0; i < Z_SIDE; i++) {
        for (int j = 0; j < Z_SIDE; j++) {
            double z = n->b1;
            for (int r = 0; r < KERNEL; r++) {
                for (int s = 0; s < KERNEL; s++) {
                    z += n->X[k][i + r][j + s] * n->w1[r][s];
                }
            }
            n->Z1[k][i][j] = z;
            n->A1[k][i][j] = z > 0.0 ? z : 0.0;
            n->zeros += z == 0.0;
        }
    }
}

static void pool_and_flatten(notes *n, int k) { /* eq. 4, 5 */
    for (int p = 0; p < P_SIDE; p++) {
        for (int q = 0; q < P_SIDE; q++) {
            int row, column, times = 0;
            maximum_of_window(n->A1[k], p, q, &row, &column);
            n->P1[k][p][q] = n->A1[k][row][column];
            n->F[k][p * P_SIDE + q] = n->P1[k][p][q];
            for (int i = 0; i < P_SIDE * P_SIDE; i++) {
                times +=
                    n->A1[k][P_SIDE * p + i / P_SIDE][P_SIDE * q + i % P_SIDE] == n->P1[k][p][q];
            }
            n->ties += times > 1;
        }
    }
}

static void notes_forward(notes *n) {
    n->L = 0.0;
    n->ties = n->zeros = 0;
    for (int k = 0; k < M; k++) {
        convolve(n, k);
        pool_and_flatten(n, k);
        n->Z2[k] = n->b2; /* eq. 6 */
        for (int f = 0; f < FEATURES; f++) {
            n->Z2[k] += n->w2[f] * n->F[k][f];
        }
        n->A2[k] = 1.0 / (1.0 + exp(-n->Z2[k]));
        /* eq. 7, as the notes write it */
        n->L += (-n->y[k] * log(n->A2[k]) - (1.0 - n->y[k]) * log(1.0 - n->A2[k])) / (double)M;
    }
}

/* The last layer's gradients. All of L's slopes carry the mean's 1/m. */
static void dense_backward(notes *n) {
    n->db2 = 0.0;
    memset(n->dw2, 0, sizeof n->dw2);
    for (int k = 0; k < M; k++) {
        double a = n->A2[k];
        n->dA2[k] = (a - n->y[k]) / (a * (1.0 - a)) / (double)M; /* eq. 8 */
        n->dZ2[k] = n->dA2[k] * (a * (1.0 - a));                 /* eq. 8 */
        n->db2 += n->dZ2[k];                                     /* eq. 10 */
        for (int f = 0; f < FEATURES; f++) {
            n->dw2[f] += n->dZ2[k] * n->F[k][f]; /* eq. 9 */
            n->dF[k][f] = n->w2[f] * n->dZ2[k];  /* eq. 11 */
        }
    }
}

static void pool_backward(notes *n, int k) {
    memset(n->dA1[k], 0, sizeof n->dA1[k]);
    for (int p = 0; p < P_SIDE; p++) {
        for (int q = 0; q < P_SIDE; q++) {
            int row, column;
            maximum_of_window(n->A1[k], p, q, &row, &column);
            n->dA1[k][row][column] = n->dF[k][p * P_SIDE + q]; /* eq. 12 */
        }
    }
}

static void notes_backward(notes *n) {
    dense_backward(n);
    n->db1 = 0.0;
    memset(n->dw1, 0, sizeof n->dw1);
    for (int k = 0; k < M; k++) {
        pool_backward(n, k);
        for (int i = 0; i < Z_SIDE; i++) {
            for (int j = 0; j < Z_SIDE; j++) {
                n->dZ1[k][i][j] = n->Z1[k][i][j] > 0.0 ? n->dA1[k][i][j] : 0.0; /* eq. 13 */
                n->db1 += n->dZ1[k][i][j];                                      /* eq. 15 */
                for (int r = 0; r < KERNEL; r++) {
                    for (int s = 0; s < KERNEL; s++) {
                        n->dw1[r][s] += n->dZ1[k][i][j] * n->X[k][i + r][j + s]; /* eq. 14 */
                    }
                }
            }
        }
    }
}

/* --- the batch --- */

/* Weights and images are multiples of 1/64, so that Z1 is exact in float, too. */
static void notes_fill(notes *n) {
    static const double w1[KERNEL][KERNEL] = {
        {0.5, -0.25, 0.125}, {0.75, 0.5, -0.5}, {-0.375, 0.125, 0.125}}; /* their sum is 1 */
    static const double w2[FEATURES] = {0.75, -1.25, 0.5, 1.0};
    memset(n, 0, sizeof *n);
    memcpy(n->w1, w1, sizeof w1);
    memcpy(n->w2, w2, sizeof w2);
    n->b1 = -0.25;
    n->b2 = 0.125;
    uint64_t seed = 12;
    for (int k = 0; k < M; k++) {
        n->y[k] = k % 2;
        for (int i = 0; i < SIDE; i++) {
            for (int j = 0; j < SIDE; j++) {
                n->X[k][i][j] = floor(test_random(&seed, 0.0, 64.0)) / 64.0;
                if (k == 1 || (k == 3 && i < 4)) {
                    n->X[k][i][j] = 0.5; /* Z1 = 1/4 wherever the patch is even: ties */
                }
                if (k == 2 && j < 4) {
                    n->X[k][i][j] = 0.25; /* Z1 = 0 */
                }
            }
        }
    }
}

/* --- the program's numbers --- */

/* The values of the nodes, as dense arrays [LANES][…]; a value that was not written stays NaN. */
typedef struct seen {
    double output[5][CNN_LANES * SIDE * SIDE];   /* of the layers: Z1, A1, P1, F, Z2 */
    double gradient[5][CNN_LANES * SIDE * SIDE]; /* of L for the same */
} seen;

/* Every node's output and gradient, after both passes. */
static void look(const cnn_network *network, const float *workspace, seen *s) {
    memset(s, 0xff, sizeof *s); /* NaN */
    for (int node = 1; node < network->graph.node_count - 1; node++) {
        const cnn_block *block;
        const float *values = cnn_network_value(network, node, workspace, &block);
        assert_in_range(node, 1, 5);
        assert_true(test_block_count(block) <= TEST_COUNT(s->output[0]));
        test_block_read(block, values, s->output[node - 1]);
        values = cnn_network_gradient(network, node, workspace, &block);
        assert_non_null(values);
        test_block_read(block, values, s->gradient[node - 1]);
    }
}

/* count values for each image of the batch; lanes beyond M are not read. */
static void expect(const char *what, const double *got, const double *want, size_t count) {
    for (size_t i = 0; i < count; i++) {
        test_near(what, i, got[i], want[i], TOLERANCE);
    }
}

static void expect_floats(const char *what, const float *got, const double *want, size_t count) {
    double *wide = test_widen(got, count);
    expect(what, wide, want, count);
    cnn_free(wide);
}

static void expect_forward(const notes *n, const seen *s, const float *logits) {
    double loss = 0.0;
    expect("Z1", s->output[0], &n->Z1[0][0][0], M * Z_SIDE * Z_SIDE); /* eq. 2 */
    expect("A1", s->output[1], &n->A1[0][0][0], M * Z_SIDE * Z_SIDE); /* eq. 3 */
    expect("P1", s->output[2], &n->P1[0][0][0], M * P_SIDE * P_SIDE); /* eq. 4 */
    expect("F", s->output[3], &n->F[0][0], M * FEATURES);             /* eq. 5 */
    expect("Z2", s->output[4], n->Z2, M);                             /* eq. 6 */
    for (int k = 0; k < M; k++) {
        double probability = (double)cnn_probability(logits[k]);
        test_near("A2", (size_t)k, probability, n->A2[k], TOLERANCE); /* eq. 6 */
        loss += cnn_loss(logits[k], (int)n->y[k]) / (double)M;
    }
    test_near("L", 0, loss, n->L, TOLERANCE); /* eq. 7 */
}

static void expect_backward(const notes *n, const seen *s, const float *gradients,
                            const float *logit_gradients, const float *logits) {
    for (int k = 0; k < M; k++) {
        /* eq. 8: the program goes straight to dL/dZ2; divided by dA2/dZ2 that is dL/dA2 */
        double a = (double)cnn_probability(logits[k]);
        double slope = (double)logit_gradients[k];
        test_near("dL/dA2", (size_t)k, slope / (a * (1.0 - a)), n->dA2[k], TOLERANCE);
        test_near("dL/dZ2", (size_t)k, slope, n->dZ2[k], TOLERANCE); /* eq. 8 */
    }
    expect("dL/dZ2 seen", s->gradient[4], n->dZ2, M);                        /* eq. 8 */
    expect_floats("dL/dw2", gradients + 10, n->dw2, FEATURES);               /* eq. 9 */
    expect_floats("dL/db2", gradients + 14, &n->db2, 1);                     /* eq. 10 */
    expect("dL/dF", s->gradient[3], &n->dF[0][0], M * FEATURES);             /* eq. 11 */
    expect("dL/dP1", s->gradient[2], &n->dF[0][0], M * FEATURES);            /* eq. 11 */
    expect("dL/dA1", s->gradient[1], &n->dA1[0][0][0], M * Z_SIDE * Z_SIDE); /* eq. 12 */
    expect("dL/dZ1", s->gradient[0], &n->dZ1[0][0][0], M * Z_SIDE * Z_SIDE); /* eq. 13 */
    expect_floats("dL/dw1", gradients, &n->dw1[0][0], KERNEL * KERNEL);      /* eq. 14 */
    expect_floats("dL/db1", gradients + 9, &n->db1, 1);                      /* eq. 15 */
}

static void notes_step(notes *n) { /* eq. 17 */
    for (int i = 0; i < KERNEL * KERNEL; i++) {
        n->w1[i / KERNEL][i % KERNEL] -= RATE * n->dw1[i / KERNEL][i % KERNEL];
    }
    for (int f = 0; f < FEATURES; f++) {
        n->w2[f] -= RATE * n->dw2[f];
    }
    n->b1 -= RATE * n->db1;
    n->b2 -= RATE * n->db2;
}

static void expect_weights(const notes *n, const float *parameters) {
    expect_floats("w1", parameters, &n->w1[0][0], KERNEL * KERNEL);
    expect_floats("b1", parameters + 9, &n->b1, 1);
    expect_floats("w2", parameters + 10, n->w2, FEATURES);
    expect_floats("b2", parameters + 14, &n->b2, 1);
}

/* w1, b1, w2, b2 one after the other (eq. 1). */
static void write_parameters(const notes *n, float *parameters) {
    for (int i = 0; i < KERNEL * KERNEL; i++) {
        parameters[i] = (float)n->w1[i / KERNEL][i % KERNEL];
    }
    parameters[9] = (float)n->b1;
    for (int f = 0; f < FEATURES; f++) {
        parameters[10 + f] = (float)n->w2[f];
    }
    parameters[14] = (float)n->b2;
}

/* Lanes beyond M contain zeros, like the unused lanes of a last block. */
static void write_images(const notes *n, const cnn_network *network, float *workspace) {
    double x[CNN_LANES * SIDE * SIDE] = {0};
    const cnn_block *block;
    memcpy(x, n->X, sizeof n->X);
    float *input = cnn_network_input(network, workspace, &block);
    test_block_write(block, x, input);
}

/* --- the test --- */

static void test_seed_network(void **state) {
    (void)state;
    static notes n;
    static seen s;
    cnn_network *network =
        test_network_create("1x6x6: conv 1 3, relu, maxpool 2, flatten, dense 1, sigmoid",
                            test_kernels(), CNN_NETWORK_STEPWISE);
    cnn_optimizer sgd = {.kind = CNN_OPTIMIZER_SGD};
    float parameters[15];
    assert_int_equal(network->parameter_count, 15); /* eq. 1 */
    notes_fill(&n);
    write_parameters(&n, parameters);
    float *workspace = cnn_network_workspace(network, true);
    assert_non_null(workspace);

    for (int step = 0; step < 20; step++) { /* the first has the ties and zeros */
        float gradients[15] = {0};
        _Alignas(CNN_ALIGNMENT) float slopes[CNN_LANES] = {0};
        notes_forward(&n);
        notes_backward(&n);
        assert_true(step > 0 || (n.ties > 4 && n.zeros > 4));

        cnn_network_prepare(network, parameters);
        write_images(&n, network, workspace);
        const float *logits = cnn_network_forward(network, parameters, workspace);
        for (int k = 0; k < M; k++) {
            slopes[k] = cnn_loss_gradient(logits[k], (int)n.y[k], M);
        }
        cnn_network_backward(network, parameters, workspace, slopes, gradients);
        look(network, workspace, &s);
        cnn_update update = {.rate = RATE, .number = step + 1, .scale = 1.0};
        cnn_optimizer_step(&sgd, NULL, &update, 15, gradients, NULL, parameters);

        expect_forward(&n, &s, logits);
        expect_backward(&n, &s, gradients, slopes, logits);
        notes_step(&n);
        expect_weights(&n, parameters); /* eq. 17 */
    }
    cnn_free(workspace);
    cnn_network_free(network);
}

/* The notes stop at one convolution. With another one before it (one filter of one weight), the
 * gradient continues to its output: dx[u][v] = sum over r, s of dz[u - r][v - s] w[r][s] (eq. 16).
 */
static void expect_inner_gradient(const notes *n, const seen *s) {
    for (int k = 0; k < M; k++) {
        const double *dz = s->gradient[1] + (size_t)k * Z_SIDE * Z_SIDE;
        const double *dx = s->gradient[0] + (size_t)k * SIDE * SIDE;
        for (int i = 0; i < SIDE * SIDE; i++) {
            double want = 0.0;
            for (int r = 0; r < KERNEL; r++) {
                for (int c = 0; c < KERNEL; c++) {
                    int row = i / SIDE - r;
                    int column = i % SIDE - c;
                    if (row >= 0 && row < Z_SIDE && column >= 0 && column < Z_SIDE) {
                        want += dz[row * Z_SIDE + column] * n->w1[r][c];
                    }
                }
            }
            test_near("dL/dx", (size_t)i, dx[i], want, TOLERANCE); /* eq. 16 */
        }
    }
}

static void test_inner_layer(void **state) {
    (void)state;
    static notes n;
    static seen s;
    cnn_network *network =
        test_network_create("1x6x6: conv 1 1, conv 1 3, flatten, dense 1, sigmoid", test_kernels(),
                            CNN_NETWORK_STEPWISE);
    float *parameters = test_parameters(network, 13);
    float *gradients = cnn_alloc(network->parameter_count, sizeof *gradients);
    float *workspace = cnn_network_workspace(network, true);
    assert_non_null(gradients);
    assert_non_null(workspace);
    notes_fill(&n);
    for (int i = 0; i < KERNEL * KERNEL; i++) {
        parameters[2 + i] = (float)n.w1[i / KERNEL][i % KERNEL];
    }
    cnn_network_prepare(network, parameters);
    write_images(&n, network, workspace);
    _Alignas(CNN_ALIGNMENT) float slopes[CNN_LANES] = {0.1f, -0.2f, 0.3f, -0.4f, 0.5f};
    (void)cnn_network_forward(network, parameters, workspace);
    cnn_network_backward(network, parameters, workspace, slopes, gradients);
    look(network, workspace, &s);
    expect_inner_gradient(&n, &s);
    cnn_free(parameters);
    cnn_free(gradients);
    cnn_free(workspace);
    cnn_network_free(network);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed_network),
        cmocka_unit_test(test_inner_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
