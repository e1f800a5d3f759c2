/* The table of keys as help. */
#include "config/keys.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* "a", "b", in lines that end before column 88; begin: the column of the first. */
static void describe_choices(const char *const *choices, size_t begin, cnn_text *text) {
    size_t column = begin;
    for (size_t i = 0; choices[i]; i++) {
        size_t length = strlen(choices[i]) + strlen(", \"\"");
        bool fits = column + length < 84;
        cnn_text_format(text, "%s%s\"%s\"", i ? "," : "",
                        !fits ? "\n      "
                        : i   ? " "
                              : "",
                        choices[i]);
        column = fits ? column + length : 6 + length;
    }
}

/* "integer >= 1, 32": type and default of a key, in one line. */
static void describe_key(const cnn_config_key *key, cnn_text *text) {
    switch (key->kind) {
    case CNN_CONFIG_PATH:
        cnn_text_format(text, "path");
        break;
    case CNN_CONFIG_INTEGER:
        cnn_text_format(text, key->ends_only ? "%.0f or %.0f" : "integer %.0f to %.0f",
                        key->minimum, key->maximum);
        break;
    case CNN_CONFIG_NUMBER:
        cnn_text_format(text, "number %s %g, up to %g", key->above_minimum ? "above" : "from",
                        key->minimum, key->maximum);
        break;
    case CNN_CONFIG_BOOLEAN:
        cnn_text_format(text, "true or false");
        break;
    case CNN_CONFIG_CHOICE:
        describe_choices(key->choices, strlen(key->path), text);
        break;
    case CNN_CONFIG_NUMBER_OR_TEXT:
        cnn_text_format(text, "number %s %g, up to %g, or a text",
                        key->above_minimum ? "above" : "from", key->minimum, key->maximum);
        break;
    case CNN_CONFIG_VALIDATION:
        cnn_text_format(text, "path, or number from 0 to below 1");
        break;
    case CNN_CONFIG_CLASSES:
        cnn_text_format(text, "two names");
        break;
    case CNN_CONFIG_LAYERS:
        cnn_text_format(text, "list of layers, see below");
        break;
    }
    if (key->required) {
        cnn_text_format(text, "; required");
    } else if (key->kind == CNN_CONFIG_BOOLEAN) {
        cnn_text_format(text, "; default %s", key->fallback > 0.0 ? "true" : "false");
    } else if (key->kind == CNN_CONFIG_CHOICE) {
        cnn_text_format(text, "; default \"%s\"", key->choices[(int)key->fallback]);
    } else if (key->kind != CNN_CONFIG_PATH && key->kind != CNN_CONFIG_CLASSES) {
        cnn_text_format(text, "; default %g", key->fallback);
    }
}

/* Text broken into lines of at most 88 columns, each indented by 6. */
static void wrap(const char *words, cnn_text *text) {
    size_t column = 0;
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

static void describe_layer_key(const cnn_layer_key *key, cnn_text *text) {
    if (key->range) {
        cnn_text_format(text, "number %g to %g; default %g", key->range->minimum,
                        key->range->maximum, key->range->fallback);
        return;
    }
    const char *fallback = key->fallback_key;
    for (const cnn_layer_name *name = key->names; name && name->text; name++) {
        cnn_text_format(text, "\"%s\", ", name->text);
        fallback = name->value == key->fallback ? name->text : fallback;
    }
    cnn_text_format(text, "integer %d to %d", key->minimum, key->maximum);
    if (key->required) {
        cnn_text_format(text, "; required");
    } else if (fallback) {
        cnn_text_format(text, "; default %s", fallback);
    } else {
        cnn_text_format(text, "; default %d", key->fallback);
    }
}

char *cnn_config_help(void) {
    cnn_text text = {0};
    cnn_text_format(&text,
                    "Keys of the config (JSON). On the command line: KEY=VALUE, such as "
                    "train.epochs=3\nor layers.0.filters=32. Paths are relative to the working "
                    "directory, those in a\nmanifest to the manifest.\n\n");
    for (const cnn_config_key *key = cnn_config_keys; key->path; key++) {
        cnn_text_format(&text, "  %s  (", key->path);
        describe_key(key, &text);
        cnn_text_format(&text, ")\n");
        wrap(key->help, &text);
        if (key->texts) {
            char texts[256];
            (void)snprintf(texts, sizeof texts, "text: %s", key->texts);
            wrap(texts, &text);
        }
    }
    cnn_text_format(&text,
                    "\nLayers, each {\"type\": NAME, KEY: VALUE, …}; the last two are dense with "
                    "1 unit, and sigmoid.\n\n");
    for (const cnn_layer_ops *const *ops = cnn_layer_registry; *ops; ops++) {
        cnn_text_format(&text, "  %s\n", (*ops)->name);
        wrap((*ops)->help, &text);
        for (const cnn_layer_key *key = (*ops)->keys; key->name; key++) {
            cnn_text_format(&text, "    %s  (", key->name);
            describe_layer_key(key, &text);
            cnn_text_format(&text, ")\n");
            wrap(key->help, &text);
        }
    }
    return cnn_text_take(&text);
}
