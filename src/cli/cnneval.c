/* cnneval: measures a model on labelled images, or two models against each other. */
#include "report/evaluation.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/program.h"
#include "cli/rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct eval_command {
    cnn_shared_options shared;
    const char *paths[2]; /* model, data */
    size_t path_count;
    const char *other; /* NULL: none */
    struct {
        const char *path; /* NULL: none */
        cnn_row_format format;
    } rows;
    int report;       /* an index of report_formats */
    int split;        /* -1: all */
    double threshold; /* below 0: the model's */

    cnn_text row_text; /* of all rows */
} eval_command;

static const char *const report_formats[] = {"table", "json", NULL};
enum { REPORT_JSON = 1 };

/* Of --rows; field: the whole command. The format is the one that the file's name ends in. */
static cnn_status parse_rows(const cnn_option *option, const char *text, void *field,
                             cnn_error *error) {
    eval_command *command = field;
    CNN_TRY(cnn_option_path(option, text, &command->rows.path, error));
    const char *dot = strrchr(text, '.');
    for (int i = 0; dot && cnn_row_format_names[i]; i++) {
        if (strcmp(dot + 1, cnn_row_format_names[i]) == 0) {
            command->rows.format = (cnn_row_format)i;
            return CNN_OK;
        }
    }
    return cnn_fail(error, CNN_ERROR_CONFIG,
                    "--%s: expected a file that ends in .csv, .tsv or .jsonl, got \"%.100s\"",
                    option->name, text);
}

#define FIELD(field) .offset = offsetof(eval_command, field)

static const cnn_option options[] = {
    {.name = "compare",
     .letter = 'c',
     .argument = "OTHER",
     .parse = cnn_option_path,
     FIELD(other),
     .help = "a second model, on the same images, with paired tests",
     .prose = "A second model of the same classes, measured on the same images: see {COMPARING TWO "
              "MODELS}. Its image size and layers may be different."},
    {.name = "format",
     .letter = 'f',
     .argument = "FORMAT",
     .parse = cnn_option_choice,
     FIELD(report),
     .choices = report_formats,
     .help = "table (default) or json (one line)",
     .prose = "`table` (default), or `json`: one line."},
    {.name = "rows",
     .letter = 'r',
     .argument = "FILE",
     .parse = parse_rows,
     .help = "write one row per image; FILE ends in .csv, .tsv or .jsonl",
     .prose =
         "Write one row per image, in order: `path`, `label` (from the data), `predicted`, "
         "`probability` (of the second class), `other_probability` (with `--compare` only), "
         "`status` (`ok`, or the reason why it cannot be read). The extension of the name "
         "determines the format, *.csv*, *.tsv* or *.jsonl*, each as written by cnnpredict(1)."},
    {.name = "split",
     .letter = 's',
     .argument = "NAME",
     .parse = cnn_option_choice,
     FIELD(split),
     .choices = cnn_split_names,
     .help = "of a manifest, only train, validation or test",
     .prose =
         "If the data is a manifest with a column `split`, use only the images of `train`, "
         "`validation` or `test`; images without a split are in `train`. Default: all images."},
    {.name = "threshold",
     .argument = "T",
     .parse = cnn_option_number,
     FIELD(threshold),
     .maximum = 1.0,
     .help = "class 1 from this probability on (default: the model's)",
     .prose = "An image is classified as the second class if its probability is at least this, 0 "
              "to 1. Default: the threshold of each model, see `train.threshold` in cnntrain(1)."},
    {.name = NULL},
};

static cnn_status add_path(void *context, const char *value, cnn_error *error) {
    eval_command *command = context;
    if (command->path_count == 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected one MODEL and one DATA, got a third argument \"%.100s\"", value);
    }
    CNN_TRY(cnn_check_path(command->path_count == 0 ? "MODEL" : "DATA", value, error));
    command->paths[command->path_count++] = value;
    return CNN_OK;
}

static cnn_action evaluate;

static const cnn_program program = {
    .name = "cnneval",
    .usage = "usage: cnneval MODEL DATA [OPTION ...]\n"
             "\n"
             "Measures a model of cnntrain on labelled images. DATA is a folder with one\n"
             "sub-folder per class, or a .csv manifest with a header: path,label[,split][,group].\n"
             "\n"
             "Prints counts and metrics, all of them with the second class as the positive one.\n",
    .notes = "Exit codes: 0 done, 1 I/O or memory, 2 flags, 3 data unusable, 4 model missing or\n"
             "damaged, or of other classes, 6 some images could not be read and are left out.\n"
             "\n"
             "  cnneval runs/fashion/model.bin data/fashion-mnist/test\n"
             "  cnneval new.bin photos --compare old.bin --rows rows.csv",
    .options = options,
    .shared = cnn_shared_rows,
    .argument = add_path,
    .work = evaluate,
};

/* --- images --- */

/* Adds an image's row, and says why one cannot be read. */
static void on_image(void *user, const cnn_evaluation *evaluation, const cnn_sample *sample,
                     const cnn_prediction *const said[2]) {
    eval_command *command = user;
    const cnn_evaluated_model *model = &evaluation->model[0];
    for (int m = 0; m < evaluation->model_count && !command->shared.quiet; m++) {
        if (said[m]->status != CNN_OK) {
            fprintf(stderr, "cnneval: %s: %s\n", sample->path, said[m]->reason);
            break;
        }
    }
    if (!command->rows.path) {
        return;
    }
    bool known = said[0]->status == CNN_OK;
    int predicted = said[0]->probability >= model->threshold;
    cnn_row row;
    cnn_row_begin(&row, &command->row_text, command->rows.format);
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
    return cnn_file_write(command->rows.path, command->row_text.data, command->row_text.length,
                          error);
}

static cnn_status print_report(const eval_command *command, const cnn_evaluation_request *request,
                               const cnn_evaluation *evaluation, cnn_error *error) {
    cnn_text text = {0};
    if (command->report == REPORT_JSON) {
        cnn_evaluation_json(request, evaluation, &text);
    } else {
        cnn_evaluation_table(request, evaluation, &text);
    }
    const cnn_status status = cnn_print_text(&text, "the report", error);
    cnn_text_free(&text);
    return status;
}

static cnn_status report(const eval_command *command, const cnn_evaluation_request *request,
                         const cnn_evaluation *evaluation, cnn_error *error) {
    if (evaluation->other_labels > 0 && !command->shared.quiet) {
        fprintf(stderr, "cnneval: %s: %zu rows have another label and are left out\n",
                command->paths[1], evaluation->other_labels);
    }
    if (command->rows.path) {
        CNN_TRY(write_rows(command, error));
    }
    CNN_TRY(print_report(command, request, evaluation, error));
    return evaluation->failed > 0
               ? cnn_fail(error, CNN_ERROR_INPUTS,
                          "%zu of %zu images could not be read; measured without them",
                          evaluation->failed, evaluation->listed)
               : CNN_OK;
}

static cnn_status evaluate(void *context, cnn_error *error) {
    eval_command *command = context;
    if (command->path_count < 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected MODEL and DATA (see --help)");
    }
    cnn_evaluation_request request = {.models = {command->paths[0], command->other},
                                      .data = command->paths[1],
                                      .split = command->split,
                                      .threshold = command->threshold,
                                      .threads = command->shared.threads,
                                      .on_image = on_image,
                                      .user = command};
    if (command->rows.path && command->rows.format == CNN_ROWS_CSV) {
        cnn_text_format(&command->row_text, "path,label,predicted,probability,%sstatus\n",
                        command->other ? "other_probability," : "");
    }
    cnn_evaluation evaluation;
    cnn_status status = cnn_evaluate_model(&request, &evaluation, error);
    status = status == CNN_OK ? report(command, &request, &evaluation, error) : status;
    cnn_evaluation_free(&evaluation);
    return status;
}

int main(int argc, char **argv) {
    eval_command command = {.split = -1, .threshold = -1.0};
    const int code = cnn_program_main(&program, argc, argv, &command);
    cnn_text_free(&command.row_text);
    return code;
}
