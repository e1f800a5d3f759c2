#include "nn/weight_average.h"

double cnn_weight_average_decay(double decay, int64_t number) {
    double early = (1.0 + (double)number) / (10.0 + (double)number);
    return early < decay ? early : decay;
}

/* Parameters below which another thread costs more than it saves: some ten microseconds of work.
 */
enum { PARAMETERS_PER_THREAD = 32768 };

typedef struct update {
    float share; /* of the parameters */
    size_t count, parts;
    const float *parameters;
    float *average;
} update;

static void update_part(void *context, size_t part, int thread) {
    (void)thread;
    const update *u = context;
    float share = u->share;
    const float *parameters = u->parameters;
    float *average = u->average;
    size_t last = u->count * (part + 1) / u->parts;
    for (size_t i = u->count * part / u->parts; i < last; i++) {
        average[i] += share * (parameters[i] - average[i]);
    }
}

void cnn_weight_average_update(cnn_thread_pool *pool, double decay, size_t count,
                               const float *parameters, float *average) {
    size_t useful = count / PARAMETERS_PER_THREAD + 1;
    size_t threads = (size_t)cnn_thread_pool_threads(pool);
    update u = {.share = (float)(1.0 - decay),
                .count = count,
                .parts = useful < threads ? useful : threads,
                .parameters = parameters,
                .average = average};
    cnn_thread_pool_for(pool, u.parts, (int)u.parts, update_part, &u);
}
