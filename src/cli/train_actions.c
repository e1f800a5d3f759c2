/* Each way to call cnntrain: checks the options, loads the config, calls the library, and prints.
 */
#include "cli/train_actions.h"

#include "cli/cache_home.h"
#include "cli/png_file.h"

#include "cnn/error.h"
#include "cnn/inspect.h"
#include "cnn/report.h"
#include "cnn/sweep.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void show_sweep(void *user, const cnn_sweep_progress *state) {
    train_command *command = user;
    cnn_progress_sweep(&command->progress, state);
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
    command->progress.shared = command->jobs > 1;
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
        {command->sweep && action && strcmp(action, "dry-run") != 0, "sweep", action},
        {command->sweep && run->folds > 0, "sweep", "folds"},
        {command->jobs > 0 && member, "jobs", "member"},
        {command->jobs > 0 && run->gather, "jobs", "gather"},
        {command->jobs > 1 && command->with_tensorboard, "jobs", "tensorboard"},
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
    if ((member || run->gather) && run->folds == 0 && !command->sweep) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--%s: expected --folds K or --sweep FILE beside it",
                        member ? "member" : "gather");
    }
    if (command->jobs > 0 && !command->sweep) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--jobs: expected --sweep FILE beside it");
    }
    for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++) {
        if (conflicts[i].both) {
            return cnn_fail(error, CNN_ERROR_CONFIG, "expected one of --%s and --%s, got both",
                            conflicts[i].one, conflicts[i].other);
        }
    }
    return command->sweep || run->member <= run->folds
               ? CNN_OK
               : cnn_fail(error, CNN_ERROR_CONFIG,
                          "--member: expected an integer from 1 to %d (--folds), got %d",
                          run->folds, run->member);
}

/* Checks the options, and sets up messages. action: as for check_options. */
static cnn_status begin(train_command *command, const char *action, cnn_error *error) {
    if (!command->config_path) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--config: missing; expected --config FILE (see --help)");
    }
    CNN_TRY(check_options(command, action, error));
    start(command);
    return CNN_OK;
}

/* The same, and loads the config. */
static cnn_status load(train_command *command, const char *action, cnn_error *error) {
    CNN_TRY(begin(command, action, error));
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

static cnn_sweep_options sweep_options(const train_command *command) {
    return (cnn_sweep_options){.train = command->run.train,
                               .config = command->config_path,
                               .overrides = command->overrides,
                               .override_count = command->override_count,
                               .sweep = command->sweep,
                               .member = command->run.member,
                               .gather = command->run.gather,
                               .no_report = command->no_report,
                               .jobs = command->jobs,
                               .progress = show_sweep};
}

/* Trains one run, or a set of runs. */
static cnn_status train(train_command *command, cnn_error *error) {
    const cnn_sweep_options sweep = sweep_options(command);
    return command->sweep           ? cnn_sweep_run(&sweep, error)
           : command->run.folds > 0 ? cnn_cross_validate(command->config, &command->run, error)
                                    : cnn_train(command->config, &command->run.train, error);
}

cnn_status cnn_action_train(void *context, cnn_error *error) {
    train_command *command = context;
    CNN_TRY(command->sweep ? begin(command, NULL, error) : load(command, NULL, error));
    if (command->with_tensorboard) {
        CNN_TRY(cnn_tensorboard_create(&command->tensorboard, error));
    }
    catch_signals();
    const cnn_status status = train(command, error);
    cnn_progress_clear(&command->progress);
    if (status == CNN_OK && command->tensorboard) {
        cnn_error reason;
        if (cnn_tensorboard_finish(command->tensorboard, &reason) != CNN_OK) {
            give_up_tensorboard(command, &reason);
        }
    }
    return status == CNN_OK && !command->no_report && !command->sweep ? report(command, error)
                                                                      : status;
}

/* Prints a config for the images in a folder. */
cnn_status cnn_action_init(void *context, cnn_error *error) {
    train_command *command = context;
    const char *config = command->config_path;
    if (config || command->run.folds > 0 || command->sweep) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--init: expected no %s beside it, got %s",
                        config           ? "--config"
                        : command->sweep ? "--sweep"
                                         : "--folds",
                        config           ? config
                        : command->sweep ? command->sweep
                                         : "one");
    }
    CNN_TRY(check_options(command, "init", error));
    start(command);
    catch_signals();
    const cnn_init_options wanted = {.common = command->run.train.common,
                                     .output = command->run.train.output,
                                     .pretrained = command->pretrained,
                                     .minutes = command->minutes,
                                     .overrides = command->overrides,
                                     .override_count = command->override_count};
    char *json = NULL;
    return print_text(cnn_init(command->images, &wanted, &json, error), &json, error);
}

cnn_status cnn_action_dry_run(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    if (command->sweep) {
        CNN_TRY(begin(command, "dry-run", error));
        catch_signals();
        const cnn_sweep_options sweep = sweep_options(command);
        return print_text(cnn_sweep_dry_run(&sweep, &text, error), &text, error);
    }
    CNN_TRY(load(command, "dry-run", error));
    const cnn_dry_run_options wanted = {.common = command->run.train.common,
                                        .folds = command->run.folds};
    return print_text(cnn_dry_run(command->config, &wanted, &text, error), &text, error);
}

cnn_status cnn_action_check_data(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    CNN_TRY(load(command, "check-data", error));
    const cnn_check_data_options wanted = {.common = command->run.train.common,
                                           .output = command->run.train.output};
    return print_text(cnn_check_data(command->config, &wanted, &text, error), &text, error);
}

cnn_status cnn_action_check_gradients(void *context, cnn_error *error) {
    train_command *command = context;
    char *text = NULL;
    CNN_TRY(load(command, "check-gradients", error));
    return print_text(cnn_check_gradients(command->config, &text, error), &text, error);
}

cnn_status cnn_action_trace(void *context, cnn_error *error) {
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
cnn_status cnn_action_show_augmented(void *context, cnn_error *error) {
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

cnn_status cnn_action_print_config(void *context, cnn_error *error) {
    train_command *command = context;
    CNN_TRY(load(command, "print-config", error));
    char *json = cnn_config_to_json(command->config);
    CNN_TRY(print_text(CNN_OK, &json, error));
    return cnn_print_results("\n", 1, error);
}

cnn_status cnn_action_help_config(void *context, cnn_error *error) {
    (void)context;
    char *text = cnn_config_help();
    return print_text(CNN_OK, &text, error);
}

cnn_status cnn_action_schema(void *context, cnn_error *error) {
    (void)context;
    char *text = cnn_config_schema();
    return print_text(CNN_OK, &text, error);
}

void cnn_action_end(train_command *command) {
    cnn_tensorboard_free(command->tensorboard);
    cnn_config_free(command->config);
    free(command->cache);
}
