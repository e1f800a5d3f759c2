/* report.html of a run directory (cnn/report.h). */
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "report/page.h"
#include "report/record.h"
#include "run/session.h"

#include "cnn/report.h"

/* A report that is to be made. */
typedef struct request {
    const cnn_config *config;
    const cnn_report_options *options;
    int member; /* of the set; 0: the run, or the set itself */
} request;

static cnn_status check_stop(const request *r, const char *path, cnn_error *error) {
    const cnn_common_options *common = &r->options->common;
    return common->should_stop && common->should_stop(common->user)
               ? cnn_fail(error, CNN_STOPPED,
                          "%s: stopped before it was made; the run is finished, and --resume makes "
                          "the report",
                          path)
               : CNN_OK;
}

/* --- from the record to the file --- */

static cnn_status write_page(const request *r, cnn_record *record, const char *path,
                             cnn_error *error) {
    cnn_text text = {0};
    record->report.options = &r->options->common;
    record->report.threads = r->options->common.threads;
    record->run.member = r->member;
    record->run.members = r->member > 0 ? r->options->folds : 0;
    cnn_status status = cnn_report_page(&record->report, &text, error);
    if (status == CNN_OK || status == CNN_STOPPED) {
        status = check_stop(r, path, error);
    }
    if (status == CNN_OK) {
        status = text.failed ? cnn_fail_memory(error, path)
                             : cnn_file_write(path, text.data, text.length, error);
    }
    cnn_text_free(&text);
    return status;
}

static cnn_status make(const request *r, const cnn_run_directory *directory, cnn_error *error) {
    const char *path = directory->file[CNN_RUN_REPORT];
    cnn_record record;
    CNN_TRY(check_stop(r, path, error));
    cnn_status status = cnn_record_read(directory->path, &record, error);
    if (status == CNN_OK) {
        status = write_page(r, &record, path, error);
    }
    cnn_record_free(&record);
    return status;
}

/* --- one directory --- */

static cnn_status make_if_missing(const request *r, cnn_session *session, cnn_error *error) {
    const cnn_run_directory *directory = &session->directory;
    const cnn_log_sink *log = &r->options->common.log;
    bool finished, has_report;
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_REPORT, &has_report, error));
    if (has_report) {
        return CNN_OK;
    }
    CNN_TRY(cnn_session_claim(session, false, error));
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_SUMMARY, &finished, error));
    if (!finished) { /* another program has just started it again */
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a finished run, found another one",
                        directory->path);
    }
    CNN_TRY(make(r, directory, error));
    cnn_log_message(log, r->member > 0 ? CNN_LOG_DETAIL : CNN_LOG_INFO, "report: %s",
                    directory->file[CNN_RUN_REPORT]);
    return CNN_OK;
}

static cnn_status make_in(const request *r, const char *path, cnn_session_kind kind,
                          cnn_error *error) {
    cnn_session session;
    const cnn_train_options options = {.common = r->options->common, .output = path};
    cnn_status status =
        cnn_session_open(r->config, &options, kind, CNN_RUN_RESUME, &session, error);
    if (status == CNN_OK) {
        status = make_if_missing(r, &session, error);
    }
    cnn_session_close(&session);
    return status;
}

/* --- a set of runs --- */

static cnn_status make_member(const request *set, const char *path, int member, cnn_error *error) {
    request r = *set;
    r.member = member;
    char *member_path = cnn_run_fold_path(path, member);
    cnn_status status = member_path ? make_in(&r, member_path, CNN_SESSION_RUN, error)
                                    : cnn_fail_memory(error, path);
    cnn_free(member_path);
    return status;
}

cnn_status cnn_report_make(const cnn_config *config, const cnn_report_options *options,
                           cnn_error *error) {
    const request r = {.config = config, .options = options};
    const char *path = options->output ? options->output : config->output;
    if (!path) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "output: missing; the run directory, in the config or as --out DIR");
    }
    if (options->member > 0) {
        return make_member(&r, path, options->member, error);
    }
    for (int member = 1; member <= options->folds; member++) {
        CNN_TRY(make_member(&r, path, member, error));
    }
    return make_in(&r, path, options->folds > 0 ? CNN_SESSION_SET : CNN_SESSION_RUN, error);
}
