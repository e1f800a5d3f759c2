#include "nn/optimizer.h"

#include <math.h>

size_t cnn_optimizer_state_size(const cnn_optimizer *optimizer) {
    switch (optimizer->kind) {
    case CNN_OPTIMIZER_SGD:
        return 0;
    case CNN_OPTIMIZER_MOMENTUM:
        return 1;
    case CNN_OPTIMIZER_ADAM:
    case CNN_OPTIMIZER_ADAMW:
        return 2;
    }
    return 0;
}

/* Parameters below which another thread costs more than it saves: some ten microseconds of work.
 */
enum { PARAMETERS_PER_THREAD = 32768 };

/* The data shared by the threads of a step: the same for every parameter, so computed once, in
 * double. */
typedef struct step {
    const cnn_optimizer *optimizer;
    const cnn_update *update;
    const struct step *slow; /* the same with the rate of the first update->slow_count parameters */
    double exact_rate;
    float rate, scale;
    float momentum;
    float share1, share2; /* adam: of the new gradient, and of its square: 1 - beta */
    float size;           /* adam: rate / (1 - beta1^t) */
    float root;           /* adam: 1 / sqrt(1 - beta2^t) */
    float epsilon;
    size_t count, parts;
    const float *gradients;
    float *state, *parameters;
} step;

/* base^exponent by squaring: only products, so the same on every machine. */
static double whole_power(double base, int64_t exponent) {
    double power = 1.0;
    for (; exponent > 0; exponent /= 2) {
        power = exponent % 2 ? power * base : power;
        base *= base;
    }
    return power;
}

/* --- parameters first … last - 1, which decay by `decay` --- */

static void sgd(const step *s, size_t first, size_t last, float decay) {
    float rate = s->rate, scale = s->scale;
    const float *g = s->gradients;
    float *w = s->parameters;
    for (size_t i = first; i < last; i++) {
        w[i] -= rate * (scale * g[i] + decay * w[i]);
    }
}

static void momentum(const step *s, size_t first, size_t last, float decay) {
    float rate = s->rate, scale = s->scale, share = s->momentum;
    const float *g = s->gradients;
    float *v = s->state;
    float *w = s->parameters;
    for (size_t i = first; i < last; i++) {
        v[i] = share * v[i] + (scale * g[i] + decay * w[i]);
        w[i] -= rate * v[i];
    }
}

static void nesterov(const step *s, size_t first, size_t last, float decay) {
    float rate = s->rate, scale = s->scale, share = s->momentum;
    const float *g = s->gradients;
    float *v = s->state;
    float *w = s->parameters;
    for (size_t i = first; i < last; i++) {
        float slope = scale * g[i] + decay * w[i];
        v[i] = share * v[i] + slope;
        w[i] -= rate * (slope + share * v[i]);
    }
}

/* l2 is added to the gradient, `shrink` is subtracted from the weight: one of them is 0. */
static void adam(const step *s, size_t first, size_t last, float l2, float shrink) {
    float scale = s->scale, share1 = s->share1, share2 = s->share2;
    float size = s->size, root = s->root, epsilon = s->epsilon;
    const float *g = s->gradients;
    float *m = s->state;
    float *v = s->state + s->count;
    float *w = s->parameters;
    for (size_t i = first; i < last; i++) {
        float slope = scale * g[i] + l2 * w[i];
        m[i] += share1 * (slope - m[i]);
        v[i] += share2 * (slope * slope - v[i]);
        w[i] = (w[i] - shrink * w[i]) - size * m[i] / (sqrtf(v[i]) * root + epsilon);
    }
}

static void step_range(const step *s, size_t first, size_t last, double decay) {
    switch (s->optimizer->kind) {
    case CNN_OPTIMIZER_SGD:
        sgd(s, first, last, (float)decay);
        break;
    case CNN_OPTIMIZER_MOMENTUM:
        (s->optimizer->nesterov ? nesterov : momentum)(s, first, last, (float)decay);
        break;
    case CNN_OPTIMIZER_ADAM:
        adam(s, first, last, (float)decay, 0.0f);
        break;
    case CNN_OPTIMIZER_ADAMW:
        adam(s, first, last, 0.0f, (float)(s->exact_rate * decay));
        break;
    }
}

/* --- */

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Parameters at … last - 1: visits the ranges that decay, and the ranges between them. */
static void step_ranges(const step *s, size_t at, size_t last) {
    for (size_t i = 0; i < s->update->decaying_count && at < last; i++) {
        const cnn_parameter_range *range = &s->update->decaying[i];
        size_t begin = smaller(range->first, last);
        size_t end = smaller(range->first + range->count, last);
        if (at < begin) {
            step_range(s, at, begin, 0.0);
            at = begin;
        }
        if (at < end) {
            step_range(s, at, end, s->optimizer->weight_decay);
            at = end;
        }
    }
    if (at < last) {
        step_range(s, at, last, 0.0);
    }
}

static void step_part(void *context, size_t part, int thread) {
    (void)thread;
    const step *s = context;
    size_t first = s->count * part / s->parts;
    size_t last = s->count * (part + 1) / s->parts;
    size_t slow = smaller(last, s->update->slow_count);
    if (first < slow) {
        step_ranges(s->slow, first, slow);
        first = slow;
    }
    step_ranges(s, first, last);
}

/* Sets all that depends on the rate. */
static void set_rate(step *s, double rate) {
    const cnn_optimizer *optimizer = s->optimizer;
    s->exact_rate = rate;
    s->rate = (float)rate;
    if (optimizer->kind == CNN_OPTIMIZER_ADAM || optimizer->kind == CNN_OPTIMIZER_ADAMW) {
        s->size = (float)(rate / (1.0 - whole_power(optimizer->beta1, s->update->number)));
    }
}

void cnn_optimizer_step(const cnn_optimizer *optimizer, cnn_thread_pool *pool,
                        const cnn_update *update, size_t count, const float *gradients,
                        float *state, float *parameters) {
    size_t useful = count / PARAMETERS_PER_THREAD + 1;
    size_t threads = (size_t)cnn_thread_pool_threads(pool);
    step s = {.optimizer = optimizer,
              .update = update,
              .scale = (float)update->scale,
              .momentum = (float)optimizer->momentum,
              .count = count,
              .parts = smaller(useful, threads),
              .gradients = gradients,
              .state = state,
              .parameters = parameters};
    if (optimizer->kind == CNN_OPTIMIZER_ADAM || optimizer->kind == CNN_OPTIMIZER_ADAMW) {
        s.share1 = (float)(1.0 - optimizer->beta1);
        s.share2 = (float)(1.0 - optimizer->beta2);
        s.root = (float)(1.0 / sqrt(1.0 - whole_power(optimizer->beta2, update->number)));
        s.epsilon = (float)optimizer->epsilon;
    }
    step slow = s;
    set_rate(&s, update->rate);
    set_rate(&slow, update->rate * update->slow_factor);
    s.slow = &slow;
    cnn_thread_pool_for(pool, s.parts, (int)s.parts, step_part, &s);
}
