#include "run/run_set.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/clock.h"
#include "run/set_run.h"
#include "run/set_watch.h"

/* --- gathering --- */

/* Number of missing members that a message names. */
enum { NAMED_MAX = 20 };

static cnn_status fail_missing(const cnn_set_run *r, const cnn_text *names, int missing,
                               cnn_error *error) {
    return names->failed
               ? cnn_fail_memory(error, "the results")
               : cnn_fail(error, CNN_ERROR_CONFIG,
                          "%s: cannot gather: %d of %d %ss are not finished (%s%s); train each of "
                          "them with --member",
                          r->session.directory.path, missing, r->set->count, r->set->kind->member,
                          names->data, missing > NAMED_MAX ? ", …" : "");
}

static cnn_status check_all_done(cnn_set_run *r, cnn_error *error) {
    cnn_text names = {0};
    cnn_status status = CNN_OK;
    int missing = 0;
    for (int member = 1; member <= r->set->count && status == CNN_OK; member++) {
        bool done = false;
        status = cnn_set_of_member(r, member, cnn_set_is_done_in, &done, error);
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

static cnn_status outcome(const cnn_set_run *r, cnn_error *error) {
    const cnn_set_kind *kind = r->set->kind;
    return kind->outcome ? kind->outcome(r->set->context, error) : CNN_OK;
}

static cnn_status gather_results(const cnn_set_run *r, cnn_error *error) {
    CNN_TRY(cnn_session_still_ours(&r->session, error));
    CNN_TRY(r->set->kind->gather(r->set->context, &r->session.directory, error));
    return outcome(r, error);
}

/* Puts the results of members that other processes may have trained, or that an earlier one has,
 * together. */
static cnn_status gather_members(cnn_set_run *r, cnn_error *error) {
    CNN_TRY(cnn_session_claim(&r->session, false, error));
    CNN_TRY(r->set->kind->load(r->set->context, error));
    CNN_TRY(cnn_set_compare(r, error));
    if (!r->set->kind->gathers_part) {
        CNN_TRY(check_all_done(r, error));
    }
    CNN_TRY(cnn_run_remove_results(&r->session.directory, error));
    return gather_results(r, error);
}

/* --- all members --- */

/* *finished: has every member finished, and were the results gathered? Needs no images. */
static cnn_status is_finished(cnn_set_run *r, bool *finished, cnn_error *error) {
    *finished = false;
    if (!r->session.begun) {
        return CNN_OK;
    }
    CNN_TRY(cnn_run_has_file(&r->session.directory, CNN_RUN_SUMMARY, finished, error));
    for (int member = 1; member <= r->set->count && *finished; member++) {
        CNN_TRY(cnn_set_of_member(r, member, cnn_set_is_finished_in, finished, error));
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

/* Trains all members that are wanted. */
static cnn_status train_rung(cnn_set_run *r, int rung, cnn_error *error) {
    if (r->watch) {
        return cnn_set_train_watched(r, rung, error);
    }
    for (int member = 1; member <= r->set->count; member++) {
        bool wanted;
        CNN_TRY(cnn_set_is_wanted(r, member, &wanted, error));
        if (wanted) {
            CNN_TRY(cnn_set_train_or_note(r, member, error));
        }
    }
    return CNN_OK;
}

static cnn_status train_all(cnn_set_run *r, cnn_error *error) {
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

/* Only the report of a finished set may be missing: gathering makes it. */
static cnn_status complete(cnn_set_run *r, cnn_error *error) {
    bool reported = true;
    cnn_session_log_finished(&r->session);
    if (r->set->kind->reports) {
        CNN_TRY(cnn_run_has_file(&r->session.directory, CNN_RUN_REPORT, &reported, error));
    }
    return reported ? outcome(r, error) : gather_members(r, error);
}

static cnn_status run_all(cnn_set_run *r, cnn_error *error) {
    bool finished = false;
    CNN_TRY(cnn_session_open(r->set->config, r->options, r->set->kind->whole,
                             cnn_run_mode_of(r->options), &r->session, error));
    CNN_TRY(cnn_set_compare_config(r, error));
    CNN_TRY(is_finished(r, &finished, error));
    if (finished) {
        return complete(r, error);
    }
    CNN_TRY(cnn_session_claim(&r->session, false, error));
    CNN_TRY(r->set->kind->load(r->set->context, error));
    CNN_TRY(cnn_session_claim(&r->session, true, error));
    CNN_TRY(cnn_set_start_or_resume(r, error));
    if (r->set->kind->brief) {
        CNN_TRY(cnn_set_watch_create(r->set->kind->member, r->set->count, r->set->kind->share,
                                     &r->watch, error));
    }
    CNN_TRY(train_all(r, error));
    return gather_results(r, error);
}

/* --- one member --- */

/* Starts the set, or joins it, while no other process does. */
static cnn_status join(cnn_set_run *r, cnn_error *error) {
    cnn_file_lock lock = {.file = -1};
    cnn_status status = cnn_session_lock_start(&r->session, &lock, error);
    if (status == CNN_OK) {
        status = cnn_set_start_or_resume(r, error);
    }
    cnn_file_lock_release(&lock);
    return status;
}

static cnn_status run_member(cnn_set_run *r, cnn_error *error) {
    bool finished = false;
    /* the set may exist whatever the options are: they apply to the member */
    CNN_TRY(cnn_session_open(r->set->config, r->options, r->set->kind->part, CNN_RUN_RESUME,
                             &r->session, error));
    CNN_TRY(cnn_set_compare_config(r, error));
    CNN_TRY(cnn_set_of_member(r, r->set->member, cnn_set_look_in, &finished, error));
    if (finished) {
        return CNN_OK;
    }
    CNN_TRY(cnn_session_claim(&r->session, false, error));
    CNN_TRY(r->set->kind->load(r->set->context, error));
    CNN_TRY(cnn_session_claim(&r->session, true, error));
    CNN_TRY(join(r, error));
    return cnn_set_train_or_note(r, r->set->member, error);
}

static cnn_status run_gather(cnn_set_run *r, cnn_error *error) {
    CNN_TRY(cnn_session_open(r->set->config, r->options, r->set->kind->whole, CNN_RUN_RESUME,
                             &r->session, error));
    if (!r->session.begun) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "%s: cannot gather: expected the run directories of %ss, found none",
                        r->session.directory.path, r->set->kind->member);
    }
    CNN_TRY(cnn_set_compare_config(r, error));
    return gather_members(r, error);
}

/* --- */

cnn_status cnn_run_set_run(const cnn_run_set *set, cnn_error *error) {
    const cnn_train_options *options = set->options;
    double now = cnn_clock_seconds();
    cnn_set_run r = {.set = set,
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
