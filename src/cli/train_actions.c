/* Each way to call cnntrain: checks the options, loads the config, calls the library, and prints.
 */
#include "cli/train_actions.h"

#include "cli/cache_home.h"
#include "cli/png_file.h"

#include "cnn/error.h"
#include "cnn/inspect.h"
#include "cnn/memory.h"
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

static bool second_ends = true; /* set before signals are caught */

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof *stop_signals };

/* The first signal requests a checkpoint, the second one ends the program at once. Not with several
 * processes: they may get one request twice, from the terminal and from their launcher, and would
 * all end without a checkpoint. The launcher ends them if it is asked again. */
static void request_stop(int signal_number) {
    if (atomic_exchange(&stop_requested, true) && second_ends) {
        _exit(128 + signal_number);
    }
}

static bool should_stop(void *user) {
    (void)user;
    return atomic_load(&stop_requested);
}

static void catch_signals(const train_command *command) {
    second_ends = command->processes.transport.count == 1;
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

/* Sets up messages and progress: those of the first process are enough. */
static void start_messages(train_command *command) {
    cnn_progress_start(&command->progress, "cnntrain", command->shared.quiet, command->verbose);
    if (!cnn_processes_speak(&command->processes)) {
        return;
    }
    command->progress.shared = command->jobs > 1;
    cnn_common_options *common = &command->run.train.common;
    common->log = (cnn_log_sink){.write = cnn_progress_log, .user = &command->progress};
    common->reading = show_reading;
    command->run.train.progress = show_progress;
    command->run.train.epoch = end_epoch;
}

/* Sets up messages, progress and the cache. */
static void start(train_command *command) {
    start_messages(command);
    command->cache = command->no_cache ? NULL : cnn_cache_home("cnntrain");
    cnn_common_options *common = &command->run.train.common;
    const cnn_transport *transport = &command->processes.transport;
    common->cache_directory = command->cache;
    common->threads = command->shared.threads;
    common->should_stop = should_stop;
    common->transport = transport->count > 1 ? transport : NULL;
    common->user = command;
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
                        "--pretrained: expected --init DIR as well; a config names the file as "
                        "pretrained.file");
    }
    if (command->minutes > 0.0 && !(action && strcmp(action, "init") == 0)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--minutes: expected --init DIR as well; for a config, set "
                        "train.minutes=%g",
                        command->minutes);
    }
    if ((member || run->gather) && run->folds == 0 && !command->sweep) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--%s: expected --folds K or --sweep FILE as well",
                        member ? "member" : "gather");
    }
    if (command->jobs > 0 && !command->sweep) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--jobs: expected --sweep FILE as well");
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

/* Completes the event files of the runs that are finished now. */
static void finish_tensorboard(train_command *command) {
    const cnn_cross_validation_options *run = &command->run;
    cnn_error reason;
    cnn_status status = CNN_OK;
    if (!run->train.output && !command->config) { /* a sweep's, which has loaded it by itself */
        status = cnn_config_load(command->config_path, command->overrides, command->override_count,
                                 &command->config, &reason);
    }
    if (status == CNN_OK) {
        const cnn_tensorboard_runs runs = {.config = command->config,
                                           .output = run->train.output,
                                           .folds = run->folds,
                                           .sweep = command->sweep != NULL,
                                           .member = run->member};
        status = cnn_tensorboard_finish(command->tensorboard, &runs, &reason);
    }
    if (status != CNN_OK) {
        give_up_tensorboard(command, &reason);
    }
}

static cnn_status set_up(train_command *command, cnn_error *error) {
    CNN_TRY(command->sweep ? begin(command, NULL, error) : load(command, NULL, error));
    return command->with_tensorboard && cnn_processes_speak(&command->processes)
               ? cnn_tensorboard_create(&command->tensorboard, error)
               : CNN_OK;
}

/* Logs the number of processes, machines and threads, which shows if a launcher has put all
 * processes on one machine, or has bound them to few processors. */
static void show_processes(train_command *command) {
    const cnn_processes *all = &command->processes;
    char line[128], threads[64];
    if (all->transport.count == 1 || !cnn_processes_speak(all)) {
        return;
    }
    const int given = command->threads_given;
    if (given > 0 || all->fewest == all->most) {
        (void)snprintf(threads, sizeof threads, "%d", given > 0 ? given : all->most);
    } else {
        (void)snprintf(threads, sizeof threads, "%d to %d", all->fewest, all->most);
    }
    (void)snprintf(line, sizeof line, "%d processes on %d machine%s, threads of each: %s",
                   all->transport.count, all->machines, all->machines > 1 ? "s" : "", threads);
    cnn_progress_log(&command->progress, CNN_LOG_INFO, line);
}

cnn_status cnn_action_train(void *context, cnn_error *error) {
    train_command *command = context;
    CNN_TRY(cnn_processes_agree(&command->processes, set_up(command, error), error));
    show_processes(command);
    catch_signals(command);
    const cnn_status status = train(command, error);
    cnn_progress_clear(&command->progress);
    if (status == CNN_OK && command->tensorboard && !command->run.gather) {
        finish_tensorboard(command);
    }
    const bool reports =
        !command->no_report && !command->sweep && cnn_processes_speak(&command->processes);
    return status == CNN_OK && reports ? report(command, error) : status;
}

/* Prints a config for the images in a folder. */
cnn_status cnn_action_init(void *context, cnn_error *error) {
    train_command *command = context;
    const char *config = command->config_path;
    if (config || command->run.folds > 0 || command->sweep) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "--init: expected no %s with it, got %s",
                        config           ? "--config"
                        : command->sweep ? "--sweep"
                                         : "--folds",
                        config           ? config
                        : command->sweep ? command->sweep
                                         : "one");
    }
    CNN_TRY(check_options(command, "init", error));
    start(command);
    catch_signals(command);
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
        catch_signals(command);
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

cnn_status cnn_action_prepare(void *context, const cnn_option *selected, cnn_error *error) {
    train_command *command = context;
    cnn_shared_options *shared = &command->shared;
    cnn_processes *all = &command->processes;
    const char *what = selected                 ? selected->name
                       : command->sweep         ? "sweep"
                       : command->run.folds > 0 ? "folds"
                                                : NULL;
    CNN_TRY(cnn_processes_allow(all, what, error));
    if (all->transport.count == 1) {
        return CNN_OK;
    }
    command->threads_given = shared->threads;
    shared->threads = shared->threads > 0 ? shared->threads : all->threads;
    all->transport.spare_processor = shared->threads < all->threads;
    const size_t memory = cnn_machine_memory();
    if (shared->max_memory == 0 && memory != SIZE_MAX) {
        shared->max_memory = memory / (size_t)all->here;
    }
    return CNN_OK;
}

cnn_status cnn_action_conclude(void *context, cnn_status status, cnn_error *error) {
    train_command *command = context;
    return cnn_processes_agree(&command->processes, status, error);
}

void cnn_action_end(train_command *command) {
    cnn_tensorboard_free(command->tensorboard);
    cnn_config_free(command->config);
    free(command->cache);
    cnn_processes_end(&command->processes);
}
