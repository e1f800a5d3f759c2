/* The charts of the probabilities that a model gives: ROC, precision-recall, reliability,
 * histogram; and the figures of the last two as a table. */
#ifndef CNN_REPORT_THRESHOLD_CHARTS_H
#define CNN_REPORT_THRESHOLD_CHARTS_H

#include "report/report.h"

/* scores: of the report's first images. Fails only if memory is refused. */
CNN_MUST_USE cnn_status cnn_threshold_charts(cnn_html *html, const cnn_report *report,
                                             const cnn_scores *scores, cnn_error *error);

#endif
