#include "stats/bootstrap.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With less work than this, a second thread does not pay off. */
#define DRAWS_PER_THREAD ((size_t)250000)

typedef struct bootstrap {
    const cnn_scores *scores;
    const uint8_t *labels; /* [count], in the order in which the images were given */
    uint64_t seed;
    cnn_bootstrap_measure *measure;
    size_t number;   /* of values per resample */
    uint32_t *times; /* [threads][count] */
    double *values;  /* [CNN_BOOTSTRAP_RESAMPLES][number] */
} bootstrap;

/* Does a resample of `count` images with this many positives have the classes of the set? */
static bool has_classes(size_t drawn_positives, size_t count, size_t positives) {
    return (drawn_positives > 0 || positives == 0) &&
           (drawn_positives < count || positives == count);
}

void cnn_bootstrap_draw(const uint8_t *labels, size_t count, size_t positives, uint64_t seed,
                        size_t resample, uint32_t *times) {
    size_t drawn_positives;
    uint64_t next = 0; /* of this resample's random numbers */
    do {
        memset(times, 0, count * sizeof *times);
        drawn_positives = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t bits = cnn_random_bits(seed, CNN_RANDOM_BOOTSTRAP, resample, next++);
            size_t image = (size_t)((bits >> 32) * count >> 32);
            times[image]++;
            drawn_positives += labels[image];
        }
    } while (!has_classes(drawn_positives, count, positives));
}

static void measure_resample(void *context, size_t resample, int thread) {
    const bootstrap *b = context;
    uint32_t *times = b->times + (size_t)thread * b->scores->count;
    cnn_bootstrap_draw(b->labels, b->scores->count, b->scores->positives, b->seed, resample, times);
    b->measure(b->scores, times, b->values + resample * b->number);
}

/* Of value i. It is NaN in all resamples or in none: only a class that the set lacks makes it NaN.
 */
static cnn_interval interval_of(const bootstrap *b, size_t i) {
    double values[CNN_BOOTSTRAP_RESAMPLES];
    for (size_t r = 0; r < CNN_BOOTSTRAP_RESAMPLES; r++) {
        values[r] = b->values[r * b->number + i];
    }
    if (isnan(values[0])) {
        return (cnn_interval){.low = (double)NAN, .high = (double)NAN};
    }
    qsort(values, CNN_BOOTSTRAP_RESAMPLES, sizeof *values, cnn_compare_doubles);
    return (cnn_interval){.low = values[CNN_BOOTSTRAP_TAIL - 1],
                          .high = values[CNN_BOOTSTRAP_RESAMPLES - CNN_BOOTSTRAP_TAIL]};
}

static int useful_threads(size_t count, int threads) {
    size_t most = count * CNN_BOOTSTRAP_RESAMPLES / DRAWS_PER_THREAD + 1;
    return most < (size_t)threads ? (int)most : threads;
}

cnn_status cnn_bootstrap_values(const cnn_scores *scores, uint64_t seed, int threads,
                                cnn_bootstrap_measure *measure, size_t number,
                                cnn_interval *intervals, cnn_error *error) {
    size_t count = scores->count;
    threads = useful_threads(count, threads);
    uint8_t *labels = cnn_alloc(count, 1);
    size_t draws;
    bool fits = cnn_multiply_size(count, (size_t)threads, &draws);
    bootstrap b = {
        .scores = scores,
        .labels = labels,
        .seed = seed,
        .measure = measure,
        .number = number,
        .times = fits ? cnn_alloc(draws, sizeof *b.times) : NULL,
        .values = cnn_alloc(number * CNN_BOOTSTRAP_RESAMPLES, sizeof *b.values),
    };
    bool complete = labels && b.times && b.values;
    if (complete && count > 0) {
        for (size_t i = 0; i < count; i++) {
            labels[scores->ranked[i].image] = scores->ranked[i].label;
        }
        cnn_parallel_for(CNN_BOOTSTRAP_RESAMPLES, threads, measure_resample, &b);
    }
    for (size_t i = 0; i < number && complete; i++) {
        intervals[i] = count > 0 ? interval_of(&b, i)
                                 : (cnn_interval){.low = (double)NAN, .high = (double)NAN};
    }
    cnn_free(labels);
    cnn_free(b.times);
    cnn_free(b.values);
    return complete ? CNN_OK : cnn_fail_memory(error, "a bootstrap");
}

static void measure_metrics(const cnn_scores *scores, const uint32_t *times, double *values) {
    cnn_metrics metrics;
    cnn_metrics_measure(scores, times, &metrics);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        values[id] = cnn_metric_value(&metrics, (cnn_metric_id)id);
    }
}

cnn_status cnn_bootstrap(const cnn_scores *scores, uint64_t seed, int threads,
                         cnn_interval intervals[CNN_METRIC_COUNT], cnn_error *error) {
    return cnn_bootstrap_values(scores, seed, threads, measure_metrics, CNN_METRIC_COUNT, intervals,
                                error);
}
