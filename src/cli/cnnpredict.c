/* cnnpredict: classifies images with a model, one row per input. */
#include "cnn/predict.h"

#include "cli/inputs.h"
#include "cli/program.h"
#include "cli/sandbox.h"

#include "cnn/error.h"
#include "cnn/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct predict_command {
    cnn_shared_options shared;
    const char **paths; /* [argc]: the model, then the inputs */
    size_t path_count;
    cnn_row_format format;
    double threshold;      /* below 0: the model's */
    double max_megapixels; /* 0: the model's */
    bool no_sandbox;
} predict_command;

#define FIELD(field) .offset = offsetof(predict_command, field)

static const cnn_option options[] = {
    {.name = "format",
     .letter = 'f',
     .argument = "FORMAT",
     .parse = cnn_option_choice,
     FIELD(format),
     .choices = cnn_row_format_names,
     .help = "tsv (default, no header), csv (with header) or jsonl",
     .prose = "`tsv` (default), `csv` or `jsonl`: see {ROWS}."},
    {.name = "threshold",
     .argument = "T",
     .parse = cnn_option_number,
     FIELD(threshold),
     .maximum = 1.0,
     .help = "class 1 from this probability on (default: the model's)",
     .prose = "The label is the second class if the probability is at least this, 0 to 1. Default: "
              "the threshold of the model, see `train.threshold` in cnntrain(1)."},
    {.name = "max-megapixels",
     .argument = "N",
     .parse = cnn_option_number,
     FIELD(max_megapixels),
     .minimum = 0.001,
     .maximum = 2048.0,
     .help = "refuse larger images (default: the model's limit)",
     .prose = "Images of more megapixels are refused before they are decoded, 0.001 to 2048. "
              "Default: the limit of the model, see `image.max_megapixels` in cnntrain(1)."},
    {.name = "no-sandbox",
     FIELD(no_sandbox),
     .help = "keep all rights while reading (for debuggers)",
     .prose =
         "Keep all rights while reading models and images: see {SANDBOX}. Needed under valgrind(1) "
         "and other tools that generate machine code or write files inside the process."},
    {.name = NULL},
};

static cnn_status add_path(void *context, const char *value, cnn_error *error) {
    predict_command *command = context;
    if (*value) { /* an empty one gets its row */
        CNN_TRY(cnn_check_path(command->path_count == 0 ? "MODEL" : "PATH", value, error));
    }
    command->paths[command->path_count++] = value;
    return CNN_OK;
}

static cnn_action predict;

static const cnn_program program = {
    .name = "cnnpredict",
    .usage = "usage: cnnpredict MODEL PATH ... [OPTION ...]\n"
             "\n"
             "Classifies images with a model of cnntrain. PATH is an image, a folder (all files\n"
             "below it, in sorted order), or - (paths from standard input, one per line, or\n"
             "with a zero byte after each).\n"
             "\n"
             "Prints one row per input: path, label, probability of the second class, and \"ok\"\n"
             "or the reason why there is none.\n",
    .notes = "Exit codes: 0 done, 1 I/O or memory, 2 flags, 4 model missing or damaged,\n"
             "6 some inputs failed (their rows say why).\n"
             "\n"
             "  cnnpredict runs/fashion/model.bin image.png\n"
             "  find photos -type f -newer stamp | cnnpredict model.bin - --format csv > new.csv",
    .options = options,
    .shared = cnn_shared_rows,
    .argument = add_path,
    .work = predict,
};

/* --- rows --- */

static const char *const columns[] = {"path", "label", "probability", "status", NULL};

/* prediction: NULL if the input failed before, for this reason. */
static void add_row(cnn_rows *rows, const char *path, const char *label,
                    const cnn_prediction *prediction, const char *reason) {
    bool known = prediction && prediction->status == CNN_OK;
    cnn_rows_path(rows, path);
    cnn_rows_text(rows, known ? label : "");
    cnn_rows_number(rows, known ? prediction->probability : NAN);
    cnn_rows_text(rows, known ? "ok" : prediction ? prediction->reason : reason);
}

/* Prints the rows and forgets them. */
static cnn_status print_rows(cnn_rows *rows, cnn_error *error) {
    const char *text;
    size_t length;
    CNN_TRY(cnn_rows_look(rows, &text, &length, error));
    if (length > 0) {
        CNN_TRY(cnn_print_results(text, length, error));
        CNN_TRY(cnn_flush_results(error));
    }
    cnn_rows_clear(rows);
    return CNN_OK;
}

/* --- inputs to rows --- */

/* Inputs that are decoded and printed together. */
enum { CHUNK = 512 };

typedef struct input_chunk {
    size_t count;
    cnn_input inputs[CHUNK];
    const char *readable[CHUNK]; /* the paths to predict, in order */
    size_t readable_count;
    cnn_prediction predictions[CHUNK]; /* [readable_count] */
} input_chunk;

/* Takes inputs until the chunk is full or there is nothing to take without waiting. */
static cnn_status collect(cnn_inputs *inputs, input_chunk *chunk, bool *end, cnn_error *error) {
    while (chunk->count < CHUNK) {
        cnn_input *input = &chunk->inputs[chunk->count];
        const cnn_status status = cnn_inputs_next(inputs, chunk->count == 0, input, error);
        if (status != CNN_OK) {
            cnn_input_free(input);
            return status;
        }
        if (input->kind == CNN_INPUT_WAITING || input->kind == CNN_INPUT_END) {
            *end = input->kind == CNN_INPUT_END;
            return CNN_OK;
        }
        chunk->count++;
        if (input->kind == CNN_INPUT_PATH) {
            chunk->readable[chunk->readable_count++] = input->found ? input->found : input->path;
        }
    }
    return CNN_OK;
}

static void empty(input_chunk *chunk) {
    for (size_t i = 0; i < chunk->count; i++) {
        cnn_input_free(&chunk->inputs[i]);
    }
    chunk->count = chunk->readable_count = 0;
}

/* What works on the inputs. */
typedef struct work {
    const predict_command *command;
    cnn_predictor *predictor;
    cnn_inputs *inputs;
    input_chunk *chunk;
    cnn_rows *rows;
    size_t failed; /* inputs without a probability */
} work;

/* Predicts and prints the chunk. */
static cnn_status print_chunk(work *w, cnn_error *error) {
    input_chunk *chunk = w->chunk;
    float threshold = w->command->threshold >= 0.0 ? (float)w->command->threshold
                                                   : cnn_predictor_threshold(w->predictor);
    CNN_TRY(cnn_predict_files(w->predictor, chunk->readable, chunk->readable_count,
                              w->command->shared.threads, chunk->predictions, error));
    size_t next = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        const cnn_input *input = &chunk->inputs[i];
        const cnn_prediction *prediction =
            input->kind == CNN_INPUT_PATH ? &chunk->predictions[next++] : NULL;
        const bool second = prediction && prediction->probability >= threshold;
        add_row(w->rows, input->path, cnn_predictor_class(w->predictor, second), prediction,
                input->reason);
        w->failed += !prediction || prediction->status != CNN_OK;
    }
    return print_rows(w->rows, error);
}

/* All inputs, in chunks. */
static cnn_status print_inputs(work *w, cnn_error *error) {
    CNN_TRY(print_rows(w->rows, error)); /* the header, if the format has one */
    cnn_status status = CNN_OK;
    bool end = false;
    while (status == CNN_OK && !end) {
        status = collect(w->inputs, w->chunk, &end, error);
        cnn_error ignored; /* the first error is the one to report */
        const cnn_status printed = print_chunk(w, status == CNN_OK ? error : &ignored);
        status = status == CNN_OK ? printed : status;
        empty(w->chunk);
    }
    return status;
}

static cnn_status predict(void *context, cnn_error *error) {
    const predict_command *command = context;
    if (command->path_count < 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected MODEL and at least one PATH (see --help)");
    }
    if (!command->no_sandbox) {
        CNN_TRY(cnn_sandbox_enter(error));
    }
    work w = {.command = command};
    CNN_TRY(cnn_predictor_load(command->paths[0], &w.predictor, error));
    cnn_predictor_limit_pixels(w.predictor, command->max_megapixels, "--max-megapixels");
    w.inputs = cnn_inputs_create(command->paths + 1, command->path_count - 1);
    w.chunk = calloc(1, sizeof *w.chunk);
    w.rows = cnn_rows_create(command->format, columns);
    const cnn_status status =
        w.inputs && w.chunk && w.rows ? print_inputs(&w, error) : cnn_fail_memory(error, "inputs");
    free(w.chunk);
    cnn_rows_free(w.rows);
    cnn_inputs_free(w.inputs);
    cnn_predictor_free(w.predictor);
    if (status == CNN_OK && w.failed > 0) {
        return cnn_fail(error, CNN_ERROR_INPUTS, "%zu %s failed; the rows say why", w.failed,
                        w.failed == 1 ? "input" : "inputs");
    }
    return status;
}

int main(int argc, char **argv) {
    predict_command command = {.threshold = -1.0};
    command.paths = calloc((size_t)argc + 1, sizeof *command.paths);
    if (!command.paths) {
        fputs("cnnpredict: out of memory\n", stderr);
        return CNN_ERROR_RUNTIME;
    }
    const int code = cnn_program_main(&program, argc, argv, &command);
    free(command.paths);
    return code;
}
