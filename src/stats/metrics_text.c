#include "stats/metrics_text.h"

#include <math.h>
#include <stdio.h>

/* --- JSON --- */

void cnn_metrics_json(cnn_json_writer *json, const cnn_measured *measured) {
    const cnn_metrics *metrics = &measured->metrics;
    if (metrics->count == 0) {
        cnn_json_null(json);
        return;
    }
    cnn_json_begin_object(json);
    cnn_json_integer(cnn_json_key(json, "images"), (int64_t)metrics->count);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_json_number(cnn_json_key(json, cnn_metric_table[id].name),
                        cnn_metric_value(metrics, (cnn_metric_id)id));
    }
    cnn_json_begin_object(cnn_json_key(json, "confusion"));
    cnn_json_integer(cnn_json_key(json, "true_positives"), (int64_t)metrics->true_positives);
    cnn_json_integer(cnn_json_key(json, "false_positives"), (int64_t)metrics->false_positives);
    cnn_json_integer(cnn_json_key(json, "true_negatives"), (int64_t)metrics->true_negatives);
    cnn_json_integer(cnn_json_key(json, "false_negatives"), (int64_t)metrics->false_negatives);
    cnn_json_end(json);
    cnn_intervals_json(cnn_json_key(json, "interval_95"), measured->intervals);
    cnn_json_end(json);
}

void cnn_intervals_json(cnn_json_writer *json, const cnn_interval intervals[CNN_METRIC_COUNT]) {
    cnn_json_begin_object(json);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_json_begin_array(cnn_json_key(json, cnn_metric_table[id].name));
        cnn_json_number(json, intervals[id].low);
        cnn_json_number(json, intervals[id].high);
        cnn_json_end(json);
    }
    cnn_json_end(json);
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
    } else if (isnan(interval->low)) {
        (void)snprintf(cell, CELL_SIZE, "%.4f (one class only)", value);
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
            (void)snprintf(cells[shown], CELL_SIZE, "%s, %zu image%s", columns[i].name,
                           columns[i].measured->metrics.count,
                           columns[i].measured->metrics.count == 1 ? "" : "s");
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
