/* The section of a sweep's page with the best combinations. */
#include "base/error.h"
#include "base/memory.h"
#include "report/html_table.h"
#include "report/sweep_record.h"

#include <math.h>
#include <stdlib.h>

/* Combinations in the table. */
enum { BEST_MAX = 20 };

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

static int find_points(const cnn_report_sweep *sweep, point *points) {
    const cnn_sweep *file = sweep->set->sweep;
    cnn_metric_id metric = cnn_report_sweep_metric(sweep);
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

/* --- the table: what a combination gave, its values, the comparison with the chosen one --- */

static void write_values(cnn_html *html, const cnn_sweep *file, int member) {
    for (int i = 0; i < cnn_report_sweep_keys_of_points(file); i++) {
        cnn_html_begin_class(html, "td",
                             cnn_report_sweep_is_number(&file->keys[i]) ? "number" : NULL);
        cnn_report_sweep_value(html, file, member, i);
        cnn_html_end(html);
    }
}

static void write_comparison(cnn_html *html, const cnn_report_sweep *sweep, int number) {
    const cnn_sweep_comparison *found = &sweep->found->comparisons[number - 1];
    if (number == sweep->found->choice.point) {
        cnn_html_table_number(html, "chosen");
        cnn_html_table_text(html, "");
    } else if (found->cells > 0) {
        cnn_html_table_number(html, "%+.4f ± %.4f", found->difference, found->standard_error);
        cnn_html_table_number(html, "%.3g", found->adjusted_p);
    } else {
        cnn_html_table_text(html, found->other_images ? "other images" : "");
        cnn_html_table_text(html, "");
    }
}

/* How much the results of the seeds differ: their standard deviation. */
static double deviation_of(const cnn_report_sweep *sweep, const point *p) {
    const cnn_metric_id metric = cnn_report_sweep_metric(sweep);
    const int seeds = sweep->set->sweep->seeds;
    double squares = 0.0;
    for (int i = (p->number - 1) * seeds; i < p->number * seeds; i++) {
        const cnn_sweep_row *row = &sweep->found->rows[i];
        if (row->state == CNN_SWEEP_FINISHED && !isnan(row->metrics[metric])) {
            squares += (row->metrics[metric] - p->mean) * (row->metrics[metric] - p->mean);
        }
    }
    return p->finished > 1 ? sqrt(squares / (p->finished - 1)) : (double)NAN;
}

static void write_deviation(cnn_html *html, const cnn_report_sweep *sweep, const point *p) {
    const double deviation = deviation_of(sweep, p);
    if (isnan(deviation)) {
        cnn_html_table_text(html, "");
    } else {
        cnn_html_table_number(html, "%.4f", deviation);
    }
    cnn_html_table_number(html, "%d of %d", p->finished, sweep->set->sweep->seeds);
}

static void write_point(cnn_html *html, const cnn_report_sweep *sweep, const point *p) {
    const cnn_sweep *file = sweep->set->sweep;
    const int first = (p->number - 1) * file->seeds + 1;
    char head[CNN_SWEEP_RUNS_SIZE];
    cnn_report_sweep_runs(file, p->number, head);
    const bool chosen = p->number == sweep->found->choice.point;
    cnn_html_table_row_class(html, chosen ? "chosen" : NULL, head);
    cnn_html_table_number(html, "%.4f", p->mean);
    write_values(html, file, first);
    if (file->seeds == 1) {
        const cnn_interval *interval =
            &sweep->found->rows[first - 1].intervals[cnn_report_sweep_metric(sweep)];
        cnn_html_table_number(html, "%.4f to %.4f", interval->low, interval->high);
    } else {
        write_deviation(html, sweep, p);
    }
    write_comparison(html, sweep, p->number);
    cnn_html_end(html);
}

/* names: of the keys, with the space that makes a column one of text. */
static void begin_table(cnn_html *html, const cnn_report_sweep *sweep, const cnn_text *names) {
    const cnn_sweep *file = sweep->set->sweep;
    const cnn_metric *metric = &cnn_metric_table[cnn_report_sweep_metric(sweep)];
    const char *heads[CNN_SWEEP_KEYS_MAX + 7] = {file->seeds > 1 ? "runs" : "run", metric->text};
    int count = 2;
    for (int i = 0; i < cnn_report_sweep_keys_of_points(file); i++) {
        heads[count++] = names[i].data;
    }
    heads[count++] = file->seeds > 1 ? "deviation over seeds" : "95 % interval";
    if (file->seeds > 1) {
        heads[count++] = "seeds";
    }
    heads[count++] = "difference";
    heads[count++] = "p";
    cnn_html_table_begin(html, "The best combinations, on validation images", NULL, heads);
}

static void write_table(cnn_html *html, const cnn_report_sweep *sweep, const point *points,
                        int count) {
    const cnn_sweep *file = sweep->set->sweep;
    cnn_text names[CNN_SWEEP_KEYS_MAX] = {{0}};
    for (int i = 0; i < file->key_count; i++) {
        cnn_text_format(&names[i], "%s%s", cnn_report_sweep_is_number(&file->keys[i]) ? "" : " ",
                        file->keys[i].name);
        html->text->failed |= names[i].failed;
    }
    if (!html->text->failed) {
        begin_table(html, sweep, names);
        for (int i = 0; i < count && i < BEST_MAX; i++) {
            write_point(html, sweep, &points[i]);
        }
        cnn_html_table_end(html);
    }
    for (int i = 0; i < file->key_count; i++) {
        cnn_text_free(&names[i]);
    }
}

cnn_status cnn_report_sweep_best(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    point *points = cnn_alloc((size_t)sweep->set->sweep->points, sizeof *points);
    if (!points) {
        return cnn_fail_memory(error, "the report");
    }
    int count = find_points(sweep, points);
    if (count > 0) {
        write_table(html, sweep, points, count);
        cnn_html_begin_class(html, "p", "note");
        cnn_html_format(html,
                        "%d of %d combinations.%s The last two columns compare with the chosen "
                        "one, image by image: how much better it is in %s, with the standard "
                        "error, and p as above. All runs are in sweep.csv.",
                        count < BEST_MAX ? count : BEST_MAX, sweep->set->sweep->points,
                        sweep->set->sweep->seeds > 1
                            ? " The result is the mean over seeds. The deviation is that of single "
                              "runs."
                            : "",
                        cnn_metric_table[cnn_sweep_compared(cnn_report_sweep_metric(sweep))].text);
        cnn_html_end(html);
    }
    cnn_free(points);
    return CNN_OK;
}
