/* Loss, metrics and learning rate of every epoch. */
#include "base/error.h"
#include "base/memory.h"
#include "report/figures.h"
#include "report/html_table.h"
#include "report/plot.h"
#include "report/sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is drawn, a value per epoch. */
typedef enum column {
    EPOCH,
    RATE,
    TRAIN_LOSS,
    TRAIN_ACCURACY,
    LOSS,
    ACCURACY,
    AUC,
    COLUMNS,
} column;

typedef struct curves {
    const cnn_report_run *run;
    double *values[COLUMNS]; /* [run->epoch_count] */
    bool has_validation;
} curves;

static void fill(curves *c) {
    for (size_t i = 0; i < c->run->epoch_count; i++) {
        const cnn_epoch_row *row = &c->run->epochs[i];
        c->values[EPOCH][i] = (double)row->epoch;
        c->values[RATE][i] = row->learning_rate;
        c->values[TRAIN_LOSS][i] = row->train.loss;
        c->values[TRAIN_ACCURACY][i] = row->train.accuracy;
        c->values[LOSS][i] = row->validation.loss;
        c->values[ACCURACY][i] = row->validation.accuracy;
        c->values[AUC][i] = row->validation.auc;
        c->has_validation = c->has_validation || isfinite(row->validation.loss);
    }
}

/* --- very many epochs --- */

/* More epochs than POINTS are drawn as the smallest and the largest value of each of BUCKETS runs
 * of neighbouring epochs: no peak is lost, and the page stays small. */
enum { BUCKETS = 250, POINTS = 2 * BUCKETS + 2 };

typedef struct points {
    double x[POINTS], y[POINTS];
    size_t count;
} points;

static void add_point(points *p, const double *x, const double *y, size_t i) {
    p->x[p->count] = x[i];
    p->y[p->count++] = y[i];
}

/* The smallest and the largest value of from … to - 1, in order; one that is NaN if all are. */
static void add_bucket(points *p, const double *x, const double *y, size_t from, size_t to) {
    size_t least = from, most = from;
    for (size_t i = from + 1; i < to; i++) {
        least = y[i] < y[least] || isnan(y[least]) ? i : least;
        most = y[i] > y[most] || isnan(y[most]) ? i : most;
    }
    add_point(p, x, y, least < most ? least : most);
    if (least != most) {
        add_point(p, x, y, least < most ? most : least);
    }
}

static void thin_out(const double *x, const double *y, size_t count, points *p) {
    p->count = 0;
    add_point(p, x, y, 0);
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        add_bucket(p, x, y, bucket * count / BUCKETS, (bucket + 1) * count / BUCKETS);
    }
    add_point(p, x, y, count - 1);
}

/* --- charts --- */

/* A single epoch is a point. */
static void draw_series(cnn_plot *plot, const double *x, const double *y, size_t count,
                        int series) {
    points few;
    if (count > POINTS) {
        thin_out(x, y, count, &few);
        cnn_plot_line(plot, few.x, few.y, few.count, series);
    } else {
        (count > 1 ? cnn_plot_line : cnn_plot_points)(plot, x, y, count, series);
    }
}

/* Draws columns as the series of a chart. */
static void draw(const curves *c, cnn_plot *plot, cnn_html *html, const column *columns,
                 int count) {
    size_t epochs = c->run->epoch_count;
    plot->x = (cnn_plot_axis){.label = "epoch",
                              .low = epochs > 1 ? 1.0 : 0.5,
                              .high = epochs > 1 ? (double)epochs : 1.5,
                              .is_fitted = true,
                              .is_fixed = true,
                              .is_whole = true};
    for (int i = 0; i < count; i++) {
        cnn_plot_fit(&plot->y, c->values[columns[i]], epochs);
    }
    cnn_plot_begin(plot, html);
    for (int i = 0; i < count; i++) {
        draw_series(plot, c->values[EPOCH], c->values[columns[i]], epochs, i);
    }
    if (epochs > 1 && c->run->model_epoch > 0) {
        cnn_plot_rule(plot, (double)c->run->model_epoch, "kept");
    }
    cnn_plot_end(plot);
}

/* "Training loss: 0.6931 in epoch 1, 0.1234 in epoch 20." */
static void describe(const curves *c, cnn_text *text, const char *name, column which) {
    const double *values = c->values[which];
    size_t last = c->run->epoch_count - 1;
    if (isfinite(values[0]) && isfinite(values[last])) {
        cnn_text_format(text, "%s: %.4g in epoch 1, %.4g in epoch %zu. ", name, values[0],
                        values[last], last + 1);
    }
}

static void draw_losses(const curves *c, cnn_html *html) {
    static const column columns[] = {TRAIN_LOSS, LOSS};
    cnn_text text = {0};
    describe(c, &text, "Training loss", TRAIN_LOSS);
    describe(c, &text, "Validation loss", LOSS);
    cnn_plot plot = {.title = "Loss",
                     .description = text.data ? text.data : "Loss of each epoch",
                     .y = {.label = "loss", .low = 0.0, .is_fitted = true},
                     .series = {"training", "validation"}};
    draw(c, &plot, html, columns, c->has_validation ? 2 : 1);
    html->text->failed |= text.failed;
    cnn_text_free(&text);
}

static void draw_metrics(const curves *c, cnn_html *html) {
    static const column columns[] = {TRAIN_ACCURACY, ACCURACY, AUC};
    cnn_text text = {0};
    describe(c, &text, "Accuracy of training images", TRAIN_ACCURACY);
    describe(c, &text, "Accuracy of validation images", ACCURACY);
    describe(c, &text, "ROC AUC of validation images", AUC);
    cnn_plot plot = {.title = "Accuracy and ROC AUC",
                     .description = text.data ? text.data : "Accuracy of each epoch",
                     .y = {.label = "share; area"},
                     .series = {"training accuracy", "validation accuracy", "validation ROC AUC"}};
    draw(c, &plot, html, columns, c->has_validation ? 3 : 1);
    html->text->failed |= text.failed;
    cnn_text_free(&text);
}

static bool is_constant(const double *values, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (values[i] != values[0]) {
            return false;
        }
    }
    return true;
}

/* In a sentence if it never changes. */
static void draw_rate(const curves *c, cnn_html *html) {
    static const column columns[] = {RATE};
    cnn_text text = {0};
    describe(c, &text, "Learning rate", RATE);
    cnn_plot plot = {.title = "Learning rate",
                     .description = text.data ? text.data : "Learning rate of each epoch",
                     .y = {.label = "learning rate", .low = 0.0, .is_fitted = true},
                     .series = {"learning rate"}};
    draw(c, &plot, html, columns, 1);
    html->text->failed |= text.failed;
    cnn_text_free(&text);
}

/* --- the table --- */

static void write_row(cnn_html *html, const curves *c, const char *name, size_t i) {
    static const column shown[] = {EPOCH, TRAIN_LOSS, TRAIN_ACCURACY, LOSS, ACCURACY, AUC, RATE};
    cnn_html_table_row(html, name);
    for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
        double value = c->values[shown[k]][i];
        if (!isfinite(value)) {
            cnn_html_table_number(html, "–");
        } else {
            cnn_html_table_number(html,
                                  shown[k] == EPOCH  ? "%.0f"
                                  : shown[k] == RATE ? "%.3g"
                                                     : "%.4f",
                                  value);
        }
    }
    cnn_html_end(html);
}

static void write_table(cnn_html *html, const curves *c) {
    const cnn_report_run *run = c->run;
    const char *heads[] = {"",
                           "epoch",
                           "training loss",
                           "training accuracy",
                           "validation loss",
                           "validation accuracy",
                           "validation ROC AUC",
                           "learning rate",
                           NULL};
    cnn_html_table_begin(html, "Epochs", NULL, heads);
    write_row(html, c, "first", 0);
    if (run->model_epoch > 0 && (size_t)run->model_epoch <= run->epoch_count) {
        write_row(html, c, "kept", (size_t)run->model_epoch - 1);
    }
    write_row(html, c, "last", run->epoch_count - 1);
    cnn_html_table_end(html);
}

/* --- */

static void write_section(cnn_html *html, const curves *c) {
    bool constant = is_constant(c->values[RATE], c->run->epoch_count);
    cnn_html_begin_class(html, "div", "plots");
    draw_losses(c, html);
    draw_metrics(c, html);
    if (!constant) {
        draw_rate(c, html);
    }
    cnn_html_end(html);
    if (constant) {
        cnn_html_element_format(html, "p", "The learning rate was %g in every epoch.",
                                c->values[RATE][0]);
    }
    write_table(html, c);
    if (c->run->stopped_early) {
        cnn_html_begin(html, "p");
        cnn_prose(html, "Training stopped early: the validation images had not improved for "
                        "`train.early_stopping.patience` epochs.");
        cnn_html_end(html);
    }
    cnn_html_begin_class(html, "p", "note");
    cnn_html_text(html, "Training loss and accuracy are means over an epoch, while the weights "
                        "change and the images are augmented. Validation images are measured at "
                        "the end of each epoch.");
    cnn_html_end(html);
}

cnn_status cnn_report_curves(cnn_html *html, const cnn_report *report, cnn_error *error) {
    curves c = {.run = report->run};
    if (!report->run || report->set || report->run->epoch_count == 0) {
        return CNN_OK;
    }
    size_t count = report->run->epoch_count;
    double *values = cnn_alloc(count, COLUMNS * sizeof *values);
    if (!values) {
        return cnn_fail_memory(error, "the curves");
    }
    for (int i = 0; i < COLUMNS; i++) {
        c.values[i] = values + (size_t)i * count;
    }
    fill(&c);
    write_section(html, &c);
    cnn_free(values);
    return CNN_OK;
}
