#include "run/session.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/checkpoint.h"
#include "run/own_config.h"

#include <stdio.h>

cnn_run_mode cnn_run_mode_of(const cnn_train_options *options) {
    return options->overwrite ? CNN_RUN_OVERWRITE : options->resume ? CNN_RUN_RESUME : CNN_RUN_NEW;
}

/* --- may the directory be used? --- */

static cnn_status fail_not_empty(const char *path, cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "%s: expected an empty run directory, found files in it; use --resume to "
                    "continue a run, --overwrite to start over, or --out for another directory",
                    path);
}

static cnn_status fail_kind(const cnn_session *session, const char *expected, const char *found,
                            cnn_error *error) {
    return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected %s to resume, found %s",
                    session->directory.path, expected, found);
}

static bool is_shared(const cnn_session *session) {
    return session->kind == CNN_SESSION_MEMBER || session->kind == CNN_SESSION_SWEEP_MEMBER;
}

static bool is_sweep(const cnn_session *session) {
    return session->kind == CNN_SESSION_SWEEP || session->kind == CNN_SESSION_SWEEP_MEMBER;
}

static const char cross_validation[] = "a cross-validation; continue it with the same --folds";
static const char sweep[] = "a sweep; continue it with the same --sweep";

/* For the directory of a run, which has a checkpoint or a config. */
static cnn_status check_run(cnn_session *session, bool has_checkpoint, bool has_members,
                            cnn_error *error) {
    bool has_folds;
    CNN_TRY(cnn_run_has_folds(session->directory.path, &has_folds, error));
    session->begun = has_checkpoint;
    return has_folds     ? fail_kind(session, "a run", cross_validation, error)
           : has_members ? fail_kind(session, "a run", sweep, error)
                         : CNN_OK;
}

/* The same for that of a set. A set that was killed early has a config only. */
static cnn_status check_set(cnn_session *session, bool has_checkpoint, bool has_members,
                            cnn_error *error) {
    bool has_split;
    CNN_TRY(cnn_run_has_file(&session->directory, CNN_RUN_SPLIT, &has_split, error));
    session->begun = is_sweep(session) ? has_members : has_split;
    if (is_sweep(session)) {
        return has_checkpoint ? fail_kind(session, "a sweep", "a run without --sweep", error)
               : has_split    ? fail_kind(session, "a sweep", cross_validation, error)
                              : CNN_OK;
    }
    return has_checkpoint ? fail_kind(session, "a cross-validation", "a run without --folds", error)
           : has_members  ? fail_kind(session, "a cross-validation", sweep, error)
                          : CNN_OK;
}

/* For a directory with files: are they those of a run, or set, that this session can resume? */
static cnn_status check_kind(cnn_session *session, cnn_error *error) {
    const cnn_run_directory *directory = &session->directory;
    bool has_checkpoint, has_config, has_members;
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_CHECKPOINT, &has_checkpoint, error));
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_CONFIG, &has_config, error));
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_MEMBERS, &has_members, error));
    if (!has_checkpoint && !has_config) {
        return fail_kind(session, "a run", "other files", error);
    }
    return session->kind == CNN_SESSION_RUN
               ? check_run(session, has_checkpoint, has_members, error)
               : check_set(session, has_checkpoint, has_members, error);
}

static cnn_status check(cnn_session *session, cnn_error *error) {
    bool in_use;
    session->begun = false;
    CNN_TRY(cnn_run_is_in_use(session->directory.path, &in_use, error));
    if (!in_use || session->mode == CNN_RUN_OVERWRITE) {
        return CNN_OK;
    }
    return session->mode == CNN_RUN_NEW ? fail_not_empty(session->directory.path, error)
                                        : check_kind(session, error);
}

cnn_status cnn_session_open(const cnn_config *config, const cnn_train_options *options,
                            cnn_session_kind kind, cnn_run_mode mode, cnn_session *session,
                            cnn_error *error) {
    const char *path = options->output ? options->output : config->output;
    *session = (cnn_session){.kind = kind,
                             .mode = mode,
                             .no_test = options->no_test,
                             .lock = {.file = -1},
                             .log = options->common.log,
                             .should_stop = options->common.should_stop,
                             .user = options->common.user};
    if (!path) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "output: missing; the run directory, in the config or as --out DIR");
    }
    CNN_TRY(cnn_run_directory_name(path, &session->directory, error));
    CNN_TRY(check(session, error));
    return session->begun ? CNN_OK : cnn_own_config_check(&session->directory, config, error);
}

void cnn_session_close(cnn_session *session) {
    cnn_file_lock_release(&session->lock);
    cnn_run_directory_free(&session->directory);
    session->claimed = false;
}

/* --- locks --- */

static cnn_status fail_busy(const cnn_session *session, const cnn_lock_holder *holder,
                            cnn_error *error) {
    char process[120] = "";
    if (holder->process > 0) {
        (void)snprintf(process, sizeof process, " (process %ld%s%s)", holder->process,
                       holder->host[0] ? " on " : "", holder->host);
    }
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "%s: another run%s is using this directory; wait for it, or use --out for "
                    "another directory",
                    session->directory.path, process);
}

/* Takes a lock in the directory. */
static cnn_status take_lock(const cnn_session *session, const char *name, cnn_lock_kind kind,
                            cnn_file_lock *lock, cnn_error *error) {
    bool busy = false;
    cnn_lock_holder holder;
    char *path = cnn_path_join(session->directory.path, name);
    const cnn_lock_request request = {.path = path,
                                      .kind = kind,
                                      .log = &session->log,
                                      .should_stop = session->should_stop,
                                      .user = session->user};
    cnn_status status = path ? cnn_file_lock_take(&request, lock, &busy, &holder, error)
                             : cnn_fail_memory(error, "the run directory");
    cnn_free(path);
    return status == CNN_OK && busy ? fail_busy(session, &holder, error) : status;
}

cnn_status cnn_session_claim(cnn_session *session, bool make, cnn_error *error) {
    bool shared = is_shared(session);
    if (session->claimed || (!make && !cnn_folder_exists(session->directory.path))) {
        return CNN_OK;
    }
    if (make) {
        CNN_TRY(cnn_folder_make(session->directory.path, error));
    }
    CNN_TRY(take_lock(session, CNN_RUN_LOCK, shared ? CNN_LOCK_SHARED : CNN_LOCK_ALONE,
                      &session->lock, error));
    session->claimed = true;
    if (!shared) { /* other programs may be writing now */
        CNN_TRY(cnn_run_remove_drafts(session->directory.path, error));
    }
    return check(session, error);
}

cnn_status cnn_session_still_ours(const cnn_session *session, cnn_error *error) {
    return cnn_file_lock_is_lost(&session->lock)
               ? cnn_fail(
                     error, CNN_ERROR_CONFIG,
                     "%s: this run's claim on the directory is gone: the run was suspended and "
                     "another one has taken its place, or the file was removed; nothing more is "
                     "written here, --resume continues when no other run is using it",
                     cnn_claim_path(session->lock.claim))
               : CNN_OK;
}

cnn_status cnn_session_lock_start(cnn_session *session, cnn_file_lock *lock, cnn_error *error) {
    CNN_TRY(take_lock(session, CNN_RUN_START_LOCK, CNN_LOCK_WAIT, lock, error));
    CNN_TRY(cnn_run_remove_drafts(session->directory.path, error));
    return check(session, error);
}

/* --- the progress of a run --- */

cnn_status cnn_session_take_over(const cnn_session *session, cnn_config *config, cnn_error *error) {
    bool wanted = session->begun && config->train.minutes > 0.0;
    return wanted ? cnn_checkpoint_take_over(session->directory.file[CNN_RUN_CHECKPOINT], config,
                                             error)
                  : CNN_OK;
}

static cnn_status look(const cnn_session *session, const cnn_config *config, const char *json,
                       cnn_run_end *end, cnn_error *error) {
    cnn_checkpoint_state state = {0};
    bool complete;
    CNN_TRY(cnn_checkpoint_peek(session->directory.file[CNN_RUN_CHECKPOINT], json, &state, error));
    CNN_TRY(cnn_run_is_complete(&session->directory, config->data.test != NULL && !session->no_test,
                                &complete, error));
    bool trained = state.batches == 0 && /* else --max-seconds has cut an epoch short */
                   (state.epochs == config->train.epochs ||
                    cnn_best_epoch_stops_early(config, state.epochs, &state.best));
    double minutes = config->train.minutes; /* not more than those that were up? */
    bool time_is_up = minutes > 0.0 && minutes <= state.ended_by_minutes;
    *end = !complete               ? CNN_RUN_UNFINISHED
           : trained || time_is_up ? CNN_RUN_FINISHED
                                   : CNN_RUN_CUT_SHORT;
    return CNN_OK;
}

cnn_status cnn_session_look(const cnn_session *session, const cnn_config *config, cnn_run_end *end,
                            cnn_error *error) {
    *end = CNN_RUN_UNFINISHED;
    if (!session->begun) {
        return CNN_OK;
    }
    char *json = cnn_config_to_json(config);
    cnn_status status =
        json ? look(session, config, json, end, error) : cnn_fail_memory(error, "the config");
    cnn_free(json);
    return status;
}

cnn_status cnn_run_look(const char *path, const cnn_config *config, bool no_test, cnn_run_end *end,
                        cnn_error *error) {
    cnn_session session;
    const cnn_train_options options = {.output = path, .no_test = no_test};
    cnn_status status =
        cnn_session_open(config, &options, CNN_SESSION_RUN, CNN_RUN_RESUME, &session, error);
    if (status == CNN_OK) {
        status = cnn_session_look(&session, config, end, error);
    }
    cnn_session_close(&session);
    return status;
}

void cnn_session_log_finished(const cnn_session *session) {
    cnn_log_message(&session->log, CNN_LOG_INFO, "%s: finished already, nothing to do",
                    session->directory.path);
}
