#include "base/value_kind.h"

#include "base/json.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

/* --- shared parts --- */

/* "a number above 0 and up to 1", "an integer from 1 to 31", "1 or 3". */
static void describe_range(const cnn_key *key, const char *what, cnn_text *text) {
    if (key->ends_only) {
        cnn_text_format(text, "%.16g or %.16g", key->minimum, key->maximum);
        return;
    }
    cnn_text_format(text, "%s %s %.16g %s %.16g", what, key->above_minimum ? "above" : "from",
                    key->minimum,
                    key->above_minimum   ? (key->below_maximum ? "and below" : "and up to")
                    : key->below_maximum ? "to below"
                                         : "to",
                    key->maximum);
}

static void add_text(cnn_json_writer *json, const char *name, const char *text) {
    cnn_json_string(cnn_json_key(json, name), text);
}

void cnn_schema_path(cnn_json_writer *json) {
    add_text(json, "type", "string");
    cnn_json_integer(cnn_json_key(json, "minLength"), 1);
}

void cnn_schema_number(const cnn_key *key, const char *type, cnn_json_writer *json) {
    if (key->ends_only) {
        cnn_json_begin_array(cnn_json_key(json, "enum"));
        cnn_json_number(json, key->minimum);
        cnn_json_number(json, key->maximum);
        cnn_json_end(json);
        return;
    }
    add_text(json, "type", type);
    cnn_json_number(cnn_json_key(json, key->above_minimum ? "exclusiveMinimum" : "minimum"),
                    key->minimum);
    cnn_json_number(cnn_json_key(json, key->below_maximum ? "exclusiveMaximum" : "maximum"),
                    key->maximum);
}

static cnn_parse_result copy_text(const char *text, char **field) {
    *field = cnn_copy_string(text);
    return *field ? CNN_PARSE_OK : CNN_PARSE_NO_MEMORY;
}

/* --- paths --- */

static cnn_parse_result parse_path(const cnn_key *key, const cJSON *json,
                                   const struct cnn_reader *reader, void *field) {
    (void)key, (void)reader;
    char text[CNN_TILDE_TEXT_SIZE];
    if (!cJSON_IsString(json) || !*json->valuestring || cnn_path_tilde(json->valuestring, text)) {
        return CNN_PARSE_MISFIT;
    }
    return copy_text(json->valuestring, field);
}

static bool path_is_given(const void *field) {
    return *(char *const *)field != NULL;
}

static void write_path(const cnn_key *key, const void *field, cnn_json_writer *json) {
    (void)key;
    cnn_json_string(json, *(char *const *)field);
}

static void describe_path(const cnn_key *key, cnn_text *text) {
    (void)key;
    cnn_text_format(text, "a path");
}

static void schema_path(const cnn_key *key, cnn_json_writer *json) {
    (void)key;
    cnn_schema_path(json);
}

static const char *const *path_words(const cnn_key *key) {
    static const char *const words[] = {"@path", NULL};
    (void)key;
    return words;
}

static void release_path(void *field) {
    cnn_free(*(char **)field);
}

const cnn_value_kind cnn_kind_path = {
    .size = sizeof(char *),
    .parse = parse_path,
    .is_given = path_is_given,
    .write = write_path,
    .describe = describe_path,
    .explain = cnn_path_tilde,
    .schema = schema_path,
    .words = path_words,
    .release = release_path,
};

/* --- integers --- */

static bool fits_integer(const cnn_key *key, const cJSON *json) {
    return cJSON_IsNumber(json) && cnn_key_allows(key, json->valuedouble) &&
           !(json->valuedouble > floor(json->valuedouble));
}

static void reset_integer(const cnn_key *key, void *field) {
    *(int64_t *)field = (int64_t)key->fallback;
}

static cnn_parse_result parse_integer(const cnn_key *key, const cJSON *json,
                                      const struct cnn_reader *reader, void *field) {
    (void)reader;
    if (!fits_integer(key, json)) {
        return CNN_PARSE_MISFIT;
    }
    *(int64_t *)field = (int64_t)json->valuedouble;
    return CNN_PARSE_OK;
}

static void write_integer(const cnn_key *key, const void *field, cnn_json_writer *json) {
    (void)key;
    cnn_json_integer(json, *(const int64_t *)field);
}

static void describe_integer(const cnn_key *key, cnn_text *text) {
    describe_range(key, "an integer", text);
}

static void schema_integer(const cnn_key *key, cnn_json_writer *json) {
    cnn_schema_number(key, "integer", json);
}

const cnn_value_kind cnn_kind_integer = {
    .size = sizeof(int64_t),
    .reset = reset_integer,
    .parse = parse_integer,
    .write = write_integer,
    .describe = describe_integer,
    .schema = schema_integer,
};

static void reset_int(const cnn_key *key, void *field) {
    *(int *)field = (int)key->fallback;
}

static cnn_parse_result parse_int(const cnn_key *key, const cJSON *json,
                                  const struct cnn_reader *reader, void *field) {
    (void)reader;
    for (const cnn_named_number *name = key->names; name && name->name; name++) {
        if (cJSON_IsString(json) && strcmp(json->valuestring, name->name) == 0) {
            *(int *)field = name->number;
            return CNN_PARSE_OK;
        }
    }
    if (!fits_integer(key, json)) {
        return CNN_PARSE_MISFIT;
    }
    *(int *)field = (int)json->valuedouble;
    return CNN_PARSE_OK;
}

static void write_int(const cnn_key *key, const void *field, cnn_json_writer *json) {
    const int value = *(const int *)field;
    for (const cnn_named_number *name = key->names; name && name->name; name++) {
        if (name->number == value) {
            cnn_json_string(json, name->name);
            return;
        }
    }
    cnn_json_integer(json, value);
}

static void describe_int(const cnn_key *key, cnn_text *text) {
    for (const cnn_named_number *name = key->names; name && name->name; name++) {
        cnn_text_format(text, "\"%s\" or ", name->name);
    }
    describe_integer(key, text);
}

static double number_of_int(const void *field) {
    return *(const int *)field;
}

static void schema_int(const cnn_key *key, cnn_json_writer *json) {
    if (!key->names) {
        schema_integer(key, json);
        return;
    }
    cnn_json_begin_array(cnn_json_key(json, "anyOf"));
    cnn_json_begin_object(json);
    cnn_json_begin_array(cnn_json_key(json, "enum"));
    for (const cnn_named_number *name = key->names; name->name; name++) {
        cnn_json_string(json, name->name);
    }
    cnn_json_end(json);
    cnn_json_end(json);
    cnn_json_begin_object(json);
    schema_integer(key, json);
    cnn_json_end(json);
    cnn_json_end(json);
}

const cnn_value_kind cnn_kind_int = {
    .size = sizeof(int),
    .reset = reset_int,
    .parse = parse_int,
    .write = write_int,
    .describe = describe_int,
    .number = number_of_int,
    .schema = schema_int,
};

/* --- numbers --- */

static void reset_number(const cnn_key *key, void *field) {
    *(double *)field = key->fallback;
}

static cnn_parse_result parse_number(const cnn_key *key, const cJSON *json,
                                     const struct cnn_reader *reader, void *field) {
    (void)reader;
    if (!cJSON_IsNumber(json) || !cnn_key_allows(key, json->valuedouble)) {
        return CNN_PARSE_MISFIT;
    }
    *(double *)field = json->valuedouble;
    return CNN_PARSE_OK;
}

static void write_number(const cnn_key *key, const void *field, cnn_json_writer *json) {
    (void)key;
    cnn_json_number(json, *(const double *)field);
}

static void describe_number(const cnn_key *key, cnn_text *text) {
    describe_range(key, "a number", text);
}

static double number_of_number(const void *field) {
    return *(const double *)field;
}

static void schema_number(const cnn_key *key, cnn_json_writer *json) {
    cnn_schema_number(key, "number", json);
}

const cnn_value_kind cnn_kind_number = {
    .size = sizeof(double),
    .reset = reset_number,
    .parse = parse_number,
    .write = write_number,
    .describe = describe_number,
    .number = number_of_number,
    .schema = schema_number,
};

static bool number_is_given(const void *field) {
    return *(const double *)field > 0.0;
}

const cnn_value_kind cnn_kind_optional_number = {
    .size = sizeof(double),
    .parse = parse_number,
    .is_given = number_is_given,
    .write = write_number,
    .describe = describe_number,
    .number = number_of_number,
    .schema = schema_number,
};

/* --- booleans --- */

static void reset_boolean(const cnn_key *key, void *field) {
    *(bool *)field = key->fallback > 0.0;
}

static cnn_parse_result parse_boolean(const cnn_key *key, const cJSON *json,
                                      const struct cnn_reader *reader, void *field) {
    (void)key, (void)reader;
    *(bool *)field = cJSON_IsTrue(json);
    return cJSON_IsBool(json) ? CNN_PARSE_OK : CNN_PARSE_MISFIT;
}

static void write_boolean(const cnn_key *key, const void *field, cnn_json_writer *json) {
    (void)key;
    cnn_json_boolean(json, *(const bool *)field);
}

static void describe_boolean(const cnn_key *key, cnn_text *text) {
    (void)key;
    cnn_text_format(text, "true or false");
}

static double number_of_boolean(const void *field) {
    return *(const bool *)field ? 1.0 : 0.0;
}

static void schema_boolean(const cnn_key *key, cnn_json_writer *json) {
    (void)key;
    add_text(json, "type", "boolean");
}

static const char *const *boolean_words(const cnn_key *key) {
    static const char *const words[] = {"true", "false", NULL};
    (void)key;
    return words;
}

const cnn_value_kind cnn_kind_boolean = {
    .size = sizeof(bool),
    .reset = reset_boolean,
    .parse = parse_boolean,
    .write = write_boolean,
    .describe = describe_boolean,
    .number = number_of_boolean,
    .schema = schema_boolean,
    .words = boolean_words,
};

/* --- choices --- */

static cnn_parse_result parse_choice(const cnn_key *key, const cJSON *json,
                                     const struct cnn_reader *reader, void *field) {
    (void)reader;
    for (int i = 0; cJSON_IsString(json) && key->choices[i]; i++) {
        if (strcmp(json->valuestring, key->choices[i]) == 0) {
            *(int *)field = i;
            return CNN_PARSE_OK;
        }
    }
    return CNN_PARSE_MISFIT;
}

static void write_choice(const cnn_key *key, const void *field, cnn_json_writer *json) {
    cnn_json_string(json, key->choices[*(const int *)field]);
}

static void describe_choice(const cnn_key *key, cnn_text *text) {
    for (int i = 0; key->choices[i]; i++) {
        cnn_text_format(text, "%s\"%s\"", i ? " or " : "", key->choices[i]);
    }
}

static void schema_choice(const cnn_key *key, cnn_json_writer *json) {
    cnn_json_begin_array(cnn_json_key(json, "enum"));
    for (int i = 0; key->choices[i]; i++) {
        cnn_json_string(json, key->choices[i]);
    }
    cnn_json_end(json);
}

static const char *const *choice_words(const cnn_key *key) {
    return key->choices;
}

const cnn_value_kind cnn_kind_choice = {
    .size = sizeof(int),
    .reset = reset_int,
    .parse = parse_choice,
    .write = write_choice,
    .describe = describe_choice,
    .schema = schema_choice,
    .words = choice_words,
};

/* --- numbers or texts --- */

static void reset_number_or_text(const cnn_key *key, void *field) {
    *(cnn_number_or_text *)field = (cnn_number_or_text){.number = key->fallback};
}

static cnn_parse_result parse_number_or_text(const cnn_key *key, const cJSON *json,
                                             const struct cnn_reader *reader, void *field) {
    cnn_number_or_text *value = field;
    if (cJSON_IsString(json) && key->texts->matches(json->valuestring)) {
        return copy_text(json->valuestring, &value->text);
    }
    return parse_number(key, json, reader, &value->number);
}

static void write_number_or_text(const cnn_key *key, const void *field, cnn_json_writer *json) {
    const cnn_number_or_text *value = field;
    if (value->text) {
        cnn_json_string(json, value->text);
    } else {
        write_number(key, &value->number, json);
    }
}

static void describe_number_or_text(const cnn_key *key, cnn_text *text) {
    describe_number(key, text);
    cnn_text_format(text, ", or %s", key->texts->described);
}

static void schema_number_or_text(const cnn_key *key, cnn_json_writer *json) {
    cnn_json_begin_array(cnn_json_key(json, "anyOf"));
    cnn_json_begin_object(json);
    schema_number(key, json);
    cnn_json_end(json);
    cnn_json_begin_object(json);
    add_text(json, "type", "string");
    add_text(json, "pattern", key->texts->pattern);
    cnn_json_end(json);
    cnn_json_end(json);
}

static const char *const *text_words(const cnn_key *key) {
    return key->texts->words;
}

static void release_number_or_text(void *field) {
    cnn_free(((cnn_number_or_text *)field)->text);
}

const cnn_value_kind cnn_kind_number_or_text = {
    .size = sizeof(cnn_number_or_text),
    .reset = reset_number_or_text,
    .parse = parse_number_or_text,
    .write = write_number_or_text,
    .describe = describe_number_or_text,
    .schema = schema_number_or_text,
    .words = text_words,
    .release = release_number_or_text,
};
