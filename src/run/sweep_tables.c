/* The files of a sweep: members.csv, sweep.csv and summary.json. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "run/tables.h"

#include "cnn/version.h"

#include <stdio.h>

/* A value as a field of a table: a string without its quotes, anything else as JSON. */
static void add_value(const cnn_sweep *sweep, int member, const cnn_sweep_key *key,
                      cnn_text *text) {
    cnn_text value = {0};
    bool no_memory = false;
    cnn_sweep_value(sweep, member, key, &value);
    cJSON *json =
        value.failed ? NULL : cnn_json_parse(value.data, value.length + 1, NULL, true, &no_memory);
    text->failed = text->failed || value.failed || no_memory;
    cnn_text_append(text, ",", 1);
    if (!text->failed) {
        cnn_text_csv_field(text, cJSON_IsString(json) ? json->valuestring : value.data);
    }
    cJSON_Delete(json);
    cnn_text_free(&value);
}

/* --- members.csv --- */

void cnn_sweep_members_table(const cnn_sweep *sweep, cnn_text *text) {
    cnn_text_format(text, "member");
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_text_append(text, ",", 1);
        cnn_text_csv_field(text, sweep->keys[i].name);
    }
    cnn_text_append(text, "\n", 1);
    for (int member = 1; member <= sweep->members; member++) {
        cnn_text_format(text, "%d", member);
        for (int i = 0; i < sweep->key_count; i++) {
            add_value(sweep, member, &sweep->keys[i], text);
        }
        cnn_text_append(text, "\n", 1);
    }
}

/* --- sweep.csv --- */

static void add_header(const cnn_sweep *sweep, cnn_text *text) {
    cnn_text_format(text, "member,status");
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_text_append(text, ",", 1);
        cnn_text_csv_field(text, sweep->keys[i].name);
    }
    cnn_text_format(text, ",epochs,best_epoch,parameters,threshold,train_loss,train_accuracy");
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_text_format(text, ",val_%s", cnn_metric_table[id].name);
    }
    cnn_text_format(text, ",seconds,images_per_second,reason\n");
}

static void add_row(const cnn_sweep *sweep, int member, const cnn_sweep_row *row, cnn_text *text) {
    const double first[] = {row->epochs,    row->best_epoch, row->parameters,
                            row->threshold, row->train_loss, row->train_accuracy};
    const double last[] = {row->seconds, row->images_per_second};
    cnn_text_format(text, "%d,%s", member, cnn_sweep_state_names[row->state]);
    for (int i = 0; i < sweep->key_count; i++) {
        add_value(sweep, member, &sweep->keys[i], text);
    }
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        cnn_text_append(text, ",", 1);
        cnn_text_number(text, first[i], "");
    }
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_text_append(text, ",", 1);
        cnn_text_number(text, row->metrics[id], "");
    }
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        cnn_text_append(text, ",", 1);
        cnn_text_number(text, last[i], "");
    }
    cnn_text_append(text, ",", 1);
    cnn_text_csv_field(text, row->reason ? row->reason : "");
    cnn_text_append(text, "\n", 1);
}

cnn_status cnn_sweep_write_table(const cnn_sweep_set *set, const cnn_sweep_row *rows,
                                 const char *path, cnn_error *error) {
    cnn_text text = {0};
    add_header(set->sweep, &text);
    for (int member = 1; member <= set->sweep->members; member++) {
        add_row(set->sweep, member, &rows[member - 1], &text);
    }
    return cnn_table_write(path, &text, true, error);
}

/* --- summary.json --- */

/* {"train.learning_rate":0.1,…} */
static void add_values(cnn_json_writer *json, const cnn_sweep *sweep, int member) {
    cnn_json_begin_object(json);
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_text value = {0};
        cnn_sweep_value(sweep, member, &sweep->keys[i], &value);
        json->text->failed = json->text->failed || value.failed;
        cnn_json_raw(cnn_json_key(json, sweep->keys[i].name), value.data ? value.data : "null");
        cnn_text_free(&value);
    }
    cnn_json_end(json);
}

/* {"loss":…} of a row. */
static void add_validation(cnn_json_writer *json, const cnn_sweep_row *row) {
    cnn_json_begin_object(json);
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_json_number(cnn_json_key(json, cnn_metric_table[id].name), row->metrics[id]);
    }
    cnn_intervals_json(cnn_json_key(json, "interval_95"), row->intervals);
    cnn_json_end(json);
}

/* The next combination, and the comparison with it. */
static void add_next(cnn_json_writer *json, const cnn_sweep_set *set,
                     const cnn_sweep_findings *findings) {
    const cnn_metric_id metric = set->base->train.early_stopping.metric;
    const int next = findings->choice.next;
    if (next == 0) {
        cnn_json_null(json);
        return;
    }
    const cnn_sweep_comparison *found = &findings->comparisons[next - 1];
    int member = (next - 1) * set->sweep->seeds + 1;
    double mean;
    (void)cnn_sweep_mean(set->sweep, findings->rows, next, metric, &mean);
    cnn_json_begin_object(json);
    cnn_json_integer(cnn_json_key(json, "member"), member);
    add_values(cnn_json_key(json, "values"), set->sweep, member);
    cnn_json_number(cnn_json_key(json, "mean"), mean);
    cnn_json_string(cnn_json_key(json, "compared"),
                    cnn_metric_table[cnn_sweep_compared(metric)].name);
    cnn_json_integer(cnn_json_key(json, "seeds"), found->seeds);
    cnn_json_integer(cnn_json_key(json, "images"), (int64_t)found->cells);
    cnn_json_number(cnn_json_key(json, "difference"), found->difference);
    cnn_json_number(cnn_json_key(json, "standard_error"), found->standard_error);
    cnn_json_number(cnn_json_key(json, "p"), found->p);
    cnn_json_number(cnn_json_key(json, "adjusted_p"), found->adjusted_p);
    cnn_json_end(json);
}

/* {"train.learning_rate":0.8,…} */
static void add_shares(cnn_json_writer *json, const cnn_sweep *sweep,
                       const cnn_sweep_key_share *shares) {
    cnn_json_begin_object(json);
    for (int i = 0; i < sweep->key_count; i++) {
        cnn_json_number(cnn_json_key(json, sweep->keys[i].name), shares[i].share);
    }
    cnn_json_end(json);
}

static void add_chosen(cnn_json_writer *json, const cnn_sweep_set *set, const cnn_sweep_row *rows,
                       const cnn_sweep_choice *choice, const cnn_measured *test) {
    char directory[24];
    if (choice->member == 0) {
        cnn_json_null(json);
        return;
    }
    (void)snprintf(directory, sizeof directory, "%04d", choice->member);
    cnn_json_begin_object(json);
    cnn_json_integer(cnn_json_key(json, "member"), choice->member);
    cnn_json_string(cnn_json_key(json, "directory"), directory);
    add_values(cnn_json_key(json, "values"), set->sweep, choice->member);
    cnn_json_number(cnn_json_key(json, "mean"), choice->mean);
    cnn_json_number(cnn_json_key(json, "threshold"), rows[choice->member - 1].threshold);
    add_validation(cnn_json_key(json, "validation"), &rows[choice->member - 1]);
    cnn_metrics_json(cnn_json_key(json, "test"), test);
    cnn_json_end(json);
}

cnn_status cnn_sweep_write_summary(const cnn_sweep_set *set, const cnn_sweep_findings *findings,
                                   const char *path, cnn_error *error) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    int count[CNN_SWEEP_STATE_COUNT] = {0};
    for (int i = 0; i < set->sweep->members; i++) {
        count[findings->rows[i].state]++;
    }
    cnn_json_begin_object(&json);
    cnn_json_string(cnn_json_key(&json, "version"), CNN_VERSION);
    cnn_json_begin_array(cnn_json_key(&json, "classes"));
    cnn_json_string_or_null(&json, findings->classes[0]);
    cnn_json_string_or_null(&json, findings->classes[1]);
    cnn_json_end(&json);
    cnn_json_integer(cnn_json_key(&json, "members"), set->sweep->members);
    for (int state = 0; state < CNN_SWEEP_STATE_COUNT; state++) {
        cnn_json_integer(cnn_json_key(&json, cnn_sweep_state_names[state]), count[state]);
    }
    cnn_json_string(cnn_json_key(&json, "metric"),
                    cnn_metric_table[set->base->train.early_stopping.metric].name);
    add_chosen(cnn_json_key(&json, "chosen"), set, findings->rows, &findings->choice,
               &findings->test);
    add_next(cnn_json_key(&json, "next"), set, findings);
    add_shares(cnn_json_key(&json, "keys"), set->sweep, findings->shares);
    cnn_json_end(&json);
    cnn_text_append(&text, "\n", 1);
    return cnn_table_write(path, &text, true, error);
}
