/* Writing a config as resolved JSON. */
#include "config/keys.h"

#include "base/json_writer.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* How many bytes of two dotted paths are sections that they share: "train." of "train.a.b" and
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

/* The members of a layer's object. */
static void write_layer(cnn_json_writer *json, const cnn_layer_spec *layer) {
    cnn_json_string(cnn_json_key(json, "type"), layer->ops->name);
    for (int i = 0; layer->ops->keys[i].name; i++) {
        const cnn_layer_key *key = &layer->ops->keys[i];
        const char *text = NULL;
        for (const cnn_layer_name *name = key->names; name && name->text; name++) {
            text = name->value == layer->value[i] ? name->text : text;
        }
        cnn_json_key(json, key->name);
        if (text) {
            cnn_json_string(json, text);
        } else if (key->range) {
            cnn_json_number(json, layer->number[i]);
        } else {
            cnn_json_integer(json, layer->value[i]);
        }
    }
}

/* The layers from *next on that are `depth` residuals deep, or deeper; *next is moved to the first
 * that is not. The layers of a residual are a list of their own. */
static void write_layers(cnn_json_writer *json, const cnn_network_spec *network, int depth,
                         int *next) {
    cnn_json_begin_array(json);
    while (*next < network->layer_count && network->layers[*next].depth >= depth) {
        const cnn_layer_spec *layer = &network->layers[(*next)++];
        cnn_json_begin_object(json);
        write_layer(json, layer);
        if (layer->ops->join) {
            write_layers(cnn_json_key(json, "layers"), network, depth + 1, next);
        }
        cnn_json_end(json);
    }
    cnn_json_end(json);
}

/* Is there anything to write? Paths and classes have no default. */
static bool is_given(const cnn_config_key *key, const cnn_config *config) {
    switch (key->kind) {
    case CNN_CONFIG_PATH:
    case CNN_CONFIG_CLASSES:
        return *(char *const *)((const void *)((const char *)config + key->offset)) != NULL;
    default:
        return true;
    }
}

static void write_value(cnn_json_writer *json, const cnn_config_key *key,
                        const cnn_config *config) {
    const void *field = (const char *)config + key->offset;
    switch (key->kind) {
    case CNN_CONFIG_PATH:
        cnn_json_string(json, *(char *const *)field);
        break;
    case CNN_CONFIG_INTEGER:
        cnn_json_integer(json, *(const int64_t *)field);
        break;
    case CNN_CONFIG_NUMBER:
        cnn_json_number(json, *(const double *)field);
        break;
    case CNN_CONFIG_BOOLEAN:
        cnn_json_boolean(json, *(const bool *)field);
        break;
    case CNN_CONFIG_CHOICE:
        cnn_json_string(json, key->choices[*(const int64_t *)field]);
        break;
    case CNN_CONFIG_NUMBER_OR_TEXT: {
        const cnn_number_or_text *value = field;
        if (value->text) {
            cnn_json_string(json, value->text);
        } else {
            cnn_json_number(json, value->number);
        }
        break;
    }
    case CNN_CONFIG_VALIDATION:
        if (config->data.validation.path) {
            cnn_json_string(json, config->data.validation.path);
        } else {
            cnn_json_number(json, config->data.validation.fraction);
        }
        break;
    case CNN_CONFIG_CLASSES:
        cnn_json_begin_array(json);
        for (int i = 0; i < 2; i++) {
            cnn_json_string(json, ((char *const *)field)[i]);
        }
        cnn_json_end(json);
        break;
    case CNN_CONFIG_LAYERS: {
        int next = 0;
        write_layers(json, field, 0, &next);
        break;
    }
    }
}

/* Members of the object that is begun: all keys that have a value, or those a model keeps. */
static void write_keys(const cnn_config *config, bool model_only, cnn_json_writer *json) {
    const char *last = "";
    for (const cnn_config_key *key = cnn_config_keys; key->path; key++) {
        if ((key->in_model || !model_only) && is_given(key, config)) {
            cnn_json_key(json, enter_section(json, &last, key->path));
            write_value(json, key, config);
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

void cnn_text_release(char *text) {
    cnn_free(text);
}
