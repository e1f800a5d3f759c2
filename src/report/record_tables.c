/* metrics.csv, folds.csv and predictions as parts of the record. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "report/record_parts.h"
#include "report/csv_table.h"
#include "report/epoch_table.h"

#include <math.h>
#include <string.h>

/* --- metrics.csv --- */

cnn_status cnn_record_read_epochs(cnn_record *record, cnn_error *error) {
    size_t found;
    return cnn_epoch_table_read(record->directory.file[CNN_RUN_METRICS], record->run.epoch_count,
                                &record->run.epochs, &found, error);
}

/* --- folds.csv --- */

enum { FOLD_COLUMNS = 5 };

static cnn_status take_member(const cnn_table *t, cnn_report_member *member, size_t number) {
    size_t fold;
    CNN_TRY(cnn_table_count(t, 0, &fold));
    if (fold != number) {
        return cnn_table_fail(t, 0, "the folds in order");
    }
    CNN_TRY(cnn_table_count(t, 1, &member->images[CNN_SPLIT_TRAIN]));
    CNN_TRY(cnn_table_count(t, 2, &member->images[CNN_SPLIT_VALIDATION]));
    CNN_TRY(cnn_table_count(t, 3, &member->images[CNN_SPLIT_TEST]));
    CNN_TRY(cnn_table_number(t, 4, &member->threshold));
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        CNN_TRY(cnn_table_number(t, FOLD_COLUMNS + id, &member->metrics[id]));
    }
    cnn_text link = {0};
    cnn_text_format(&link, "fold-%zu/report.html", number);
    member->link = cnn_text_take(&link);
    return member->link ? CNN_OK : cnn_fail_memory(t->error, t->path);
}

static cnn_status take_members(cnn_table *t, cnn_report_set *set) {
    bool more;
    if (t->rows != set->count) {
        return cnn_table_fail_rows(t, set->count, t->rows);
    }
    set->members = cnn_alloc(set->count, sizeof *set->members);
    if (!set->members) {
        return cnn_fail_memory(t->error, t->path);
    }
    for (size_t i = 0; i < set->count; i++) {
        CNN_TRY(cnn_table_next(t, &more));
        CNN_TRY(take_member(t, &set->members[i], i + 1));
    }
    return CNN_OK;
}

/* Where the models of the folds are. */
static cnn_status name_models(cnn_record *record, cnn_error *error) {
    for (size_t i = 0; i < record->set.count; i++) {
        char *folder = cnn_run_fold_path(record->directory.path, (int)i + 1);
        char *path = folder ? cnn_path_join(folder, "model.bin") : NULL;
        cnn_free(folder);
        record->set.members[i].model = path;
        if (!path) {
            return cnn_fail_memory(error, record->directory.path);
        }
    }
    return CNN_OK;
}

cnn_status cnn_record_read_folds(cnn_record *record, cnn_error *error) {
    static const char *const names[FOLD_COLUMNS + CNN_METRIC_COUNT] = {"fold",
                                                                       "train_images",
                                                                       "validation_images",
                                                                       "test_images",
                                                                       "threshold",
#define FOLD_COLUMN(field, text, more_is_better, needs_threshold) #field,
                                                                       CNN_METRIC_LIST(FOLD_COLUMN)
#undef FOLD_COLUMN
    };
    cnn_table t;
    cnn_status status = cnn_table_open(record->directory.folds_table, names,
                                       FOLD_COLUMNS + CNN_METRIC_COUNT, &t, error);
    if (status == CNN_OK) {
        status = take_members(&t, &record->set);
    }
    if (status == CNN_OK) {
        status = name_models(record, error);
    }
    cnn_free(t.text);
    return status;
}

/* --- predictions.csv, test_predictions.csv --- */

static cnn_status take_prediction(const cnn_table *t, cnn_record *record, cnn_report_images *images,
                                  size_t i) {
    int label, predicted;
    double probability;
    CNN_TRY(cnn_table_class(t, 1, record->classes, &label));
    CNN_TRY(cnn_table_class(t, 2, record->classes, &predicted));
    CNN_TRY(cnn_table_number(t, 3, &probability));
    if (!(probability >= 0.0 && probability <= 1.0)) {
        return cnn_table_fail(t, 3, "a probability from 0 to 1");
    }
    if (images->fold) {
        size_t fold;
        CNN_TRY(cnn_table_count(t, 4, &fold));
        if (fold < 1 || fold > record->set.count) {
            return cnn_table_fail(t, 4, "the number of a fold");
        }
        images->fold[i] = (int)fold - 1;
    }
    images->paths[i] = cnn_table_field(t, 0);
    images->labels[i] = (uint8_t)label;
    images->predicted[i] = (uint8_t)predicted;
    images->probabilities[i] = (double)(float)probability; /* nine digits of a float */
    return CNN_OK;
}

static cnn_status take_predictions(cnn_table *t, cnn_record *record, cnn_report_images *images) {
    size_t count = images->measured.metrics.count;
    bool more;
    if (t->rows != count) {
        return cnn_table_fail_rows(t, count, t->rows);
    }
    images->count = count;
    images->paths = cnn_alloc(count, sizeof *images->paths);
    images->labels = cnn_alloc(count, sizeof *images->labels);
    images->predicted = cnn_alloc(count, sizeof *images->predicted);
    images->probabilities = cnn_alloc(count, sizeof *images->probabilities);
    images->fold = record->is_set ? cnn_alloc(count, sizeof *images->fold) : NULL;
    if (!images->paths || !images->labels || !images->predicted || !images->probabilities ||
        (record->is_set && !images->fold)) {
        return cnn_fail_memory(t->error, t->path);
    }
    for (size_t i = 0; i < count; i++) {
        CNN_TRY(cnn_table_next(t, &more));
        CNN_TRY(take_prediction(t, record, images, i));
    }
    return CNN_OK;
}

cnn_status cnn_record_read_predictions(cnn_record *record, cnn_run_file file, const char *name,
                                       const cnn_measured *measured, cnn_error *error) {
    static const char *const names[] = {"path", "label", "predicted", "probability", "fold"};
    int place = record->report.images_count++;
    cnn_report_images *images = &record->report.images[place];
    *images = (cnn_report_images){
        .name = name,
        .threshold = record->model ? (double)cnn_predictor_threshold(record->model) : (double)NAN,
        .measured = *measured};
    cnn_table t;
    cnn_status status =
        cnn_table_open(record->directory.file[file], names, record->is_set ? 5 : 4, &t, error);
    record->predictions_text[place] = t.text;
    return status == CNN_OK ? take_predictions(&t, record, images) : status;
}
