/* The end of a run: the temperature and threshold of the model, its metrics, and the files of a
 * finished run. */
#include "base/error.h"
#include "base/log.h"
#include "run/evaluate.h"
#include "run/summary.h"
#include "run/tables.h"
#include "run/trainer.h"
#include "run/tune.h"

#include <string.h>

/* Without epochs, the starting weights are the model. */
static cnn_status write_untrained(cnn_trainer *t, cnn_error *error) {
    memcpy(t->values.best_parameters, t->values.parameters,
           t->values.parameter_count * sizeof *t->values.parameters);
    CNN_TRY(cnn_trainer_write_model(t, CNN_RUN_MODEL, t->values.parameters, error));
    CNN_TRY(cnn_trainer_write_model(t, CNN_RUN_LAST, t->values.parameters, error));
    return cnn_trainer_write_checkpoint(t, error);
}

/* Chooses temperature and threshold of model.bin, and writes it again. */
static cnn_status tune(cnn_trainer *t, cnn_error *error) {
    const float *model = t->values.best_parameters;
    CNN_TRY(cnn_tune(t->config, &t->setup, t->minibatch, model, t->logits, &t->options->common.log,
                     error));
    return cnn_trainer_write_model(t, CNN_RUN_MODEL, model, error);
}

/* Measures model.bin on the images of a split; writes predictions.csv if it is for that split. */
static cnn_status measure(cnn_trainer *t, cnn_split split, cnn_measured *measured,
                          cnn_error *error) {
    const cnn_dataset *dataset = t->setup.dataset;
    CNN_TRY(cnn_evaluate_intervals(&t->setup, t->minibatch, t->values.best_parameters, split,
                                   t->logits, measured, error));
    if (split != t->predicted) {
        return CNN_OK;
    }
    const cnn_predictions predictions = {.dataset = dataset,
                                         .images = dataset->split[split],
                                         .count = dataset->split_count[split],
                                         .logits = t->logits,
                                         .thresholds = &t->setup.info.threshold};
    return cnn_table_write_predictions(t->session.directory.file[CNN_RUN_PREDICTIONS], &predictions,
                                       error);
}

static cnn_run_summary summarize(const cnn_trainer *t) {
    const cnn_checkpoint_state *state = &t->state;
    size_t in_last = cnn_trainer_images(t) - t->left_out; /* images of the last epoch */
    double trained = (double)state->epochs * (double)cnn_trainer_images(t) - (double)t->left_out;
    return (cnn_run_summary){
        .epochs = state->epochs,
        .best_epoch = state->best.epoch,
        .model_epoch = cnn_trainer_model_epoch(t),
        .stopped_early = cnn_best_epoch_stops_early(t->config, state->epochs, &state->best),
        .parameters = t->values.parameter_count,
        .train = {.count = state->epochs > 0 ? in_last : 0,
                  .loss = state->train_loss,
                  .accuracy = state->train_accuracy},
        .seconds = state->seconds,
        .images_per_second =
            state->training_seconds > 0.0 ? trained / state->training_seconds : 0.0,
        .threads = t->setup.threads,
        .isa = cnn_isa_name(t->setup.network->kernels->isa),
    };
}

static void log_end(const cnn_trainer *t, const cnn_run_summary *summary) {
    const cnn_log_sink *log = &t->options->common.log;
    const cnn_early_stopping *rule = &t->config->train.early_stopping;
    if (summary->stopped_early) {
        cnn_log_message(log, CNN_LOG_INFO,
                        "stopped early: val_%s has not improved since epoch %lld "
                        "(train.early_stopping.patience %lld)",
                        cnn_metric_table[rule->metric].name, (long long)summary->best_epoch,
                        (long long)rule->patience);
    }
    const cnn_metrics_column columns[] = {{"validation", &summary->validation},
                                          {"test", &summary->test}};
    cnn_metrics_log(log, columns, sizeof columns / sizeof *columns);
    cnn_log_message(log, CNN_LOG_INFO, "model of epoch %lld: %s", (long long)summary->model_epoch,
                    t->session.directory.file[CNN_RUN_MODEL]);
}

cnn_status cnn_trainer_finish(cnn_trainer *t, cnn_error *error) {
    cnn_run_summary summary = summarize(t);
    if (t->config->train.epochs == 0) {
        CNN_TRY(write_untrained(t, error));
    }
    cnn_minibatch_prepare(t->minibatch, t->values.best_parameters);
    if (cnn_tune_wanted(t->config)) {
        CNN_TRY(tune(t, error));
    }
    CNN_TRY(measure(t, CNN_SPLIT_VALIDATION, &summary.validation, error));
    CNN_TRY(measure(t, CNN_SPLIT_TEST, &summary.test, error));
    CNN_TRY(cnn_summary_write(t->session.directory.file[CNN_RUN_SUMMARY], t->setup.dataset,
                              &summary, error));
    log_end(t, &summary);
    return CNN_OK;
}
