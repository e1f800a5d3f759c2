/* cnntrain: trains a small convolutional network that tells two kinds of image apart. */
#include "cnn/train.h"

#include "cli/cache_home.h"
#include "cli/png_file.h"
#include "cli/program.h"
#include "cli/progress.h"

#include "cnn/error.h"
#include "cnn/inspect.h"
#include "cnn/report.h"
#include "cnn/tensorboard.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The settings from the command line. */
typedef struct train_command {
    cnn_shared_options shared;
    const char *config_path;
    const char *images;     /* what --init examines */
    const char *pretrained; /* the network that its config starts from; NULL: none */
    double minutes;         /* the time that its config allows; 0: any */
    const char **overrides; /* [argc] */
    size_t override_count;
    cnn_cross_validation_options run; /* folds is 0 for a plain run */
    bool verbose, no_cache, no_report, with_tensorboard;
    int shown; /* images on the sheet of --show-augmented */

    /* of the current action */
    cnn_progress progress;
    char *cache;                  /* the folder; NULL: none */
    cnn_config *config;           /* NULL until it is loaded */
    cnn_tensorboard *tensorboard; /* NULL: no event files, or they could not be written */
} train_command;

/* --- signals --- */

static atomic_bool stop_requested; /* lock-free: set by a signal handler, read by all threads */

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof *stop_signals };

/* The first signal requests a checkpoint, the second one ends the program at once. */
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

/* --- events of training; user is the command --- */

static void show_reading(void *user, size_t done, size_t count) {
    train_command *command = user;
    cnn_progress_reading(&command->progress, done, count);
}

static void show_progress(void *user, const cnn_train_progress *state) {
    train_command *command = user;
    cnn_progress_show(&command->progress, state);
}

/* Event files come second: a run does not fail because of them. */
static void give_up_tensorboard(train_command *command, const cnn_error *reason) {
    cnn_tensorboard_free(command->tensorboard);
    command->tensorboard = NULL;
    char line[sizeof reason->message + 64];
    (void)snprintf(line, sizeof line, "%s; no more events are written", reason->message);
    cnn_progress_log(&command->progress, CNN_LOG_WARNING, line);
}

static void end_epoch(void *user, const cnn_train_epoch *epoch) {
    train_command *command = user;
    cnn_error error;
    cnn_progress_epoch(&command->progress, epoch);
    if (command->tensorboard &&
        cnn_tensorboard_epoch(command->tensorboard, epoch, &error) != CNN_OK) {
        give_up_tensorboard(command, &error);
    }
}

/* --- actions --- */

/* Sets up messages, progress and the cache. */
static void start(train_command *command) {
    cnn_progress_start(&command->progress, "cnntrain", command->shared.quiet, command->verbose);
    command->cache = command->no_cache ? NULL : cnn_cache_home("cnntrain");
    cnn_common_options *common = &command->run.train.common;
    common->cache_directory = command->cache;
    common->threads = command->shared.threads;
    common->log = (cnn_log_sink){.write = cnn_progress_log, .user = &command->progress};
    common->should_stop = should_stop;
    common->reading = show_reading;
    common->user = command;
    command->run.train.progress = show_progress;
    command->run.train.epoch = end_epoch;
}

/* Checks for options that exclude each other, and options that need another. action: the option
 * that selected the action; NULL if none did. */
static cnn_status check_options(const train_command *command, const char *action,
                                cnn_error *error) {
    const cnn_cross_validation_options *run = &command->run;
    const cnn_train_options *train = &run->train;
    const bool member = run->member > 0;
    const struct {
        bool both;
        const char *one, *other;
    } conflicts[] = {
        {train->resume && train->overwrite, "resume", "overwrite"},
        {run->folds > 0 && action && strcmp(action, "dry-run") != 0, "folds", action},
        {member && action, "member", action},
        {run->gather && action, "gather", action},
        {run->gather && member, "gather", "member"},
        {run->gather && train->resume, "gather", "resume"},
        {run->gather && train->overwrite, "gather", "overwrite"},
        {run->gather && train->max_seconds > 0.0, "gather", "max-seconds"},
    };
    if (command->pretrained && !(action && strcmp(action, "init") == 0)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--pretrained: expected --init DIR beside it; a config names the file as "
                        "pretrained.file");
    }
    if (command->minutes > 0.0 && !(action && strcmp(action, "init") == 0)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--minutes: expected --init DIR beside it; for a config, set "
                        "train.minutes=%g",
                        command->minutes);
    }
    if ((member || run->gather) && run->folds == 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--%s: expected --folds K beside it",
                        member ? "member" : "gather");
    }
    for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++) {
        if (conflicts[i].both) {
            return cnn_fail(error, CNN_ERROR_CONFIG, "expected one of --%s and --%s, got both",
                            conflicts[i].one, conflicts[i].other);
        }
    }
    return run->member <= run->folds
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_CONFIG,
                          "--member: expected an integer from 1 to %d (--folds), got %d",
                          run->folds, run->member);
}

/* Loads the config. action: as for check_options. */
static cnn_status load(train_command *command, const char *action, cnn_error *error) {
    if (!command->config_path) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--config: missing; expected --config FILE (see --help)");
    }
    CNN_TRY(check_options(command, action, error));
    start(command);
    return cnn_config_load(command->config_path, command->overrides, command->override_count,
                           &command->config, error);
}

/* Prints a text from the library, if there is one, and frees it. status: that of the call that made
 * the text. */
static cnn_status print_text(cnn_status status, char **text, cnn_error *error) {
    if (!*text) {
        return status != CNN_OK ? status : cnn_fail(error, CNN_ERROR_RUNTIME, "out of memory");
    }
    cnn_error unprinted;
    cnn_status printed = cnn_print_results(*text, strlen(*text), &unprinted);
    printed = printed == CNN_OK ? cnn_flush_results(&unprinted) : printed;
    cnn_text_release(*text);
    if (printed != CNN_OK) { /* the text could not be printed */
        *error = unprinted;
        return printed;
    }
    return status;
}

/* Makes the report of a run that has finished. A failure is no failure of the run. */
static cnn_status report(train_command *command, cnn_error *error) {
    const cnn_cross_validation_options *run = &command->run;
    const cnn_report_options wanted = {.common = run->train.common,
                                       .output = run->train.output,
                                       .folds = run->folds,
                                       .member = run->member};
    const cnn_status status = cnn_report_make(command->config, &wanted, error);
    if (status == CNN_OK || status == CNN_STOPPED) {
        return status;
    }
    char line[sizeof error->message + 64];
    (void)snprintf(line, sizeof line, "the run is finished, but has no report: %s", error->message);
    cnn_progress_log(&command->progress, CNN_LOG_WARNING, line);
    return CNN_OK;
}

static cnn_status train(void *context, cnn_error *error) {
    train_command *command = context;
    CNN_TRY(load(command, NULL, error));
    if (command->with_tensorboard) {
        CNN_TRY(cnn_tensorboard_create(&command->tensorboard, error));
    }
    catch_signals();
    const cnn_status status = command->run.folds > 0
                                  ? cnn_cross_validate(command->config, &command->run, error)
                                  : cnn_train(command->config, &command->run.train, error);
    cnn_progress_clear(&command->progress);
    if (status == CNN_OK && command->tensorboard) {
        cnn_error reason;
        if (cnn_tensorboard_finish(command->tensorboard, &reason) != CNN_OK) {
            give_up_tensorboard(command, &reason);
        }
    }
    return status == CNN_OK && !command->no_report ? report(command, error) : status;
}

/* Prints a config for the images in a folder. */
static cnn_status init(void *context, cnn_error *error) {
    train_command *command = context;
    const char *config = command->config_path;
    const char *override = command->override_count > 0 ? command->overrides[0] : NULL;
    if (config || override || command->run.folds > 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--init: expected no %s beside it, got %s",
                        config     ? "--config"
                        : override ? "KEY=VALUE"
                                   : "--folds",
                        config     ? config
                        : override ? override
                                   : "one");
    }
    CNN_TRY(check_options(command, "init", error));
    start(command);
    catch_signals();
    const cnn_init_options wanted = {.common = command->run.train.common,
                                     .output = command->run.train.output,
                                     .pretrained = command->pretrained,
                                     .minutes = command->minutes};
    char *json = NULL;
    return print_text(cnn_init(command->images, &wanted, &json, error), &json, error);
}

static cnn_status dry_run(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    CNN_TRY(load(command, "dry-run", error));
    const cnn_dry_run_options wanted = {.common = command->run.train.common,
                                        .folds = command->run.folds};
    return print_text(cnn_dry_run(command->config, &wanted, &text, error), &text, error);
}

static cnn_status check_data(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    CNN_TRY(load(command, "check-data", error));
    const cnn_check_data_options wanted = {.common = command->run.train.common,
                                           .output = command->run.train.output};
    return print_text(cnn_check_data(command->config, &wanted, &text, error), &text, error);
}

static cnn_status check_gradients(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    CNN_TRY(load(command, "check-gradients", error));
    return print_text(cnn_check_gradients(command->config, &text, error), &text, error);
}

static cnn_status trace(void *context, cnn_error *error) {
    train_command *command = context;
    char *json = NULL;
    CNN_TRY(load(command, "trace", error));
    return print_text(cnn_trace(command->config, &command->run.train.common, &json, error), &json,
                      error);
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
    const cnn_augmented_sheet_options wanted = {.common = command->run.train.common,
                                                .output = command->run.train.output,
                                                .images = command->shown};
    CNN_TRY(cnn_show_augmented(command->config, &wanted, &sheet, error));
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
     .parse = cnn_option_path,
     FIELD(config_path),
     .help = "the config: data, network and training (JSON)",
     .prose = "The config, which describes the data, the network and the training: see "
              "{CONFIGURATION}."},
    {.name = "init",
     .argument = "DIR",
     .parse = cnn_option_path,
     FIELD(images),
     .action = init,
     .help = "examine the images in DIR and print a config for them",
     .prose = "Examine all images in <directory> and print a complete config for them. Nothing is "
              "trained or written. See {A CONFIG FROM THE IMAGES}."},
    {.name = "pretrained",
     .argument = "FILE",
     .parse = cnn_option_path,
     FIELD(pretrained),
     .help = "with --init: a config that starts from a trained network",
     .prose = "With `--init`: print a config that starts from the trained network in <file>, for "
              "which few photographs are enough: what `data/pretrained.sh` writes, or any "
              "*model.bin*. See {A CONFIG FROM THE IMAGES}."},
    {.name = "minutes",
     .argument = "M",
     .parse = cnn_option_number,
     FIELD(minutes),
     .minimum = 1e-3,
     .maximum = 1e6,
     .help = "with --init: a config whose run takes at most M minutes",
     .prose = "With `--init`: print a config whose run takes at most <m> minutes, on any machine "
              "that it is run on: the key `train.minutes`."},
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .parse = cnn_option_path,
     FIELD(run.train.output),
     .help = "the run directory; replaces the config's \"output\"",
     .prose = "The run directory. Takes precedence over the key `output` of the config. It is "
              "created if it is missing. A directory that contains anything but *data_report.csv* "
              "is refused unless `--resume` or `--overwrite` is given."},
    {.name = "resume",
     FIELD(run.train.resume),
     .help = "continue the run in the directory, or start one",
     .prose =
         "Continue from the checkpoint in the run directory, or start a run if there is none. A "
         "directory that contains other files, and no run, is refused. A finished run is left "
         "unchanged, and the exit status is 0. Config and images must be those of the run; if not, "
         "a message names the first difference. The images may be at other paths than before and "
         "have other names: `data.train`, `data.test` and a path in `data.validation` may differ. "
         "The images are compared by their content, label and split (in a cross-validation: their "
         "fold). The rest of the run gives the same bytes as if they had not moved: if the new "
         "names sort differently, the run keeps the order in *split.csv*. The new paths are "
         "written to *split.csv*, *predictions.csv* and *test_predictions.csv*. Images that are "
         "missing, were added, were "
         "changed, or have another label or split are refused, and so is a renamed class. "
         "{CONFIGURATION} says which keys a resumed run may change; `train.epochs` may not be less "
         "than the number of finished epochs. A directory in use by another run is refused."},
    {.name = "overwrite",
     FIELD(run.train.overwrite),
     .help = "start over in a directory that contains a run",
     .prose = "Start over in a directory that contains a run. The files of the earlier run are "
              "removed; other files are left unchanged. *config.json* is replaced in one step; if "
              "it is the file named by `--config` and its text would change, the run is refused."},
    {.name = "tensorboard",
     FIELD(with_tensorboard),
     .help = "also write the file from which TensorBoard shows the run",
     .prose =
         "Also write *events.out.tfevents.cnntrain* to the run directory, from which "
         "TensorBoard shows the run while it trains: loss, accuracy and AUC, learning rate and "
         "seconds of each epoch, and, at the end, the config and pictures of mistakes. A resumed "
         "run continues the file. "
         "If the file cannot be written, a warning says why, and the run continues without "
         "it. Refused by a program that was built without protobuf-c."},
    {.name = "max-seconds",
     .argument = "N",
     .parse = cnn_option_number,
     FIELD(run.train.max_seconds),
     .minimum = 1e-6,
     .maximum = 1e9,
     .help = "end after N seconds, with all files of a finished run",
     .prose = "End after about <n> seconds, counted from the start of this command, with all files "
              "of a finished run and exit status 0. Training ends after a batch (in a new run, "
              "after the first batch at the earliest), early enough, at the speed so far, to "
              "measure the model in the remaining time. Reading the images is not cut short. An "
              "epoch that was cut short gets a row in *metrics.csv* and may become *model.bin*, "
              "like any other. `--resume` continues from the batch at which training ended, and "
              "ends with the bytes of a run that was never cut short: the row and the models of "
              "the shortened epoch are discarded. Each command counts its own time. The learning "
              "rates of a schedule depend on `train.epochs`, not on time."},
    {.name = "folds",
     .argument = "K",
     .parse = cnn_option_integer,
     FIELD(run.folds),
     .minimum = 2,
     .maximum = 1000,
     .help = "cross-validation: K runs, each tested on its part of data.train",
     .prose = "Cross-validation with 2 to 1000 folds: see {CROSS-VALIDATION}. With `-n`: print "
              "what each fold trains on and is tested on."},
    {.name = "member",
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(run.member),
     .minimum = 1,
     .maximum = 1000,
     .help = "with --folds: train only fold N",
     .prose = "With `--folds` <k>: train only fold <n>, 1 to <k>. Other processes, also on other "
              "machines with access to the run directory, may train other folds at the same time: "
              "see {CROSS-VALIDATION}."},
    {.name = "gather",
     FIELD(run.gather),
     .help = "with --folds: put the results of all folds together",
     .prose = "With `--folds` <k>: train nothing; put the results of all folds together."},
    {.name = "no-report",
     FIELD(no_report),
     .help = "do not make report.html",
     .prose = "Do not make *report.html*: see {THE REPORT}."},
    {.name = "no-cache",
     FIELD(no_cache),
     .help = "do not use the cache of decoded images",
     .prose = "Do not use the cache of decoded images: see {THE CACHE}."},
    {.name = "cache-limit",
     .argument = "SIZE",
     .parse = cnn_option_size,
     FIELD(run.train.common.cache_limit),
     .help = "limit for the size of the cache (default: 10G)",
     .prose = "The limit for the total size of the files in the cache, in the units of "
              "`--max-memory`. Default: 10G."},
    {.name = "dry-run",
     .letter = 'n',
     .action = dry_run,
     .help = "print layers, memory and data counts; train nothing",
     .prose = "Read the data and print the layers with their shapes, parameters and floating-point "
              "operations, the memory that training needs, and the number of images of each class. "
              "Nothing is trained or written."},
    {.name = "check-data",
     .action = check_data,
     .help = "report copies, bad images, shortcuts, …; train nothing",
     .prose = "Examine every image, by itself and compared with all others, and print a report. "
              "Nothing is trained. See {CHECKING THE DATA}."},
    {.name = "check-gradients",
     .action = check_gradients,
     .help = "compare gradients with differences in double",
     .prose = "Compare the gradients of the config's network, on random images and weights, with "
              "central differences in double precision, and the kernels in single precision with "
              "the same equations in double. Prints a table; the exit status is 1 if an error "
              "exceeds its bound. The data is not read."},
    {.name = "trace",
     .action = trace,
     .help = "print the values and gradients of one batch as JSON",
     .prose = "Print, as JSON on standard output, how the first batch passes through the network "
              "with its starting weights, and back: the paths of the images, the values of every "
              "layer, the loss and every gradient. The k-th layer with weights has the parameters "
              "`wk` and `bk` (`batchnorm` also the running averages `running_meank` and "
              "`running_vark`) and the output `Zk`. The layers after it have the outputs `Pk` "
              "(pooling), `F` (flatten) or `Ak` (all others, and the sum of a residual); `X` are "
              "the images. If a name is already used, an underscore and the number of the layer "
              "are appended. A name with the prefix `d` is the gradient of the loss. `dropout` "
              "drops the same values as in the first step of training."},
    {.name = "show-augmented",
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(shown),
     .minimum = 1,
     .maximum = 1000,
     .action = show_augmented,
     .help = "draw N images as augmentation changes them: augmented.png",
     .prose = "Draw <n> training images (1 to 1000), chosen evenly, as the keys `augment` of the "
              "config change them, into the file *augmented.png* in the run directory, or in the "
              "current directory if none is given, and print its path. Nothing is trained. Each "
              "image has a row: first unchanged, then as in epochs 1 to 7, with exactly the pixels "
              "of training. Small images are enlarged by an integer factor. An existing file of "
              "that name is replaced."},
    {.name = "print-config",
     .action = print_config,
     .help = "print the config with overrides and defaults; train nothing",
     .prose =
         "Print the config that training would use, as JSON, with every `KEY=VALUE` of the command "
         "line and every default filled in. The output is a valid config. The data is not read."},
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
     .prose = "More messages."},
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
             "  cnntrain --config configs/fashion.json train.learning_rate=0.05 --out runs/b",
    .options = options,
    .shared = cnn_shared_rows,
    .argument = add_override,
    .work = train,
    .key_words = cnn_config_words,
    .key_reference = cnn_config_reference,
    .key_meant = cnn_config_key_meant,
};

int main(int argc, char **argv) {
    train_command command = {0};
    command.overrides = calloc((size_t)argc + 1, sizeof *command.overrides);
    if (!command.overrides) {
        fputs("cnntrain: out of memory\n", stderr);
        return CNN_ERROR_RUNTIME;
    }
    const int code = cnn_program_main(&program, argc, argv, &command);
    cnn_tensorboard_free(command.tensorboard);
    cnn_config_free(command.config);
    free(command.cache);
    free(command.overrides);
    return code;
}
