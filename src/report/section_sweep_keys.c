/* The section of a sweep's page about its keys: how much each one matters, and a chart of each. */
#include "base/number_text.h"
#include "report/html_table.h"
#include "report/plot.h"
#include "report/sweep_record.h"

#include <math.h>
#include <stdio.h>

/* Charts, and the runs of one of them: a page stays small. */
enum { CHARTS_MAX = 8, CHART_RUNS = 2000 };

int cnn_report_sweep_keys_of_points(const cnn_sweep *sweep) {
    return sweep->key_count - (sweep->seeds > 1 ? 1 : 0);
}

bool cnn_report_sweep_is_number(const cnn_sweep_key *key) {
    for (int i = 0; i < key->value_count; i++) {
        char *end;
        (void)cnn_number_read(key->values[i], &end);
        if (end == key->values[i] || *end != '\0') {
            return false;
        }
    }
    return true;
}

/* --- the table --- */

static void write_share(cnn_html *html, const cnn_sweep_key_share *found) {
    if (!isnan(found->share)) {
        cnn_html_table_number(html, "%.0f %%", 100.0 * found->share);
        cnn_html_table_number(html, "%.2g", found->p);
    } else {
        cnn_html_table_number(html, found->values > 1 && found->values == found->results
                                        ? "cannot be told: one result per value"
                                        : "none");
        cnn_html_table_text(html, "");
    }
}

static void write_table(cnn_html *html, const cnn_report_sweep *sweep) {
    const cnn_sweep *file = sweep->set->sweep;
    cnn_html_table_begin(html, "Which keys matter", NULL,
                         (const char *[]){"key", "share", "p", " by", NULL});
    for (int i = 0; i < file->key_count; i++) {
        cnn_html_table_row(html, file->keys[i].name);
        write_share(html, &sweep->found->shares[i]);
        cnn_html_table_text(html, file->keys[i].value_count > 0 ? "differences between its values"
                                                                : "rank correlation");
        cnn_html_end(html);
    }
    cnn_html_table_end(html);
    cnn_html_begin_class(html, "p", "note");
    cnn_html_format(
        html,
        "The share of the variance of the ranks of all finished runs, by %s, that one key "
        "alone accounts for, less what chance is expected to give: for listed values, epsilon "
        "squared "
        "(Kelley 1935) of the ranks of Kruskal and Wallis (1952); for drawn numbers, Spearman's "
        "correlation, squared and corrected likewise.%s p is the probability of such a share, or "
        "a greater one, if the key has no influence (F test of the ranks, Conover and Iman 1981). "
        "Keys that matter only together, or whose middle is best, can have a small share.",
        cnn_metric_table[cnn_report_sweep_metric(sweep)].text,
        file->random && file->seeds > 1 ? " Drawn values are ranked by the mean over seeds." : "");
    cnn_html_end(html);
}

/* --- the charts --- */

static double value_of(const cnn_sweep *file, int member, int key) {
    cnn_text text = {0};
    cnn_sweep_value(file, member, &file->keys[key], &text);
    double value = text.failed ? (double)NAN : cnn_number_read(text.data, NULL);
    cnn_text_free(&text);
    return value;
}

/* One in this many runs is shown. */
static int step_of(const cnn_sweep *file) {
    return (file->members + CHART_RUNS - 1) / CHART_RUNS;
}

/* The finished runs that a chart shows. Returns their number. */
static int collect(const cnn_report_sweep *sweep, int key, double values[CHART_RUNS],
                   double results[CHART_RUNS]) {
    const cnn_sweep *file = sweep->set->sweep;
    const int step = step_of(file);
    int count = 0;
    for (int member = 1; member <= file->members; member += step) {
        const cnn_sweep_row *row = &sweep->found->rows[member - 1];
        if (row->state == CNN_SWEEP_FINISHED) {
            values[count] = value_of(file, member, key);
            results[count++] = row->metrics[cnn_report_sweep_metric(sweep)];
        }
    }
    return count;
}

/* Values of a list that grow by factors have a logarithmic axis. */
static bool is_logarithmic(const cnn_sweep_key *key, const cnn_plot_axis *axis) {
    return key->kind == CNN_SWEEP_LOG_UNIFORM ||
           (key->value_count > 0 && axis->low > 0.0 && axis->high >= 8.0 * axis->low);
}

/* Has it numbers that differ? */
static bool has_chart(const cnn_sweep_key *key) {
    return cnn_report_sweep_is_number(key) &&
           (key->value_count > 1 || (key->value_count == 0 && key->high > key->low));
}

static void draw_key(cnn_html *html, const cnn_report_sweep *sweep, int key) {
    double values[CHART_RUNS], results[CHART_RUNS];
    const cnn_sweep *file = sweep->set->sweep;
    const cnn_metric *metric = &cnn_metric_table[cnn_report_sweep_metric(sweep)];
    const int count = collect(sweep, key, values, results);
    const int chosen = sweep->found->choice.member;
    const double best = sweep->found->rows[chosen - 1].metrics[cnn_report_sweep_metric(sweep)];
    char description[200];
    cnn_plot plot = {
        .title = file->keys[key].name, .description = description, .y = {.label = metric->text}};
    cnn_plot_fit(&plot.x, values, (size_t)count);
    cnn_plot_fit(&plot.y, results, (size_t)count);
    if (cnn_report_sweep_metric(sweep) == CNN_METRIC_loss) {
        plot.y.high = cnn_report_sweep_highest(plot.y.high, best);
    }
    plot.x.is_log = is_logarithmic(&file->keys[key], &plot.x);
    plot.x.is_fixed = plot.x.is_log && plot.x.high >= 100.0 * plot.x.low; /* has ticks inside */
    (void)snprintf(description, sizeof description,
                   "The %s of %d runs on validation images, from %.4g to %.4g of this key.",
                   metric->text, count, plot.x.low, plot.x.high);
    cnn_plot_begin(&plot, html);
    cnn_plot_points(&plot, values, results, (size_t)count, 0);
    cnn_plot_mark(&plot, value_of(file, chosen, key), best, "chosen");
    cnn_plot_end(&plot);
}

static void explain(cnn_html *html, const cnn_report_sweep *sweep) {
    const int step = step_of(sweep->set->sweep);
    cnn_html_element(html, "h3", "Values and results");
    cnn_html_begin(html, "p");
    cnn_html_format(html,
                    "Each point is a finished run: its value of the key, and its %s on validation "
                    "images.",
                    cnn_metric_table[cnn_report_sweep_metric(sweep)].text);
    if (step > 1) {
        cnn_html_format(html, " One of %d runs is shown.", step);
    }
    cnn_html_end(html);
}

static void draw_keys(cnn_html *html, const cnn_report_sweep *sweep) {
    const cnn_sweep *file = sweep->set->sweep;
    int drawn = 0;
    for (int i = 0; i < cnn_report_sweep_keys_of_points(file) && drawn < CHARTS_MAX; i++) {
        if (!has_chart(&file->keys[i])) {
            continue;
        }
        if (drawn++ == 0) {
            explain(html, sweep);
            cnn_html_begin_class(html, "div", "plots");
        }
        draw_key(html, sweep, i);
    }
    if (drawn > 0) {
        cnn_html_end(html);
    }
}

cnn_status cnn_report_sweep_keys(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_sweep *sweep = report->sweep;
    (void)error;
    if (sweep->found->choice.member == 0 || sweep->set->sweep->key_count == 0) {
        return CNN_OK;
    }
    write_table(html, sweep);
    draw_keys(html, sweep);
    return CNN_OK;
}
