/* Writes a config as resolved JSON. */
#include "config/keys.h"

#include "base/json_writer.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* Returns the length of the sections that two dotted paths share: "train." of "train.a.b" and
 * "train.c". */
static size_t shared_sections(const char *a, const char *b) {
    size_t shared = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
        shared = a[i] == '.' ? i + 1 : shared;
    }
    return shared;
}

/* Goes from the section of the key written last, *last, to that of `path`: ends the objects that
 * are left and begins those that are entered. Returns the path's last part. */
static const char *enter_section(cnn_json_writer *json, const char **last, const char *path) {
    size_t shared = shared_sections(*last, path);
    for (const char *dot = *last + shared; (dot = strchr(dot, '.')) != NULL; dot++) {
        cnn_json_end(json);
    }
    const char *name = path + shared;
    for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1) {
        char section[32];
        (void)snprintf(section, sizeof section, "%.*s", (int)(dot - name), name);
        cnn_json_begin_object(cnn_json_key(json, section));
    }
    *last = path;
    return name;
}

static bool is_given(const cnn_key *key, const cnn_config *config) {
    return !key->kind->is_given || key->kind->is_given(cnn_key_value(key, config));
}

void cnn_config_write_key(const cnn_config *config, const char *name, cnn_json_writer *json) {
    const cnn_key *key;
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        if (strcmp(key->name, name) == 0 && is_given(key, config)) {
            key->kind->write(key, cnn_key_value(key, config), json);
            return;
        }
    }
    cnn_json_null(json);
}

/* Writes the members of the current object: all keys that have a value, or those stored in a model.
 */
static void write_keys(const cnn_config *config, bool model_only, cnn_json_writer *json) {
    const char *last = "";
    const cnn_key *key;
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        if ((key->in_model || !model_only) && is_given(key, config)) {
            cnn_json_key(json, enter_section(json, &last, key->name));
            key->kind->write(key, cnn_key_value(key, config), json);
        }
    }
    (void)enter_section(json, &last, "");
}

char *cnn_config_to_json(const cnn_config *config) {
    cnn_text text = {0};
    cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_PRETTY);
    cnn_json_begin_object(&json);
    write_keys(config, false, &json);
    cnn_json_end(&json);
    return cnn_text_take(&text);
}

void cnn_config_write_model_part(const cnn_config *config, cnn_json_writer *json) {
    write_keys(config, true, json);
}
