/* Reads the results of the members of a sweep from their directories. */
#include "run/sweep_set.h"

#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number_text.h"

#include <math.h>
#include <stdio.h>

#define SUMMARY_LIMIT ((size_t)16 << 20)
#define TABLE_LIMIT ((size_t)1 << 30)

const char *const cnn_sweep_state_names[CNN_SWEEP_STATE_COUNT] = {
    [CNN_SWEEP_UNFINISHED] = "unfinished", [CNN_SWEEP_FINISHED] = "finished",
    [CNN_SWEEP_DIVERGED] = "diverged",     [CNN_SWEEP_FAILED] = "failed",
    [CNN_SWEEP_ENDED] = "ended",
};

/* --- summary.json --- */

/* NaN: the number is null or missing. */
static double number_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static void take_metrics(const cJSON *validation, cnn_sweep_row *row) {
    const cJSON *intervals = cJSON_GetObjectItemCaseSensitive(validation, "interval_95");
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        const char *name = cnn_metric_table[id].name;
        const cJSON *ends = cJSON_GetObjectItemCaseSensitive(intervals, name);
        const cJSON *low = cJSON_GetArrayItem(ends, 0), *high = cJSON_GetArrayItem(ends, 1);
        row->metrics[id] = number_of(validation, name);
        row->intervals[id] =
            (cnn_interval){.low = cJSON_IsNumber(low) ? low->valuedouble : (double)NAN,
                           .high = cJSON_IsNumber(high) ? high->valuedouble : (double)NAN};
    }
}

static void take_summary(const cJSON *summary, cnn_sweep_row *row) {
    const cJSON *train = cJSON_GetObjectItemCaseSensitive(summary, "train");
    row->state = CNN_SWEEP_FINISHED;
    row->stopped_early = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(summary, "stopped_early"));
    row->epochs = number_of(summary, "epochs");
    row->best_epoch = number_of(summary, "best_epoch");
    row->parameters = number_of(summary, "parameters");
    row->threshold = number_of(summary, "threshold");
    row->train_loss = number_of(train, "loss");
    row->train_accuracy = number_of(train, "accuracy");
    row->seconds = number_of(summary, "seconds");
    row->images_per_second = number_of(summary, "images_per_second");
    take_metrics(cJSON_GetObjectItemCaseSensitive(summary, "validation"), row);
}

static cnn_status read_summary(const char *path, cnn_sweep_row *row, cnn_error *error) {
    char *text;
    size_t size;
    bool no_memory;
    cnn_status status = cnn_file_read(path, SUMMARY_LIMIT, CNN_ERROR_RUNTIME, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    cJSON *json = cnn_json_parse(text, size + 1, NULL, true, &no_memory);
    cnn_free(text);
    if (cJSON_IsObject(json)) {
        take_summary(json, row);
    } else {
        status = no_memory ? cnn_fail_memory(error, path)
                           : cnn_fail(error, CNN_ERROR_RUNTIME,
                                      "%s: damaged: expected the summary of a run as JSON, found "
                                      "other text",
                                      path);
    }
    cJSON_Delete(json);
    return status;
}

/* --- metrics.csv --- */

/* NaN: there is no such column, or it is empty. */
static double field_of(const cnn_csv *csv, int column) {
    const bool has = column >= 0 && csv->count > column && *csv->field[column];
    return has ? cnn_number_read(csv->field[column], NULL) : (double)NAN;
}

/* The last epoch, and the metrics of the best one. */
static void take_epochs(char *text, cnn_metric_id metric, cnn_sweep_row *row) {
    int column[CNN_METRIC_COUNT];
    cnn_csv csv = cnn_csv_start(text);
    (void)cnn_csv_next(&csv);
    const int epoch = cnn_csv_column(&csv, "epoch"), seconds = cnn_csv_column(&csv, "seconds");
    const int loss = cnn_csv_column(&csv, "train_loss");
    const int accuracy = cnn_csv_column(&csv, "train_accuracy");
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        char name[64];
        (void)snprintf(name, sizeof name, "val_%s", cnn_metric_table[id].name);
        column[id] = cnn_csv_column(&csv, name);
    }
    row->seconds = 0.0;
    while (cnn_csv_next(&csv)) {
        row->epochs = field_of(&csv, epoch);
        row->train_loss = field_of(&csv, loss);
        row->train_accuracy = field_of(&csv, accuracy);
        row->seconds += field_of(&csv, seconds);
        if (cnn_sweep_is_better(metric, field_of(&csv, column[metric]), row->metrics[metric])) {
            row->best_epoch = row->epochs;
            for (int id = 0; id < CNN_METRIC_COUNT; id++) {
                row->metrics[id] = field_of(&csv, column[id]);
            }
        }
    }
}

/* A run that halving has ended. */
static cnn_status read_ended(const cnn_run_directory *directory, cnn_metric_id metric,
                             cnn_sweep_row *row, cnn_error *error) {
    char *text;
    size_t size;
    row->state = CNN_SWEEP_ENDED;
    CNN_TRY(cnn_run_read_file(directory, CNN_RUN_METRICS, TABLE_LIMIT, &text, &size, error));
    if (text) {
        take_epochs(text, metric, row);
        cnn_free(text);
    }
    return CNN_OK;
}

/* --- rows --- */

static void clear_row(cnn_sweep_row *row) {
    const double none = (double)NAN;
    *row = (cnn_sweep_row){.epochs = none,
                           .best_epoch = none,
                           .parameters = none,
                           .threshold = none,
                           .train_loss = none,
                           .train_accuracy = none,
                           .seconds = none,
                           .images_per_second = none};
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        row->metrics[id] = none;
        row->intervals[id] = (cnn_interval){.low = none, .high = none};
    }
}

/* With train.minutes, the number of epochs is the run's own choice. */
static cnn_status note_cut(const cnn_config *config, cnn_sweep_row *row, cnn_error *error) {
    char reason[96];
    if (row->stopped_early || config->train.minutes > 0.0 ||
        !(row->epochs < (double)config->train.epochs)) {
        return CNN_OK;
    }
    (void)snprintf(reason, sizeof reason, "cut short after epoch %.0f of %lld by --max-seconds",
                   row->epochs, (long long)config->train.epochs);
    row->reason = cnn_copy_string(reason);
    return row->reason ? CNN_OK : cnn_fail_memory(error, "the results");
}

/* A run without a note. */
static cnn_status read_unnoted(const cnn_run_directory *directory, const cnn_config *config,
                               cnn_sweep_row *row, cnn_error *error) {
    bool complete;
    CNN_TRY(cnn_run_is_complete(directory, false, &complete, error));
    CNN_TRY(complete ? read_summary(directory->file[CNN_RUN_SUMMARY], row, error) : CNN_OK);
    return complete ? note_cut(config, row, error) : CNN_OK;
}

bool cnn_sweep_is_cut_short(const cnn_sweep_row *row) {
    return row->state == CNN_SWEEP_FINISHED && row->reason;
}

static cnn_status read_row(const cnn_sweep_set *set, int member, cnn_sweep_row *row,
                           cnn_error *error) {
    int code;
    cnn_run_directory directory;
    clear_row(row);
    CNN_TRY(cnn_sweep_read_note(set, member, &code, &row->reason, error));
    if (code > 0) {
        row->state = code == CNN_ERROR_DIVERGED ? CNN_SWEEP_DIVERGED : CNN_SWEEP_FAILED;
        return CNN_OK;
    }
    cnn_status status = cnn_run_member_directory(set->directory, member, &directory, error);
    if (status == CNN_OK) {
        status = code == CNN_SWEEP_ENDED_CODE
                     ? read_ended(&directory, set->base->train.early_stopping.metric, row, error)
                     : read_unnoted(&directory, set->configs[member - 1], row, error);
    }
    cnn_run_directory_free(&directory);
    return status;
}

cnn_status cnn_sweep_read_rows(const cnn_sweep_set *set, cnn_sweep_row *rows, cnn_error *error) {
    for (int member = 1; member <= set->sweep->members; member++) {
        CNN_TRY(read_row(set, member, &rows[member - 1], error));
    }
    return CNN_OK;
}

void cnn_sweep_rows_free(cnn_sweep_row *rows, int count) {
    for (int i = 0; rows && i < count; i++) {
        cnn_free(rows[i].reason);
    }
    cnn_free(rows);
}
