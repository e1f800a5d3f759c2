#include "run/tables.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "nn/loss.h"

#include <stdlib.h>
#include <string.h>

/* The largest split.csv or metrics.csv that is read. */
#define TABLE_LIMIT ((size_t)1 << 30)

/* The first validation metrics are before the two columns of times: readers may count columns from
 * the left. */
enum { METRICS_BEFORE_TIMES = 3 };

cnn_status cnn_table_write(const char *path, cnn_text *text, bool synced, cnn_error *error) {
    cnn_status status = text->failed ? cnn_fail_memory(error, path)
                        : synced     ? cnn_file_write(path, text->data, text->length, error)
                                 : cnn_file_write_unsynced(path, text->data, text->length, error);
    cnn_text_free(text);
    return status;
}

static cnn_status read_table(const char *path, char **data, cnn_error *error) {
    size_t size;
    cnn_status status = cnn_file_read(path, TABLE_LIMIT, CNN_ERROR_RUNTIME, data, &size, error);
    return status == CNN_OK ? CNN_OK : cnn_fail_prefix(error, status, "%s: ", path);
}

static void add_comma(cnn_text *text) {
    cnn_text_append(text, ",", 1);
}

/* --- split.csv --- */

/* The text between path and content: ",good,train,patient-3,", or ",good,patient-3," without a
 * split. */
static void add_middle(cnn_text *text, const char *label, const char *split, const char *group) {
    add_comma(text);
    cnn_text_csv_field(text, label);
    if (split) {
        cnn_text_format(text, ",%s", split);
    }
    add_comma(text);
    cnn_text_csv_field(text, group);
    add_comma(text);
}

/* 16 digits and a line end. */
static void add_content(cnn_text *text, uint64_t content) {
    static const char digits[] = "0123456789abcdef";
    char line[17];
    for (int i = 0; i < 16; i++) {
        line[i] = digits[content >> (60 - 4 * i) & 15];
    }
    line[16] = '\n';
    cnn_text_append(text, line, sizeof line);
}

/* The middle parts of rows without a group, which most rows have: made once. */
typedef struct middles {
    cnn_text text[2][CNN_SPLIT_COUNT];
} middles;

static void make_middles(const cnn_dataset *dataset, bool with_split, middles *m, bool *failed) {
    *m = (middles){{{{0}}}};
    for (int label = 0; label < 2; label++) {
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            cnn_text *text = &m->text[label][split];
            add_middle(text, dataset->classes[label], with_split ? cnn_split_names[split] : NULL,
                       "");
            *failed = *failed || text->failed;
        }
    }
}

static void free_middles(middles *m) {
    for (int label = 0; label < 2; label++) {
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            cnn_text_free(&m->text[label][split]);
        }
    }
}

void cnn_table_split(const cnn_dataset *dataset, const int *fold, cnn_text *text) {
    middles m;
    make_middles(dataset, !fold, &m, &text->failed);
    cnn_text_format(text,
                    fold ? "fold,path,label,group,content\n" : "path,label,split,group,content\n");
    for (size_t i = 0; i < dataset->count && !text->failed; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        const cnn_text *middle = &m.text[sample->label][sample->split];
        if (fold) {
            cnn_text_format(text, "%d,", fold[i] + 1);
        }
        cnn_text_csv_field(text, sample->path);
        if (sample->group) {
            add_middle(text, dataset->classes[sample->label],
                       fold ? NULL : cnn_split_names[sample->split], sample->group);
        } else {
            cnn_text_append(text, middle->data, middle->length);
        }
        add_content(text, sample->content);
    }
    free_middles(&m);
}

cnn_status cnn_table_update_split(const char *path, const cnn_dataset *dataset, const int *fold,
                                  cnn_error *error) {
    cnn_text now = {0};
    char *then = NULL;
    size_t size;
    cnn_table_split(dataset, fold, &now);
    /* a table that cannot be read is replaced like one that differs */
    bool same = !now.failed &&
                cnn_file_read(path, TABLE_LIMIT, CNN_ERROR_RUNTIME, &then, &size, NULL) == CNN_OK &&
                size == now.length && memcmp(then, now.data, size) == 0;
    cnn_free(then);
    if (same) {
        cnn_text_free(&now);
        return CNN_OK;
    }
    return cnn_table_write(path, &now, true, error);
}

/* --- metrics.csv --- */

static void add_metrics_header(cnn_text *text) {
    cnn_text_format(text, "epoch,learning_rate,train_loss,train_accuracy");
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_text_format(text, "%s,val_%s",
                        id == METRICS_BEFORE_TIMES ? ",seconds,images_per_second" : "",
                        cnn_metric_table[id].name);
    }
    cnn_text_append(text, "\n", 1);
}

/* Adds the existing rows of epochs 1 to `epochs`; returns their number. */
static int64_t keep_rows(const char *table, int64_t epochs, cnn_text *text) {
    int64_t rows = 0;
    for (const char *line = table; *line;) {
        size_t length = strcspn(line, "\n");
        bool whole = line[length] == '\n';
        long long epoch = strtoll(line, NULL, 10); /* 0 for the header */
        if (whole && epoch == rows + 1 && epoch <= epochs) {
            cnn_text_append(text, line, length + 1);
            rows++;
        }
        line += length + whole;
    }
    return rows;
}

cnn_status cnn_table_start_metrics(const char *path, int64_t epochs, cnn_error *error) {
    cnn_text text = {0};
    int64_t rows = 0;
    if (epochs > 0) {
        char *old;
        CNN_TRY(read_table(path, &old, error));
        add_metrics_header(&text);
        rows = keep_rows(old, epochs, &text);
        cnn_free(old);
    } else {
        add_metrics_header(&text);
    }
    if (rows != epochs) {
        cnn_text_free(&text);
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "%s: expected the rows of epochs 1 to %lld, which the checkpoint has "
                        "finished, found %lld",
                        path, (long long)epochs, (long long)rows);
    }
    return cnn_table_write(path, &text, epochs > 0, error);
}

cnn_status cnn_table_add_metrics(const char *path, const cnn_epoch_row *row, cnn_error *error) {
    const double numbers[] = {row->learning_rate, row->train.loss, row->train.accuracy};
    cnn_text text = {0};
    cnn_text_format(&text, "%lld", (long long)row->epoch);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        add_comma(&text);
        cnn_text_number(&text, numbers[i], "");
    }
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        if (id == METRICS_BEFORE_TIMES) {
            cnn_text_format(&text, ",%.3f,%.1f", row->seconds, row->images_per_second);
        }
        add_comma(&text);
        cnn_text_number(&text, cnn_metric_value(&row->validation, (cnn_metric_id)id), "");
    }
    cnn_text_append(&text, "\n", 1);
    cnn_status status = text.failed ? cnn_fail_memory(error, path)
                                    : cnn_file_append(path, text.data, text.length, error);
    cnn_text_free(&text);
    return status;
}

/* --- predictions.csv, test_predictions.csv --- */

static size_t sample_of(const cnn_predictions *predictions, size_t i) {
    return predictions->images ? predictions->images[i] : i;
}

bool cnn_predictions_positive(const cnn_predictions *predictions, size_t i) {
    int fold = predictions->fold ? predictions->fold[sample_of(predictions, i)] : 0;
    return cnn_probability(predictions->logits[i]) >= (float)predictions->thresholds[fold];
}

cnn_status cnn_table_write_predictions(const char *path, const cnn_predictions *predictions,
                                       cnn_error *error) {
    const cnn_dataset *dataset = predictions->dataset;
    cnn_text text = {0};
    cnn_text_format(&text, "path,label,predicted,probability%s\n",
                    predictions->fold ? ",fold" : "");
    for (size_t i = 0; i < predictions->count; i++) {
        size_t image = sample_of(predictions, i);
        const cnn_sample *sample = &dataset->samples[image];
        cnn_text_csv_field(&text, sample->path);
        add_comma(&text);
        cnn_text_csv_field(&text, dataset->classes[sample->label]);
        add_comma(&text);
        cnn_text_csv_field(&text, dataset->classes[cnn_predictions_positive(predictions, i)]);
        add_comma(&text);
        cnn_text_float(&text, cnn_probability(predictions->logits[i]));
        if (predictions->fold) {
            cnn_text_format(&text, ",%d", predictions->fold[image] + 1);
        }
        cnn_text_append(&text, "\n", 1);
    }
    return cnn_table_write(path, &text, true, error);
}

/* --- folds.csv --- */

cnn_status cnn_table_write_folds(const char *path, const cnn_fold_row *rows, int folds,
                                 cnn_error *error) {
    cnn_text text = {0};
    cnn_text_format(&text, "fold,train_images,validation_images,test_images,threshold");
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_text_format(&text, ",%s", cnn_metric_table[id].name);
    }
    for (int fold = 0; fold < folds; fold++) {
        const cnn_fold_row *row = &rows[fold];
        cnn_text_format(&text, "\n%d,%zu,%zu,%zu,", fold + 1, row->images[CNN_SPLIT_TRAIN],
                        row->images[CNN_SPLIT_VALIDATION], row->images[CNN_SPLIT_TEST]);
        cnn_text_number(&text, row->threshold, "");
        for (int id = 0; id < CNN_METRIC_COUNT; id++) {
            add_comma(&text);
            cnn_text_number(&text, cnn_metric_value(&row->test, (cnn_metric_id)id), "");
        }
    }
    cnn_text_append(&text, "\n", 1);
    return cnn_table_write(path, &text, true, error);
}
