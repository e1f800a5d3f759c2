/* The members of a set of runs: each with a link to its report; mean and spread. */
#include "report/figures.h"
#include "report/html_table.h"
#include "report/sections.h"

static const cnn_metric_id shown[] = {CNN_METRIC_accuracy, CNN_METRIC_balanced_accuracy,
                                      CNN_METRIC_auc, CNN_METRIC_loss};
enum { SHOWN = sizeof shown / sizeof *shown };

static void write_member(cnn_html *html, const cnn_report_set *set, size_t i) {
    const cnn_report_member *member = &set->members[i];
    cnn_html_begin(html, "tr");
    cnn_html_begin(html, "th");
    cnn_html_attribute(html, "scope", "row");
    cnn_html_begin(html, "a");
    cnn_html_attribute(html, "href", member->link);
    cnn_html_format(html, "%s %zu", set->member, i + 1);
    cnn_html_end(html);
    cnn_html_end(html);
    cnn_count_cell(html, member->images[CNN_SPLIT_TRAIN]);
    cnn_count_cell(html, member->images[CNN_SPLIT_TEST]);
    for (int m = 0; m < SHOWN; m++) {
        cnn_html_table_number(html, "%.4f", member->metrics[shown[m]]);
    }
    cnn_html_end(html);
}

static void write_spread(cnn_html *html, const char *class_name, const char *head, const char *part,
                         const double values[CNN_METRIC_COUNT]) {
    cnn_html_table_row_class(html, class_name, head);
    for (int i = 0; i < 2; i++) {
        cnn_html_table_text(html, "");
    }
    for (int m = 0; m < SHOWN; m++) {
        cnn_html_begin_class(html, "td", "number");
        cnn_figure(html, part, cnn_metric_table[shown[m]].name, values[shown[m]], 4);
        cnn_html_end(html);
    }
    cnn_html_end(html);
}

/* Are the best two members different, or is it chance? */
static void write_comparison(cnn_html *html, const cnn_report_set *set) {
    const cnn_report_comparison *best = set->best;
    cnn_html_begin(html, "p");
    if (!best) {
        cnn_html_format(
            html,
            "The %ss were tested on different images, so no two %ss can be compared image by "
            "image. The standard deviation shows how much results vary with the images.",
            set->member, set->member);
        cnn_html_end(html);
        return;
    }
    cnn_html_format(html,
                    "The best two, %s %zu and %s %zu, on the same images: only the first is right "
                    "%zu times, only the second %zu times (McNemar's test: p = %.4g). ",
                    set->member, best->first + 1, set->member, best->second + 1,
                    best->mcnemar.only_first, best->mcnemar.only_second, best->mcnemar.p);
    cnn_html_format(
        html,
        "Their ROC AUC differs by %.4f, 95 %% interval %.4f to %.4f (DeLong's test: p = "
        "%.4g).",
        best->delong.difference, best->delong.low, best->delong.high, best->delong.p);
    cnn_html_end(html);
}

cnn_status cnn_report_members(cnn_html *html, const cnn_report *report, cnn_error *error) {
    const cnn_report_set *set = report->set;
    (void)error;
    if (!set) {
        return CNN_OK;
    }
    const char *heads[4 + SHOWN] = {set->member, "training images", "test images"};
    for (int m = 0; m < SHOWN; m++) {
        heads[3 + m] = cnn_metric_table[shown[m]].text;
    }
    cnn_html_table_begin(html, "Each model on its test images", NULL, heads);
    for (size_t i = 0; i < set->count; i++) {
        write_member(html, set, i);
    }
    write_spread(html, "mean", "mean", "mean", set->mean);
    write_spread(html, NULL, "standard deviation", "deviation", set->deviation);
    cnn_html_table_end(html);
    write_comparison(html, set);
    return CNN_OK;
}
