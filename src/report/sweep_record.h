/* The data of a sweep's page: the members, the results, and the curves. */
#ifndef CNN_REPORT_SWEEP_RECORD_H
#define CNN_REPORT_SWEEP_RECORD_H

#include "report/html.h"
#include "report/report.h"
#include "run/sweep_set.h"

/* The validation loss of a member, epoch by epoch. */
typedef struct cnn_sweep_curve {
    double *epochs, *losses; /* [count] */
    size_t count, capacity, loss_capacity;
} cnn_sweep_curve;

typedef struct cnn_report_sweep {
    const cnn_sweep_set *set;
    const cnn_sweep_findings *found;
    cnn_sweep_curve *curves; /* [members] */
} cnn_report_sweep;

/* The metric by which the runs are compared. */
cnn_metric_id cnn_report_sweep_metric(const cnn_report_sweep *sweep);

/* The numbers of the runs of a combination: "3", "5 and 6", "7 to 9". */
enum { CNN_SWEEP_RUNS_SIZE = 32 };
void cnn_report_sweep_runs(const cnn_sweep *sweep, int point, char text[CNN_SWEEP_RUNS_SIZE]);

/* Writes the value of a key, which is counted from 0. */
void cnn_report_sweep_value(cnn_html *html, const cnn_sweep *sweep, int member, int key);

/* Writes for how many chosen runs the test images have been measured. */
void cnn_report_sweep_tested(cnn_html *html, int tested);

/* The keys in which combinations differ: all, or all but train.seed, which is the last one. */
int cnn_report_sweep_keys_of_points(const cnn_sweep *sweep);

/* Are all values of the key numbers? */
bool cnn_report_sweep_is_number(const cnn_sweep_key *key);

/* Where an axis of losses ends, so that one run that diverges does not make all other curves flat:
 * a quarter above the loss of chance, at the largest loss of the chosen run (NaN: there is none) if
 * that is higher, or at the largest loss of all. */
double cnn_report_sweep_highest(double largest, double chosen);

/* Writes a link to a file of a member. */
void cnn_report_sweep_link(cnn_html *html, int member, const char *file, const char *text);

/* Writes the most important metrics, large, with their intervals. */
void cnn_report_sweep_figures(cnn_html *html, const double metrics[CNN_METRIC_COUNT],
                              const cnn_interval intervals[CNN_METRIC_COUNT]);

/* Writes those of the chosen run on its validation images. */
void cnn_report_sweep_validation(cnn_html *html, const cnn_report_sweep *sweep);

/* Makes report.html of the chosen run, in its directory. Fails as cnn_record_read, or because the
 * report cannot be written. */
CNN_MUST_USE cnn_status cnn_sweep_chosen_page(const cnn_sweep_set *set,
                                              const cnn_sweep_findings *found, cnn_error *error);

/* Sections of the page. */
CNN_MUST_USE cnn_status cnn_report_sweep_verdict(cnn_html *html, const cnn_report *report,
                                                 cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_cut(cnn_html *html, const cnn_report *report,
                                             cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_best(cnn_html *html, const cnn_report *report,
                                              cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_keys(cnn_html *html, const cnn_report *report,
                                              cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_curves(cnn_html *html, const cnn_report *report,
                                                cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_failed(cnn_html *html, const cnn_report *report,
                                                cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_runs_table(cnn_html *html, const cnn_report *report,
                                                    cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_made(cnn_html *html, const cnn_report *report,
                                              cnn_error *error);

#endif
