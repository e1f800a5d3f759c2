/* summary.json as a part of the record. */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "report/record_parts.h"

#include <math.h>
#include <string.h>

/* The largest summary.json that is read. */
#define SUMMARY_LIMIT ((size_t)16 << 20)

/* An object of the file. */
typedef struct part {
    const char *path;  /* of the file */
    const char *place; /* in it: "test.", or "" */
    const cJSON *object;
    cnn_error *error;
} part;

/* --- members of an object --- */

static cnn_status fail_value(const part *p, const char *key, const char *expected,
                             const cJSON *found) {
    cnn_text text = {0};
    cnn_json_item(&text, found);
    cnn_status status =
        text.failed ? cnn_fail_memory(p->error, p->path)
                    : cnn_fail(p->error, CNN_ERROR_RUNTIME, "%s: %s%s: expected %s, found %.60s",
                               p->path, p->place, key, expected, text.data ? text.data : "nothing");
    cnn_text_free(&text);
    return status;
}

static const cJSON *item_of(const part *p, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(p->object, key);
}

/* null is NaN. */
static cnn_status take_number(const part *p, const char *key, double *value) {
    const cJSON *item = item_of(p, key);
    if (!cJSON_IsNumber(item) && !cJSON_IsNull(item)) {
        return fail_value(p, key, "a number or null", item);
    }
    *value = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
    return CNN_OK;
}

static cnn_status take_count(const part *p, const char *key, size_t *value) {
    const cJSON *item = item_of(p, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0.0 && item->valuedouble <= 0x1p53) ||
        item->valuedouble != floor(item->valuedouble)) {
        return fail_value(p, key, "an integer that is not negative", item);
    }
    *value = (size_t)item->valuedouble;
    return CNN_OK;
}

static cnn_status take_boolean(const part *p, const char *key, bool *value) {
    const cJSON *item = item_of(p, key);
    if (!cJSON_IsBool(item)) {
        return fail_value(p, key, "true or false", item);
    }
    *value = cJSON_IsTrue(item);
    return CNN_OK;
}

static cnn_status copy_text(const part *p, const char *key, const cJSON *item, char **text) {
    if (!cJSON_IsString(item)) {
        return fail_value(p, key, "a text", item);
    }
    *text = cnn_copy_string(item->valuestring);
    return *text ? CNN_OK : cnn_fail_memory(p->error, p->path);
}

/* The object `key` as *inner; place: its name in messages. */
static cnn_status take_object(const part *p, const char *key, const char *place, part *inner) {
    const cJSON *item = item_of(p, key);
    if (!cJSON_IsObject(item)) {
        return fail_value(p, key, "an object", item);
    }
    *inner = (part){.path = p->path, .place = place, .object = item, .error = p->error};
    return CNN_OK;
}

/* --- metrics --- */

static double *field_of(cnn_metrics *metrics, int id) {
    return (double *)(void *)((char *)metrics + cnn_metric_table[id].offset);
}

static cnn_status take_interval(const part *p, int id, cnn_interval *interval) {
    const char *key = cnn_metric_table[id].name;
    const cJSON *item = item_of(p, key);
    double bounds[2];
    for (int i = 0; i < 2; i++) {
        const cJSON *bound = cJSON_GetArrayItem(item, i);
        if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2 ||
            (!cJSON_IsNumber(bound) && !cJSON_IsNull(bound))) {
            return fail_value(p, key, "two numbers", item);
        }
        bounds[i] = cJSON_IsNumber(bound) ? bound->valuedouble : (double)NAN;
    }
    *interval = (cnn_interval){.low = bounds[0], .high = bounds[1]};
    return CNN_OK;
}

static cnn_status take_confusion(const part *p, cnn_metrics *metrics) {
    CNN_TRY(take_count(p, "true_positives", &metrics->true_positives));
    CNN_TRY(take_count(p, "false_positives", &metrics->false_positives));
    CNN_TRY(take_count(p, "true_negatives", &metrics->true_negatives));
    CNN_TRY(take_count(p, "false_negatives", &metrics->false_negatives));
    size_t sum = metrics->true_positives + metrics->false_positives + metrics->true_negatives +
                 metrics->false_negatives;
    return sum == metrics->count ? CNN_OK
                                 : cnn_fail(p->error, CNN_ERROR_RUNTIME,
                                            "%s: %s: expected counts of %zu images, found %zu",
                                            p->path, p->place, metrics->count, sum);
}

/* What cnn_metrics_json writes. */
static cnn_status take_measured(const part *root, const char *key, cnn_measured *measured) {
    part p, inner;
    measured->metrics = cnn_metrics_none();
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        measured->intervals[id] = (cnn_interval){(double)NAN, (double)NAN};
    }
    if (cJSON_IsNull(item_of(root, key))) {
        return CNN_OK;
    }
    CNN_TRY(take_object(root, key, key, &p));
    CNN_TRY(take_count(&p, "images", &measured->metrics.count));
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        CNN_TRY(take_number(&p, cnn_metric_table[id].name, field_of(&measured->metrics, id)));
    }
    CNN_TRY(take_object(&p, "confusion", "confusion", &inner));
    CNN_TRY(take_confusion(&inner, &measured->metrics));
    CNN_TRY(take_object(&p, "interval_95", "interval_95", &inner));
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        CNN_TRY(take_interval(&inner, id, &measured->intervals[id]));
    }
    return CNN_OK;
}

static cnn_status take_train(const part *root, cnn_metrics *train) {
    part p;
    *train = cnn_metrics_none();
    if (cJSON_IsNull(item_of(root, "train"))) {
        return CNN_OK;
    }
    CNN_TRY(take_object(root, "train", "train", &p));
    CNN_TRY(take_count(&p, "images", &train->count));
    CNN_TRY(take_number(&p, "loss", &train->loss));
    return take_number(&p, "accuracy", &train->accuracy);
}

/* --- the file --- */

static cnn_status take_run(const part *p, cnn_report_run *run) {
    size_t best, model, threads;
    CNN_TRY(take_count(p, "epochs", &run->epoch_count));
    CNN_TRY(take_boolean(p, "stopped_early", &run->stopped_early));
    CNN_TRY(take_count(p, "best_epoch", &best));
    CNN_TRY(take_count(p, "model_epoch", &model));
    run->threshold = (double)NAN; /* older ones have none */
    if (item_of(p, "threshold")) {
        CNN_TRY(take_number(p, "threshold", &run->threshold));
    }
    CNN_TRY(take_train(p, &run->train));
    CNN_TRY(take_measured(p, "validation", &run->measured[CNN_SPLIT_VALIDATION]));
    CNN_TRY(take_measured(p, "test", &run->measured[CNN_SPLIT_TEST]));
    CNN_TRY(take_number(p, "seconds", &run->seconds));
    CNN_TRY(take_number(p, "images_per_second", &run->images_per_second));
    CNN_TRY(take_count(p, "threads", &threads));
    run->best_epoch = (int64_t)best;
    run->model_epoch = (int64_t)model;
    run->threads = threads < INT32_MAX ? (int)threads : INT32_MAX;
    return copy_text(p, "isa", item_of(p, "isa"), &run->isa);
}

static cnn_status take_spread(const part *root, const char *key, double values[CNN_METRIC_COUNT]) {
    part p;
    CNN_TRY(take_object(root, key, key, &p));
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        CNN_TRY(take_number(&p, cnn_metric_table[id].name, &values[id]));
    }
    return CNN_OK;
}

static cnn_status take_set(const part *p, cnn_record *record) {
    CNN_TRY(take_count(p, "folds", &record->set.count));
    CNN_TRY(take_spread(p, "mean", record->set.mean));
    CNN_TRY(take_spread(p, "deviation", record->set.deviation));
    record->set.member = "fold";
    return take_measured(p, "pooled", &record->run.measured[CNN_SPLIT_TEST]);
}

static cnn_status take_all(const part *p, cnn_record *record) {
    const cJSON *classes = item_of(p, "classes");
    cnn_report_run *run = &record->run;
    if (!cJSON_IsArray(classes) || cJSON_GetArraySize(classes) != 2) {
        return fail_value(p, "classes", "two texts", classes);
    }
    CNN_TRY(copy_text(p, "classes", cJSON_GetArrayItem(classes, 0), &record->classes[0]));
    CNN_TRY(copy_text(p, "classes", cJSON_GetArrayItem(classes, 1), &record->classes[1]));
    CNN_TRY(copy_text(p, "version", item_of(p, "version"), &run->version));
    CNN_TRY(take_count(p, "parameters", &run->parameters));
    CNN_TRY(take_count(p, "bad_images", &run->bad_images));
    CNN_TRY(take_count(p, "copies_left_out", &run->copies_left_out));
    record->is_set = item_of(p, "folds") != NULL;
    return record->is_set ? take_set(p, record) : take_run(p, run);
}

/* size: with the zero byte that ends the text. */
static cnn_status parse(const char *path, const char *text, size_t size, cnn_record *record,
                        cnn_error *error) {
    bool no_memory;
    cJSON *json = cnn_json_parse(text, size, NULL, true, &no_memory);
    if (!json && no_memory) {
        return cnn_fail_memory(error, path);
    }
    const part root = {.path = path, .place = "", .object = json, .error = error};
    cnn_status status = cJSON_IsObject(json)
                            ? take_all(&root, record)
                            : cnn_fail(error, CNN_ERROR_RUNTIME,
                                       "%s: damaged: expected the summary of a run as JSON", path);
    cJSON_Delete(json);
    return status;
}

cnn_status cnn_record_read_summary(cnn_record *record, cnn_error *error) {
    const char *path = record->directory.file[CNN_RUN_SUMMARY];
    char *text;
    size_t size;
    cnn_status status = cnn_file_read(path, SUMMARY_LIMIT, CNN_ERROR_RUNTIME, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = parse(path, text, size + 1, record, error);
    cnn_free(text);
    return status;
}
