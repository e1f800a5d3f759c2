/* cnnpredict: says what a model sees in images, a row an input. */
#include "cnn/predict.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/broken_pipe.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/rows.h"
#include "cli/sandbox.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT, THRESHOLD, THREADS, MAX_MEMORY, QUIET, NO_SANDBOX, HELP, VERSION };

static const cnn_option options[] = {
    [FORMAT] = {"format", 'f', "FORMAT", "tsv (default, no header), csv (with header) or jsonl"},
    [THRESHOLD] = {"threshold", 0, "T", "class 1 from this probability on (default: the model's)"},
    [THREADS] = {"threads", 't', "N", "threads (default: all processors)"},
    [MAX_MEMORY] = {"max-memory", 0, "SIZE", "fail rather than take more (default: all there is)"},
    [QUIET] = {"quiet", 'q', NULL, "errors only"},
    [NO_SANDBOX] = {"no-sandbox", 0, NULL, "keep all rights while reading (for debuggers)"},
    [HELP] = {"help", 'h', NULL, "print this"},
    [VERSION] = {"version", 'V', NULL, "print the version"},
    {0},
};

typedef struct predict_command {
    char **paths; /* [argc]: the model, then the inputs */
    size_t path_count;
    cnn_row_format format;
    double threshold; /* below 0: the model's */
    int threads;
    bool quiet, no_sandbox;
    uint64_t max_memory; /* bytes; 0: what there is */
    int action;          /* HELP or VERSION; -1: predict */
} predict_command;

static cnn_status handle(void *context, int option, const char *value, cnn_error *error) {
    predict_command *command = context;
    switch (option) {
    case FORMAT:
        for (int i = 0; cnn_row_format_names[i]; i++) {
            if (strcmp(value, cnn_row_format_names[i]) == 0) {
                command->format = (cnn_row_format)i;
                return CNN_OK;
            }
        }
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--format: expected tsv, csv or jsonl, got \"%.60s\"", value);
    case THRESHOLD:
        return cnn_option_number("threshold", value, 0.0, 1.0, &command->threshold, error);
    case THREADS:
        return cnn_option_integer("threads", value, 1, 1024, &command->threads, error);
    case MAX_MEMORY:
        return cnn_option_size("max-memory", value, &command->max_memory, error);
    case QUIET:
        command->quiet = true;
        break;
    case NO_SANDBOX:
        command->no_sandbox = true;
        break;
    case HELP:
    case VERSION:
        command->action = option;
        break;
    default:
        if (*value) { /* an empty one gets its row */
            CNN_TRY(cnn_option_path(command->path_count == 0 ? "MODEL" : "PATH", value, error));
        }
        command->paths[command->path_count] = cnn_copy_string(value);
        if (!command->paths[command->path_count]) {
            return cnn_fail_memory(error, "the command line");
        }
        command->path_count++;
        break;
    }
    return CNN_OK;
}

static void print_help(void) {
    puts("usage: cnnpredict MODEL PATH ... [OPTION ...]\n"
         "\n"
         "Says what a model of cnntrain sees in images. PATH is an image, a folder (all\n"
         "files below it, in sorted order), or - (paths from standard input, one a line).\n"
         "\n"
         "Prints a row an input: path, label, probability of the second class, and \"ok\" or\n"
         "the reason why there is none.\n");
    cnn_options_print(options);
    puts("\n"
         "Exit codes: 0 done, 1 I/O or memory, 2 flags, 4 model missing or damaged,\n"
         "6 some inputs failed (their rows say why).\n"
         "\n"
         "  cnnpredict runs/fashion/model.bin image.png\n"
         "  find photos -type f -newer stamp | cnnpredict model.bin - --format csv > new.csv");
}

/* --- rows --- */

static void add_row(cnn_text *rows, cnn_row_format format, const char *path, const char *label,
                    const cnn_prediction *prediction) {
    bool known = prediction->status == CNN_OK;
    cnn_row row;
    cnn_row_begin(&row, rows, format);
    cnn_row_text(&row, "path", path);
    cnn_row_text(&row, "label", known ? label : "");
    cnn_row_number(&row, "probability", known ? prediction->probability : NAN);
    cnn_row_text(&row, "status", known ? "ok" : prediction->reason);
    cnn_row_end(&row);
}

/* --- inputs to rows --- */

/* Inputs that are decoded and printed together. */
enum { CHUNK = 512 };

typedef struct input_chunk {
    size_t count;
    char *path[CHUNK];
    const char *readable[CHUNK]; /* the paths to predict, in order */
    size_t readable_count;
    char reason[CHUNK][256]; /* not empty: a folder that gave no files */
    cnn_prediction predictions[CHUNK];
} input_chunk;

/* Takes inputs until the chunk is full or there is nothing to take without waiting. */
static cnn_status collect(cnn_inputs *inputs, input_chunk *chunk, bool *end, cnn_error *error) {
    while (chunk->count < CHUNK) {
        cnn_input_kind kind;
        char *path;
        const char *reason;
        cnn_status status =
            cnn_inputs_next(inputs, chunk->count == 0, &kind, &path, &reason, error);
        if (status != CNN_OK) {
            return status;
        }
        if (kind == CNN_INPUT_WAITING || kind == CNN_INPUT_END) {
            *end = kind == CNN_INPUT_END;
            return CNN_OK;
        }
        size_t i = chunk->count++;
        chunk->path[i] = path;
        chunk->reason[i][0] = '\0';
        if (kind == CNN_INPUT_FAILED) {
            (void)snprintf(chunk->reason[i], sizeof chunk->reason[i], "%.255s", reason);
        } else {
            chunk->readable[chunk->readable_count++] = path;
        }
    }
    return CNN_OK;
}

/* Predicts and prints a chunk, empties it, and counts the inputs that failed. */
static cnn_status print_chunk(const predict_command *command, const cnn_predictor *predictor,
                              input_chunk *chunk, size_t *failed, cnn_error *error) {
    cnn_status status = cnn_predict_files(predictor, chunk->readable, chunk->readable_count,
                                          command->threads, chunk->predictions, error);
    float threshold =
        command->threshold >= 0.0 ? (float)command->threshold : cnn_predictor_threshold(predictor);
    cnn_text rows = {0};
    size_t next = 0;
    for (size_t i = 0; i < chunk->count && status == CNN_OK; i++) {
        cnn_prediction unread = {.status = CNN_ERROR_DATA};
        memcpy(unread.reason, chunk->reason[i], sizeof unread.reason);
        const cnn_prediction *prediction =
            chunk->reason[i][0] ? &unread : &chunk->predictions[next++];
        bool second = prediction->probability >= threshold;
        add_row(&rows, command->format, chunk->path[i], cnn_predictor_class(predictor, second),
                prediction);
        *failed += prediction->status != CNN_OK;
    }
    if (status == CNN_OK && rows.failed) {
        status = cnn_fail_memory(error, "the rows");
    }
    if (status == CNN_OK && rows.length > 0) {
        status = cnn_print_results(rows.data, rows.length, error);
        status = status == CNN_OK ? cnn_flush_results(error) : status;
    }
    for (size_t i = 0; i < chunk->count; i++) {
        cnn_free(chunk->path[i]);
    }
    chunk->count = chunk->readable_count = 0;
    cnn_text_free(&rows);
    return status;
}

static cnn_status predict(const predict_command *command, cnn_error *error) {
    if (command->path_count < 2) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected MODEL and at least one PATH (see --help)");
    }
    cnn_predictor *predictor;
    cnn_status status = command->no_sandbox ? CNN_OK : cnn_sandbox_enter(error);
    if (status == CNN_OK) {
        status = cnn_predictor_load(command->paths[0], &predictor, error);
    }
    if (status != CNN_OK) {
        return status;
    }
    cnn_inputs *inputs = cnn_inputs_create(command->paths + 1, command->path_count - 1);
    input_chunk *chunk = cnn_alloc(1, sizeof *chunk);
    if (!inputs || !chunk) {
        status = cnn_fail_memory(error, "inputs");
    }
    if (status == CNN_OK && command->format == CNN_ROWS_CSV) {
        static const char header[] = "path,label,probability,status\n";
        status = cnn_print_results(header, sizeof header - 1, error);
    }
    size_t failed = 0;
    bool end = false;
    while (status == CNN_OK && !end) {
        status = collect(inputs, chunk, &end, error);
        cnn_error ignored; /* the first error is the one to tell */
        cnn_status printed =
            print_chunk(command, predictor, chunk, &failed, status == CNN_OK ? error : &ignored);
        status = status == CNN_OK ? printed : status;
    }
    for (size_t i = 0; chunk && i < chunk->count; i++) {
        cnn_free(chunk->path[i]);
    }
    cnn_free(chunk);
    cnn_inputs_free(inputs);
    cnn_predictor_free(predictor);
    if (status == CNN_OK && failed > 0) {
        return cnn_fail(error, CNN_ERROR_INPUTS, "%zu %s failed; the rows say why", failed,
                        failed == 1 ? "input" : "inputs");
    }
    return status;
}

int main(int argc, char **argv) {
    cnn_error error = {0};
    cnn_broken_pipe_ignore();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error of the write, not the end */
    predict_command command = {.action = -1, .threshold = -1.0};
    command.paths = cnn_alloc((size_t)argc + 1, sizeof *command.paths);
    cnn_status status = command.paths
                            ? cnn_options_parse(options, argc, argv, handle, &command, &error)
                            : cnn_fail_memory(&error, "the command line");
    cnn_option_limit_memory(command.max_memory);
    if (status == CNN_OK && command.action == HELP) {
        print_help();
    } else if (status == CNN_OK && command.action == VERSION) {
        puts("cnnpredict " CNN_VERSION);
    } else if (status == CNN_OK) {
        status = predict(&command, &error);
    }
    for (size_t i = 0; i < command.path_count; i++) {
        cnn_free(command.paths[i]);
    }
    cnn_free(command.paths);
    if (status == CNN_OK) {
        status = cnn_flush_results(&error);
    }
    if (status != CNN_OK && !(status == CNN_ERROR_INPUTS && command.quiet)) {
        fprintf(stderr, "cnnpredict: %s\n", error.message);
    }
    return (int)status;
}
