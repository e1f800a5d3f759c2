#include "report/record.h"

#include "base/error.h"
#include "base/file.h"
#include "base/file_hash.h"
#include "base/memory.h"
#include "model/model_file.h"
#include "report/figures.h"
#include "report/record_parts.h"
#include "run/checkpoint.h"

#include <math.h>
#include <string.h>

/* The largest config.json that is read. */
#define CONFIG_LIMIT ((size_t)16 << 20)

static cnn_status read_file(const char *path, size_t limit, char **data, size_t *size,
                            cnn_error *error) {
    cnn_status status = cnn_file_read(path, limit, CNN_ERROR_RUNTIME, data, size, error);
    return status == CNN_OK ? CNN_OK : cnn_fail_prefix(error, status, "%s: ", path);
}

static cnn_status read_config(cnn_record *record, cnn_error *error) {
    const char *path = record->directory.file[CNN_RUN_CONFIG];
    size_t size;
    CNN_TRY(read_file(path, CONFIG_LIMIT, &record->run.config_text, &size, error));
    return cnn_config_parse(path, record->run.config_text, size, NULL, 0, &record->run.config,
                            error);
}

/* The ends of image.range "stretch" are in the model only. */
static cnn_status read_ends(const char *path, cnn_range *ends, cnn_error *error) {
    const cnn_kernels *kernels;
    cnn_model *model;
    CNN_TRY(cnn_kernels_choose(&kernels, error));
    CNN_TRY(cnn_model_read(path, kernels, &model, error));
    *ends = model->config->image.ends;
    cnn_model_free(model);
    return CNN_OK;
}

/* model.bin, for its threshold, its checksum, and heat maps. */
static cnn_status read_model(cnn_record *record, cnn_error *error) {
    const char *path = record->directory.file[CNN_RUN_MODEL];
    CNN_TRY(cnn_predictor_load(path, &record->model, error));
    CNN_TRY(cnn_file_sha256(path, CNN_ERROR_RUNTIME, record->sha256, error));
    if (isnan(record->run.threshold)) {
        record->run.threshold = (double)cnn_predictor_threshold(record->model);
    }
    return record->run.seen.range == CNN_RANGE_STRETCH
               ? read_ends(path, &record->run.seen.ends, error)
               : CNN_OK;
}

/* What ended a run that has a time budget: the checkpoint tells it. */
static cnn_status read_end(cnn_record *record, cnn_error *error) {
    const cnn_run_directory *directory = &record->directory;
    cnn_report_run *run = &record->run;
    cnn_checkpoint_state state = {0};
    bool has_checkpoint;
    if (!(run->config->train.minutes > 0.0) || !cnn_run_was_cut(run)) {
        return CNN_OK;
    }
    CNN_TRY(cnn_run_has_file(directory, CNN_RUN_CHECKPOINT, &has_checkpoint, error));
    if (has_checkpoint) {
        CNN_TRY(cnn_checkpoint_peek(directory->file[CNN_RUN_CHECKPOINT], run->config_text, &state,
                                    error));
        run->ended_by_minutes = state.ended_by_minutes > 0.0;
    }
    return CNN_OK;
}

/* Test images first. The predictions.csv of a member of a set has its test images. */
static cnn_status read_predictions(cnn_record *record, cnn_error *error) {
    const cnn_measured *validation = &record->run.measured[CNN_SPLIT_VALIDATION];
    const cnn_measured *test = &record->run.measured[CNN_SPLIT_TEST];
    bool has_own_file = false;
    if (record->is_set) {
        return cnn_record_read_predictions(record, CNN_RUN_PREDICTIONS, "folds", test, error);
    }
    CNN_TRY(cnn_run_has_file(&record->directory, CNN_RUN_TEST_PREDICTIONS, &has_own_file, error));
    if (test->metrics.count > 0) {
        cnn_run_file file = has_own_file ? CNN_RUN_TEST_PREDICTIONS : CNN_RUN_PREDICTIONS;
        CNN_TRY(cnn_record_read_predictions(record, file, "test", test, error));
    }
    return validation->metrics.count > 0 && (has_own_file || test->metrics.count == 0)
               ? cnn_record_read_predictions(record, CNN_RUN_PREDICTIONS, "validation", validation,
                                             error)
               : CNN_OK;
}

/* Takes what a sweep has measured as that of the run. */
static cnn_status take_test(const cnn_chosen_test *test, cnn_record *record, cnn_error *error) {
    char **file = &record->directory.file[CNN_RUN_TEST_PREDICTIONS];
    cnn_free(*file);
    *file = cnn_copy_string(test->predictions);
    record->run.measured[CNN_SPLIT_TEST] = *test->measured;
    return *file ? CNN_OK : cnn_fail_memory(error, test->predictions);
}

/* test: NULL for a run that was not chosen by a sweep. */
static cnn_status read_all(const char *path, const cnn_chosen_test *test, cnn_record *record,
                           cnn_error *error) {
    CNN_TRY(cnn_run_directory_name(path, &record->directory, error));
    record->title = cnn_path_last(path);
    if (!record->title) {
        return cnn_fail_memory(error, path);
    }
    CNN_TRY(cnn_record_read_summary(record, error));
    CNN_TRY(test ? take_test(test, record, error) : CNN_OK);
    CNN_TRY(read_config(record, error));
    record->run.seen = record->run.config->image;
    record->run.directory = record->directory.path;
    CNN_TRY(cnn_record_read_split(record, error));
    if (record->is_set) {
        CNN_TRY(cnn_record_read_folds(record, error));
    } else {
        CNN_TRY(cnn_record_read_epochs(record, error));
        CNN_TRY(read_end(record, error));
        CNN_TRY(read_model(record, error));
    }
    return read_predictions(record, error);
}

cnn_status cnn_record_read(const char *path, cnn_record *record, cnn_error *error) {
    return cnn_record_read_chosen(path, NULL, record, error);
}

cnn_status cnn_record_read_chosen(const char *path, const cnn_chosen_test *test, cnn_record *record,
                                  cnn_error *error) {
    *record = (cnn_record){0};
    CNN_TRY(read_all(path, test, record, error));
    cnn_report *report = &record->report;
    report->title = record->title;
    report->classes[0] = record->classes[0];
    report->classes[1] = record->classes[1];
    report->model = record->model;
    report->model_sha256 = record->model ? record->sha256 : NULL;
    report->run = &record->run;
    report->set = record->is_set ? &record->set : NULL;
    return CNN_OK;
}

static void free_run(cnn_report_run *run) {
    cnn_config_free(run->config);
    cnn_free(run->config_text);
    cnn_free(run->version);
    cnn_free(run->epochs);
    cnn_free(run->isa);
    cnn_free(run->train_paths);
    cnn_free(run->train_rows);
    cnn_free(run->samples);
}

void cnn_record_free(cnn_record *record) {
    for (int i = 0; i < CNN_REPORT_IMAGES_MAX; i++) {
        cnn_free(record->report.images[i].paths);
        cnn_free(record->report.images[i].labels);
        cnn_free(record->report.images[i].predicted);
        cnn_free(record->report.images[i].probabilities);
        cnn_free(record->report.images[i].fold);
        cnn_free(record->predictions_text[i]);
    }
    for (size_t i = 0; record->set.members && i < record->set.count; i++) {
        cnn_text_release(record->set.members[i].link);
        cnn_free(record->set.members[i].model);
    }
    cnn_free(record->set.members);
    free_run(&record->run);
    cnn_run_directory_free(&record->directory);
    cnn_free(record->title);
    cnn_free(record->classes[0]);
    cnn_free(record->classes[1]);
    cnn_free(record->split_text);
    cnn_predictor_free(record->model);
    *record = (cnn_record){0};
}
