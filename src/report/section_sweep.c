/* The sections of a sweep's page: the chosen run, the best combinations, which keys mattered, the
 * curves of all runs, and those that failed. */
#include "base/error.h"
#include "base/memory.h"
#include "report/html_table.h"
#include "report/plot.h"
#include "report/sweep_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Combinations in the table, and failures that are listed. */
enum { BEST_MAX = 20, FAILED_MAX = 100 };

static cnn_metric_id metric_of(const cnn_report_sweep *sweep) {
    return sweep->set->base->train.early_stopping.metric;
}

/* "train.learning_rate 0.1, layers.0.filters 8" of a member; seeds are left out where a combination
 * is meant. */
static void write_values(cnn_html *html, const cnn_sweep *sweep, int member, bool with_seed) {
    int count = sweep->key_count - (sweep->seeds > 1 && !with_seed ? 1 : 0);
    for (int i = 0; i < count; i++) {
        cnn_text value = {0};
        cnn_sweep_value(sweep, member, &sweep->keys[i], &value);
        cnn_html_text(html, i > 0 ? ", " : "");
        cnn_html_element(html, "bdi", sweep->keys[i].name);
        cnn_html_text(html, " ");
        cnn_html_element(html, "bdi", value.failed ? "" : value.data);
        html->text->failed |= value.failed;
        cnn_text_free(&value);
    }
}

/* --- verdict --- */

static void write_figure(cnn_html *html, const cnn_report_sweep *sweep, cnn_metric_id id) {
    const cnn_measured *test = &sweep->found->test;
    cnn_html_begin(html, "div");
    cnn_html_element(html, "dt", cnn_metric_table[id].text);
    cnn_html_element_format(html, "dd", "%.4f", cnn_metric_value(&test->metrics, id));
    cnn_html_begin_class(html, "dd", "note");
    cnn_html_format(html, "%.4f to %.4f", test->intervals[id].low, test->intervals[id].high);
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_test(cnn_html *html, const cnn_report_sweep *sweep) {
    const cnn_measured *test = &sweep->found->test;
    if (test->metrics.count == 0) {
        cnn_html_element(html, "p",
                         "There are no test images. The results on validation images are those by "
                         "which the run was chosen, and so are better than on new images.");
        return;
    }
    cnn_html_element_format(html, "p",
                            "On %zu test images, which were measured for this run only and took no "
                            "part in the choice, with 95 %% intervals:",
                            test->metrics.count);
    cnn_html_begin_class(html, "dl", "figures");
    write_figure(html, sweep, CNN_METRIC_accuracy);
    write_figure(html, sweep, CNN_METRIC_auc);
    write_figure(html, sweep, CNN_METRIC_loss);
    cnn_html_end(html);
}

/* Is the chosen combination better than the next one? */
static void write_next(cnn_html *html, const cnn_report_sweep *sweep) {
    static const double level = 0.05;
    int next = cnn_sweep_next(sweep->set, sweep->found->comparisons);
    if (next == 0) {
        return;
    }
    const cnn_sweep_comparison *found = &sweep->found->comparisons[next - 1];
    const bool errors = cnn_metric_table[metric_of(sweep)].needs_threshold;
    cnn_html_begin(html, "p");
    cnn_html_text(html, found->adjusted_p < level
                            ? "It is better than the next combination ("
                            : "It is not shown to be better than the next combination (");
    write_values(html, sweep->set->sweep, (next - 1) * sweep->set->sweep->seeds + 1, false);
    cnn_html_format(
        html,
        "). On the same validation images, image by image, the %s of the next one is "
        "%.4f greater, with a standard error of %.4f: p = %.3g, corrected for the choice "
        "among %d combinations.",
        errors ? "share of errors" : "log loss", found->difference, found->standard_error,
        found->adjusted_p, sweep->set->sweep->points);
    cnn_html_end(html);
    cnn_html_begin_class(html, "p", "note");
    cnn_html_text(
        html, "Differences are paired by image and seed; the variance counts both as drawn by "
              "chance (two-way clusters, Cameron, Gelbach and Miller 2011), which with two or "
              "three seeds is a rough estimate. The best of many looks better than it is: p is "
              "multiplied by the number of other combinations, a bound for comparisons with the "
              "best (Hsu 1984).");
    cnn_html_end(html);
}

cnn_status cnn_report_sweep_verdict(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    const cnn_sweep_choice *choice = &sweep->found->choice;
    const cnn_metric *metric = &cnn_metric_table[metric_of(sweep)];
    (void)error;
    cnn_html_begin_class(html, "p", "lead");
    if (choice->member == 0) {
        cnn_html_text(html, "No run has finished with validation metrics.");
        cnn_html_end(html);
        return CNN_OK;
    }
    cnn_html_format(html,
                    "Run %d was chosen of %d, by the %s of its validation images: ", choice->member,
                    sweep->set->sweep->members, metric->text);
    write_values(html, sweep->set->sweep, choice->member, true);
    cnn_html_text(html, ".");
    cnn_html_end(html);
    cnn_html_element_format(html, "p", "Its model is %04d/model.bin.", choice->member);
    write_test(html, sweep);
    write_next(html, sweep);
    return CNN_OK;
}

/* --- the best --- */

/* A combination, for sorting. */
typedef struct point {
    int number;   /* from 1 */
    int finished; /* seeds */
    double mean;
    bool more_is_better;
} point;

static int compare_points(const void *left, const void *right) {
    const point *a = left, *b = right;
    if (a->finished != b->finished) {
        return a->finished > b->finished ? -1 : 1;
    }
    double better = a->more_is_better ? a->mean - b->mean : b->mean - a->mean;
    return better > 0.0 ? -1 : better < 0.0 ? 1 : a->number < b->number ? -1 : 1;
}

static void write_point(cnn_html *html, const cnn_report_sweep *sweep, const point *p) {
    const cnn_sweep *file = sweep->set->sweep;
    const cnn_sweep_comparison *found = &sweep->found->comparisons[p->number - 1];
    cnn_metric_id metric = metric_of(sweep);
    int first = (p->number - 1) * file->seeds + 1;
    const bool chosen = p->number == sweep->found->choice.point;
    char head[40];
    (void)snprintf(head, sizeof head, file->seeds > 1 ? "%d to %d" : "%d", first,
                   first + file->seeds - 1);
    cnn_html_table_row(html, head);
    cnn_html_begin(html, "td");
    write_values(html, file, first, false);
    cnn_html_end(html);
    cnn_html_table_number(html, "%.4f", p->mean);
    if (file->seeds == 1) {
        const cnn_interval *interval = &sweep->found->rows[first - 1].intervals[metric];
        cnn_html_table_number(html, "%.4f to %.4f", interval->low, interval->high);
    } else {
        cnn_html_table_number(html, "%d of %d", p->finished, file->seeds);
    }
    if (chosen) {
        cnn_html_table_text(html, "chosen");
    } else if (found->cells > 0) {
        cnn_html_table_number(html, "%+.4f ± %.4f", found->difference, found->standard_error);
    } else {
        cnn_html_table_text(html, "");
    }
    cnn_html_table_number(html, !chosen && found->cells > 0 ? "%.3g" : " ", found->adjusted_p);
    cnn_html_end(html);
}

static int find_points(const cnn_report_sweep *sweep, point *points) {
    const cnn_sweep *file = sweep->set->sweep;
    cnn_metric_id metric = metric_of(sweep);
    int count = 0;
    for (int number = 1; number <= file->points; number++) {
        double mean;
        int finished = cnn_sweep_mean(file, sweep->found->rows, number, metric, &mean);
        if (finished > 0) {
            points[count++] = (point){.number = number,
                                      .finished = finished,
                                      .mean = mean,
                                      .more_is_better = cnn_metric_table[metric].more_is_better};
        }
    }
    qsort(points, (size_t)count, sizeof *points, compare_points);
    return count;
}

cnn_status cnn_report_sweep_best(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    const cnn_metric *metric = &cnn_metric_table[metric_of(sweep)];
    bool one = sweep->set->sweep->seeds == 1;
    point *points = cnn_alloc((size_t)sweep->set->sweep->points, sizeof *points);
    if (!points) {
        return cnn_fail_memory(error, "the report");
    }
    int count = find_points(sweep, points);
    const char *heads[] = {one ? "run" : "runs",
                           " values",
                           metric->text,
                           one ? "95 % interval" : "seeds",
                           metric->needs_threshold ? "errors" : "log loss",
                           "p",
                           NULL};
    if (count > 0) {
        cnn_html_table_begin(html, "The best combinations, on validation images", NULL, heads);
        for (int i = 0; i < count && i < BEST_MAX; i++) {
            write_point(html, sweep, &points[i]);
        }
        cnn_html_table_end(html);
        cnn_html_begin_class(html, "p", "note");
        cnn_html_format(
            html,
            "%d of %d combinations. The last two columns compare with the chosen one, "
            "image by image: difference and standard error, and p as above. All runs are "
            "in sweep.csv.",
            count < BEST_MAX ? count : BEST_MAX, sweep->set->sweep->points);
        cnn_html_end(html);
    }
    cnn_free(points);
    return CNN_OK;
}

/* --- keys --- */

cnn_status cnn_report_sweep_keys(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    const cnn_sweep *file = sweep->set->sweep;
    (void)error;
    if (sweep->found->choice.member == 0 || file->key_count == 0) {
        return CNN_OK;
    }
    cnn_html_table_begin(html, "What goes with the result", NULL,
                         (const char *[]){"key", "share", " by", NULL});
    for (int i = 0; i < file->key_count; i++) {
        const double share = sweep->found->shares[i];
        cnn_html_table_row(html, file->keys[i].name);
        cnn_html_table_number(html, isnan(share) ? "none" : "%.0f %%", 100.0 * share);
        cnn_html_table_text(html, file->keys[i].value_count > 0 ? "differences between its values"
                                                                : "rank correlation");
        cnn_html_end(html);
    }
    cnn_html_table_end(html);
    cnn_html_begin_class(html, "p", "note");
    cnn_html_format(html,
                    "The share of the variance of the ranks of all finished runs, by %s, that goes "
                    "with one key alone: eta squared of Kruskal and Wallis for listed values, "
                    "Spearman's correlation, squared, for drawn numbers. Keys that matter only "
                    "together, or whose middle is best, can have a small share.",
                    cnn_metric_table[metric_of(sweep)].text);
    cnn_html_end(html);
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

/* A diverging run would make all other curves flat: the axis ends at three times the loss of
 * chance, or the largest one. */
static const double loss_of_chance = 0.69314718055994531;

cnn_status cnn_report_sweep_curves(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    char description[120];
    int runs = 0;
    (void)error;
    cnn_plot plot = {.title = "Validation loss of all runs",
                     .description = description,
                     .x = {.label = "epoch", .is_whole = true},
                     .y = {.label = "log loss"},
                     .series = {"chosen run", "other runs"}};
    for (int i = 0; i < sweep->set->sweep->members; i++) {
        cnn_plot_fit(&plot.x, sweep->curves[i].epochs, sweep->curves[i].count);
        cnn_plot_fit(&plot.y, sweep->curves[i].losses, sweep->curves[i].count);
        runs += sweep->curves[i].count > 0;
    }
    if (runs == 0) {
        return CNN_OK;
    }
    plot.y.high = fmin(plot.y.high, 3.0 * loss_of_chance);
    plot.y.low = plot.y.low < plot.y.high ? plot.y.low : plot.y.high / 2.0;
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
        write_values(html, sweep->set->sweep, i + 1, true);
        cnn_html_end(html);
        cnn_html_table_text(html, row->reason ? row->reason : "");
        cnn_html_end(html);
        shown++;
    }
    cnn_html_table_end(html);
    return CNN_OK;
}
