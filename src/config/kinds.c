/* Kinds of values that only a config has: where validation images come from, and names of classes.
 */
#include "config/keys.h"

#include "base/memory.h"

#include <cJSON.h>
#include <string.h>

/* --- data.validation: a path, or a share --- */

static void reset_validation(const cnn_key *key, void *field) {
    *(cnn_validation_source *)field = (cnn_validation_source){.fraction = key->fallback};
}

static cnn_parse_result parse_validation(const cnn_key *key, const cJSON *json,
                                         const struct cnn_reader *reader, void *field) {
    cnn_validation_source *source = field;
    return cJSON_IsString(json) ? cnn_kind_path.parse(key, json, reader, &source->path)
                                : cnn_kind_number.parse(key, json, reader, &source->fraction);
}

static void write_validation(const cnn_key *key, const void *field, cnn_json_writer *json) {
    const cnn_validation_source *source = field;
    if (source->path) {
        cnn_kind_path.write(key, &source->path, json);
    } else {
        cnn_kind_number.write(key, &source->fraction, json);
    }
}

static void describe_validation(const cnn_key *key, cnn_text *text) {
    cnn_text_format(text, "a path or a share from %g to below %g", key->minimum, key->maximum);
}

static void schema_validation(const cnn_key *key, cnn_json_writer *json) {
    cnn_json_begin_array(cnn_json_key(json, "anyOf"));
    cnn_json_begin_object(json);
    cnn_kind_path.schema(key, json);
    cnn_json_end(json);
    cnn_json_begin_object(json);
    cnn_kind_number.schema(key, json);
    cnn_json_end(json);
    cnn_json_end(json);
}

static const char *const *validation_words(const cnn_key *key) {
    return cnn_kind_path.words(key);
}

static void release_validation(void *field) {
    cnn_free(((cnn_validation_source *)field)->path);
}

const cnn_value_kind cnn_kind_validation = {
    .size = sizeof(cnn_validation_source),
    .reset = reset_validation,
    .parse = parse_validation,
    .write = write_validation,
    .describe = describe_validation,
    .explain = cnn_path_tilde,
    .schema = schema_validation,
    .words = validation_words,
    .release = release_validation,
};

/* --- data.classes: two names, or none --- */

static cnn_parse_result parse_classes(const cnn_key *key, const cJSON *json,
                                      const struct cnn_reader *reader, void *field) {
    (void)key, (void)reader;
    char **classes = field;
    const cJSON *names[2] = {cJSON_GetArrayItem(json, 0), cJSON_GetArrayItem(json, 1)};
    if (!cJSON_IsArray(json) || cJSON_GetArraySize(json) != 2 || !cJSON_IsString(names[0]) ||
        !cJSON_IsString(names[1]) || !*names[0]->valuestring || !*names[1]->valuestring ||
        strcmp(names[0]->valuestring, names[1]->valuestring) == 0) {
        return CNN_PARSE_MISFIT;
    }
    classes[0] = cnn_copy_string(names[0]->valuestring);
    classes[1] = cnn_copy_string(names[1]->valuestring);
    return classes[0] && classes[1] ? CNN_PARSE_OK : CNN_PARSE_NO_MEMORY;
}

static bool classes_are_given(const void *field) {
    return *(char *const *)field != NULL;
}

static void write_classes(const cnn_key *key, const void *field, cnn_json_writer *json) {
    (void)key;
    char *const *classes = field;
    cnn_json_begin_array(json);
    cnn_json_string(json, classes[0]);
    cnn_json_string(json, classes[1]);
    cnn_json_end(json);
}

static void describe_classes(const cnn_key *key, cnn_text *text) {
    (void)key;
    cnn_text_format(text, "two different names in quotes, [\"negative\", \"positive\"]");
}

static void schema_classes(const cnn_key *key, cnn_json_writer *json) {
    (void)key;
    cnn_json_string(cnn_json_key(json, "type"), "array");
    cnn_json_begin_object(cnn_json_key(json, "items"));
    cnn_schema_path(json);
    cnn_json_end(json);
    cnn_json_integer(cnn_json_key(json, "minItems"), 2);
    cnn_json_integer(cnn_json_key(json, "maxItems"), 2);
    cnn_json_boolean(cnn_json_key(json, "uniqueItems"), true);
}

static void release_classes(void *field) {
    char **classes = field;
    cnn_free(classes[0]);
    cnn_free(classes[1]);
}

const cnn_value_kind cnn_kind_classes = {
    .size = 2 * sizeof(char *),
    .parse = parse_classes,
    .is_given = classes_are_given,
    .write = write_classes,
    .describe = describe_classes,
    .schema = schema_classes,
    .release = release_classes,
};
