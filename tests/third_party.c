/* A trainer and evaluator as a third party would write it, with only the installed headers
 * (cli/install.sh builds and runs it): trains two models of a config, compares them on the test
 * images, and tries each of the other public functions once. */
#include <cnn/config.h>
#include <cnn/error.h>
#include <cnn/evaluate.h>
#include <cnn/file.h>
#include <cnn/inspect.h>
#include <cnn/log.h>
#include <cnn/memory.h>
#include <cnn/predict.h>
#include <cnn/rows.h>
#include <cnn/text.h>
#include <cnn/threads.h>
#include <cnn/train.h>
#include <cnn/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_line(void *user, cnn_log_level level, const char *line) {
    (void)user, (void)level;
    fprintf(stderr, "%s\n", line);
}

static void count_batch(void *user, const cnn_train_progress *progress) {
    int *batches = user;
    *batches += progress->batch > 0;
}

static bool never(void *user) {
    (void)user;
    return false;
}

/* Both models are trained from one config, which no call may change. */
static cnn_status train(const cnn_config *config, int *batches, cnn_error *error) {
    cnn_train_options options = {.common = {.threads = 2,
                                            .log = {.write = print_line},
                                            .should_stop = never,
                                            .user = batches},
                                 .output = "first",
                                 .progress = count_batch};
    CNN_TRY(cnn_train(config, &options, error));
    options.output = "second";
    CNN_TRY(cnn_train(config, &options, error));
    const cnn_cross_validation_options folds = {.train = {.output = "folds"}, .folds = 2};
    return cnn_cross_validate(config, &folds, error);
}

/* Prints the length of a text from the library, and frees it. */
static cnn_status print_text(cnn_status status, char **text) {
    if (*text) {
        printf("%zu bytes\n", strlen(*text));
    }
    cnn_text_release(*text);
    return status;
}

static cnn_status inspect(const cnn_config *config, cnn_error *error) {
    char *text = NULL;
    const cnn_init_options init = {.output = "runs/new"};
    const cnn_dry_run_options dry = {.folds = 2};
    const cnn_check_data_options data = {.common.threads = 1};
    const cnn_common_options common = {0};
    CNN_TRY(print_text(cnn_init("data", &init, &text, error), &text));
    CNN_TRY(print_text(cnn_dry_run(config, &dry, &text, error), &text));
    CNN_TRY(print_text(cnn_check_data(config, &data, &text, error), &text));
    CNN_TRY(print_text(cnn_check_gradients(config, &text, error), &text));
    CNN_TRY(print_text(cnn_trace(config, &common, &text, error), &text));
    const cnn_augmented_sheet_options wanted = {.output = "sheet", .images = 2};
    cnn_augmented_sheet sheet;
    CNN_TRY(cnn_show_augmented(config, &wanted, &sheet, error));
    printf("%s: %d rows\n", sheet.path, sheet.rows);
    cnn_augmented_sheet_free(&sheet);
    return CNN_OK;
}

static void on_image(void *user, const cnn_evaluation *evaluation,
                     const cnn_evaluated_image *image) {
    cnn_rows_text(user, image->path);
    cnn_rows_text(user, cnn_evaluation_class(evaluation, image->label));
    cnn_rows_number(user, image->prediction[0]->probability);
}

static cnn_status print_metrics(const cnn_evaluation *evaluation, cnn_error *error) {
    const cnn_evaluation_counts counts = cnn_evaluation_count(evaluation);
    const cnn_evaluation_confusion confusion = cnn_evaluation_confusion_of(evaluation, 0);
    cnn_evaluation_comparison comparison;
    if (counts.measured + counts.failed != counts.listed ||
        confusion.true_positives + confusion.false_positives + confusion.true_negatives +
                confusion.false_negatives !=
            counts.measured ||
        !cnn_evaluation_compare(evaluation, &comparison)) {
        return cnn_fail(error, CNN_ERROR_RUNTIME, "the counts do not fit");
    }
    printf("%zu images, only one is right: %zu + %zu, p %g\n", counts.measured,
           comparison.only_first, comparison.only_second, comparison.accuracy_p);
    for (const char *const *name = cnn_evaluation_metrics(); *name; name++) {
        const cnn_evaluation_metric metric = cnn_evaluation_metric_of(evaluation, 1, *name);
        printf("%s %.17g [%.17g, %.17g]\n", *name, metric.value, metric.low, metric.high);
    }
    char *table = cnn_evaluation_table(evaluation);
    CNN_TRY(print_text(CNN_OK, &table));
    char *json = cnn_evaluation_json(evaluation);
    if (!json) {
        return cnn_fail_memory(error, "the report");
    }
    const cnn_status status = cnn_file_write("evaluation.json", json, strlen(json), error);
    cnn_text_release(json);
    return status;
}

static cnn_status evaluate(cnn_rows *rows, cnn_error *error) {
    const double threshold = 0.25;
    const cnn_evaluate_options options = {
        .other = "second/model.bin", .threshold = &threshold, .on_image = on_image, .user = rows};
    cnn_evaluation *evaluation;
    CNN_TRY(cnn_evaluate_model("first/model.bin", "test", &options, &evaluation, error));
    const cnn_status status = print_metrics(evaluation, error);
    cnn_evaluation_free(evaluation);
    CNN_TRY(status);
    const char *text;
    size_t length;
    CNN_TRY(cnn_rows_look(rows, &text, &length, error));
    return cnn_file_write("rows.csv", text, length, error);
}

/* Predicts the first image of the evaluation in another way. */
static cnn_status predict(cnn_error *error) {
    bool is_folder;
    cnn_file_list files;
    cnn_predictor *predictor = NULL;
    float probability = 0.0F;
    cnn_status status = cnn_path_files("test", &is_folder, &files, error);
    if (status == CNN_OK) {
        status = cnn_predictor_load("first/model.bin", &predictor, error);
    }
    if (status == CNN_OK) {
        status = cnn_predict_file(predictor, files.paths[0], &probability, error);
    }
    if (status == CNN_OK) {
        printf("%s: %.9g\n", files.paths[0], (double)probability);
    }
    cnn_predictor_free(predictor);
    cnn_file_list_free(&files);
    return status;
}

static cnn_status run(const cnn_config *config, cnn_error *error) {
    static const char *const columns[] = {"path", "label", "probability", NULL};
    int batches = 0;
    CNN_TRY(inspect(config, error));
    CNN_TRY(train(config, &batches, error));
    printf("%d batches\n", batches);
    cnn_rows *rows = cnn_rows_create(CNN_ROWS_CSV, columns);
    const cnn_status status = rows ? evaluate(rows, error) : cnn_fail_memory(error, "rows");
    cnn_rows_free(rows);
    CNN_TRY(status);
    return predict(error);
}

int main(int argc, char **argv) {
    cnn_error error = {0};
    cnn_config *config;
    if (argc < 2) {
        fprintf(stderr, "usage: %s config.json [KEY=VALUE ...]\n", argv[0]);
        return 2;
    }
    printf("cnntrain %s\n", cnn_version());
    if (strcmp(cnn_version(), CNN_VERSION) != 0 || CNN_VERSION_NUMBER < CNN_VERSION_MAJOR) {
        return EXIT_FAILURE;
    }
    cnn_memory_limit(cnn_machine_memory());
    if (cnn_default_threads() < 1) {
        return EXIT_FAILURE;
    }
    cnn_status status = cnn_config_load(argv[1], (const char *const *)(argv + 2), (size_t)argc - 2,
                                        &config, &error);
    if (status == CNN_OK) {
        status = run(config, &error);
        cnn_config_free(config);
    }
    if (status != CNN_OK) {
        fprintf(stderr, "%s (%s)\n", error.message, cnn_status_text(status));
    }
    return (int)status;
}
