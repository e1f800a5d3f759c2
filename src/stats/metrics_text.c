#include "stats/metrics_text.h"

#include <math.h>
#include <stdio.h>

/* --- JSON --- */

static void add_json_number(cnn_text *text, double number) {
    cnn_text_number(text, number, "null");
}

void cnn_metrics_json(cnn_text *text, const cnn_measured *measured) {
    const cnn_metrics *metrics = &measured->metrics;
    if (metrics->count == 0) {
        cnn_text_format(text, "null");
        return;
    }
    cnn_text_format(text, "{\"images\":%zu", metrics->count);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_text_format(text, ",\"%s\":", cnn_metric_table[id].name);
        add_json_number(text, cnn_metric_value(metrics, (cnn_metric_id)id));
    }
    cnn_text_format(text,
                    ",\"confusion\":{\"true_positives\":%zu,\"false_positives\":%zu,"
                    "\"true_negatives\":%zu,\"false_negatives\":%zu},\"interval_95\":{",
                    metrics->true_positives, metrics->false_positives, metrics->true_negatives,
                    metrics->false_negatives);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_text_format(text, "%s\"%s\":[", id ? "," : "", cnn_metric_table[id].name);
        add_json_number(text, measured->intervals[id].low);
        cnn_text_append(text, ",", 1);
        add_json_number(text, measured->intervals[id].high);
        cnn_text_append(text, "]", 1);
    }
    cnn_text_append(text, "}}", 2);
}

/* --- the log --- */

/* The width of the name of a row and of the numbers of a set; the largest number of sets. */
enum { NAME_WIDTH = 19, CELL_WIDTH = 26, CELL_SIZE = 96, COLUMNS = 2 };

/* A row of cells, without trailing spaces. */
static void log_row(const cnn_log_sink *log, const char *name, char cells[][CELL_SIZE],
                    size_t count) {
    char row[NAME_WIDTH + COLUMNS * CELL_SIZE + 1];
    int used = snprintf(row, sizeof row, "%-*s", NAME_WIDTH, name);
    for (size_t i = 0; i < count; i++) {
        int width = i + 1 < count ? CELL_WIDTH : 0;
        used += snprintf(row + used, sizeof row - (size_t)used, "%-*s", width, cells[i]);
    }
    cnn_log_message(log, CNN_LOG_INFO, "%s", row);
}

/* "0.8750 [0.8601, 0.8903]" */
static void describe_metric(const cnn_measured *measured, cnn_metric_id id, char cell[CELL_SIZE]) {
    double value = cnn_metric_value(&measured->metrics, id);
    const cnn_interval *interval = &measured->intervals[id];
    if (isnan(value)) {
        (void)snprintf(cell, CELL_SIZE, "none: one class only");
    } else {
        (void)snprintf(cell, CELL_SIZE, "%.4f [%.4f, %.4f]", value, interval->low, interval->high);
    }
}

void cnn_metrics_log(const cnn_log_sink *log, const cnn_metrics_column *columns, size_t count) {
    char cells[COLUMNS][CELL_SIZE];
    const cnn_measured *sets[COLUMNS];
    size_t shown = 0;
    for (size_t i = 0; i < count && shown < COLUMNS; i++) {
        if (columns[i].measured->metrics.count > 0) {
            (void)snprintf(cells[shown], CELL_SIZE, "%s, %zu images", columns[i].name,
                           columns[i].measured->metrics.count);
            sets[shown++] = columns[i].measured;
        }
    }
    if (shown == 0) {
        return;
    }
    log_row(log, "95 % intervals", cells, shown);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        for (size_t i = 0; i < shown; i++) {
            describe_metric(sets[i], (cnn_metric_id)id, cells[i]);
        }
        log_row(log, cnn_metric_table[id].text, cells, shown);
    }
    for (size_t i = 0; i < shown; i++) {
        const cnn_metrics *metrics = &sets[i]->metrics;
        (void)snprintf(cells[i], CELL_SIZE, "%zu, %zu, %zu, %zu", metrics->true_positives,
                       metrics->false_positives, metrics->true_negatives, metrics->false_negatives);
    }
    log_row(log, "TP, FP, TN, FN", cells, shown);
}
