#include "run/evaluate.h"

#include "base/error.h"
#include "base/memory.h"
#include "stats/calibration.h"

/* Runs a split through the network; logits: [split_count], filled. Free *scores, also after a
 * failure. */
static cnn_status score(const cnn_setup *setup, cnn_minibatch *minibatch, const float *parameters,
                        cnn_split split, float *logits, cnn_scores *scores, cnn_error *error) {
    *scores = (cnn_scores){0};
    size_t count = setup->dataset->split_count[split];
    uint8_t *labels = cnn_alloc(count, 1);
    if (!labels) {
        return cnn_fail_memory(error, "an evaluation");
    }
    cnn_dataset_source images = {
        .dataset = setup->dataset, .table = &setup->table, .order = setup->dataset->split[split]};
    cnn_sample_source source = {.fill = cnn_dataset_fill, .context = &images};
    cnn_minibatch_forward(minibatch, parameters, &source, 0, count, logits, labels);
    cnn_temperature_apply(setup->info.temperature, logits, count);
    cnn_status status =
        cnn_scores_from_logits(logits, labels, count, 1.0, setup->info.threshold, scores, error);
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
