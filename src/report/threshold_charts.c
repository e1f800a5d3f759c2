#include "report/threshold_charts.h"

#include "report/figures.h"
#include "report/html_table.h"
#include "report/plot.h"
#include "run/setup.h"
#include "stats/curves.h"

#include <math.h>
#include <stdio.h>

enum { TEXT = 256 };

/* An axis of shares, from 0 to 1. */
static cnn_plot_axis share_axis(const char *label) {
    return (cnn_plot_axis){
        .label = label, .low = 0.0, .high = 1.0, .is_fitted = true, .is_fixed = true};
}

/* "threshold 0.5", or what stands for the thresholds of several models. */
static void name_threshold(const cnn_report *report, char text[TEXT]) {
    double threshold = report->images[0].threshold;
    if (isnan(threshold)) {
        (void)snprintf(text, TEXT, "at the thresholds");
    } else {
        (void)snprintf(text, TEXT, "threshold %.4g", threshold);
    }
}

static void draw_band(cnn_plot *plot, const cnn_curve *curve) {
    double x[CNN_CURVE_BAND], low[CNN_CURVE_BAND], high[CNN_CURVE_BAND];
    for (int i = 0; i < CNN_CURVE_BAND; i++) {
        x[i] = (double)i / CNN_CURVE_COLUMNS;
        low[i] = curve->band[i].low;
        high[i] = curve->band[i].high;
    }
    cnn_plot_band(plot, x, low, high, CNN_CURVE_BAND, 0);
}

static void draw_roc(cnn_html *html, const cnn_report *report, const cnn_curve *curve) {
    const cnn_metrics *m = &cnn_report_measured(report, NULL)->metrics;
    char description[TEXT], name[TEXT];
    name_threshold(report, name);
    (void)snprintf(description, sizeof description,
                   "The area under the curve is %.4f. At the model's operating point, the false "
                   "positive rate is %.4f and the recall %.4f.",
                   m->auc, 1.0 - m->specificity, m->recall);
    cnn_plot plot = {.title = "ROC curve",
                     .description = description,
                     .x = share_axis("false positive rate"),
                     .y = share_axis("recall"),
                     .series = {"model, with its 95 % interval"},
                     .reference = "chance",
                     .is_square = true};
    cnn_plot_begin(&plot, html);
    cnn_plot_reference(&plot, 0, 0, 1, 1);
    draw_band(&plot, curve);
    cnn_plot_line(&plot, curve->x, curve->y, curve->count, 0);
    cnn_plot_mark(&plot, 1.0 - m->specificity, m->recall, name);
    cnn_plot_end(&plot);
}

/* The curve is constant up to each of its points. */
static void draw_precision_recall(cnn_html *html, const cnn_report *report,
                                  const cnn_curve *curve) {
    const cnn_metrics *m = &cnn_report_measured(report, NULL)->metrics;
    const double share = (double)(m->true_positives + m->false_negatives) / (double)m->count;
    double x[2 * CNN_CURVE_POINTS_MAX], y[2 * CNN_CURVE_POINTS_MAX];
    for (size_t i = 0; i < curve->count; i++) {
        x[2 * i] = i == 0 ? 0.0 : curve->x[i - 1];
        x[2 * i + 1] = curve->x[i];
        y[2 * i] = y[2 * i + 1] = curve->y[i];
    }
    char description[TEXT], name[TEXT];
    name_threshold(report, name);
    (void)snprintf(description, sizeof description,
                   "The average precision is %.4f. At the model's operating point, the recall is "
                   "%.4f and the precision %.4f. Chance would give a precision of %.4f.",
                   m->average_precision, m->recall, m->precision, share);
    cnn_plot plot = {.title = "Precision and recall",
                     .description = description,
                     .x = share_axis("recall"),
                     .y = share_axis("precision"),
                     .series = {"model, with its 95 % interval"},
                     .reference = "chance",
                     .is_square = true};
    cnn_plot_begin(&plot, html);
    cnn_plot_reference(&plot, 0, share, 1, share);
    draw_band(&plot, curve);
    cnn_plot_line(&plot, x, y, 2 * curve->count, 0);
    cnn_plot_mark(&plot, m->recall, m->precision, name);
    cnn_plot_end(&plot);
}

static size_t largest_count(const cnn_reliability_bin bins[CNN_CALIBRATION_BINS]) {
    size_t largest = 0;
    for (int b = 0; b < CNN_CALIBRATION_BINS; b++) {
        largest = bins[b].count > largest ? bins[b].count : largest;
    }
    return largest;
}

/* How many images are in each bin: a strip of bars at the bottom, of which the highest takes a
 * fifth of the chart. */
static void draw_counts(cnn_plot *plot, const cnn_reliability_bin bins[CNN_CALIBRATION_BINS]) {
    enum { COUNTS = 3 };
    const double highest = 0.2, largest = (double)largest_count(bins);
    double left[CNN_CALIBRATION_BINS], right[CNN_CALIBRATION_BINS], height[CNN_CALIBRATION_BINS];
    for (int b = 0; b < CNN_CALIBRATION_BINS; b++) {
        left[b] = b == 0 ? 0.0 : bins[b - 1].bound;
        right[b] = bins[b].bound;
        height[b] = largest > 0.0 ? highest * (double)bins[b].count / largest : 0.0;
    }
    cnn_plot_bars(plot, left, right, height, CNN_CALIBRATION_BINS, COUNTS);
}

static void draw_reliability(cnn_html *html, const cnn_report *report,
                             const cnn_reliability_bin bins[CNN_CALIBRATION_BINS]) {
    const cnn_metrics *m = &cnn_report_measured(report, NULL)->metrics;
    double x[CNN_CALIBRATION_BINS], share[CNN_CALIBRATION_BINS];
    double low[CNN_CALIBRATION_BINS], high[CNN_CALIBRATION_BINS];
    for (int b = 0; b < CNN_CALIBRATION_BINS; b++) {
        x[b] = bins[b].mean_probability;
        share[b] = bins[b].share;
        low[b] = bins[b].interval.low;
        high[b] = bins[b].interval.high;
    }
    char description[TEXT], counts[TEXT];
    (void)snprintf(description, sizeof description,
                   "If probabilities can be trusted, the points are on the diagonal. The expected "
                   "calibration error is %.4f.",
                   m->ece);
    (void)snprintf(counts, sizeof counts, "number of images; the highest bar: %zu",
                   largest_count(bins));
    cnn_plot plot = {
        .title = "Can probabilities be trusted?",
        .description = description,
        .x = share_axis("mean probability of the images in a bin"),
        .y = share_axis("share of the positive class"),
        .series = {"images of similar probability, with 95 % interval", NULL, NULL, counts},
        .reference = "ideal",
        .is_square = true};
    cnn_plot_begin(&plot, html);
    draw_counts(&plot, bins);
    cnn_plot_reference(&plot, 0, 0, 1, 1);
    cnn_plot_ranges(&plot, x, low, high, CNN_CALIBRATION_BINS, 0);
    cnn_plot_points(&plot, x, share, CNN_CALIBRATION_BINS, 0);
    cnn_plot_end(&plot);
}

/* Bars of class 0 are in the left half of their bin, those of class 1 in the right half. */
static void draw_histogram(cnn_html *html, const cnn_report *report,
                           const cnn_probability_histogram *histogram) {
    const double threshold = report->images[0].threshold;
    double left[2][CNN_HISTOGRAM_BINS], right[2][CNN_HISTOGRAM_BINS], count[2][CNN_HISTOGRAM_BINS];
    char name[TEXT];
    cnn_plot plot = {.title = "Probabilities",
                     .description = "How many images of each class have which probability. The "
                                    "table below has the numbers.",
                     .x = share_axis("probability of the positive class"),
                     .y = {.label = "images", .is_whole = true, .is_fitted = true},
                     .series = {report->classes[0], report->classes[1]},
                     .is_square = true}; /* as the chart next to it */
    for (int label = 0; label < 2; label++) {
        for (int b = 0; b < CNN_HISTOGRAM_BINS; b++) {
            left[label][b] = (b + (label == 0 ? 0.08 : 0.5)) / CNN_HISTOGRAM_BINS;
            right[label][b] = (b + (label == 0 ? 0.5 : 0.92)) / CNN_HISTOGRAM_BINS;
            count[label][b] = (double)histogram->count[label][b];
        }
        cnn_plot_fit(&plot.y, count[label], CNN_HISTOGRAM_BINS);
    }
    cnn_plot_begin(&plot, html);
    for (int label = 0; label < 2; label++) {
        cnn_plot_bars(&plot, left[label], right[label], count[label], CNN_HISTOGRAM_BINS, label);
    }
    if (!isnan(threshold)) {
        name_threshold(report, name);
        cnn_plot_rule(&plot, threshold, name);
    }
    cnn_plot_end(&plot);
}

/* --- the figures of the charts --- */

static void write_bins(cnn_html *html, const cnn_reliability_bin bins[CNN_CALIBRATION_BINS]) {
    cnn_html_table_begin(html, "Images by probability", NULL,
                         (const char *[]){"probability", "images", "mean probability",
                                          "of the positive class", "95 % interval", NULL});
    for (int b = 0; b < CNN_CALIBRATION_BINS; b++) {
        const cnn_reliability_bin *bin = &bins[b];
        char head[TEXT];
        (void)snprintf(head, sizeof head, "%.3f to %.3f", b == 0 ? 0.0 : bins[b - 1].bound,
                       bin->bound);
        if (bin->count == 0) {
            continue;
        }
        cnn_html_table_row(html, head);
        cnn_count_cell(html, bin->count);
        cnn_html_table_number(html, "%.4f", bin->mean_probability);
        cnn_html_table_number(html, "%zu (%.4f)", bin->positives, bin->share);
        cnn_html_table_number(html, "%.4f to %.4f", bin->interval.low, bin->interval.high);
        cnn_html_end(html);
    }
    cnn_html_table_end(html);
}

static void write_histogram(cnn_html *html, const cnn_report *report,
                            const cnn_probability_histogram *histogram) {
    cnn_html_table_begin(
        html, "Images of each class by probability", NULL,
        (const char *[]){"probability", report->classes[0], report->classes[1], NULL});
    for (int b = 0; b < CNN_HISTOGRAM_BINS; b++) {
        char head[TEXT];
        (void)snprintf(head, sizeof head, "%.2f to %.2f", (double)b / CNN_HISTOGRAM_BINS,
                       (double)(b + 1) / CNN_HISTOGRAM_BINS);
        cnn_html_table_row(html, head);
        cnn_count_cell(html, histogram->count[0][b]);
        cnn_count_cell(html, histogram->count[1][b]);
        cnn_html_end(html);
    }
    cnn_html_table_end(html);
}

cnn_status cnn_threshold_charts(cnn_html *html, const cnn_report *report, const cnn_scores *scores,
                                cnn_error *error) {
    cnn_curves curves;
    cnn_reliability_bin bins[CNN_CALIBRATION_BINS];
    cnn_probability_histogram histogram;
    CNN_TRY(cnn_curves_measure(scores, cnn_setup_threads(report->threads), &curves, error));
    cnn_reliability_measure(scores, bins);
    cnn_probability_histogram_measure(scores, &histogram);
    cnn_html_element(html, "h3", "Every threshold at once");
    cnn_html_begin_class(html, "div", "plots");
    if (curves.roc.count > 0) {
        draw_roc(html, report, &curves.roc);
        draw_precision_recall(html, report, &curves.precision_recall);
    }
    draw_reliability(html, report, bins);
    draw_histogram(html, report, &histogram);
    cnn_html_end(html);
    if (curves.roc.count == 0) {
        cnn_html_element(
            html, "p",
            "The ROC curve and the curve of precision and recall need images of both classes.");
    }
    cnn_html_begin(html, "details");
    cnn_html_element(html, "summary", "The last two charts as numbers");
    write_bins(html, bins);
    write_histogram(html, report, &histogram);
    cnn_html_end(html);
    return CNN_OK;
}
