/* report.html of a sweep, from its results and the metrics.csv of each member. */
#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "report/page.h"
#include "report/sweep_record.h"

#include "cnn/text.h"

#include <math.h>

#define TABLE_LIMIT ((size_t)1 << 30)

/* --- curves --- */

static bool add_epoch(cnn_sweep_curve *curve, double epoch, double loss) {
    if (!cnn_grow((void **)&curve->epochs, &curve->capacity, curve->count + 1,
                  sizeof *curve->epochs) ||
        !cnn_grow((void **)&curve->losses, &curve->loss_capacity, curve->count + 1,
                  sizeof *curve->losses)) {
        return false;
    }
    curve->epochs[curve->count] = epoch;
    curve->losses[curve->count++] = loss;
    return true;
}

static cnn_status parse_curve(const char *path, char *text, cnn_sweep_curve *curve,
                              cnn_error *error) {
    cnn_csv csv = cnn_csv_start(text);
    int loss = cnn_csv_next(&csv) ? cnn_csv_column(&csv, "val_loss") : -1;
    while (loss >= 0 && cnn_csv_next(&csv)) {
        double value = csv.count > loss && *csv.field[loss] ? cnn_number_read(csv.field[loss], NULL)
                                                            : (double)NAN;
        if (!add_epoch(curve, cnn_number_read(csv.field[0], NULL), value)) {
            return cnn_fail_memory(error, path);
        }
    }
    return CNN_OK;
}

/* Points of all curves together: a page stays small. */
enum { POINTS = 40000 };

/* Keeps every n-th epoch, and the last one. */
static void thin_out(cnn_sweep_curve *curve, int curves) {
    size_t most = POINTS / curves > 2 ? (size_t)(POINTS / curves) : 2;
    size_t step = (curve->count + most - 1) / most, kept = 0;
    for (size_t i = 0; i < curve->count && step > 1; i++) {
        if (i % step == 0 || i + 1 == curve->count) {
            curve->epochs[kept] = curve->epochs[i];
            curve->losses[kept++] = curve->losses[i];
        }
    }
    curve->count = step > 1 ? kept : curve->count;
}

/* A member that was not begun has no curve. */
static cnn_status read_file(const cnn_run_directory *directory, cnn_sweep_curve *curve,
                            cnn_error *error) {
    char *text;
    size_t size;
    CNN_TRY(cnn_run_read_file(directory, CNN_RUN_METRICS, TABLE_LIMIT, &text, &size, error));
    if (!text) {
        return CNN_OK;
    }
    cnn_status status = parse_curve(directory->file[CNN_RUN_METRICS], text, curve, error);
    cnn_free(text);
    return status;
}

static cnn_status read_curve(const cnn_sweep_set *set, int member, cnn_sweep_curve *curve,
                             cnn_error *error) {
    cnn_run_directory directory;
    cnn_status status = cnn_run_member_directory(set->directory, member, &directory, error);
    if (status == CNN_OK) {
        status = read_file(&directory, curve, error);
    }
    cnn_run_directory_free(&directory);
    return status;
}

/* --- the page --- */

static cnn_status write_page(const cnn_report *report, const char *path, cnn_error *error) {
    static const cnn_page_section sections[] = {
        {"verdict", "Verdict", cnn_report_sweep_verdict},
        {"cut", "Cut short", cnn_report_sweep_cut},
        {"best", "The best", cnn_report_sweep_best},
        {"keys", "Which keys mattered", cnn_report_sweep_keys},
        {"curves", "Training", cnn_report_sweep_curves},
        {"runs", "Runs", cnn_report_sweep_runs_table},
        {"failed", "Not finished", cnn_report_sweep_failed},
        {"made", "How it was made", cnn_report_sweep_made},
    };
    cnn_text text = {0};
    cnn_status status =
        cnn_page_write(report, sections, sizeof sections / sizeof *sections, &text, error);
    if (status == CNN_OK) {
        status = text.failed ? cnn_fail_memory(error, path)
                             : cnn_file_write(path, text.data, text.length, error);
    }
    cnn_text_free(&text);
    return status;
}

static cnn_status read_and_write(cnn_report_sweep *sweep, const char *title, const char *path,
                                 cnn_error *error) {
    const cnn_report report = {
        .title = title,
        .classes = {sweep->found->classes[0] ? sweep->found->classes[0] : "",
                    sweep->found->classes[1] ? sweep->found->classes[1] : ""},
        .sweep = sweep};
    for (int member = 1; member <= sweep->set->sweep->members; member++) {
        CNN_TRY(read_curve(sweep->set, member, &sweep->curves[member - 1], error));
        thin_out(&sweep->curves[member - 1], sweep->set->sweep->members);
    }
    return write_page(&report, path, error);
}

/* The `report` of cnn_sweep_run_with. */
static cnn_status make(const cnn_sweep_set *set, const cnn_sweep_findings *found, const char *path,
                       cnn_error *error) {
    size_t count = (size_t)set->sweep->members;
    char *title = cnn_path_last(set->directory);
    cnn_report_sweep sweep = {
        .set = set, .found = found, .curves = cnn_alloc(count, sizeof *sweep.curves)};
    cnn_status status = title && sweep.curves ? read_and_write(&sweep, title, path, error)
                                              : cnn_fail_memory(error, path);
    if (status == CNN_OK) {
        status = cnn_sweep_chosen_page(set, found, error);
    }
    for (size_t i = 0; sweep.curves && i < count; i++) {
        cnn_free(sweep.curves[i].epochs);
        cnn_free(sweep.curves[i].losses);
    }
    cnn_free(sweep.curves);
    cnn_text_release(title);
    return status;
}

cnn_status cnn_sweep_run(const cnn_sweep_options *options, cnn_error *error) {
    return cnn_sweep_run_with(options, options->no_report ? NULL : make, error);
}
