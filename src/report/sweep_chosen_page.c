/* report.html of the run that a sweep has chosen: that of a run, with the test images, which the
 * sweep has measured with its model. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/page.h"
#include "report/record.h"
#include "report/sweep_record.h"

static cnn_status write_page(const cnn_sweep_set *set, int member, cnn_record *record,
                             const char *path, cnn_error *error) {
    cnn_text text = {0};
    record->report.options = &set->train.common;
    record->report.threads = set->train.common.threads;
    record->run.chosen = member;
    record->run.chosen_of = set->sweep->members;
    cnn_status status = cnn_report_page(&record->report, &text, error);
    if (status == CNN_OK) {
        status = cnn_file_write(path, text.data, text.length, error);
    }
    cnn_text_free(&text);
    return status;
}

static cnn_status make(const cnn_sweep_set *set, const cnn_sweep_findings *found,
                       const cnn_run_directory *member, const char *predictions, cnn_error *error) {
    const cnn_chosen_test test = {.measured = &found->test, .predictions = predictions};
    const bool has_test = found->test.metrics.count > 0;
    cnn_record record;
    cnn_status status =
        cnn_record_read_chosen(member->path, has_test ? &test : NULL, &record, error);
    if (status == CNN_OK) {
        status =
            write_page(set, found->choice.member, &record, member->file[CNN_RUN_REPORT], error);
    }
    cnn_record_free(&record);
    return status;
}

/* Of the chosen member; others lose the report that they had while they were the chosen one. */
static cnn_status make_or_remove(const cnn_sweep_set *set, const cnn_sweep_findings *found,
                                 int number, const char *predictions, cnn_error *error) {
    cnn_run_directory member;
    cnn_status status = cnn_run_member_directory(set->directory, number, &member, error);
    if (status == CNN_OK) {
        status = number == found->choice.member ? make(set, found, &member, predictions, error)
                                                : cnn_run_remove(&member, CNN_RUN_REPORT, error);
    }
    cnn_run_directory_free(&member);
    return status;
}

cnn_status cnn_sweep_chosen_page(const cnn_sweep_set *set, const cnn_sweep_findings *found,
                                 cnn_error *error) {
    cnn_run_directory whole = {0};
    cnn_status status = cnn_run_directory_name(set->directory, &whole, error);
    for (int member = 1; member <= set->sweep->members && status == CNN_OK; member++) {
        status = make_or_remove(set, found, member, whole.file[CNN_RUN_TEST_PREDICTIONS], error);
    }
    cnn_run_directory_free(&whole);
    return status;
}
