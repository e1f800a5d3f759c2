/* cnneval: measures a model on labelled images, or two models against each other. */
#include "report/evaluation.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/broken_pipe.h"
#include "cli/options.h"
#include "cli/rows.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { COMPARE, FORMAT, ROWS, SPLIT, THRESHOLD, THREADS, MAX_MEMORY, QUIET, HELP, VERSION };

static const cnn_option options[] = {
    [COMPARE] = {"compare", 'c', "OTHER", "a second model, on the same images, with paired tests"},
    [FORMAT] = {"format", 'f', "FORMAT", "table (default) or json (one line)"},
    [ROWS] = {"rows", 'r', "FILE", "write a row an image; FILE ends in .csv, .tsv or .jsonl"},
    [SPLIT] = {"split", 's', "NAME", "of a manifest, only train, validation or test"},
    [THRESHOLD] = {"threshold", 0, "T", "class 1 from this probability on (default: the model's)"},
    [THREADS] = {"threads", 't', "N", "threads (default: all processors)"},
    [MAX_MEMORY] = {"max-memory", 0, "SIZE", "fail rather than take more (default: all there is)"},
    [QUIET] = {"quiet", 'q', NULL, "errors only"},
    [HELP] = {"help", 'h', NULL, "print this"},
    [VERSION] = {"version", 'V', NULL, "print the version"},
    {0},
};

typedef struct eval_command {
    char *paths[2]; /* model, data */
    size_t path_count;
    char *other, *rows; /* NULL: none */
    cnn_row_format rows_format;
    int split;        /* -1: all */
    double threshold; /* below 0: the model's */
    int threads;
    bool json, quiet;
    uint64_t max_memory; /* bytes; 0: what there is */
    int action;          /* HELP or VERSION; -1: evaluate */

    cnn_text row_text; /* of all rows */
} eval_command;

static cnn_status keep(char **place, const char *value, cnn_error *error) {
    cnn_free(*place);
    *place = cnn_copy_string(value);
    return *place ? CNN_OK : cnn_fail_memory(error, "the command line");
}

/* The format that a file's name ends in. */
static cnn_status find_rows_format(const char *path, cnn_row_format *format, cnn_error *error) {
    const char *dot = strrchr(path, '.');
    for (int i = 0; dot && cnn_row_format_names[i]; i++) {
        if (strcmp(dot + 1, cnn_row_format_names[i]) == 0) {
            *format = (cnn_row_format)i;
            return CNN_OK;
        }
    }
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "--rows: expected a file that ends in .csv, .tsv or .jsonl, got \"%.100s\"",
                    path);
}

static cnn_status find_split(const char *name, int *split, cnn_error *error) {
    for (*split = 0; *split < CNN_SPLIT_COUNT; (*split)++) {
        if (strcmp(name, cnn_split_names[*split]) == 0) {
            return CNN_OK;
        }
    }
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "--split: expected train, validation or test, got \"%.60s\"", name);
}

static cnn_status handle(void *context, int option, const char *value, cnn_error *error) {
    eval_command *command = context;
    cnn_status status = CNN_OK;
    switch (option) {
    case COMPARE:
        CNN_TRY(cnn_option_path("--compare", value, error));
        return keep(&command->other, value, error);
    case FORMAT:
        command->json = strcmp(value, "json") == 0;
        if (!command->json && strcmp(value, "table") != 0) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "--format: expected table or json, got \"%.60s\"", value);
        }
        break;
    case ROWS:
        CNN_TRY(cnn_option_path("--rows", value, error));
        status = find_rows_format(value, &command->rows_format, error);
        return status == CNN_OK ? keep(&command->rows, value, error) : status;
    case SPLIT:
        return find_split(value, &command->split, error);
    case THRESHOLD:
        return cnn_option_number("threshold", value, 0.0, 1.0, &command->threshold, error);
    case THREADS:
        return cnn_option_integer("threads", value, 1, 1024, &command->threads, error);
    case MAX_MEMORY:
        return cnn_option_size("max-memory", value, &command->max_memory, error);
    case QUIET:
        command->quiet = true;
        break;
    case HELP:
    case VERSION:
        command->action = option;
        break;
    default:
        if (command->path_count == 2) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "expected one MODEL and one DATA, got a third argument \"%.100s\"",
                            value);
        }
        CNN_TRY(cnn_option_path(command->path_count == 0 ? "MODEL" : "DATA", value, error));
        return keep(&command->paths[command->path_count++], value, error);
    }
    return CNN_OK;
}

static void print_help(void) {
    puts("usage: cnneval MODEL DATA [OPTION ...]\n"
         "\n"
         "Measures a model of cnntrain on labelled images. DATA is a folder with one\n"
         "sub-folder per class, or a .csv manifest with a header: path,label[,split][,group].\n"
         "\n"
         "Prints counts and metrics, all of them with the second class as the positive one.\n");
    cnn_options_print(options);
    puts("\n"
         "Exit codes: 0 done, 1 I/O or memory, 2 flags, 3 data unusable, 4 model missing or\n"
         "damaged, or of other classes, 6 some images could not be read and are left out.\n"
         "\n"
         "  cnneval runs/fashion/model.bin data/fashion-mnist/test\n"
         "  cnneval new.bin photos --compare old.bin --rows rows.csv");
}

/* --- images --- */

/* Adds an image's row, and says why one cannot be read. */
static void on_image(void *user, const cnn_evaluation *evaluation, const cnn_sample *sample,
                     const cnn_prediction *const said[2]) {
    eval_command *command = user;
    const cnn_evaluated_model *model = &evaluation->model[0];
    for (int m = 0; m < evaluation->model_count && !command->quiet; m++) {
        if (said[m]->status != CNN_OK) {
            fprintf(stderr, "cnneval: %s: %s\n", sample->path, said[m]->reason);
            break;
        }
    }
    if (!command->rows) {
        return;
    }
    bool known = said[0]->status == CNN_OK;
    int predicted = said[0]->probability >= model->threshold;
    cnn_row row;
    cnn_row_begin(&row, &command->row_text, command->rows_format);
    cnn_row_text(&row, "path", sample->path);
    cnn_row_text(&row, "label", cnn_predictor_class(model->predictor, sample->label));
    cnn_row_text(&row, "predicted", known ? cnn_predictor_class(model->predictor, predicted) : "");
    cnn_row_number(&row, "probability", known ? said[0]->probability : NAN);
    if (said[1]) {
        cnn_row_number(&row, "other_probability",
                       said[1]->status == CNN_OK ? said[1]->probability : NAN);
    }
    cnn_row_text(&row, "status",
                 !known                                 ? said[0]->reason
                 : said[1] && said[1]->status != CNN_OK ? said[1]->reason
                                                        : "ok");
    cnn_row_end(&row);
}

static cnn_status write_rows(const eval_command *command, cnn_error *error) {
    if (command->row_text.failed) {
        return cnn_fail_memory(error, "the rows");
    }
    return cnn_file_write(command->rows, command->row_text.data, command->row_text.length, error);
}

static cnn_status print_report(const eval_command *command, const cnn_evaluation_request *request,
                               const cnn_evaluation *evaluation, cnn_error *error) {
    cnn_text text = {0};
    if (command->json) {
        cnn_evaluation_json(request, evaluation, &text);
    } else {
        cnn_evaluation_table(request, evaluation, &text);
    }
    cnn_status status = text.failed ? cnn_fail_memory(error, "the report")
                                    : cnn_print_results(text.data, text.length, error);
    status = status == CNN_OK ? cnn_flush_results(error) : status;
    cnn_text_free(&text);
    return status;
}

static cnn_status evaluate(eval_command *command, cnn_error *error) {
    if (command->path_count < 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected MODEL and DATA (see --help)");
    }
    cnn_evaluation_request request = {.models = {command->paths[0], command->other},
                                      .data = command->paths[1],
                                      .split = command->split,
                                      .threshold = command->threshold,
                                      .threads = command->threads,
                                      .on_image = on_image,
                                      .user = command};
    if (command->rows && command->rows_format == CNN_ROWS_CSV) {
        cnn_text_format(&command->row_text, "path,label,predicted,probability,%sstatus\n",
                        command->other ? "other_probability," : "");
    }
    cnn_evaluation evaluation;
    cnn_status status = cnn_evaluate_model(&request, &evaluation, error);
    if (status == CNN_OK && evaluation.other_labels > 0 && !command->quiet) {
        fprintf(stderr, "cnneval: %s: %zu rows have another label and are left out\n",
                command->paths[1], evaluation.other_labels);
    }
    if (status == CNN_OK && command->rows) {
        status = write_rows(command, error);
    }
    if (status == CNN_OK) {
        status = print_report(command, &request, &evaluation, error);
    }
    if (status == CNN_OK && evaluation.failed > 0) {
        status = cnn_fail(error, CNN_ERROR_INPUTS,
                          "%zu of %zu images could not be read; measured "
                          "without them",
                          evaluation.failed, evaluation.listed);
    }
    cnn_evaluation_free(&evaluation);
    return status;
}

int main(int argc, char **argv) {
    cnn_error error = {0};
    cnn_broken_pipe_ignore();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error of the write, not the end */
    eval_command command = {.action = -1, .split = -1, .threshold = -1.0};
    cnn_status status = cnn_options_parse(options, argc, argv, handle, &command, &error);
    cnn_option_limit_memory(command.max_memory);
    if (status == CNN_OK && command.action == HELP) {
        print_help();
    } else if (status == CNN_OK && command.action == VERSION) {
        puts("cnneval " CNN_VERSION);
    } else if (status == CNN_OK) {
        status = evaluate(&command, &error);
    }
    cnn_free(command.paths[0]);
    cnn_free(command.paths[1]);
    cnn_free(command.other);
    cnn_free(command.rows);
    cnn_text_free(&command.row_text);
    if (status == CNN_OK) {
        status = cnn_flush_results(&error);
    }
    if (status != CNN_OK && !(status == CNN_ERROR_INPUTS && command.quiet)) {
        fprintf(stderr, "cnneval: %s\n", error.message);
    }
    return (int)status;
}
