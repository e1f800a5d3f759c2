#include "run/fold_files.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "nn/loss.h"

#include <inttypes.h>
#include <math.h>

/* Writes a text that was put together, and frees it. */
static cnn_status write_text(const char *path, cnn_text *text, cnn_error *error) {
    cnn_status status = text->failed ? cnn_fail_memory(error, path)
                                     : cnn_file_write(path, text->data, text->length, error);
    cnn_text_free(text);
    return status;
}

void cnn_folds_describe(const cnn_pool *pool, cnn_text *text) {
    cnn_text_format(text, "fold,path,label,group,content\n");
    for (size_t i = 0; i < pool->dataset->count; i++) {
        const cnn_sample *sample = &pool->dataset->samples[i];
        cnn_text_format(text, "%d,", pool->fold[i] + 1);
        cnn_text_csv_field(text, sample->path);
        cnn_text_append(text, ",", 1);
        cnn_text_csv_field(text, pool->dataset->classes[sample->label]);
        cnn_text_append(text, ",", 1);
        cnn_text_csv_field(text, sample->group ? sample->group : "");
        cnn_text_format(text, ",%016" PRIx64 "\n", sample->content);
    }
}

cnn_status cnn_folds_write_table(const cnn_run_directory *directory, const cnn_folds_result *result,
                                 cnn_error *error) {
    cnn_text text = {0};
    cnn_text_format(&text, "fold,train_images,validation_images,test_images,threshold");
    for (int m = 0; m < CNN_METRIC_COUNT; m++) {
        cnn_text_format(&text, ",%s", cnn_metric_table[m].name);
    }
    for (int f = 0; f < result->pool->folds; f++) {
        const cnn_fold_result *fold = &result->folds[f];
        cnn_text_format(&text, "\n%d,%zu,%zu,%zu,", f + 1, fold->images[CNN_SPLIT_TRAIN],
                        fold->images[CNN_SPLIT_VALIDATION], fold->images[CNN_SPLIT_TEST]);
        cnn_text_number(&text, fold->threshold, "");
        for (int m = 0; m < CNN_METRIC_COUNT; m++) {
            cnn_text_append(&text, ",", 1);
            cnn_text_number(&text, cnn_metric_value(&fold->test, (cnn_metric_id)m), "");
        }
    }
    cnn_text_append(&text, "\n", 1);
    return write_text(directory->folds_table, &text, error);
}

int cnn_folds_predicted(const cnn_folds_result *result, size_t i) {
    double threshold = result->folds[result->pool->fold[i]].threshold;
    return cnn_probability(result->logits[i]) >= (float)threshold;
}

cnn_status cnn_folds_write_predictions(const cnn_run_directory *directory,
                                       const cnn_folds_result *result, cnn_error *error) {
    const cnn_dataset *dataset = result->pool->dataset;
    cnn_text text = {0};
    cnn_text_format(&text, "path,label,predicted,probability,fold\n");
    for (size_t i = 0; i < dataset->count; i++) {
        cnn_text_csv_field(&text, dataset->samples[i].path);
        cnn_text_append(&text, ",", 1);
        cnn_text_csv_field(&text, dataset->classes[dataset->samples[i].label]);
        cnn_text_append(&text, ",", 1);
        cnn_text_csv_field(&text, dataset->classes[cnn_folds_predicted(result, i)]);
        cnn_text_append(&text, ",", 1);
        cnn_text_float(&text, cnn_probability(result->logits[i]));
        cnn_text_format(&text, ",%d\n", result->pool->fold[i] + 1);
    }
    return write_text(directory->file[CNN_RUN_PREDICTIONS], &text, error);
}

/* --- the summary --- */

/* "mean":{"loss":…} over the folds, and the deviation of one fold (dividing by folds - 1). */
static void add_mean_and_deviation(cnn_json_writer *json, const cnn_folds_result *result) {
    int folds = result->pool->folds;
    double mean[CNN_METRIC_COUNT], deviation[CNN_METRIC_COUNT];
    for (int m = 0; m < CNN_METRIC_COUNT; m++) {
        double sum = 0.0, squares = 0.0;
        for (int f = 0; f < folds; f++) {
            sum += cnn_metric_value(&result->folds[f].test, (cnn_metric_id)m);
        }
        mean[m] = sum / folds;
        for (int f = 0; f < folds; f++) {
            double d = cnn_metric_value(&result->folds[f].test, (cnn_metric_id)m) - mean[m];
            squares += d * d;
        }
        deviation[m] = sqrt(squares / (folds - 1));
    }
    for (int which = 0; which < 2; which++) {
        cnn_json_begin_object(cnn_json_key(json, which == 0 ? "mean" : "deviation"));
        for (int m = 0; m < CNN_METRIC_COUNT; m++) {
            cnn_json_number(cnn_json_key(json, cnn_metric_table[m].name),
                            which == 0 ? mean[m] : deviation[m]);
        }
        cnn_json_end(json);
    }
}

cnn_status cnn_folds_write_summary(const cnn_run_directory *directory,
                                   const cnn_folds_result *result, cnn_error *error) {
    const cnn_dataset *dataset = result->pool->dataset;
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    cnn_json_string(cnn_json_key(&json, "version"), CNN_VERSION);
    cnn_json_begin_array(cnn_json_key(&json, "classes"));
    cnn_json_string(&json, dataset->classes[0]);
    cnn_json_string(&json, dataset->classes[1]);
    cnn_json_end(&json);
    cnn_json_integer(cnn_json_key(&json, "folds"), result->pool->folds);
    cnn_json_integer(cnn_json_key(&json, "parameters"), (int64_t)result->parameters);
    add_mean_and_deviation(&json, result);
    cnn_metrics_json(cnn_json_key(&json, "pooled"), &result->pooled);
    cnn_json_integer(cnn_json_key(&json, "bad_images"), (int64_t)dataset->bad_images);
    cnn_json_end(&json);
    cnn_text_append(&text, "\n", 1);
    return write_text(directory->file[CNN_RUN_SUMMARY], &text, error);
}
