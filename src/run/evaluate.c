#include "evaluate.h"

#include "calibration.h"
#include "error.h"
#include "memory.h"

cnn_status cnn_evaluate(const cnn_setup *setup, cnn_minibatch *minibatch, const float *parameters,
                        cnn_split split, float *logits, cnn_metrics *metrics, cnn_error *error) {
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
        cnn_metrics_compute(logits, labels, count, setup->info.threshold, metrics, error);
    cnn_free(labels);
    return status;
}
