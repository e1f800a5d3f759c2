#include "report/epoch_table.h"

#include "base/error.h"
#include "base/memory.h"
#include "report/csv_table.h"

#include <math.h>
#include <string.h>

enum { EPOCH_COLUMNS = 6, VALUES = EPOCH_COLUMNS + CNN_METRIC_COUNT };

static cnn_status take_epoch(const cnn_table *t, cnn_epoch_row *row, int64_t expected) {
    double values[VALUES];
    for (int i = 0; i < VALUES; i++) {
        CNN_TRY(cnn_table_number(t, i, &values[i]));
    }
    if (values[0] != (double)expected) {
        return cnn_fail(t->error, CNN_ERROR_RUNTIME,
                        "%s: line %zu: expected epoch %lld, found \"%.60s\"", t->path, t->csv.line,
                        (long long)expected, cnn_table_field(t, 0));
    }
    *row = (cnn_epoch_row){.epoch = expected,
                           .learning_rate = values[1],
                           .train = cnn_metrics_none(),
                           .validation = cnn_metrics_none(),
                           .seconds = values[4],
                           .images_per_second = values[5]};
    row->train.loss = values[2];
    row->train.accuracy = values[3];
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        memcpy((char *)&row->validation + cnn_metric_table[id].offset, &values[EPOCH_COLUMNS + id],
               sizeof(double));
    }
    return CNN_OK;
}

static cnn_status take_epochs(cnn_table *t, size_t expected, cnn_epoch_row **rows, size_t *count) {
    bool more;
    if (expected != CNN_EPOCHS_ANY && t->rows != expected) {
        return cnn_table_fail_rows(t, expected, t->rows);
    }
    *rows = cnn_alloc(t->rows, sizeof **rows);
    if (!*rows) {
        return cnn_fail_memory(t->error, t->path);
    }
    for (*count = 0; *count < t->rows; ++*count) {
        CNN_TRY(cnn_table_next(t, &more));
        CNN_TRY(take_epoch(t, &(*rows)[*count], (int64_t)*count + 1));
    }
    return CNN_OK;
}

cnn_status cnn_epoch_table_read(const char *path, size_t expected, cnn_epoch_row **rows,
                                size_t *count, cnn_error *error) {
    static const char *const names[VALUES] = {"epoch",
                                              "learning_rate",
                                              "train_loss",
                                              "train_accuracy",
                                              "seconds",
                                              "images_per_second",
#define VALIDATION_COLUMN(field, text, more_is_better, needs_threshold) "val_" #field,
                                              CNN_METRIC_LIST(VALIDATION_COLUMN)
#undef VALIDATION_COLUMN
    };
    cnn_table t;
    *rows = NULL;
    *count = 0;
    cnn_status status = cnn_table_open(path, names, VALUES, &t, error);
    if (status == CNN_OK) {
        status = take_epochs(&t, expected, rows, count);
    }
    cnn_free(t.text);
    return status;
}
