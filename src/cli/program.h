/* What the three programs have in common: options, the way from the command line to an exit code,
 * and their reference as manual page and shell completions. */
#ifndef CNN_CLI_PROGRAM_H
#define CNN_CLI_PROGRAM_H

#include "cli/options.h"

/* The fields of the shared options: the first member of each program's command struct. */
typedef struct cnn_shared_options {
    int threads;         /* 0: all processors */
    uint64_t max_memory; /* bytes; 0: what there is */
    bool quiet;
    int reference; /* of --reference: which part */
} cnn_shared_options;

/* The rows of the shared options, for cnn_program.shared. */
extern const cnn_option cnn_shared_rows[];

/* The program that runs, for actions. */
extern const cnn_program *cnn_running_program;

/* main: parses into *command, does what is asked for, prints an error as "NAME: message" and
 * returns the exit code. */
int cnn_program_main(const cnn_program *program, int argc, char **argv, void *command);

/* The reference of a program as text; what follows from its tables. part: an index of
 * cnn_reference_parts. Free *text with cnn_text_release. */
extern const char *const cnn_reference_parts[];
CNN_MUST_USE cnn_status cnn_reference_write(const cnn_program *program, int part, char **text,
                                            cnn_error *error);

#endif
