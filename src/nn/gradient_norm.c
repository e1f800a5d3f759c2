#include "nn/gradient_norm.h"

#include <math.h>

/* Separate sums: a fixed number of parts of the gradients for any number of threads, and in each
 * part a fixed number of lanes, which a compiler may keep in one vector. */
enum { PARTS = 64, LANES = 8 };

/* Gradients below which another thread costs more than it saves: some ten microseconds of work. */
enum { GRADIENTS_PER_THREAD = 32768 };

typedef struct squares {
    size_t count;
    const float *gradients;
    double sums[PARTS];
} squares;

static void add_part(void *context, size_t part, int thread) {
    (void)thread;
    squares *s = context;
    size_t last = s->count * (part + 1) / PARTS;
    size_t i = s->count * part / PARTS;
    double lanes[LANES] = {0};
    for (; i + LANES <= last; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            double g = (double)s->gradients[i + lane];
            lanes[lane] += g * g;
        }
    }
    for (size_t lane = 0; i + lane < last; lane++) {
        double g = (double)s->gradients[i + lane];
        lanes[lane] += g * g;
    }
    double sum = 0.0;
    for (size_t lane = 0; lane < LANES; lane++) {
        sum += lanes[lane];
    }
    s->sums[part] = sum;
}

double cnn_gradient_norm(cnn_thread_pool *pool, size_t count, const float *gradients) {
    squares s = {.count = count, .gradients = gradients};
    size_t useful = count / GRADIENTS_PER_THREAD + 1;
    size_t threads = (size_t)cnn_thread_pool_threads(pool);
    cnn_thread_pool_for(pool, PARTS, (int)(useful < threads ? useful : threads), add_part, &s);
    double sum = 0.0;
    for (size_t part = 0; part < PARTS; part++) {
        sum += s.sums[part];
    }
    return sqrt(sum);
}

double cnn_clip_scale(double norm, double limit) {
    double scale = limit / (norm + 1e-6);
    return scale < 1.0 ? scale : 1.0;
}
