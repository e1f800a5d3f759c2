#include "config/reader.h"

#include "cnn/config.h"

#include "base/error.h"
#include "base/json.h"
#include "base/number_text.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- messages --- */

static bool is_inside(const char *place, const char *outer) {
    size_t length = strlen(outer);
    return strncmp(place, outer, length) == 0 &&
           (place[length] == '\0' || place[length] == '.' || place[length] == '[');
}

const char *cnn_reader_override_origin(const cnn_reader *reader, size_t i) {
    return i < reader->command_line_count ? "command line" : reader->sweep;
}

/* The last override counts. */
const char *cnn_reader_origin(const cnn_reader *reader, const char *place) {
    for (size_t i = reader->override_count; i > 0; i--) {
        if (is_inside(place, reader->override_places[i - 1])) {
            return cnn_reader_override_origin(reader, i - 1);
        }
    }
    return reader->file;
}

void cnn_reader_place(char place[CNN_CONFIG_PLACE_SIZE], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(place, CNN_CONFIG_PLACE_SIZE, format, arguments);
    va_end(arguments);
}

cnn_status cnn_reader_fail(const cnn_reader *reader, const char *place, const char *format, ...) {
    char text[sizeof reader->error->message];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *origin = cnn_reader_origin(reader, place);
    return cnn_fail(reader->error, CNN_ERROR_CONFIG, "%s%s%s%s%s", origin ? origin : "",
                    origin ? ": " : "", place, *place ? ": " : "", text);
}

/* Describes a value that was found, for a message. */
static const char *describe(const cJSON *item, char text[128]) {
    if (cJSON_IsString(item)) {
        (void)snprintf(text, 128, "\"%.80s%s\"", item->valuestring,
                       strlen(item->valuestring) > 80 ? "…" : "");
    } else if (cJSON_IsNumber(item)) {
        (void)snprintf(text, 128, "%g", item->valuedouble);
        if (isfinite(item->valuedouble)) {
            (void)cnn_number_write(item->valuedouble, text);
        }
    } else if (cJSON_IsBool(item)) {
        (void)snprintf(text, 128, "%s", cJSON_IsTrue(item) ? "true" : "false");
    } else if (cJSON_IsArray(item)) {
        (void)snprintf(text, 128, "a list of %d", cJSON_GetArraySize(item));
    } else {
        (void)snprintf(text, 128, "%s",
                       !cJSON_IsObject(item) ? "null"
                       : item->child         ? "an object"
                                             : "an empty object");
    }
    return text;
}

cnn_status cnn_reader_expected(const cnn_reader *reader, const char *place, const char *expected,
                               const cJSON *found) {
    char text[128];
    return cnn_reader_fail(reader, place, "expected %s, got %s", expected, describe(found, text));
}

enum { HINT_SIZE = 512 };

/* "expected a, b or c". */
static void list_names(const char *const *names, char hint[HINT_SIZE]) {
    size_t used = (size_t)snprintf(hint, HINT_SIZE, "expected");
    for (; *names && used < HINT_SIZE - 32; names++) {
        used += (size_t)snprintf(hint + used, HINT_SIZE - used, "%s %.24s", names[1] ? "" : " or",
                                 *names);
        if (names[1]) {
            used += (size_t)snprintf(hint + used, HINT_SIZE - used, names[2] ? "," : "");
        }
    }
}

/* A key of the config, to be written where `full` is: on the command line with its value. */
static void name_key(const cnn_reader *reader, const char *full, const char *key,
                     char hint[HINT_SIZE]) {
    const size_t section = (size_t)(strrchr(key, '.') ? strrchr(key, '.') + 1 - key : 0);
    const bool same_section = strncmp(key, full, section) == 0 && !strchr(full + section, '.');
    (void)snprintf(hint, HINT_SIZE, "did you mean \"%s\"?", key + (same_section ? section : 0));
    for (size_t i = 0; i < reader->override_count && i < reader->command_line_count; i++) {
        const char *value = strchr(reader->overrides[i], '=');
        if (value && strcmp(reader->override_places[i], full) == 0) {
            (void)snprintf(hint, HINT_SIZE, "did you mean %s%.100s?", key, value);
        }
    }
}

/* The hint after an unknown name: another key of the config that has this name, else the nearest of
 * `names`, else the nearest key, else all names. */
static void find_hint(const cnn_reader *reader, const char *full, bool config_key,
                      const char *found, const char *const *names, char hint[HINT_SIZE]) {
    const char *key = config_key ? cnn_config_key_meant(full, false) : NULL;
    const char *nearest = key ? NULL : cnn_text_nearest(found, names);
    key = config_key && !key && !nearest ? cnn_config_key_meant(full, true) : key;
    if (key) {
        name_key(reader, full, key, hint);
    } else if (nearest) {
        (void)snprintf(hint, HINT_SIZE, "did you mean \"%s\"?", nearest);
    } else {
        list_names(names, hint);
    }
}

cnn_status cnn_reader_unknown(const cnn_reader *reader, const char *place, const char *what,
                              const char *found, const char *const *names) {
    /* values set on the command line are recognised by their full place */
    char full[CNN_CONFIG_PLACE_SIZE + 128];
    (void)snprintf(full, sizeof full, "%s%s%.100s", place, *place ? "." : "", found);
    const bool config_key = strcmp(what, "key") == 0 && !strchr(place, '['); /* not a layer's */
    char hint[HINT_SIZE];
    find_hint(reader, full, config_key, found, names, hint);
    const char *from = cnn_reader_origin(reader, full);
    /* an override may have created the whole section */
    for (size_t i = 0; i < reader->override_count; i++) {
        from = is_inside(reader->override_places[i], full) ? cnn_reader_override_origin(reader, i)
                                                           : from;
    }
    return cnn_fail(reader->error, CNN_ERROR_CONFIG, "%s: %s%sunknown %s \"%.100s\"; %s", from,
                    place, *place ? ": " : "", what, found, hint);
}

/* --- keys --- */

/* JSON allows a key twice, but readers disagree about which one counts, so it is an error. Checked
 * after the names: if all are known, there are few different ones, and this ends soon. */
static cnn_status check_duplicates(const cnn_reader *reader, const char *place,
                                   const cJSON *object) {
    for (const cJSON *item = object->child; item; item = item->next) {
        for (const cJSON *other = item->next; other; other = other->next) {
            if (strcmp(item->string, other->string) == 0) {
                return cnn_reader_fail(reader, place, "key \"%.100s\" is given twice",
                                       item->string);
            }
        }
    }
    return CNN_OK;
}

cnn_status cnn_reader_check_names(const cnn_reader *reader, const char *place, const cJSON *object,
                                  const char *const *names) {
    for (const cJSON *item = object->child; item; item = item->next) {
        bool known = false;
        for (size_t i = 0; names[i]; i++) {
            known = known || strcmp(item->string, names[i]) == 0;
        }
        if (!known) {
            return cnn_reader_unknown(reader, place, "key", item->string, names);
        }
    }
    return check_duplicates(reader, place, object);
}

/* Reports a value that does not match the key's description. */
static cnn_status fail_misfit(const cnn_reader *reader, const char *place, const cnn_key *key,
                              const cJSON *json) {
    char text[CNN_TILDE_TEXT_SIZE];
    if (cJSON_IsString(json) && key->kind->explain && key->kind->explain(json->valuestring, text)) {
        return cnn_reader_fail(reader, place, "%s", text);
    }
    cnn_text expected = {0};
    key->kind->describe(key, &expected);
    const cnn_status status = expected.failed
                                  ? cnn_fail_memory(reader->error, place)
                                  : cnn_reader_expected(reader, place, expected.data, json);
    cnn_text_free(&expected);
    return status;
}

cnn_status cnn_reader_read_key(const cnn_reader *reader, const char *place, const cnn_key *keys,
                               const cnn_key *key, const cJSON *json, void *record) {
    cnn_key_reset(keys, key, record);
    if (!json) {
        return key->required ? cnn_reader_fail(reader, place, "missing; %s", key->help) : CNN_OK;
    }
    switch (key->kind->parse(key, json, reader, cnn_key_field(key, record))) {
    case CNN_PARSE_MISFIT:
        return fail_misfit(reader, place, key, json);
    case CNN_PARSE_NO_MEMORY:
        return cnn_fail_memory(reader->error, place);
    case CNN_PARSE_REPORTED:
        return CNN_ERROR_CONFIG;
    case CNN_PARSE_OK:
        break;
    }
    return CNN_OK;
}

/* --- JSON --- */

/* The place of the error in a text that is not JSON. */
typedef struct text_place {
    const char *place;
    int line, column;
    bool at_end;      /* the error is at the end of the text */
    bool after_comma; /* a closing bracket follows a comma */
} text_place;

/* Finds the place. failed: the position where cJSON stopped. */
static text_place find_mistake(const char *text, size_t size, const char *failed) {
    const char *end = failed;
    /* cJSON may point at the white space after the error */
    while (end > text && (end >= text + size || isspace((unsigned char)*end))) {
        end--;
    }
    /* … or into the middle of a bare word */
    while (end > text && isalnum((unsigned char)end[0]) && isalnum((unsigned char)end[-1])) {
        end--;
    }
    text_place found = {.place = end, .line = 1, .column = 1};
    for (const char *c = text; c < end; c++) {
        found.column = *c == '\n' ? 1 : found.column + 1;
        found.line += *c == '\n';
    }
    const char *before = end;
    while (before > text && isspace((unsigned char)before[-1])) {
        before--;
    }
    found.after_comma = (*end == '}' || *end == ']') && before > text && before[-1] == ',';
    found.at_end = failed >= text + size && !found.after_comma;
    return found;
}

static cnn_status fail_syntax(const cnn_reader *reader, const text_place *found) {
    if (found->at_end) {
        return cnn_fail(reader->error, CNN_ERROR_CONFIG,
                        "%s: line %d: expected valid JSON, found the end of the file", reader->file,
                        found->line);
    }
    char near[24] = {0};
    for (size_t i = 0; i + 1 < sizeof near && isprint((unsigned char)found->place[i]); i++) {
        near[i] = found->place[i];
    }
    return cnn_fail(reader->error, CNN_ERROR_CONFIG,
                    "%s: line %d, column %d: expected valid JSON, found \"%s\"%s", reader->file,
                    found->line, found->column, near, found->after_comma ? " after a comma" : "");
}

cnn_status cnn_reader_parse(const cnn_reader *reader, const char *text, size_t size, cJSON **root) {
    *root = NULL;
    if (strlen(text) != size || !cnn_text_is_utf8(text)) {
        return cnn_fail(reader->error, CNN_ERROR_CONFIG,
                        "%s: expected UTF-8 text, found other bytes", reader->file);
    }
    const char *end = text;
    bool no_memory;
    cJSON *json = cnn_json_parse(text, size + 1, &end, true, &no_memory);
    if (no_memory) {
        return cnn_fail_memory(reader->error, reader->file);
    }
    if (!json) {
        const text_place found = find_mistake(text, size, end);
        return fail_syntax(reader, &found);
    }
    if (!cJSON_IsObject(json)) {
        const cnn_status status = cnn_reader_expected(reader, "", "a JSON object { … }", json);
        cJSON_Delete(json);
        return status;
    }
    *root = json;
    return CNN_OK;
}
