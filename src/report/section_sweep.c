/* The sections of a sweep's page: the chosen run, the curves of all runs, and those that failed. */
#include "report/html_table.h"
#include "report/plot.h"
#include "report/sweep_record.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

/* Failures that are listed. */
enum { FAILED_MAX = 100 };

/* log 2 */
static const double loss_of_chance = 0.69314718055994531;

cnn_metric_id cnn_report_sweep_metric(const cnn_report_sweep *sweep) {
    return sweep->set->base->train.early_stopping.metric;
}

void cnn_report_sweep_runs(const cnn_sweep *sweep, int point, char text[CNN_SWEEP_RUNS_SIZE]) {
    int first = (point - 1) * sweep->seeds + 1;
    (void)snprintf(text, CNN_SWEEP_RUNS_SIZE,
                   sweep->seeds > 2    ? "%d to %d"
                   : sweep->seeds == 2 ? "%d and %d"
                                       : "%d",
                   first, first + sweep->seeds - 1);
}

void cnn_report_sweep_value(cnn_html *html, const cnn_sweep *sweep, int member, int key) {
    cnn_text value = {0};
    cnn_sweep_value(sweep, member, &sweep->keys[key], &value);
    cnn_html_element(html, "bdi", value.failed ? "" : value.data);
    html->text->failed |= value.failed;
    cnn_text_free(&value);
}

double cnn_report_sweep_highest(double largest, double chosen) {
    const double limit = fmax(1.25 * loss_of_chance, isnan(chosen) ? 0.0 : chosen);
    return fmin(largest, limit);
}

/* --- verdict --- */

static void write_test(cnn_html *html, const cnn_report_sweep *sweep) {
    const cnn_measured *test = &sweep->found->test;
    if (test->metrics.count == 0) {
        cnn_html_element(html, "p",
                         "There are no test images. The results on validation images are those by "
                         "which the run was chosen, and so are better than on new images.");
        return;
    }
    cnn_html_begin(html, "p");
    cnn_html_format(html,
                    "On %zu test image%s, which took no part in the choice, with 95 %% "
                    "intervals. ",
                    test->metrics.count, test->metrics.count == 1 ? "" : "s");
    cnn_report_sweep_tested(html, sweep->found->tested);
    cnn_html_end(html);
    double metrics[CNN_METRIC_COUNT];
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        metrics[id] = cnn_metric_value(&test->metrics, (cnn_metric_id)id);
    }
    cnn_report_sweep_figures(html, metrics, test->intervals);
}

/* A sentence, with a capital letter. */
static void write_sentence(cnn_html *html, const char *element, cnn_text *text) {
    if (text->length > 0) {
        text->data[0] = (char)toupper((unsigned char)text->data[0]);
        cnn_html_element(html, element, text->data);
    }
    html->text->failed |= text->failed;
    cnn_text_free(text);
}

/* Is the chosen combination better than the next one? */
static void write_next(cnn_html *html, const cnn_report_sweep *sweep) {
    cnn_text next = {0}, images = {0};
    cnn_html_element(html, "h3", "Is it better than the next one?");
    cnn_sweep_describe_next(sweep->set, sweep->found, &next);
    if (next.length == 0 && !next.failed) {
        cnn_text_format(&next, "no other combination has finished, so there is nothing to compare "
                               "with.");
    }
    write_sentence(html, "p", &next);
    cnn_sweep_describe_images(sweep->set, sweep->found, &images);
    if (images.length > 0) {
        cnn_text_format(&images, ".");
        cnn_html_begin_class(html, "ul", "watch");
        write_sentence(html, "li", &images);
        cnn_html_end(html);
    }
    cnn_html_begin_class(html, "p", "note");
    cnn_html_text(
        html,
        "Differences are paired by image and seed, and both are taken as drawn by chance: "
        "the variance of the mean has a part of the seeds and a part of the images (Obuchowski "
        "and Rockette 1995), and p is that of Behrens and Fisher for their sum; with one "
        "seed, that of a paired t test. Areas under the ROC curve are compared by their "
        "components (DeLong, DeLong and Clarke-Pearson 1988). Training images and thresholds "
        "are taken as given. The best of many looks better than it is: p is multiplied by "
        "the number of other combinations, whether they have finished or not, a bound for "
        "comparisons with the best (Hsu 1984).");
    cnn_html_end(html);
}

static void write_chosen(cnn_html *html, const cnn_report_sweep *sweep) {
    const cnn_sweep *file = sweep->set->sweep;
    const int member = sweep->found->choice.member;
    cnn_html_begin_class(html, "dl", "facts");
    for (int i = 0; i < file->key_count; i++) {
        cnn_html_element(html, "dt", file->keys[i].name);
        cnn_html_begin(html, "dd");
        cnn_report_sweep_value(html, file, member, i);
        cnn_html_end(html);
    }
    cnn_html_element(html, "dt", "model");
    cnn_html_element_format(html, "dd", "%04d/model.bin", member);
    cnn_html_end(html);
}

cnn_status cnn_report_sweep_verdict(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    const cnn_sweep_choice *choice = &sweep->found->choice;
    const cnn_metric *metric = &cnn_metric_table[cnn_report_sweep_metric(sweep)];
    (void)error;
    cnn_html_begin_class(html, "p", "lead");
    if (choice->member == 0) {
        cnn_html_text(html, "No run has finished with validation metrics.");
        cnn_html_end(html);
        return CNN_OK;
    }
    cnn_html_format(html, "Run %d of %d was chosen, by the %s of its validation images.",
                    choice->member, sweep->set->sweep->members, metric->text);
    cnn_html_end(html);
    write_chosen(html, sweep);
    cnn_report_sweep_validation(html, sweep);
    write_test(html, sweep);
    if (sweep->set->sweep->points > 1) {
        write_next(html, sweep);
    }
    return CNN_OK;
}

/* --- curves --- */

static void draw_curves(cnn_plot *plot, const cnn_report_sweep *sweep) {
    int chosen = sweep->found->choice.member;
    for (int i = 0; i < sweep->set->sweep->members; i++) {
        const cnn_sweep_curve *curve = &sweep->curves[i];
        if (i + 1 != chosen && curve->count > 0) {
            cnn_plot_line(plot, curve->epochs, curve->losses, curve->count, 1);
        }
    }
    if (chosen > 0) { /* last, so that it is on top */
        const cnn_sweep_curve *curve = &sweep->curves[chosen - 1];
        cnn_plot_line(plot, curve->epochs, curve->losses, curve->count, 0);
    }
}

/* The largest loss of a curve; NaN: it has none. */
static double largest_of(const cnn_sweep_curve *curve) {
    double largest = (double)NAN;
    for (size_t i = 0; i < curve->count; i++) {
        largest = fmax(largest, curve->losses[i]); /* of a number and NaN: the number */
    }
    return largest;
}

/* The axes, over all curves. */
static int fit_axes(cnn_plot *plot, const cnn_report_sweep *sweep) {
    const int chosen = sweep->found->choice.member;
    int runs = 0;
    for (int i = 0; i < sweep->set->sweep->members; i++) {
        cnn_plot_fit(&plot->x, sweep->curves[i].epochs, sweep->curves[i].count);
        cnn_plot_fit(&plot->y, sweep->curves[i].losses, sweep->curves[i].count);
        runs += sweep->curves[i].count > 0;
    }
    const bool has_width = plot->x.high > plot->x.low;
    plot->x.low -= has_width ? 0.0 : 0.5;
    plot->x.high += has_width ? 0.0 : 0.5;
    plot->y.high = cnn_report_sweep_highest(
        plot->y.high, chosen > 0 ? largest_of(&sweep->curves[chosen - 1]) : (double)NAN);
    plot->y.low = plot->y.low < plot->y.high ? plot->y.low : plot->y.high / 2.0;
    return runs;
}

cnn_status cnn_report_sweep_curves(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    char description[120];
    (void)error;
    cnn_plot plot = {.title = "Validation loss of all runs",
                     .description = description,
                     .x = {.label = "epoch", .is_fixed = true, .is_whole = true},
                     .y = {.label = "log loss"},
                     .series = {"chosen run", "other runs"},
                     .is_faint = {false, true}};
    const int runs = fit_axes(&plot, sweep);
    if (runs == 0) {
        return CNN_OK;
    }
    (void)snprintf(description, sizeof description,
                   "Validation loss of %d runs, epoch by epoch. The files are 0001/metrics.csv and "
                   "so on.",
                   runs);
    cnn_plot_begin(&plot, html);
    draw_curves(&plot, sweep);
    cnn_plot_end(&plot);
    return CNN_OK;
}

/* --- failures --- */

/* "train.learning_rate 0.1, layers.0.filters 8" */
static void write_values(cnn_html *html, const cnn_sweep *sweep, int member) {
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_html_text(html, i > 0 ? ", " : "");
        cnn_html_element(html, "bdi", sweep->keys[i].name);
        cnn_html_text(html, " ");
        cnn_report_sweep_value(html, sweep, member, i);
    }
}

cnn_status cnn_report_sweep_failed(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    int count = 0;
    (void)error;
    for (int i = 0; i < sweep->set->sweep->members; i++) {
        count += sweep->found->rows[i].state != CNN_SWEEP_FINISHED;
    }
    if (count == 0) {
        return CNN_OK;
    }
    cnn_html_table_begin(html, "Runs that have not finished", NULL,
                         (const char *[]){"run", " status", " values", " reason", NULL});
    for (int i = 0, shown = 0; i < sweep->set->sweep->members && shown < FAILED_MAX; i++) {
        const cnn_sweep_row *row = &sweep->found->rows[i];
        char head[24];
        if (row->state == CNN_SWEEP_FINISHED) {
            continue;
        }
        (void)snprintf(head, sizeof head, "%d", i + 1);
        cnn_html_table_row(html, head);
        cnn_html_table_text(html, cnn_sweep_state_names[row->state]);
        cnn_html_begin(html, "td");
        write_values(html, sweep->set->sweep, i + 1);
        cnn_html_end(html);
        cnn_html_table_text(html, row->reason ? row->reason : "");
        cnn_html_end(html);
        shown++;
    }
    cnn_html_table_end(html);
    return CNN_OK;
}
