/* The end of an epoch. Its files are written in an order that allows resuming after a kill at any
 * moment: models, the row of metrics.csv, and the checkpoint last. With frozen layers, models may
 * be written later; a run that is resumed writes those of its checkpoint. */
#include "base/error.h"
#include "base/log.h"
#include "run/evaluate.h"
#include "run/tables.h"
#include "run/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The results of training for the epoch. */
static cnn_epoch_row training_row(const cnn_trainer *t) {
    double seconds = t->state.epoch_training_seconds;
    size_t images = cnn_trainer_images(t) - t->left_out;
    return (cnn_epoch_row){
        .epoch = t->state.epochs + 1,
        .learning_rate = cnn_schedule_rate(&t->schedule, cnn_trainer_steps(t) - 1),
        .train = {.count = images,
                  .loss = t->state.loss_sum / (double)images,
                  .accuracy = (double)t->state.right / (double)images},
        .images_per_second = seconds > 0.0 ? (double)images / seconds : 0.0,
    };
}

/* From here on, the epoch counts as finished. */
static void count_epoch(cnn_trainer *t, const cnn_epoch_row *row) {
    cnn_checkpoint_state *state = &t->state;
    state->epochs++;
    state->batches = 0;
    state->loss_sum = 0.0;
    state->right = 0;
    state->train_loss = row->train.loss;
    state->train_accuracy = row->train.accuracy;
    state->seconds += row->seconds;
    state->training_seconds += state->epoch_training_seconds;
    state->epoch_seconds = state->epoch_training_seconds = 0.0;
}

static void log_epoch(const cnn_trainer *t, const cnn_epoch_row *row) {
    char validation[128] = "";
    if (row->validation.count > 0) {
        (void)snprintf(validation, sizeof validation,
                       ", validation loss %.4f accuracy %.4f AUC %.4f%s", row->validation.loss,
                       row->validation.accuracy, row->validation.auc,
                       t->state.best.epoch == row->epoch ? " (best)" : "");
    }
    cnn_log_message(&t->options->common.log, CNN_LOG_EPOCH,
                    "epoch %lld/%lld: train loss %.4f accuracy %.4f%s, %.1f s, %.0f images/s",
                    (long long)row->epoch, (long long)t->config->train.epochs, row->train.loss,
                    row->train.accuracy, validation, row->seconds, row->images_per_second);
}

static void report_epoch(const cnn_trainer *t, const cnn_epoch_row *row) {
    if (!t->options->epoch) {
        return;
    }
    bool validated = row->validation.count > 0;
    cnn_train_epoch epoch = {
        .directory = t->session.directory.path,
        .epoch = row->epoch,
        .epochs = t->config->train.epochs,
        .learning_rate = row->learning_rate,
        .train_loss = row->train.loss,
        .train_accuracy = row->train.accuracy,
        .validation_loss = validated ? row->validation.loss : NAN,
        .validation_accuracy = validated ? row->validation.accuracy : NAN,
        .validation_auc = validated ? row->validation.auc : NAN,
        .seconds = row->seconds,
    };
    t->options->epoch(t->options->common.user, &epoch);
}

/* Seconds between two times of writing models, with frozen layers. */
#define MODELS_SECONDS 10.0

cnn_status cnn_epoch_end_models(cnn_trainer *t, cnn_error *error) {
    const float *last =
        t->unwritten.last_parameters ? t->unwritten.last_parameters : cnn_trainer_kept(t);
    if (t->unwritten.best) {
        CNN_TRY(cnn_trainer_write_model(t, CNN_RUN_MODEL, t->values.best_parameters, error));
        t->unwritten.best = false;
    }
    if (t->unwritten.last) {
        CNN_TRY(cnn_trainer_write_model(t, CNN_RUN_LAST, last, error));
        t->unwritten.last = false;
    }
    t->unwritten.due = cnn_clock_seconds() + MODELS_SECONDS;
    return CNN_OK;
}

/* Keeps the models of the epoch, and writes them now or, with frozen layers, later. A checkpoint
 * contains all that is needed to write them. */
static cnn_status keep_models(cnn_trainer *t, bool is_model, cnn_error *error) {
    const float *parameters = cnn_trainer_kept(t);
    size_t bytes = t->values.parameter_count * sizeof *parameters;
    float *last = t->unwritten.last_parameters;
    if (is_model) {
        memcpy(t->values.best_parameters, parameters, bytes);
        t->unwritten.best = true;
    }
    t->unwritten.last = true;
    if (!last) {
        return cnn_epoch_end_models(t, error);
    }
    memcpy(last, parameters, bytes);
    return cnn_clock_seconds() >= t->unwritten.due ? cnn_epoch_end_models(t, error) : CNN_OK;
}

static cnn_status write_files(cnn_trainer *t, const cnn_epoch_row *row, bool is_model,
                              cnn_error *error) {
    CNN_TRY(cnn_session_still_ours(&t->session, error));
    CNN_TRY(keep_models(t, is_model, error));
    if (!cnn_trainer_writes(t)) {
        return CNN_OK;
    }
    CNN_TRY(cnn_table_add_metrics(t->session.directory.file[CNN_RUN_METRICS], row, error));
    /* an epoch that was cut short already has its checkpoint, from which --resume completes it */
    return t->left_out == 0 ? cnn_trainer_write_checkpoint(t, error) : CNN_OK;
}

cnn_status cnn_epoch_end(cnn_trainer *t, const cnn_epoch *epoch, cnn_error *error) {
    const cnn_early_stopping *rule = &t->config->train.early_stopping;
    cnn_epoch_row row = training_row(t);
    CNN_TRY(cnn_trainer_compare_weights(t, error));
    cnn_minibatch_prepare(t->minibatch, cnn_trainer_kept(t));
    CNN_TRY(cnn_evaluate(&t->setup, t->minibatch, cnn_trainer_kept(t), CNN_SPLIT_VALIDATION,
                         t->logits, &row.validation, error));
    double loss = row.validation.count > 0 ? row.validation.loss : 0.0;
    CNN_TRY(cnn_trainer_agree(t, cnn_divergence_of_epoch(t, loss, error), error));
    row.seconds = t->state.epoch_seconds + (cnn_clock_seconds() - epoch->begin);
    count_epoch(t, &row);
    bool best = cnn_best_epoch_update(rule, row.epoch, &row.validation, &t->state.best);
    cnn_status written = write_files(t, &row, best || !rule->restore, error);
    CNN_TRY(cnn_trainer_agree(t, written, error));
    log_epoch(t, &row);
    report_epoch(t, &row);
    return CNN_OK;
}
