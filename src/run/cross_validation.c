/* k-fold cross-validation: a run for each fold, which trains on the other folds and is tested on
 * this one; then all predictions together. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/directory.h"
#include "run/evaluate.h"
#include "run/fold_files.h"
#include "run/pool.h"
#include "run/setup.h"
#include "run/training.h"

#include "cnn/train.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* The largest config.json that is read. */
#define CONFIG_LIMIT ((size_t)16 << 20)

typedef struct validation {
    cnn_config *config;
    const cnn_train_options *options;
    cnn_run_directory directory;
    cnn_pool pool;
    int fold;        /* at work, counted from 1 */
    double deadline; /* by now() */
} validation;

static double now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* --- what a fold's run says --- */

static void log_of_fold(void *user, cnn_log_level level, const char *line) {
    const validation *v = user;
    cnn_log_message(&v->options->log, level, "fold %d/%d: %s", v->fold, v->pool.folds, line);
}

/* The folds to come take as long as this one. */
static void progress_of_fold(void *user, const cnn_train_progress *progress) {
    const validation *v = user;
    cnn_train_progress whole = *progress;
    double images = (double)v->pool.dataset->split_count[CNN_SPLIT_TRAIN];
    whole.fold = v->fold;
    whole.folds = v->pool.folds;
    if (progress->images_per_second > 0.0) {
        whole.seconds_left += (double)(v->pool.folds - v->fold) * (double)progress->epochs *
                              images / progress->images_per_second;
    }
    v->options->progress(v->options->user, &whole);
}

static bool should_stop(void *user) {
    const validation *v = user;
    return v->options->should_stop && v->options->should_stop(v->options->user);
}

/* --- the directory --- */

static cnn_status check_directory(const validation *v, cnn_error *error) {
    bool has_checkpoint;
    cnn_run_mode mode = v->options->overwrite ? CNN_RUN_OVERWRITE
                        : v->options->resume  ? CNN_RUN_RESUME_FOLDS
                                              : CNN_RUN_NEW;
    return cnn_run_directory_check(&v->directory, mode, &has_checkpoint, error);
}

/* Keeps other runs out, and looks again: another may have come and gone. */
static cnn_status claim_directory(validation *v, cnn_error *error) {
    bool protected;
    cnn_status status = cnn_run_directory_claim(&v->directory, &protected, error);
    return status == CNN_OK ? check_directory(v, error) : status;
}

/* Is the directory ours to use? Asked before data is read. */
static cnn_status open_directory(validation *v, cnn_error *error) {
    const char *output = v->options->output ? v->options->output : v->config->output;
    if (!output) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "output: missing; the run directory, in the config or as --out DIR");
    }
    cnn_status status = cnn_run_directory_open(output, &v->directory, error);
    if (status == CNN_OK) {
        status = check_directory(v, error);
    }
    if (status == CNN_OK && cnn_folder_exists(v->directory.path)) {
        status = claim_directory(v, error);
    }
    return status;
}

/* *begun: the folds of this directory are chosen. Compares the config they were chosen by. */
static cnn_status has_begun(const validation *v, bool *begun, cnn_error *error) {
    const char *path = v->directory.file[CNN_RUN_CONFIG];
    char *then = NULL;
    char *now = NULL;
    size_t size;
    char difference[256];
    *begun = false;
    cnn_status status = CNN_OK;
    if (v->options->resume) {
        status = cnn_run_has_file(&v->directory, CNN_RUN_SPLIT, begun, error);
    }
    if (status != CNN_OK || !*begun) {
        return status;
    }
    status = cnn_file_read(path, CONFIG_LIMIT, CNN_ERROR_RUNTIME, &then, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    now = cnn_config_to_json(v->config);
    status = now ? cnn_config_difference(then, now, difference, error)
                 : cnn_fail_memory(error, "the config");
    if (status == CNN_OK && difference[0]) {
        status = cnn_fail(error, CNN_ERROR_CONFIG,
                          "%s: cannot resume: the config has changed since the run was started: %s",
                          v->directory.path, difference);
    }
    cnn_free(then);
    cnn_free(now);
    return status;
}

/* Has every fold finished, and was it made use of? Needs no data. */
static cnn_status is_finished(const validation *v, bool *finished, cnn_error *error) {
    cnn_status status = cnn_run_has_file(&v->directory, CNN_RUN_SUMMARY, finished, error);
    for (int fold = 1; fold <= v->options->folds && status == CNN_OK && *finished; fold++) {
        char *path = cnn_run_fold_path(v->directory.path, fold);
        status = path ? cnn_train_is_finished(path, v->config, finished, error)
                      : cnn_fail_memory(error, v->directory.path);
        cnn_free(path);
    }
    if (status == CNN_OK && *finished) { /* not where more folds were asked for then */
        char *path = cnn_run_fold_path(v->directory.path, v->options->folds + 1);
        *finished = path && !cnn_folder_exists(path);
        status = path ? CNN_OK : cnn_fail_memory(error, v->directory.path);
        cnn_free(path);
    }
    return status;
}

static cnn_status write_config(const validation *v, cnn_error *error) {
    char *json = cnn_config_to_json(v->config);
    cnn_status status =
        json ? cnn_file_write(v->directory.file[CNN_RUN_CONFIG], json, strlen(json), error)
             : cnn_fail_memory(error, "the config");
    cnn_free(json);
    return status;
}

/* Starts: the table of folds comes last, so that where it is there, all else is. */
static cnn_status start(const validation *v, cnn_error *error) {
    cnn_text text = {0};
    cnn_status status = cnn_run_directory_clear(&v->directory, error);
    if (status == CNN_OK) {
        status = write_config(v, error);
    }
    cnn_folds_describe(&v->pool, &text);
    if (status == CNN_OK) {
        status = text.failed ? cnn_fail_memory(error, "folds")
                             : cnn_file_write(v->directory.file[CNN_RUN_SPLIT], text.data,
                                              text.length, error);
    }
    cnn_text_free(&text);
    return status;
}

/* Goes on: the same images must be in the same folds. */
static cnn_status resume(const validation *v, cnn_error *error) {
    cnn_text text = {0};
    cnn_text difference = {0};
    cnn_folds_describe(&v->pool, &text);
    cnn_status status =
        cnn_run_compare_table(v->directory.file[CNN_RUN_SPLIT], &text, &difference, error);
    if (status == CNN_OK && difference.length > 0) {
        status = cnn_fail(error, CNN_ERROR_CONFIG,
                          "%s: cannot resume: --folds or the images have changed since the run was "
                          "started (fold,path,label,group,content): %s",
                          v->directory.path, difference.data);
    }
    cnn_text_free(&difference);
    cnn_text_free(&text);
    if (status == CNN_OK) {
        status = cnn_run_remove(&v->directory, CNN_RUN_SUMMARY, error);
    }
    return status == CNN_OK ? write_config(v, error) : status;
}

static cnn_status start_or_resume(validation *v, bool begun, cnn_error *error) {
    cnn_status status = CNN_OK;
    if (!v->directory.claimed) { /* it was not there */
        status = cnn_folder_make(v->directory.path, error);
        if (status == CNN_OK) {
            status = claim_directory(v, error);
        }
    }
    if (status != CNN_OK) {
        return status;
    }
    return begun ? resume(v, error) : start(v, error);
}

/* --- the folds --- */

/* The run of one fold; goes on where it was begun, and leaves it alone where it is finished. */
static cnn_status train_fold(validation *v, cnn_error *error) {
    char *path = cnn_run_fold_path(v->directory.path, v->fold);
    if (!path) {
        return cnn_fail_memory(error, v->directory.path);
    }
    cnn_train_options options = *v->options;
    options.output = path;
    options.resume = true;
    options.overwrite = false;
    options.log = (cnn_log_sink){.write = log_of_fold, .user = v};
    options.progress = v->options->progress ? progress_of_fold : NULL;
    options.should_stop = should_stop;
    options.user = v;
    if (options.max_seconds > 0.0) { /* the folds to come share what is left */
        options.max_seconds = fmax(v->deadline - now(), 1e-3) / (v->pool.folds - v->fold + 1);
    }
    cnn_status status =
        cnn_dataset_choose_fold(v->pool.dataset, &v->config->data, (uint64_t)v->config->train.seed,
                                v->pool.fold, v->fold - 1, error);
    if (status == CNN_OK) {
        status = cnn_train_on(v->pool.dataset, v->config, &options, error);
        if (status != CNN_OK) {
            status = cnn_fail_prefix(error, status, "fold %d/%d: ", v->fold, v->pool.folds);
        }
    }
    cnn_free(path);
    return status;
}

/* Runs the images of a fold through its model. logits: [images of the pool], of which the fold's
 * are filled in. scratch: as large. */
static cnn_status test_fold(const validation *v, const cnn_model *model, float *scratch,
                            float *logits, cnn_fold_result *result, cnn_error *error) {
    const cnn_dataset *dataset = v->pool.dataset;
    cnn_setup setup = {.dataset = v->pool.dataset,
                       .network = model->network,
                       .info = model->info,
                       .threads = cnn_setup_threads(v->options->threads)};
    cnn_minibatch *minibatch = NULL;
    cnn_pixel_table_fill(setup.info.mean, setup.info.deviation, &setup.table);
    cnn_status status = cnn_minibatch_create(model->network, 0, setup.threads, &minibatch, error);
    if (status == CNN_OK) {
        cnn_minibatch_prepare(minibatch, model->parameters);
        status = cnn_evaluate(&setup, minibatch, model->parameters, CNN_SPLIT_TEST, scratch,
                              &result->test, error);
    }
    for (size_t i = 0; i < dataset->split_count[CNN_SPLIT_TEST] && status == CNN_OK; i++) {
        logits[dataset->split[CNN_SPLIT_TEST][i]] = scratch[i];
    }
    result->threshold = model->info.threshold;
    memcpy(result->images, dataset->split_count, sizeof result->images);
    cnn_minibatch_free(minibatch);
    return status;
}

/* Tests all folds by their model files, so that folds of an earlier run count like those of this
 * one. */
static cnn_status test_folds(validation *v, float *logits, cnn_fold_result *results,
                             size_t *parameters, cnn_error *error) {
    const cnn_kernels *kernels = NULL;
    float *scratch = cnn_alloc(v->pool.dataset->count, sizeof *scratch);
    cnn_status status =
        scratch ? cnn_kernels_choose(&kernels, error) : cnn_fail_memory(error, "an evaluation");
    for (v->fold = 1; v->fold <= v->pool.folds && status == CNN_OK; v->fold++) {
        cnn_run_directory directory;
        cnn_model *model = NULL;
        char *path = cnn_run_fold_path(v->directory.path, v->fold);
        status = path ? cnn_run_directory_open(path, &directory, error)
                      : cnn_fail_memory(error, v->directory.path);
        cnn_free(path);
        if (status != CNN_OK) {
            break;
        }
        status = cnn_model_read(directory.file[CNN_RUN_MODEL], kernels, &model, error);
        if (status == CNN_OK) {
            status = cnn_dataset_choose_fold(v->pool.dataset, &v->config->data,
                                             (uint64_t)v->config->train.seed, v->pool.fold,
                                             v->fold - 1, error);
        }
        if (status == CNN_OK) {
            *parameters = model->network->parameter_count;
            status = test_fold(v, model, scratch, logits, &results[v->fold - 1], error);
        }
        cnn_model_free(model);
        cnn_run_directory_close(&directory);
    }
    cnn_free(scratch);
    return status;
}

/* Measures scores, with intervals. */
static cnn_status measure(const float *logits, const uint8_t *labels, size_t count, int threads,
                          cnn_measured *measured, cnn_error *error) {
    cnn_scores scores;
    cnn_status status = cnn_scores_from_logits(logits, labels, count, 1.0, 0.5, &scores, error);
    if (status == CNN_OK) {
        cnn_metrics_measure(&scores, NULL, &measured->metrics);
        status = cnn_bootstrap(&scores, CNN_BOOTSTRAP_SEED, threads, measured->intervals, error);
    }
    cnn_scores_free(&scores);
    return status;
}

/* Measures all predictions together. Each fold's model has a threshold of its own, so that what
 * depends on it is measured on the decisions, and the rest on the probabilities; the bootstrap
 * draws the same images for both. */
static cnn_status measure_pooled(const validation *v, cnn_folds_result *result, cnn_error *error) {
    const cnn_dataset *dataset = v->pool.dataset;
    int threads = cnn_setup_threads(v->options->threads);
    cnn_measured probabilities;
    uint8_t *labels = cnn_alloc(dataset->count, sizeof *labels);
    float *decisions = cnn_alloc(dataset->count, sizeof *decisions);
    cnn_status status = labels && decisions ? CNN_OK : cnn_fail_memory(error, "metrics");
    for (size_t i = 0; i < dataset->count && status == CNN_OK; i++) {
        labels[i] = (uint8_t)dataset->samples[i].label;
        decisions[i] = cnn_folds_predicted(result, i) ? 1.0f : -1.0f;
    }
    if (status == CNN_OK) {
        status = measure(decisions, labels, dataset->count, threads, &result->pooled, error);
    }
    if (status == CNN_OK) {
        status = measure(result->logits, labels, dataset->count, threads, &probabilities, error);
    }
    for (int id = 0; id < CNN_METRIC_COUNT && status == CNN_OK; id++) {
        size_t offset = cnn_metric_table[id].offset;
        if (!cnn_metric_table[id].needs_threshold) {
            memcpy((char *)&result->pooled.metrics + offset,
                   (const char *)&probabilities.metrics + offset, sizeof(double));
            result->pooled.intervals[id] = probabilities.intervals[id];
        }
    }
    cnn_free(labels);
    cnn_free(decisions);
    return status;
}

/* Measures all folds, and writes what came of it; the summary last. */
static cnn_status finish(validation *v, cnn_error *error) {
    float *logits = cnn_alloc(v->pool.dataset->count, sizeof *logits);
    cnn_fold_result *results = cnn_alloc((size_t)v->pool.folds, sizeof *results);
    cnn_folds_result result = {.pool = &v->pool, .folds = results, .logits = logits};
    cnn_status status = logits && results
                            ? test_folds(v, logits, results, &result.parameters, error)
                            : cnn_fail_memory(error, "the results");
    if (status == CNN_OK) {
        status = measure_pooled(v, &result, error);
    }
    if (status == CNN_OK) {
        status = cnn_folds_write_table(&v->directory, &result, error);
    }
    if (status == CNN_OK) {
        status = cnn_folds_write_predictions(&v->directory, &result, error);
    }
    if (status == CNN_OK) {
        status = cnn_folds_write_summary(&v->directory, &result, error);
    }
    if (status == CNN_OK) {
        const cnn_metrics_column column = {"all folds", &result.pooled};
        cnn_metrics_log(&v->options->log, &column, 1);
    }
    cnn_free(logits);
    cnn_free(results);
    return status;
}

/* --- */

cnn_status cnn_cross_validate(cnn_config *config, const cnn_train_options *options,
                              cnn_error *error) {
    validation v = {.config = config,
                    .options = options,
                    .directory = {.lock = {.file = -1}},
                    .deadline = now() + options->max_seconds};
    bool begun = false;
    bool finished = false;
    cnn_status status = cnn_pool_check_config(config, error);
    if (status == CNN_OK) {
        status = open_directory(&v, error);
    }
    if (status == CNN_OK) {
        status = has_begun(&v, &begun, error);
    }
    if (status == CNN_OK && begun) {
        status = is_finished(&v, &finished, error);
    }
    if (status != CNN_OK || finished) {
        goto done;
    }
    status = cnn_pool_load(config, options, &v.pool, error);
    if (status == CNN_OK) {
        status = cnn_setup_name_classes(config, v.pool.dataset, error);
    }
    if (status == CNN_OK) {
        status = start_or_resume(&v, begun, error);
    }
    for (v.fold = 1; v.fold <= v.pool.folds && status == CNN_OK; v.fold++) {
        status = train_fold(&v, error);
    }
    if (status == CNN_OK) {
        status = finish(&v, error);
    }
done:
    if (status == CNN_OK && finished) {
        cnn_log_message(&options->log, CNN_LOG_INFO, "%s: finished already, nothing to do",
                        v.directory.path);
    }
    cnn_run_directory_close(&v.directory);
    cnn_pool_free(&v.pool);
    return status;
}
