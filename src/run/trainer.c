/* Training: config → dataset → batch → forward → loss → backward → optimizer → model file. */
#include "run/trainer.h"

#include "base/error.h"
#include "base/memory.h"
#include "run/measure_speed.h"
#include "run/memory_plan.h"
#include "run/training.h"
#include "run/training_settings.h"

#include <math.h>

/* --- the loop --- */

cnn_status cnn_trainer_start_epoch(cnn_trainer *t, cnn_epoch *epoch, cnn_error *error) {
    *epoch = (cnn_epoch){.begin = cnn_clock_seconds(),
                         .training_seconds = t->state.epoch_training_seconds,
                         .images = {.dataset = t->setup.dataset,
                                    .table = &t->setup.table,
                                    .order = t->order,
                                    .augment = &t->config->augment,
                                    .seed = (uint64_t)t->config->train.seed,
                                    .epoch = (uint64_t)t->state.epochs + 1},
                         .source = {.fill = cnn_dataset_fill, .context = &epoch->images}};
    CNN_TRY(cnn_setup_order(t->config, t->setup.dataset, t->state.epochs + 1, t->order, error));
    epoch->training_begin = cnn_clock_seconds();
    return CNN_OK;
}

bool cnn_trainer_next_batch(const cnn_trainer *t, cnn_epoch *epoch) {
    size_t images = cnn_trainer_images(t);
    size_t batch_size = (size_t)t->config->train.batch_size;
    epoch->first = (size_t)t->state.batches * batch_size;
    size_t left = epoch->first < images ? images - epoch->first : 0;
    epoch->count = left < batch_size ? left : batch_size;
    return left > 0;
}

/* The batch after this one, in the same epoch. */
static size_t count_after(const cnn_trainer *t, const cnn_epoch *epoch) {
    size_t left = cnn_trainer_images(t) - (epoch->first + epoch->count);
    size_t batch_size = (size_t)t->config->train.batch_size;
    return left < batch_size ? left : batch_size;
}

void cnn_trainer_fetch(cnn_trainer *t, cnn_epoch *epoch, bool ahead) {
    if (!t->fetch) {
        return;
    }
    if (!epoch->fetching) {
        cnn_fetch_start(t->fetch, &epoch->images, epoch->first, epoch->count);
    }
    cnn_fetch_take(t->fetch, &epoch->images);
    size_t next = ahead ? count_after(t, epoch) : 0;
    epoch->fetching = next > 0;
    if (epoch->fetching) {
        cnn_fetch_start(t->fetch, &epoch->images, epoch->first + epoch->count, next);
    }
}

cnn_step cnn_trainer_next_step(cnn_trainer *t) {
    return (cnn_step){
        .network = t->setup.network,
        .minibatch = t->minibatch,
        .optimizer = &t->optimizer,
        .draw = {.seed = (uint64_t)t->config->train.seed, .step = (uint64_t)cnn_trainer_steps(t)},
        .learning_rate = cnn_schedule_rate(&t->schedule, cnn_trainer_steps(t)),
        .number = cnn_trainer_steps(t) + 1,
        .clip_norm = t->config->train.clip_norm,
        .ema_decay = t->config->train.ema_decay,
        .slow_count = t->setup.start ? t->setup.start->slow_count : 0,
        .slow_factor = t->config->pretrained.learning_rate_factor,
        .threshold = t->setup.info.threshold,
        .parameters = t->values.parameters,
        .optimizer_state = t->values.optimizer_state,
        .average = t->values.average_count > 0 ? t->values.average : NULL,
        .logits = t->logits,
        .labels = t->labels};
}

static void count_batch(cnn_trainer *t, const cnn_epoch *epoch, double loss, int64_t right) {
    t->state.loss_sum += loss;
    t->state.right += right;
    t->state.batches++;
    t->state.epoch_training_seconds =
        epoch->training_seconds + (cnn_clock_seconds() - epoch->training_begin);
}

static void report_progress(const cnn_trainer *t, const cnn_epoch *epoch) {
    const cnn_train_options *options = t->options;
    if (!options->progress) {
        return;
    }
    size_t done = epoch->first + epoch->count;
    double seconds = t->state.epoch_training_seconds;
    double speed = seconds > 0.0 ? (double)done / seconds : 0.0;
    int64_t images = (int64_t)cnn_trainer_images(t);
    int64_t left = (t->config->train.epochs - t->state.epochs) * images - (int64_t)done;
    double seconds_left = speed > 0.0 ? (double)left / speed : 0.0;
    cnn_train_progress progress = {
        .epoch = t->state.epochs + 1,
        .epochs = t->config->train.epochs,
        .batch = t->state.batches,
        .batches = cnn_trainer_batches(t),
        .loss = t->state.loss_sum / (double)done,
        .images_per_second = speed,
        .seconds_left = fmin(seconds_left, t->deadline - cnn_clock_seconds()),
    };
    options->progress(options->common.user, &progress);
}

/* Trains on one batch. */
static cnn_status train_batch(cnn_trainer *t, cnn_epoch *epoch, cnn_error *error) {
    int64_t right;
    cnn_trainer_fetch(t, epoch, true);
    cnn_step step = cnn_trainer_next_step(t);
    double loss = cnn_step_gradients(&step, &epoch->source, epoch->first, epoch->count, &right);
    if (!isfinite(loss)) { /* for all processes alike */
        return cnn_trainer_agree(t, cnn_divergence_of_batch(t, loss, error), error);
    }
    cnn_step_update(&step);
    count_batch(t, epoch, loss, right);
    return CNN_OK;
}

/* Trains on the remaining batches of an epoch. */
static cnn_status train_epoch(cnn_trainer *t, cnn_epoch *epoch, cnn_error *error) {
    CNN_TRY(cnn_trainer_start_epoch(t, epoch, error));
    while (t->left_out == 0 && cnn_trainer_next_batch(t, epoch)) {
        CNN_TRY(train_batch(t, epoch, error));
        report_progress(t, epoch);
        CNN_TRY(cnn_interruption_after_batch(t, epoch, error));
    }
    return CNN_OK;
}

/* True if there is an epoch, or a part of one, to train. */
static bool goes_on(const cnn_trainer *t) {
    return t->state.epochs < t->config->train.epochs && t->left_out == 0 &&
           !cnn_best_epoch_stops_early(t->config, t->state.epochs, &t->state.best);
}

/* Is the run to be continued by another process, or later? */
static bool is_paused(const cnn_trainer *t) {
    return t->pause > 0 && t->state.epochs >= t->pause && t->state.batches == 0 && goes_on(t);
}

static cnn_status train_epochs(cnn_trainer *t, cnn_error *error) {
    bool over = false;
    while (goes_on(t) && !is_paused(t)) {
        cnn_epoch epoch;
        CNN_TRY(cnn_interruption_before_epoch(t, &over, error));
        if (over) {
            return CNN_OK;
        }
        CNN_TRY(train_epoch(t, &epoch, error));
        CNN_TRY(cnn_epoch_end(t, &epoch, error)); /* measures, and writes the model file */
    }
    return CNN_OK;
}

/* The same; however it ends, all models are written. */
static cnn_status train_and_write(cnn_trainer *t, cnn_error *error) {
    cnn_error ignored;
    cnn_status status = train_epochs(t, error);
    cnn_status written = cnn_epoch_end_models(t, status == CNN_OK ? error : &ignored);
    return status == CNN_OK ? cnn_trainer_agree(t, written, error) : status;
}

/* --- functions for the other files of the trainer --- */

size_t cnn_trainer_images(const cnn_trainer *t) {
    return t->setup.dataset->split_count[CNN_SPLIT_TRAIN];
}

int64_t cnn_trainer_batches(const cnn_trainer *t) {
    int64_t batch_size = t->config->train.batch_size;
    return ((int64_t)cnn_trainer_images(t) + batch_size - 1) / batch_size;
}

int64_t cnn_trainer_steps(const cnn_trainer *t) {
    return t->state.epochs * cnn_trainer_batches(t) + t->state.batches;
}

float *cnn_trainer_kept(const cnn_trainer *t) {
    return t->values.average_count > 0 ? t->values.average : t->values.parameters;
}

int64_t cnn_trainer_model_epoch(const cnn_trainer *t) {
    return t->config->train.early_stopping.restore ? t->state.best.epoch : t->state.epochs;
}

cnn_status cnn_trainer_write_model(const cnn_trainer *t, cnn_run_file file, const float *parameters,
                                   cnn_error *error) {
    if (!cnn_trainer_writes(t)) {
        return CNN_OK;
    }
    return cnn_setup_write_model(&t->setup, t->session.directory.file[file], parameters, error);
}

cnn_status cnn_trainer_write_checkpoint(cnn_trainer *t, cnn_error *error) {
    if (!cnn_trainer_writes(t)) {
        return CNN_OK;
    }
    CNN_TRY(cnn_session_still_ours(&t->session, error));
    if (!t->synced) { /* a run that can be resumed has all its files */
        CNN_TRY(cnn_run_sync(&t->session.directory, error));
        t->synced = true;
    }
    cnn_status status = cnn_checkpoint_write(t->session.directory.file[CNN_RUN_CHECKPOINT],
                                             &t->state, t->config_json, &t->values, error);
    t->checkpoint_due = cnn_clock_seconds() + t->config->train.checkpoint_seconds;
    return status;
}

cnn_status cnn_trainer_set_epochs(cnn_trainer *t, int64_t epochs, cnn_error *error) {
    t->setup.config.train.epochs = epochs;
    t->schedule = cnn_settings_schedule(t->config, cnn_trainer_images(t));
    cnn_free(t->config_json);
    t->config_json = cnn_config_to_json(t->config);
    return t->config_json ? CNN_OK : cnn_fail_memory(error, "the config");
}

/* --- setting up --- */

static size_t largest_split(const cnn_dataset *dataset, size_t least) {
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        least = dataset->split_count[split] > least ? dataset->split_count[split] : least;
    }
    return least;
}

/* Of a batch. */
static size_t most_images(const cnn_trainer *t) {
    size_t images = cnn_trainer_images(t), batch_size = (size_t)t->config->train.batch_size;
    return images < batch_size ? images : batch_size;
}

static cnn_status allocate_batch(cnn_trainer *t, cnn_error *error) {
    size_t batch_size = most_images(t);
    if (t->setup.dataset->ranks) {
        CNN_TRY(cnn_background_create(t->ranks.ahead, &t->background, error));
        CNN_TRY(cnn_fetch_create(t->setup.dataset, t->background, batch_size, &t->fetch, error));
    }
    return cnn_minibatch_create_shared(t->setup.network, batch_size, t->setup.threads, &t->ranks,
                                       t->background, &t->minibatch, error);
}

static cnn_status allocate(cnn_trainer *t, cnn_error *error) {
    const cnn_dataset *dataset = t->setup.dataset;
    size_t batch_size = (size_t)t->config->train.batch_size;
    cnn_memory_plan plan = cnn_memory_plan_make(t->config, &t->setup);
    CNN_TRY(cnn_memory_plan_check(&plan, t->setup.threads, error));
    cnn_checkpoint_values *values = &t->values;
    values->parameter_count = t->setup.network->parameter_count;
    values->state_count = cnn_optimizer_state_size(&t->optimizer) * values->parameter_count;
    values->average_count = t->config->train.ema_decay > 0.0 ? values->parameter_count : 0;
    values->parameters = cnn_alloc(values->parameter_count, sizeof(float));
    values->best_parameters = cnn_alloc(values->parameter_count, sizeof(float));
    values->optimizer_state = cnn_alloc(values->state_count, sizeof(float));
    values->average = cnn_alloc(values->average_count, sizeof(float));
    t->order = cnn_alloc(cnn_trainer_images(t), sizeof *t->order);
    t->logits = cnn_alloc(largest_split(dataset, batch_size), sizeof *t->logits);
    t->labels = cnn_alloc(batch_size, sizeof *t->labels);
    t->config_json = cnn_config_to_json(t->config);
    if (cnn_start_is_frozen(t->setup.start)) {
        t->unwritten.last_parameters = cnn_alloc(values->parameter_count, sizeof(float));
        if (!t->unwritten.last_parameters) {
            return cnn_fail_memory(error, "training");
        }
    }
    if (!values->parameters || !values->best_parameters || !values->optimizer_state ||
        !values->average || !t->order || !t->logits || !t->labels || !t->config_json) {
        return cnn_fail_memory(error, "training");
    }
    return allocate_batch(t, error);
}

/* Plans the network, and checks that it is that of a run that is resumed. */
static cnn_status plan(cnn_trainer *t, const cnn_config *config, cnn_error *error) {
    CNN_TRY(cnn_setup_plan(config, &t->options->common, CNN_NETWORK_FAST, &t->setup, error));
    return cnn_trainer_writes(t) ? cnn_trainer_check_start(t, config, error) : CNN_OK;
}

/* Everything that a step needs: images, network, arrays, and the config's settings. */
static cnn_status set_up(cnn_trainer *t, cnn_dataset *images, const cnn_config *config,
                         cnn_error *error) {
    const cnn_common_options *common = &t->options->common;
    CNN_TRY(cnn_trainer_agree(t, plan(t, config, error), error));
    t->setup.ranks = &t->ranks;
    cnn_status status = cnn_setup_load(images, config, common, true, &t->setup, error);
    CNN_TRY(cnn_trainer_agree(t, status, error));
    t->config = &t->setup.config;
    t->optimizer = cnn_settings_optimizer(config);
    cnn_minibatch_choose_ahead(&t->ranks, most_images(t), t->setup.threads);
    CNN_TRY(cnn_trainer_agree(t, allocate(t, error), error));
    cnn_objective objective = cnn_settings_objective(config, t->setup.dataset);
    cnn_minibatch_set_objective(t->minibatch, &objective);
    t->schedule = cnn_settings_schedule(config, cnn_trainer_images(t));
    cnn_trainer_warn_of_idle(t);
    return CNN_OK;
}

static void release(cnn_trainer *t) {
    cnn_background_free(t->background); /* before what its jobs use */
    cnn_fetch_free(t->fetch);
    cnn_minibatch_free(t->minibatch);
    cnn_free(t->values.parameters);
    cnn_free(t->values.best_parameters);
    cnn_free(t->values.optimizer_state);
    cnn_free(t->values.average);
    cnn_free(t->unwritten.last_parameters);
    cnn_free(t->order);
    cnn_free(t->logits);
    cnn_free(t->labels);
    cnn_free(t->config_json);
    cnn_session_close(&t->session);
    cnn_setup_free(&t->setup);
}

/* --- */

static cnn_status train(cnn_trainer *t, cnn_dataset *images, const cnn_config *config,
                        cnn_error *error) {
    cnn_run_end end;
    t->planned = *config;
    CNN_TRY(cnn_trainer_open(t, config, &end, error));
    if (end == CNN_RUN_FINISHED) {
        cnn_session_log_finished(&t->session);
        return CNN_OK;
    }
    CNN_TRY(set_up(t, images, &t->planned, error));
    CNN_TRY(cnn_minutes_plan(t, error));
    CNN_TRY(cnn_trainer_start(t, error));
    cnn_minutes_set_end(t);
    CNN_TRY(train_and_write(t, error));
    return is_paused(t) ? CNN_OK : cnn_trainer_finish(t, error);
}

/* A trainer that begins now. */
static cnn_trainer begin(const cnn_training *training, const cnn_train_options *options) {
    double now = cnn_clock_seconds();
    bool whole = !training->fold && !training->images; /* cnn_train */
    return (cnn_trainer){.options = options,
                         .ranks = {.transport = whole ? options->common.transport : NULL},
                         .part = training->fold,
                         .pause = training->pause,
                         .predicted = training->fold ? CNN_SPLIT_TEST : CNN_SPLIT_VALIDATION,
                         .session = {.lock = {.file = -1}},
                         .begin = now,
                         .seconds = training->seconds,
                         .deadline =
                             options->max_seconds > 0.0 ? now + options->max_seconds : HUGE_VAL};
}

cnn_status cnn_train_on(const cnn_training *training, const cnn_config *config,
                        const cnn_train_options *options, cnn_error *error) {
    cnn_trainer t = begin(training, options);
    cnn_status status = train(&t, training->images, config, error);
    if (status != CNN_OK) {
        cnn_ranks_end_alone(&t.ranks, error);
    }
    release(&t);
    return status;
}

/* Logs nothing: every member repeats the messages of the set-up. */
static cnn_status plan_epochs(cnn_trainer *t, cnn_dataset *images, const cnn_config *config,
                              cnn_epoch_choice *choice, cnn_error *error) {
    CNN_TRY(cnn_run_directory_name(t->options->output, &t->session.directory, error));
    CNN_TRY(set_up(t, images, config, error));
    return cnn_minutes_measure(t, true, choice, error);
}

cnn_status cnn_train_plan_epochs(cnn_dataset *images, double seconds, int members,
                                 const cnn_config *config, const cnn_train_options *options,
                                 int64_t *epochs, cnn_error *error) {
    cnn_train_options quiet = *options;
    cnn_epoch_choice choice;
    quiet.common.log = (cnn_log_sink){0};
    const cnn_training training = {.images = images, .fold = true, .seconds = seconds};
    cnn_trainer t = begin(&training, &quiet);
    cnn_status status = plan_epochs(&t, images, config, &choice, error);
    release(&t);
    CNN_TRY(status);
    cnn_minutes_log(&options->common.log, config, members, &choice);
    *epochs = choice.epochs > 0 ? choice.epochs : 1;
    return CNN_OK;
}

static cnn_status estimate(cnn_trainer *t, cnn_dataset *images, double seconds,
                           const cnn_config *config, cnn_train_cost *cost, cnn_error *error) {
    cnn_run_speed speed;
    CNN_TRY(set_up(t, images, config, error));
    CNN_TRY(cnn_measure_computing(t, seconds, config->train.epochs > 0, &speed, error));
    const cnn_run_work work = cnn_measure_work(t);
    *cost = (cnn_train_cost){.epoch = cnn_budget_epoch(&speed, &work),
                             .end = cnn_budget_end(&speed, &work),
                             .parameters = cnn_setup_parameters(&t->setup),
                             .validation = work.validation};
    return CNN_OK;
}

cnn_status cnn_train_estimate(cnn_dataset *images, double seconds, const cnn_config *config,
                              const cnn_train_options *options, cnn_train_cost *cost,
                              cnn_error *error) {
    cnn_train_options quiet = *options;
    const cnn_training training = {.images = images};
    quiet.common.log = (cnn_log_sink){0};
    cnn_trainer t = begin(&training, &quiet);
    cnn_status status = estimate(&t, images, seconds, config, cost, error);
    release(&t);
    return status;
}

cnn_status cnn_train(const cnn_config *config, const cnn_train_options *options, cnn_error *error) {
    const cnn_training training = {.seconds = cnn_settings_seconds(config)};
    return cnn_train_on(&training, config, options, error);
}
