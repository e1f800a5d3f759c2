#include "cli/options.h"

#include "cli/broken_pipe.h"

#include "cnn/error.h"
#include "cnn/file.h"
#include "cnn/text.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 64 };

/* getopt_long returns LONG_OPTION + i for long option i, which is above every letter. */
enum { LONG_OPTION = 256 };

const cnn_option *cnn_program_option(const cnn_program *program, int i) {
    const cnn_option *own = program->options;
    for (; own->name && i > 0; own++) {
        i--;
    }
    if (own->name) {
        return own;
    }
    for (const cnn_option *shared = program->shared; shared && shared->name; shared++) {
        if (i-- == 0) {
            return shared;
        }
    }
    return NULL;
}

/* --- parsing --- */

/* The tables in the form that getopt needs. */
typedef struct option_forms {
    const cnn_option *rows[OPTIONS_MAX + 1]; /* NULL at the end */
    struct option long_options[OPTIONS_MAX + 1];
    char short_options[2 * OPTIONS_MAX + 3];
} option_forms;

static void fill_forms(const cnn_program *program, option_forms *forms) {
    *forms = (option_forms){0};
    size_t used = 0;
    /* "-": return arguments in order; ":": distinguish a missing value from an unknown option */
    forms->short_options[used++] = '-';
    forms->short_options[used++] = ':';
    for (int i = 0; i < OPTIONS_MAX && (forms->rows[i] = cnn_program_option(program, i)); i++) {
        const cnn_option *row = forms->rows[i];
        forms->long_options[i] = (struct option){
            .name = row->name,
            .has_arg = row->argument ? required_argument : no_argument,
            .val = LONG_OPTION + i,
        };
        if (row->letter) {
            forms->short_options[used++] = row->letter;
            if (row->argument) {
                forms->short_options[used++] = ':';
            }
        }
    }
}

static const char *nearest_option(const option_forms *forms, const char *name) {
    const char *names[OPTIONS_MAX + 1] = {0};
    for (int i = 0, count = 0; forms->rows[i]; i++) {
        if (!forms->rows[i]->hidden) {
            names[count++] = forms->rows[i]->name;
        }
    }
    return cnn_text_nearest(name, names);
}

/* An argument that getopt did not understand. The hint is the key of that name as KEY=VALUE, else
 * the nearest option, else the nearest key. next: the argument after it, or NULL. */
static cnn_status fail_unknown(const cnn_program *program, const option_forms *forms,
                               const char *found, const char *next, cnn_error *error) {
    const char *word = found + strspn(found, "-");
    const size_t length = strcspn(word, "=");
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", length > 60 ? 60 : (int)length, word);
    const char *key = program->key_meant ? program->key_meant(name, false) : NULL;
    const char *option = key ? NULL : nearest_option(forms, name);
    key = program->key_meant && !key && !option ? program->key_meant(name, true) : key;
    if (key) {
        const bool has_value = word[length] == '=';
        const bool next_is_value = next && *next != '-' && !strchr(next, '=');
        return cnn_fail(error, CNN_ERROR_CONFIG, "unknown option %.80s; did you mean %s=%.100s?",
                        found, key,
                        has_value       ? word + length + 1
                        : next_is_value ? next
                                        : "VALUE");
    }
    return cnn_fail(error, CNN_ERROR_CONFIG, "unknown option %.80s%s%s%s", found,
                    option ? "; did you mean --" : "", option ? option : "", option ? "?" : "");
}

/* What is wrong where getopt returned '?' or ':'. word: the argument; next: the one after it. */
static cnn_status fail_option(const cnn_program *program, const option_forms *forms, int result,
                              const char *word, const char *next, cnn_error *error) {
    const char letter[3] = {'-', (char)optopt, '\0'};
    const char *name = optopt >= LONG_OPTION ? forms->rows[optopt - LONG_OPTION]->name : NULL;
    if (result == '?' && name) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "option --%s takes no value", name);
    }
    if (result == '?') {
        return fail_unknown(program, forms, optopt ? letter : word, next, error);
    }
    return cnn_fail(error, CNN_ERROR_CONFIG, "option %s%s: expected a value after it",
                    name ? "--" : letter, name ? name : "");
}

/* Chooses an action. A second one is an error, because only one would be done. */
static cnn_status choose(const cnn_option *option, const cnn_option **chosen, cnn_error *error) {
    if (*chosen && *chosen != option) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "expected one of --%s and --%s, got both",
                        (*chosen)->name, option->name);
    }
    *chosen = option;
    return CNN_OK;
}

static cnn_status store(const cnn_option *option, const char *text, void *command,
                        const cnn_option **chosen, cnn_error *error) {
    void *field = (char *)command + option->offset;
    if (option->parse) {
        CNN_TRY(option->parse(option, text, field, error));
    } else if (!option->action) {
        *(bool *)field = true;
    }
    return option->action ? choose(option, chosen, error) : CNN_OK;
}

cnn_status cnn_options_parse(const cnn_program *program, int argc, char **argv, void *command,
                             cnn_action **action, cnn_error *error) {
    option_forms forms;
    fill_forms(program, &forms);
    const cnn_option *chosen = NULL;
    opterr = 0;
    optind = 1;
    int result;
    while ((result = getopt_long(argc, argv, forms.short_options, forms.long_options, NULL)) !=
           -1) {
        if (result == '?' || result == ':') {
            return fail_option(program, &forms, result, argv[optind - 1],
                               optind < argc ? argv[optind] : NULL, error);
        }
        if (result == 1) {
            CNN_TRY(program->argument(command, optarg, error));
            continue;
        }
        int i = result - LONG_OPTION;
        for (int k = 0; i < 0; k++) {
            i = forms.rows[k]->letter == result ? k : i;
        }
        CNN_TRY(store(forms.rows[i], optarg, command, &chosen, error));
    }
    for (; optind < argc; optind++) { /* after "--" */
        CNN_TRY(program->argument(command, argv[optind], error));
    }
    *action = chosen ? chosen->action : program->work;
    return CNN_OK;
}

/* --- help --- */

void cnn_program_help(const cnn_program *program) {
    puts(program->usage);
    const cnn_option *option;
    for (int i = 0; (option = cnn_program_option(program, i)); i++) {
        char left[40];
        (void)snprintf(left, sizeof left, "%c%c%s --%s%s%s", option->letter ? '-' : ' ',
                       option->letter ? option->letter : ' ', option->letter ? "," : " ",
                       option->name, option->argument ? " " : "",
                       option->argument ? option->argument : "");
        if (!option->hidden) {
            printf("  %-24s  %s\n", left, option->help);
        }
    }
    if (program->notes) {
        printf("\n%s\n", program->notes);
    }
}

/* --- kinds of values --- */

cnn_status cnn_option_text(const cnn_option *option, const char *text, void *field,
                           cnn_error *error) {
    (void)option, (void)error;
    *(const char **)field = text;
    return CNN_OK;
}

cnn_status cnn_check_path(const char *name, const char *path, cnn_error *error) {
    char tilde[CNN_TILDE_TEXT_SIZE];
    if (!*path) {
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected a path, got \"\"", name);
    }
    return cnn_path_tilde(path, tilde) ? cnn_fail(error, CNN_ERROR_CONFIG, "%s: %s", name, tilde)
                                       : CNN_OK;
}

cnn_status cnn_option_path(const cnn_option *option, const char *text, void *field,
                           cnn_error *error) {
    char name[40];
    (void)snprintf(name, sizeof name, "--%s", option->name);
    CNN_TRY(cnn_check_path(name, text, error));
    return cnn_option_text(option, text, field, error);
}

cnn_status cnn_option_integer(const cnn_option *option, const char *text, void *field,
                              cnn_error *error) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end || errno != 0 || (double)number < option->minimum ||
        (double)number > option->maximum) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--%s: expected an integer from %.0f to %.0f, got \"%.60s\"", option->name,
                        option->minimum, option->maximum, text);
    }
    *(int *)field = (int)number;
    return CNN_OK;
}

cnn_status cnn_option_number(const cnn_option *option, const char *text, void *field,
                             cnn_error *error) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= option->minimum && number <= option->maximum)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "--%s: expected a number from %g to %g, got \"%.60s\"", option->name,
                        option->minimum, option->maximum, text);
    }
    *(double *)field = number;
    return CNN_OK;
}

cnn_status cnn_option_choice(const cnn_option *option, const char *text, void *field,
                             cnn_error *error) {
    char expected[256] = "";
    size_t used = 0;
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(text, option->choices[i]) == 0) {
            *(int *)field = i;
            return CNN_OK;
        }
        const char *before = i == 0 ? "" : option->choices[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s", before,
                                 option->choices[i]);
    }
    return cnn_fail(error, CNN_ERROR_CONFIG, "--%s: expected %s, got \"%.60s\"", option->name,
                    expected, text);
}

cnn_status cnn_option_size(const cnn_option *option, const char *text, void *field,
                           cnn_error *error) {
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
                        "--%s: expected a number of bytes such as 800M or 10G, got \"%.60s\"",
                        option->name, text);
    }
    *(uint64_t *)field = (uint64_t)number;
    return CNN_OK;
}

/* --- results --- */

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
