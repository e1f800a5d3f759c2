/* Writing: a config as resolved JSON, the table of keys as help and as JSON Schema. */
#include "config/keys.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cJSON's own memory as ours; NULL stays NULL. */
static char *take_text(char *printed) {
    char *copy = printed ? cnn_copy_string(printed) : NULL;
    cJSON_free(printed);
    return copy;
}

/* Takes the first part off a dotted path, into section; false where it is the last one. */
static bool next_section(const char **path, char section[32]) {
    const char *dot = strchr(*path, '.');
    if (dot) {
        (void)snprintf(section, 32, "%.*s", (int)(dot - *path), *path);
        *path = dot + 1;
    }
    return dot != NULL;
}

/* The object that holds a dotted path's last part, made where missing; *name: that part. */
static cJSON *section_of(cJSON *root, const char *path, const char **name) {
    char section[32];
    *name = path;
    while (root && next_section(name, section)) {
        cJSON *object = cJSON_GetObjectItemCaseSensitive(root, section);
        root = object ? object : cJSON_AddObjectToObject(root, section);
    }
    return root;
}

/* --- resolved config --- */

static cJSON *layer_json(const cnn_layer_spec *layer) {
    cJSON *json = cJSON_CreateObject();
    bool complete = cnn_json_add(json, "type", cJSON_CreateString(layer->ops->name));
    for (int i = 0; layer->ops->keys[i].name; i++) {
        const cnn_layer_key *key = &layer->ops->keys[i];
        const char *text = NULL;
        for (const cnn_layer_name *name = key->names; name && name->text; name++) {
            text = name->value == layer->value[i] ? name->text : text;
        }
        double number = key->range ? layer->number[i] : (double)layer->value[i];
        complete =
            complete && cnn_json_add(json, key->name,
                                     text ? cJSON_CreateString(text) : cJSON_CreateNumber(number));
    }
    if (!complete) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}

/* The layers from *next on, up to the end of the list, which *next is moved behind: a residual's
 * stand in a list of its own. */
static cJSON *layers_json(const cnn_network_spec *network, int *next) {
    cJSON *list = cJSON_CreateArray();
    while (list && *next < network->layer_count) {
        const cnn_layer_spec *layer = &network->layers[(*next)++];
        if (layer->ops->role == CNN_LAYER_SUM) {
            break;
        }
        if (layer->projects) {
            continue; /* follows from the shapes */
        }
        cJSON *json = layer_json(layer);
        bool complete = json != NULL;
        if (complete && layer->ops->role == CNN_LAYER_FORK) {
            complete = cnn_json_add(json, "layers", layers_json(network, next));
        }
        if (!complete) {
            cJSON_Delete(json);
            cJSON_Delete(list);
            return NULL;
        }
        if (!cnn_json_append(list, json)) {
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static cJSON *string_or_null(const char *text) {
    return text ? cJSON_CreateString(text) : cJSON_CreateNull();
}

/* A key's value; a JSON null for what is not given, which the writer leaves out. */
static cJSON *value_json(const cnn_config_key *key, const cnn_config *config) {
    const void *field = (const char *)config + key->offset;
    switch (key->kind) {
    case CNN_CONFIG_PATH:
        return string_or_null(*(char *const *)field);
    case CNN_CONFIG_INTEGER:
        return cJSON_CreateNumber((double)*(const int64_t *)field);
    case CNN_CONFIG_NUMBER:
        return cJSON_CreateNumber(*(const double *)field);
    case CNN_CONFIG_BOOLEAN:
        return cJSON_CreateBool(*(const bool *)field);
    case CNN_CONFIG_CHOICE:
        return cJSON_CreateString(key->choices[*(const int64_t *)field]);
    case CNN_CONFIG_NUMBER_OR_TEXT: {
        const cnn_number_or_text *value = field;
        return value->text ? cJSON_CreateString(value->text) : cJSON_CreateNumber(value->number);
    }
    case CNN_CONFIG_VALIDATION:
        return config->data.validation.path ? cJSON_CreateString(config->data.validation.path)
                                            : cJSON_CreateNumber(config->data.validation.fraction);
    case CNN_CONFIG_CLASSES:
        return config->data.classes[0]
                   ? cJSON_CreateStringArray((const char *const *)config->data.classes, 2)
                   : cJSON_CreateNull();
    case CNN_CONFIG_LAYERS: {
        int next = 0;
        return layers_json(field, &next);
    }
    }
    return NULL;
}

static bool write_keys(const cnn_config *config, bool model_only, cJSON *root) {
    for (const cnn_config_key *key = cnn_config_keys; key->path; key++) {
        if (model_only && !key->in_model) {
            continue;
        }
        cJSON *value = value_json(key, config);
        if (cJSON_IsNull(value)) {
            cJSON_Delete(value);
            continue;
        }
        const char *name;
        cJSON *section = section_of(root, key->path, &name);
        if (!cnn_json_add(section, name, value)) {
            return false;
        }
    }
    return true;
}

char *cnn_config_to_json(const cnn_config *config) {
    cJSON *root = cJSON_CreateObject();
    char *text = root && write_keys(config, false, root) ? take_text(cJSON_Print(root)) : NULL;
    cJSON_Delete(root);
    return text;
}

cnn_status cnn_config_write_model_part(const cnn_config *config, cJSON *json, cnn_error *error) {
    return write_keys(config, true, json) ? CNN_OK : cnn_fail_memory(error, "the model's config");
}

/* "KEY: WAS, now IS"; of two lists, the first items that differ. */
static bool describe_difference(const char *key, const cJSON *was, const cJSON *is,
                                char difference[256]) {
    char place[80];
    (void)snprintf(place, sizeof place, "%s", key);
    if (cJSON_IsArray(was) && cJSON_IsArray(is)) {
        was = was->child;
        is = is->child;
        int i = 0;
        for (; was && is && cJSON_Compare(was, is, true); i++) {
            was = was->next;
            is = is->next;
        }
        (void)snprintf(place, sizeof place, "%s[%d]", key, i);
    }
    char *left = was ? cJSON_PrintUnformatted(was) : NULL;
    char *right = is ? cJSON_PrintUnformatted(is) : NULL;
    bool complete = (!was || left) && (!is || right);
    (void)snprintf(difference, 256, "%s: %.70s, now %.70s", place, left ? left : "none",
                   right ? right : "none");
    cJSON_free(left);
    cJSON_free(right);
    return complete;
}

/* May a run that goes on with this config differ in the key? Not in its length, where the learning
 * rate of every step depends on it. */
static bool may_change(const cnn_config_key *key, const cJSON *config) {
    const cJSON *train = cJSON_GetObjectItemCaseSensitive(config, "train");
    const char *schedule =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(train, "schedule"));
    bool fixed_length =
        schedule && (strcmp(schedule, "cosine") == 0 || strcmp(schedule, "one_cycle") == 0);
    return key->may_change && !(fixed_length && strcmp(key->path, "train.epochs") == 0);
}

cnn_status cnn_config_difference(const char *started, const char *now, char difference[256],
                                 cnn_error *error) {
    bool complete = true;
    bool found = false;
    difference[0] = '\0';
    cJSON *before = cJSON_Parse(started);
    cJSON *after = cJSON_Parse(now);
    for (const cnn_config_key *key = cnn_config_keys; before && after && key->path && !found;
         key++) {
        if (may_change(key, before)) {
            continue;
        }
        const char *name;
        const cJSON *was = section_of(before, key->path, &name);
        was = cJSON_GetObjectItemCaseSensitive(was, name);
        const cJSON *is = section_of(after, key->path, &name);
        is = cJSON_GetObjectItemCaseSensitive(is, name);
        bool left_to_data = key->kind == CNN_CONFIG_CLASSES && !is;
        found = (was || is) && !left_to_data && !cJSON_Compare(was, is, true);
        if (found) {
            complete = describe_difference(key->path, was, is, difference);
        }
    }
    complete = complete && before && after;
    cJSON_Delete(before);
    cJSON_Delete(after);
    return complete ? CNN_OK : cnn_fail_memory(error, "comparing configs");
}

void cnn_text_release(char *text) {
    cnn_free(text);
}

/* --- help --- */

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
    if (text.failed) {
        cnn_text_free(&text);
        return NULL;
    }
    return text.data;
}

/* --- schema --- */

static bool add_text(cJSON *object, const char *name, const char *text) {
    return cnn_json_add(object, name, cJSON_CreateString(text));
}

static bool add_number(cJSON *object, const char *name, double number) {
    return cnn_json_add(object, name, cJSON_CreateNumber(number));
}

static bool add_path_type(cJSON *schema) {
    return add_text(schema, "type", "string") && add_number(schema, "minLength", 1);
}

static bool add_validation(cJSON *schema, double fallback) {
    cJSON *either = cJSON_CreateArray();
    cJSON *path = cJSON_CreateObject();
    cJSON *share = cJSON_CreateObject();
    bool complete = add_path_type(path) && add_text(share, "type", "number") &&
                    add_number(share, "minimum", 0) && add_number(share, "exclusiveMaximum", 1);
    complete = cnn_json_append(either, path) && complete;
    complete = cnn_json_append(either, share) && complete;
    return cnn_json_add(schema, "anyOf", either) && add_number(schema, "default", fallback) &&
           complete;
}

static bool add_number_or_text(cJSON *schema, const cnn_config_key *key) {
    cJSON *either = cJSON_CreateArray();
    cJSON *number = cJSON_CreateObject();
    cJSON *text = cJSON_CreateObject();
    bool complete =
        add_text(number, "type", "number") &&
        add_number(number, key->above_minimum ? "exclusiveMinimum" : "minimum", key->minimum) &&
        add_number(number, "maximum", key->maximum) && add_text(text, "type", "string") &&
        add_text(text, "pattern", key->pattern);
    complete = cnn_json_append(either, number) && complete;
    complete = cnn_json_append(either, text) && complete;
    return cnn_json_add(schema, "anyOf", either) && add_number(schema, "default", key->fallback) &&
           complete;
}

static bool add_classes(cJSON *schema) {
    cJSON *items = cJSON_CreateObject();
    bool complete = add_path_type(items);
    complete = add_text(schema, "type", "array") && complete;
    return cnn_json_add(schema, "items", items) && add_number(schema, "minItems", 2) &&
           add_number(schema, "maxItems", 2) &&
           cnn_json_add(schema, "uniqueItems", cJSON_CreateTrue()) && complete;
}

static cJSON *layer_key_schema(const cnn_layer_key *key) {
    cJSON *schema = cJSON_CreateObject();
    cJSON *number = key->names ? cJSON_CreateObject() : schema;
    bool complete =
        add_text(schema, "description", key->help) &&
        add_text(number, "type", key->range ? "number" : "integer") &&
        add_number(number, "minimum", key->range ? key->range->minimum : key->minimum) &&
        add_number(number, "maximum", key->range ? key->range->maximum : key->maximum);
    if (key->names) {
        cJSON *either = cJSON_CreateArray();
        cJSON *named = cJSON_CreateObject();
        cJSON *names = cJSON_CreateArray();
        for (const cnn_layer_name *name = key->names; name->text; name++) {
            complete = cnn_json_append(names, cJSON_CreateString(name->text)) && complete;
        }
        complete = cnn_json_add(named, "enum", names) && complete;
        complete = cnn_json_append(either, named) && complete;
        complete = cnn_json_append(either, number) && complete;
        complete = cnn_json_add(schema, "anyOf", either) && complete;
    }
    if (!complete) {
        cJSON_Delete(schema);
        return NULL;
    }
    return schema;
}

static cJSON *layer_schema(const cnn_layer_ops *ops) {
    cJSON *schema = cJSON_CreateObject();
    cJSON *properties = cJSON_CreateObject();
    cJSON *required = cJSON_CreateArray();
    cJSON *type = cJSON_CreateObject();
    bool complete = add_text(type, "const", ops->name);
    complete = cnn_json_add(properties, "type", type) && complete;
    complete = cnn_json_append(required, cJSON_CreateString("type")) && complete;
    for (const cnn_layer_key *key = ops->keys; key->name; key++) {
        complete = cnn_json_add(properties, key->name, layer_key_schema(key)) && complete;
        if (key->required) {
            complete = cnn_json_append(required, cJSON_CreateString(key->name)) && complete;
        }
    }
    if (ops->role == CNN_LAYER_FORK) {
        cJSON *list = cJSON_CreateObject();
        complete = add_text(list, "$ref", "#/properties/layers") && complete;
        complete = cnn_json_add(properties, "layers", list) && complete;
        complete = cnn_json_append(required, cJSON_CreateString("layers")) && complete;
    }
    complete = add_text(schema, "description", ops->help) && add_text(schema, "type", "object") &&
               complete;
    complete = cnn_json_add(schema, "properties", properties) && complete;
    complete = cnn_json_add(schema, "required", required) && complete;
    complete = cnn_json_add(schema, "additionalProperties", cJSON_CreateFalse()) && complete;
    if (!complete) {
        cJSON_Delete(schema);
        return NULL;
    }
    return schema;
}

static bool add_layers(cJSON *schema) {
    cJSON *any = cJSON_CreateArray();
    cJSON *items = cJSON_CreateObject();
    bool complete = true;
    for (const cnn_layer_ops *const *ops = cnn_layer_registry; *ops; ops++) {
        complete = cnn_json_append(any, layer_schema(*ops)) && complete;
    }
    complete = cnn_json_add(items, "oneOf", any) && complete;
    return cnn_json_add(schema, "items", items) && add_text(schema, "type", "array") &&
           add_number(schema, "minItems", 1) && add_number(schema, "maxItems", CNN_LAYERS_MAX) &&
           complete;
}

static cJSON *key_schema(const cnn_config_key *key) {
    cJSON *schema = cJSON_CreateObject();
    bool complete = add_text(schema, "description", key->help);
    switch (key->kind) {
    case CNN_CONFIG_PATH:
        complete = complete && add_path_type(schema);
        break;
    case CNN_CONFIG_INTEGER:
    case CNN_CONFIG_NUMBER:
        if (key->ends_only) {
            const double ends[2] = {key->minimum, key->maximum};
            complete = complete && cnn_json_add(schema, "enum", cJSON_CreateDoubleArray(ends, 2));
            break;
        }
        complete =
            complete &&
            add_text(schema, "type", key->kind == CNN_CONFIG_INTEGER ? "integer" : "number") &&
            add_number(schema, key->above_minimum ? "exclusiveMinimum" : "minimum", key->minimum) &&
            add_number(schema, "maximum", key->maximum) &&
            (key->required || add_number(schema, "default", key->fallback));
        break;
    case CNN_CONFIG_BOOLEAN:
        complete = complete && add_text(schema, "type", "boolean") &&
                   cnn_json_add(schema, "default", cJSON_CreateBool(key->fallback > 0.0));
        break;
    case CNN_CONFIG_CHOICE: {
        int count = 0;
        while (key->choices[count]) {
            count++;
        }
        complete = complete &&
                   cnn_json_add(schema, "enum", cJSON_CreateStringArray(key->choices, count)) &&
                   add_text(schema, "default", key->choices[(int)key->fallback]);
        break;
    }
    case CNN_CONFIG_NUMBER_OR_TEXT:
        complete = complete && add_number_or_text(schema, key);
        break;
    case CNN_CONFIG_VALIDATION:
        complete = complete && add_validation(schema, key->fallback);
        break;
    case CNN_CONFIG_CLASSES:
        complete = complete && add_classes(schema);
        break;
    case CNN_CONFIG_LAYERS:
        complete = complete && add_layers(schema);
        break;
    }
    if (!complete) {
        cJSON_Delete(schema);
        return NULL;
    }
    return schema;
}

/* The schema of an object, with the lists that keys are added to. */
static cJSON *object_schema(void) {
    cJSON *schema = cJSON_CreateObject();
    if (add_text(schema, "type", "object") && cJSON_AddObjectToObject(schema, "properties") &&
        cJSON_AddArrayToObject(schema, "required") &&
        cnn_json_add(schema, "additionalProperties", cJSON_CreateFalse())) {
        return schema;
    }
    cJSON_Delete(schema);
    return NULL;
}

static cJSON *properties_of(const cJSON *schema) {
    return cJSON_GetObjectItemCaseSensitive(schema, "properties");
}

static bool require(const cJSON *schema, const char *name) {
    cJSON *required = cJSON_GetObjectItemCaseSensitive(schema, "required");
    const cJSON *item;
    cJSON_ArrayForEach(item, required) {
        if (strcmp(item->valuestring, name) == 0) {
            return true;
        }
    }
    return cnn_json_append(required, cJSON_CreateString(name));
}

/* The object schema that a key belongs to: the root's, or its section's, made where missing. NULL
 * where memory is refused. */
static cJSON *owner_schema(cJSON *root, const cnn_config_key *key, const char **name) {
    char section[32];
    cJSON *owner = root;
    *name = key->path;
    while (next_section(name, section)) {
        cJSON *schema = cJSON_GetObjectItemCaseSensitive(properties_of(owner), section);
        if (!schema) {
            schema = object_schema();
            if (!cnn_json_add(properties_of(owner), section, schema)) {
                return NULL;
            }
        }
        if (key->required && !require(owner, section)) {
            return NULL;
        }
        owner = schema;
    }
    return owner;
}

char *cnn_config_schema(void) {
    cJSON *root = cJSON_CreateObject();
    cJSON *body = NULL;
    bool complete =
        add_text(root, "$schema", "https://json-schema.org/draft/2020-12/schema") &&
        add_text(root, "title", "cnntrain config") &&
        add_text(root, "description",
                 "Generated from the program's table of keys by cnntrain --schema; do not edit.") &&
        add_text(root, "type", "object") && cJSON_AddObjectToObject(root, "properties") &&
        cJSON_AddArrayToObject(root, "required") &&
        cnn_json_add(root, "additionalProperties", cJSON_CreateFalse());
    for (const cnn_config_key *key = cnn_config_keys; complete && key->path; key++) {
        const char *name;
        body = owner_schema(root, key, &name);
        complete = body && cnn_json_add(properties_of(body), name, key_schema(key)) &&
                   (!key->required || require(body, name));
    }
    char *text = complete ? take_text(cJSON_Print(root)) : NULL;
    cJSON_Delete(root);
    return text;
}
