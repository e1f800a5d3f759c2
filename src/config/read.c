/* Reading: JSON text, with overrides put in, to a checked cnn_config. */
#include "config/keys.h"
#include "config/override.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_FILE_LIMIT ((size_t)16 << 20)
#define NAMES_MAX 64

/* What reading needs to know to say where a value came from. */
typedef struct config_reader {
    const char *file;
    char (*override_places)[CNN_CONFIG_PLACE_SIZE]; /* places that the command line set */
    size_t override_count;
    cnn_error *error;
} config_reader;

/* --- messages --- */

static bool is_inside(const char *place, const char *outer) {
    size_t length = strlen(outer);
    return strncmp(place, outer, length) == 0 &&
           (place[length] == '\0' || place[length] == '.' || place[length] == '[');
}

/* Who set the value at this place: the file, or the command line. */
static const char *origin(const config_reader *reader, const char *place) {
    for (size_t i = 0; i < reader->override_count; i++) {
        if (is_inside(place, reader->override_places[i])) {
            return "command line";
        }
    }
    return reader->file;
}

/* A place's name; places are short, as residuals are not deep. */
__attribute__((format(printf, 2, 3))) static void make_place(char place[CNN_CONFIG_PLACE_SIZE],
                                                             const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(place, CNN_CONFIG_PLACE_SIZE, format, arguments);
    va_end(arguments);
}

static cnn_status fail_at(const config_reader *reader, const char *place, const char *format, ...)
    CNN_PRINTF(3, 4);
static cnn_status fail_at(const config_reader *reader, const char *place, const char *format, ...) {
    char text[sizeof reader->error->message];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cnn_fail(reader->error, CNN_ERROR_CONFIG, "%s: %s%s%s", origin(reader, place), place,
                    *place ? ": " : "", text);
}

/* How a message shows what was found. */
static const char *describe(const cJSON *item, char text[128]) {
    if (cJSON_IsString(item)) {
        (void)snprintf(text, 128, "\"%.80s%s\"", item->valuestring,
                       strlen(item->valuestring) > 80 ? "…" : "");
    } else if (cJSON_IsNumber(item)) {
        (void)snprintf(text, 128, "%.15g", item->valuedouble);
    } else if (cJSON_IsBool(item)) {
        (void)snprintf(text, 128, "%s", cJSON_IsTrue(item) ? "true" : "false");
    } else if (cJSON_IsArray(item)) {
        (void)snprintf(text, 128, "a list of %d", cJSON_GetArraySize(item));
    } else {
        (void)snprintf(text, 128, "%s", cJSON_IsObject(item) ? "an object" : "null");
    }
    return text;
}

static cnn_status fail_expected(const config_reader *reader, const char *place,
                                const char *expected, const cJSON *found) {
    char text[128];
    return fail_at(reader, place, "expected %s, got %s", expected, describe(found, text));
}

/* "unknown key", with the nearest of `names` as a hint, else all of them. */
static cnn_status fail_unknown(const config_reader *reader, const char *place, const char *what,
                               const char *found, const char *const *names) {
    /* what the command line set is told apart by the full place */
    char full[CNN_CONFIG_PLACE_SIZE + 128];
    (void)snprintf(full, sizeof full, "%s%s%.100s", place, *place ? "." : "", found);
    const char *nearest = cnn_text_nearest(found, names);
    char hint[512];
    if (nearest) {
        (void)snprintf(hint, sizeof hint, "did you mean \"%s\"?", nearest);
    } else {
        size_t used = (size_t)snprintf(hint, sizeof hint, "expected");
        for (; *names && used < sizeof hint - 32; names++) {
            used += (size_t)snprintf(hint + used, sizeof hint - used, "%s %.24s",
                                     names[1] ? "" : " or", *names);
            if (names[1]) {
                used += (size_t)snprintf(hint + used, sizeof hint - used, names[2] ? "," : "");
            }
        }
    }
    const char *from = origin(reader, full);
    /* an override may have made the whole section */
    for (size_t i = 0; i < reader->override_count; i++) {
        from = is_inside(reader->override_places[i], full) ? "command line" : from;
    }
    return cnn_fail(reader->error, CNN_ERROR_CONFIG, "%s: %s%sunknown %s \"%.100s\"; %s", from,
                    place, *place ? ": " : "", what, found, hint);
}

/* --- JSON --- */

/* The text of a file as a JSON object; says line and column where it is none. */
static cnn_status parse(const config_reader *reader, const char *text, size_t size, cJSON **root) {
    if (strlen(text) != size || !cnn_text_is_utf8(text)) {
        return cnn_fail(reader->error, CNN_ERROR_CONFIG,
                        "%s: expected UTF-8 text, found other bytes", reader->file);
    }
    const char *end = text;
    bool no_memory;
    *root = cnn_json_parse(text, size + 1, &end, true, &no_memory);
    if (no_memory) {
        return cnn_fail_memory(reader->error, reader->file);
    }
    if (*root && cJSON_IsObject(*root)) {
        return CNN_OK;
    }
    if (*root) {
        cnn_status status = fail_expected(reader, "", "a JSON object { … }", *root);
        cJSON_Delete(*root);
        *root = NULL;
        return status;
    }
    /* cJSON may point at the white space behind what it did not like */
    bool at_end = end >= text + size;
    while (end > text && (end >= text + size || isspace((unsigned char)*end))) {
        end--;
    }
    /* … or into the middle of a bare word */
    while (end > text && isalnum((unsigned char)end[0]) && isalnum((unsigned char)end[-1])) {
        end--;
    }
    int line = 1, column = 1;
    for (const char *c = text; c < end; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    const char *before = end;
    while (before > text && isspace((unsigned char)before[-1])) {
        before--;
    }
    bool comma = (*end == '}' || *end == ']') && before > text && before[-1] == ',';
    if (at_end && !comma) {
        return cnn_fail(reader->error, CNN_ERROR_CONFIG,
                        "%s: line %d: expected valid JSON, found the end of the file", reader->file,
                        line);
    }
    char near[24] = {0};
    for (size_t i = 0; i + 1 < sizeof near && isprint((unsigned char)end[i]); i++) {
        near[i] = end[i];
    }
    return cnn_fail(reader->error, CNN_ERROR_CONFIG,
                    "%s: line %d, column %d: expected valid JSON, found \"%s\"%s", reader->file,
                    line, column, near, comma ? " behind a comma" : "");
}

/* JSON allows a key twice, and readers disagree about which one counts: so it is an error. Asked
 * when all keys are known ones, so that one of a few stands here twice soon. */
static cnn_status check_duplicates(const config_reader *reader, const char *place,
                                   const cJSON *object) {
    for (const cJSON *item = object->child; item; item = item->next) {
        for (const cJSON *other = item->next; other; other = other->next) {
            if (strcmp(item->string, other->string) == 0) {
                return fail_at(reader, place, "key \"%.100s\" stands here twice", item->string);
            }
        }
    }
    return CNN_OK;
}

/* --- layers --- */

static cnn_status read_layer_key(const config_reader *reader, const char *layer_place,
                                 const cnn_layer_key *key, const cJSON *item, int *value) {
    char place[CNN_CONFIG_PLACE_SIZE];
    make_place(place, "%s.%s", layer_place, key->name);
    if (!item) {
        return fail_at(reader, place, "missing; %s", key->help);
    }
    for (const cnn_layer_name *name = key->names; name && name->text; name++) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, name->text) == 0) {
            *value = name->value;
            return CNN_OK;
        }
    }
    double number = item->valuedouble;
    if (!cJSON_IsNumber(item) || !(number >= key->minimum && number <= key->maximum) ||
        number > floor(number)) {
        char expected[256];
        size_t used = 0;
        for (const cnn_layer_name *name = key->names; name && name->text; name++) {
            used +=
                (size_t)snprintf(expected + used, sizeof expected - used, "\"%s\" or ", name->text);
        }
        (void)snprintf(expected + used, sizeof expected - used, "an integer from %d to %d",
                       key->minimum, key->maximum);
        return fail_expected(reader, place, expected, item);
    }
    *value = (int)number;
    return CNN_OK;
}

static cnn_status read_layer_number(const config_reader *reader, const char *layer_place,
                                    const cnn_layer_key *key, const cJSON *item, double *value) {
    const cnn_layer_range *range = key->range;
    if (!cJSON_IsNumber(item) ||
        !(item->valuedouble >= range->minimum && item->valuedouble <= range->maximum)) {
        char place[CNN_CONFIG_PLACE_SIZE];
        char expected[80];
        make_place(place, "%s.%s", layer_place, key->name);
        (void)snprintf(expected, sizeof expected, "a number from %g to %g", range->minimum,
                       range->maximum);
        return fail_expected(reader, place, expected, item);
    }
    *value = item->valuedouble;
    return CNN_OK;
}

static cnn_status read_layer_list(const config_reader *reader, const char *place, const cJSON *list,
                                  int depth, cnn_network_spec *network);

/* Adds a layer to the list; there is room for all. */
static cnn_layer_spec *next_layer(cnn_network_spec *network) {
    return &network->layers[network->layer_count++];
}

/* A residual's layers, which follow it in the list. */
static cnn_status read_residual(const config_reader *reader, const char *place, const cJSON *item,
                                int depth, cnn_network_spec *network) {
    char list_place[CNN_CONFIG_PLACE_SIZE];
    make_place(list_place, "%s.layers", place);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(item, "layers");
    if (!list) {
        return fail_at(reader, list_place, "missing; a residual has a list of layers");
    }
    if (depth == CNN_RESIDUAL_DEPTH_MAX) {
        return fail_at(reader, place, "expected at most %d residuals in each other",
                       CNN_RESIDUAL_DEPTH_MAX);
    }
    return read_layer_list(reader, list_place, list, depth + 1, network);
}

static cnn_status read_layer(const config_reader *reader, const char *place, const cJSON *item,
                             int depth, cnn_network_spec *network) {
    cnn_layer_spec *layer = next_layer(network);
    if (!cJSON_IsObject(item)) {
        return fail_expected(reader, place, "an object such as {\"type\": \"relu\"}", item);
    }
    char type_place[CNN_CONFIG_PLACE_SIZE];
    make_place(type_place, "%s.type", place);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "type");
    const char *names[NAMES_MAX] = {0};
    for (size_t i = 0; cnn_layer_registry[i] && i + 1 < NAMES_MAX; i++) {
        names[i] = cnn_layer_registry[i]->name;
    }
    if (!type) {
        return fail_at(reader, type_place, "missing; every layer needs a type");
    }
    if (!cJSON_IsString(type)) {
        return fail_expected(reader, type_place, "the name of a layer", type);
    }
    layer->depth = depth;
    layer->ops = cnn_layer_find(type->valuestring);
    if (!layer->ops) {
        return fail_unknown(reader, type_place, "layer", type->valuestring, names);
    }

    memset(names, 0, sizeof names);
    names[0] = "type";
    for (size_t i = 0; layer->ops->keys[i].name; i++) {
        names[i + 1] = layer->ops->keys[i].name;
    }
    if (layer->ops->join) {
        names[1] = "layers";
    }
    for (const cJSON *key = item->child; key; key = key->next) {
        bool known = false;
        for (size_t i = 0; names[i]; i++) {
            known = known || strcmp(key->string, names[i]) == 0;
        }
        if (!known) {
            return fail_unknown(reader, place, "key", key->string, names);
        }
    }
    cnn_status status = check_duplicates(reader, place, item);
    if (status != CNN_OK) {
        return status;
    }
    for (int i = 0; layer->ops->keys[i].name; i++) {
        const cnn_layer_key *key = &layer->ops->keys[i];
        const cJSON *found = cJSON_GetObjectItemCaseSensitive(item, key->name);
        layer->value[i] = key->fallback;
        layer->number[i] = key->range ? key->range->fallback : 0.0;
        for (int j = 0; key->fallback_key && j < i; j++) {
            if (strcmp(layer->ops->keys[j].name, key->fallback_key) == 0) {
                layer->value[i] = layer->value[j];
            }
        }
        if (found || key->required) {
            status = key->range ? read_layer_number(reader, place, key, found, &layer->number[i])
                                : read_layer_key(reader, place, key, found, &layer->value[i]);
            if (status != CNN_OK) {
                return status;
            }
        }
    }
    return layer->ops->join ? read_residual(reader, place, item, depth, network) : CNN_OK;
}

static cnn_status read_layer_list(const config_reader *reader, const char *place, const cJSON *list,
                                  int depth, cnn_network_spec *network) {
    if (!cJSON_IsArray(list) || !list->child) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "a list of 1 to %d layers", CNN_LAYERS_MAX);
        return fail_expected(reader, place, expected, list);
    }
    cnn_status status = CNN_OK;
    int i = 0;
    for (const cJSON *item = list->child; item && status == CNN_OK; item = item->next, i++) {
        char item_place[CNN_CONFIG_PLACE_SIZE];
        make_place(item_place, "%s[%d]", place, i);
        status = read_layer(reader, item_place, item, depth, network);
    }
    return status;
}

/* Layers of a list and of the residuals in it. */
static size_t count_layers(const cJSON *list, int depth) {
    size_t count = 0;
    if (!cJSON_IsArray(list) || depth > CNN_RESIDUAL_DEPTH_MAX) {
        return 0;
    }
    for (const cJSON *item = list->child; item; item = item->next) {
        count += 1 + count_layers(cJSON_GetObjectItemCaseSensitive(item, "layers"), depth + 1);
    }
    return count;
}

static cnn_status read_layers(const config_reader *reader, const cJSON *item,
                              cnn_network_spec *network) {
    size_t room = count_layers(item, 0);
    if (cJSON_GetArraySize(item) > CNN_LAYERS_MAX || room > CNN_LAYERS_MAX) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "a list of 1 to %d layers", CNN_LAYERS_MAX);
        return fail_expected(reader, "layers", expected, item);
    }
    network->layers = cnn_alloc(room, sizeof *network->layers);
    if (!network->layers) {
        return cnn_fail_memory(reader->error, "the layers");
    }
    return read_layer_list(reader, "layers", item, 0, network);
}

/* --- keys --- */

static cnn_status read_path(const config_reader *reader, const char *place, const cJSON *item,
                            char **path) {
    if (!cJSON_IsString(item) || !*item->valuestring) {
        return fail_expected(reader, place, "a path", item);
    }
    char text[CNN_TILDE_TEXT_SIZE];
    if (cnn_path_tilde(item->valuestring, text)) {
        return fail_at(reader, place, "%s", text);
    }
    *path = cnn_copy_string(item->valuestring);
    return *path ? CNN_OK : cnn_fail_memory(reader->error, "a path");
}

static bool number_fits(const cnn_config_key *key, const cJSON *item) {
    double number = item->valuedouble;
    bool whole = key->kind == CNN_CONFIG_INTEGER;
    return cJSON_IsNumber(item) && isfinite(number) &&
           (key->above_minimum ? number > key->minimum : number >= key->minimum) &&
           number <= key->maximum && !(whole && number > floor(number)) &&
           !(key->ends_only && number > key->minimum && number < key->maximum);
}

static cnn_status read_number(const config_reader *reader, const cnn_config_key *key,
                              const cJSON *item, double *number) {
    bool whole = key->kind == CNN_CONFIG_INTEGER;
    *number = item->valuedouble;
    if (number_fits(key, item)) {
        return CNN_OK;
    }
    char expected[128];
    if (key->ends_only) {
        (void)snprintf(expected, sizeof expected, "%.16g or %.16g", key->minimum, key->maximum);
        return fail_expected(reader, key->path, expected, item);
    }
    (void)snprintf(expected, sizeof expected, "%s %s %.16g %s %.16g",
                   whole ? "an integer" : "a number", key->above_minimum ? "above" : "from",
                   key->minimum, key->above_minimum ? "and up to" : "to", key->maximum);
    return fail_expected(reader, key->path, expected, item);
}

static cnn_status read_number_or_text(const config_reader *reader, const cnn_config_key *key,
                                      const cJSON *item, cnn_number_or_text *value) {
    if (number_fits(key, item)) {
        value->number = item->valuedouble;
        return CNN_OK;
    }
    if (cJSON_IsString(item) && key->is_text(item->valuestring)) {
        value->text = cnn_copy_string(item->valuestring);
        return value->text ? CNN_OK : cnn_fail_memory(reader->error, key->path);
    }
    char expected[256];
    (void)snprintf(expected, sizeof expected, "a number %s %.16g %s %.16g, or %s",
                   key->above_minimum ? "above" : "from", key->minimum,
                   key->above_minimum ? "and up to" : "to", key->maximum, key->texts);
    return fail_expected(reader, key->path, expected, item);
}

static cnn_status read_choice(const config_reader *reader, const cnn_config_key *key,
                              const cJSON *item, int64_t *choice) {
    char expected[512] = "";
    size_t used = 0;
    for (int64_t i = 0; key->choices[i]; i++) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, key->choices[i]) == 0) {
            *choice = i;
            return CNN_OK;
        }
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s\"%s\"",
                                 i ? " or " : "", key->choices[i]);
    }
    return fail_expected(reader, key->path, expected, item);
}

static cnn_status read_classes(const config_reader *reader, const char *place, const cJSON *item,
                               char **classes) {
    const cJSON *names[2] = {cJSON_GetArrayItem(item, 0), cJSON_GetArrayItem(item, 1)};
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2 || !cJSON_IsString(names[0]) ||
        !cJSON_IsString(names[1]) || !*names[0]->valuestring || !*names[1]->valuestring ||
        strcmp(names[0]->valuestring, names[1]->valuestring) == 0) {
        return fail_expected(reader, place, "two different names [negative, positive]", item);
    }
    classes[0] = cnn_copy_string(names[0]->valuestring);
    classes[1] = cnn_copy_string(names[1]->valuestring);
    return classes[0] && classes[1] ? CNN_OK : cnn_fail_memory(reader->error, "class names");
}

static cnn_status read_validation(const config_reader *reader, const cnn_config_key *key,
                                  const cJSON *item, cnn_config *config) {
    if (cJSON_IsString(item)) {
        return read_path(reader, key->path, item, &config->data.validation.path);
    }
    double share = item->valuedouble;
    if (!cJSON_IsNumber(item) || !(share >= 0.0 && share < 1.0)) {
        return fail_expected(reader, key->path, "a path or a share from 0 to below 1", item);
    }
    config->data.validation.fraction = share;
    return CNN_OK;
}

static void set_fallback(const cnn_config_key *key, cnn_config *config) {
    void *field = (char *)config + key->offset;
    switch (key->kind) {
    case CNN_CONFIG_INTEGER:
    case CNN_CONFIG_CHOICE:
        *(int64_t *)field = (int64_t)key->fallback;
        break;
    case CNN_CONFIG_NUMBER:
        *(double *)field = key->fallback;
        break;
    case CNN_CONFIG_BOOLEAN:
        *(bool *)field = key->fallback > 0.0;
        break;
    case CNN_CONFIG_NUMBER_OR_TEXT:
        ((cnn_number_or_text *)field)->number = key->fallback;
        break;
    case CNN_CONFIG_VALIDATION:
        config->data.validation.fraction = key->fallback;
        break;
    case CNN_CONFIG_PATH:
    case CNN_CONFIG_CLASSES:
    case CNN_CONFIG_LAYERS:
        break; /* NULL, as allocated */
    }
}

static cnn_status read_key(const config_reader *reader, const cnn_config_key *key,
                           const cJSON *item, cnn_config *config) {
    void *field = (char *)config + key->offset;
    double number;
    cnn_status status = CNN_OK;
    switch (key->kind) {
    case CNN_CONFIG_PATH:
        return read_path(reader, key->path, item, field);
    case CNN_CONFIG_INTEGER:
        status = read_number(reader, key, item, &number);
        if (status == CNN_OK) {
            *(int64_t *)field = (int64_t)number;
        }
        return status;
    case CNN_CONFIG_NUMBER:
        return read_number(reader, key, item, field);
    case CNN_CONFIG_BOOLEAN:
        if (!cJSON_IsBool(item)) {
            return fail_expected(reader, key->path, "true or false", item);
        }
        *(bool *)field = cJSON_IsTrue(item);
        return CNN_OK;
    case CNN_CONFIG_CHOICE:
        return read_choice(reader, key, item, field);
    case CNN_CONFIG_NUMBER_OR_TEXT:
        return read_number_or_text(reader, key, item, field);
    case CNN_CONFIG_VALIDATION:
        return read_validation(reader, key, item, config);
    case CNN_CONFIG_CLASSES:
        return read_classes(reader, key->path, item, field);
    case CNN_CONFIG_LAYERS:
        return read_layers(reader, item, field);
    }
    return status;
}

/* The value at the first `length` bytes of a dotted path, or NULL. */
static const cJSON *find(const cJSON *root, const char *path, size_t length) {
    const char *end = path + length;
    while (root && path < end) {
        size_t part = strcspn(path, ".");
        char name[32];
        part = part < (size_t)(end - path) ? part : (size_t)(end - path);
        (void)snprintf(name, sizeof name, "%.*s", (int)part, path);
        root = cJSON_GetObjectItemCaseSensitive(root, name);
        path += part + 1;
    }
    return root;
}

/* The names that may stand in a section ("" for the top), each once; names: [NAMES_MAX], NULL at
 * its end. buffer holds the names of sections. */
static void names_in(const char *section, char buffer[NAMES_MAX][32], const char **names) {
    size_t count = 0;
    size_t length = strlen(section);
    for (const cnn_config_key *key = cnn_config_keys; key->path; key++) {
        const char *name = key->path;
        if (length > 0) {
            if (strncmp(name, section, length) != 0 || name[length] != '.') {
                continue;
            }
            name += length + 1;
        }
        (void)snprintf(buffer[count], sizeof buffer[count], "%.*s", (int)strcspn(name, "."), name);
        if (count == 0 || strcmp(names[count - 1], buffer[count]) != 0) {
            names[count] = buffer[count];
            count++;
        }
    }
    names[count] = NULL;
}

/* Unknown and duplicate keys of one object of the config. */
static cnn_status check_names(const config_reader *reader, const char *section,
                              const cJSON *object) {
    char buffer[NAMES_MAX][32];
    const char *names[NAMES_MAX];
    names_in(section, buffer, names);
    for (const cJSON *item = object->child; item; item = item->next) {
        bool known = false;
        for (size_t i = 0; names[i]; i++) {
            known = known || strcmp(item->string, names[i]) == 0;
        }
        if (!known) {
            return fail_unknown(reader, section, "key", item->string, names);
        }
    }
    return check_duplicates(reader, section, object);
}

/* A section, the first `length` bytes of a key's path: an object with known keys, if it is there.
 */
static cnn_status check_section(const config_reader *reader, const cJSON *root, const char *path,
                                size_t length) {
    char section[CNN_CONFIG_PLACE_SIZE];
    (void)snprintf(section, sizeof section, "%.*s", (int)length, path);
    const cJSON *object = find(root, path, length);
    if (!object) {
        return CNN_OK;
    }
    return cJSON_IsObject(object) ? check_names(reader, section, object)
                                  : fail_expected(reader, section, "an object { … }", object);
}

static cnn_status check_structure(const config_reader *reader, const cJSON *root) {
    cnn_status status = check_names(reader, "", root);
    const char *before = ""; /* the key before: sections that it is in, too, are checked */
    for (const cnn_config_key *key = cnn_config_keys; key->path && status == CNN_OK; key++) {
        for (const char *dot = strchr(key->path, '.'); dot && status == CNN_OK;
             dot = strchr(dot + 1, '.')) {
            size_t length = (size_t)(dot - key->path);
            if (strncmp(before, key->path, length + 1) != 0) {
                status = check_section(reader, root, key->path, length);
            }
        }
        before = key->path;
    }
    return status;
}

/* Keys of which each is fine, but not beside the other. */
static cnn_status check_together(const config_reader *reader, const cnn_config *config) {
    if (config->train.nesterov && !(config->train.momentum > 0.0)) {
        return fail_at(reader, "train.momentum",
                       "expected a number above 0 with train.nesterov, got 0");
    }
    if (config->train.schedule == CNN_SCHEDULE_ONE_CYCLE && config->train.warmup_epochs > 0.0) {
        return fail_at(reader, "train.warmup_epochs",
                       "expected 0 with train.schedule \"one_cycle\", which warms up by itself, "
                       "got %.15g",
                       config->train.warmup_epochs);
    }
    if (config->data.sampling == CNN_SAMPLING_BALANCED && config->train.pos_weight.text) {
        return fail_at(reader, "train.pos_weight",
                       "expected a number with data.sampling \"balanced\", which balances the "
                       "classes already, got \"%s\"",
                       config->train.pos_weight.text);
    }
    return CNN_OK;
}

/* Reads all keys, or those that a model keeps, and checks that the network fits together. */
static cnn_status read_keys(const config_reader *reader, const cJSON *root, bool model_only,
                            cnn_config *config) {
    for (const cnn_config_key *key = cnn_config_keys; key->path; key++) {
        if (model_only && !key->in_model) {
            continue;
        }
        const cJSON *item = find(root, key->path, strlen(key->path));
        set_fallback(key, config);
        if (!item && key->required) {
            return fail_at(reader, key->path, "missing; %s", key->help);
        }
        cnn_status status = item ? read_key(reader, key, item, config) : CNN_OK;
        if (status != CNN_OK) {
            return status;
        }
    }
    if (!model_only && config->augment.saturation > 0.0 && config->image.channels == 1) {
        return fail_at(
            reader, "augment.saturation",
            "expected 0, since grey images (image.channels 1) have no colours, got %.15g",
            config->augment.saturation);
    }
    config->network.input = (cnn_shape){.channels = (int)config->image.channels,
                                        .height = (int)config->image.height,
                                        .width = (int)config->image.width};
    cnn_error found;
    cnn_status status = cnn_graph_check(&config->network, &found);
    if (status == CNN_ERROR_RUNTIME) { /* no memory */
        return cnn_fail(reader->error, status, "%s", found.message);
    }
    if (status != CNN_OK) {
        char place[CNN_CONFIG_PLACE_SIZE];
        (void)snprintf(place, sizeof place, "%.*s", (int)strcspn(found.message, ":"),
                       found.message);
        return cnn_fail(reader->error, CNN_ERROR_CONFIG, "%s: %s", origin(reader, place),
                        found.message);
    }
    return model_only ? CNN_OK : check_together(reader, config);
}

cnn_status cnn_config_parse(const char *name, const char *text, size_t size,
                            const char *const *overrides, size_t override_count, cnn_config **out,
                            cnn_error *error) {
    *out = NULL;
    config_reader reader = {.file = name, .error = error};
    cJSON *root = NULL;
    cnn_status status = CNN_OK;
    cnn_config *config = cnn_alloc(1, sizeof *config);
    reader.override_places = cnn_alloc(override_count, sizeof *reader.override_places);
    if (!config || !reader.override_places) {
        status = cnn_fail_memory(error, "the config");
        goto done;
    }
    status = parse(&reader, text, size, &root);
    for (size_t i = 0; i < override_count && status == CNN_OK; i++) {
        status = cnn_config_override(root, overrides[i], reader.override_places[i], error);
        reader.override_count = i + 1;
    }
    if (status == CNN_OK) {
        status = check_structure(&reader, root);
    }
    if (status == CNN_OK) {
        status = read_keys(&reader, root, false, config);
    }
    if (status == CNN_OK) {
        *out = config;
        config = NULL;
    }
done:
    cJSON_Delete(root);
    cnn_free(reader.override_places);
    cnn_config_free(config);
    return status;
}

cnn_status cnn_config_load(const char *path, const char *const *overrides, size_t override_count,
                           cnn_config **out, cnn_error *error) {
    *out = NULL;
    char *text = NULL;
    size_t size;
    cnn_status status =
        cnn_file_read(path, CONFIG_FILE_LIMIT, CNN_ERROR_CONFIG, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = cnn_config_parse(path, text, size, overrides, override_count, out, error);
    cnn_free(text);
    struct stat about;
    if (status == CNN_OK && stat(path, &about) == 0 && S_ISREG(about.st_mode)) {
        (*out)->source.known = true;
        (*out)->source.device = about.st_dev;
        (*out)->source.inode = about.st_ino;
    }
    return status;
}

cnn_status cnn_config_read_model_part(const cJSON *json, cnn_config *config, cnn_error *error) {
    config_reader reader = {.file = "cnntrain.config", .error = error};
    return read_keys(&reader, json, true, config);
}

void cnn_config_free(cnn_config *config) {
    if (!config) {
        return;
    }
    cnn_free(config->data.train);
    cnn_free(config->data.validation.path);
    cnn_free(config->data.test);
    cnn_free(config->data.classes[0]);
    cnn_free(config->data.classes[1]);
    cnn_free(config->network.layers);
    cnn_free(config->train.threshold.text);
    cnn_free(config->train.pos_weight.text);
    cnn_free(config->output);
    cnn_free(config);
}
