/* The parts of a training step: optimizers, schedules, clipping, the loss that is minimised, the
 * average of the weights; each against its published definition in double, and against numbers from
 * PyTorch; and the images that a balanced epoch draws. */
#include "test_support.h"

#include "nn/gradient_norm.h"
#include "nn/loss.h"
#include "base/memory.h"
#include "nn/reference_network.h"
#include "samples/sampling.h"
#include "nn/schedule.h"
#include "nn/step.h"
#include "nn/weight_average.h"

#include <math.h>
#include <string.h>

/* --- one recipe, in float and in double --- */

enum { IMAGES = 40, BATCH = 8, STEPS_AN_EPOCH = 5, STEPS = 100 };

typedef struct recipe {
    const char *name;
    cnn_optimizer optimizer;
    cnn_schedule schedule;
    double clip_norm, ema_decay;
    cnn_objective objective;
} recipe;

#define ADAM .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8
#define WHOLE_RUN .epochs = STEPS / STEPS_AN_EPOCH, .steps_an_epoch = STEPS_AN_EPOCH

static const recipe recipes[] = {
    {"sgd, weight decay, clipping",
     {.kind = CNN_OPTIMIZER_SGD, .weight_decay = 0.05},
     {.kind = CNN_SCHEDULE_CONSTANT, .rate = 0.1, WHOLE_RUN},
     0.3,
     0.0,
     {0.0, 1.0}},
    {"momentum, weight decay, step, label smoothing",
     {.kind = CNN_OPTIMIZER_MOMENTUM, .momentum = 0.9, .weight_decay = 0.01},
     {.kind = CNN_SCHEDULE_STEP, .rate = 0.03, .step_epochs = 8, .step_factor = 0.5, WHOLE_RUN},
     0.0,
     0.0,
     {0.2, 1.0}},
    {"nesterov, warm-up, average",
     {.kind = CNN_OPTIMIZER_MOMENTUM, .momentum = 0.8, .nesterov = true, .weight_decay = 0.01},
     {.kind = CNN_SCHEDULE_CONSTANT, .rate = 0.03, .warmup_epochs = 2.5, WHOLE_RUN},
     0.0,
     0.97,
     {0.0, 1.0}},
    {"adam, weight decay, cosine, weighted class",
     {.kind = CNN_OPTIMIZER_ADAM, ADAM, .weight_decay = 0.05},
     {.kind = CNN_SCHEDULE_COSINE, .rate = 0.004, .warmup_epochs = 1.0, WHOLE_RUN},
     0.0,
     0.0,
     {0.0, 2.5}},
    {"adamw, everything",
     {.kind = CNN_OPTIMIZER_ADAMW, ADAM, .weight_decay = 0.1},
     {.kind = CNN_SCHEDULE_ONE_CYCLE, .rate = 0.01, WHOLE_RUN},
     0.5,
     0.9,
     {0.1, 0.5}},
};

static const char network_line[] =
    "1x6x6: conv 3 3, relu, maxpool 2, flatten, dense 5, relu, dense 1, sigmoid";

/* As the program trains. state: [2 * parameter_count]; average: starts as the parameters. */
static void float_training(const recipe *r, cnn_network *network, test_samples *samples,
                           int threads, float *parameters, float *state, float *average) {
    cnn_minibatch *minibatch;
    cnn_error error;
    float logits[BATCH];
    uint8_t labels[BATCH];
    cnn_sample_source source = test_samples_source(samples);
    test_ok(cnn_minibatch_create(network, BATCH, threads, &minibatch, &error), &error);
    cnn_minibatch_set_objective(minibatch, &r->objective);
    for (int t = 0; t < STEPS; t++) {
        cnn_step step = {.network = network,
                         .minibatch = minibatch,
                         .optimizer = &r->optimizer,
                         .learning_rate = cnn_schedule_rate(&r->schedule, t),
                         .number = t + 1,
                         .clip_norm = r->clip_norm,
                         .ema_decay = r->ema_decay,
                         .threshold = 0.5,
                         .parameters = parameters,
                         .optimizer_state = state,
                         .average = r->ema_decay > 0.0 ? average : NULL,
                         .logits = logits,
                         .labels = labels};
        int64_t right;
        size_t first = (size_t)(t % STEPS_AN_EPOCH) * BATCH;
        assert_true(isfinite(cnn_step_run(&step, &source, first, BATCH, &right)));
    }
    cnn_minibatch_free(minibatch);
}

/* dL/dz of one image, from the loss as it is written down: -p y' log(a) - (1 - y') log(1 - a). */
static double slope(const cnn_objective *objective, double z, int label) {
    double y = label * (1.0 - objective->smoothing) + objective->smoothing / 2.0;
    double a = 1.0 / (1.0 + exp(-z));
    return -objective->pos_weight * y * (1.0 - a) + (1.0 - y) * a;
}

/* Mean gradient of a batch: the plain gradient of each image by itself, corrected by the ratio of
 * derivatives. */
static void double_gradients(const recipe *r, cnn_reference_network *reference,
                             const double *parameters, const double *x, const uint8_t *labels,
                             size_t image, size_t count, double *gradients, double *one) {
    memset(gradients, 0, count * sizeof *gradients);
    for (size_t i = 0; i < BATCH; i++) {
        (void)cnn_reference_network_loss(reference, 1, parameters, x + i * image, labels + i, NULL);
        double z = cnn_reference_network_logits(reference)[0];
        cnn_reference_network_gradients(reference, 1, parameters, x + i * image, labels + i, one);
        double ratio =
            slope(&r->objective, z, labels[i]) / slope(&cnn_objective_plain, z, labels[i]);
        for (size_t k = 0; k < count; k++) {
            gradients[k] += ratio * one[k] / (double)BATCH;
        }
    }
}

/* The rate of step t by the definitions in schedule.h, with the C library's cosine. */
static double rate_of(const cnn_schedule *s, int t) {
    const double pi = acos(-1.0);
    double total = (double)s->epochs * (double)s->steps_an_epoch;
    double warmup = ceil(s->warmup_epochs * (double)s->steps_an_epoch);
    if (s->kind == CNN_SCHEDULE_ONE_CYCLE) {
        double top = 0.3 * total - 1.0, last = total - 1.0;
        double low = s->rate / 25.0, lowest = s->rate / 25.0 / 1e4;
        return t <= top
                   ? s->rate + (low - s->rate) / 2.0 * (cos(pi * t / top) + 1.0)
                   : lowest + (s->rate - lowest) / 2.0 * (cos(pi * (t - top) / (last - top)) + 1.0);
    }
    if (t < warmup) {
        return s->rate * (t + 1) / warmup;
    }
    if (s->kind == CNN_SCHEDULE_STEP) {
        return s->rate * pow(s->step_factor, (double)(t / s->steps_an_epoch / s->step_epochs));
    }
    return s->kind == CNN_SCHEDULE_COSINE
               ? s->rate * (1.0 + cos(pi * (t - warmup) / (total - warmup))) / 2.0
               : s->rate;
}

/* One parameter's step by the boxes of PyTorch's documentation; t counts from 1. */
static void move(const cnn_optimizer *o, double rate, int t, double decay, double g, double *w,
                 double *m, double *v) {
    if (o->kind == CNN_OPTIMIZER_ADAMW) {
        *w -= rate * decay * *w;
    } else {
        g += decay * *w;
    }
    if (o->kind == CNN_OPTIMIZER_SGD) {
        *w -= rate * g;
    } else if (o->kind == CNN_OPTIMIZER_MOMENTUM) {
        *m = o->momentum * *m + g;
        *w -= rate * (o->nesterov ? g + o->momentum * *m : *m);
    } else {
        *m = o->beta1 * *m + (1.0 - o->beta1) * g;
        *v = o->beta2 * *v + (1.0 - o->beta2) * g * g;
        double mean = *m / (1.0 - pow(o->beta1, t));
        double square = *v / (1.0 - pow(o->beta2, t));
        *w -= rate * mean / (sqrt(square) + o->epsilon);
    }
}

/* Does parameter k belong to the weights of a convolution or a dense layer? */
static bool decays(const cnn_network *network, size_t k) {
    for (int i = 0; i < network->graph.node_count; i++) {
        const cnn_node *node = &network->graph.nodes[i];
        bool multiplies =
            strcmp(node->ops->name, "conv") == 0 || strcmp(node->ops->name, "dense") == 0;
        for (int t = 0; t < node->tensor_count; t++) {
            const cnn_tensor *tensor = &node->tensors[t];
            if (k >= tensor->offset && k < tensor->offset + tensor->count) {
                return multiplies && strcmp(tensor->name, "weight") == 0;
            }
        }
    }
    return false;
}

static void double_training(const recipe *r, const cnn_network *network,
                            const test_samples *samples, double *parameters, double *average) {
    cnn_reference_network *reference;
    cnn_error error;
    size_t count = network->parameter_count;
    size_t image = cnn_shape_size(&samples->shape);
    double *x = test_widen(samples->x, samples->count * image);
    double *work = cnn_alloc(4 * count, sizeof *work);
    assert_non_null(work);
    double *m = work, *v = work + count, *gradients = work + 2 * count, *one = work + 3 * count;
    test_ok(cnn_reference_network_create(network, 1, &reference, &error), &error);
    for (int t = 0; t < STEPS; t++) {
        size_t first = (size_t)(t % STEPS_AN_EPOCH) * BATCH;
        double_gradients(r, reference, parameters, x + first * image, samples->labels + first,
                         image, count, gradients, one);
        double squares = 0.0;
        for (size_t k = 0; k < count; k++) {
            squares += gradients[k] * gradients[k];
        }
        double longest = r->clip_norm > 0.0 ? r->clip_norm : HUGE_VAL;
        double scale = fmin(1.0, longest / (sqrt(squares) + 1e-6));
        double kept = fmin(r->ema_decay, (2.0 + t) / (11.0 + t));
        for (size_t k = 0; k < count; k++) {
            move(&r->optimizer, rate_of(&r->schedule, t), t + 1,
                 decays(network, k) ? r->optimizer.weight_decay : 0.0, scale * gradients[k],
                 &parameters[k], &m[k], &v[k]);
            average[k] = kept * average[k] + (1.0 - kept) * parameters[k];
        }
    }
    cnn_reference_network_free(reference);
    cnn_free(x);
    cnn_free(work);
}

static void expect_recipe(const recipe *r) {
    cnn_network *network = test_network_create(network_line, test_kernels(), CNN_NETWORK_FAST);
    size_t count = network->parameter_count;
    test_samples samples = test_samples_create(network, IMAGES, 5);
    float *parameters = test_parameters(network, 5);
    float *average = test_parameters(network, 5);
    float *state = cnn_alloc(2 * count, sizeof *state);
    assert_non_null(state);
    double *want = test_widen(parameters, count);
    double *want_average = test_widen(parameters, count);
    float_training(r, network, &samples, 2, parameters, state, average);
    double_training(r, network, &samples, want, want_average);
    for (size_t k = 0; k < count; k++) {
        test_near(r->name, k, (double)parameters[k], want[k], 1e-4);
        if (r->ema_decay > 0.0) {
            test_near(r->name, k, (double)average[k], want_average[k], 1e-4);
        }
    }
    cnn_free(parameters);
    cnn_free(average);
    cnn_free(state);
    cnn_free(want);
    cnn_free(want_average);
    test_samples_free(&samples);
    cnn_network_free(network);
}

static void test_hundred_steps(void **state) {
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(recipes); i++) {
        expect_recipe(&recipes[i]);
    }
}

/* --- optimizers: PyTorch --- */

/* 100 steps from -2, -1.25, -0.5 down the bowl sum of s (w - 1)^2 / 2, s = 0.3, 0.6, 0.9; rate
 * 0.01, weight decay 0.1; torch.optim 1.13 in float64. */
static const struct {
    cnn_optimizer optimizer;
    double want[3];
} measured[] = {
    {{.kind = CNN_OPTIMIZER_SGD, .weight_decay = 0.1},
     {-1.0919020710, -0.1866608377, 0.3875547222}},
    {{.kind = CNN_OPTIMIZER_MOMENTUM, .momentum = 0.9, .weight_decay = 0.1},
     {0.7727451303, 0.8438446905, 0.9036871544}},
    {{.kind = CNN_OPTIMIZER_MOMENTUM, .momentum = 0.9, .nesterov = true, .weight_decay = 0.1},
     {0.7666531995, 0.8484592098, 0.9009915735}},
    {{.kind = CNN_OPTIMIZER_ADAM, ADAM, .weight_decay = 0.1},
     {-1.0687512953, -0.3427475831, 0.3506024433}},
    {{.kind = CNN_OPTIMIZER_ADAMW, ADAM, .weight_decay = 0.1},
     {-0.9292840517, -0.2711235297, 0.3637552458}},
};

static void test_pytorch_optimizers(void **state) {
    (void)state;
    const cnn_parameter_range all = {.first = 0, .count = 3};
    for (size_t i = 0; i < TEST_COUNT(measured); i++) {
        float w[3] = {-2.0f, -1.25f, -0.5f};
        float moments[6] = {0};
        for (int t = 1; t <= 100; t++) {
            float g[3];
            for (int k = 0; k < 3; k++) {
                g[k] = 0.3f * (float)(k + 1) * (w[k] - 1.0f);
            }
            const cnn_update update = {
                .rate = 0.01, .number = t, .scale = 1.0, .decaying = &all, .decaying_count = 1};
            cnn_optimizer_step(&measured[i].optimizer, NULL, &update, 3, g, moments, w);
        }
        for (size_t k = 0; k < 3; k++) {
            test_near("w", 10 * i + k, (double)w[k], measured[i].want[k], 1e-5);
        }
    }
}

/* The first parameters at a share of the rate: each part is what a step with its own rate gives,
 * for any number of threads. */
static void test_slow(void **state) {
    (void)state;
    enum { COUNT = 100001, SLOW = 70001 };
    static const double factor = 0.25;
    const cnn_parameter_range decaying[] = {{60000, 30000}};
    double *values = test_random_values(COUNT, 4);
    float *arrays = cnn_alloc(COUNT, 9 * sizeof *arrays);
    assert_non_null(arrays);
    float *g = arrays, *w[3] = {0}, *moments[3] = {0};
    for (size_t r = 0; r < 3; r++) {
        w[r] = arrays + (1 + r) * COUNT;
        moments[r] = arrays + 4 * COUNT; /* of one run at a time */
    }
    for (size_t i = 0; i < TEST_COUNT(measured); i++) {
        for (size_t r = 0; r < 3; r++) { /* the whole; the first part; the second part */
            cnn_thread_pool *pool = cnn_thread_pool_create(1 + (int)r);
            assert_non_null(pool);
            for (size_t k = 0; k < COUNT; k++) {
                g[k] = (float)values[k];
                w[r][k] = (float)values[COUNT - 1 - k];
            }
            memset(moments[r], 0, 2 * COUNT * sizeof *g);
            for (int t = 1; t <= 3; t++) {
                const cnn_update update = {.rate = r == 1 ? 0.01 * factor : 0.01,
                                           .number = t,
                                           .scale = 0.5,
                                           .decaying = decaying,
                                           .decaying_count = 1,
                                           .slow_count = r == 0 ? SLOW : 0,
                                           .slow_factor = r == 0 ? factor : 0.0};
                cnn_optimizer_step(&measured[i].optimizer, pool, &update, COUNT, g, moments[r],
                                   w[r]);
            }
            cnn_thread_pool_free(pool);
        }
        assert_memory_equal(w[0], w[1], SLOW * sizeof *g);
        assert_memory_equal(w[0] + SLOW, w[2] + SLOW, (COUNT - SLOW) * sizeof *g);
    }
    cnn_free(arrays);
    cnn_free(values);
}

/* Many parameters, whose decaying ranges end inside the parts of threads: the same bytes for every
 * number. */
static void test_threads(void **state) {
    (void)state;
    enum { COUNT = 150001 };
    const cnn_parameter_range decaying[] = {{0, 7}, {60000, 45000}, {150000, 1}};
    const cnn_optimizer adamw = {.kind = CNN_OPTIMIZER_ADAMW, ADAM, .weight_decay = 0.1};
    double *values = test_random_values(COUNT, 3);
    float *g = cnn_alloc(COUNT, sizeof *g);
    float *results[3];
    double norms[3];
    for (size_t k = 0; k < COUNT; k++) {
        g[k] = k % 3 == 0 ? 0.0f : (float)values[k];
    }
    for (int threads = 1; threads <= 3; threads++) {
        float *w = cnn_alloc(COUNT, 4 * sizeof *w); /* weights, two moments, the average */
        cnn_thread_pool *pool = cnn_thread_pool_create(threads);
        assert_non_null(w);
        assert_non_null(pool);
        for (size_t k = 0; k < COUNT; k++) {
            w[k] = (float)values[COUNT - 1 - k];
        }
        for (int t = 1; t <= 3; t++) {
            const cnn_update update = {
                .rate = 0.01, .number = t, .scale = 0.5, .decaying = decaying, .decaying_count = 3};
            cnn_optimizer_step(&adamw, pool, &update, COUNT, g, w + COUNT, w);
            cnn_weight_average_update(pool, 0.9, COUNT, w, w + 3 * (size_t)COUNT);
        }
        norms[threads - 1] = cnn_gradient_norm(pool, COUNT, g);
        results[threads - 1] = w;
        cnn_thread_pool_free(pool);
    }
    for (int i = 1; i < 3; i++) {
        assert_memory_equal(results[i], results[0], sizeof(float) * 4 * (size_t)COUNT);
        assert_memory_equal(&norms[i], &norms[0], sizeof *norms);
    }
    /* what has no gradient moves only where it decays, by rate * decay of itself a step */
    const size_t places[] = {3, 9, 60000, 59997, 104997, 105000, 150000};
    const double kept[] = {0.999, 1.0, 0.999, 1.0, 0.999, 1.0, 0.999};
    for (size_t i = 0; i < TEST_COUNT(places); i++) {
        double start = (double)(float)values[COUNT - 1 - places[i]];
        test_near("w without gradient", places[i], (double)results[0][places[i]],
                  start * pow(kept[i], 3.0), 1e-6 * fabs(start));
    }
    for (int i = 0; i < 3; i++) {
        cnn_free(results[i]);
    }
    cnn_free(g);
    cnn_free(values);
}

/* --- schedules, clipping, loss, average: PyTorch, and by hand --- */

static void expect_rates(const char *name, const cnn_schedule *schedule, const double *want) {
    for (int t = 0; t < 20; t++) {
        test_near(name, (size_t)t, cnn_schedule_rate(schedule, t), want[t], 1e-11);
    }
}

static void test_pytorch_schedules(void **state) {
    (void)state;
    static const double one_cycle[] = {0.02,
                                       0.06583592135,
                                       0.18583592135,
                                       0.33416407865,
                                       0.45416407865,
                                       0.5,
                                       0.493732003118,
                                       0.475242316007,
                                       0.445458088786,
                                       0.405872826975,
                                       0.358471500896,
                                       0.305631010968,
                                       0.250001,
                                       0.194370989032,
                                       0.141530499104,
                                       0.0941291730251,
                                       0.0545439112145,
                                       0.0247596839933,
                                       0.00626999688246,
                                       2e-06};
    static const double cosine[] = {0.5,
                                    0.496922085149,
                                    0.487764129074,
                                    0.472751631047,
                                    0.452254248594,
                                    0.426776695297,
                                    0.396946313073,
                                    0.363497624935,
                                    0.327254248594,
                                    0.28910861626,
                                    0.25,
                                    0.21089138374,
                                    0.172745751406,
                                    0.136502375065,
                                    0.103053686927,
                                    0.0732233047034,
                                    0.0477457514063,
                                    0.0272483689529,
                                    0.0122358709262,
                                    0.00307791485122};
    cnn_schedule s = {
        .kind = CNN_SCHEDULE_ONE_CYCLE, .rate = 0.5, .epochs = 5, .steps_an_epoch = 4};
    expect_rates("one_cycle", &s, one_cycle);
    s.kind = CNN_SCHEDULE_COSINE;
    expect_rates("cosine", &s, cosine);
    s = (cnn_schedule){.kind = CNN_SCHEDULE_STEP,
                       .rate = 0.5,
                       .step_epochs = 3,
                       .step_factor = 0.1,
                       .epochs = 10,
                       .steps_an_epoch = 2};
    for (int t = 0; t < 20; t++) {
        test_near("step", (size_t)t, cnn_schedule_rate(&s, t), 0.5 * pow(0.1, t / 6), 1e-15);
    }
    /* a warm-up that ends within an epoch; then the usual schedule */
    s.warmup_epochs = 1.25; /* 2.5 steps: 3 */
    const double warm[] = {0.5 / 3.0, 1.0 / 3.0, 0.5, 0.5, 0.5, 0.5, 0.05};
    for (size_t t = 0; t < TEST_COUNT(warm); t++) {
        test_near("warm-up", t, cnn_schedule_rate(&s, (int64_t)t), warm[t], 1e-15);
    }
    /* runs of a step or two */
    for (int64_t epochs = 1; epochs <= 4; epochs++) {
        s = (cnn_schedule){
            .kind = CNN_SCHEDULE_ONE_CYCLE, .rate = 0.5, .epochs = epochs, .steps_an_epoch = 1};
        for (int64_t t = 0; t < epochs; t++) {
            double rate = cnn_schedule_rate(&s, t);
            assert_true(rate > 0.0 && rate <= 0.5);
        }
        test_near("last rate", (size_t)epochs, cnn_schedule_rate(&s, epochs - 1), 2e-6, 1e-15);
    }
}

static void test_clipping(void **state) {
    (void)state;
    float g[10];
    for (int i = 0; i < 10; i++) {
        g[i] = (float)(0.3 * i - 1.0);
    }
    double norm = cnn_gradient_norm(NULL, 10, g);
    test_near("norm", 0, norm, 2.9410882339705484, 1e-6);
    test_near("clipped", 0, cnn_clip_scale(norm, 0.7) * (double)g[0], -0.23800705939648809, 1e-7);
    test_near("clipped", 9, cnn_clip_scale(norm, 0.7) * (double)g[9], 0.40461200097402966, 1e-7);
    assert_true(cnn_clip_scale(norm, 3.0) == 1.0);
    assert_true(cnn_clip_scale(0.0, 0.5) == 1.0);
    /* squares that exceed float; sizes that are not multiples of lanes and parts */
    for (size_t count = 1; count <= 700; count += 37) {
        float big[700];
        for (size_t i = 0; i < count; i++) {
            big[i] = 1e30f;
        }
        double want = sqrt((double)count) * (double)1e30f;
        test_near("norm of", count, cnn_gradient_norm(NULL, count, big), want, 1e-12 * want);
    }
    assert_true(cnn_gradient_norm(NULL, 0, g) == 0.0);
}

static void test_objective(void **state) {
    (void)state;
    static const float logits[] = {-2.0f, -0.5f, 0.25f, 3.0f};
    static const double want[] = {-0.492468283312, 0.046042942279, -0.232221305730, 0.211365061461};
    const cnn_objective objective = {.smoothing = 0.2, .pos_weight = 2.5};
    double loss = 0.0;
    for (int i = 0; i < 4; i++) {
        loss += cnn_objective_loss(&objective, logits[i], i % 2 == 0) / 4.0;
        test_near("slope", (size_t)i,
                  (double)cnn_objective_gradient(&objective, logits[i], i % 2 == 0, 4), want[i],
                  1e-7);
    }
    test_near("loss", 0, loss, 2.400700612196, 1e-11);
    for (int i = -400; i <= 400; i++) { /* the plain one: the same bytes */
        float z = (float)i * 0.3f;
        for (int y = 0; y < 2; y++) {
            assert_true(cnn_objective_loss(&cnn_objective_plain, z, y) == cnn_loss(z, y));
            assert_true(cnn_objective_gradient(&cnn_objective_plain, z, y, 7) ==
                        cnn_loss_gradient(z, y, 7));
        }
    }
    assert_true(cnn_objective_loss(&cnn_objective_plain, -3e38f, 0) == 0.0);
    assert_true(isnan(cnn_objective_loss(&objective, NAN, 0)));
    assert_true(!isfinite(cnn_objective_loss(&cnn_objective_plain, INFINITY, 0)));
    assert_true(!isfinite(cnn_objective_loss(&cnn_objective_plain, INFINITY, 1)));
}

static void test_weight_average(void **state) {
    (void)state;
    test_near("decay", 1, cnn_weight_average_decay(0.99, 1), 2.0 / 11.0, 1e-16);
    test_near("decay", 100, cnn_weight_average_decay(0.99, 100), 101.0 / 110.0, 1e-16);
    test_near("decay", 10000, cnn_weight_average_decay(0.99, 10000), 0.99, 0.0);
    float w[2] = {0.1f, 1.0f}, average[2] = {0.1f, 0.0f};
    for (int t = 0; t < 50; t++) {
        cnn_weight_average_update(NULL, 0.9, 2, w, average);
    }
    assert_true(average[0] == w[0]);
    test_near("average", 1, (double)average[1], 1.0 - pow(0.9, 50), 1e-6);
}

static void test_what_decays(void **state) {
    (void)state;
    cnn_network *network =
        test_network_create("1x6x6: conv 3 3, batchnorm, relu, flatten, dense 5, dense 1, sigmoid",
                            test_kernels(), CNN_NETWORK_FAST);
    size_t decaying = 0;
    for (int i = 0; i < network->graph.node_count; i++) {
        for (int t = 0; t < network->graph.nodes[i].tensor_count; t++) {
            const cnn_tensor *tensor = &network->graph.nodes[i].tensors[t];
            assert_true(tensor->decays == decays(network, tensor->offset));
            decaying += tensor->decays;
        }
    }
    assert_int_equal(decaying, 3);
    cnn_network_free(network);
}

/* --- balanced epochs --- */

/* Draws twice for each of some epochs: as many as before, half of each class, evenly, the same both
 * times. */
static void expect_balance(size_t zeros, size_t ones) {
    enum { MOST = 64, EPOCHS = 20 };
    cnn_sample samples[MOST] = {0};
    size_t files[MOST], drawn[MOST], again[MOST], seen[MOST] = {0};
    size_t count = zeros + ones;
    cnn_error error;
    assert_true(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        samples[i].label = i * ones / count < (i + 1) * ones / count; /* mixed */
        files[i] = i;
    }
    const cnn_dataset dataset = {.samples = samples,
                                 .count = count,
                                 .split = {files},
                                 .split_count = {count},
                                 .class_count = {{zeros, ones}}};
    size_t half[2] = {count / 2, count - count / 2};
    size_t available[2] = {zeros, ones};
    for (int64_t epoch = 1; epoch <= EPOCHS; epoch++) {
        size_t times[MOST] = {0};
        size_t of_class[2] = {0};
        test_ok(cnn_sampling_draw(&dataset, 9, epoch, drawn, &error), &error);
        test_ok(cnn_sampling_draw(&dataset, 9, epoch, again, &error), &error);
        assert_memory_equal(drawn, again, count * sizeof *drawn);
        for (size_t i = 0; i < count; i++) {
            times[drawn[i]]++;
            seen[drawn[i]]++;
            of_class[samples[drawn[i]].label]++;
        }
        for (size_t i = 0; i < count; i++) {
            int label = samples[i].label;
            size_t least = half[label] / available[label];
            assert_in_range(times[i], least, least + 1);
        }
        assert_int_equal(of_class[0], half[0]);
        assert_int_equal(of_class[1], half[1]);
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(seen[i] > 0); /* every image has its turn in some epoch */
    }
}

static void test_balanced_epochs(void **state) {
    (void)state;
    expect_balance(20, 20);
    expect_balance(30, 10);
    expect_balance(9, 24);
    expect_balance(1, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hundred_steps),
        cmocka_unit_test(test_pytorch_optimizers),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_pytorch_schedules),
        cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_objective),
        cmocka_unit_test(test_weight_average),
        cmocka_unit_test(test_what_decays),
        cmocka_unit_test(test_balanced_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
