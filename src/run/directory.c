#include "run/directory.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/loss.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const file_names[CNN_RUN_FILE_COUNT] = {
#define CNN_RUN_FILE_NAME(name, text) text,
    CNN_RUN_FILE_LIST(CNN_RUN_FILE_NAME)
#undef CNN_RUN_FILE_NAME
};

/* The largest split.csv or metrics.csv that is read. */
#define TABLE_LIMIT ((size_t)1 << 30)

/* Of the validation metrics, the first ones stand before the two columns that tell times: readers
 * may count columns from the left. */
enum { METRICS_BEFORE_TIMES = 3 };

/* --- opening --- */

static const char lock_name[] = ".lock";

/* "model.bin.tmp.1234": what cnn_file_write was at when its program was killed. */
static bool is_draft(const char *name) {
    static const char mark[] = ".tmp.";
    for (int i = 0; i < CNN_RUN_FILE_COUNT; i++) {
        size_t length = strlen(file_names[i]);
        if (strncmp(name, file_names[i], length) == 0 &&
            strncmp(name + length, mark, sizeof mark - 1) == 0) {
            return true;
        }
    }
    return strncmp(name, CNN_FOLDS_TABLE ".tmp.", sizeof CNN_FOLDS_TABLE ".tmp." - 1) == 0;
}

/* What may stand in a directory that no run has begun to fill: the lock's file, a report of the
 * data, a sheet of augmented images, and drafts, the first of which is all that a program leaves
 * that is killed early. */
static bool is_no_sign_of_a_run(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, lock_name) == 0 ||
           strcmp(name, CNN_DATA_REPORT) == 0 || strcmp(name, CNN_AUGMENTED_SHEET) == 0 ||
           is_draft(name);
}

/* Does the directory hold anything of a run, or of anyone else? A missing one does not. */
static cnn_status is_in_use(const char *path, bool *in_use, cnn_error *error) {
    *in_use = false;
    DIR *directory = opendir(path);
    if (!directory) {
        return errno == ENOENT
                   ? CNN_OK
                   : cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(errno));
    }
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (!is_no_sign_of_a_run(entry->d_name)) {
            *in_use = true;
        }
    }
    int reason = errno;
    (void)closedir(directory);
    return reason == 0 ? CNN_OK
                       : cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(reason));
}

cnn_status cnn_run_has_file(const cnn_run_directory *directory, cnn_run_file file, bool *has,
                            cnn_error *error) {
    *has = access(directory->file[file], F_OK) == 0;
    return *has || errno == ENOENT ? CNN_OK
                                   : cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s",
                                              directory->file[file], strerror(errno));
}

cnn_status cnn_run_directory_open(const char *path, cnn_run_directory *directory,
                                  cnn_error *error) {
    *directory = (cnn_run_directory){.lock = {.file = -1}};
    directory->path = cnn_copy_string(path);
    directory->folds_table = cnn_path_join(path, CNN_FOLDS_TABLE);
    bool complete = directory->path && directory->folds_table;
    for (int i = 0; i < CNN_RUN_FILE_COUNT; i++) {
        directory->file[i] = cnn_path_join(path, file_names[i]);
        complete = complete && directory->file[i];
    }
    if (!complete) {
        cnn_run_directory_close(directory);
        return cnn_fail_memory(error, "the run directory");
    }
    return CNN_OK;
}

char *cnn_run_fold_path(const char *directory, int fold) {
    char name[24];
    (void)snprintf(name, sizeof name, "fold-%d", fold);
    return cnn_path_join(directory, name);
}

/* *has: is there a folder of a cross-validation's first fold? */
static cnn_status has_first_fold(const char *path, bool *has, cnn_error *error) {
    char *fold = cnn_run_fold_path(path, 1);
    cnn_status status =
        fold ? cnn_folder_look(fold, CNN_ERROR_RUNTIME, has, error) : cnn_fail_memory(error, path);
    cnn_free(fold);
    return status;
}

cnn_status cnn_run_directory_check(const cnn_run_directory *directory, cnn_run_mode mode,
                                   bool *has_checkpoint, cnn_error *error) {
    *has_checkpoint = false;
    bool in_use;
    cnn_status status = is_in_use(directory->path, &in_use, error);
    if (status != CNN_OK) {
        return status;
    }
    if (in_use && mode == CNN_RUN_NEW) {
        return cnn_fail(
            error, CNN_ERROR_CONFIG,
            "%s: expected an empty run directory, found files in it; use --resume to go on with a "
            "run, --overwrite to start over, or --out for another directory",
            directory->path);
    }
    if (mode == CNN_RUN_NEW || mode == CNN_RUN_OVERWRITE || !in_use) {
        return CNN_OK;
    }
    bool has_config;
    status = cnn_run_has_file(directory, CNN_RUN_CHECKPOINT, has_checkpoint, error);
    if (status == CNN_OK) {
        status = cnn_run_has_file(directory, CNN_RUN_CONFIG, &has_config, error);
    }
    if (status == CNN_OK && !*has_checkpoint && !has_config) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a run to resume, found other files",
                        directory->path);
    }
    bool has_fold = false;
    if (status == CNN_OK) {
        status = has_first_fold(directory->path, &has_fold, error);
    }
    if (status == CNN_OK && has_fold && mode == CNN_RUN_RESUME) {
        status = cnn_fail(error, CNN_ERROR_CONFIG,
                          "%s: expected a run to resume, found a cross-validation; go on with it "
                          "by the same --folds",
                          directory->path);
    }
    if (status == CNN_OK && *has_checkpoint && mode == CNN_RUN_RESUME_FOLDS) {
        status = cnn_fail(error, CNN_ERROR_CONFIG,
                          "%s: expected a cross-validation to resume, found a run without --folds",
                          directory->path);
    }
    return status;
}

cnn_status cnn_run_is_complete(const cnn_run_directory *directory, bool *complete,
                               cnn_error *error) {
    cnn_status status = CNN_OK;
    *complete = true;
    for (int i = 0; i < CNN_RUN_FILE_COUNT && *complete && status == CNN_OK; i++) {
        status = cnn_run_has_file(directory, (cnn_run_file)i, complete, error);
    }
    return status;
}

static cnn_status remove_drafts(const char *path, cnn_error *error) {
    cnn_status status = CNN_OK;
    DIR *folder = opendir(path);
    if (!folder) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(errno));
    }
    const struct dirent *entry = NULL;
    while (status == CNN_OK && (errno = 0, entry = readdir(folder)) != NULL) {
        if (is_draft(entry->d_name) && unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            status = cnn_fail(error, CNN_ERROR_RUNTIME, "%s/%s: %s", path, entry->d_name,
                              strerror(errno));
        }
    }
    if (status == CNN_OK && errno != 0) {
        status = cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(errno));
    }
    (void)closedir(folder);
    return status;
}

cnn_status cnn_run_directory_claim(cnn_run_directory *directory, bool *protected,
                                   cnn_error *error) {
    bool busy = false;
    long holder = 0;
    char *path = cnn_path_join(directory->path, lock_name);
    cnn_status status = path ? cnn_file_lock_take(path, &directory->lock, &busy, &holder, error)
                             : cnn_fail_memory(error, "the run directory");
    cnn_free(path);
    if (status == CNN_OK && busy) {
        char process[40] = "";
        if (holder > 0) {
            (void)snprintf(process, sizeof process, " (process %ld)", holder);
        }
        status = cnn_fail(error, CNN_ERROR_CONFIG,
                          "%s: another run%s is at work in this directory; wait for it, or use "
                          "--out for another one",
                          directory->path, process);
    }
    if (status != CNN_OK) {
        return status;
    }
    directory->claimed = true;
    *protected = directory->lock.path != NULL;
    return remove_drafts(directory->path, error);
}

/* One that is not there is fine. */
static cnn_status remove_file(const char *path, cnn_error *error) {
    return unlink(path) == 0 || errno == ENOENT
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(errno));
}

/* Removes the run's files. */
static cnn_status clear_files(const cnn_run_directory *directory, cnn_error *error) {
    /* the checkpoint first and the config last: wherever this ends, what is left is the old run, or
     * one without a checkpoint, which --resume starts from its beginning */
    cnn_status status = cnn_run_remove(directory, CNN_RUN_CHECKPOINT, error);
    for (int i = CNN_RUN_FILE_COUNT - 1; i >= CNN_RUN_CONFIG && status == CNN_OK; i--) {
        status = cnn_run_remove(directory, (cnn_run_file)i, error);
    }
    return status;
}

/* The number of folders fold-1, fold-2, … */
static cnn_status count_folds(const char *path, int *folds, cnn_error *error) {
    cnn_status status = CNN_OK;
    bool there = true;
    for (*folds = 0; there && status == CNN_OK;) {
        char *fold = cnn_run_fold_path(path, *folds + 1);
        status = fold ? cnn_folder_look(fold, CNN_ERROR_RUNTIME, &there, error)
                      : cnn_fail_memory(error, path);
        cnn_free(fold);
        *folds += status == CNN_OK && there;
    }
    return status;
}

/* Removes the files of one fold, and its folder where nothing else is in it. */
static cnn_status clear_fold(const char *path, int fold, cnn_error *error) {
    cnn_run_directory directory = {.lock = {.file = -1}};
    char *fold_path = cnn_run_fold_path(path, fold);
    cnn_status status = fold_path ? cnn_run_directory_open(fold_path, &directory, error)
                                  : cnn_fail_memory(error, path);
    if (status == CNN_OK) {
        status = remove_drafts(fold_path, error);
    }
    if (status == CNN_OK) {
        status = clear_files(&directory, error);
    }
    if (status == CNN_OK && rmdir(fold_path) != 0 && errno != ENOTEMPTY && errno != EEXIST) {
        status = cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", fold_path, strerror(errno));
    }
    cnn_free(fold_path);
    cnn_run_directory_close(&directory);
    return status;
}

cnn_status cnn_run_directory_clear(const cnn_run_directory *directory, cnn_error *error) {
    int folds;
    cnn_status status = count_folds(directory->path, &folds, error);
    for (int fold = folds; fold > 0 && status == CNN_OK; fold--) { /* none is left behind a gap */
        status = clear_fold(directory->path, fold, error);
    }
    if (status == CNN_OK) {
        status = remove_file(directory->folds_table, error);
    }
    return status == CNN_OK ? clear_files(directory, error) : status;
}

void cnn_run_directory_close(cnn_run_directory *directory) {
    cnn_file_lock_release(&directory->lock);
    cnn_free(directory->path);
    cnn_free(directory->folds_table);
    for (int i = 0; i < CNN_RUN_FILE_COUNT; i++) {
        cnn_free(directory->file[i]);
    }
    *directory = (cnn_run_directory){.lock = {.file = -1}};
}

cnn_status cnn_run_remove(const cnn_run_directory *directory, cnn_run_file file, cnn_error *error) {
    return remove_file(directory->file[file], error);
}

/* --- tables --- */

/* Writes a text that was put together, and frees it. */
static cnn_status write_text(const cnn_run_directory *directory, cnn_run_file file, cnn_text *text,
                             cnn_error *error) {
    cnn_status status =
        text->failed ? cnn_fail_memory(error, directory->file[file])
                     : cnn_file_write(directory->file[file], text->data, text->length, error);
    cnn_text_free(text);
    return status;
}

/* The same, for cnn_run_sync to finish. */
static cnn_status write_text_unsynced(const cnn_run_directory *directory, cnn_run_file file,
                                      cnn_text *text, cnn_error *error) {
    cnn_status status = text->failed ? cnn_fail_memory(error, directory->file[file])
                                     : cnn_file_write_unsynced(directory->file[file], text->data,
                                                               text->length, error);
    cnn_text_free(text);
    return status;
}

cnn_status cnn_run_sync(const cnn_run_directory *directory, cnn_error *error) {
    static const cnn_run_file files[] = {CNN_RUN_CONFIG, CNN_RUN_SPLIT, CNN_RUN_METRICS};
    cnn_status status = cnn_folder_sync(directory->path, error);
    for (size_t i = 0; i < sizeof files / sizeof *files && status == CNN_OK; i++) {
        status = cnn_file_sync(directory->file[files[i]], error);
    }
    return status;
}

/* What stands between the path and the content of a sample: ",good,train,patient-3,". */
static void add_split_middle(cnn_text *text, const char *label, cnn_split split,
                             const char *group) {
    cnn_text_append(text, ",", 1);
    cnn_text_csv_field(text, label);
    cnn_text_format(text, ",%s,", cnn_split_names[split]);
    cnn_text_csv_field(text, group);
    cnn_text_append(text, ",", 1);
}

/* 16 digits and a line's end. */
static void add_content(cnn_text *text, uint64_t content) {
    static const char digits[] = "0123456789abcdef";
    char line[17];
    for (int i = 0; i < 16; i++) {
        line[i] = digits[content >> (60 - 4 * i) & 15];
    }
    line[16] = '\n';
    cnn_text_append(text, line, sizeof line);
}

/* split.csv as text. */
static void describe_split(const cnn_dataset *dataset, cnn_text *text) {
    cnn_text middles[2][CNN_SPLIT_COUNT] = {
        {{0}}}; /* made once: nearly all rows have one of them */
    for (int label = 0; label < 2; label++) {
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            cnn_text *middle = &middles[label][split];
            add_split_middle(middle, dataset->classes[label], (cnn_split)split, "");
            text->failed = text->failed || middle->failed;
        }
    }
    cnn_text_format(text, "path,label,split,group,content\n");
    for (size_t i = 0; i < dataset->count && !text->failed; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        const cnn_text *middle = &middles[sample->label][sample->split];
        cnn_text_csv_field(text, sample->path);
        if (sample->group) {
            add_split_middle(text, dataset->classes[sample->label], sample->split, sample->group);
        } else {
            cnn_text_append(text, middle->data, middle->length);
        }
        add_content(text, sample->content);
    }
    for (int label = 0; label < 2; label++) {
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            cnn_text_free(&middles[label][split]);
        }
    }
}

cnn_status cnn_run_write_split(const cnn_run_directory *directory, const cnn_dataset *dataset,
                               cnn_error *error) {
    cnn_text text = {0};
    describe_split(dataset, &text);
    return write_text_unsynced(directory, CNN_RUN_SPLIT, &text, error);
}

cnn_status cnn_run_compare_table(const char *path, const cnn_text *now, cnn_text *difference,
                                 cnn_error *error) {
    *difference = (cnn_text){0};
    char *then = NULL;
    size_t size;
    cnn_status status =
        now->failed ? cnn_fail_memory(error, path)
                    : cnn_file_read(path, TABLE_LIMIT, CNN_ERROR_RUNTIME, &then, &size, error);
    if (status != CNN_OK) {
        return now->failed ? status : cnn_fail_prefix(error, status, "%s: ", path);
    }
    const char *old_row = then;
    const char *new_row = now->data;
    while (*old_row || *new_row) {
        size_t old_length = strcspn(old_row, "\n");
        size_t new_length = strcspn(new_row, "\n");
        if (old_length != new_length || memcmp(old_row, new_row, old_length) != 0) {
            cnn_text_format(difference, "\"%.*s\" then, \"%.*s\" now",
                            old_length < 300 ? (int)old_length : 300, old_row,
                            new_length < 300 ? (int)new_length : 300, new_row);
            break;
        }
        old_row += old_length + (old_row[old_length] == '\n');
        new_row += new_length + (new_row[new_length] == '\n');
    }
    if (difference->failed) {
        status = cnn_fail_memory(error, path);
        cnn_text_free(difference);
    }
    cnn_free(then);
    return status;
}

cnn_status cnn_run_compare_split(const cnn_run_directory *directory, const cnn_dataset *dataset,
                                 cnn_text *difference, cnn_error *error) {
    cnn_text now = {0};
    describe_split(dataset, &now);
    cnn_status status =
        cnn_run_compare_table(directory->file[CNN_RUN_SPLIT], &now, difference, error);
    cnn_text_free(&now);
    return status;
}

/* The header of metrics.csv. */
static void add_metrics_header(cnn_text *text) {
    cnn_text_format(text, "epoch,learning_rate,train_loss,train_accuracy");
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        cnn_text_format(text, "%s,val_%s",
                        id == METRICS_BEFORE_TIMES ? ",seconds,images_per_second" : "",
                        cnn_metric_table[id].name);
    }
    cnn_text_append(text, "\n", 1);
}

cnn_status cnn_run_start_metrics(const cnn_run_directory *directory, int64_t epochs,
                                 cnn_error *error) {
    cnn_text text = {0};
    add_metrics_header(&text);
    if (epochs > 0) {
        char *old;
        size_t size;
        cnn_status status = cnn_file_read(directory->file[CNN_RUN_METRICS], TABLE_LIMIT,
                                          CNN_ERROR_RUNTIME, &old, &size, error);
        if (status != CNN_OK) {
            cnn_text_free(&text);
            return cnn_fail_prefix(error, status, "%s: ", directory->file[CNN_RUN_METRICS]);
        }
        int64_t rows = 0;
        for (const char *line = old; *line;) {
            size_t length = strcspn(line, "\n");
            bool whole = line[length] == '\n';
            long long epoch = strtoll(line, NULL, 10); /* 0 for the header */
            if (whole && epoch == rows + 1 && epoch <= epochs) {
                cnn_text_append(&text, line, length + 1);
                rows++;
            }
            line += length + whole;
        }
        cnn_free(old);
        if (rows != epochs) {
            cnn_text_free(&text);
            return cnn_fail(error, CNN_ERROR_RUNTIME,
                            "%s: expected the rows of epochs 1 to %lld, which the checkpoint has "
                            "finished, found %lld",
                            directory->file[CNN_RUN_METRICS], (long long)epochs, (long long)rows);
        }
    }
    return epochs > 0 ? write_text(directory, CNN_RUN_METRICS, &text, error)
                      : write_text_unsynced(directory, CNN_RUN_METRICS, &text, error);
}

cnn_status cnn_run_add_metrics(const cnn_run_directory *directory, const cnn_epoch_row *row,
                               cnn_error *error) {
    const double numbers[] = {row->learning_rate, row->train.loss, row->train.accuracy};
    cnn_text text = {0};
    cnn_text_format(&text, "%lld", (long long)row->epoch);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cnn_text_append(&text, ",", 1);
        cnn_text_number(&text, numbers[i], "");
    }
    for (int id = 0; id < CNN_METRIC_COUNT; id++) {
        if (id == METRICS_BEFORE_TIMES) {
            cnn_text_format(&text, ",%.3f,%.1f", row->seconds, row->images_per_second);
        }
        cnn_text_append(&text, ",", 1);
        cnn_text_number(&text, cnn_metric_value(&row->validation, (cnn_metric_id)id), "");
    }
    cnn_text_append(&text, "\n", 1);
    cnn_status status = text.failed ? cnn_fail_memory(error, directory->file[CNN_RUN_METRICS])
                                    : cnn_file_append(directory->file[CNN_RUN_METRICS], text.data,
                                                      text.length, error);
    cnn_text_free(&text);
    return status;
}

cnn_status cnn_run_write_predictions(const cnn_run_directory *directory, const cnn_dataset *dataset,
                                     cnn_split split, const float *logits, double threshold,
                                     cnn_error *error) {
    cnn_text text = {0};
    cnn_text_format(&text, "path,label,predicted,probability\n");
    for (size_t i = 0; i < dataset->split_count[split]; i++) {
        const cnn_sample *sample = &dataset->samples[dataset->split[split][i]];
        float probability = cnn_probability(logits[i]);
        cnn_text_csv_field(&text, sample->path);
        cnn_text_append(&text, ",", 1);
        cnn_text_csv_field(&text, dataset->classes[sample->label]);
        cnn_text_append(&text, ",", 1);
        cnn_text_csv_field(&text, dataset->classes[probability >= (float)threshold]);
        cnn_text_append(&text, ",", 1);
        cnn_text_float(&text, probability);
        cnn_text_append(&text, "\n", 1);
    }
    return write_text(directory, CNN_RUN_PREDICTIONS, &text, error);
}

/* {"images":25,"loss":…,"accuracy":…}, or null where no epoch was trained. */
static void add_train_metrics(cnn_json_writer *json, const cnn_metrics *metrics) {
    if (metrics->count == 0) {
        cnn_json_null(json);
        return;
    }
    cnn_json_begin_object(json);
    cnn_json_integer(cnn_json_key(json, "images"), (int64_t)metrics->count);
    cnn_json_number(cnn_json_key(json, "loss"), metrics->loss);
    cnn_json_number(cnn_json_key(json, "accuracy"), metrics->accuracy);
    cnn_json_end(json);
}

cnn_status cnn_run_write_summary(const cnn_run_directory *directory, const cnn_dataset *dataset,
                                 const cnn_run_summary *summary, cnn_error *error) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
    cnn_json_begin_object(&json);
    cnn_json_string(cnn_json_key(&json, "version"), CNN_VERSION);
    cnn_json_begin_array(cnn_json_key(&json, "classes"));
    cnn_json_string(&json, dataset->classes[0]);
    cnn_json_string(&json, dataset->classes[1]);
    cnn_json_end(&json);
    cnn_json_integer(cnn_json_key(&json, "epochs"), summary->epochs);
    cnn_json_boolean(cnn_json_key(&json, "stopped_early"), summary->stopped_early);
    cnn_json_integer(cnn_json_key(&json, "best_epoch"), summary->best_epoch);
    cnn_json_integer(cnn_json_key(&json, "model_epoch"), summary->model_epoch);
    cnn_json_integer(cnn_json_key(&json, "parameters"), (int64_t)summary->parameters);
    add_train_metrics(cnn_json_key(&json, "train"), &summary->train);
    cnn_metrics_json(cnn_json_key(&json, "validation"), &summary->validation);
    cnn_metrics_json(cnn_json_key(&json, "test"), &summary->test);
    cnn_json_integer(cnn_json_key(&json, "bad_images"), (int64_t)dataset->bad_images);
    cnn_json_fixed(cnn_json_key(&json, "seconds"), summary->seconds, 3);
    cnn_json_fixed(cnn_json_key(&json, "images_per_second"), summary->images_per_second, 1);
    cnn_json_integer(cnn_json_key(&json, "threads"), summary->threads);
    cnn_json_string(cnn_json_key(&json, "isa"), summary->isa);
    cnn_json_end(&json);
    cnn_text_append(&text, "\n", 1);
    return write_text(directory, CNN_RUN_SUMMARY, &text, error);
}
