#include "cli/program.h"

#include "cli/broken_pipe.h"

#include "cnn/error.h"
#include "cnn/memory.h"
#include "cnn/text.h"
#include "cnn/version.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

const cnn_program *cnn_running_program;

/* --- shared options --- */

static cnn_status print_help(void *command, cnn_error *error) {
    (void)command, (void)error;
    cnn_program_help(cnn_running_program);
    return CNN_OK;
}

static cnn_status print_version(void *command, cnn_error *error) {
    (void)command, (void)error;
    printf("%s %s\n", cnn_running_program->name, cnn_version());
    return CNN_OK;
}

static cnn_status print_reference(void *command, cnn_error *error) {
    const cnn_shared_options *shared = command;
    char *text;
    CNN_TRY(cnn_reference_write(cnn_running_program, shared->reference, &text, error));
    const cnn_status status = cnn_print_results(text, strlen(text), error);
    cnn_text_release(text);
    return status;
}

#define FIELD(field) .offset = offsetof(cnn_shared_options, field)

const cnn_option cnn_shared_rows[] = {
    {.name = "threads",
     .letter = 't',
     .argument = "N",
     .parse = cnn_option_integer,
     FIELD(threads),
     .minimum = 1,
     .maximum = 1024,
     .help = "threads (default: all processors); same results for any N",
     .prose = "The number of threads, 1 to 1024. Default: all processors that the process may run "
              "on, but no more than the processor quota of its control groups (containers) allows. "
              "The results are the same for any number."},
    {.name = "max-memory",
     .argument = "SIZE",
     .parse = cnn_option_size,
     FIELD(max_memory),
     .help = "limit for memory (default: all of it)",
     .prose =
         "The limit for the total size of the program's arrays: images, weights, activations, an "
         "image that is being decoded. <size> is a number of bytes, or has the suffix `K`, `M`, "
         "`G` or `T` for units of 1024 bytes and its powers. A request beyond the limit is refused "
         "before the system is asked, with a message that states the amounts. Default: the memory "
         "of the machine, or what the control group or `ulimit -v` allows."},
    {.name = "quiet",
     .letter = 'q',
     FIELD(quiet),
     .help = "errors only",
     .prose = "Errors only: no progress, no warnings, no messages about inputs that fail. The exit "
              "status shows failures in any case."},
    {.name = "help",
     .letter = 'h',
     .action = print_help,
     .help = "print this",
     .prose = "Print a summary of the options."},
    {.name = "version",
     .letter = 'V',
     .action = print_version,
     .help = "print the version",
     .prose = "Print the version."},
    {.name = "reference",
     .argument = "PART",
     .parse = cnn_option_choice,
     FIELD(reference),
     .choices = cnn_reference_parts,
     .action = print_reference,
     .hidden = true,
     .help = "print a part of the reference (see cli/reference.sh in the sources)"},
    {.name = NULL},
};

/* --- main --- */

/* The option that selects an action; NULL for program->work. */
static const cnn_option *selected(const cnn_program *program, cnn_action *action) {
    const cnn_option *option = cnn_program_option(program, 0);
    for (int i = 1; option && option->action != action; i++) {
        option = cnn_program_option(program, i);
    }
    return option;
}

static cnn_status run(const cnn_program *program, int argc, char **argv, void *command,
                      cnn_error *error) {
    cnn_action *action;
    CNN_TRY(cnn_options_parse(program, argc, argv, command, &action, error));
    if (program->prepare) {
        CNN_TRY(program->prepare(command, selected(program, action), error));
    }
    const uint64_t limit = ((const cnn_shared_options *)command)->max_memory;
    cnn_memory_limit(limit == 0         ? cnn_machine_memory()
                     : limit < SIZE_MAX ? (size_t)limit
                                        : SIZE_MAX);
    CNN_TRY(action(command, error));
    return cnn_flush_results(error);
}

int cnn_program_main(const cnn_program *program, int argc, char **argv, void *command) {
    cnn_error error = {0};
    cnn_running_program = program;
    cnn_broken_pipe_ignore();
    (void)signal(SIGXFSZ, SIG_IGN); /* a write beyond a file-size limit fails, without a signal */
    cnn_status status = run(program, argc, argv, command, &error);
    if (program->conclude) {
        status = program->conclude(command, status, &error);
    }
    const bool quiet = ((const cnn_shared_options *)command)->quiet;
    if (status != CNN_OK && error.message[0] && !(status == CNN_ERROR_INPUTS && quiet)) {
        fprintf(stderr, "%s: %s\n", program->name, error.message);
    }
    return (int)status;
}
