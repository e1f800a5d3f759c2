/* cnntrain: trains a small convolutional network that tells two kinds of image apart. */
#include "cnn/train.h"

#include "base/error.h"
#include "cli/cache_home.h"
#include "cli/png_file.h"
#include "cli/program.h"
#include "cli/progress.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the command line asks for. */
typedef struct train_command {
    cnn_shared_options shared;
    const char *config_path;
    const char *images;     /* what --init is to look at */
    const char **overrides; /* [argc] */
    size_t override_count;
    cnn_train_options train;
    bool verbose, no_cache;
    int shown; /* images on the sheet of --show-augmented */

    /* of the action at work */
    cnn_progress progress;
    char *cache;        /* the folder; NULL: none */
    cnn_config *config; /* NULL until it is loaded */
} train_command;

/* --- signals --- */

static atomic_bool stop_requested; /* lock-free: asked by all threads, set by a signal */

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof *stop_signals };

/* The first signal asks for a checkpoint, the second one ends the program at once. */
static void request_stop(int signal_number) {
    if (atomic_exchange(&stop_requested, true)) {
        _exit(128 + signal_number);
    }
}

static bool should_stop(void *user) {
    (void)user;
    return atomic_load(&stop_requested);
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        struct sigaction inherited;
        if (sigaction(stop_signals[i], NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN) {
            (void)sigaction(stop_signals[i], &action, NULL); /* nohup's SIG_IGN is kept */
        }
    }
}

/* --- actions --- */

/* Fills in where messages, progress and cached images go. */
static void start(train_command *command) {
    cnn_progress_start(&command->progress, "cnntrain", command->shared.quiet, command->verbose);
    command->cache = command->no_cache ? NULL : cnn_cache_home("cnntrain");
    command->train.cache_directory = command->cache;
    command->train.threads = command->shared.threads;
    command->train.log = (cnn_log_sink){.write = cnn_progress_log, .user = &command->progress};
    command->train.progress = cnn_progress_show;
    command->train.should_stop = should_stop;
    command->train.user = &command->progress;
}

/* Loads the config. option: the one that asked for the action, where it does not go with --folds.
 */
static cnn_status load(train_command *command, const char *option, cnn_error *error) {
    if (!command->config_path) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--config: missing; expected --config FILE (see --help)");
    }
    if (command->train.resume && command->train.overwrite) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "expected one of --resume and --overwrite, got both");
    }
    if (command->train.folds > 0 && option) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected one of --folds and --%s, got both",
                        option);
    }
    start(command);
    return cnn_config_load(command->config_path, command->overrides, command->override_count,
                           &command->config, error);
}

/* Prints a text of the library's and frees it, if there is one; status: of the call that made it.
 */
static cnn_status print_text(cnn_status status, char **text, cnn_error *error) {
    if (!*text) {
        return status != CNN_OK ? status : cnn_fail(error, CNN_ERROR_RUNTIME, "out of memory");
    }
    cnn_error unprinted;
    cnn_status printed = cnn_print_results(*text, strlen(*text), &unprinted);
    printed = printed == CNN_OK ? cnn_flush_results(&unprinted) : printed;
    cnn_text_release(*text);
    if (printed != CNN_OK) { /* whatever the text reports, nobody can read it */
        *error = unprinted;
        return printed;
    }
    return status;
}

static cnn_status train(void *context, cnn_error *error) {
    train_command *command = context;
    CNN_TRY(load(command, NULL, error));
    catch_signals();
    const cnn_status status = command->train.folds > 0
                                  ? cnn_cross_validate(command->config, &command->train, error)
                                  : cnn_train(command->config, &command->train, error);
    cnn_progress_clear(&command->progress);
    return status;
}

/* Prints a config for the images in a folder, which are all that it is made from. */
static cnn_status init(void *context, cnn_error *error) {
    train_command *command = context;
    const char *config = command->config_path;
    const char *override = command->override_count > 0 ? command->overrides[0] : NULL;
    if (config || override || command->train.folds > 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--init: expected no %s beside it, got %s",
                        config     ? "--config"
                        : override ? "KEY=VALUE"
                                   : "--folds",
                        config     ? config
                        : override ? override
                                   : "one");
    }
    start(command);
    catch_signals();
    char *json = NULL;
    return print_text(cnn_init(command->images, &command->train, &json, error), &json, error);
}

static cnn_status dry_run(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    CNN_TRY(load(command, NULL, error));
    return print_text(cnn_dry_run(command->config, &command->train, &text, error), &text, error);
}

static cnn_status check_data(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    CNN_TRY(load(command, "check-data", error));
    return print_text(cnn_check_data(command->config, &command->train, &text, error), &text, error);
}

static cnn_status check_gradients(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    CNN_TRY(load(command, "check-gradients", error));
    return print_text(cnn_check_gradients(command->config, &command->train, &text, error), &text,
                      error);
}

static cnn_status trace(void *context, cnn_error *error) {
    train_command *command = context;
    char *json = NULL;
    CNN_TRY(load(command, "trace", error));
    return print_text(cnn_trace(command->config, &command->train, &json, error), &json, error);
}

static cnn_status write_sheet(const cnn_augmented_sheet *sheet, cnn_error *error) {
    CNN_TRY(cnn_png_write(sheet->path, sheet->channels, sheet->height, sheet->width, sheet->pixels,
                          error));
    CNN_TRY(cnn_print_results(sheet->path, strlen(sheet->path), error));
    return cnn_print_results("\n", 1, error);
}

/* Writes the contact sheet and prints its path. */
static cnn_status show_augmented(void *context, cnn_error *error) {
    train_command *command = context;
    cnn_augmented_sheet sheet;
    CNN_TRY(load(command, "show-augmented", error));
    CNN_TRY(cnn_show_augmented(command->config, &command->train, command->shown, &sheet, error));
    const cnn_status status = write_sheet(&sheet, error);
    cnn_augmented_sheet_free(&sheet);
    return status;
}

static cnn_status print_config(void *context, cnn_error *error) {
    train_command *command = context;
    CNN_TRY(load(command, "print-config", error));
    char *json = cnn_config_to_json(command->config);
    CNN_TRY(print_text(CNN_OK, &json, error));
    return cnn_print_results("\n", 1, error);
}

static cnn_status help_config(void *context, cnn_error *error) {
    (void)context;
    char *text = cnn_config_help();
    return print_text(CNN_OK, &text, error);
}

static cnn_status schema(void *context, cnn_error *error) {
    (void)context;
    char *text = cnn_config_schema();
    return print_text(CNN_OK, &text, error);
}

/* --- the command line --- */

#define FIELD(field) .offset = offsetof(train_command, field)

static const cnn_option options[] = {
    {.name = "config",
     .letter = 'c',
     .argument = "FILE",
     .parse = cnn_option_text,
     FIELD(config_path),
     .help = "what to train on, and how (JSON)",
     .prose = "What to train on, and how: see {CONFIGURATION}."},
    {.name = "init",
     .argument = "DIR",
     .parse = cnn_option_text,
     FIELD(images),
     .action = init,
     .help = "look at the images in DIR, print a config for them; train nothing",
     .prose = "Look at all images in <dir> and print a config that trains on them as it stands; "
              "train and write nothing. See {A CONFIG FROM THE IMAGES}."},
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .parse = cnn_option_path,
     FIELD(train.output),
     .help = "the run directory; beats the config's \"output\"",
     .prose = "The run directory. Takes precedence over the config's `output`. It is made where it "
              "is missing. One that holds anything except a *data_report.csv* is refused unless "
              "`--resume` or `--overwrite` is given."},
    {.name = "resume",
     FIELD(train.resume),
     .help = "go on with the run in the directory, or start one",
     .prose = "Go on from the checkpoint in the run directory, or start where there is none. A "
              "directory that holds other files, and no run, is refused. A run that is finished is "
              "left as it is, and the exit status is 0. Config and data must be those of the run, "
              "and a message names the first difference; {CONFIGURATION} says which keys a resumed "
              "run may change. `train.epochs` may not be below the number of epochs that are "
              "finished. A directory in which another run is at work is refused."},
    {.name = "overwrite",
     FIELD(train.overwrite),
     .help = "start over in a directory that holds a run",
     .prose = "Start over in a directory that holds a run. The files of the earlier run are "
              "removed, others are left alone."},
    {.name = "max-seconds",
     .argument = "N",
     .parse = cnn_option_number,
     FIELD(train.max_seconds),
     .minimum = 1e-6,
     .maximum = 1e9,
     .help = "end in time, with all that a finished run leaves",
     .prose =
         "End in about <n> seconds, counted from the start of this command, and leave all that a "
         "finished run leaves, with exit status 0. Training ends after a batch (of a new run, not "
         "before the first one), so early that the remaining time is enough, by the speed so far, "
         "to measure the model; reading the images is not cut short. An epoch that was cut short "
         "gets its row in *metrics.csv* and may become *model.bin* like any other. `--resume` goes "
         "on from the batch where training ended, as if neither this nor the measuring had "
         "happened, and ends with the bytes of a run that was never cut short: what was kept of "
         "the cut epoch is discarded, and another `--max-seconds` counts anew. The learning rates "
         "of a schedule depend on `train.epochs`, not on time."},
    {.name = "folds",
     .argument = "K",
     .parse = cnn_option_integer,
     FIELD(train.folds),
     .minimum = 2,
     .maximum = 1000,
     .help = "cross-validation: K runs, each tested on its part of data.train",
     .prose =
         "Cross-validation with 2 to 1000 folds: see {CROSS-VALIDATION}. With `-n`: print what "
         "each fold trains on and is tested on."},
    {.name = "no-cache",
     FIELD(no_cache),
     .help = "neither use nor fill the cache of decoded images",
     .prose = "Neither use nor fill the cache of decoded images: see {THE CACHE}."},
    {.name = "cache-limit",
     .argument = "SIZE",
     .parse = cnn_option_size,
     FIELD(train.cache_limit),
     .help = "what the cache may take in all (default: 10G)",
     .prose = "What the files of the cache may take together, in the units of `--max-memory`. "
              "Default: 10G."},
    {.name = "dry-run",
     .letter = 'n',
     .action = dry_run,
     .help = "print layers, memory and data counts; train nothing",
     .prose = "Read the data and print the layers with their shapes, parameters and floating-point "
              "operations, the memory that training takes, and the number of images of each class. "
              "Train and write nothing."},
    {.name = "check-data",
     .action = check_data,
     .help = "report copies, bad images, shortcuts, …; train nothing",
     .prose = "Look at every image, in its file and against all others, and print a report; train "
              "nothing. See {CHECKING THE DATA}."},
    {.name = "check-gradients",
     .action = check_gradients,
     .help = "compare gradients with differences in double",
     .prose =
         "Compare the gradients of the config's network, on random images and weights, with "
         "central differences in double precision, and the kernels in single precision with "
         "the same equations in double. Prints a table; the exit status is 1 where an error is "
         "above its bound. Does not read the data."},
    {.name = "trace",
     .action = trace,
     .help = "print one batch's values and gradients as JSON",
     .prose =
         "Print the first batch's way through the network with its starting weights, and back, as "
         "JSON on standard output: the images' paths, every layer's values, the loss and every "
         "gradient. The k-th layer with weights has `wk` and `bk` and gives `Zk`; what follows it "
         "is `Ak` (relu, sigmoid) or `Pk` (maxpool), flatten gives `F`, and `X` are the images. Of "
         "two equal names, the second has an underscore and the layer's number after it. A `d` "
         "before a name is the gradient of the loss. Networks with `batchnorm`, whose values "
         "depend "
         "on the whole batch, are refused; `dropout` drops what it drops in the first step of "
         "training, and the gradient of a `residual` itself is the part that came through its "
         "layers."},
    {.name = "show-augmented",
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(shown),
     .minimum = 1,
     .maximum = 1000,
     .action = show_augmented,
     .help = "draw what the network sees of N images: augmented.png",
     .prose =
         "Draw what the keys `augment` of the config make of <n> training images (1 to 1000), "
         "chosen evenly, into the file *augmented.png* in the run directory, or in the current "
         "one where none is given, and print its path; train nothing. An image has a row: "
         "first as the network sees it unchanged, then as it does in epochs 1 to 7, the very "
         "pixels of training. Small images are drawn larger, by a whole factor. An older file "
         "of that name is replaced."},
    {.name = "print-config",
     .action = print_config,
     .help = "print the config with overrides and defaults filled in; train nothing",
     .prose =
         "Print the config as training would take it, as JSON: with every `KEY=VALUE` of the "
         "command line put in, and every default filled in. What is printed is a config of its "
         "own. Does not read the data."},
    {.name = "help-config",
     .action = help_config,
     .help = "explain every key of the config",
     .prose = "Explain every key of the config."},
    {.name = "schema",
     .action = schema,
     .help = "print the config's JSON Schema",
     .prose = "Print the config's JSON Schema, for editors."},
    {.name = "verbose",
     .letter = 'v',
     FIELD(verbose),
     .help = "more messages",
     .prose = "Print more messages."},
    {.name = NULL},
};

static cnn_status add_override(void *context, const char *value, cnn_error *error) {
    train_command *command = context;
    (void)error;
    command->overrides[command->override_count++] = value;
    return CNN_OK;
}

static const cnn_program program = {
    .name = "cnntrain",
    .usage = "usage: cnntrain --config FILE [KEY=VALUE ...] [OPTION ...]\n"
             "\n"
             "Trains a small convolutional network that tells two kinds of image apart, and\n"
             "writes its weights and everything about the run to a directory.\n"
             "\n"
             "  KEY=VALUE                 overrides a key of the config: train.epochs=3",
    .notes = "Exit codes: 0 done, 1 I/O or memory, 2 flags or config, 3 data, 4 model file,\n"
             "5 training diverged, 75 stopped by a signal after a checkpoint (use --resume).\n"
             "\n"
             "Decoded images are kept in $XDG_CACHE_HOME/cnntrain or ~/.cache/cnntrain, so that "
             "the\nnext run starts at once. It may be removed at any time.\n"
             "\n"
             "  cnntrain --init photos > cfg.json && cnntrain --config cfg.json\n"
             "  cnntrain --config configs/fashion.json\n"
             "  cnntrain --config configs/fashion.json train.learning_rate=0.05 --out runs/b\n"
             "  cnnpredict runs/b/model.bin image.png",
    .options = options,
    .shared = cnn_shared_rows,
    .argument = add_override,
    .work = train,
    .key_words = cnn_config_words,
    .key_reference = cnn_config_reference,
};

int main(int argc, char **argv) {
    train_command command = {0};
    command.overrides = calloc((size_t)argc + 1, sizeof *command.overrides);
    if (!command.overrides) {
        fputs("cnntrain: out of memory\n", stderr);
        return CNN_ERROR_RUNTIME;
    }
    const int code = cnn_program_main(&program, argc, argv, &command);
    cnn_config_free(command.config);
    free(command.cache);
    free(command.overrides);
    return code;
}
