/* Training: data, network and run directory in; epochs of batches; models, metrics and a checkpoint
 * out. */
#include "cnn/train.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "nn/step.h"
#include "run/checkpoint.h"
#include "run/directory.h"
#include "run/evaluate.h"
#include "run/memory_plan.h"
#include "run/moved_images.h"
#include "run/own_config.h"
#include "run/training.h"
#include "run/training_settings.h"
#include "run/tune.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct trainer {
    cnn_config *config;
    const cnn_train_options *options;
    cnn_setup setup;
    cnn_split predicted; /* what predictions.csv tells of */
    cnn_minibatch *minibatch;
    cnn_optimizer optimizer;
    cnn_schedule schedule;
    cnn_run_directory directory;
    char *config_json;
    bool synced;           /* are the files that a run starts with on disk? */
    double checkpoint_due; /* the next one inside an epoch, by now() */
    double deadline;       /* of --max-seconds, by now(); infinite where there is none */
    size_t left_out; /* images of the last epoch that --max-seconds did not leave time for; 0: it is
                      * whole */

    cnn_checkpoint_values values;
    size_t *order;   /* [training images] */
    float *logits;   /* [the largest split, or a batch] */
    uint8_t *labels; /* [batch_size] */
    cnn_checkpoint_state state;
} trainer;

static double now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static size_t training_images(const trainer *t) {
    return t->setup.dataset->split_count[CNN_SPLIT_TRAIN];
}

static int64_t batches_per_epoch(const trainer *t) {
    int64_t images = (int64_t)training_images(t);
    return (images + t->config->train.batch_size - 1) / t->config->train.batch_size;
}

static int64_t steps_done(const trainer *t) {
    return t->state.epochs * batches_per_epoch(t) + t->state.batches;
}

/* The weights that are evaluated and kept: the average, where there is one. */
static float *kept_parameters(const trainer *t) {
    return t->values.average_count > 0 ? t->values.average : t->values.parameters;
}

/* Does a run that stands there end before its last epoch? */
static bool stops_early(const cnn_config *config, const cnn_checkpoint_state *state) {
    return state->epochs < config->train.epochs &&
           cnn_best_epoch_is_over(&config->train.early_stopping, state->epochs, &state->best);
}

/* --- setting up --- */

static cnn_status allocate(trainer *t, cnn_error *error) {
    cnn_memory_plan plan = cnn_memory_plan_make(t->config, &t->setup);
    cnn_status status = cnn_memory_plan_check(&plan, t->setup.threads, error);
    if (status != CNN_OK) {
        return status;
    }
    const cnn_dataset *dataset = t->setup.dataset;
    size_t batch_size = (size_t)t->config->train.batch_size;
    size_t most = batch_size;
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        most = dataset->split_count[split] > most ? dataset->split_count[split] : most;
    }
    cnn_checkpoint_values *values = &t->values;
    values->parameter_count = t->setup.network->parameter_count;
    values->state_count = cnn_optimizer_state_size(&t->optimizer) * values->parameter_count;
    values->average_count = t->config->train.ema_decay > 0.0 ? values->parameter_count : 0;
    values->parameters = cnn_alloc(values->parameter_count, sizeof(float));
    values->best_parameters = cnn_alloc(values->parameter_count, sizeof(float));
    values->optimizer_state = cnn_alloc(values->state_count, sizeof(float));
    values->average = cnn_alloc(values->average_count, sizeof(float));
    t->order = cnn_alloc(training_images(t), sizeof *t->order);
    t->logits = cnn_alloc(most, sizeof *t->logits);
    t->labels = cnn_alloc(batch_size, sizeof *t->labels);
    t->config_json = cnn_config_to_json(t->config);
    if (!values->parameters || !values->best_parameters || !values->optimizer_state ||
        !values->average || !t->order || !t->logits || !t->labels || !t->config_json) {
        return cnn_fail_memory(error, "training");
    }
    size_t images = training_images(t) < batch_size ? training_images(t) : batch_size;
    status = cnn_minibatch_create(t->setup.network, images, t->setup.threads, &t->minibatch, error);
    if (status == CNN_OK) {
        cnn_objective objective = cnn_settings_objective(t->config, dataset);
        cnn_minibatch_set_objective(t->minibatch, &objective);
        t->schedule = cnn_settings_schedule(t->config, training_images(t));
    }
    return status;
}

static void release(trainer *t) {
    cnn_minibatch_free(t->minibatch);
    cnn_free(t->values.parameters);
    cnn_free(t->values.best_parameters);
    cnn_free(t->values.optimizer_state);
    cnn_free(t->values.average);
    cnn_free(t->order);
    cnn_free(t->logits);
    cnn_free(t->labels);
    cnn_free(t->config_json);
    cnn_run_directory_close(&t->directory);
    cnn_setup_free(&t->setup);
}

/* --- files of the run --- */

static cnn_status write_model(const trainer *t, cnn_run_file file, const float *parameters,
                              cnn_error *error) {
    return cnn_model_write(t->directory.file[file], t->config, &t->setup.info, t->setup.network,
                           parameters, error);
}

static cnn_status write_checkpoint(trainer *t, cnn_error *error) {
    if (!t->synced) { /* a run that can be resumed has all its files */
        cnn_status status = cnn_run_sync(&t->directory, error);
        if (status != CNN_OK) {
            return status;
        }
        t->synced = true;
    }
    cnn_status status = cnn_checkpoint_write(t->directory.file[CNN_RUN_CHECKPOINT], &t->state,
                                             t->config_json, &t->values, error);
    t->checkpoint_due = now() + t->config->train.checkpoint_seconds;
    return status;
}

/* Starts from the seed's weights. */
static cnn_status start(trainer *t, cnn_error *error) {
    cnn_status status = cnn_run_directory_clear(&t->directory, error);
    if (status != CNN_OK) {
        return status;
    }
    cnn_network_initialize(t->setup.network, (uint64_t)t->config->train.seed, t->values.parameters);
    memcpy(t->values.average, t->values.parameters,
           t->values.average_count * sizeof *t->values.average);
    t->state.best = cnn_best_epoch_none();
    t->state.train_loss = t->state.train_accuracy = (double)NAN;
    status = cnn_file_write_unsynced(t->directory.file[CNN_RUN_CONFIG], t->config_json,
                                     strlen(t->config_json), error);
    if (status == CNN_OK) {
        status = cnn_run_write_split(&t->directory, t->setup.dataset, error);
    }
    if (status == CNN_OK) {
        status = cnn_run_start_metrics(&t->directory, 0, error);
    }
    return status;
}

static cnn_status fail_other_images(const trainer *t, const char *difference, cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "%s: cannot resume: the images have changed since the run was started: %s",
                    t->directory.path, difference);
}

/* Brings the images into the order that they had when the run was started, wherever they are now.
 */
static cnn_status follow_moved_images(trainer *t, cnn_error *error) {
    cnn_text difference;
    cnn_status status = cnn_moved_images_follow(t->directory.file[CNN_RUN_SPLIT], t->setup.dataset,
                                                NULL, &difference, error);
    if (status == CNN_OK && difference.length > 0) {
        status = fail_other_images(t, difference.data, error);
    }
    cnn_text_free(&difference);
    t->state.data = cnn_dataset_fingerprint(t->setup.dataset);
    return status;
}

/* Reads state and values. The images must be those of the run; not in the same order, unless they
 * are the caller's, of which other runs have the order. */
static cnn_status read_checkpoint(trainer *t, cnn_error *error) {
    const char *path = t->directory.file[CNN_RUN_CHECKPOINT];
    bool same_data;
    CNN_TRY(cnn_checkpoint_read(path, t->config_json, &t->state, &t->values, &same_data, error));
    if (!same_data && !t->setup.borrowed) {
        CNN_TRY(follow_moved_images(t, error));
        CNN_TRY(
            cnn_checkpoint_read(path, t->config_json, &t->state, &t->values, &same_data, error));
    }
    return same_data ? CNN_OK
                     : fail_other_images(t, "split.csv is not the one of checkpoint.bin", error);
}

/* The models are those of the checkpoint, even where a run ended between the two, or one was lost.
 */
static cnn_status restore_models(const trainer *t, cnn_error *error) {
    if (t->state.epochs == 0) {
        return CNN_OK;
    }
    cnn_status status = write_model(t, CNN_RUN_MODEL, t->values.best_parameters, error);
    if (status == CNN_OK && t->state.batches == 0) {
        status = write_model(t, CNN_RUN_LAST, kept_parameters(t), error);
    }
    return status;
}

/* Goes on from the checkpoint. Nothing is changed before all of it is known to fit. */
static cnn_status resume(trainer *t, cnn_error *error) {
    t->synced = true; /* by the first checkpoint */
    cnn_status status = read_checkpoint(t, error);
    if (status == CNN_OK && t->state.batches > batches_per_epoch(t)) {
        status = cnn_fail(error, CNN_ERROR_MODEL,
                          "%s: damaged: expected at most %lld batches in an epoch, found %lld",
                          t->directory.file[CNN_RUN_CHECKPOINT], (long long)batches_per_epoch(t),
                          (long long)t->state.batches);
    }
    int64_t direct_only = t->setup.network->direct_only;
    if (status == CNN_OK && t->state.direct_only != direct_only) {
        static const char *const names[] = {"auto", "direct"};
        status = cnn_fail(error, CNN_ERROR_CONFIG,
                          "%s: cannot resume: the environment's CNN_CONV was %s when the run was "
                          "started, is %s now, and rounds otherwise",
                          t->directory.path, names[t->state.direct_only != 0], names[direct_only]);
    }
    if (status == CNN_OK && t->state.epochs > t->config->train.epochs) {
        status = cnn_fail(error, CNN_ERROR_CONFIG,
                          "train.epochs: expected at least the %lld that %s has finished, got %lld",
                          (long long)t->state.epochs, t->directory.path,
                          (long long)t->config->train.epochs);
    }
    if (status == CNN_OK) {
        status = cnn_run_start_metrics(&t->directory, t->state.epochs, error);
    }
    if (status == CNN_OK) {
        status = cnn_run_remove(&t->directory, CNN_RUN_SUMMARY, error);
    }
    if (status == CNN_OK) {
        status = restore_models(t, error);
    }
    if (status == CNN_OK) { /* the images' paths may be others now */
        status = cnn_run_update_split(&t->directory, t->setup.dataset, error);
    }
    if (status == CNN_OK) { /* a larger train.epochs is part of the run from now on */
        status = cnn_file_write(t->directory.file[CNN_RUN_CONFIG], t->config_json,
                                strlen(t->config_json), error);
    }
    return status;
}

/* --- epochs --- */

/* The epoch that model.bin is of. */
static int64_t model_epoch(const trainer *t) {
    return t->config->train.early_stopping.restore ? t->state.best.epoch : t->state.epochs;
}

/* what: what is no number any more. batch 0: seen at the epoch's end. */
static cnn_status fail_diverged(const trainer *t, int64_t batch, const char *what,
                                cnn_error *error) {
    double rate = t->config->train.learning_rate;
    char where[64];
    if (batch > 0) {
        (void)snprintf(where, sizeof where, "epoch %lld, batch %lld",
                       (long long)t->state.epochs + 1, (long long)batch);
    } else {
        (void)snprintf(where, sizeof where, "epoch %lld, at its end",
                       (long long)t->state.epochs + 1);
    }
    char kept[512] = "no epoch was finished, so there is no model";
    if (t->state.epochs > 0) {
        (void)snprintf(kept, sizeof kept, "%.400s keeps the model of epoch %lld",
                       t->directory.file[CNN_RUN_MODEL], (long long)model_epoch(t));
    }
    return cnn_fail(error, CNN_ERROR_DIVERGED,
                    "%s: %s: training has diverged, most likely because "
                    "train.learning_rate = %g is too large (try %g); %s",
                    where, what, rate, rate > 1.0 ? 0.1 : rate / 10.0, kept);
}

static const char *describe_loss(double loss) {
    return isnan(loss) ? "the loss is NaN" : "the loss is infinite";
}

static bool all_finite(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return false;
        }
    }
    return true;
}

static void report_progress(const trainer *t, double loss, double images_per_second) {
    const cnn_train_options *options = t->options;
    if (!options->progress) {
        return;
    }
    int64_t images = (int64_t)training_images(t);
    int64_t done = t->state.batches * t->config->train.batch_size;
    int64_t left =
        (t->config->train.epochs - t->state.epochs) * images - (done < images ? done : images);
    double seconds_left = images_per_second > 0.0 ? (double)left / images_per_second : 0.0;
    double until_deadline = t->deadline - now();
    seconds_left = seconds_left < until_deadline ? seconds_left : until_deadline;
    cnn_train_progress progress = {
        .epoch = t->state.epochs + 1,
        .epochs = t->config->train.epochs,
        .batch = t->state.batches,
        .batches = batches_per_epoch(t),
        .loss = loss,
        .images_per_second = images_per_second,
        .seconds_left = seconds_left,
    };
    options->progress(options->user, &progress);
}

/* One step. Adds to the epoch's sums. */
static cnn_status train_batch(trainer *t, const cnn_sample_source *source, size_t first, size_t m,
                              cnn_error *error) {
    cnn_step step = {
        .network = t->setup.network,
        .minibatch = t->minibatch,
        .optimizer = &t->optimizer,
        .draw = {.seed = (uint64_t)t->config->train.seed, .step = (uint64_t)steps_done(t)},
        .learning_rate = cnn_schedule_rate(&t->schedule, steps_done(t)),
        .number = steps_done(t) + 1,
        .clip_norm = t->config->train.clip_norm,
        .ema_decay = t->config->train.ema_decay,
        .threshold = t->setup.info.threshold,
        .parameters = t->values.parameters,
        .optimizer_state = t->values.optimizer_state,
        .average = t->values.average_count > 0 ? t->values.average : NULL,
        .logits = t->logits,
        .labels = t->labels};
    int64_t right;
    double loss = cnn_step_run(&step, source, first, m, &right);
    if (!isfinite(loss)) {
        return fail_diverged(t, t->state.batches + 1, describe_loss(loss), error);
    }
    t->state.loss_sum += loss;
    t->state.right += right;
    t->state.batches++;
    return CNN_OK;
}

static cnn_status fail_stopped(const trainer *t, cnn_error *error) {
    return cnn_fail(
        error, CNN_STOPPED,
        "stopped in epoch %lld after batch %lld of %lld; checkpoint written to %s: go on "
        "with --resume",
        (long long)t->state.epochs + 1, (long long)t->state.batches,
        (long long)batches_per_epoch(t), t->directory.file[CNN_RUN_CHECKPOINT]);
}

/* What it takes to measure an epoch that is cut short, and then the best model, on the validation
 * images, and this one on the test images, too: by the speed of training, of whose work an image
 * that is only looked at is a third. */
static double seconds_to_finish(const trainer *t) {
    static const double share = 0.5; /* with some room */
    const size_t *count = t->setup.dataset->split_count;
    double images = (double)training_images(t);
    double in_epoch = (double)t->state.batches * (double)t->config->train.batch_size;
    double trained = (double)t->state.epochs * images + (in_epoch < images ? in_epoch : images);
    double seconds = t->state.training_seconds + t->state.epoch_training_seconds;
    double left = 2.0 * (double)count[CNN_SPLIT_VALIDATION] + (double)count[CNN_SPLIT_TEST];
    return trained > 0.0 ? share * left * seconds / trained : 0.0;
}

/* Must training end now, so that the run ends in time? */
static bool time_is_up(const trainer *t) {
    return now() + seconds_to_finish(t) >= t->deadline;
}

static void log_time_is_up(const trainer *t) {
    cnn_log_message(&t->options->log, CNN_LOG_INFO,
                    "the time of --max-seconds is up after epoch %lld, batch %lld; without it, "
                    "--resume goes on from there",
                    (long long)t->state.epochs, (long long)t->state.batches);
}

/* The batches of one epoch, from where the state stands. CNN_STOPPED after a checkpoint where asked
 * to; where time is up, a checkpoint is written, and the rest of the epoch left out. */
static cnn_status train_epoch(trainer *t, cnn_error *error) {
    size_t images = training_images(t);
    size_t batch_size = (size_t)t->config->train.batch_size;
    cnn_status status =
        cnn_setup_order(t->config, t->setup.dataset, t->state.epochs + 1, t->order, error);
    cnn_dataset_source from = {.dataset = t->setup.dataset,
                               .table = &t->setup.table,
                               .order = t->order,
                               .augment = &t->config->augment,
                               .seed = (uint64_t)t->config->train.seed,
                               .epoch = (uint64_t)t->state.epochs + 1};
    cnn_sample_source source = {.fill = cnn_dataset_fill, .context = &from};
    double begin = now();
    double earlier = t->state.epoch_training_seconds;
    size_t done = (size_t)t->state.batches * batch_size;
    for (size_t first = done; first < images && status == CNN_OK; first += batch_size) {
        size_t m = images - first < batch_size ? images - first : batch_size;
        status = train_batch(t, &source, first, m, error);
        double seconds = earlier + (now() - begin);
        t->state.epoch_training_seconds = seconds;
        if (status != CNN_OK) {
            break;
        }
        report_progress(t, t->state.loss_sum / (double)(first + m),
                        seconds > 0.0 ? (double)(first + m) / seconds : 0.0);
        bool stop = t->options->should_stop && t->options->should_stop(t->options->user);
        bool cut = !stop && first + m < images && time_is_up(t);
        if (stop || cut || now() >= t->checkpoint_due) {
            double earlier_seconds = t->state.epoch_seconds;
            t->state.epoch_seconds += now() - begin;
            status = write_checkpoint(t, error);
            t->state.epoch_seconds = earlier_seconds;
        }
        if (status == CNN_OK && stop) {
            status = fail_stopped(t, error);
        }
        if (status == CNN_OK && cut) {
            log_time_is_up(t);
            t->left_out = images - (first + m);
            break;
        }
    }
    return status;
}

static void log_epoch(const trainer *t, const cnn_epoch_row *row) {
    char validation[128] = "";
    if (row->validation.count > 0) {
        (void)snprintf(validation, sizeof validation,
                       ", validation loss %.4f accuracy %.4f AUC %.4f%s", row->validation.loss,
                       row->validation.accuracy, row->validation.auc,
                       t->state.best.epoch == row->epoch ? " (best)" : "");
    }
    cnn_log_message(&t->options->log, CNN_LOG_INFO,
                    "epoch %lld/%lld: train loss %.4f accuracy %.4f%s, %.1f s, %.0f images/s",
                    (long long)row->epoch, (long long)t->config->train.epochs, row->train.loss,
                    row->train.accuracy, validation, row->seconds, row->images_per_second);
}

/* Measures the epoch that was trained, writes its row, models and checkpoint. */
static cnn_status finish_epoch(trainer *t, double begin, cnn_error *error) {
    double training_seconds = t->state.epoch_training_seconds;
    size_t images = training_images(t) - t->left_out;
    cnn_epoch_row row = {
        .epoch = t->state.epochs + 1,
        .learning_rate = cnn_schedule_rate(&t->schedule, steps_done(t) - 1),
        .train = {.count = images,
                  .loss = t->state.loss_sum / (double)images,
                  .accuracy = (double)t->state.right / (double)images},
        .images_per_second = training_seconds > 0.0 ? (double)images / training_seconds : 0.0,
    };
    const float *parameters = kept_parameters(t);
    cnn_minibatch_prepare(t->minibatch, parameters);
    cnn_status status = cnn_evaluate(&t->setup, t->minibatch, parameters, CNN_SPLIT_VALIDATION,
                                     t->logits, &row.validation, error);
    if (status != CNN_OK) {
        return status;
    }
    double loss = row.validation.count > 0 ? row.validation.loss : 0.0;
    if (!isfinite(loss) || !all_finite(t->values.parameters, t->values.parameter_count)) {
        return fail_diverged(t, 0, isfinite(loss) ? "weights are not finite" : describe_loss(loss),
                             error);
    }
    row.seconds = t->state.epoch_seconds + (now() - begin);
    t->state.epochs++;
    t->state.batches = 0;
    t->state.loss_sum = 0.0;
    t->state.right = 0;
    t->state.train_loss = row.train.loss;
    t->state.train_accuracy = row.train.accuracy;
    t->state.seconds += row.seconds;
    t->state.training_seconds += training_seconds;
    t->state.epoch_seconds = t->state.epoch_training_seconds = 0.0;
    const cnn_early_stopping *rule = &t->config->train.early_stopping;
    bool best = cnn_best_epoch_update(rule, row.epoch, &row.validation, &t->state.best);
    if (best || !rule->restore) {
        memcpy(t->values.best_parameters, parameters,
               t->values.parameter_count * sizeof *parameters);
        status = write_model(t, CNN_RUN_MODEL, parameters, error);
    }
    if (status == CNN_OK) {
        status = write_model(t, CNN_RUN_LAST, parameters, error);
    }
    if (status == CNN_OK) {
        status = cnn_run_add_metrics(&t->directory, &row, error);
    }
    if (status == CNN_OK && t->left_out == 0) { /* else --resume goes on within the epoch */
        status = write_checkpoint(t, error);
    }
    if (status == CNN_OK) {
        log_epoch(t, &row);
    }
    return status;
}

static cnn_status train_epochs(trainer *t, cnn_error *error) {
    cnn_status status = CNN_OK;
    while (t->state.epochs < t->config->train.epochs && status == CNN_OK && t->left_out == 0 &&
           !stops_early(t->config, &t->state)) {
        if (t->state.epochs > 0 && t->state.batches == 0 && time_is_up(t)) {
            log_time_is_up(t);
            break;
        }
        double begin = now();
        status = train_epoch(t, error);
        if (status == CNN_OK) {
            status = finish_epoch(t, begin, error);
        }
    }
    return status;
}

/* --- the end --- */

static void log_end(const trainer *t, const cnn_run_summary *summary) {
    const cnn_log_sink *log = &t->options->log;
    if (summary->stopped_early) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "stopped early: val_%s has not improved since epoch %lld "
                        "(train.early_stopping.patience %lld)",
                        cnn_metric_table[t->config->train.early_stopping.metric].name,
                        (long long)summary->best_epoch,
                        (long long)t->config->train.early_stopping.patience);
    }
    const cnn_metrics_column columns[] = {{"validation", &summary->validation},
                                          {"test", &summary->test}};
    cnn_metrics_log(log, columns, sizeof columns / sizeof *columns);
    cnn_log_message(log, CNN_LOG_INFO, "model of epoch %lld: %s", (long long)summary->model_epoch,
                    t->directory.file[CNN_RUN_MODEL]);
}

/* With no epoch to train, the starting weights are the model. */
static cnn_status write_untrained(trainer *t, cnn_error *error) {
    memcpy(t->values.best_parameters, t->values.parameters,
           t->values.parameter_count * sizeof *t->values.parameters);
    cnn_status status = write_model(t, CNN_RUN_MODEL, t->values.parameters, error);
    if (status == CNN_OK) {
        status = write_model(t, CNN_RUN_LAST, t->values.parameters, error);
    }
    if (status == CNN_OK) {
        status = write_checkpoint(t, error);
    }
    return status;
}

/* Chooses temperature and threshold of model.bin, and writes it anew. */
static cnn_status tune(trainer *t, cnn_error *error) {
    cnn_status status = cnn_tune(t->config, &t->setup, t->minibatch, t->values.best_parameters,
                                 t->logits, &t->options->log, error);
    return status == CNN_OK ? write_model(t, CNN_RUN_MODEL, t->values.best_parameters, error)
                            : status;
}

/* After the images of that split were evaluated. */
static cnn_status write_predictions(const trainer *t, cnn_error *error) {
    return cnn_run_write_predictions(&t->directory, t->setup.dataset, t->predicted, t->logits,
                                     t->setup.info.threshold, error);
}

/* Measures model.bin on the validation and test images and writes what it found. */
static cnn_status finish(trainer *t, cnn_error *error) {
    const cnn_dataset *dataset = t->setup.dataset;
    double trained = (double)t->state.epochs * (double)training_images(t) - (double)t->left_out;
    cnn_run_summary summary = {
        .epochs = t->state.epochs,
        .best_epoch = t->state.best.epoch,
        .model_epoch = model_epoch(t),
        .stopped_early = stops_early(t->config, &t->state),
        .parameters = t->values.parameter_count,
        .train = {.count = t->state.epochs > 0 ? training_images(t) - t->left_out : 0,
                  .loss = t->state.train_loss,
                  .accuracy = t->state.train_accuracy},
        .seconds = t->state.seconds,
        .images_per_second =
            t->state.training_seconds > 0.0 ? trained / t->state.training_seconds : 0.0,
        .threads = t->setup.threads,
        .isa = cnn_isa_name(t->setup.network->kernels->isa),
    };
    cnn_minibatch_prepare(t->minibatch, t->values.best_parameters);
    cnn_status status = cnn_tune_wanted(t->config) ? tune(t, error) : CNN_OK;
    if (status == CNN_OK) {
        status =
            cnn_evaluate_intervals(&t->setup, t->minibatch, t->values.best_parameters,
                                   CNN_SPLIT_VALIDATION, t->logits, &summary.validation, error);
    }
    if (status == CNN_OK && t->predicted == CNN_SPLIT_VALIDATION) {
        status = write_predictions(t, error);
    }
    if (status == CNN_OK) {
        status = cnn_evaluate_intervals(&t->setup, t->minibatch, t->values.best_parameters,
                                        CNN_SPLIT_TEST, t->logits, &summary.test, error);
    }
    if (status == CNN_OK && t->predicted == CNN_SPLIT_TEST) {
        status = write_predictions(t, error);
    }
    if (status == CNN_OK) {
        status = cnn_run_write_summary(&t->directory, dataset, &summary, error);
    }
    if (status == CNN_OK) {
        log_end(t, &summary);
    }
    return status;
}

static cnn_status check_directory(const trainer *t, bool *has_checkpoint, cnn_error *error) {
    cnn_run_mode mode = t->options->overwrite ? CNN_RUN_OVERWRITE
                        : t->options->resume  ? CNN_RUN_RESUME
                                              : CNN_RUN_NEW;
    return cnn_run_directory_check(&t->directory, mode, has_checkpoint, error);
}

/* Keeps other runs out from here on, and looks again: another may have come and gone before. */
static cnn_status claim_directory(trainer *t, bool *has_checkpoint, cnn_error *error) {
    bool protected = false;
    cnn_status status = cnn_run_directory_claim(&t->directory, &protected, error);
    if (status == CNN_OK && !protected) {
        cnn_log_message(&t->options->log, CNN_LOG_WARNING,
                        "%s: this file system knows no locks; nothing keeps a second run out",
                        t->directory.path);
    }
    return status == CNN_OK ? check_directory(t, has_checkpoint, error) : status;
}

/* Has the run in the directory everything that one of as many epochs as the config wants, or one
 * that stopped early, leaves? Needs no data. */
static cnn_status is_finished(const trainer *t, bool *finished, cnn_error *error) {
    cnn_checkpoint_state state = {0};
    *finished = false;
    char *json = cnn_config_to_json(t->config);
    cnn_status status =
        json ? cnn_checkpoint_peek(t->directory.file[CNN_RUN_CHECKPOINT], json, &state, error)
             : cnn_fail_memory(error, "the config");
    cnn_free(json);
    /* batches: of an epoch that --max-seconds has cut short */
    if (status == CNN_OK && state.batches == 0 &&
        (state.epochs == t->config->train.epochs || stops_early(t->config, &state))) {
        status = cnn_run_is_complete(&t->directory, finished, error);
    }
    return status;
}

/* Is the run directory ours to use, and is there anything to do? Asked before data is read: a
 * mistake shows at once. */
static cnn_status open_directory(trainer *t, bool *has_checkpoint, bool *finished,
                                 cnn_error *error) {
    const char *output = t->options->output ? t->options->output : t->config->output;
    if (!output) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "output: missing; the run directory, in the config or as --out DIR");
    }
    cnn_status status = cnn_run_directory_open(output, &t->directory, error);
    if (status == CNN_OK) {
        status = check_directory(t, has_checkpoint, error);
    }
    if (status == CNN_OK) {
        status = *has_checkpoint ? is_finished(t, finished, error)
                                 : cnn_own_config_check(&t->directory, t->config, error);
    }
    if (status == CNN_OK && *finished) {
        cnn_log_message(&t->options->log, CNN_LOG_INFO, "%s: finished already, nothing to do",
                        t->directory.path);
    }
    if (status == CNN_OK && !*finished && cnn_folder_exists(t->directory.path)) {
        status = claim_directory(t, has_checkpoint, error);
    }
    return status;
}

/* Brings the trainer to where the run stands. */
static cnn_status start_or_resume(trainer *t, bool has_checkpoint, cnn_error *error) {
    t->state.data = cnn_dataset_fingerprint(t->setup.dataset);
    t->state.direct_only = t->setup.network->direct_only;
    t->checkpoint_due = now() + t->config->train.checkpoint_seconds;
    cnn_status status = CNN_OK;
    if (!t->directory.claimed) { /* it was not there */
        status = cnn_folder_make(t->directory.path, error);
        if (status == CNN_OK) {
            status = claim_directory(t, &has_checkpoint, error);
        }
    }
    if (status != CNN_OK || !has_checkpoint) {
        return status != CNN_OK ? status : start(t, error);
    }
    status = resume(t, error);
    if (status == CNN_OK) {
        cnn_log_message(&t->options->log, CNN_LOG_INFO, "%s: going on after epoch %lld, batch %lld",
                        t->directory.path, (long long)t->state.epochs, (long long)t->state.batches);
    }
    return status;
}

cnn_status cnn_train(cnn_config *config, const cnn_train_options *options, cnn_error *error) {
    return cnn_train_on(NULL, config, options, error);
}

cnn_status cnn_train_is_finished(const char *path, cnn_config *config, bool *finished,
                                 cnn_error *error) {
    bool has_checkpoint = false;
    cnn_train_options options = {.resume = true};
    trainer t = {.config = config, .options = &options};
    *finished = false;
    cnn_status status = cnn_run_directory_open(path, &t.directory, error);
    if (status == CNN_OK) {
        status = check_directory(&t, &has_checkpoint, error);
    }
    if (status == CNN_OK && has_checkpoint) {
        status = is_finished(&t, finished, error);
    }
    cnn_run_directory_close(&t.directory);
    return status;
}

cnn_status cnn_train_on(cnn_dataset *images, cnn_config *config, const cnn_train_options *options,
                        cnn_error *error) {
    trainer t = {.config = config,
                 .options = options,
                 .predicted = images ? CNN_SPLIT_TEST : CNN_SPLIT_VALIDATION,
                 .directory = {.lock = {.file = -1}},
                 .optimizer = cnn_settings_optimizer(config),
                 .deadline = options->max_seconds > 0.0 ? now() + options->max_seconds : HUGE_VAL};
    bool has_checkpoint = false;
    bool finished = false;
    cnn_status status = open_directory(&t, &has_checkpoint, &finished, error);
    if (status != CNN_OK || finished) {
        goto done;
    }
    status = cnn_setup_create_on(images, config, options, CNN_NETWORK_FAST, &t.setup, error);
    if (status == CNN_OK) {
        status = cnn_tune_check(config, t.setup.dataset, error);
    }
    if (status == CNN_OK) {
        status = cnn_best_epoch_check(config, t.setup.dataset, error);
    }
    if (status == CNN_OK) {
        status = allocate(&t, error);
    }
    if (status == CNN_OK) {
        status = start_or_resume(&t, has_checkpoint, error);
    }
    if (status == CNN_OK) {
        status = train_epochs(&t, error);
    }
    if (status == CNN_OK && config->train.epochs == 0) {
        status = write_untrained(&t, error);
    }
    if (status == CNN_OK) {
        status = finish(&t, error);
    }
done:
    release(&t);
    return status;
}
