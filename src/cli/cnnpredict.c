/* cnnpredict: classifies images with a model, one row per input. */
#include "cnn/predict.h"

#include "cli/inputs.h"
#include "cli/pictures.h"
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
    const char *explain;   /* the folder for pictures; NULL: none are made */
    cnn_explain_method method;
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
    {.name = "explain",
     .letter = 'x',
     .argument = "DIR",
     .parse = cnn_option_path,
     FIELD(explain),
     .help = "write a picture of each input to DIR: where the model looked",
     .prose =
         "For each input, write a picture to the folder `dir` that shows which parts speak for "
         "which class: see {PICTURES}."},
    {.name = "explain-method",
     .argument = "METHOD",
     .parse = cnn_option_choice,
     FIELD(method),
     .choices = cnn_explain_method_names,
     .help = "gradient (default), hirescam (coarse) or occlusion (slow)",
     .prose =
         "How pictures are made: `gradient` (default), `hirescam` or `occlusion`. See {PICTURES}."},
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
             "Classifies images with a model of cnntrain. PATH is an image, a folder, .tar or\n"
             ".zip (all files in it, in sorted order), arrays (.npz, IDX), or - (paths\n"
             "from standard input, one per line, or with a zero byte after each).\n"
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
static const char *const columns_explained[] = {"path",   "label",   "probability",
                                                "status", "picture", NULL};

/* prediction: NULL if the input failed before, for this reason. */
static void add_row(cnn_rows *rows, const char *path, const char *label,
                    const cnn_prediction *prediction, const char *reason) {
    bool known = prediction && prediction->status == CNN_OK;
    cnn_rows_path(rows, path);
    cnn_rows_text(rows, known ? label : "");
    cnn_rows_number(rows, known ? prediction->probability : NAN);
    cnn_rows_text(rows, known ? "ok" : prediction ? prediction->reason : reason);
}

/* path: NULL if there is no picture. */
static void add_picture(cnn_rows *rows, const char *path) {
    if (path) {
        cnn_rows_path(rows, path);
    } else {
        cnn_rows_text(rows, "");
    }
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
    const char *names[CHUNK];    /* the same as given */
    size_t readable_count;
    cnn_prediction predictions[CHUNK]; /* [readable_count] */
    char *pictures[CHUNK];             /* [readable_count]: paths, with --explain */
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
            chunk->names[chunk->readable_count] = input->path;
            chunk->readable[chunk->readable_count++] = input->found ? input->found : input->path;
        }
    }
    return CNN_OK;
}

static void empty(input_chunk *chunk) {
    for (size_t i = 0; i < chunk->count; i++) {
        cnn_input_free(&chunk->inputs[i]);
    }
    for (size_t i = 0; i < chunk->readable_count; i++) {
        free(chunk->pictures[i]);
        chunk->pictures[i] = NULL;
    }
    chunk->count = chunk->readable_count = 0;
}

/* What works on the inputs. */
typedef struct work {
    const predict_command *command;
    cnn_predictor *predictor;
    cnn_pictures *pictures; /* NULL: none are made */
    cnn_inputs *inputs;
    input_chunk *chunk;
    cnn_rows *rows;
    size_t failed; /* inputs without a probability */
} work;

static cnn_status predict_chunk(work *w, cnn_error *error) {
    input_chunk *chunk = w->chunk;
    return w->pictures ? cnn_pictures_predict(w->pictures, chunk->readable, chunk->names,
                                              chunk->readable_count, chunk->predictions,
                                              chunk->pictures, error)
                       : cnn_predict_files(w->predictor, chunk->readable, chunk->readable_count,
                                           w->command->shared.threads, chunk->predictions, error);
}

/* Predicts and prints the chunk. */
static cnn_status print_chunk(work *w, cnn_error *error) {
    input_chunk *chunk = w->chunk;
    float threshold = w->command->threshold >= 0.0 ? (float)w->command->threshold
                                                   : cnn_predictor_threshold(w->predictor);
    CNN_TRY(predict_chunk(w, error));
    size_t next = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        const cnn_input *input = &chunk->inputs[i];
        const cnn_prediction *prediction =
            input->kind == CNN_INPUT_PATH ? &chunk->predictions[next] : NULL;
        const bool second = prediction && prediction->probability >= threshold;
        add_row(w->rows, input->path, cnn_predictor_class(w->predictor, second), prediction,
                input->reason);
        if (w->pictures) {
            add_picture(w->rows, prediction ? chunk->pictures[next] : NULL);
        }
        next += prediction != NULL;
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

/* Loads the model, and predicts. */
static cnn_status run(work *w, cnn_error *error) {
    const predict_command *command = w->command;
    CNN_TRY(cnn_predictor_load(command->paths[0], &w->predictor, error));
    cnn_predictor_limit_pixels(w->predictor, command->max_megapixels, "--max-megapixels");
    if (w->pictures) {
        CNN_TRY(cnn_pictures_prepare(w->pictures, w->predictor, command->method,
                                     command->shared.threads, error));
    }
    w->inputs = cnn_inputs_create(command->paths + 1, command->path_count - 1);
    w->chunk = calloc(1, sizeof *w->chunk);
    w->rows = cnn_rows_create(command->format, command->explain ? columns_explained : columns);
    return w->inputs && w->chunk && w->rows ? print_inputs(w, error)
                                            : cnn_fail_memory(error, "inputs");
}

/* What must be done while there are all rights and one thread; then run. */
static cnn_status start(work *w, cnn_error *error) {
    const predict_command *command = w->command;
    if (command->explain) {
        CNN_TRY(cnn_pictures_start(command->explain,
                                   command->no_sandbox ? NULL : cnn_sandbox_enter_writer,
                                   &w->pictures, error));
    }
    if (!command->no_sandbox) {
        CNN_TRY(cnn_sandbox_enter(w->pictures ? cnn_pictures_pipe(w->pictures) : -1, error));
    }
    return run(w, error);
}

static cnn_status predict(void *context, cnn_error *error) {
    const predict_command *command = context;
    if (command->path_count < 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected MODEL and at least one PATH (see --help)");
    }
    work w = {.command = command};
    const cnn_status status = start(&w, error);
    free(w.chunk);
    cnn_rows_free(w.rows);
    cnn_inputs_free(w.inputs);
    cnn_pictures_free(w.pictures);
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
