#include "nn/slot_sum.h"

#include "kernels/kernels.h"

/* Number of parameters added up at a time: those of all slots fit into the second-level cache. */
enum { PIECE = 4096 };

typedef struct summing {
    size_t slots, stride;
    float *gradients, *sum;
    size_t parts; /* of the parameters */
} summing;

/* Adds slots up for one run of parameters. The last sums go to a separate array: this thread will
 * read what it writes there, and takes no cache lines from other threads. */
static void add_slots(const summing *s, size_t from, size_t count) {
    for (size_t apart = 1; apart < s->slots; apart *= 2) {
        for (size_t slot = 0; slot + apart < s->slots; slot += 2 * apart) {
            float *one = s->gradients + slot * s->stride + from;
            const float *other = one + apart * s->stride;
            float *to = 2 * apart < s->slots ? one : s->sum + from;
            for (size_t i = 0; i < count; i++) {
                to[i] = one[i] + other[i];
            }
        }
    }
}

/* One of few large parts, so that a thread mostly finds in its cache what it wrote before. */
static void sum_part(void *context, size_t part, int thread) {
    (void)thread;
    const summing *s = context;
    size_t lines = s->stride / CNN_LANES;
    size_t last = lines * (part + 1) / s->parts * CNN_LANES;
    for (size_t from = lines * part / s->parts * CNN_LANES; from < last; from += PIECE) {
        add_slots(s, from, last - from < PIECE ? last - from : PIECE);
    }
}

void cnn_slot_sum(cnn_thread_pool *pool, int threads, size_t slots, size_t stride, float *gradients,
                  float *sum) {
    summing s = {.slots = slots,
                 .stride = stride,
                 .gradients = gradients,
                 .sum = sum,
                 .parts = (size_t)threads};
    cnn_thread_pool_for(pool, s.parts, threads, sum_part, &s);
}
