/* k-fold cross-validation: a set of runs, one for each fold, which trains on the other folds and is
 * tested on this one; then all predictions together. */
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/evaluate.h"
#include "run/fold_images.h"
#include "run/moved_images.h"
#include "run/run_set.h"
#include "run/setup.h"
#include "run/summary.h"

#include "cnn/train.h"

#include <string.h>

typedef struct validation {
    cnn_config config; /* owned by the caller; once images are loaded, with the names of their
                        * classes: a view, of which nothing is freed */
    const cnn_cross_validation_options *options;
    cnn_fold_images images;
} validation;

/* --- a fold as a member of a set --- */

static const cnn_config *resolved_config(const void *context) {
    const validation *v = context;
    return &v->config;
}

static void plan_epochs(void *context, int64_t epochs) {
    validation *v = context;
    v->config.train.epochs = epochs;
}

/* All folds have the same config. */
static const cnn_config *fold_config(const void *context, int fold) {
    (void)fold;
    return resolved_config(context);
}

static cnn_status load_images(void *context, cnn_error *error) {
    validation *v = context;
    CNN_TRY(cnn_fold_images_load(&v->config, &v->options->train.common, v->options->folds,
                                 &v->images, error));
    v->config = cnn_setup_config(&v->config, v->images.dataset);
    return CNN_OK;
}

static void describe_folds(const void *context, cnn_text *text) {
    const validation *v = context;
    cnn_table_split(v->images.dataset, v->images.fold, text);
}

static cnn_status follow_folds(void *context, const char *table, cnn_text *difference,
                               cnn_error *error) {
    validation *v = context;
    CNN_TRY(cnn_moved_images_follow(table, v->images.dataset, v->images.fold, difference, error));
    return difference->length > 0
               ? CNN_OK
               : cnn_table_update_split(table, v->images.dataset, v->images.fold, error);
}

static cnn_status prepare_fold(void *context, int fold, cnn_member *member, cnn_error *error) {
    validation *v = context;
    *member = (cnn_member){.config = &v->config, .images = v->images.dataset, .fold = true};
    CNN_TRY(cnn_fold_images_choose(&v->images, &v->config, fold, error));
    return cnn_fold_images_stretch(&v->images, &v->config, error);
}

/* --- testing the folds' models --- */

/* The predictions of the models of all folds. */
typedef struct fold_results {
    cnn_fold_row *rows; /* [folds] */
    double *thresholds; /* [folds] */
    float *logits;      /* [images], each by the model that was not trained on the image */
    float *fold_logits; /* [images], used for one fold at a time */
    size_t parameters;
} fold_results;

/* Runs the images of the chosen fold through its model. */
static cnn_status test_fold(const validation *v, int fold, const cnn_model *model,
                            cnn_minibatch *minibatch, fold_results *results, cnn_error *error) {
    const cnn_dataset *dataset = v->images.dataset;
    cnn_fold_row *row = &results->rows[fold - 1];
    cnn_setup setup = {.dataset = v->images.dataset,
                       .network = model->network,
                       .info = model->info,
                       .threads = cnn_setup_threads(v->options->train.common.threads)};
    cnn_pixel_table_fill(setup.info.mean, setup.info.deviation, &setup.table);
    cnn_minibatch_prepare(minibatch, model->parameters);
    CNN_TRY(cnn_evaluate(&setup, minibatch, model->parameters, CNN_SPLIT_TEST, results->fold_logits,
                         &row->test, error));
    for (size_t i = 0; i < dataset->split_count[CNN_SPLIT_TEST]; i++) {
        results->logits[dataset->split[CNN_SPLIT_TEST][i]] = results->fold_logits[i];
    }
    row->threshold = results->thresholds[fold - 1] = model->info.threshold;
    memcpy(row->images, dataset->split_count, sizeof row->images);
    results->parameters =
        v->images.start ? v->images.start->graph.parameter_count : model->network->parameter_count;
    return CNN_OK;
}

/* Checks that the model fits the images. It does unless its file was replaced. */
static cnn_status check_images(const validation *v, const char *path, const cnn_model *model,
                               cnn_error *error) {
    const cnn_image_settings *found = &model->config->image;
    const cnn_image_settings *expected = &v->config.image;
    if (found->width == expected->width && found->height == expected->height &&
        found->channels == expected->channels) {
        return found->range == expected->range && found->alpha == expected->alpha
                   ? CNN_OK
                   : cnn_fail(error, CNN_ERROR_MODEL,
                              "%s: expected a model with the image.range and image.alpha of the "
                              "config, found one with others",
                              path);
    }
    return cnn_fail(
        error, CNN_ERROR_MODEL,
        "%s: expected a model for images of %lld x %lld x %lld, as in the config, found "
        "one for %lld x %lld x %lld",
        path, (long long)expected->width, (long long)expected->height,
        (long long)expected->channels, (long long)found->width, (long long)found->height,
        (long long)found->channels);
}

static cnn_status test_model(const validation *v, int fold, const char *path, fold_results *results,
                             cnn_error *error) {
    const cnn_kernels *kernels = NULL;
    cnn_model *model = NULL;
    cnn_minibatch *minibatch = NULL;
    cnn_status status = cnn_kernels_choose(&kernels, error);
    if (status == CNN_OK) {
        status = cnn_model_read(path, kernels, &model, error);
    }
    if (status == CNN_OK) {
        status = check_images(v, path, model, error);
    }
    if (status == CNN_OK && cnn_start_is_frozen(v->images.start)) {
        status = cnn_start_take_trained(v->images.start, path, kernels, model, error);
    }
    if (status == CNN_OK) {
        status = cnn_fold_images_see(&v->images, &v->config, &model->config->image.ends, error);
    }
    if (status == CNN_OK) {
        status = cnn_minibatch_create(model->network, 0,
                                      cnn_setup_threads(v->options->train.common.threads),
                                      &minibatch, error);
    }
    if (status == CNN_OK) {
        status = test_fold(v, fold, model, minibatch, results, error);
    }
    cnn_minibatch_free(minibatch);
    cnn_model_free(model);
    return status;
}

/* Tests all folds by their model files, so that folds trained by other processes are treated like
 * those of this one. */
static cnn_status test_folds(const validation *v, const cnn_run_directory *directory,
                             fold_results *results, cnn_error *error) {
    for (int fold = 1; fold <= v->images.folds; fold++) {
        cnn_run_directory of_fold = {0};
        char *path = cnn_run_fold_path(directory->path, fold);
        cnn_status status = path ? cnn_run_directory_name(path, &of_fold, error)
                                 : cnn_fail_memory(error, directory->path);
        if (status == CNN_OK) {
            status = cnn_fold_images_choose(&v->images, &v->config, fold, error);
        }
        if (status == CNN_OK) {
            status = test_model(v, fold, of_fold.file[CNN_RUN_MODEL], results, error);
        }
        cnn_free(path);
        cnn_run_directory_free(&of_fold);
        CNN_TRY(status);
    }
    return CNN_OK;
}

/* --- measuring --- */

/* Measures scores, with intervals. */
static cnn_status measure(const float *logits, const uint8_t *labels, size_t count, int threads,
                          cnn_measured *measured, cnn_error *error) {
    cnn_scores scores;
    cnn_status status = cnn_scores_from_logits(logits, labels, count, 1.0, 0.5, &scores, error);
    if (status == CNN_OK) {
        cnn_metrics_measure(&scores, NULL, &measured->metrics);
        status =
            cnn_intervals_measure(&scores, &measured->metrics, threads, measured->intervals, error);
    }
    cnn_scores_free(&scores);
    return status;
}

/* The model of each fold has its own threshold: metrics that need a threshold are measured on the
 * decisions, the others on the probabilities. Resamples are of the same images for both. */
static cnn_status measure_both(const float *decisions, const float *logits, const uint8_t *labels,
                               size_t count, int threads, cnn_measured *pooled, cnn_error *error) {
    cnn_measured probabilities;
    CNN_TRY(measure(decisions, labels, count, threads, pooled, error));
    CNN_TRY(measure(logits, labels, count, threads, &probabilities, error));
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        size_t offset = cnn_metric_table[id].offset;
        if (!cnn_metric_table[id].needs_threshold) {
            memcpy((char *)&pooled->metrics + offset, (const char *)&probabilities.metrics + offset,
                   sizeof(double));
            pooled->intervals[id] = probabilities.intervals[id];
        }
    }
    return CNN_OK;
}

/* Measures all predictions together. */
static cnn_status measure_pooled(const validation *v, const cnn_predictions *predictions,
                                 cnn_measured *pooled, cnn_error *error) {
    const cnn_dataset *dataset = v->images.dataset;
    uint8_t *labels = cnn_alloc(dataset->count, sizeof *labels);
    float *decisions = cnn_alloc(dataset->count, sizeof *decisions);
    bool complete = labels && decisions;
    for (size_t i = 0; i < dataset->count && complete; i++) {
        labels[i] = (uint8_t)dataset->samples[i].label;
        decisions[i] = cnn_predictions_positive(predictions, i) ? 1.0f : -1.0f;
    }
    cnn_status status =
        complete ? measure_both(decisions, predictions->logits, labels, dataset->count,
                                cnn_setup_threads(v->options->train.common.threads), pooled, error)
                 : cnn_fail_memory(error, "metrics");
    cnn_free(labels);
    cnn_free(decisions);
    return status;
}

/* --- the results --- */

/* Writes all results, the summary last. */
static cnn_status write_results(const validation *v, const cnn_run_directory *directory,
                                fold_results *results, cnn_error *error) {
    const cnn_dataset *dataset = v->images.dataset;
    CNN_TRY(test_folds(v, directory, results, error));
    const cnn_predictions predictions = {.dataset = dataset,
                                         .count = dataset->count,
                                         .logits = results->logits,
                                         .thresholds = results->thresholds,
                                         .fold = v->images.fold};
    cnn_folds_summary summary = {
        .rows = results->rows, .folds = v->images.folds, .parameters = results->parameters};
    CNN_TRY(measure_pooled(v, &predictions, &summary.pooled, error));
    CNN_TRY(cnn_table_write_folds(directory->folds_table, results->rows, v->images.folds, error));
    CNN_TRY(cnn_table_write_predictions(directory->file[CNN_RUN_PREDICTIONS], &predictions, error));
    CNN_TRY(cnn_summary_write_folds(directory->file[CNN_RUN_SUMMARY], dataset, &summary, error));
    const cnn_metrics_column column = {"all folds", &summary.pooled};
    cnn_metrics_log(&v->options->train.common.log, &column, 1);
    return CNN_OK;
}

static cnn_status gather_folds(void *context, const cnn_run_directory *directory,
                               cnn_error *error) {
    const validation *v = context;
    size_t count = v->images.dataset->count;
    size_t folds = (size_t)v->images.folds;
    fold_results results = {.rows = cnn_alloc(folds, sizeof *results.rows),
                            .thresholds = cnn_alloc(folds, sizeof *results.thresholds),
                            .logits = cnn_alloc(count, sizeof *results.logits),
                            .fold_logits = cnn_alloc(count, sizeof *results.fold_logits)};
    bool complete = results.rows && results.thresholds && results.logits && results.fold_logits;
    cnn_status status = complete ? write_results(v, directory, &results, error)
                                 : cnn_fail_memory(error, "the results");
    cnn_free(results.rows);
    cnn_free(results.thresholds);
    cnn_free(results.logits);
    cnn_free(results.fold_logits);
    return status;
}

/* --- */

cnn_status cnn_cross_validate(const cnn_config *config, const cnn_cross_validation_options *options,
                              cnn_error *error) {
    static const cnn_set_kind kind = {.member = "fold",
                                      .whole = CNN_SESSION_SET,
                                      .part = CNN_SESSION_MEMBER,
                                      .table = CNN_RUN_SPLIT,
                                      .changed = "--folds or the images have changed since the run "
                                                 "was started (fold,path,label,group,content)",
                                      .config = fold_config,
                                      .path = cnn_run_fold_path,
                                      .load = load_images,
                                      .resolved = resolved_config,
                                      .plan = plan_epochs,
                                      .describe = describe_folds,
                                      .follow = follow_folds,
                                      .prepare = prepare_fold,
                                      .gather = gather_folds};
    validation v = {.config = *config, .options = options};
    const cnn_run_set set = {.kind = &kind,
                             .context = &v,
                             .count = options->folds,
                             .config = config,
                             .options = &options->train,
                             .member = options->member,
                             .gather = options->gather};
    cnn_status status = cnn_fold_images_check(config, error);
    if (status == CNN_OK) {
        status = cnn_run_set_run(&set, error);
    }
    cnn_fold_images_free(&v.images);
    return status;
}
