#include "run/run_set.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/clock.h"
#include "run/jobs.h"
#include "run/session.h"
#include "run/set_watch.h"
#include "run/setup.h"
#include "run/tables.h"
#include "run/training.h"
#include "run/training_settings.h"

#include <math.h>
#include <signal.h>
#include <string.h>

/* The largest config.json that is read. */
#define CONFIG_LIMIT ((size_t)16 << 20)

/* A set that is being run. */
typedef struct set_run {
    const cnn_run_set *set;
    const cnn_train_options *options;
    cnn_session session;
    int member;           /* the current one, from 1 */
    int finished;         /* members that had finished when this process began */
    int failed;           /* members whose failure was noted */
    cnn_status failure;   /* of one of them: if possible, another than CNN_ERROR_DIVERGED */
    size_t images;        /* training images of an epoch; 0 if unknown */
    double begin;         /* by cnn_clock_seconds */
    double deadline;      /* of --max-seconds, the same */
    cnn_set_watch *watch; /* with jobs; else NULL */
} set_run;

/* --- messages and progress of a member --- */

static void log_of_member(void *user, cnn_log_level level, const char *line) {
    const set_run *r = user;
    cnn_log_message(&r->options->common.log, level, "%s %d/%d: %s", r->set->kind->member, r->member,
                    r->set->count, line);
}

/* Assumes that the remaining members take as long as this one. */
static void progress_of_member(void *user, const cnn_train_progress *progress) {
    const set_run *r = user;
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
    const set_run *r = user;
    cnn_train_epoch whole = *epoch;
    whole.fold = r->member;
    whole.folds = r->set->count;
    r->options->epoch(r->options->common.user, &whole);
}

static void reading_of_member(void *user, size_t done, size_t count) {
    const cnn_common_options *options = &((const set_run *)user)->options->common;
    options->reading(options->user, done, count);
}

static bool should_stop(void *user) {
    const set_run *r = user;
    const cnn_common_options *options = &r->options->common;
    return options->should_stop && options->should_stop(options->user);
}

/* Adds the name of the member to the message of a failure. */
static cnn_status name_member(const set_run *r, cnn_status status, cnn_error *error) {
    return status == CNN_OK ? CNN_OK
                            : cnn_fail_prefix(error, status, "%s %d/%d: ", r->set->kind->member,
                                              r->member, r->set->count);
}

/* Seconds of train.minutes for the set; 0: no limit. */
static double seconds_of_set(const set_run *r) {
    const cnn_set_kind *kind = r->set->kind;
    return kind->plan ? cnn_settings_seconds(kind->resolved(r->set->context)) : 0.0;
}

/* The same for a member: an equal part of what is left for it and those after it. */
static double seconds_of_member(const set_run *r, int member) {
    static const double least = 1e-3;
    double all = seconds_of_set(r);
    double count = r->set->count;
    bool alone = r->set->member > 0; /* others may be trained at the same time */
    double left = all * (1.0 - r->finished / count) - (cnn_clock_seconds() - r->begin);
    return all > 0.0 ? fmax(left, least) / (alone ? count : count - member + 1.0) : 0.0;
}

/* --- is the set in the directory this one? --- */

/* The action that a different set does not allow, for messages. */
static const char *verb(const set_run *r) {
    return r->set->gather ? "gather" : r->set->member > 0 ? "train a member" : "resume";
}

/* `now`: the config of the set, which takes over what the set chose when it was started. */
static cnn_status compare_with(const cnn_config *now, const char *then, char difference[256],
                               cnn_error *error) {
    char *text = cnn_config_to_json(now);
    cnn_status status = text ? cnn_config_difference(then, text, difference, error)
                             : cnn_fail_memory(error, "the config");
    cnn_free(text);
    return status;
}

static cnn_status compare_texts(const set_run *r, const char *then, cnn_error *error) {
    char difference[256] = "";
    const cnn_set_kind *kind = r->set->kind;
    cnn_config now = *kind->resolved(r->set->context); /* a view */
    cnn_status status = kind->plan ? cnn_config_take_over(then, &now, error) : CNN_OK;
    if (status == CNN_OK && kind->plan) {
        kind->plan(r->set->context, now.train.epochs);
    }
    if (status == CNN_OK) {
        status = compare_with(&now, then, difference, error);
    }
    if (status == CNN_ERROR_MODEL) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: cannot %s: damaged: expected the config of the run as JSON, found "
                        "other text",
                        r->session.directory.file[CNN_RUN_CONFIG], verb(r));
    }
    CNN_TRY(status);
    return difference[0] ? cnn_fail(error, CNN_ERROR_CONFIG,
                                    "%s: cannot %s: the config has changed since the run was "
                                    "started: %s",
                                    r->session.directory.path, verb(r), difference)
                         : CNN_OK;
}

static cnn_status compare_table(const set_run *r, cnn_error *error) {
    cnn_text difference = {0};
    cnn_status status = r->set->kind->follow(
        r->set->context, r->session.directory.file[r->set->kind->table], &difference, error);
    if (status == CNN_OK && difference.length > 0) {
        status =
            cnn_fail(error, CNN_ERROR_CONFIG, "%s: cannot %s: %s: %s", r->session.directory.path,
                     verb(r), r->set->kind->changed, difference.data);
    }
    cnn_text_free(&difference);
    return status;
}

/* Compares the config with that of a set that has begun. Needs no images. */
static cnn_status compare_config(const set_run *r, cnn_error *error) {
    const char *path = r->session.directory.file[CNN_RUN_CONFIG];
    char *then;
    size_t size;
    if (!r->session.begun) {
        return CNN_OK;
    }
    cnn_status status = cnn_file_read(path, CONFIG_LIMIT, CNN_ERROR_RUNTIME, &then, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = compare_texts(r, then, error);
    cnn_free(then);
    return status == CNN_OK && r->set->kind->grows ? compare_table(r, error) : status;
}

static cnn_status compare(const set_run *r, cnn_error *error) {
    CNN_TRY(compare_config(r, error));
    return compare_table(r, error);
}

/* --- the set's own files --- */

static cnn_status write_config(const set_run *r, cnn_error *error) {
    char *json = cnn_config_to_json(r->set->kind->resolved(r->set->context));
    cnn_status status =
        json ? cnn_file_write(r->session.directory.file[CNN_RUN_CONFIG], json, strlen(json), error)
             : cnn_fail_memory(error, "the config");
    cnn_free(json);
    return status;
}

/* With train.minutes, chooses the number of epochs of all members: those that fit into the time of
 * the first one. */
static cnn_status plan_epochs(const set_run *r, cnn_error *error) {
    const cnn_set_kind *kind = r->set->kind;
    cnn_train_options options = *r->options;
    cnn_member first;
    int64_t epochs;
    double seconds = seconds_of_member(r, 1);
    if (!(seconds > 0.0)) {
        return CNN_OK;
    }
    options.output = r->session.directory.path;
    CNN_TRY(kind->prepare(r->set->context, 1, &first, error));
    CNN_TRY(cnn_train_plan_epochs(first.images, seconds, r->set->count, first.config, &options,
                                  &epochs, error));
    kind->plan(r->set->context, epochs);
    return CNN_OK;
}

static cnn_status write_table(const set_run *r, cnn_error *error) {
    cnn_text text = {0};
    r->set->kind->describe(r->set->context, &text);
    return cnn_table_write(r->session.directory.file[r->set->kind->table], &text, true, error);
}

/* The table is written last: if it exists, all other files do. */
static cnn_status start(const set_run *r, cnn_error *error) {
    CNN_TRY(cnn_run_directory_clear(&r->session.directory, error));
    CNN_TRY(plan_epochs(r, error));
    CNN_TRY(write_config(r, error));
    return write_table(r, error);
}

static cnn_status start_or_resume(const set_run *r, cnn_error *error) {
    if (!r->session.begun) {
        return start(r, error);
    }
    CNN_TRY(compare(r, error));
    CNN_TRY(cnn_run_remove_results(&r->session.directory, error));
    CNN_TRY(write_config(r, error)); /* from now on, a larger train.epochs is part of the set */
    return r->set->kind->grows ? write_table(r, error) : CNN_OK;
}

/* --- members --- */

/* The options of a member's run in its directory, `path`. */
static cnn_train_options options_of_member(set_run *r, const char *path) {
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

/* --- functions for one member, r->member, in its directory `path` --- */

typedef cnn_status member_work(set_run *r, const char *path, bool *answer, cnn_error *error);

static cnn_status train_in(set_run *r, const char *path, bool *trained, cnn_error *error) {
    cnn_member what;
    const cnn_train_options options = options_of_member(r, path);
    cnn_status prepared = r->set->kind->prepare(r->set->context, r->member, &what, error);
    if (prepared != CNN_OK) {
        return r->set->kind->failed ? name_member(r, prepared, error) : prepared;
    }
    r->images = what.images ? what.images->split_count[CNN_SPLIT_TRAIN] : 0;
    *trained = true;
    const cnn_training training = {.images = what.images,
                                   .fold = what.fold,
                                   .pause = what.pause,
                                   .seconds = r->set->kind->plan
                                                  ? seconds_of_member(r, r->member)
                                                  : cnn_settings_seconds(what.config)};
    return name_member(r, cnn_train_on(&training, what.config, &options, error), error);
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

/* *finished: is there nothing to do? Fails if the member may not be trained. Needs no images, so
 * that mistakes are found before images are read. */
static cnn_status look_in(set_run *r, const char *path, bool *finished, cnn_error *error) {
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

/* *settled: has the member failed, for good? */
static cnn_status is_settled(const set_run *r, bool *settled, cnn_error *error) {
    const cnn_set_kind *kind = r->set->kind;
    *settled = false;
    return kind->settled ? kind->settled(r->set->context, r->member, settled, error) : CNN_OK;
}

static cnn_status is_finished_in(set_run *r, const char *path, bool *finished, cnn_error *error) {
    cnn_run_end end;
    CNN_TRY(is_settled(r, finished, error));
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

/* *done: has the run of the member ended with results that can be gathered? */
static cnn_status is_done_in(set_run *r, const char *path, bool *done, cnn_error *error) {
    const cnn_config *config = r->set->kind->config(r->set->context, r->member);
    cnn_run_end end;
    CNN_TRY(cnn_run_look(path, config, r->options->no_test, &end, error));
    *done = end == CNN_RUN_FINISHED;
    return end == CNN_RUN_CUT_SHORT ? wanted_as_many(path, config->train.epochs, done, error)
                                    : CNN_OK;
}

static cnn_status of_member(set_run *r, int member, member_work *work, bool *answer,
                            cnn_error *error) {
    char *path = r->set->kind->path(r->session.directory.path, member);
    r->member = member;
    cnn_status status =
        path ? work(r, path, answer, error) : cnn_fail_memory(error, r->session.directory.path);
    cnn_free(path);
    return status;
}

static void count_failure(set_run *r, cnn_status status) {
    r->failed++;
    r->failure = r->failure == CNN_OK || status != CNN_ERROR_DIVERGED ? status : r->failure;
}

static cnn_status train_member(set_run *r, int member, cnn_error *error) {
    bool trained, finished = false;
    if (r->session.begun && seconds_of_set(r) > 0.0) {
        CNN_TRY(name_member(r, of_member(r, member, is_finished_in, &finished, error), error));
        r->finished += finished;
    }
    r->member = member;
    CNN_TRY(is_settled(r, &finished, error));
    if (finished) {
        count_failure(r, CNN_ERROR_DIVERGED);
        log_of_member(r, CNN_LOG_INFO, "has failed before, and would again; not trained");
        return CNN_OK;
    }
    return of_member(r, member, train_in, &trained, error);
}

/* Is the failure one of the member, and not of the set, its directory, or the user's? */
static bool is_own_failure(const set_run *r, cnn_status status) {
    return r->set->kind->failed && status != CNN_OK && status != CNN_STOPPED &&
           status != CNN_ERROR_CONFIG;
}

/* Trains a member, and notes its failure, which ends only a process that trains this member alone.
 * A failure that cannot be noted, because the disk is full or the directory is gone, is that of the
 * set. */
static cnn_status train_or_note(set_run *r, int member, cnn_error *error) {
    cnn_error reason = {0};
    cnn_status status = train_member(r, member, &reason);
    if (is_own_failure(r, status)) {
        CNN_TRY(r->set->kind->failed(r->set->context, member, &reason, error));
        cnn_log_message(&r->options->common.log, CNN_LOG_WARNING, "%s", reason.message);
        count_failure(r, status);
        status = r->set->member > 0 ? status : CNN_OK;
    }
    if (status != CNN_OK && error) {
        *error = reason;
    }
    return status;
}

/* After gathering: the failure of a set of which no member has finished. */
static cnn_status check_any_finished(const set_run *r, cnn_error *error) {
    return r->failed < r->set->count
               ? CNN_OK
               : cnn_fail(error, r->failure, "%s: no run has finished, of %d; sweep.csv says why",
                          r->session.directory.path, r->set->count);
}

/* --- all members --- */

/* *finished: has every member finished, and were the results gathered? Needs no images. */
static cnn_status is_finished(set_run *r, bool *finished, cnn_error *error) {
    *finished = false;
    if (!r->session.begun) {
        return CNN_OK;
    }
    CNN_TRY(cnn_run_has_file(&r->session.directory, CNN_RUN_SUMMARY, finished, error));
    for (int member = 1; member <= r->set->count && *finished; member++) {
        CNN_TRY(of_member(r, member, is_finished_in, finished, error));
    }
    if (*finished) { /* not if the existing set has more members */
        char *path = r->set->kind->path(r->session.directory.path, r->set->count + 1);
        *finished = path && !cnn_folder_exists(path);
        cnn_status status = path ? CNN_OK : cnn_fail_memory(error, r->session.directory.path);
        cnn_free(path);
        return status;
    }
    return CNN_OK;
}

static cnn_status gather_results(const set_run *r, cnn_error *error) {
    CNN_TRY(cnn_session_still_ours(&r->session, error));
    return r->set->kind->gather(r->set->context, &r->session.directory, error);
}

/* --- several members at once --- */

/* --- callbacks in the process of a member; user is its set_run --- */

/* The lines of several members would be mixed up. */
static void log_of_job(void *user, cnn_log_level level, const char *line) {
    const cnn_log_sink *log = &((const set_run *)user)->set->options->common.log;
    cnn_log_message(log, level < CNN_LOG_WARNING ? CNN_LOG_DETAIL : level, "%s", line);
}

static bool should_stop_job(void *user) {
    const cnn_common_options *options = &((const set_run *)user)->set->options->common;
    return options->should_stop && options->should_stop(options->user);
}

static void progress_of_job(void *user, const cnn_train_progress *progress) {
    const set_run *r = user;
    cnn_set_watch_batch(r->watch, r->member, progress);
}

static void epoch_of_job(void *user, const cnn_train_epoch *epoch) {
    const set_run *r = user;
    cnn_set_watch_epoch(r->watch, r->member, epoch);
}

/* The options of a process that trains one of several members at the same time. */
static cnn_train_options options_of_job(set_run *r) {
    cnn_train_options options = *r->options;
    int threads = cnn_setup_threads(options.common.threads) / r->set->jobs;
    options.common.threads = threads > 1 ? threads : 1;
    options.common.reading = NULL;
    options.common.log = (cnn_log_sink){.write = log_of_job, .user = r};
    options.common.should_stop = should_stop_job;
    options.common.user = r;
    options.progress = progress_of_job;
    options.epoch = epoch_of_job;
    return options;
}

static void work_on_member(void *context, int member, cnn_job_result *result) {
    set_run *r = context;
    const cnn_train_options options = options_of_job(r);
    const int failed = r->failed;
    r->options = &options;
    r->failure = CNN_OK;
    cnn_set_watch_begin(r->watch, member);
    result->error.status = train_or_note(r, member, &result->error);
    result->noted = r->failed > failed ? r->failure : CNN_OK;
}

/* The process of a member that uses too much memory is killed by the system. */
static cnn_status member_ended(void *context, int member, int killed, const cnn_job_result *result,
                               cnn_error *error) {
    set_run *r = context;
    cnn_error reason;
    if (result->error.status == CNN_OK) { /* else, the set ends */
        cnn_set_watch_end(r->watch, member, killed != 0 || result->noted != CNN_OK,
                          &r->options->common.log);
    }
    if (killed == 0) {
        if (result->noted != CNN_OK) {
            count_failure(r, result->noted);
        }
        return result->error.status == CNN_OK
                   ? CNN_OK
                   : cnn_fail(error, result->error.status, "%s", result->error.message);
    }
    (void)cnn_fail(&reason, CNN_ERROR_RUNTIME, "%s %d/%d: its process was killed by signal %d%s",
                   r->set->kind->member, member, r->set->count, killed,
                   killed == SIGKILL ? ", as systems do that run out of memory" : "");
    cnn_log_message(&r->options->common.log, CNN_LOG_WARNING, "%s", reason.message);
    r->failed++;
    return r->set->kind->failed ? r->set->kind->failed(r->set->context, member, &reason, error)
                                : cnn_fail(error, CNN_ERROR_RUNTIME, "%s", reason.message);
}

static cnn_status is_wanted(void *context, int member, bool *wanted, cnn_error *error) {
    const set_run *r = context;
    *wanted = true;
    return r->set->kind->wanted ? r->set->kind->wanted(r->set->context, member, wanted, error)
                                : CNN_OK;
}

static void show_jobs(void *context, int running) {
    const set_run *r = context;
    if (r->set->progress) {
        const cnn_sweep_progress progress = cnn_set_watch_look(r->watch, running);
        r->set->progress(r->options->common.user, &progress);
    }
}

static cnn_status train_rung_at_once(set_run *r, int rung, cnn_error *error) {
    const cnn_jobs jobs = {.count = r->set->count,
                           .at_once = r->set->jobs < r->set->count ? r->set->jobs : r->set->count,
                           .options = &r->options->common,
                           .context = r,
                           .wanted = is_wanted,
                           .work = work_on_member,
                           .ended = member_ended,
                           .look = show_jobs};
    int all = 0;
    for (int member = 1; member <= r->set->count; member++) {
        bool wanted;
        CNN_TRY(is_wanted(r, member, &wanted, error));
        all += wanted;
    }
    cnn_set_watch_rung(r->watch, rung + 1, r->set->kind->rungs, all);
    return cnn_jobs_run(&jobs, error);
}

/* Trains all members that are wanted. */
static cnn_status train_rung(set_run *r, int rung, cnn_error *error) {
    if (r->watch) {
        return train_rung_at_once(r, rung, error);
    }
    for (int member = 1; member <= r->set->count; member++) {
        bool wanted;
        CNN_TRY(is_wanted(r, member, &wanted, error));
        if (wanted) {
            CNN_TRY(train_or_note(r, member, error));
        }
    }
    return CNN_OK;
}

static cnn_status train_all(set_run *r, cnn_error *error) {
    const cnn_set_kind *kind = r->set->kind;
    if (kind->rungs == 0) {
        return train_rung(r, 0, error);
    }
    for (int rung = 0; rung < kind->rungs; rung++) {
        CNN_TRY(kind->begin_rung(r->set->context, rung, error));
        CNN_TRY(train_rung(r, rung, error));
    }
    return CNN_OK;
}

static cnn_status run_all(set_run *r, cnn_error *error) {
    bool finished = false;
    CNN_TRY(cnn_session_open(r->set->config, r->options, r->set->kind->whole,
                             cnn_run_mode_of(r->options), &r->session, error));
    CNN_TRY(compare_config(r, error));
    CNN_TRY(is_finished(r, &finished, error));
    if (finished) {
        cnn_session_log_finished(&r->session);
        return CNN_OK;
    }
    CNN_TRY(cnn_session_claim(&r->session, false, error));
    CNN_TRY(r->set->kind->load(r->set->context, error));
    CNN_TRY(cnn_session_claim(&r->session, true, error));
    CNN_TRY(start_or_resume(r, error));
    if (r->set->jobs > 1) {
        CNN_TRY(cnn_set_watch_create(r->set->kind->member, r->set->count, r->set->kind->share,
                                     &r->watch, error));
    }
    CNN_TRY(train_all(r, error));
    CNN_TRY(gather_results(r, error));
    return check_any_finished(r, error);
}

/* --- one member --- */

/* Starts the set, or joins it, while no other process does. */
static cnn_status join(set_run *r, cnn_error *error) {
    cnn_file_lock lock = {.file = -1};
    cnn_status status = cnn_session_lock_start(&r->session, &lock, error);
    if (status == CNN_OK) {
        status = start_or_resume(r, error);
    }
    cnn_file_lock_release(&lock);
    return status;
}

static cnn_status run_member(set_run *r, cnn_error *error) {
    bool finished = false;
    /* the set may exist whatever the options are: they apply to the member */
    CNN_TRY(cnn_session_open(r->set->config, r->options, r->set->kind->part, CNN_RUN_RESUME,
                             &r->session, error));
    CNN_TRY(compare_config(r, error));
    CNN_TRY(of_member(r, r->set->member, look_in, &finished, error));
    if (finished) {
        return CNN_OK;
    }
    CNN_TRY(cnn_session_claim(&r->session, false, error));
    CNN_TRY(r->set->kind->load(r->set->context, error));
    CNN_TRY(cnn_session_claim(&r->session, true, error));
    CNN_TRY(join(r, error));
    return train_or_note(r, r->set->member, error);
}

/* --- gathering --- */

/* Number of missing members that a message names. */
enum { NAMED_MAX = 20 };

static cnn_status fail_missing(const set_run *r, const cnn_text *names, int missing,
                               cnn_error *error) {
    return names->failed
               ? cnn_fail_memory(error, "the results")
               : cnn_fail(error, CNN_ERROR_CONFIG,
                          "%s: cannot gather: %d of %d %ss are not finished (%s%s); train each of "
                          "them with --member",
                          r->session.directory.path, missing, r->set->count, r->set->kind->member,
                          names->data, missing > NAMED_MAX ? ", …" : "");
}

static cnn_status check_all_done(set_run *r, cnn_error *error) {
    cnn_text names = {0};
    cnn_status status = CNN_OK;
    int missing = 0;
    for (int member = 1; member <= r->set->count && status == CNN_OK; member++) {
        bool done = false;
        status = of_member(r, member, is_done_in, &done, error);
        missing += !done;
        if (!done && missing <= NAMED_MAX) {
            cnn_text_format(&names, "%s%d", missing > 1 ? ", " : "", member);
        }
    }
    if (status == CNN_OK && missing > 0) {
        status = fail_missing(r, &names, missing, error);
    }
    cnn_text_free(&names);
    return status;
}

static cnn_status run_gather(set_run *r, cnn_error *error) {
    CNN_TRY(cnn_session_open(r->set->config, r->options, r->set->kind->whole, CNN_RUN_RESUME,
                             &r->session, error));
    if (!r->session.begun) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: cannot gather: expected the run directories of %ss, found none",
                        r->session.directory.path, r->set->kind->member);
    }
    CNN_TRY(compare_config(r, error));
    CNN_TRY(cnn_session_claim(&r->session, false, error));
    CNN_TRY(r->set->kind->load(r->set->context, error));
    CNN_TRY(compare(r, error));
    if (!r->set->kind->gathers_part) {
        CNN_TRY(check_all_done(r, error));
    }
    CNN_TRY(cnn_run_remove_results(&r->session.directory, error));
    return gather_results(r, error);
}

/* --- */

cnn_status cnn_run_set_run(const cnn_run_set *set, cnn_error *error) {
    const cnn_train_options *options = set->options;
    double now = cnn_clock_seconds();
    set_run r = {.set = set,
                 .options = options,
                 .session = {.lock = {.file = -1}},
                 .begin = now,
                 .deadline = now + options->max_seconds};
    cnn_status status = set->gather       ? run_gather(&r, error)
                        : set->member > 0 ? run_member(&r, error)
                                          : run_all(&r, error);
    cnn_session_close(&r.session);
    cnn_set_watch_free(r.watch);
    return status;
}
