#include "run/best_epoch.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>

cnn_best_epoch cnn_best_epoch_none(void) {
    return (cnn_best_epoch){.value = (double)NAN, .smoothed = (double)NAN};
}

/* *defined: is the metric of these validation images a number? Tested with uninformative
 * predictions. */
static cnn_status is_defined(cnn_metric_id id, const cnn_dataset *dataset, bool *defined,
                             cnn_error *error) {
    size_t count = dataset->split_count[CNN_SPLIT_VALIDATION];
    float *logits = cnn_alloc(count, sizeof *logits);
    uint8_t *labels = cnn_alloc(count, 1);
    cnn_metrics metrics = cnn_metrics_none();
    cnn_status status = CNN_OK;
    if (logits && labels) {
        for (size_t i = 0; i < count; i++) {
            size_t sample = dataset->split[CNN_SPLIT_VALIDATION][i];
            labels[i] = (uint8_t)dataset->samples[sample].label;
        }
        status = cnn_metrics_compute(logits, labels, count, 0.5, &metrics, error);
    } else {
        status = cnn_fail_memory(error, "the validation images");
    }
    *defined = !isnan(cnn_metric_value(&metrics, id));
    cnn_free(logits);
    cnn_free(labels);
    return status;
}

cnn_status cnn_best_epoch_check(const cnn_config *config, const cnn_dataset *dataset,
                                cnn_error *error) {
    const cnn_early_stopping *rule = &config->train.early_stopping;
    cnn_metric_id id = (cnn_metric_id)rule->metric;
    if (dataset->split_count[CNN_SPLIT_VALIDATION] == 0) {
        return rule->patience == 0 && id == CNN_METRIC_loss
                   ? CNN_OK
                   : cnn_fail(error, CNN_ERROR_CONFIG,
                              "train.early_stopping: expected validation images to choose the best "
                              "epoch by, found none; give data.validation a share above 0, or a "
                              "folder");
    }
    bool defined;
    cnn_status status = is_defined(id, dataset, &defined, error);
    if (status == CNN_OK && !defined) {
        status = cnn_fail(error, CNN_ERROR_CONFIG,
                          "train.early_stopping.metric: val_%s needs validation images of both "
                          "classes, found one class only",
                          cnn_metric_table[id].name);
    }
    return status;
}

bool cnn_best_epoch_update(const cnn_early_stopping *rule, int64_t epoch,
                           const cnn_metrics *validation, cnn_best_epoch *best) {
    if (validation->count == 0) {
        best->epoch = epoch;
        return true;
    }
    double value = cnn_metric_value(validation, (cnn_metric_id)rule->metric);
    best->smoothed = isnan(best->smoothed)
                         ? value
                         : rule->smoothing * best->smoothed + (1.0 - rule->smoothing) * value;
    bool better = best->epoch == 0 ||
                  (cnn_metric_table[rule->metric].more_is_better ? best->smoothed > best->value
                                                                 : best->smoothed < best->value);
    if (better) {
        best->epoch = epoch;
        best->value = best->smoothed;
    }
    return better;
}

bool cnn_best_epoch_is_over(const cnn_early_stopping *rule, int64_t epochs,
                            const cnn_best_epoch *best) {
    return rule->patience > 0 && epochs - best->epoch >= rule->patience;
}

bool cnn_best_epoch_stops_early(const cnn_config *config, int64_t epochs,
                                const cnn_best_epoch *best) {
    return epochs < config->train.epochs &&
           cnn_best_epoch_is_over(&config->train.early_stopping, epochs, best);
}
