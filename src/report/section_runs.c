/* The section of a sweep's page about its runs: their results and files, mean and spread. */
#include "report/figures.h"
#include "report/html_table.h"
#include "report/sweep_record.h"

#include <math.h>

/* Runs in the table: a page stays small. */
enum { RUNS_MAX = 500 };

static const cnn_metric_id shown[] = {CNN_METRIC_accuracy, CNN_METRIC_balanced_accuracy,
                                      CNN_METRIC_auc, CNN_METRIC_loss};
enum { SHOWN = sizeof shown / sizeof *shown };

static void write_number(cnn_html *html, double value) {
    if (isnan(value)) {
        cnn_html_table_number(html, "–");
    } else {
        cnn_html_table_number(html, "%.4f", value);
    }
}

void cnn_report_sweep_link(cnn_html *html, int member, const char *file, const char *text) {
    cnn_html_begin(html, "a");
    cnn_html_attribute_format(html, "href", "%04d/%s", member, file);
    cnn_html_text(html, text);
    cnn_html_end(html);
}

/* The files of a finished run. */
static void write_files(cnn_html *html, const cnn_report_sweep *sweep, int member) {
    if (member == sweep->found->choice.member) {
        cnn_report_sweep_link(html, member, "report.html", "report");
        cnn_html_text(html, ", ");
    }
    cnn_report_sweep_link(html, member, "summary.json", "summary");
    cnn_html_text(html, ", ");
    cnn_report_sweep_link(html, member, "metrics.csv", "epochs");
    cnn_html_text(html, ", ");
    cnn_report_sweep_link(html, member, "config.json", "config");
}

static void write_run(cnn_html *html, const cnn_report_sweep *sweep, int member) {
    const cnn_sweep_row *row = &sweep->found->rows[member - 1];
    const bool chosen = member == sweep->found->choice.member;
    cnn_html_begin_class(html, "tr", chosen ? "chosen" : NULL);
    cnn_html_begin(html, "th");
    cnn_html_attribute(html, "scope", "row");
    cnn_html_format(html, chosen ? "%d (chosen)" : "%d", member);
    cnn_html_end(html);
    cnn_html_table_text(html, cnn_sweep_state_names[row->state]);
    for (int m = 0; m < SHOWN; m++) {
        write_number(html, row->metrics[shown[m]]);
    }
    cnn_html_begin(html, "td");
    if (row->state == CNN_SWEEP_FINISHED) {
        write_files(html, sweep, member);
    }
    cnn_html_end(html);
    cnn_html_end(html);
}

/* Mean and standard deviation of a metric over the finished runs, by the recurrence of Welford
 * 1962; NaN: there are too few. */
static void measure_spread(const cnn_report_sweep *sweep, cnn_metric_id id, double spread[2]) {
    double mean = 0.0, squares = 0.0, count = 0.0;
    for (int i = 0; i < sweep->set->sweep->members; i++) {
        const double value = sweep->found->rows[i].metrics[id];
        if (!isnan(value)) {
            const double before = value - mean;
            mean += before / ++count;
            squares += before * (value - mean);
        }
    }
    spread[0] = count > 0.0 ? mean : (double)NAN;
    spread[1] = count > 1.0 ? sqrt(squares / (count - 1.0)) : (double)NAN;
}

static void write_spread(cnn_html *html, const cnn_report_sweep *sweep) {
    static const char *const heads[] = {"mean", "standard deviation"};
    double spread[SHOWN][2];
    for (int m = 0; m < SHOWN; m++) {
        measure_spread(sweep, shown[m], spread[m]);
    }
    for (int k = 0; k < 2; k++) {
        cnn_html_table_row_class(html, k == 0 ? "mean" : NULL, heads[k]);
        cnn_html_table_text(html, "");
        for (int m = 0; m < SHOWN; m++) {
            write_number(html, spread[m][k]);
        }
        cnn_html_table_text(html, "");
        cnn_html_end(html);
    }
}

cnn_status cnn_report_sweep_runs_table(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    const int members = sweep->set->sweep->members;
    const char *heads[4 + SHOWN] = {"run", " status"};
    (void)error;
    for (int m = 0; m < SHOWN; m++) {
        heads[2 + m] = cnn_metric_table[shown[m]].text;
    }
    heads[2 + SHOWN] = " files";
    cnn_html_table_begin(html, "All runs, on their validation images", NULL, heads);
    for (int member = 1; member <= members && member <= RUNS_MAX; member++) {
        write_run(html, sweep, member);
    }
    write_spread(html, sweep);
    cnn_html_table_end(html);
    cnn_html_begin_class(html, "p", "note");
    if (members > RUNS_MAX) {
        cnn_html_format(html, "The first %d of %d runs. ", RUNS_MAX, members);
    }
    cnn_html_text(html, "The values of the keys and all metrics are in ");
    cnn_html_begin(html, "a");
    cnn_html_attribute(html, "href", "sweep.csv");
    cnn_html_text(html, "sweep.csv");
    cnn_html_end(html);
    cnn_html_text(html, ". Mean and standard deviation are those of all finished runs.");
    cnn_html_end(html);
    return CNN_OK;
}

/* --- for the verdict --- */

static void write_value(cnn_html *html, cnn_metric_id id, double value) {
    if (id == CNN_METRIC_accuracy || id == CNN_METRIC_balanced_accuracy) {
        cnn_share(html, value);
    } else {
        cnn_html_format(html, "%.4f", value);
    }
}

static void write_figure(cnn_html *html, cnn_metric_id id, double value,
                         const cnn_interval *interval) {
    if (isnan(value)) {
        return;
    }
    cnn_html_begin(html, "div");
    cnn_html_element(html, "dt", cnn_metric_table[id].text);
    cnn_html_begin(html, "dd");
    write_value(html, id, value);
    cnn_html_end(html);
    if (!isnan(interval->low)) {
        cnn_html_begin_class(html, "dd", "note");
        write_value(html, id, interval->low);
        cnn_html_text(html, " to ");
        write_value(html, id, interval->high);
        cnn_html_end(html);
    }
    cnn_html_end(html);
}

void cnn_report_sweep_figures(cnn_html *html, const double metrics[CNN_METRIC_COUNT],
                              const cnn_interval intervals[CNN_METRIC_COUNT]) {
    cnn_html_begin_class(html, "dl", "figures");
    for (int m = 0; m < SHOWN; m++) {
        write_figure(html, shown[m], metrics[shown[m]], &intervals[shown[m]]);
    }
    cnn_html_end(html);
}

void cnn_report_sweep_validation(cnn_html *html, const cnn_report_sweep *sweep) {
    const int member = sweep->found->choice.member;
    const cnn_sweep_row *row = &sweep->found->rows[member - 1];
    cnn_html_begin(html, "p");
    cnn_html_text(html, "On its validation images, by which it was chosen, with 95 % intervals (");
    cnn_report_sweep_link(html, member, "report.html", "its own report");
    cnn_html_text(html, "):");
    cnn_html_end(html);
    cnn_report_sweep_figures(html, row->metrics, row->intervals);
}
