/* What an evaluation measured, and how two models compare. */
#include "report/figures.h"
#include "report/html_table.h"
#include "report/sections.h"
#include "run/evaluate_model.h"

#include <math.h>
#include <string.h>

/* The last two parts of a path, "run/model.bin": the page does not reveal the folders above them.
 */
static const char *short_path(const char *path) {
    const char *start = path;
    for (const char *part = path; (part = strchr(part, '/')); part++) {
        const char *next = strchr(part + 1, '/');
        start = next ? part + 1 : start;
    }
    return start;
}

/* --- facts --- */

static void begin_fact(cnn_html *html, const char *name) {
    cnn_html_element(html, "dt", name);
    cnn_html_begin(html, "dd");
}

static void write_count(cnn_html *html, const char *name, size_t count) {
    begin_fact(html, name);
    cnn_count(html, count);
    cnn_html_end(html);
}

static void write_facts(cnn_html *html, const cnn_report *report) {
    const cnn_evaluation *evaluation = report->evaluation;
    const cnn_measured *measured = &report->images[0].measured;
    cnn_html_begin_class(html, "dl", "facts");
    begin_fact(html, "Model");
    cnn_html_element(html, "bdi", short_path(evaluation->model[0].path));
    cnn_html_end(html);
    if (report->model_sha256) {
        begin_fact(html, "SHA-256 of its file");
        cnn_html_element(html, "code", report->model_sha256);
        cnn_html_end(html);
    }
    begin_fact(html, "Images");
    for (int label = 0; label < 2; label++) {
        cnn_html_text(html, label == 0 ? "" : " and ");
        cnn_count(html, cnn_measured_images(measured, label));
        cnn_html_text(html, " of ");
        cnn_class_name(html, report, label);
    }
    cnn_html_end(html);
    write_count(html, "Left out: cannot be read", evaluation->counts.failed);
    if (evaluation->counts.other_labels > 0) {
        write_count(html, "Left out: have another label", evaluation->counts.other_labels);
    }
    for (int k = 0; k < CNN_FLAWS; k++) {
        if (evaluation->flaws[k] > 0) {
            begin_fact(html, "May show too little");
            cnn_count(html, evaluation->flaws[k]);
            cnn_html_format(html, " %s", cnn_flaw_table[k].text);
            cnn_html_end(html);
        }
    }
    cnn_html_end(html);
}

/* --- the comparison --- */

static void write_interval(cnn_html *html, const cnn_interval *interval) {
    if (isnan(interval->low)) {
        cnn_html_table_number(html, "–");
    } else {
        cnn_html_table_number(html, "%.4f to %.4f", interval->low, interval->high);
    }
}

static void write_metric(cnn_html *html, const cnn_evaluation *evaluation, cnn_metric_id id) {
    cnn_html_table_row(html, cnn_metric_table[id].text);
    for (int m = 0; m < 2; m++) {
        const double value = cnn_metric_value(&evaluation->model[m].metrics, id);
        if (isnan(value)) {
            cnn_html_table_number(html, "–");
        } else {
            cnn_html_table_number(html, "%.4f", value);
        }
        write_interval(html, &evaluation->model[m].intervals[id]);
    }
    cnn_html_end(html);
}

static void write_accuracy_test(cnn_html *html, const cnn_mcnemar *test) {
    cnn_html_begin(html, "p");
    cnn_html_text(html, "Only the first model is right for ");
    cnn_count(html, test->only_first);
    cnn_html_text(html, cnn_plural(test->only_first, " image", " images"));
    cnn_html_text(html, ", only the other one for ");
    cnn_count(html, test->only_second);
    cnn_html_format(html,
                    ". If both were equally often right, a difference like this or a larger one "
                    "would have the probability p = %.4g (McNemar's test, %s).",
                    test->p,
                    test->exact ? "exact binomial" : "chi-square with continuity correction");
    cnn_html_end(html);
}

static void write_area_test(cnn_html *html, const cnn_delong *test) {
    cnn_html_begin(html, "p");
    if (isnan(test->p)) {
        cnn_html_text(html, "Areas under the ROC curve cannot be compared: DeLong's test needs two "
                            "images of each class.");
    } else {
        cnn_html_format(html,
                        "The area under the ROC curve of the first model minus that of the other "
                        "one is %.4f, 95 %% "
                        "interval %.4f to %.4f (DeLong's test: p = %.4g).",
                        test->difference, test->low, test->high, test->p);
    }
    cnn_html_end(html);
}

static void write_comparison(cnn_html *html, const cnn_evaluation *evaluation) {
    cnn_html_element(html, "h3", "Two models on the same images");
    cnn_html_begin(html, "p");
    cnn_html_text(html, "This page is about the first model, ");
    cnn_html_element(html, "bdi", short_path(evaluation->model[0].path));
    cnn_html_text(html, ". The other one is ");
    cnn_html_element(html, "bdi", short_path(evaluation->model[1].path));
    cnn_html_format(html, ". Their thresholds are %.4g and %.4g.",
                    (double)evaluation->model[0].threshold, (double)evaluation->model[1].threshold);
    cnn_html_end(html);
    write_accuracy_test(html, &evaluation->mcnemar);
    write_area_test(html, &evaluation->delong);
    cnn_html_table_begin(
        html, "Metrics of both models", NULL,
        (const char *[]){"metric", "first", "95 % interval", "other", "95 % interval", NULL});
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        write_metric(html, evaluation, (cnn_metric_id)id);
    }
    cnn_html_table_end(html);
}

cnn_status cnn_report_evaluation(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)error;
    if (report->evaluation) {
        write_facts(html, report);
        if (report->evaluation->model_count == 2) {
            write_comparison(html, report->evaluation);
        }
    }
    return CNN_OK;
}
