/* cnntrain: trains a small convolutional network that tells two kinds of image apart. */
#include "cnn/train.h"

#include "base/error.h"
#include "cli/broken_pipe.h"
#include "cli/cache_home.h"
#include "cli/options.h"
#include "cli/png_file.h"
#include "cli/progress.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONFIG,
    INIT,
    OUT,
    RESUME,
    OVERWRITE,
    MAX_SECONDS,
    FOLDS,
    MEMBER,
    GATHER,
    THREADS,
    NO_CACHE,
    CACHE_LIMIT,
    MAX_MEMORY,
    DRY_RUN,
    CHECK_DATA,
    CHECK_GRADIENTS,
    TRACE,
    SHOW_AUGMENTED,
    QUIET,
    VERBOSE,
    HELP,
    HELP_CONFIG,
    SCHEMA,
    VERSION,
};

static const cnn_option options[] = {
    [CONFIG] = {"config", 'c', "FILE", "what to train on, and how (JSON)"},
    [INIT] = {"init", 0, "DIR",
              "look at the images in DIR, print a config for them; train nothing"},
    [OUT] = {"out", 'o', "DIR", "the run directory; beats the config's \"output\""},
    [RESUME] = {"resume", 0, NULL, "go on with the run in the directory, or start one"},
    [OVERWRITE] = {"overwrite", 0, NULL, "start over in a directory that holds a run"},
    [MAX_SECONDS] = {"max-seconds", 0, "N", "end in time, with all that a finished run leaves"},
    [FOLDS] = {"folds", 0, "K", "cross-validation: K runs, each tested on its part of data.train"},
    [MEMBER] = {"member", 0, "N", "with --folds: train fold N alone, others elsewhere or later"},
    [GATHER] = {"gather", 0, NULL, "with --folds: put the results of all folds together"},
    [THREADS] = {"threads", 't', "N", "threads (default: all processors); same bytes for any N"},
    [NO_CACHE] = {"no-cache", 0, NULL, "neither use nor fill the cache of decoded images"},
    [CACHE_LIMIT] = {"cache-limit", 0, "SIZE", "what the cache may take in all (default: 10G)"},
    [MAX_MEMORY] = {"max-memory", 0, "SIZE", "fail rather than take more (default: all there is)"},
    [DRY_RUN] = {"dry-run", 'n', NULL, "print layers, memory and data counts; train nothing"},
    [CHECK_DATA] = {"check-data", 0, NULL,
                    "report copies, bad images, shortcuts, …; train nothing"},
    [CHECK_GRADIENTS] = {"check-gradients", 0, NULL,
                         "compare gradients with differences in double"},
    [TRACE] = {"trace", 0, NULL, "print one batch's values and gradients as JSON"},
    [SHOW_AUGMENTED] = {"show-augmented", 0, "N",
                        "draw what the network sees of N images: augmented.png"},
    [QUIET] = {"quiet", 'q', NULL, "errors only"},
    [VERBOSE] = {"verbose", 'v', NULL, "more messages"},
    [HELP] = {"help", 'h', NULL, "print this"},
    [HELP_CONFIG] = {"help-config", 0, NULL, "explain every key of the config"},
    [SCHEMA] = {"schema", 0, NULL, "print the config's JSON Schema"},
    [VERSION] = {"version", 'V', NULL, "print the version"},
    {0},
};

/* What the command line asks for. */
typedef struct train_command {
    const char *config;
    const char *init;       /* what --init is to look at */
    const char **overrides; /* [argc] */
    size_t override_count;
    cnn_train_options train;
    bool quiet, verbose, no_cache;
    uint64_t max_memory; /* bytes; 0: what there is */
    int shown;           /* images on the sheet of --show-augmented */
    int action;          /* TRACE, DRY_RUN, …; -1: train */
} train_command;

/* Two of these at once would leave one undone. */
static cnn_status choose_action(train_command *command, int action, cnn_error *error) {
    if (command->action >= 0 && command->action != action) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected one of --%s and --%s, got both",
                        options[command->action].name, options[action].name);
    }
    command->action = action;
    return CNN_OK;
}

static cnn_status handle(void *context, int option, const char *value, cnn_error *error) {
    train_command *command = context;
    switch (option) {
    case CONFIG:
        command->config = value;
        return cnn_option_path("--config", value, error);
    case INIT:
        command->init = value;
        CNN_TRY(cnn_option_path("--init", value, error));
        return choose_action(command, option, error);
    case OUT:
        command->train.output = value;
        return cnn_option_path("--out", value, error);
    case RESUME:
        command->train.resume = true;
        break;
    case OVERWRITE:
        command->train.overwrite = true;
        break;
    case MAX_SECONDS:
        return cnn_option_number("max-seconds", value, 1e-6, 1e9, &command->train.max_seconds,
                                 error);
    case FOLDS:
        return cnn_option_integer("folds", value, 2, 1000, &command->train.folds, error);
    case MEMBER:
        return cnn_option_integer("member", value, 1, 1000, &command->train.member, error);
    case GATHER:
        command->train.gather = true;
        break;
    case THREADS:
        return cnn_option_integer("threads", value, 1, 1024, &command->train.threads, error);
    case NO_CACHE:
        command->no_cache = true;
        break;
    case CACHE_LIMIT:
        return cnn_option_size("cache-limit", value, &command->train.cache_limit, error);
    case MAX_MEMORY:
        return cnn_option_size("max-memory", value, &command->max_memory, error);
    case QUIET:
        command->quiet = true;
        break;
    case VERBOSE:
        command->verbose = true;
        break;
    case SHOW_AUGMENTED: {
        cnn_status status =
            cnn_option_integer("show-augmented", value, 1, 1000, &command->shown, error);
        return status == CNN_OK ? choose_action(command, option, error) : status;
    }
    case DRY_RUN:
    case CHECK_DATA:
    case CHECK_GRADIENTS:
    case TRACE:
    case HELP:
    case HELP_CONFIG:
    case SCHEMA:
    case VERSION:
        return choose_action(command, option, error);
    default:
        command->overrides[command->override_count++] = value;
        break;
    }
    return CNN_OK;
}

static void print_help(void) {
    puts("usage: cnntrain --config FILE [KEY=VALUE ...] [OPTION ...]\n"
         "\n"
         "Trains a small convolutional network that tells two kinds of image apart, and\n"
         "writes its weights and everything about the run to a directory.\n"
         "\n"
         "  KEY=VALUE                 overrides a key of the config: train.epochs=3");
    cnn_options_print(options);
    puts("\n"
         "Exit codes: 0 done, 1 I/O or memory, 2 flags or config, 3 data, 4 model file,\n"
         "5 training diverged, 75 stopped by a signal after a checkpoint (use --resume).\n"
         "\n"
         "Decoded images are kept in $XDG_CACHE_HOME/cnntrain or ~/.cache/cnntrain, so that the\n"
         "next run starts at once. It may be removed at any time.\n"
         "\n"
         "  cnntrain --init photos > cfg.json && cnntrain --config cfg.json\n"
         "  cnntrain --config configs/fashion.json\n"
         "  cnntrain --config configs/fashion.json train.learning_rate=0.05 --out runs/b\n"
         "  cnnpredict runs/b/model.bin image.png");
}

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

/* Prints a text of the library's and frees it. NULL: memory was refused. */
static cnn_status print_text(char *text, cnn_status status, cnn_error *error) {
    if (!text) {
        return status != CNN_OK ? status : cnn_fail(error, CNN_ERROR_RUNTIME, "out of memory");
    }
    cnn_error unprinted;
    cnn_status printed = cnn_print_results(text, strlen(text), &unprinted);
    printed = printed == CNN_OK ? cnn_flush_results(&unprinted) : printed;
    cnn_text_release(text);
    if (printed != CNN_OK) { /* whatever the text says of, nobody can read it */
        *error = unprinted;
        status = printed;
    }
    return status;
}

/* Writes the contact sheet and prints its path. */
static cnn_status show_augmented(cnn_config *config, const train_command *command,
                                 cnn_error *error) {
    cnn_augmented_sheet sheet;
    cnn_status status = cnn_show_augmented(config, &command->train, command->shown, &sheet, error);
    if (status != CNN_OK) {
        return status;
    }
    status =
        cnn_png_write(sheet.path, sheet.channels, sheet.height, sheet.width, sheet.pixels, error);
    if (status == CNN_OK) {
        status = cnn_print_results(sheet.path, strlen(sheet.path), error);
    }
    if (status == CNN_OK) {
        status = cnn_print_results("\n", 1, error);
    }
    cnn_augmented_sheet_free(&sheet);
    return status;
}

/* Options that cannot go together, and options that need another. */
static cnn_status check_options(const train_command *command, cnn_error *error) {
    const cnn_train_options *train = &command->train;
    const char *action = command->action >= 0 ? options[command->action].name : NULL;
    const bool member = train->member > 0;
    const struct {
        bool both;
        const char *one, *other;
    } conflicts[] = {
        {train->resume && train->overwrite, "resume", "overwrite"},
        {train->folds > 0 && action && command->action != DRY_RUN, "folds", action},
        {member && action, "member", action},
        {train->gather && action, "gather", action},
        {train->gather && member, "gather", "member"},
        {train->gather && train->resume, "gather", "resume"},
        {train->gather && train->overwrite, "gather", "overwrite"},
        {train->gather && train->max_seconds > 0.0, "gather", "max-seconds"},
    };
    if ((member || train->gather) && train->folds == 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--%s: expected --folds K beside it",
                        member ? "member" : "gather");
    }
    for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++) {
        if (conflicts[i].both) {
            return cnn_fail(error, CNN_ERROR_CONFIG, "expected one of --%s and --%s, got both",
                            conflicts[i].one, conflicts[i].other);
        }
    }
    return train->member <= train->folds
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_CONFIG,
                          "--member: expected an integer from 1 to %d (--folds), got %d",
                          train->folds, train->member);
}

/* Prints a config for the images in a folder: nothing is given but what they are. */
static cnn_status init(const train_command *command, cnn_error *error) {
    char *json = NULL;
    if (command->config || command->override_count > 0 || command->train.folds > 0) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--init: expected no %s beside it, got %s",
                        command->config               ? "--config"
                        : command->override_count > 0 ? "KEY=VALUE"
                                                      : "--folds",
                        command->config               ? command->config
                        : command->override_count > 0 ? command->overrides[0]
                                                      : "one");
    }
    cnn_status status = check_options(command, error);
    if (status != CNN_OK) {
        return status;
    }
    catch_signals();
    status = cnn_init(command->init, &command->train, &json, error);
    return print_text(json, status, error);
}

static cnn_status run(const train_command *command, cnn_error *error) {
    cnn_config *config;
    char *text = NULL;
    if (!command->config) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--config: missing; expected --config FILE (see --help)");
    }
    cnn_status status = check_options(command, error);
    if (status != CNN_OK) {
        return status;
    }
    status = cnn_config_load(command->config, command->overrides, command->override_count, &config,
                             error);
    if (status != CNN_OK) {
        return status;
    }
    switch (command->action) {
    case DRY_RUN:
        status = cnn_dry_run(config, &command->train, &text, error);
        status = print_text(text, status, error);
        break;
    case CHECK_DATA:
        status = cnn_check_data(config, &command->train, &text, error);
        status = print_text(text, status, error);
        break;
    case CHECK_GRADIENTS:
        status = cnn_check_gradients(config, &command->train, &text, error);
        status = print_text(text, status, error);
        break;
    case TRACE:
        status = cnn_trace(config, &command->train, &text, error);
        status = print_text(text, status, error);
        break;
    case SHOW_AUGMENTED:
        status = show_augmented(config, command, error);
        break;
    default:
        catch_signals();
        status = command->train.folds > 0 ? cnn_cross_validate(config, &command->train, error)
                                          : cnn_train(config, &command->train, error);
        break;
    }
    cnn_config_free(config);
    return status;
}

int main(int argc, char **argv) {
    cnn_error error = {0};
    cnn_progress progress;
    cnn_broken_pipe_ignore();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error of the write, not the end */
    train_command command = {.action = -1};
    command.overrides = calloc((size_t)argc + 1, sizeof *command.overrides);
    cnn_progress_start(&progress, "cnntrain", false, false);
    cnn_status status = command.overrides
                            ? cnn_options_parse(options, argc, argv, handle, &command, &error)
                            : cnn_fail(&error, CNN_ERROR_RUNTIME, "out of memory");
    cnn_progress_start(&progress, "cnntrain", command.quiet, command.verbose);
    cnn_option_limit_memory(command.max_memory);
    command.train.log = (cnn_log_sink){.write = cnn_progress_log, .user = &progress};
    command.train.progress = cnn_progress_show;
    command.train.should_stop = should_stop;
    command.train.user = &progress;
    char *cache = command.no_cache ? NULL : cnn_cache_home("cnntrain");
    command.train.cache_directory = cache;
    if (status == CNN_OK) {
        switch (command.action) {
        case HELP:
            print_help();
            break;
        case HELP_CONFIG:
            status = print_text(cnn_config_help(), CNN_OK, &error);
            break;
        case SCHEMA:
            status = print_text(cnn_config_schema(), CNN_OK, &error);
            break;
        case INIT:
            status = init(&command, &error);
            break;
        case VERSION:
            puts("cnntrain " CNN_VERSION);
            break;
        default:
            status = run(&command, &error);
            break;
        }
    }
    free(cache);
    free(command.overrides);
    cnn_progress_clear(&progress);
    if (status == CNN_OK) {
        status = cnn_flush_results(&error);
    }
    if (status != CNN_OK) {
        cnn_progress_error(&progress, error.message);
    }
    return (int)status;
}
