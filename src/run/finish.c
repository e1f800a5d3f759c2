/* The end of a run: the temperature and threshold of the model, its metrics, and the files of a
 * finished run. */
#include "base/error.h"
#include "base/log.h"
#include "nn/loss.h"
#include "run/evaluate.h"
#include "run/summary.h"
#include "run/tables.h"
#include "run/trainer.h"
#include "run/tune.h"
#include "stats/calibration.h"

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
    cnn_status written = cnn_trainer_write_model(t, CNN_RUN_MODEL, model, error);
    return cnn_trainer_agree(t, written, error);
}

/* The file of a split's predictions; CNN_RUN_FILE_COUNT if they are not kept. */
static cnn_run_file file_of(const cnn_trainer *t, cnn_split split) {
    if (split == t->predicted) {
        return CNN_RUN_PREDICTIONS;
    }
    bool kept = split == CNN_SPLIT_TEST && t->setup.dataset->split_count[split] > 0;
    return kept ? CNN_RUN_TEST_PREDICTIONS : CNN_RUN_FILE_COUNT;
}

/* Measures model.bin on the images of a split, and writes their predictions. */
static cnn_status measure(cnn_trainer *t, cnn_split split, cnn_measured *measured,
                          cnn_error *error) {
    const cnn_dataset *dataset = t->setup.dataset;
    cnn_run_file file = file_of(t, split);
    const float *model = t->values.best_parameters;
    if (!cnn_trainer_writes(t)) { /* the first process alone computes intervals */
        return cnn_evaluate(&t->setup, t->minibatch, model, split, t->logits, &measured->metrics,
                            error);
    }
    CNN_TRY(
        cnn_evaluate_intervals(&t->setup, t->minibatch, model, split, t->logits, measured, error));
    if (file == CNN_RUN_FILE_COUNT) {
        return CNN_OK;
    }
    const cnn_predictions predictions = {.dataset = dataset,
                                         .images = dataset->split[split],
                                         .count = dataset->split_count[split],
                                         .logits = t->logits,
                                         .thresholds = &t->setup.info.threshold};
    return cnn_table_write_predictions(t->session.directory.file[file], &predictions, error);
}

/* --- a network that has learned nothing --- */

/* Does model.bin give all these images the same probability? One image alone does not count. */
static bool is_constant(const float *logits, size_t count) {
    static const float same = 1e-6f;
    float least = 1.0f, most = 0.0f;
    for (size_t i = 0; i < count; i++) {
        float probability = cnn_probability(logits[i]);
        least = probability < least ? probability : least;
        most = probability > most ? probability : most;
    }
    return count > 1 && most - least <= same;
}

/* Overwrites t->order and t->logits, which are not needed any more. */
static cnn_status warn_if_constant(cnn_trainer *t, cnn_error *error) {
    const cnn_dataset *dataset = t->setup.dataset;
    size_t all = cnn_trainer_images(t);
    size_t count = all < CNN_COMPARED_MAX ? all : CNN_COMPARED_MAX;
    for (size_t i = 0; i < count; i++) { /* evenly spread: the images may be sorted by class */
        t->order[i] = dataset->split[CNN_SPLIT_TRAIN][i * all / count];
    }
    CNN_TRY(cnn_predict_samples(&t->setup, t->minibatch, t->values.best_parameters, t->order, count,
                                t->logits, error));
    if (is_constant(t->logits, count)) {
        cnn_log_message(&t->options->common.log, CNN_LOG_WARNING,
                        "the model gives every image the same probability, %.4f: it has learned "
                        "nothing. Usual remedies: a lower learning rate (such as "
                        "train.learning_rate=%g), image.normalize=standardize, \"leaky_relu\" "
                        "instead of \"relu\", another train.seed",
                        (double)cnn_probability(t->logits[0]), t->schedule.rate / 10);
    }
    return CNN_OK;
}

/* --- */

static cnn_run_summary summarize(const cnn_trainer *t) {
    const cnn_checkpoint_state *state = &t->state;
    size_t in_last = cnn_trainer_images(t) - t->left_out; /* images of the last epoch */
    double trained = (double)state->epochs * (double)cnn_trainer_images(t) - (double)t->left_out;
    return (cnn_run_summary){
        .epochs = state->epochs,
        .best_epoch = state->best.epoch,
        .model_epoch = cnn_trainer_model_epoch(t),
        .stopped_early = cnn_best_epoch_stops_early(t->config, state->epochs, &state->best),
        .parameters = cnn_setup_parameters(&t->setup),
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

static cnn_status write_summary(cnn_trainer *t, const cnn_run_summary *summary, cnn_error *error) {
    CNN_TRY(cnn_session_still_ours(&t->session, error));
    return cnn_summary_write(t->session.directory.file[CNN_RUN_SUMMARY], t->setup.dataset, summary,
                             error);
}

cnn_status cnn_trainer_finish(cnn_trainer *t, cnn_error *error) {
    cnn_run_summary summary = summarize(t);
    CNN_TRY(cnn_trainer_agree(t, cnn_session_still_ours(&t->session, error), error));
    if (t->config->train.epochs == 0) {
        CNN_TRY(cnn_trainer_agree(t, write_untrained(t, error), error));
    }
    cnn_minibatch_prepare(t->minibatch, t->values.best_parameters);
    if (cnn_tune_wanted(t->config)) {
        CNN_TRY(tune(t, error));
    }
    summary.threshold = t->setup.info.threshold;
    cnn_status status = measure(t, CNN_SPLIT_VALIDATION, &summary.validation, error);
    CNN_TRY(cnn_trainer_agree(t, status, error));
    if (!t->options->no_test) {
        status = measure(t, CNN_SPLIT_TEST, &summary.test, error);
        CNN_TRY(cnn_trainer_agree(t, status, error));
    }
    if (cnn_trainer_writes(t)) {
        status = write_summary(t, &summary, error);
    }
    CNN_TRY(cnn_trainer_agree(t, status, error));
    log_end(t, &summary);
    return warn_if_constant(t, error);
}
