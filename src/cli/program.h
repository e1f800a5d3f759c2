/* Common to the four programs: shared options, main, and the reference as manual page and shell
 * completions. */
#ifndef CNN_CLI_PROGRAM_H
#define CNN_CLI_PROGRAM_H

#include "cli/options.h"

/* The fields of the shared options: the first member of each program's command struct. */
typedef struct cnn_shared_options {
    int threads;         /* 0: all processors */
    uint64_t max_memory; /* bytes; 0: cnn_machine_memory */
    bool quiet;
    int reference; /* of --reference: an index of cnn_reference_parts */
} cnn_shared_options;

/* The rows of the shared options, for cnn_program.shared. */
extern const cnn_option cnn_shared_rows[];

/* The running program, for actions. */
extern const cnn_program *cnn_running_program;

/* main: parses the command line into *command, runs the action, prints an error as "NAME: message",
 * and returns the exit code. */
int cnn_program_main(const cnn_program *program, int argc, char **argv, void *command);

/* Makes a part of the reference of a program from its tables, as text. part: an index of
 * cnn_reference_parts. Free *text with cnn_text_release. */
extern const char *const cnn_reference_parts[];
CNN_MUST_USE cnn_status cnn_reference_write(const cnn_program *program, int part, char **text,
                                            cnn_error *error);

#endif
