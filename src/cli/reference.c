/* Generates text from a program's tables of options and keys: the reference part of its manual
 * page, and its completions for three shells. reference.sh writes it into the sources. */
#include "cli/program.h"

#include "cnn/error.h"
#include "cnn/mdoc.h"

#include <ctype.h>
#include <string.h>

/* True if the value of an option is a folder; takes_path: if it is another path. */
static bool takes_folder(const cnn_option *option) {
    return option->argument && strcmp(option->argument, "DIR") == 0;
}

static bool takes_path(const cnn_option *option) {
    return option->parse == cnn_option_text || option->parse == cnn_option_path ||
           (option->argument && strcmp(option->argument, "FILE") == 0);
}

/* Returns the next option that is not hidden, from *i on; NULL after the last. */
static const cnn_option *next_option(const cnn_program *program, int *i) {
    const cnn_option *option;
    do {
        option = cnn_program_option(program, (*i)++);
    } while (option && option->hidden);
    return option;
}

/* --- manual page --- */

static void add_lower(cnn_text *text, const char *word) {
    for (; *word; word++) {
        cnn_text_format(text, "%c", tolower((unsigned char)*word));
    }
}

static void add_form(cnn_text *text, const cnn_option *option, bool is_long) {
    if (is_long) {
        cnn_text_format(text, " Fl -%s", option->name);
    } else {
        cnn_text_format(text, " Fl %c", option->letter);
    }
    if (option->argument) {
        cnn_text_format(text, " Ar ");
        add_lower(text, option->argument);
    }
}

static void write_options(const cnn_program *program, const char *keys, cnn_text *text) {
    (void)keys;
    const cnn_option *option;
    for (int i = 0; (option = next_option(program, &i));) {
        cnn_text_format(text, ".It");
        if (option->letter) {
            add_form(text, option, false);
            cnn_text_format(text, " ,");
        }
        add_form(text, option, true);
        cnn_text_format(text, "\n");
        if (option->prose) {
            cnn_mdoc_prose(text, option->prose);
        } else {
            cnn_mdoc_sentence(text, option->help);
        }
    }
}

/* --- completions --- */

static const char header[] = "Completions of %s. Generated from the program's tables by "
                             "src/cli/reference.sh; do not edit.\n";

/* Adds the words of a choice, separated by spaces; nothing for other options. */
static void add_choices(cnn_text *text, const cnn_option *option) {
    for (int i = 0; option->choices && option->choices[i]; i++) {
        cnn_text_format(text, "%s%s", i ? " " : "", option->choices[i]);
    }
}

/* One line of program->key_words: KEY and the possible words of its value. */
typedef struct key_line {
    const char *key, *words;
    int key_length, words_length;
    bool path; /* the value is a path */
} key_line;

/* Moves *rest after a line; false at the end. */
static bool next_key(const char **rest, key_line *line) {
    size_t length = strcspn(*rest, "\n");
    size_t key = strcspn(*rest, " \n");
    *line = (key_line){.key = *rest, .key_length = (int)key, .words = *rest + key};
    line->words += key < length;
    line->words_length = (int)(*rest + length - line->words);
    line->path = strncmp(line->words, "@path", 5) == 0;
    *rest += length + ((*rest)[length] == '\n');
    return key > 0;
}

/* Adds a case of bash or zsh for each key whose values are known: the command `path` for a path, or
 * the words between `before` and `after`. */
static void add_key_cases(cnn_text *text, const char *keys, const char *path, const char *before,
                          const char *after) {
    key_line line;
    while (next_key(&keys, &line)) {
        if (line.path) {
            cnn_text_format(text, "    %.*s) %s ;;\n", line.key_length, line.key, path);
        } else if (line.words_length > 0) {
            cnn_text_format(text, "    %.*s) %s%.*s%s ;;\n", line.key_length, line.key, before,
                            line.words_length, line.words, after);
        }
    }
}

static void add_key_names(cnn_text *text, const char *keys, const char *before, const char *after) {
    key_line line;
    while (next_key(&keys, &line)) {
        cnn_text_format(text, "%s%.*s%s", before, line.key_length, line.key, after);
    }
}

/* For bash: what the argument of each option is. */
static void add_option_cases(const cnn_program *program, cnn_text *text) {
    const cnn_option *option;
    for (int i = 0; (option = next_option(program, &i));) {
        if (option->argument) {
            cnn_text_format(text, "    --%s", option->name);
            if (option->letter) {
                cnn_text_format(text, " | -%c", option->letter);
            }
            cnn_text_format(text, ") kind=%s words=(",
                            takes_folder(option) ? "folder"
                            : takes_path(option) ? "path"
                                                 : "words");
            add_choices(text, option);
            cnn_text_format(text, ") ;;\n");
        }
    }
}

static void write_bash(const cnn_program *program, const char *keys, cnn_text *text) {
    const char *name = program->name;
    cnn_text_format(text, "# shellcheck shell=bash disable=SC2207\n# ");
    cnn_text_format(text, header, name);
    cnn_text_format(
        text,
        "_%s() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    # for bash, \"=\" is a separate word\n"
        "    if [[ $current == \"=\" ]]; then\n"
        "        current=\n"
        "    elif [[ $before == \"=\" ]]; then\n"
        "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
        "    fi\n"
        "    local IFS=$'\\n' kind=\n"
        "    local -a words=()\n"
        "    case $before in\n",
        name);
    add_option_cases(program, text);
    add_key_cases(text, keys, "kind=path", "kind=words words=(", ")");
    const cnn_option *option;
    cnn_text_format(text, "    *)\n"
                          "        if [[ $current == -* ]]; then\n"
                          "            kind=words words=(");
    for (int i = 0, k = 0; (option = next_option(program, &i)); k++) {
        cnn_text_format(text, "%s--%s", k ? " " : "", option->name);
    }
    cnn_text_format(text, ")\n        else\n");
    if (*keys) {
        cnn_text_format(text, "            compopt -o nospace\n            kind=words words=(");
        add_key_names(text, keys, "\n                ", "=");
        cnn_text_format(text, ")\n");
    } else {
        cnn_text_format(text, "            kind=path\n");
    }
    cnn_text_format(
        text,
        "        fi\n"
        "        ;;\n"
        "    esac\n"
        "    case $kind in\n"
        "    folder) compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\")) ;;\n"
        "    path) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
        "    words) COMPREPLY=($(compgen -W \"${words[*]}\" -- \"$current\")) ;;\n"
        "    esac\n"
        "}\n"
        "complete -F _%s %s\n",
        name, name);
}

/* Adds text inside single quotes (zsh, fish) and, with `brackets`, inside brackets (zsh). */
static void add_quoted(cnn_text *text, const char *words, bool brackets) {
    for (; *words; words++) {
        if (*words == '\'') {
            cnn_text_format(text, "'\\''");
        } else if (brackets && strchr("[]:\\", *words)) {
            cnn_text_format(text, "\\%c", *words);
        } else {
            cnn_text_append(text, words, 1);
        }
    }
}

static void add_zsh_form(cnn_text *text, const cnn_option *option, bool is_long) {
    cnn_text_format(text, "        '");
    if (option->letter) {
        cnn_text_format(text, "(-%c --%s)", option->letter, option->name);
    }
    if (is_long) {
        cnn_text_format(text, "--%s%s[", option->name, option->argument ? "=" : "");
    } else {
        cnn_text_format(text, "-%c%s[", option->letter, option->argument ? "+" : "");
    }
    add_quoted(text, option->help, true);
    cnn_text_format(text, "]");
    if (option->argument) {
        cnn_text_format(text, ":%s:", option->argument);
        if (option->choices) {
            cnn_text_format(text, "(");
            add_choices(text, option);
            cnn_text_format(text, ")");
        } else {
            cnn_text_format(text, "%s",
                            takes_folder(option) ? "_files -/"
                            : takes_path(option) ? "_files"
                                                 : " ");
        }
    }
    cnn_text_format(text, "' \\\n");
}

static void write_zsh(const cnn_program *program, const char *keys, cnn_text *text) {
    const char *name = program->name;
    cnn_text_format(text, "#compdef %s\n# ", name);
    cnn_text_format(text, header, name);
    if (*keys) {
        cnn_text_format(text,
                        "_%s_keys() {\n"
                        "    if compset -P '*='; then\n"
                        "    case ${IPREFIX%%=} in\n",
                        name);
        add_key_cases(text, keys, "_files", "compadd -- ", "");
        cnn_text_format(text, "        esac\n"
                              "    else\n"
                              "        compadd -S = --");
        add_key_names(text, keys, " \\\n            ", "");
        cnn_text_format(text, "\n    fi\n}\n");
    }
    cnn_text_format(text, "_%s() {\n    _arguments -s -S \\\n", name);
    const cnn_option *option;
    for (int i = 0; (option = next_option(program, &i));) {
        if (option->letter) {
            add_zsh_form(text, option, false);
        }
        add_zsh_form(text, option, true);
    }
    if (*keys) {
        cnn_text_format(text, "        '*:key:_%s_keys'\n}\n", name);
    } else {
        cnn_text_format(text, "        '*:path:_files'\n}\n");
    }
    cnn_text_format(text, "_%s \"$@\"\n", name);
}

static void write_fish(const cnn_program *program, const char *keys, cnn_text *text) {
    const char *name = program->name;
    cnn_text_format(text, "# ");
    cnn_text_format(text, header, name);
    const cnn_option *option;
    for (int i = 0; (option = next_option(program, &i));) {
        cnn_text_format(text, "complete -c %s", name);
        if (option->letter) {
            cnn_text_format(text, " -s %c", option->letter);
        }
        cnn_text_format(text, " -l %s", option->name);
        if (option->choices) {
            cnn_text_format(text, " -x -a '");
            add_choices(text, option);
            cnn_text_format(text, "'");
        } else if (option->argument) {
            cnn_text_format(text, "%s",
                            takes_folder(option) ? " -x -a '(__fish_complete_directories)'"
                            : takes_path(option) ? " -r -F"
                                                 : " -x");
        }
        cnn_text_format(text, " -d '");
        add_quoted(text, option->help, false);
        cnn_text_format(text, "'\n");
    }
    key_line line;
    while (next_key(&keys, &line)) {
        cnn_text_format(text, "complete -c %s -f -a '%.*s=", name, line.key_length, line.key);
        const char *end = line.words + (line.path ? 0 : line.words_length);
        for (const char *word = line.words; word < end;) {
            const int length = (int)strcspn(word, " \n");
            cnn_text_format(text, " %.*s=%.*s", line.key_length, line.key, length, word);
            word += length + 1;
        }
        cnn_text_format(text, "'\n");
        if (line.path) {
            cnn_text_format(text,
                            "complete -c %s -F -n 'string match -q -- \"%.*s=*\" (commandline "
                            "-ct)'\n",
                            name, line.key_length, line.key);
        }
    }
}

static void write_config(const cnn_program *program, const char *keys, cnn_text *text) {
    (void)program;
    cnn_text_format(text, "%s", keys);
}

/* --- parts --- */

/* What a writer gets as `keys`. */
typedef enum part_keys { NO_KEYS, KEY_WORDS, KEY_REFERENCE } part_keys;

const char *const cnn_reference_parts[] = {"options", "config", "bash", "zsh", "fish", NULL};

static const struct {
    void (*write)(const cnn_program *program, const char *keys, cnn_text *text);
    part_keys keys;
} parts[] = {
    {write_options, NO_KEYS}, {write_config, KEY_REFERENCE}, {write_bash, KEY_WORDS},
    {write_zsh, KEY_WORDS},   {write_fish, KEY_WORDS},
};

cnn_status cnn_reference_write(const cnn_program *program, int part, char **text,
                               cnn_error *error) {
    char *(*get_keys)(void) = parts[part].keys == KEY_WORDS       ? program->key_words
                              : parts[part].keys == KEY_REFERENCE ? program->key_reference
                                                                  : NULL;
    char *keys = get_keys ? get_keys() : NULL;
    const bool failed = get_keys && !keys;
    cnn_text reference = {0};
    parts[part].write(program, keys ? keys : "", &reference);
    cnn_text_release(keys);
    if (failed || reference.failed) {
        cnn_text_free(&reference);
        return cnn_fail_memory(error, "the reference");
    }
    *text = reference.data;
    return CNN_OK;
}
