#include "run/evaluate.h"

#include "base/error.h"
#include "base/memory.h"

/* Runs a split through the network; logits: [split_count], filled. Free *scores, also after a
 * failure. labels: room for [split_count], may be NULL. */
static cnn_status score_labelled(const cnn_setup *setup, cnn_minibatch *minibatch,
                                 const float *parameters, cnn_split split, float *logits,
                                 uint8_t *labels, cnn_scores *scores, cnn_error *error) {
    const cnn_dataset *dataset = setup->dataset;
    const size_t *order = dataset->split[split];
    size_t count = dataset->split_count[split];
    if (!labels) {
        return cnn_fail_memory(error, "an evaluation");
    }
    for (size_t i = 0; i < count; i++) {
        labels[i] = (uint8_t)dataset->samples[order[i]].label;
    }
    CNN_TRY(cnn_predict_samples(setup, minibatch, parameters, order, count, logits, error));
    return cnn_scores_from_logits(logits, labels, count, 1.0, setup->info.threshold, scores, error);
}

static cnn_status score(const cnn_setup *setup, cnn_minibatch *minibatch, const float *parameters,
                        cnn_split split, float *logits, cnn_scores *scores, cnn_error *error) {
    *scores = (cnn_scores){0};
    uint8_t *labels = cnn_alloc(setup->dataset->split_count[split], 1);
    cnn_status status =
        score_labelled(setup, minibatch, parameters, split, logits, labels, scores, error);
    cnn_free(labels);
    return status;
}

/* measured->intervals: only with intervals. */
static cnn_status evaluate(const cnn_setup *setup, cnn_minibatch *minibatch,
                           const float *parameters, cnn_split split, float *logits, bool intervals,
                           cnn_measured *measured, cnn_error *error) {
    cnn_scores scores;
    cnn_status status = score(setup, minibatch, parameters, split, logits, &scores, error);
    if (status == CNN_OK) {
        cnn_metrics_measure(&scores, NULL, &measured->metrics);
    }
    if (status == CNN_OK && intervals) {
        status = cnn_intervals_measure(&scores, &measured->metrics, setup->threads,
                                       measured->intervals, error);
    }
    cnn_scores_free(&scores);
    return status;
}

cnn_status cnn_evaluate(const cnn_setup *setup, cnn_minibatch *minibatch, const float *parameters,
                        cnn_split split, float *logits, cnn_metrics *metrics, cnn_error *error) {
    cnn_measured measured;
    CNN_TRY(evaluate(setup, minibatch, parameters, split, logits, false, &measured, error));
    *metrics = measured.metrics;
    return CNN_OK;
}

cnn_status cnn_evaluate_intervals(const cnn_setup *setup, cnn_minibatch *minibatch,
                                  const float *parameters, cnn_split split, float *logits,
                                  cnn_measured *measured, cnn_error *error) {
    return evaluate(setup, minibatch, parameters, split, logits, true, measured, error);
}
