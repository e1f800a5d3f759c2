/* What was trained on what, how good it is, how certain that is, and what to watch out for. */
#include "report/advice.h"
#include "report/figures.h"
#include "report/sections.h"
#include "report/validation_use.h"

#include <math.h>

/* The images that were measured, in words: " test images, which took no part in training, ". */
static void write_measured_images(cnn_html *html, const cnn_report *report, const char *part,
                                  size_t count) {
    const char *images = cnn_plural(count, "image", "images");
    if (report->set) {
        cnn_html_format(html, " %s, each classified by a model that was not trained on it, ",
                        images);
    } else if (!report->run) {
        cnn_html_format(html, " %s, ", images);
    } else {
        const unsigned chosen = part[0] == 't' ? 0 : cnn_validation_use(report->run);
        cnn_html_format(html, " %s %s, which ", part, images);
        cnn_html_text(html, chosen ? "also chose " : "took no part in training");
        cnn_validation_use_write(html, chosen);
        cnn_html_text(html, ", ");
    }
}

/* "Of 200 test images, …, 190 are classified correctly: 95.0 %. …" */
static void write_lead(cnn_html *html, const cnn_report *report) {
    const char *part;
    const cnn_measured *measured = cnn_report_measured(report, &part);
    cnn_html_begin_class(html, "p", "lead");
    if (!measured) {
        cnn_html_text(html, "The model was not measured.");
        cnn_html_end(html);
        return;
    }
    const cnn_metrics *m = &measured->metrics;
    cnn_html_text(html, "Of ");
    cnn_figure_count(html, part, "images", m->count);
    write_measured_images(html, report, part, m->count);
    cnn_count(html, m->true_positives + m->true_negatives);
    cnn_html_text(html, cnn_plural(m->true_positives + m->true_negatives, " is", " are"));
    cnn_html_text(html, " classified correctly: ");
    cnn_figure_share(html, part, "accuracy", m->accuracy);
    cnn_html_text(html, ". For all images of this kind, the share is likely ");
    cnn_figure_interval(html, part, CNN_METRIC_accuracy, &measured->intervals[CNN_METRIC_accuracy],
                        true);
    cnn_html_text(html, " (95 % interval).");
    cnn_html_end(html);
}

/* "60 images (30 of left, 30 of right)" */
static void write_images(cnn_html *html, const cnn_report *report, const size_t images[2]) {
    cnn_count(html, images[0] + images[1]);
    cnn_html_text(html, cnn_plural(images[0] + images[1], " image (", " images ("));
    for (int label = 0; label < 2; label++) {
        cnn_html_text(html, label == 0 ? "" : ", ");
        cnn_count(html, images[label]);
        cnn_html_text(html, " of ");
        cnn_class_name(html, report, label);
    }
    cnn_html_text(html, ")");
}

static void write_epoch(cnn_html *html, const cnn_report_run *run) {
    cnn_html_text(html, ", in ");
    cnn_figure_count(html, "", "epochs", run->epoch_count);
    cnn_html_text(html, cnn_plural(run->epoch_count, " epoch", " epochs"));
    cnn_html_text(html, ". The model is that of epoch ");
    cnn_figure_count(html, "", "model_epoch", (size_t)run->model_epoch);
    if (run->measured[CNN_SPLIT_VALIDATION].metrics.count > 0 && run->model_epoch > 0 &&
        run->model_epoch == run->best_epoch) {
        cnn_html_format(html, ", the best by %s of the validation images",
                        cnn_metric_table[run->config->train.early_stopping.metric].text);
    }
    cnn_html_text(html, ".");
}

static void write_run(cnn_html *html, const cnn_report *report) {
    const cnn_report_run *run = report->run;
    cnn_html_begin(html, "p");
    cnn_html_text(html, "A network with ");
    cnn_figure_count(html, "", "parameters", run->parameters);
    cnn_html_text(html, run->config->pretrained.file
                            ? " parameters, which starts from a trained one,"
                            : " parameters");
    if (report->set) {
        cnn_html_text(html, " was trained ");
        cnn_figure_count(html, "", "folds", report->set->count);
        cnn_html_text(html, " times, each time without one part of ");
        write_images(html, report, run->split_images[CNN_SPLIT_TEST]);
        cnn_html_text(html, ". Each model was tested on the part that it was not trained on.");
    } else if (run->epoch_count == 0) {
        cnn_html_text(html, " was not trained: there are no epochs, and the model has the weights "
                            "that training starts from.");
    } else {
        cnn_html_text(html, " was trained on ");
        write_images(html, report, run->split_images[CNN_SPLIT_TRAIN]);
        write_epoch(html, run);
    }
    cnn_html_end(html);
}

/* --- key figures --- */

static void write_figure(cnn_html *html, const cnn_measured *measured, const char *part,
                         cnn_metric_id id) {
    const cnn_metric *metric = &cnn_metric_table[id];
    double value = cnn_metric_value(&measured->metrics, id);
    bool as_share = id == CNN_METRIC_accuracy || id == CNN_METRIC_balanced_accuracy;
    if (isnan(value)) {
        return;
    }
    cnn_html_begin(html, "div");
    cnn_html_element(html, "dt", metric->text);
    cnn_html_begin(html, "dd");
    if (as_share) {
        cnn_figure_share(html, part, metric->name, value);
    } else {
        cnn_figure(html, part, metric->name, value, 4);
    }
    cnn_html_end(html);
    cnn_html_begin_class(html, "dd", "note");
    cnn_figure_interval(html, part, id, &measured->intervals[id], as_share);
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_figures(cnn_html *html, const cnn_report *report) {
    static const cnn_metric_id shown[] = {CNN_METRIC_accuracy, CNN_METRIC_balanced_accuracy,
                                          CNN_METRIC_auc, CNN_METRIC_loss};
    const char *part;
    const cnn_measured *measured = cnn_report_measured(report, &part);
    if (!measured) {
        return;
    }
    cnn_html_begin_class(html, "dl", "figures");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        write_figure(html, measured, part, shown[i]);
    }
    cnn_html_end(html);
}

/* --- what to watch out for --- */

static void write_warning(cnn_html *html, const cnn_report *report, const cnn_advice *rule) {
    cnn_html_begin(html, "li");
    cnn_html_element_format(html, "strong", "%s.", rule->title);
    cnn_html_text(html, " ");
    rule->describe(html, report);
    cnn_html_text(html, " ");
    cnn_html_begin(html, "em");
    cnn_prose(html, cnn_advice_remedy(rule, report));
    cnn_html_end(html);
    cnn_html_end(html);
}

/* When the warnings of this page appear, those included that do not. */
static void write_rules(cnn_html *html, const cnn_report *report) {
    cnn_html_begin(html, "details");
    cnn_html_element(html, "summary", "When these warnings appear");
    cnn_html_begin(html, "ul");
    for (const cnn_advice *rule = cnn_advice_table; rule->name; rule++) {
        if (cnn_advice_fits(rule, report)) {
            cnn_html_begin(html, "li");
            cnn_html_element_format(html, "strong", "%s.", rule->title);
            cnn_html_text(html, " ");
            cnn_prose(html, rule->rule);
            cnn_html_end(html);
        }
    }
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_advice(cnn_html *html, const cnn_report *report) {
    size_t found = 0, fitting = 0;
    cnn_html_element(html, "h3", "What to watch out for");
    for (const cnn_advice *rule = cnn_advice_table; rule->name; rule++) {
        fitting += cnn_advice_fits(rule, report);
        if (rule->applies(report)) {
            if (found++ == 0) {
                cnn_html_begin_class(html, "ul", "watch");
            }
            write_warning(html, report, rule);
        }
    }
    if (found > 0) {
        cnn_html_end(html);
    } else {
        cnn_html_element_format(html, "p", "None of the %zu warnings applies.", fitting);
    }
    write_rules(html, report);
}

cnn_status cnn_report_verdict(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)error;
    write_lead(html, report);
    if (report->run) {
        write_run(html, report);
    }
    write_figures(html, report);
    write_advice(html, report);
    return CNN_OK;
}
