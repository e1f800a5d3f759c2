/* The state of a run when training begins: the weights of the seed, or the checkpoint. */
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/moved_images.h"
#include "run/tables.h"
#include "run/trainer.h"

#include <math.h>
#include <string.h>

/* Starts from the weights of the seed. */
static cnn_status start(cnn_trainer *t, cnn_error *error) {
    const cnn_run_directory *directory = &t->session.directory;
    cnn_text split = {0};
    CNN_TRY(cnn_run_directory_clear(directory, error));
    cnn_start_weights(t->setup.start, t->setup.network, (uint64_t)t->config->train.seed,
                      t->values.parameters);
    memcpy(t->values.average, t->values.parameters,
           t->values.average_count * sizeof *t->values.average);
    t->state.best = cnn_best_epoch_none();
    t->state.train_loss = t->state.train_accuracy = (double)NAN;
    CNN_TRY(cnn_file_write_unsynced(directory->file[CNN_RUN_CONFIG], t->config_json,
                                    strlen(t->config_json), error));
    cnn_table_split(t->setup.dataset, NULL, &split);
    CNN_TRY(cnn_table_write(directory->file[CNN_RUN_SPLIT], &split, false, error));
    return cnn_table_start_metrics(directory->file[CNN_RUN_METRICS], 0, error);
}

/* --- resuming: nothing is changed before everything has been checked --- */

static cnn_status fail_other_images(const cnn_trainer *t, const char *difference,
                                    cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "%s: cannot resume: the images have changed since the run was started: %s",
                    t->session.directory.path, difference);
}

/* Restores the order that the images had when the run was started, whatever their paths are now. */
static cnn_status follow_moved_images(cnn_trainer *t, cnn_error *error) {
    cnn_text difference;
    cnn_status status = cnn_moved_images_follow(t->session.directory.file[CNN_RUN_SPLIT],
                                                t->setup.dataset, NULL, &difference, error);
    if (status == CNN_OK && difference.length > 0) {
        status = fail_other_images(t, difference.data, error);
    }
    cnn_text_free(&difference);
    t->state.data = cnn_dataset_fingerprint(t->setup.dataset);
    return status;
}

/* Reads state and values. The images must be those of the run; not in the same order, unless the
 * caller owns them, because other runs use their order. */
static cnn_status read_checkpoint(cnn_trainer *t, cnn_error *error) {
    const char *path = t->session.directory.file[CNN_RUN_CHECKPOINT];
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

/* What a checkpoint keeps of the pretrained network; 0: there is none. */
static uint64_t base_of(const cnn_trainer *t) {
    return t->setup.start ? t->setup.start->hash.low : 0;
}

/* Checks that the checkpoint fits the network, the config and this process. */
static cnn_status check_process(const cnn_trainer *t, const cnn_config *config,
                                const cnn_checkpoint_state *state, cnn_error *error) {
    static const char *const ways[] = {"auto", "direct"};
    const cnn_run_directory *directory = &t->session.directory;
    int64_t direct_only = t->setup.network->direct_only;
    if (state->direct_only != direct_only) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: cannot resume: the environment's CNN_CONV was %s when the run was "
                        "started, is %s now, and rounds differently",
                        directory->path, ways[state->direct_only != 0], ways[direct_only]);
    }
    if (state->base != base_of(t)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: cannot resume: pretrained.file (%s) is not the network that the run "
                        "was started from",
                        directory->path, config->pretrained.file);
    }
    if (state->epochs > config->train.epochs) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "train.epochs: expected at least the %lld that %s has finished, got %lld",
                        (long long)state->epochs, directory->path, (long long)config->train.epochs);
    }
    return CNN_OK;
}

static cnn_status check_json(const cnn_trainer *t, const cnn_config *config, const char *json,
                             cnn_error *error) {
    cnn_checkpoint_state state = {0};
    if (!json) {
        return cnn_fail_memory(error, "the config");
    }
    CNN_TRY(
        cnn_checkpoint_peek(t->session.directory.file[CNN_RUN_CHECKPOINT], json, &state, error));
    return check_process(t, config, &state, error);
}

cnn_status cnn_trainer_check_start(const cnn_trainer *t, const cnn_config *config,
                                   cnn_error *error) {
    if (!t->session.begun) {
        return CNN_OK;
    }
    char *json = cnn_config_to_json(config);
    cnn_status status = check_json(t, config, json, error);
    cnn_free(json);
    return status;
}

/* The same, and that it fits the images. */
static cnn_status check_state(const cnn_trainer *t, cnn_error *error) {
    const cnn_run_directory *directory = &t->session.directory;
    if (t->state.batches > cnn_trainer_batches(t)) {
        return cnn_fail(error, CNN_ERROR_MODEL,
                        "%s: damaged: expected at most %lld batches in an epoch, found %lld",
                        directory->file[CNN_RUN_CHECKPOINT], (long long)cnn_trainer_batches(t),
                        (long long)t->state.batches);
    }
    CNN_TRY(check_process(t, t->config, &t->state, error));
    if (t->state.low != t->config->image.ends.low || t->state.high != t->config->image.ends.high) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: cannot resume: image.range was %lld to %lld of 65535 when the run was "
                        "started, is %lld to %lld now",
                        directory->path, (long long)t->state.low, (long long)t->state.high,
                        (long long)t->config->image.ends.low,
                        (long long)t->config->image.ends.high);
    }
    return CNN_OK;
}

/* Writes the models of the checkpoint, in case a run ended between the two, or one was lost. */
static cnn_status restore_models(const cnn_trainer *t, cnn_error *error) {
    if (t->state.epochs == 0) {
        return CNN_OK;
    }
    CNN_TRY(cnn_trainer_write_model(t, CNN_RUN_MODEL, t->values.best_parameters, error));
    return t->state.batches == 0
               ? cnn_trainer_write_model(t, CNN_RUN_LAST, cnn_trainer_kept(t), error)
               : CNN_OK;
}

static cnn_status resume(cnn_trainer *t, cnn_error *error) {
    const cnn_run_directory *directory = &t->session.directory;
    t->synced = true; /* by the first checkpoint */
    CNN_TRY(read_checkpoint(t, error));
    CNN_TRY(check_state(t, error));
    CNN_TRY(cnn_table_start_metrics(directory->file[CNN_RUN_METRICS], t->state.epochs, error));
    CNN_TRY(cnn_run_remove_results(directory, error));
    CNN_TRY(restore_models(t, error));
    CNN_TRY(cnn_table_update_split(directory->file[CNN_RUN_SPLIT], t->setup.dataset, NULL, error));
    /* from now on, a larger train.epochs is part of the run */
    CNN_TRY(cnn_file_write(directory->file[CNN_RUN_CONFIG], t->config_json, strlen(t->config_json),
                           error));
    cnn_log_message(&t->options->common.log, CNN_LOG_INFO,
                    "%s: continuing after epoch %lld, batch %lld", directory->path,
                    (long long)t->state.epochs, (long long)t->state.batches);
    return CNN_OK;
}

static cnn_status start_or_resume(cnn_trainer *t, cnn_error *error) {
    CNN_TRY(cnn_session_claim(&t->session, true, error));
    return t->session.begun ? resume(t, error) : start(t, error);
}

cnn_status cnn_trainer_start(cnn_trainer *t, cnn_error *error) {
    t->state.data = cnn_dataset_fingerprint(t->setup.dataset);
    t->state.direct_only = t->setup.network->direct_only;
    t->state.low = t->config->image.ends.low;
    t->state.high = t->config->image.ends.high;
    t->state.base = base_of(t);
    t->checkpoint_due = cnn_clock_seconds() + t->config->train.checkpoint_seconds;
    cnn_status status = cnn_trainer_writes(t) ? start_or_resume(t, error) : CNN_OK;
    CNN_TRY(cnn_trainer_agree(t, status, error));
    return cnn_trainer_spread_start(t, error);
}
