/* Several members of a set at once: each is trained in a process of its own. */
#include "run/set_run.h"

#include "base/error.h"
#include "base/log.h"
#include "run/jobs.h"
#include "run/set_watch.h"
#include "run/setup.h"

#include <signal.h>

/* --- callbacks in the process of a member; user is its cnn_set_run --- */

/* The lines of several members would be mixed up. */
static void log_of_job(void *user, cnn_log_level level, const char *line) {
    const cnn_log_sink *log = &((const cnn_set_run *)user)->set->options->common.log;
    cnn_log_message(log, level < CNN_LOG_WARNING ? CNN_LOG_DETAIL : level, "%s", line);
}

static bool should_stop_job(void *user) {
    const cnn_common_options *options = &((const cnn_set_run *)user)->set->options->common;
    return options->should_stop && options->should_stop(options->user);
}

static void progress_of_job(void *user, const cnn_train_progress *progress) {
    const cnn_set_run *r = user;
    cnn_set_watch_batch(r->watch, r->member, progress);
}

static void epoch_of_job(void *user, const cnn_train_epoch *epoch) {
    const cnn_set_run *r = user;
    cnn_set_watch_epoch(r->watch, r->member, epoch);
}

/* The options of a process that trains one of several members at the same time. */
static cnn_train_options options_of_job(cnn_set_run *r) {
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

static void show_jobs(void *context, int running) {
    const cnn_set_run *r = context;
    if (r->set->progress) {
        const cnn_sweep_progress progress = cnn_set_watch_look(r->watch, running);
        r->set->progress(r->options->common.user, &progress);
    }
}

cnn_status cnn_set_train_rung_at_once(cnn_set_run *r, int rung, cnn_error *error) {
    const cnn_jobs jobs = {.count = r->set->count,
                           .at_once = r->set->jobs < r->set->count ? r->set->jobs : r->set->count,
                           .options = &r->options->common,
                           .context = r,
                           .wanted = cnn_set_is_wanted,
                           .work = work_on_member,
                           .ended = member_ended,
                           .look = show_jobs};
    int all = 0;
    for (int member = 1; member <= r->set->count; member++) {
        bool wanted;
        CNN_TRY(cnn_set_is_wanted(r, member, &wanted, error));
        all += wanted;
    }
    cnn_set_watch_rung(r->watch, rung + 1, r->set->kind->rungs, all);
    return cnn_jobs_run(&jobs, error);
}
