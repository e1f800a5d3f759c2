#include "run_directory.h"

#include "error.h"
#include "file.h"
#include "loss.h"
#include "memory.h"
#include "text.h"

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

static const char metrics_header[] = "epoch,learning_rate,train_loss,train_accuracy,val_loss,"
                                     "val_accuracy,val_auc,seconds,images_per_second\n";

/* --- opening --- */

/* Does the directory hold anything? A missing one does not. */
static cnn_status is_in_use(const char *path, bool *in_use, cnn_error *error) {
    *in_use = false;
    DIR *directory = opendir(path);
    if (!directory) {
        return errno == ENOENT
                   ? CNN_OK
                   : cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", path, strerror(errno));
    }
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, CNN_DATA_REPORT) != 0) {
            *in_use = true;
        }
    }
    (void)closedir(directory);
    return CNN_OK;
}

static bool has_file(const cnn_run_directory *directory, cnn_run_file file) {
    return access(directory->file[file], F_OK) == 0;
}

cnn_status cnn_run_directory_open(const char *path, cnn_run_mode mode, cnn_run_directory *directory,
                                  bool *has_checkpoint, cnn_error *error) {
    *directory = (cnn_run_directory){0};
    *has_checkpoint = false;
    bool in_use;
    cnn_status status = is_in_use(path, &in_use, error);
    if (status == CNN_OK && in_use && mode == CNN_RUN_NEW) {
        status =
            cnn_fail(error, CNN_ERROR_CONFIG,
                     "%s: expected an empty run directory, found files in it; use --resume to go "
                     "on with a run, --overwrite to start over, or --out for another directory",
                     path);
    }
    if (status != CNN_OK) {
        return status;
    }
    directory->path = cnn_copy_string(path);
    bool complete = directory->path != NULL;
    for (int i = 0; i < CNN_RUN_FILE_COUNT; i++) {
        directory->file[i] = cnn_path_join(path, file_names[i]);
        complete = complete && directory->file[i];
    }
    if (!complete) {
        cnn_run_directory_close(directory);
        return cnn_fail_memory(error, "the run directory");
    }
    if (mode == CNN_RUN_RESUME) {
        *has_checkpoint = has_file(directory, CNN_RUN_CHECKPOINT);
        if (in_use && !*has_checkpoint && !has_file(directory, CNN_RUN_CONFIG)) {
            status = cnn_fail(error, CNN_ERROR_CONFIG,
                              "%s: expected a run to resume, found other files", path);
        }
    }
    if (status != CNN_OK) {
        cnn_run_directory_close(directory);
    }
    return status;
}

cnn_status cnn_run_directory_clear(const cnn_run_directory *directory, cnn_error *error) {
    cnn_status status = cnn_folder_make(directory->path, error);
    for (int i = 0; i < CNN_RUN_FILE_COUNT && status == CNN_OK; i++) {
        status = cnn_run_remove(directory, (cnn_run_file)i, error);
    }
    return status;
}

void cnn_run_directory_close(cnn_run_directory *directory) {
    cnn_free(directory->path);
    for (int i = 0; i < CNN_RUN_FILE_COUNT; i++) {
        cnn_free(directory->file[i]);
    }
    *directory = (cnn_run_directory){0};
}

cnn_status cnn_run_remove(const cnn_run_directory *directory, cnn_run_file file, cnn_error *error) {
    if (unlink(directory->file[file]) != 0 && errno != ENOENT) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: %s", directory->file[file], strerror(errno));
    }
    return CNN_OK;
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
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && status == CNN_OK; i++) {
        status = cnn_file_sync(directory->file[files[i]], error);
    }
    return status;
}

/* What stands behind the path of a sample that has no group: ",good,train,\n". */
static void add_split_end(cnn_text *text, const char *label, cnn_split split, const char *group) {
    cnn_text_append(text, ",", 1);
    cnn_text_csv_field(text, label);
    cnn_text_format(text, ",%s,", cnn_split_names[split]);
    cnn_text_csv_field(text, group);
    cnn_text_append(text, "\n", 1);
}

cnn_status cnn_run_write_split(const cnn_run_directory *directory, const cnn_dataset *dataset,
                               cnn_error *error) {
    cnn_text text = {0};
    cnn_text ends[2][CNN_SPLIT_COUNT] = {{{0}}}; /* made once: nearly all rows end in one of them */
    for (int label = 0; label < 2; label++) {
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            cnn_text *end = &ends[label][split];
            add_split_end(end, dataset->classes[label], (cnn_split)split, "");
            text.failed = text.failed || end->failed;
        }
    }
    cnn_text_format(&text, "path,label,split,group\n");
    for (size_t i = 0; i < dataset->count && !text.failed; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        const cnn_text *end = &ends[sample->label][sample->split];
        cnn_text_csv_field(&text, sample->path);
        if (sample->group) {
            add_split_end(&text, dataset->classes[sample->label], sample->split, sample->group);
        } else {
            cnn_text_append(&text, end->data, end->length);
        }
    }
    for (int label = 0; label < 2; label++) {
        for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
            cnn_text_free(&ends[label][split]);
        }
    }
    return write_text_unsynced(directory, CNN_RUN_SPLIT, &text, error);
}

cnn_status cnn_run_start_metrics(const cnn_run_directory *directory, int64_t epochs,
                                 cnn_error *error) {
    cnn_text text = {0};
    cnn_text_format(&text, "%s", metrics_header);
    if (epochs > 0) {
        char *old;
        size_t size;
        cnn_status status = cnn_file_read(directory->file[CNN_RUN_METRICS], (size_t)1 << 30,
                                          CNN_ERROR_RUNTIME, &old, &size, error);
        if (status != CNN_OK) {
            cnn_text_free(&text);
            return cnn_fail_prefix(error, status, "%s: ", directory->file[CNN_RUN_METRICS]);
        }
        for (const char *line = old; *line;) {
            size_t length = strcspn(line, "\n");
            bool whole = line[length] == '\n';
            long long epoch = strtoll(line, NULL, 10); /* 0 for the header */
            if (whole && epoch >= 1 && epoch <= epochs) {
                cnn_text_append(&text, line, length + 1);
            }
            line += length + whole;
        }
        cnn_free(old);
    }
    return epochs > 0 ? write_text(directory, CNN_RUN_METRICS, &text, error)
                      : write_text_unsynced(directory, CNN_RUN_METRICS, &text, error);
}

/* The shortest digits that read back to the same double; `none` where it is no number. */
static void add_number(cnn_text *text, double number, const char *none) {
    if (isfinite(number)) {
        char digits[40];
        int precision = 15;
        do {
            (void)snprintf(digits, sizeof digits, "%.*g", precision, number);
        } while (++precision <= 17 && fabs(strtod(digits, NULL) - number) > 0.0);
        cnn_text_format(text, "%s", digits);
    } else {
        cnn_text_format(text, "%s", none);
    }
}

cnn_status cnn_run_add_metrics(const cnn_run_directory *directory, const cnn_epoch_row *row,
                               cnn_error *error) {
    const double numbers[] = {row->learning_rate,   row->train.loss,          row->train.accuracy,
                              row->validation.loss, row->validation.accuracy, row->validation.auc};
    cnn_text text = {0};
    cnn_text_format(&text, "%lld", (long long)row->epoch);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cnn_text_append(&text, ",", 1);
        add_number(&text, numbers[i], "");
    }
    cnn_text_format(&text, ",%.3f,%.1f\n", row->seconds, row->images_per_second);
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
        cnn_text_format(&text, ",%.9g\n", (double)probability);
    }
    return write_text(directory, CNN_RUN_PREDICTIONS, &text, error);
}

/* "validation":{"images":25,"loss":…}, or null for a set without images. */
static void add_metrics(cnn_text *text, const char *name, const cnn_metrics *metrics,
                        bool with_auc) {
    cnn_text_format(text, ",\"%s\":", name);
    if (metrics->count == 0) {
        cnn_text_format(text, "null");
        return;
    }
    cnn_text_format(text, "{\"images\":%zu,\"loss\":", metrics->count);
    add_number(text, metrics->loss, "null");
    cnn_text_format(text, ",\"accuracy\":");
    add_number(text, metrics->accuracy, "null");
    if (with_auc) {
        cnn_text_format(text, ",\"auc\":");
        add_number(text, metrics->auc, "null");
    }
    cnn_text_format(text, "}");
}

cnn_status cnn_run_write_summary(const cnn_run_directory *directory, const cnn_dataset *dataset,
                                 const cnn_run_summary *summary, cnn_error *error) {
    cnn_text text = {0};
    cnn_text_format(&text, "{\"version\":\"%s\",\"classes\":[", CNN_VERSION);
    cnn_text_json_string(&text, dataset->classes[0]);
    cnn_text_append(&text, ",", 1);
    cnn_text_json_string(&text, dataset->classes[1]);
    cnn_text_format(&text, "],\"epochs\":%lld,\"best_epoch\":%lld,\"parameters\":%zu",
                    (long long)summary->epochs, (long long)summary->best_epoch,
                    summary->parameters);
    add_metrics(&text, "train", &summary->train, false);
    add_metrics(&text, "validation", &summary->validation, true);
    add_metrics(&text, "test", &summary->test, true);
    cnn_text_format(&text, ",\"bad_images\":%zu,\"seconds\":%.3f,\"images_per_second\":%.1f",
                    dataset->bad_images, summary->seconds, summary->images_per_second);
    cnn_text_format(&text, ",\"threads\":%d,\"isa\":\"%s\"}\n", summary->threads, summary->isa);
    return write_text(directory, CNN_RUN_SUMMARY, &text, error);
}
