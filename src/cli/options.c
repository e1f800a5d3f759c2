#include "cli/options.h"

#include "base/error.h"
#include "base/file.h"
#include "base/machine_memory.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/broken_pipe.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 32 };

/* What getopt_long calls long option i: LONG_OPTION + i, beyond every letter. */
enum { LONG_OPTION = 256 };

/* An argument that getopt did not understand: the nearest name as a hint. */
static cnn_status fail_unknown(const cnn_option *options, const char *found, cnn_error *error) {
    const char *names[OPTIONS_MAX + 1] = {0};
    for (int i = 0; i < OPTIONS_MAX && options[i].name; i++) {
        names[i] = options[i].name;
    }
    const char *word = found + strspn(found, "-");
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s",
                   (int)strcspn(word, "=") > 60 ? 60 : (int)strcspn(word, "="), word);
    const char *nearest = cnn_text_nearest(name, names);
    return cnn_fail(error, CNN_ERROR_CONFIG, "unknown option %.80s%s%s%s", found,
                    nearest ? "; did you mean --" : "", nearest ? nearest : "", nearest ? "?" : "");
}

cnn_status cnn_options_parse(const cnn_option *options, int argc, char **argv,
                             cnn_option_handler *handle, void *context, cnn_error *error) {
    struct option long_options[OPTIONS_MAX + 1] = {{0}};
    /* "-": hand arguments over in place; ":": tell a missing value from an unknown option */
    char short_options[2 * OPTIONS_MAX + 3] = "-:";
    size_t used = 2;
    for (int i = 0; i < OPTIONS_MAX && options[i].name; i++) {
        long_options[i].name = options[i].name;
        long_options[i].has_arg = options[i].argument ? required_argument : no_argument;
        long_options[i].val = LONG_OPTION + i;
        if (options[i].letter) {
            short_options[used++] = options[i].letter;
            if (options[i].argument) {
                short_options[used++] = ':';
            }
        }
    }
    opterr = 0;
    optind = 1;
    int result;
    cnn_status status = CNN_OK;
    while (status == CNN_OK &&
           (result = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        char letter[3] = {'-', (char)optopt, '\0'};
        if (result == '?' && optopt >= LONG_OPTION) {
            status = cnn_fail(error, CNN_ERROR_CONFIG, "option --%s takes no value",
                              options[optopt - LONG_OPTION].name);
        } else if (result == '?') {
            status = fail_unknown(options, optopt ? letter : argv[optind - 1], error);
        } else if (result == ':') {
            bool is_long = optopt >= LONG_OPTION;
            status = cnn_fail(error, CNN_ERROR_CONFIG, "option %s%s: expected a value after it",
                              is_long ? "--" : letter,
                              is_long ? options[optopt - LONG_OPTION].name : "");
        } else if (result == 1) {
            status = handle(context, -1, optarg, error);
        } else if (result >= LONG_OPTION) {
            status = handle(context, result - LONG_OPTION, optarg, error);
        } else {
            int place = 0;
            while (options[place].letter != result) {
                place++;
            }
            status = handle(context, place, optarg, error);
        }
    }
    for (; status == CNN_OK && optind < argc; optind++) { /* behind "--" */
        status = handle(context, -1, argv[optind], error);
    }
    return status;
}

void cnn_options_print(const cnn_option *options) {
    for (; options->name; options++) {
        char left[40];
        (void)snprintf(left, sizeof left, "%c%c%s --%s%s%s", options->letter ? '-' : ' ',
                       options->letter ? options->letter : ' ', options->letter ? "," : " ",
                       options->name, options->argument ? " " : "",
                       options->argument ? options->argument : "");
        printf("  %-24s  %s\n", left, options->help);
    }
}

cnn_status cnn_option_number(const char *name, const char *text, double minimum, double maximum,
                             double *value, cnn_error *error) {
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !(*value >= minimum && *value <= maximum)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--%s: expected a number from %g to %g, got \"%.60s\"", name, minimum,
                        maximum, text);
    }
    return CNN_OK;
}

cnn_status cnn_option_integer(const char *name, const char *text, int minimum, int maximum,
                              int *value, cnn_error *error) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end || errno != 0 || number < minimum || number > maximum) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--%s: expected an integer from %d to %d, got \"%.60s\"", name, minimum,
                        maximum, text);
    }
    *value = (int)number;
    return CNN_OK;
}

cnn_status cnn_option_size(const char *name, const char *text, uint64_t *bytes, cnn_error *error) {
    static const char units[] = "KMGT";
    char *end;
    double number = strtod(text, &end);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (unit) {
        number = ldexp(number, 10 * (int)(unit - units + 1));
        end += strcmp(end + 1, "iB") == 0 ? 3 : 1;
    }
    if (end == text || *end || !(number >= 1.0 && number < 0x1p63)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--%s: expected a number of bytes such as 800M or 10G, got \"%.60s\"", name,
                        text);
    }
    *bytes = (uint64_t)number;
    return CNN_OK;
}

cnn_status cnn_option_path(const char *name, const char *text, cnn_error *error) {
    char tilde[CNN_TILDE_TEXT_SIZE];
    if (!*text) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a path, got \"\"", name);
    }
    return cnn_path_tilde(text, tilde) ? cnn_fail(error, CNN_ERROR_CONFIG, "%s: %s", name, tilde)
                                       : CNN_OK;
}

void cnn_option_limit_memory(uint64_t bytes) {
    size_t machine = cnn_machine_memory();
    cnn_memory_limit(bytes == 0 ? machine : bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX);
}

static cnn_status fail_printing(cnn_error *error) {
    cnn_broken_pipe_end(errno);
    return cnn_fail(error, CNN_ERROR_RUNTIME, "standard output: %s",
                    errno ? strerror(errno) : "the results could not be written");
}

cnn_status cnn_print_results(const char *text, size_t length, cnn_error *error) {
    errno = 0;
    return fwrite(text, 1, length, stdout) == length ? CNN_OK : fail_printing(error);
}

cnn_status cnn_flush_results(cnn_error *error) {
    errno = 0;
    return fflush(stdout) == 0 && !ferror(stdout) ? CNN_OK : fail_printing(error);
}
