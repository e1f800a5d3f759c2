/* Formats the tables of keys and layers as help, as part of the manual, and as completions. */
#include "config/keys.h"

#include "cnn/mdoc.h"

#include <string.h>

/* --- help --- */

/* Breaks text into lines of at most 88 columns, each indented by 6. column: the position in the
 * current line; 0 for a new line. */
static void wrap(const char *words, size_t column, cnn_text *text) {
    while (*words) {
        size_t length = strcspn(words, " ");
        if (column > 0 && column + 1 + length > 82) {
            cnn_text_format(text, "\n");
            column = 0;
        }
        cnn_text_format(text, "%s%.*s", column ? " " : "      ", (int)length, words);
        column += length + (column > 0);
        words += length;
        words += strspn(words, " ");
    }
    cnn_text_format(text, "\n");
}

/* Adds " train.epochs (an integer …; default 10)" and the key's help. */
static void add_key_help(const cnn_key *key, const char *indent, cnn_text *text) {
    cnn_text described = {0};
    cnn_text_format(&described, "(");
    cnn_key_describe(key, &described);
    cnn_text_format(&described, ")");
    cnn_text_format(text, "%s%s ", indent, key->name);
    if (described.failed) {
        text->failed = true;
    } else {
        wrap(described.data, strlen(indent) + strlen(key->name) - 4, text);
    }
    cnn_text_free(&described);
    wrap(key->help, 0, text);
}

char *cnn_config_help(void) {
    cnn_text text = {0};
    cnn_text_format(&text,
                    "Keys of the config (JSON). On the command line: KEY=VALUE, such as "
                    "train.epochs=3\nor layers.0.filters=32. Paths are relative to the working "
                    "directory, those in a\nmanifest to the manifest.\n\n");
    const cnn_key *key;
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        add_key_help(key, "  ", &text);
    }
    cnn_text_format(&text,
                    "\nLayers, each {\"type\": NAME, KEY: VALUE, …}; the last two are dense with "
                    "1 unit, and sigmoid.\n\n");
    for (const cnn_layer_ops *const *ops = cnn_layer_registry; *ops; ops++) {
        cnn_text_format(&text, "  %s\n", (*ops)->name);
        wrap((*ops)->help, 0, &text);
        for (key = (*ops)->keys; key->name; key++) {
            add_key_help(key, "    ", &text);
        }
    }
    return cnn_text_take(&text);
}

/* --- manual --- */

static void add_prose(const char *prose, const char *help, cnn_text *text) {
    if (prose) {
        cnn_mdoc_prose(text, prose);
    } else {
        cnn_mdoc_sentence(text, help);
    }
}

/* Adds a sentence if a resumed run may change the key. */
static void add_resume_rule(const char *name, cnn_text *text) {
    for (const cnn_resume_rule *rule = cnn_resume_rules; rule->key; rule++) {
        if (strcmp(rule->key, name) != 0 || rule->left_to_data) {
            continue;
        }
        cnn_text sentence = {0};
        cnn_text_format(&sentence, "A resumed run may change it%s",
                        rule->path_to_path ? " to another path with the same content" : "");
        if (rule->unless_key) {
            cnn_text_format(&sentence, ", unless `%s` is", rule->unless_key);
            for (int i = 0; rule->unless_values[i]; i++) {
                cnn_text_format(&sentence, "%s \"%s\"", i ? " or" : "", rule->unless_values[i]);
            }
        }
        cnn_mdoc_sentence(text, sentence.failed ? "" : sentence.data);
        text->failed = text->failed || sentence.failed;
        cnn_text_free(&sentence);
    }
}

static void add_key_item(const cnn_key *key, cnn_text *text) {
    cnn_text described = {0};
    cnn_key_describe(key, &described);
    cnn_text_format(text, ".It Cm %s Pq", key->name);
    cnn_mdoc_words(text, described.failed ? "" : described.data);
    text->failed = text->failed || described.failed;
    cnn_text_free(&described);
    cnn_text_format(text, "\n");
    add_prose(key->prose, key->help, text);
    add_resume_rule(key->name, text);
}

static void add_layer_items(cnn_text *text) {
    for (const cnn_layer_ops *const *ops = cnn_layer_registry; *ops; ops++) {
        cnn_text_format(text, ".It Cm %s\n", (*ops)->name);
        add_prose((*ops)->prose, (*ops)->help, text);
        if ((*ops)->keys->name) {
            cnn_text_format(text, ".Bl -tag -width Ds -compact\n");
            for (const cnn_key *key = (*ops)->keys; key->name; key++) {
                add_key_item(key, text);
            }
            cnn_text_format(text, ".El\n");
        }
    }
}

char *cnn_config_reference(void) {
    cnn_text text = {0};
    for (const cnn_config_section *section = cnn_config_sections; section->title; section++) {
        cnn_text_format(&text, ".Ss %s\n", section->title);
        if (section->prose) {
            cnn_mdoc_prose(&text, section->prose);
        }
        cnn_text_format(&text, ".Bl -tag -width Ds\n");
        for (const cnn_key *key = section->keys; key->name; key++) {
            add_key_item(key, &text);
            if (section->has_layers) {
                cnn_text_format(&text, ".El\n.Pp\nThe layers are:\n.Bl -tag -width Ds\n");
                add_layer_items(&text);
            }
        }
        cnn_text_format(&text, ".El\n");
    }
    return cnn_text_take(&text);
}

/* --- completions --- */

char *cnn_config_words(void) {
    cnn_text text = {0};
    const cnn_key *key;
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        const char *const *words = key->kind->words ? key->kind->words(key) : NULL;
        cnn_text_format(&text, "%s", key->name);
        for (; words && *words; words++) {
            cnn_text_format(&text, " %s", *words);
        }
        cnn_text_format(&text, "\n");
    }
    return cnn_text_take(&text);
}
