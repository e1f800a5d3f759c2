/* cnneval: measures a model on labelled images, or compares two models. */
#include "cnn/evaluate.h"

#include "cli/program.h"

#include "cnn/error.h"
#include "cnn/file.h"
#include "cnn/rows.h"
#include "cnn/text.h"

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
    const char *page;      /* of --report; NULL: none */
    int report;            /* an index of report_formats */
    int split;             /* -1: all */
    double threshold;      /* below 0: the model's */
    double max_megapixels; /* 0: the model's */
} eval_command;

static const char *const split_names[] = {"train", "validation", "test", NULL};
static const char *const report_formats[] = {"table", "json", NULL};
enum { REPORT_JSON = 1 };

/* Parses --rows; field: the whole command. The extension of the file name determines the format. */
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
    {.name = "report",
     .argument = "FILE",
     .parse = cnn_option_path,
     FIELD(page),
     .help = "write a page for people, with pictures: FILE.html",
     .prose = "Write a page for people: one self-contained HTML file, as training writes it, with "
              "the metrics, curves, a table of thresholds, the images that the model gets wrong, "
              "and the labels that it doubts. It is written completely or not at all. With "
              "`--compare`, it is about MODEL, and states the tests."},
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
     .choices = split_names,
     .help = "use only this split of the data: train, validation or test",
     .prose =
         "If the data is a manifest with a column `split`, or a folder with splits, use only the "
         "images of `train`, `validation` or `test`; images without a split are in `train`. "
         "Default: all images."},
    {.name = "threshold",
     .argument = "T",
     .parse = cnn_option_number,
     FIELD(threshold),
     .maximum = 1.0,
     .help = "least probability of class 1 (default: the model's)",
     .prose = "An image is classified as the second class if its probability is at least this, 0 "
              "to 1. Default: the threshold of each model, see `train.threshold` in cnntrain(1)."},
    {.name = "max-megapixels",
     .argument = "N",
     .parse = cnn_option_number,
     FIELD(max_megapixels),
     .minimum = 0.001,
     .maximum = 2048.0,
     .help = "refuse larger images (default: the model's limit)",
     .prose = "Images of more megapixels are refused before they are decoded, 0.001 to 2048. "
              "Default: the limit of each model, see `image.max_megapixels` in cnntrain(1)."},
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

/* The context of on_image. */
typedef struct work {
    const eval_command *command;
    cnn_rows *rows; /* NULL without --rows */
} work;

/* Adds an image's row. */
static void add_row(cnn_rows *rows, const cnn_evaluation *evaluation,
                    const cnn_evaluated_image *image) {
    const cnn_prediction *first = image->prediction[0], *second = image->prediction[1];
    bool known = first->status == CNN_OK;
    int predicted = first->probability >= cnn_evaluation_threshold(evaluation, 0);
    cnn_rows_path(rows, image->path);
    cnn_rows_text(rows, cnn_evaluation_class(evaluation, image->label));
    cnn_rows_text(rows, known ? cnn_evaluation_class(evaluation, predicted) : "");
    cnn_rows_number(rows, known ? first->probability : NAN);
    if (second) {
        cnn_rows_number(rows, second->status == CNN_OK ? second->probability : NAN);
    }
    cnn_rows_text(rows, !known                               ? first->reason
                        : second && second->status != CNN_OK ? second->reason
                                                             : "ok");
}

/* Prints why an image cannot be read, and adds its row. */
static void on_image(void *user, const cnn_evaluation *evaluation,
                     const cnn_evaluated_image *image) {
    const work *w = user;
    for (int m = 0; m < 2 && image->prediction[m] && !w->command->shared.quiet; m++) {
        if (image->prediction[m]->status != CNN_OK) {
            fprintf(stderr, "cnneval: %s: %s\n", image->path, image->prediction[m]->reason);
            break;
        }
    }
    if (w->rows) {
        add_row(w->rows, evaluation, image);
    }
}

static cnn_status write_rows(const work *w, cnn_error *error) {
    const char *text;
    size_t length;
    CNN_TRY(cnn_rows_look(w->rows, &text, &length, error));
    return cnn_file_write(w->command->rows.path, text, length, error);
}

static cnn_status print_report(const eval_command *command, const cnn_evaluation *evaluation,
                               cnn_error *error) {
    char *text = command->report == REPORT_JSON ? cnn_evaluation_json(evaluation)
                                                : cnn_evaluation_table(evaluation);
    cnn_status status =
        text ? cnn_print_results(text, strlen(text), error) : cnn_fail_memory(error, "the report");
    status = status == CNN_OK ? cnn_flush_results(error) : status;
    cnn_text_release(text);
    return status;
}

/* Warns of a class with no image, or one, of which the results say next to nothing. */
static void warn_of_few(const work *w, const cnn_evaluation *evaluation) {
    const cnn_evaluation_confusion c = cnn_evaluation_confusion_of(evaluation, 0);
    const size_t counts[2] = {c.true_negatives + c.false_positives,
                              c.true_positives + c.false_negatives};
    for (int label = 0; label < 2 && !w->command->shared.quiet; label++) {
        if (counts[label] < 2) {
            fprintf(stderr,
                    "cnneval: %s: %s image of \"%s\" (class %d): the results %s nothing about this "
                    "class\n",
                    w->command->paths[1], counts[label] == 0 ? "no" : "only one",
                    cnn_evaluation_class(evaluation, label), label,
                    counts[label] == 0 ? "say" : "say almost");
        }
    }
}

static cnn_status report(const work *w, const cnn_evaluation *evaluation, cnn_error *error) {
    const cnn_evaluation_counts counts = cnn_evaluation_count(evaluation);
    if (counts.other_labels > 0 && !w->command->shared.quiet) {
        fprintf(stderr, "cnneval: %s: %zu rows have another label and are left out\n",
                w->command->paths[1], counts.other_labels);
    }
    warn_of_few(w, evaluation);
    if (w->rows) {
        CNN_TRY(write_rows(w, error));
    }
    CNN_TRY(print_report(w->command, evaluation, error));
    if (w->command->page) {
        CNN_TRY(cnn_evaluation_write_report(evaluation, w->command->page, error));
    }
    return counts.failed > 0
               ? cnn_fail(error, CNN_ERROR_INPUTS,
                          "%zu of %zu images could not be read; measured without them",
                          counts.failed, counts.listed)
               : CNN_OK;
}

static void print_line(void *user, cnn_log_level level, const char *line) {
    (void)user;
    (void)level;
    fprintf(stderr, "cnneval: %s\n", line);
}

static cnn_status measure(work *w, cnn_error *error) {
    const eval_command *command = w->command;
    const cnn_evaluate_options wanted = {
        .other = command->other,
        .split = command->split >= 0 ? split_names[command->split] : NULL,
        .threshold = command->threshold >= 0.0 ? &command->threshold : NULL,
        .max_megapixels = command->max_megapixels,
        .max_megapixels_name = "--max-megapixels",
        .threads = command->shared.threads,
        .on_image = on_image,
        .user = w,
        .log = {.write = command->shared.quiet ? NULL : print_line}};
    cnn_evaluation *evaluation;
    CNN_TRY(cnn_evaluate_model(command->paths[0], command->paths[1], &wanted, &evaluation, error));
    const cnn_status status = report(w, evaluation, error);
    cnn_evaluation_free(evaluation);
    return status;
}

static cnn_status evaluate(void *context, cnn_error *error) {
    static const char *const one[] = {"path", "label", "predicted", "probability", "status", NULL};
    static const char *const two[] = {
        "path", "label", "predicted", "probability", "other_probability", "status", NULL};
    const eval_command *command = context;
    work w = {.command = command};
    if (command->path_count < 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected MODEL and DATA (see --help)");
    }
    if (command->rows.path) {
        w.rows = cnn_rows_create(command->rows.format, command->other ? two : one);
        if (!w.rows) {
            return cnn_fail_memory(error, "the rows");
        }
    }
    const cnn_status status = measure(&w, error);
    cnn_rows_free(w.rows);
    return status;
}

int main(int argc, char **argv) {
    eval_command command = {.split = -1, .threshold = -1.0};
    return cnn_program_main(&program, argc, argv, &command);
}
