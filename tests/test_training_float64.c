/* Training in float compared with training in double: the same weights, images, order and number of
 * steps must give the same result. Also tests that training works: a network memorizes four random
 * images. */
#include "test_support.h"

#include "nn/loss.h"
#include "base/memory.h"
#include "nn/optimizer.h"
#include "nn/reference_network.h"

#include <math.h>
#include <string.h>

/* The distance between the two results, relative to their distance from the start. */
#define WAY_TOLERANCE 2e-3
#define PROBABILITY_TOLERANCE 2e-6

typedef struct training {
    const char *network;
    size_t images, batch_size; /* if there is a remainder, the last batch is not full */
    int epochs;
    double rate, momentum; /* momentum 0: plain gradient descent */
} training;

static const training trainings[] = {
    {"1x6x6: conv 1 3, relu, maxpool 2, flatten, dense 1, sigmoid", 40, 8, 20, 0.1, 0.0},
    {"1x6x6: conv 1 3, relu, maxpool 2, flatten, dense 1, sigmoid", 40, 8, 20, 0.05, 0.9},
    {"3x9x7: conv 4 3 2 1, relu, conv 6 3, relu, flatten, dense 1, sigmoid", 50, 16, 10, 0.05, 0.0},
    {"3x8x8: conv 5 3 1 same, relu, maxpool 2, conv 4 2 1 same, relu, flatten, dense 1, sigmoid",
     45, 20, 10, 0.02, 0.9},
    {"2x5x5: conv 6 5, relu, flatten, dense 9, relu, dense 1, sigmoid", 45, 20, 10, 0.02, 0.9},
    {"1x9x9: conv 3 4 1 same, relu, maxpool 3 2, flatten, dense 7, sigmoid, dense 1, sigmoid", 37,
     37, 10, 0.1, 0.9},
    {"2x7x5: flatten, dense 1, sigmoid", 33, 1, 5, 0.01, 0.0},
};

/* --- in float: as the program trains --- */

/* One epoch in order; returns the mean loss before each step. state: [parameter_count]. */
static double float_epoch(cnn_network *network, cnn_minibatch *minibatch, test_samples *samples,
                          const training *t, float *parameters, float *velocity) {
    cnn_optimizer optimizer = {.kind =
                                   t->momentum > 0.0 ? CNN_OPTIMIZER_MOMENTUM : CNN_OPTIMIZER_SGD,
                               .momentum = t->momentum};
    cnn_sample_source source = test_samples_source(samples);
    double loss = 0.0;
    for (size_t first = 0; first < t->images; first += t->batch_size) {
        size_t rest = t->images - first;
        size_t m = rest < t->batch_size ? rest : t->batch_size;
        const float *gradients;
        float logits[64];
        uint8_t labels[64];
        assert_true(m <= TEST_COUNT(logits));
        cnn_network_prepare(network, parameters);
        cnn_minibatch_gradients(minibatch, parameters, &source, first, m, &gradients, logits,
                                labels);
        cnn_update update = {.rate = t->rate, .number = 1, .scale = 1.0};
        cnn_optimizer_step(&optimizer, NULL, &update, network->parameter_count, gradients, velocity,
                           parameters);
        for (size_t i = 0; i < m; i++) {
            loss += cnn_loss(logits[i], labels[i]) / (double)t->images;
        }
    }
    return loss;
}

/* All epochs; returns the last one's mean loss. */
static double float_training(cnn_network *network, test_samples *samples, const training *t,
                             float *parameters) {
    cnn_minibatch *minibatch;
    cnn_error error;
    float *velocity = cnn_alloc(network->parameter_count, sizeof *velocity);
    double loss = 0.0;
    assert_non_null(velocity);
    test_ok(cnn_minibatch_create(network, t->batch_size, 2, &minibatch, &error), &error);
    for (int epoch = 0; epoch < t->epochs; epoch++) {
        loss = float_epoch(network, minibatch, samples, t, parameters, velocity);
    }
    cnn_minibatch_free(minibatch);
    cnn_free(velocity);
    return loss;
}

/* --- in double: the equations --- */

static void double_training(const cnn_network *network, const test_samples *samples,
                            const training *t, double *parameters) {
    cnn_reference_network *reference;
    cnn_error error;
    size_t count = network->parameter_count;
    size_t image = cnn_shape_size(&samples->shape);
    double *x = test_widen(samples->x, samples->count * image);
    double *gradients = cnn_alloc(count, sizeof *gradients);
    double *velocity = cnn_alloc(count, sizeof *velocity);
    assert_non_null(gradients);
    assert_non_null(velocity);
    test_ok(cnn_reference_network_create(network, (int)t->batch_size, &reference, &error), &error);
    for (int epoch = 0; epoch < t->epochs; epoch++) {
        for (size_t first = 0; first < t->images; first += t->batch_size) {
            size_t rest = t->images - first;
            int m = (int)(rest < t->batch_size ? rest : t->batch_size);
            const uint8_t *labels = samples->labels + first;
            (void)cnn_reference_network_loss(reference, m, parameters, x + first * image, labels,
                                             NULL);
            cnn_reference_network_gradients(reference, m, parameters, x + first * image, labels,
                                            gradients);
            for (size_t i = 0; i < count; i++) {
                velocity[i] = t->momentum * velocity[i] + gradients[i];
                parameters[i] -= t->rate * velocity[i];
            }
        }
    }
    cnn_reference_network_free(reference);
    cnn_free(x);
    cnn_free(gradients);
    cnn_free(velocity);
}

/* --- comparing --- */

static double distance(const double *a, const double *b, size_t count) {
    double squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        squares += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sqrt(squares);
}

/* Forward passes in float and in double with the same weights give the same probabilities. */
static void expect_same_probabilities(cnn_network *network, test_samples *samples,
                                      const float *parameters) {
    cnn_minibatch *minibatch;
    cnn_reference_network *reference;
    cnn_error error;
    cnn_sample_source source = test_samples_source(samples);
    size_t count = samples->count;
    double *x = test_widen(samples->x, count * cnn_shape_size(&samples->shape));
    double *wide = test_widen(parameters, network->parameter_count);
    float *logits = cnn_alloc(count, sizeof *logits);
    assert_non_null(logits);
    test_ok(cnn_minibatch_create(network, 0, 1, &minibatch, &error), &error);
    test_ok(cnn_reference_network_create(network, (int)count, &reference, &error), &error);
    cnn_network_prepare(network, parameters);
    cnn_minibatch_forward(minibatch, parameters, &source, 0, count, logits, NULL);
    (void)cnn_reference_network_loss(reference, (int)count, wide, x, samples->labels, NULL);
    for (size_t i = 0; i < count; i++) {
        double want = 1.0 / (1.0 + exp(-cnn_reference_network_logits(reference)[i]));
        double got = (double)cnn_probability(logits[i]);
        test_near("probability", i, got, want, PROBABILITY_TOLERANCE);
    }
    cnn_minibatch_free(minibatch);
    cnn_reference_network_free(reference);
    cnn_free(x);
    cnn_free(wide);
    cnn_free(logits);
}

static void expect_same_end(const training *t) {
    cnn_network *network = test_network_create(t->network, test_kernels(), CNN_NETWORK_FAST);
    size_t count = network->parameter_count;
    test_samples samples = test_samples_create(network, t->images, 31);
    float *parameters = test_parameters(network, 31);
    double *start = test_widen(parameters, count);
    double *want = test_widen(parameters, count);
    (void)float_training(network, &samples, t, parameters);
    double_training(network, &samples, t, want);
    double *got = test_widen(parameters, count);
    double way = distance(want, start, count);
    assert_true(way > 0.01);
    test_near(t->network, 0, distance(got, want, count) / way, 0.0, WAY_TOLERANCE);
    expect_same_probabilities(network, &samples, parameters);
    cnn_free(parameters);
    cnn_free(start);
    cnn_free(want);
    cnn_free(got);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void test_float_follows_double(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(trainings); i++) {
        expect_same_end(&trainings[i]);
    }
}

static void test_overfits_four_images(void **state) {
    (void)state;
    const training t = {
        "1x8x8: conv 4 3, relu, maxpool 2, flatten, dense 8, relu, dense 1, sigmoid",
        4,
        4,
        300,
        0.05,
        0.9};
    cnn_network *network = test_network_create(t.network, test_kernels(), CNN_NETWORK_FAST);
    test_samples samples = test_samples_create(network, t.images, 32);
    float *parameters = test_parameters(network, 32);
    for (size_t i = 0; i < t.images; i++) {
        samples.labels[i] = i % 2; /* two of each class, without a pattern in the noise */
    }
    assert_true(float_training(network, &samples, &t, parameters) < 0.01);
    cnn_free(parameters);
    test_samples_free(&samples);
    cnn_network_free(network);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float_follows_double),
        cmocka_unit_test(test_overfits_four_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
