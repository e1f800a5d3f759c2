/* What the page of a sweep shows: the members, what was found, and the curves. */
#ifndef CNN_REPORT_SWEEP_RECORD_H
#define CNN_REPORT_SWEEP_RECORD_H

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

/* Sections of the page. */
CNN_MUST_USE cnn_status cnn_report_sweep_verdict(cnn_html *html, const cnn_report *report,
                                                 cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_best(cnn_html *html, const cnn_report *report,
                                              cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_keys(cnn_html *html, const cnn_report *report,
                                              cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_curves(cnn_html *html, const cnn_report *report,
                                                cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_sweep_failed(cnn_html *html, const cnn_report *report,
                                                cnn_error *error);

#endif
