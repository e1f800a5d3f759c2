/* The logits of images that are in the memory of this process, or of several. */
#include "base/error.h"
#include "base/memory.h"
#include "run/evaluate.h"
#include "samples/share.h"
#include "stats/calibration.h"

#include <string.h>

static void predict(const cnn_setup *setup, cnn_minibatch *minibatch, const float *parameters,
                    const size_t *order, size_t count, float *logits) {
    cnn_dataset_source images = {.dataset = setup->dataset, .table = &setup->table, .order = order};
    cnn_sample_source source = {.fill = cnn_dataset_fill, .context = &images};
    cnn_minibatch_forward(minibatch, parameters, &source, 0, count, logits, NULL);
}

/* --- several processes --- */

typedef struct division {
    size_t *first; /* [ranks + 1], in bytes of `logits` */
    size_t *order; /* [count]: the images of process 0, then those of process 1, … */
    size_t *from;  /* [count]: the position of each in the caller's order */
    float *logits; /* [count], in this order */
} division;

static bool allocate(division *d, size_t count, int ranks) {
    d->first = cnn_alloc((size_t)ranks + 1, sizeof *d->first);
    d->order = cnn_alloc(count, sizeof *d->order);
    d->from = cnn_alloc(count, sizeof *d->from);
    d->logits = cnn_alloc(count, sizeof *d->logits);
    return d->first && d->order && d->from && d->logits;
}

static void divide(const cnn_dataset *dataset, const size_t *order, size_t count, division *d) {
    int ranks = cnn_rank_count(dataset->ranks);
    size_t used = 0;
    for (int rank = 0; rank < ranks; rank++) {
        for (size_t i = 0; i < count; i++) {
            if (cnn_share_holder(dataset->ranks, dataset->samples[order[i]].row) == rank) {
                d->order[used] = order[i];
                d->from[used++] = i;
            }
        }
        d->first[rank + 1] = used * sizeof *d->logits;
    }
}

static void predict_together(const cnn_setup *setup, cnn_minibatch *minibatch,
                             const float *parameters, const size_t *order, size_t count,
                             division *d, float *logits) {
    const cnn_ranks *ranks = setup->dataset->ranks;
    int rank = cnn_rank(ranks);
    divide(setup->dataset, order, count, d);
    size_t begin = d->first[rank] / sizeof *logits, end = d->first[rank + 1] / sizeof *logits;
    predict(setup, minibatch, parameters, d->order + begin, end - begin, d->logits + begin);
    cnn_ranks_gather(ranks, d->logits, d->first);
    for (size_t i = 0; i < count; i++) {
        logits[d->from[i]] = d->logits[i];
    }
}

cnn_status cnn_predict_samples(const cnn_setup *setup, cnn_minibatch *minibatch,
                               const float *parameters, const size_t *order, size_t count,
                               float *logits, cnn_error *error) {
    cnn_ranks *ranks = setup->dataset->ranks;
    cnn_status status = CNN_OK;
    if (!ranks) {
        predict(setup, minibatch, parameters, order, count, logits);
    } else {
        division d = {0};
        bool ready = allocate(&d, count, cnn_rank_count(ranks));
        status = ready ? CNN_OK : cnn_fail_memory(error, "an evaluation");
        status = cnn_ranks_agree(ranks, status, error);
        if (status == CNN_OK) {
            predict_together(setup, minibatch, parameters, order, count, &d, logits);
        }
        cnn_free(d.first);
        cnn_free(d.order);
        cnn_free(d.from);
        cnn_free(d.logits);
    }
    if (status == CNN_OK) {
        cnn_temperature_apply(setup->info.temperature, logits, count);
    }
    return status;
}
