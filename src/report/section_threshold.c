/* What the model decides at its threshold, what other thresholds would give, and how far its
 * probabilities can be trusted. */
#include "report/figures.h"
#include "report/html_table.h"
#include "report/sections.h"
#include "report/threshold_charts.h"
#include "stats/curves.h"

#include <math.h>
#include <stdio.h>

/* --- the confusion matrix --- */

/* A cell: images with this label that are predicted as this class. */
static void write_cell(cnn_html *html, const cnn_report *report, int label, int predicted) {
    static const char *const keys[2][2] = {{"true_negatives", "false_positives"},
                                           {"false_negatives", "true_positives"}};
    const char *part;
    const cnn_measured *measured = cnn_report_measured(report, &part);
    const cnn_metrics *m = &measured->metrics;
    const size_t counts[2][2] = {{m->true_negatives, m->false_positives},
                                 {m->false_negatives, m->true_positives}};
    const size_t of = cnn_measured_images(measured, label);
    char key[32];
    (void)snprintf(key, sizeof key, "%s%s", report->run ? "confusion." : "",
                   keys[label][predicted]);
    cnn_html_begin_class(html, "td", predicted == label ? "number good" : "number bad");
    cnn_figure_count(html, part, key, counts[label][predicted]);
    if (of > 0) {
        cnn_html_text(html, " ");
        cnn_html_begin_class(html, "span", "share");
        cnn_share(html, (double)counts[label][predicted] / (double)of);
        cnn_html_end(html);
    }
    cnn_html_end(html);
}

static void write_matrix(cnn_html *html, const cnn_report *report) {
    cnn_text heads[2] = {{0}};
    for (int label = 0; label < 2; label++) {
        cnn_text_format(&heads[label], "classified as %s", report->classes[label]);
        html->text->failed |= heads[label].failed;
    }
    if (!html->text->failed) {
        cnn_html_table_begin(html, "Labels and predictions", "matrix",
                             (const char *[]){"label", heads[0].data, heads[1].data, NULL});
        for (int label = 0; label < 2; label++) {
            cnn_html_table_row(html, report->classes[label]);
            for (int predicted = 0; predicted < 2; predicted++) {
                write_cell(html, report, label, predicted);
            }
            cnn_html_end(html);
        }
        cnn_html_table_end(html);
    }
    cnn_text_free(&heads[0]);
    cnn_text_free(&heads[1]);
}

/* --- words --- */

static void write_rule(cnn_html *html, const cnn_report *report) {
    const cnn_report_images *images = &report->images[0];
    cnn_html_begin_class(html, "p", "lead");
    cnn_html_text(html, "An image is classified as ");
    cnn_class_name(html, report, 1);
    if (isnan(images->threshold)) {
        cnn_html_text(html, " if its probability is at least the threshold of the model that "
                            "predicted it.");
    } else {
        cnn_html_text(html, " if its probability is at least ");
        cnn_figure(html, report->run ? "" : "model", "threshold",
                   report->run ? report->run->threshold : images->threshold, 4);
        cnn_html_text(html, ".");
    }
    cnn_html_end(html);
    cnn_html_begin(html, "p");
    cnn_html_text(html, "Probabilities are those of ");
    cnn_class_name(html, report, 1);
    cnn_html_text(html, ", the positive class. This section is about the ");
    cnn_count(html, images->count);
    if (report->run && !report->set) {
        cnn_html_format(html, " %s", images->name);
    }
    cnn_html_text(html, cnn_plural(images->count, " image", " images"));
    cnn_html_text(html,
                  report->set ? ", each predicted by a model that was not trained on it" : "");
    cnn_html_text(html, ". The shares in the matrix are shares of the images with the same label.");
    cnn_html_end(html);
}

/* --- the metrics --- */

static const char *const meanings[CNN_METRIC_COUNT] = {
    [CNN_METRIC_loss] = "mean of −log(probability of the right class); 0 is perfect, 0.69 chance",
    [CNN_METRIC_accuracy] = "share of the images that are classified correctly",
    [CNN_METRIC_auc] = "how often a positive image ranks above a negative one; 0.5 is chance",
    [CNN_METRIC_balanced_accuracy] = "mean of recall and specificity: both classes count equally",
    [CNN_METRIC_precision] = "share of the images classified as positive that are positive",
    [CNN_METRIC_recall] = "share of the positive images that are classified as positive",
    [CNN_METRIC_specificity] = "share of the negative images that are classified as negative",
    [CNN_METRIC_f1] = "harmonic mean of precision and recall",
    [CNN_METRIC_mcc] = "correlation of labels and predictions; 0 is chance, 1 perfect",
    [CNN_METRIC_average_precision] = "precision, averaged over all thresholds",
    [CNN_METRIC_brier] = "mean squared error of the probabilities; 0 is perfect",
    [CNN_METRIC_ece] = "mean distance of probabilities from what they predict; 0 is perfect",
};

static void write_metric(cnn_html *html, const cnn_report *report, cnn_metric_id id) {
    const cnn_metric *metric = &cnn_metric_table[id];
    const char *part;
    const cnn_measured *measured = cnn_report_measured(report, &part);
    cnn_html_table_row(html, metric->text);
    cnn_html_begin_class(html, "td", "number");
    cnn_figure(html, part, metric->name, cnn_metric_value(&measured->metrics, id), 4);
    cnn_html_end(html);
    cnn_html_begin_class(html, "td", "number");
    cnn_figure_interval(html, part, id, &measured->intervals[id], false);
    cnn_html_end(html);
    cnn_html_table_text(html, meanings[id]);
    cnn_html_end(html);
}

static void write_metrics(cnn_html *html, const cnn_report *report) {
    cnn_html_table_begin(
        html, "Metrics", "meanings",
        (const char *[]){"metric", "value", "95 % interval", " what it means", NULL});
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        write_metric(html, report, (cnn_metric_id)id);
    }
    cnn_html_table_end(html);
}

/* --- other thresholds --- */

static void write_share(cnn_html *html, double share) {
    if (isnan(share)) {
        cnn_html_table_number(html, "–");
    } else {
        cnn_html_table_number(html, "%.4f", share);
    }
}

static void write_threshold(cnn_html *html, const cnn_threshold_row *row) {
    const cnn_metrics *m = &row->metrics;
    cnn_html_begin_class(html, "tr", row->own ? "chosen" : NULL);
    cnn_html_begin(html, "th");
    cnn_html_attribute(html, "scope", "row");
    cnn_html_format(html, "%.4g%s", row->threshold, row->own ? " (in use)" : "");
    cnn_html_end(html);
    cnn_count_cell(html, m->true_positives);
    cnn_count_cell(html, m->false_positives);
    cnn_count_cell(html, m->true_negatives);
    cnn_count_cell(html, m->false_negatives);
    write_share(html, m->precision);
    write_share(html, m->recall);
    write_share(html, m->specificity);
    write_share(html, m->f1);
    cnn_html_end(html);
}

static void write_thresholds(cnn_html *html, const cnn_scores *scores) {
    cnn_threshold_row rows[CNN_THRESHOLD_ROWS_MAX];
    size_t count = cnn_threshold_table(scores, rows);
    cnn_html_table_begin(html, "What other thresholds would give", NULL,
                         (const char *[]){"threshold", "true positives", "false positives",
                                          "true negatives", "false negatives", "precision",
                                          "recall", "specificity", "F1", NULL});
    for (size_t i = 0; i < count; i++) {
        write_threshold(html, &rows[i]);
    }
    cnn_html_table_end(html);
    cnn_html_begin_class(html, "p", "note");
    cnn_html_text(html,
                  "If you choose a threshold because it looks best in this table, expect it to "
                  "be worse on new images.");
    cnn_html_end(html);
}

cnn_status cnn_report_threshold(cnn_html *html, const cnn_report *report, cnn_error *error) {
    if (report->images_count == 0) {
        return CNN_OK;
    }
    const cnn_report_images *images = &report->images[0];
    cnn_scores scores;
    cnn_status status = cnn_scores_from_probabilities(
        images->probabilities, images->labels, images->count, images->threshold, &scores, error);
    if (status == CNN_OK) {
        write_rule(html, report);
        write_matrix(html, report);
        write_metrics(html, report);
        write_thresholds(html, &scores);
        status = cnn_threshold_charts(html, report, &scores, error);
    }
    cnn_scores_free(&scores);
    return status;
}
