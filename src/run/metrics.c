#include "metrics.h"

#include "error.h"
#include "loss.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>

typedef struct scored {
    double score;
    uint8_t label;
} scored;

static int by_score(const void *a, const void *b) {
    const scored *x = a, *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

/* Counts, for every image of class 1, those of class 0 below it, and half of those beside it. */
static double area_under_curve(scored *images, size_t count) {
    qsort(images, count, sizeof *images, by_score);
    double pairs = 0.0; /* halves of whole numbers below 2^53: exact */
    size_t below[2] = {0, 0};
    for (size_t i = 0; i < count;) {
        size_t tied[2] = {0, 0};
        size_t j = i;
        do {
            tied[images[j].label]++;
            j++;
        } while (j < count && !(images[j].score > images[i].score));
        pairs += (double)tied[1] * ((double)below[0] + 0.5 * (double)tied[0]);
        below[0] += tied[0];
        below[1] += tied[1];
        i = j;
    }
    return below[0] && below[1] ? pairs / ((double)below[0] * (double)below[1]) : (double)NAN;
}

cnn_status cnn_area_under_curve(const double *scores, const uint8_t *labels, size_t count,
                                double *area, cnn_error *error) {
    scored *images = cnn_alloc(count, sizeof *images);
    if (!images) {
        return cnn_fail_memory(error, "an area under a curve");
    }
    for (size_t i = 0; i < count; i++) {
        images[i] = (scored){.score = scores[i], .label = labels[i]};
    }
    *area = area_under_curve(images, count);
    cnn_free(images);
    return CNN_OK;
}

cnn_status cnn_metrics_compute(const float *logits, const uint8_t *labels, size_t count,
                               double threshold, cnn_metrics *metrics, cnn_error *error) {
    *metrics = (cnn_metrics){
        .count = count, .loss = (double)NAN, .accuracy = (double)NAN, .auc = (double)NAN};
    if (count == 0) {
        return CNN_OK;
    }
    scored *images = cnn_alloc(count, sizeof *images);
    if (!images) {
        return cnn_fail_memory(error, "metrics");
    }
    double loss = 0.0;
    size_t right = 0;
    for (size_t i = 0; i < count; i++) {
        float probability = cnn_probability(logits[i]);
        images[i] = (scored){.score = (double)probability, .label = labels[i]};
        loss += cnn_loss(logits[i], labels[i]);
        right += (probability >= (float)threshold) == (labels[i] == 1);
    }
    metrics->loss = loss / (double)count;
    metrics->accuracy = (double)right / (double)count;
    metrics->auc = area_under_curve(images, count);
    cnn_free(images);
    return CNN_OK;
}
