/* One member of a set. */
#include "run/set_run.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/clock.h"
#include "run/training.h"
#include "run/training_settings.h"

#include <math.h>

/* --- messages and progress of a member --- */

static void log_of_member(void *user, cnn_log_level level, const char *line) {
    const cnn_set_run *r = user;
    cnn_log_message(&r->options->common.log, level, "%s %d/%d: %s", r->set->kind->member, r->member,
                    r->set->count, line);
}

/* Assumes that the remaining members take as long as this one. */
static void progress_of_member(void *user, const cnn_train_progress *progress) {
    const cnn_set_run *r = user;
    cnn_train_progress whole = *progress;
    whole.fold = r->member;
    whole.folds = r->set->count;
    whole.member = r->set->kind->member;
    if (progress->images_per_second > 0.0 && r->set->member == 0) {
        whole.seconds_left += (double)(r->set->count - r->member) * (double)progress->epochs *
                              (double)r->images / progress->images_per_second;
    }
    r->options->progress(r->options->common.user, &whole);
}

static void epoch_of_member(void *user, const cnn_train_epoch *epoch) {
    const cnn_set_run *r = user;
    cnn_train_epoch whole = *epoch;
    whole.fold = r->member;
    whole.folds = r->set->count;
    r->options->epoch(r->options->common.user, &whole);
}

static void reading_of_member(void *user, size_t done, size_t count) {
    const cnn_common_options *options = &((const cnn_set_run *)user)->options->common;
    options->reading(options->user, done, count);
}

static bool should_stop(void *user) {
    const cnn_set_run *r = user;
    const cnn_common_options *options = &r->options->common;
    return options->should_stop && options->should_stop(options->user);
}

/* Adds the name of the member to the message of a failure. */
static cnn_status name_member(const cnn_set_run *r, cnn_status status, cnn_error *error) {
    return status == CNN_OK ? CNN_OK
                            : cnn_fail_prefix(error, status, "%s %d/%d: ", r->set->kind->member,
                                              r->member, r->set->count);
}

/* --- training and looking --- */

/* The options of a member's run in its directory, `path`. */
static cnn_train_options options_of_member(cnn_set_run *r, const char *path) {
    bool alone = r->set->member > 0;
    cnn_train_options options = *r->options;
    options.output = path;
    options.resume = !alone || r->options->resume;
    options.overwrite = alone && r->options->overwrite;
    options.common.log = (cnn_log_sink){.write = log_of_member, .user = r};
    options.progress = r->options->progress ? progress_of_member : NULL;
    options.epoch = r->options->epoch ? epoch_of_member : NULL;
    options.common.should_stop = should_stop;
    options.common.reading = r->options->common.reading ? reading_of_member : NULL;
    options.common.user = r;
    if (options.max_seconds > 0.0) { /* the remaining members share the remaining time */
        int rounds = (r->set->count - r->member) / (r->set->jobs > 1 ? r->set->jobs : 1) + 1;
        options.max_seconds = fmax(r->deadline - cnn_clock_seconds(), 1e-3) / (alone ? 1 : rounds);
    }
    return options;
}

static cnn_status train_in(cnn_set_run *r, const char *path, bool *trained, cnn_error *error) {
    cnn_member what;
    const cnn_train_options options = options_of_member(r, path);
    CNN_TRY(r->set->kind->prepare(r->set->context, r->member, &what, error));
    r->images = what.images ? what.images->split_count[CNN_SPLIT_TRAIN] : 0;
    *trained = true;
    const cnn_training training = {.images = what.images,
                                   .fold = what.fold,
                                   .pause = what.pause,
                                   .seconds = r->set->kind->plan
                                                  ? cnn_set_member_seconds(r, r->member)
                                                  : cnn_settings_seconds(what.config)};
    return cnn_train_on(&training, what.config, &options, error);
}

static cnn_status look_at(cnn_session *session, const cnn_config *config, bool *finished,
                          cnn_error *error) {
    cnn_run_end end;
    CNN_TRY(cnn_session_look(session, config, &end, error));
    *finished = end == CNN_RUN_FINISHED;
    if (*finished) {
        cnn_session_log_finished(session);
        return CNN_OK;
    }
    return cnn_session_claim(session, false, error); /* briefly, to test whether another run is
                                                      * using it */
}

cnn_status cnn_set_look_in(cnn_set_run *r, const char *path, bool *finished, cnn_error *error) {
    cnn_session session;
    const cnn_config *config = r->set->kind->config(r->set->context, r->member);
    const cnn_train_options options = options_of_member(r, path);
    cnn_status status = cnn_session_open(config, &options, CNN_SESSION_RUN,
                                         cnn_run_mode_of(&options), &session, error);
    if (status == CNN_OK) {
        status = look_at(&session, config, finished, error);
    }
    cnn_session_close(&session);
    return name_member(r, status, error);
}

/* *settled: is there a note, and would training the member again end in the same way? *reason: as
 * noted. */
static cnn_status is_settled(const cnn_set_run *r, bool *settled, cnn_error *reason,
                             cnn_error *error) {
    const cnn_set_kind *kind = r->set->kind;
    *settled = false;
    return kind->settled ? kind->settled(r->set->context, r->member, settled, reason, error)
                         : CNN_OK;
}

cnn_status cnn_set_is_finished_in(cnn_set_run *r, const char *path, bool *finished,
                                  cnn_error *error) {
    cnn_run_end end;
    cnn_error reason;
    CNN_TRY(is_settled(r, finished, &reason, error));
    if (*finished) {
        return CNN_OK;
    }
    CNN_TRY(cnn_run_look(path, r->set->kind->config(r->set->context, r->member),
                         r->options->no_test, &end, error));
    *finished = end == CNN_RUN_FINISHED;
    return CNN_OK;
}

/* *same: was the run, which --max-seconds may have ended, configured for as many epochs as the set?
 * Read from its config.json. */
static cnn_status wanted_as_many(const char *path, int64_t epochs, bool *same, cnn_error *error) {
    cnn_config *own;
    char *own_path = cnn_path_join(path, "config.json");
    cnn_status status =
        own_path ? cnn_config_load(own_path, NULL, 0, &own, error) : cnn_fail_memory(error, path);
    if (status == CNN_OK) {
        *same = own->train.epochs == epochs;
        cnn_config_free(own);
    }
    cnn_free(own_path);
    return status;
}

cnn_status cnn_set_is_done_in(cnn_set_run *r, const char *path, bool *done, cnn_error *error) {
    const cnn_config *config = r->set->kind->config(r->set->context, r->member);
    cnn_run_end end;
    CNN_TRY(cnn_run_look(path, config, r->options->no_test, &end, error));
    *done = end == CNN_RUN_FINISHED;
    return end == CNN_RUN_CUT_SHORT ? wanted_as_many(path, config->train.epochs, done, error)
                                    : CNN_OK;
}

cnn_status cnn_set_of_member(cnn_set_run *r, int member, cnn_set_member_work *work, bool *answer,
                             cnn_error *error) {
    char *path = r->set->kind->path(r->session.directory.path, member);
    r->member = member;
    cnn_status status =
        path ? work(r, path, answer, error) : cnn_fail_memory(error, r->session.directory.path);
    cnn_free(path);
    return status;
}

/* *settled: the failure is an earlier one, and the member was not trained. */
static cnn_status train_member(cnn_set_run *r, int member, bool *settled, cnn_error *error) {
    bool trained, finished = false;
    cnn_error reason;
    if (r->session.begun && cnn_set_seconds(r) > 0.0) {
        CNN_TRY(cnn_set_of_member(r, member, cnn_set_is_finished_in, &finished, error));
        r->finished += finished;
    }
    r->member = member;
    const bool starts_over = r->set->member > 0 && r->options->overwrite;
    if (!starts_over) {
        CNN_TRY(is_settled(r, settled, &reason, error));
    }
    return *settled ? cnn_fail(error, reason.status, "has failed before, and would again: %s",
                               reason.message)
                    : cnn_set_of_member(r, member, train_in, &trained, error);
}

/* Is it a failure of the member alone, and not of the set or its directory, or a request to stop?
 */
static bool is_own_failure(const cnn_set_run *r, cnn_status status) {
    return r->set->kind->failed && status != CNN_OK && status != CNN_STOPPED &&
           status != CNN_ERROR_CONFIG;
}

cnn_status cnn_set_train_or_note(cnn_set_run *r, int member, cnn_error *error) {
    cnn_error reason = {0};
    bool settled = false;
    cnn_status status = train_member(r, member, &settled, &reason);
    r->noted = is_own_failure(r, status) ? status : CNN_OK;
    if (r->noted != CNN_OK && !settled) {
        CNN_TRY(r->set->kind->failed(r->set->context, member, &reason, error));
    }
    status = name_member(r, status, &reason);
    if (r->noted != CNN_OK && r->set->member == 0) {
        cnn_log_message(&r->options->common.log, CNN_LOG_WARNING, "%s", reason.message);
        return CNN_OK;
    }
    if (status != CNN_OK && error) {
        *error = reason;
    }
    return status;
}

cnn_status cnn_set_is_wanted(void *context, int member, bool *wanted, cnn_error *error) {
    const cnn_set_run *r = context;
    *wanted = true;
    return r->set->kind->wanted ? r->set->kind->wanted(r->set->context, member, wanted, error)
                                : CNN_OK;
}
