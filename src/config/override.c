/* Overrides: follows a dotted path through the tree, and sets the value at its end. */
#include "config/override.h"

#include "cnn/config.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Returns the next part of a dotted path, which is cut at its dot; NULL at the end. */
static char *next_part(char **rest) {
    char *part = *rest;
    if (part) {
        char *dot = strchr(part, '.');
        *rest = dot ? dot + 1 : NULL;
        if (dot) {
            *dot = '\0';
        }
    }
    return part;
}

static bool is_index(const char *part, int *index) {
    *index = 0;
    if (!*part || strlen(part) > 6) {
        return false;
    }
    for (; *part; part++) {
        if (!isdigit((unsigned char)*part)) {
            return false;
        }
        *index = *index * 10 + (*part - '0');
    }
    return true;
}

/* True if `part` is a key that the object may have, or an index in the list or at its end. */
static bool has_place(const cJSON *parent, const char *part) {
    int index = 0;
    return cJSON_IsArray(parent) ? is_index(part, &index) && index <= cJSON_GetArraySize(parent)
                                 : cJSON_IsObject(parent);
}

/* Sets the value of a part that has_place allows. Takes ownership of `value`, which is NULL if
 * memory was refused. False if memory is or was refused. */
static bool put(cJSON *parent, const char *part, cJSON *value) {
    int index;
    bool done = false;
    if (!value) {
        return false;
    }
    if (cJSON_IsArray(parent) && is_index(part, &index)) {
        done = index == cJSON_GetArraySize(parent) ? cJSON_AddItemToArray(parent, value)
                                                   : cJSON_ReplaceItemInArray(parent, index, value);
    } else if (cJSON_IsObject(parent)) {
        /* not cJSON_ReplaceItemInObject: it does not check whether it gets memory for the name */
        cJSON_DeleteItemFromObjectCaseSensitive(parent, part);
        done = cJSON_AddItemToObject(parent, part, value);
    }
    if (!done) {
        cJSON_Delete(value);
    }
    return done;
}

static cJSON *child(const cJSON *parent, const char *part) {
    int index;
    if (cJSON_IsArray(parent)) {
        return is_index(part, &index) ? cJSON_GetArrayItem(parent, index) : NULL;
    }
    return cJSON_GetObjectItemCaseSensitive(parent, part);
}

/* Sets the value, which is read as JSON, or else as a string. */
static cnn_status put_text(cJSON *parent, const char *part, const char *text, cnn_error *error) {
    bool no_memory;
    cJSON *value = cnn_json_parse(text, strlen(text) + 1, NULL, true, &no_memory);
    if (!value && !no_memory) {
        value = cJSON_CreateString(text);
    }
    return put(parent, part, value) ? CNN_OK : cnn_fail_memory(error, "an override");
}

/* Follows the parts of the path, which is cut at its dots, and sets the value at its end. */
static cnn_status set(cJSON *root, const char *override, const char *origin, char *path,
                      const char *value, char place[CNN_CONFIG_PLACE_SIZE], cnn_error *error) {
    size_t used = 0;
    cJSON *parent = root;
    char *rest = path;
    for (char *part = next_part(&rest); part; part = next_part(&rest)) {
        int index;
        const bool in_list = cJSON_IsArray(parent) && is_index(part, &index);
        used += (size_t)snprintf(place + used, CNN_CONFIG_PLACE_SIZE - used,
                                 in_list ? "[%s]"
                                 : used  ? ".%s"
                                         : "%s",
                                 part);
        if (used >= CNN_CONFIG_PLACE_SIZE || !*part) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            "%s: expected a key such as train.epochs, got \"%.100s\"", origin,
                            override);
        }
        if (!rest) {
            return has_place(parent, part)
                       ? put_text(parent, part, value, error)
                       : cnn_fail(error, CNN_ERROR_CONFIG, "%s: %s: there is no \"%s\" to set",
                                  origin, override, place);
        }
        if (!child(parent, part) && has_place(parent, part) &&
            !put(parent, part, cJSON_CreateObject())) {
            return cnn_fail_memory(error, "an override");
        }
        parent = child(parent, part);
        if (!cJSON_IsObject(parent) && !cJSON_IsArray(parent)) {
            return cnn_fail(error, CNN_ERROR_CONFIG,
                            parent ? "%s: %s: there is nothing inside \"%s\" to set"
                                   : "%s: %s: there is no \"%s\"",
                            origin, override, place);
        }
    }
    return CNN_OK;
}

cnn_status cnn_config_override(cJSON *root, const char *override, const char *origin,
                               char place[CNN_CONFIG_PLACE_SIZE], cnn_error *error) {
    const char *equals = strchr(override, '=');
    if (!equals || equals == override || !cnn_text_is_utf8(override)) {
        const char *key = cnn_config_key_meant(override, false);
        return cnn_fail(error, CNN_ERROR_CONFIG, "%s: expected KEY=VALUE%s, got \"%.100s\"%s%s%s",
                        origin, cnn_text_is_utf8(override) ? "" : " in UTF-8", override,
                        key ? "; did you mean " : "", key ? key : "", key ? "=VALUE?" : "");
    }
    char *path = cnn_copy_string(override);
    if (!path) {
        return cnn_fail_memory(error, "an override");
    }
    path[equals - override] = '\0';
    const cnn_status status = set(root, override, origin, path, equals + 1, place, error);
    cnn_free(path);
    return status;
}
