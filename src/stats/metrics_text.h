/* Metrics as text for people and as JSON. */
#ifndef CNN_STATS_METRICS_TEXT_H
#define CNN_STATS_METRICS_TEXT_H

#include "base/json_writer.h"
#include "base/log.h"
#include "stats/intervals.h"

/* The metrics of a set of images, and their intervals. */
typedef struct cnn_measured {
    cnn_metrics metrics;
    cnn_interval intervals[CNN_METRIC_COUNT];
} cnn_measured;

/* The value {"images":25,"loss":0.3,…,"confusion":{"true_positives":…},"interval_95":{…}}, or null
 * for a set without images. A number that is not finite is null. */
void cnn_metrics_json(cnn_json_writer *json, const cnn_measured *measured);

/* The value {"loss":[0.2,0.4],…}. */
void cnn_intervals_json(cnn_json_writer *json, const cnn_interval intervals[CNN_METRIC_COUNT]);

/* One set of images, under its name. */
typedef struct cnn_metrics_column {
    const char *name;
    const cnn_measured *measured;
} cnn_metrics_column;

/* Logs the metrics as a table: a row for each metric with its interval, a column for each set. Sets
 * without images are left out; if there are no others, nothing is logged. */
void cnn_metrics_log(const cnn_log_sink *log, const cnn_metrics_column *columns, size_t count);

#endif
