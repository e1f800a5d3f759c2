/* All members of a set, with a line for each that ends: one after the other, or several at once,
 * each in its own process. */
#include "run/set_run.h"

#include "base/error.h"
#include "base/log.h"
#include "run/jobs.h"
#include "run/set_watch.h"
#include "run/setup.h"

#include <signal.h>

/* --- callbacks of a member; user is its cnn_set_run --- */

static const cnn_common_options *own_options(const void *user) {
    return &((const cnn_set_run *)user)->set->options->common;
}

/* Lines of many members hide what matters, and those of several at once would be mixed up. */
static void log_as_detail(void *user, cnn_log_level level, const char *line) {
    cnn_log_message(&own_options(user)->log, level < CNN_LOG_WARNING ? CNN_LOG_DETAIL : level, "%s",
                    line);
}

static bool should_stop(void *user) {
    const cnn_common_options *options = own_options(user);
    return options->should_stop && options->should_stop(options->user);
}

static void show(void *context, int running) {
    const cnn_set_run *r = context;
    if (r->set->progress) {
        const cnn_sweep_progress progress = cnn_set_watch_look(r->watch, running);
        r->set->progress(own_options(r)->user, &progress);
    }
}

static void progress_of_job(void *user, const cnn_train_progress *progress) {
    const cnn_set_run *r = user;
    cnn_set_watch_batch(r->watch, r->member, progress);
}

static void epoch_of_job(void *user, const cnn_train_epoch *epoch) {
    const cnn_set_run *r = user;
    cnn_set_watch_epoch(r->watch, r->member, epoch);
}

static void progress_in_turn(void *user, const cnn_train_progress *progress) {
    progress_of_job(user, progress);
    show(user, 1);
}

static void epoch_in_turn(void *user, const cnn_train_epoch *epoch) {
    const cnn_train_options *options = ((const cnn_set_run *)user)->set->options;
    epoch_of_job(user, epoch);
    if (options->epoch) {
        options->epoch(options->common.user, epoch);
    }
}

static void reading_in_turn(void *user, size_t done, size_t count) {
    const cnn_common_options *options = own_options(user);
    if (options->reading) {
        options->reading(options->user, done, count);
    }
}

static cnn_train_options watched_options(cnn_set_run *r) {
    cnn_train_options options = *r->options;
    options.common.log = (cnn_log_sink){.write = log_as_detail, .user = r};
    options.common.should_stop = should_stop;
    options.common.user = r;
    return options;
}

/* --- one after the other --- */

static cnn_status train_wanted(cnn_set_run *r, cnn_error *error) {
    for (int member = 1; member <= r->set->count; member++) {
        bool wanted;
        CNN_TRY(cnn_set_is_wanted(r, member, &wanted, error));
        if (wanted) {
            cnn_set_watch_begin(r->watch, member);
            CNN_TRY(cnn_set_train_or_note(r, member, error));
            cnn_set_watch_end(r->watch, member, r->noted != CNN_OK, &own_options(r)->log);
        }
    }
    return CNN_OK;
}

static cnn_status train_in_turn(cnn_set_run *r, cnn_error *error) {
    cnn_train_options options = watched_options(r);
    options.common.reading = reading_in_turn;
    options.progress = progress_in_turn;
    options.epoch = epoch_in_turn;
    r->options = &options;
    const cnn_status status = train_wanted(r, error);
    r->options = r->set->options;
    return status;
}

/* --- several at once --- */

/* The options of a process that trains one of several members at the same time. */
static cnn_train_options options_of_job(cnn_set_run *r) {
    cnn_train_options options = watched_options(r);
    options.common.threads =
        cnn_jobs_threads(cnn_setup_threads(options.common.threads), r->set->jobs);
    options.common.reading = NULL;
    options.progress = progress_of_job;
    options.epoch = epoch_of_job;
    return options;
}

static void work_on_member(void *context, int member, cnn_job_result *result) {
    cnn_set_run *r = context;
    const cnn_train_options options = options_of_job(r);
    r->options = &options;
    cnn_set_watch_begin(r->watch, member);
    result->error.status = cnn_set_train_or_note(r, member, &result->error);
    result->noted = r->noted;
}

/* The process of a member that uses too much memory is killed by the system. */
static cnn_status member_ended(void *context, int member, int killed, const cnn_job_result *result,
                               cnn_error *error) {
    cnn_set_run *r = context;
    cnn_error reason;
    if (result->error.status == CNN_OK) { /* else, the set ends */
        cnn_set_watch_end(r->watch, member, killed != 0 || result->noted != CNN_OK,
                          &r->options->common.log);
    }
    if (killed == 0) {
        return result->error.status == CNN_OK
                   ? CNN_OK
                   : cnn_fail(error, result->error.status, "%s", result->error.message);
    }
    (void)cnn_fail(&reason, CNN_ERROR_RUNTIME, "its process was killed by signal %d%s", killed,
                   killed == SIGKILL ? ", as systems do that run out of memory" : "");
    cnn_log_message(&r->options->common.log, CNN_LOG_WARNING, "%s %d/%d: %s", r->set->kind->member,
                    member, r->set->count, reason.message);
    return r->set->kind->failed ? r->set->kind->failed(r->set->context, member, &reason, error)
                                : cnn_fail(error, CNN_ERROR_RUNTIME, "%s", reason.message);
}

static cnn_status train_at_once(cnn_set_run *r, cnn_error *error) {
    const cnn_jobs jobs = {.count = r->set->count,
                           .at_once = r->set->jobs < r->set->count ? r->set->jobs : r->set->count,
                           .options = &r->options->common,
                           .context = r,
                           .wanted = cnn_set_is_wanted,
                           .work = work_on_member,
                           .ended = member_ended,
                           .look = show};
    return cnn_jobs_run(&jobs, error);
}

/* --- */

cnn_status cnn_set_train_watched(cnn_set_run *r, int rung, cnn_error *error) {
    int all = 0;
    for (int member = 1; member <= r->set->count; member++) {
        bool wanted;
        CNN_TRY(cnn_set_is_wanted(r, member, &wanted, error));
        all += wanted;
    }
    cnn_set_watch_rung(r->watch, rung + 1, r->set->kind->rungs, all);
    return r->set->jobs > 1 ? train_at_once(r, error) : train_in_turn(r, error);
}
