/* Command-line options: one table a program drives parsing and help. */
#ifndef CNN_CLI_OPTIONS_H
#define CNN_CLI_OPTIONS_H

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cnn_option {
    const char *name;     /* without its dashes */
    char letter;          /* its short form, or 0 */
    const char *argument; /* how help names its value; NULL: it takes none */
    const char *help;
} cnn_option;

/* Called for every option (its place in the table, and its value) … and for every other argument
 * (place -1), in the order of the command line. Returns a status, with *error filled where it is
 * not CNN_OK. */
typedef cnn_status cnn_option_handler(void *context, int option, const char *value,
                                      cnn_error *error);

/* Parses by GNU's rules: options and arguments in any order, "--" ends options, --name=value,
 * unique abbreviations. options ends with a NULL name. CNN_ERROR_CONFIG with a hint for what is
 * unknown. */
CNN_MUST_USE cnn_status cnn_options_parse(const cnn_option *options, int argc, char **argv,
                                          cnn_option_handler *handle, void *context,
                                          cnn_error *error);

/* Prints the table to stdout, a line an option. */
void cnn_options_print(const cnn_option *options);

/* A whole number from minimum to maximum; the message names --name. */
CNN_MUST_USE cnn_status cnn_option_integer(const char *name, const char *text, int minimum,
                                           int maximum, int *value, cnn_error *error);
/* A number from minimum to maximum. */
CNN_MUST_USE cnn_status cnn_option_number(const char *name, const char *text, double minimum,
                                          double maximum, double *value, cnn_error *error);

/* A number of bytes, at least 1: "500000", "800M", "1.5G"; K, M, G and T count in powers of 1024,
 * and may have iB behind them. */
CNN_MUST_USE cnn_status cnn_option_size(const char *name, const char *text, uint64_t *bytes,
                                        cnn_error *error);

/* A path that is not empty, and needs no shell to expand it (cnn_path_tilde). name: of the option,
 * "--out", or of the argument, "PATH". */
CNN_MUST_USE cnn_status cnn_option_path(const char *name, const char *text, cnn_error *error);

/* Obeys --max-memory; 0: not given, so that it is what the machine has. */
void cnn_option_limit_memory(uint64_t bytes);

/* Prints a text to stdout. This and cnn_flush_results end the program where nobody reads it any
 * more (cnn_broken_pipe_end). */
CNN_MUST_USE cnn_status cnn_print_results(const char *text, size_t length, cnn_error *error);

/* Flushes stdout; CNN_ERROR_RUNTIME where output was lost (a full disk). */
CNN_MUST_USE cnn_status cnn_flush_results(cnn_error *error);

#endif
