/* The table of keys as JSON Schema. */
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

static void add_text(cnn_json_writer *json, const char *name, const char *text) {
    cnn_json_string(cnn_json_key(json, name), text);
}

static void write_key(cnn_json_writer *json, const cnn_key *key) {
    cnn_json_begin_object(json);
    cnn_key_schema(key, json);
    if (cnn_key_has_default(key)) {
        cnn_key_write_default(key, cnn_json_key(json, "default"));
    }
    cnn_json_end(json);
}

/* A section: the keys from number `first` on whose names have the same first `length` bytes, which
 * end with a dot. */
typedef struct key_section {
    int first;
    size_t length;
} key_section;

/* Returns key i if it is in the section, else NULL. */
static const cnn_key *key_in(const key_section *section, int i) {
    const cnn_key *first = cnn_config_key(section->first);
    const cnn_key *key = cnn_config_key(i);
    return key && strncmp(key->name, first->name, section->length) == 0 ? key : NULL;
}

/* Copies the part of the key's name that starts at `length` and ends at a dot or at its end.
 * Returns the part's length. */
static size_t copy_part(const cnn_key *key, size_t length, char part[32]) {
    const size_t size = strcspn(key->name + length, ".");
    (void)snprintf(part, 32, "%.*s", (int)size, key->name + length);
    return size;
}

static void write_members(cnn_json_writer *json, const key_section *section);

/* Writes "properties": the keys and sections of one section. */
static void write_properties(cnn_json_writer *json, const key_section *outer) {
    const cnn_key *key;
    cnn_json_begin_object(cnn_json_key(json, "properties"));
    for (int i = outer->first; (key = key_in(outer, i));) {
        char part[32];
        const size_t end = outer->length + copy_part(key, outer->length, part);
        cnn_json_key(json, part);
        if (!key->name[end]) {
            write_key(json, key);
            i++;
            continue;
        }
        const key_section inner = {.first = i, .length = end + 1};
        cnn_json_begin_object(json);
        write_members(json, &inner);
        cnn_json_end(json);
        while (key_in(&inner, i)) {
            i++;
        }
    }
    cnn_json_end(json);
}

/* Writes "required": the required keys, and the sections that contain one. */
static void write_required(cnn_json_writer *json, const key_section *section) {
    const cnn_key *key;
    char last[32] = "";
    cnn_json_begin_array(cnn_json_key(json, "required"));
    for (int i = section->first; (key = key_in(section, i)); i++) {
        char part[32];
        (void)copy_part(key, section->length, part);
        if (key->required && strcmp(part, last) != 0) {
            cnn_json_string(json, part);
            (void)memcpy(last, part, sizeof last);
        }
    }
    cnn_json_end(json);
}

static void write_members(cnn_json_writer *json, const key_section *section) {
    add_text(json, "type", "object");
    write_properties(json, section);
    write_required(json, section);
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
    write_members(&json, &(key_section){0});
    cnn_json_end(&json);
    return cnn_text_take(&text);
}
