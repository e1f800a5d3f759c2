/* Residuals in the flat list of layers: names, sources, what is refused; and a network of all the
 * layers that modern recipes use, trained for a hundred steps next to the same in double. */
#include "test_support.h"

#include "base/memory.h"
#include "nn/reference_network.h"
#include "nn/step.h"

#include <math.h>
#include <string.h>

/* --- places --- */

static void expect_path(const test_spec *spec, int layer, const char *name, const char *place) {
    char path[CNN_LAYER_PATH_MAX];
    cnn_layer_path(&spec->spec, layer, false, path);
    assert_string_equal(path, name);
    if (place) {
        cnn_layer_path(&spec->spec, layer, true, path);
        assert_string_equal(path, place);
    }
}

static void expect_sources(const test_spec *spec, int layer, int want_source, int want_shortcut,
                           int want_fork) {
    int source, shortcut;
    assert_int_equal(cnn_layer_sources(&spec->spec, layer, &source, &shortcut), want_fork);
    assert_int_equal(source, want_source);
    assert_int_equal(shortcut, want_shortcut);
}

static void test_places(void **state) {
    (void)state;
    test_spec spec;
    test_spec_read(
        "1x8x8: conv 3 3, residual, conv 5 3 2 same, residual, relu, conv 5 3 1 same, end, "
        "end, residual, relu, end, flatten, dense 1, sigmoid",
        &spec);
    /* the inner residual and the last one keep their shapes: their projections are taken out */
    assert_int_equal(spec.spec.layer_count, 15);
    expect_path(&spec, 0, "0", "layers[0]");
    expect_path(&spec, 1, "1", "layers[1]");
    expect_path(&spec, 2, "1.layers.0", "layers[1].layers[0]");
    expect_path(&spec, 3, "1.layers.1", "layers[1].layers[1]");
    expect_path(&spec, 4, "1.layers.1.layers.0", "layers[1].layers[1].layers[0]");
    expect_path(&spec, 5, "1.layers.1.layers.1", "layers[1].layers[1].layers[1]");
    expect_path(&spec, 6, "1.layers.1", "layers[1].layers[1]"); /* a sum is where its residual is */
    expect_path(&spec, 7, "1.projection", "layers[1]");
    expect_path(&spec, 8, "1", "layers[1]");
    expect_path(&spec, 9, "2", "layers[2]");
    expect_path(&spec, 10, "2.layers.0", "layers[2].layers[0]");
    expect_path(&spec, 11, "2", "layers[2]");
    expect_path(&spec, 14, "5", "layers[5]");
    assert_true(spec.layers[7].projects);
    cnn_shape shapes[32];
    cnn_error error;
    test_ok(cnn_network_check(&spec.spec, shapes, &error), &error);
    assert_int_equal(shapes[7].channels, 5);
    assert_int_equal(shapes[7].height, 3);
    expect_sources(&spec, 2, 2, 2, -1);
    expect_sources(&spec, 6, 6, 4, 3);
    expect_sources(&spec, 7, 2, 7, -1); /* reads what the residual reads */
    expect_sources(&spec, 8, 7, 8, 1);  /* the layers' output, and the projection's */
    expect_sources(&spec, 11, 11, 10, 9);

    char name[CNN_TENSOR_NAME_MAX];
    const cnn_tensor weight = {.name = "weight"};
    cnn_tensor_full_name("3.layers.0", &weight, name);
    assert_string_equal(name, "3.layers.0.weight");
    cnn_network *network =
        test_network_create("1x4x4: residual, conv 2 3 1 same, end, flatten, dense 1, "
                            "sigmoid",
                            test_kernels(), CNN_NETWORK_FAST);
    assert_string_equal(network->layers[1].path, "0.layers.0");
    assert_string_equal(network->layers[2].path, "0.projection");
    assert_string_equal(network->layers[3].path, "0");
    cnn_network_free(network);
}

/* The longest names that fit: the deepest residuals, with places of three digits each. */
static void test_longest_place(void **state) {
    (void)state;
    enum { COUNT = 240 };
    static cnn_layer_spec layers[COUNT];
    char path[CNN_LAYER_PATH_MAX];
    for (int i = 0; i < COUNT; i++) {
        layers[i].ops = cnn_layer_find("relu");
    }
    for (int i = 0; i < CNN_RESIDUAL_DEPTH_MAX; i++) {
        layers[200 + i].ops = cnn_layer_find("residual");
    }
    const cnn_network_spec spec = {.layer_count = COUNT, .layers = layers};
    cnn_layer_path(&spec, COUNT - 1, true, path);
    assert_string_equal(path, "layers[200].layers[0].layers[0].layers[0].layers[35]");
    cnn_layer_path(&spec, COUNT - 1, false, path);
    assert_string_equal(path, "200.layers.0.layers.0.layers.0.layers.35");
}

static void expect_refused(const char *text, const char *message) {
    test_spec spec;
    cnn_error error;
    test_spec_read(text, &spec);
    assert_int_equal(cnn_network_check(&spec.spec, NULL, &error), CNN_ERROR_CONFIG);
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
    expect_refused("1x4x4: flatten, residual, dense 16, end, sigmoid",
                   "expected dense with 1 unit");
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
    for (int i = 0; i < network->layer_count; i++) {
        for (int t = 0; t < network->layers[i].tensor_count; t++) {
            const cnn_tensor *tensor = &network->layers[i].tensors[t];
            char name[CNN_TENSOR_NAME_MAX];
            cnn_tensor_full_name(network->layers[i].path, tensor, name);
            /* running averages have no part in training: test_inference.c */
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
    /* a bias in front of batchnorm has gradient 0; a larger epsilon keeps Adam from making steps of
     * its rounding errors */
    const cnn_optimizer adam = {
        .kind = CNN_OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-3};
    expect_hundred_steps(&momentum, 0.01);
    expect_hundred_steps(&adam, 0.002);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_longest_place),
        cmocka_unit_test(test_sums_that_cannot_be),
        cmocka_unit_test(test_hundred_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
