#include "run/tune.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "nn/loss.h"
#include "run/evaluate.h"
#include "stats/calibration.h"
#include "stats/operating_point.h"

#include <stdio.h>

bool cnn_tune_wanted(const cnn_config *config) {
    return config->train.threshold.text || config->train.calibrate;
}

cnn_status cnn_tune_check(const cnn_config *config, const cnn_dataset *dataset, cnn_error *error) {
    if (!cnn_tune_wanted(config)) {
        return CNN_OK;
    }
    char wanted[128] = "train.calibrate true";
    if (config->train.threshold.text) {
        (void)snprintf(wanted, sizeof wanted, "train.threshold \"%.60s\"",
                       config->train.threshold.text);
    }
    if (dataset->split_count[CNN_SPLIT_VALIDATION] == 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: expected validation images to choose it on, but data.validation gives "
                        "none",
                        wanted);
    }
    for (int label = 0; label < 2; label++) {
        if (dataset->class_count[CNN_SPLIT_VALIDATION][label] == 0) {
            return cnn_fail(error, CNN_ERROR_DATA,
                            "%s: expected validation images of both classes to choose it on, found "
                            "none of \"%.60s\"",
                            wanted, dataset->classes[label]);
        }
    }
    return CNN_OK;
}

static void calibrate(cnn_setup *setup, float *logits, const uint8_t *labels, size_t count,
                      const cnn_log_sink *log) {
    if (cnn_temperature_find(logits, labels, count, &setup->info.temperature)) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "temperature %.4f: the least validation loss of logits divided by it",
                        setup->info.temperature);
        cnn_temperature_apply(setup->info.temperature, logits, count);
    } else {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "train.calibrate: the validation loss has no minimum at a temperature from "
                        "%g to %g (perhaps all images are classified correctly, or none); it stays "
                        "1",
                        CNN_TEMPERATURE_MIN, CNN_TEMPERATURE_MAX);
    }
}

/* logits become probabilities. */
static cnn_status choose_threshold(const char *text, cnn_setup *setup, float *logits,
                                   const uint8_t *labels, size_t count, const cnn_log_sink *log,
                                   cnn_error *error) {
    cnn_threshold_rule rule;
    cnn_operating_point point;
    if (!cnn_threshold_rule_parse(text, &rule)) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "train.threshold: expected %s, got \"%.60s\"",
                        CNN_THRESHOLD_RULE_TEXTS, text);
    }
    for (size_t i = 0; i < count; i++) {
        logits[i] = cnn_probability(logits[i]);
    }
    cnn_status status = cnn_operating_point_choose(&rule, logits, labels, count, &point, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "train.threshold \"%.60s\": ", text);
    }
    setup->info.threshold = (double)point.threshold;
    if (!point.reached) {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "train.threshold: no threshold reaches \"%s\" on the validation images; "
                        "the nearest is used",
                        text);
    }
    size_t called = point.hits + point.alarms;
    cnn_log_message(log, CNN_LOG_INFO,
                    "threshold %.6g by \"%s\": on validation images, recall %.4f (%zu of %zu), "
                    "precision %.4f (%zu of %zu), specificity %.4f (%zu of %zu)",
                    setup->info.threshold, text, (double)point.hits / (double)point.positives,
                    point.hits, point.positives,
                    called > 0 ? (double)point.hits / (double)called : 0.0, point.hits, called,
                    1.0 - (double)point.alarms / (double)point.negatives,
                    point.negatives - point.alarms, point.negatives);
    return CNN_OK;
}

cnn_status cnn_tune(const cnn_config *config, cnn_setup *setup, cnn_minibatch *minibatch,
                    const float *parameters, float *logits, const cnn_log_sink *log,
                    cnn_error *error) {
    const cnn_dataset *dataset = setup->dataset;
    size_t count = dataset->split_count[CNN_SPLIT_VALIDATION];
    uint8_t *labels = cnn_alloc(count, 1);
    if (!labels) {
        return cnn_fail_memory(error, "calibration");
    }
    for (size_t i = 0; i < count; i++) {
        labels[i] = dataset->samples[dataset->split[CNN_SPLIT_VALIDATION][i]].label == 1;
    }
    cnn_metrics untuned;
    cnn_status status =
        cnn_evaluate(setup, minibatch, parameters, CNN_SPLIT_VALIDATION, logits, &untuned, error);
    if (status == CNN_OK && config->train.calibrate) {
        calibrate(setup, logits, labels, count, log);
    }
    if (status == CNN_OK && config->train.threshold.text) {
        status = choose_threshold(config->train.threshold.text, setup, logits, labels, count, log,
                                  error);
    }
    cnn_free(labels);
    return status;
}
