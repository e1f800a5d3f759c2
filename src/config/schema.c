/* The table of keys as JSON Schema. */
#include "config/keys.h"

#include "base/json_writer.h"

#include <stdio.h>
#include <string.h>

static void add_text(cnn_json_writer *json, const char *name, const char *text) {
    cnn_json_string(cnn_json_key(json, name), text);
}

static void add_number(cnn_json_writer *json, const char *name, double number) {
    cnn_json_number(cnn_json_key(json, name), number);
}

static void add_path_type(cnn_json_writer *json) {
    add_text(json, "type", "string");
    add_number(json, "minLength", 1);
}

static void add_lower_bound(cnn_json_writer *json, const cnn_config_key *key) {
    add_number(json, key->above_minimum ? "exclusiveMinimum" : "minimum", key->minimum);
}

/* --- kinds of key: each adds to the object that is the key's schema --- */

static void add_number_kind(cnn_json_writer *json, const cnn_config_key *key) {
    if (key->ends_only) {
        cnn_json_begin_array(cnn_json_key(json, "enum"));
        cnn_json_number(json, key->minimum);
        cnn_json_number(json, key->maximum);
        cnn_json_end(json);
        return;
    }
    add_text(json, "type", key->kind == CNN_CONFIG_INTEGER ? "integer" : "number");
    add_lower_bound(json, key);
    add_number(json, "maximum", key->maximum);
    if (!key->required) {
        add_number(json, "default", key->fallback);
    }
}

static void add_choice(cnn_json_writer *json, const cnn_config_key *key) {
    cnn_json_begin_array(cnn_json_key(json, "enum"));
    for (int i = 0; key->choices[i]; i++) {
        cnn_json_string(json, key->choices[i]);
    }
    cnn_json_end(json);
    add_text(json, "default", key->choices[(int)key->fallback]);
}

static void add_validation(cnn_json_writer *json, const cnn_config_key *key) {
    cnn_json_begin_array(cnn_json_key(json, "anyOf"));
    cnn_json_begin_object(json);
    add_path_type(json);
    cnn_json_end(json);
    cnn_json_begin_object(json);
    add_text(json, "type", "number");
    add_number(json, "minimum", 0);
    add_number(json, "exclusiveMaximum", 1);
    cnn_json_end(json);
    cnn_json_end(json);
    add_number(json, "default", key->fallback);
}

static void add_number_or_text(cnn_json_writer *json, const cnn_config_key *key) {
    cnn_json_begin_array(cnn_json_key(json, "anyOf"));
    cnn_json_begin_object(json);
    add_text(json, "type", "number");
    add_lower_bound(json, key);
    add_number(json, "maximum", key->maximum);
    cnn_json_end(json);
    cnn_json_begin_object(json);
    add_text(json, "type", "string");
    add_text(json, "pattern", key->pattern);
    cnn_json_end(json);
    cnn_json_end(json);
    add_number(json, "default", key->fallback);
}

static void add_classes(cnn_json_writer *json) {
    add_text(json, "type", "array");
    cnn_json_begin_object(cnn_json_key(json, "items"));
    add_path_type(json);
    cnn_json_end(json);
    add_number(json, "minItems", 2);
    add_number(json, "maxItems", 2);
    cnn_json_boolean(cnn_json_key(json, "uniqueItems"), true);
}

/* --- layers --- */

static void add_layer_number(cnn_json_writer *json, const cnn_layer_key *key) {
    add_text(json, "type", key->range ? "number" : "integer");
    add_number(json, "minimum", key->range ? key->range->minimum : key->minimum);
    add_number(json, "maximum", key->range ? key->range->maximum : key->maximum);
}

static void write_layer_key(cnn_json_writer *json, const cnn_layer_key *key) {
    cnn_json_begin_object(json);
    add_text(json, "description", key->help);
    if (key->names) {
        cnn_json_begin_array(cnn_json_key(json, "anyOf"));
        cnn_json_begin_object(json);
        cnn_json_begin_array(cnn_json_key(json, "enum"));
        for (const cnn_layer_name *name = key->names; name->text; name++) {
            cnn_json_string(json, name->text);
        }
        cnn_json_end(json);
        cnn_json_end(json);
        cnn_json_begin_object(json);
        add_layer_number(json, key);
        cnn_json_end(json);
        cnn_json_end(json);
    } else {
        add_layer_number(json, key);
    }
    cnn_json_end(json);
}

static void write_layer(cnn_json_writer *json, const cnn_layer_ops *ops) {
    bool has_list = ops->join != NULL;
    cnn_json_begin_object(json);
    add_text(json, "description", ops->help);
    add_text(json, "type", "object");
    cnn_json_begin_object(cnn_json_key(json, "properties"));
    cnn_json_begin_object(cnn_json_key(json, "type"));
    add_text(json, "const", ops->name);
    cnn_json_end(json);
    for (const cnn_layer_key *key = ops->keys; key->name; key++) {
        write_layer_key(cnn_json_key(json, key->name), key);
    }
    if (has_list) {
        cnn_json_begin_object(cnn_json_key(json, "layers"));
        add_text(json, "$ref", "#/properties/layers");
        cnn_json_end(json);
    }
    cnn_json_end(json);
    cnn_json_begin_array(cnn_json_key(json, "required"));
    cnn_json_string(json, "type");
    for (const cnn_layer_key *key = ops->keys; key->name; key++) {
        if (key->required) {
            cnn_json_string(json, key->name);
        }
    }
    if (has_list) {
        cnn_json_string(json, "layers");
    }
    cnn_json_end(json);
    cnn_json_boolean(cnn_json_key(json, "additionalProperties"), false);
    cnn_json_end(json);
}

static void add_layers(cnn_json_writer *json) {
    cnn_json_begin_object(cnn_json_key(json, "items"));
    cnn_json_begin_array(cnn_json_key(json, "oneOf"));
    for (const cnn_layer_ops *const *ops = cnn_layer_registry; *ops; ops++) {
        write_layer(json, *ops);
    }
    cnn_json_end(json);
    cnn_json_end(json);
    add_text(json, "type", "array");
    add_number(json, "minItems", 1);
    add_number(json, "maxItems", CNN_LAYERS_MAX);
}

/* --- keys and sections --- */

static void write_key(cnn_json_writer *json, const cnn_config_key *key) {
    cnn_json_begin_object(json);
    add_text(json, "description", key->help);
    switch (key->kind) {
    case CNN_CONFIG_PATH:
        add_path_type(json);
        break;
    case CNN_CONFIG_INTEGER:
    case CNN_CONFIG_NUMBER:
        add_number_kind(json, key);
        break;
    case CNN_CONFIG_BOOLEAN:
        add_text(json, "type", "boolean");
        cnn_json_boolean(cnn_json_key(json, "default"), key->fallback > 0.0);
        break;
    case CNN_CONFIG_CHOICE:
        add_choice(json, key);
        break;
    case CNN_CONFIG_NUMBER_OR_TEXT:
        add_number_or_text(json, key);
        break;
    case CNN_CONFIG_VALIDATION:
        add_validation(json, key);
        break;
    case CNN_CONFIG_CLASSES:
        add_classes(json);
        break;
    case CNN_CONFIG_LAYERS:
        add_layers(json);
        break;
    }
    cnn_json_end(json);
}

/* Is the key in the section: the first `length` bytes of `path`, with the dot at their end? Keys of
 * one section stand together in the table. */
static bool is_in(const cnn_config_key *key, const char *path, size_t length) {
    return key->path && strncmp(key->path, path, length) == 0;
}

/* Copies the part of the key's path that starts at `length` and ends at a dot or at its end.
 * Returns the part's length. */
static size_t copy_part(const cnn_config_key *key, size_t length, char part[32]) {
    size_t size = strcspn(key->path + length, ".");
    (void)snprintf(part, 32, "%.*s", (int)size, key->path + length);
    return size;
}

static void write_members(cnn_json_writer *json, const cnn_config_key *first, size_t length);

/* properties: the keys and sections of one section; `length` is what first->path has before them.
 */
static void write_properties(cnn_json_writer *json, const cnn_config_key *first, size_t length) {
    cnn_json_begin_object(cnn_json_key(json, "properties"));
    for (const cnn_config_key *key = first; is_in(key, first->path, length);) {
        char part[32];
        size_t size = copy_part(key, length, part);
        cnn_json_key(json, part);
        if (!key->path[length + size]) {
            write_key(json, key++);
            continue;
        }
        const cnn_config_key *inner = key;
        cnn_json_begin_object(json);
        write_members(json, inner, length + size + 1);
        cnn_json_end(json);
        while (is_in(key, inner->path, length + size + 1)) {
            key++;
        }
    }
    cnn_json_end(json);
}

/* required: the keys that are, and the sections that hold one. */
static void write_required(cnn_json_writer *json, const cnn_config_key *first, size_t length) {
    char last[32] = "";
    cnn_json_begin_array(cnn_json_key(json, "required"));
    for (const cnn_config_key *key = first; is_in(key, first->path, length); key++) {
        char part[32];
        (void)copy_part(key, length, part);
        if (key->required && strcmp(part, last) != 0) {
            cnn_json_string(json, part);
            (void)memcpy(last, part, sizeof last);
        }
    }
    cnn_json_end(json);
}

static void write_members(cnn_json_writer *json, const cnn_config_key *first, size_t length) {
    add_text(json, "type", "object");
    write_properties(json, first, length);
    write_required(json, first, length);
    cnn_json_boolean(cnn_json_key(json, "additionalProperties"), false);
}

char *cnn_config_schema(void) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_PRETTY);
    cnn_json_begin_object(&json);
    add_text(&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    add_text(&json, "title", "cnntrain config");
    add_text(&json, "description",
             "Generated from the program's table of keys by cnntrain --schema; do not edit.");
    write_members(&json, cnn_config_keys, 0);
    cnn_json_end(&json);
    return cnn_text_take(&text);
}
