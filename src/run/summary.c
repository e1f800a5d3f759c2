#include "run/summary.h"

#include "base/json_writer.h"

#include "cnn/version.h"

#include <math.h>

/* {"version":"1.0","classes":["bad","good"] */
static cnn_json_writer begin(cnn_text *text, const cnn_dataset *dataset) {
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    cnn_json_string(cnn_json_key(&json, "version"), CNN_VERSION);
    cnn_json_begin_array(cnn_json_key(&json, "classes"));
    cnn_json_string(&json, dataset->classes[0]);
    cnn_json_string(&json, dataset->classes[1]);
    cnn_json_end(&json);
    return json;
}

static cnn_status end(cnn_json_writer *json, const char *path, cnn_error *error) {
    cnn_json_end(json);
    cnn_text_append(json->text, "\n", 1);
    return cnn_table_write(path, json->text, true, error);
}

static void add_count(cnn_json_writer *json, const char *key, size_t count) {
    cnn_json_integer(cnn_json_key(json, key), (int64_t)count);
}

/* --- of a run --- */

/* {"images":25,"loss":…,"accuracy":…}, or null if no epoch was trained. */
static void add_train_metrics(cnn_json_writer *json, const cnn_metrics *metrics) {
    if (metrics->count == 0) {
        cnn_json_null(json);
        return;
    }
    cnn_json_begin_object(json);
    add_count(json, "images", metrics->count);
    cnn_json_number(cnn_json_key(json, "loss"), metrics->loss);
    cnn_json_number(cnn_json_key(json, "accuracy"), metrics->accuracy);
    cnn_json_end(json);
}

cnn_status cnn_summary_write(const char *path, const cnn_dataset *dataset,
                             const cnn_run_summary *summary, cnn_error *error) {
    cnn_text text = {0};
    cnn_json_writer json = begin(&text, dataset);
    cnn_json_integer(cnn_json_key(&json, "epochs"), summary->epochs);
    cnn_json_boolean(cnn_json_key(&json, "stopped_early"), summary->stopped_early);
    cnn_json_integer(cnn_json_key(&json, "best_epoch"), summary->best_epoch);
    cnn_json_integer(cnn_json_key(&json, "model_epoch"), summary->model_epoch);
    add_count(&json, "parameters", summary->parameters);
    cnn_json_number(cnn_json_key(&json, "threshold"), summary->threshold);
    add_train_metrics(cnn_json_key(&json, "train"), &summary->train);
    cnn_metrics_json(cnn_json_key(&json, "validation"), &summary->validation);
    cnn_metrics_json(cnn_json_key(&json, "test"), &summary->test);
    add_count(&json, "bad_images", dataset->bad_images);
    add_count(&json, "copies_left_out",
              dataset->left_out.two_labels + dataset->left_out.two_splits);
    cnn_json_fixed(cnn_json_key(&json, "seconds"), summary->seconds, 3);
    cnn_json_fixed(cnn_json_key(&json, "images_per_second"), summary->images_per_second, 1);
    cnn_json_integer(cnn_json_key(&json, "threads"), summary->threads);
    cnn_json_string(cnn_json_key(&json, "isa"), summary->isa);
    return end(&json, path, error);
}

/* --- of a cross-validation --- */

static double fold_value(const cnn_folds_summary *summary, int fold, int metric) {
    return cnn_metric_value(&summary->rows[fold].test, (cnn_metric_id)metric);
}

static double mean_of(const cnn_folds_summary *summary, int metric) {
    double sum = 0.0;
    for (int fold = 0; fold < summary->folds; fold++) {
        sum += fold_value(summary, fold, metric);
    }
    return sum / summary->folds;
}

/* The sample standard deviation over the folds, dividing by folds - 1. */
static double deviation_of(const cnn_folds_summary *summary, int metric) {
    double mean = mean_of(summary, metric);
    double squares = 0.0;
    for (int fold = 0; fold < summary->folds; fold++) {
        double d = fold_value(summary, fold, metric) - mean;
        squares += d * d;
    }
    return sqrt(squares / (summary->folds - 1));
}

/* {"loss":…} with the result of `of` for each metric. */
static void add_over_folds(cnn_json_writer *json, const cnn_folds_summary *summary,
                           double (*of)(const cnn_folds_summary *summary, int metric)) {
    cnn_json_begin_object(json);
    for (int metric = 0; metric < CNN_METRIC_COUNT; metric++) {
        cnn_json_number(cnn_json_key(json, cnn_metric_table[metric].name), of(summary, metric));
    }
    cnn_json_end(json);
}

cnn_status cnn_summary_write_folds(const char *path, const cnn_dataset *dataset,
                                   const cnn_folds_summary *summary, cnn_error *error) {
    cnn_text text = {0};
    cnn_json_writer json = begin(&text, dataset);
    cnn_json_integer(cnn_json_key(&json, "folds"), summary->folds);
    add_count(&json, "parameters", summary->parameters);
    add_over_folds(cnn_json_key(&json, "mean"), summary, mean_of);
    add_over_folds(cnn_json_key(&json, "deviation"), summary, deviation_of);
    cnn_metrics_json(cnn_json_key(&json, "pooled"), &summary->pooled);
    add_count(&json, "bad_images", dataset->bad_images);
    add_count(&json, "copies_left_out",
              dataset->left_out.two_labels + dataset->left_out.two_splits);
    return end(&json, path, error);
}
