/* Command-line options. An option is a row of a table: its names, where its value is stored, and
 * its text. Parsing, --help, the manual page and the shell completions (reference.h) all follow
 * from the row. */
#ifndef CNN_CLI_OPTIONS_H
#define CNN_CLI_OPTIONS_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_option cnn_option;

/* What the program does instead of its usual work. command: the struct that the options filled. */
typedef cnn_status cnn_action(void *command, cnn_error *error);

/* Reads the text of a value into its field; CNN_ERROR_CONFIG with a message that names --name. */
typedef cnn_status cnn_option_parse(const cnn_option *option, const char *text, void *field,
                                    cnn_error *error);

struct cnn_option {
    const char *name;           /* without its dashes */
    char letter;                /* its short form, or 0 */
    const char *argument;       /* the name of its value in help; NULL: it has no value */
    cnn_option_parse *parse;    /* of the value; NULL: a flag, whose field is a bool, or no field */
    size_t offset;              /* of the field in the program's command struct */
    double minimum, maximum;    /* of numbers */
    const char *const *choices; /* of cnn_option_choice; ends with NULL */
    cnn_action *action;         /* not NULL: the option selects it; at most one action is allowed */
    bool hidden;                /* not in help, manual and completions */
    const char *help;           /* for --help: a few words */
    const char *prose;          /* for the manual, in the markup of cnn/mdoc.h; NULL: help */
};

/* Kinds of values. */
cnn_option_parse cnn_option_text;    /* const char *: any text; points into the command line */
cnn_option_parse cnn_option_path;    /* const char *: cnn_check_path */
cnn_option_parse cnn_option_integer; /* int, from minimum to maximum */
cnn_option_parse cnn_option_number;  /* double, from minimum to maximum */
cnn_option_parse cnn_option_choice;  /* int (or an enum): the index of one of the choices */
/* uint64_t, a number of bytes, at least 1: "500000", "800M", "1.5G"; K, M, G and T count in powers
 * of 1024, and iB may follow them. */
cnn_option_parse cnn_option_size;

/* A program, as its command line presents it. */
typedef struct cnn_program {
    const char *name;
    const char *usage;         /* --help: before the options … */
    const char *notes;         /* … and after them; NULL: nothing */
    const cnn_option *options; /* ends with a NULL name */
    const cnn_option *shared;  /* rows shared with other programs, ends likewise; NULL: none */
    /* Stores an argument that is not an option; called in the order of the command line. */
    cnn_status (*argument)(void *command, const char *value, cnn_error *error);
    cnn_action *work; /* what it does if no option selects an action */
    /* Called before the action, with the option that selected it (NULL: work); NULL: nothing to
     * do. */
    cnn_status (*prepare)(void *command, const cnn_option *selected, cnn_error *error);
    /* Called at the end with the result, which it may replace; NULL: the result stays. An error
     * whose message is empty is not printed. */
    cnn_status (*conclude)(void *command, cnn_status status, cnn_error *error);
    char *(*key_words)(void); /* keys that it accepts as KEY=VALUE: see cnn_config_words; or NULL */
    char *(*key_reference)(void); /* … and their part of the manual page, or NULL */
    const char *(*key_meant)(const char *name, bool misspelt); /* cnn_config_key_meant, or NULL */
} cnn_program;

/* Option i of the program, its own before the shared ones; NULL after the last. */
const cnn_option *cnn_program_option(const cnn_program *program, int i);

/* Fills *command by GNU's rules: options and arguments in any order, "--" ends options,
 * --name=value, unique abbreviations. *action: the action to run: program->work, or the one that an
 * option selects. CNN_ERROR_CONFIG, with a hint, for an unknown option. */
CNN_MUST_USE cnn_status cnn_options_parse(const cnn_program *program, int argc, char **argv,
                                          void *command, cnn_action **action, cnn_error *error);

/* --help: prints usage, a line for each option, and notes. */
void cnn_program_help(const cnn_program *program);

/* Checks that a path is not empty, and does not need a shell to expand it (cnn_path_tilde). name:
 * the name for messages, such as "--out" or "PATH". */
CNN_MUST_USE cnn_status cnn_check_path(const char *name, const char *path, cnn_error *error);

/* Prints a text to stdout. This and the next one end the program if its reader is gone
 * (cnn_broken_pipe_end). */
CNN_MUST_USE cnn_status cnn_print_results(const char *text, size_t length, cnn_error *error);

/* Flushes stdout; CNN_ERROR_RUNTIME if output was lost, for example because the disk is full. */
CNN_MUST_USE cnn_status cnn_flush_results(cnn_error *error);

#endif
