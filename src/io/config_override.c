/* Overrides: a dotted path, followed through the tree, and a value put at its end. */
#include "config_override.h"

#include "error.h"
#include "json.h"
#include "memory.h"
#include "text.h"

#include <cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The next part of a dotted path, which is cut at its dot; NULL at the end. */
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

/* Nothing could be put at this place: there is none, or there was no memory, which errno (0 before)
 * tells. */
static cnn_status fail_to_put(const char *override, const char *place, const char *purpose,
                              cnn_error *error) {
    return errno == ENOMEM
               ? cnn_fail_memory(error, "an override")
               : cnn_fail(error, CNN_ERROR_CONFIG, "command line: %s: there is no \"%s\"%s",
                          override, place, purpose);
}

/* Puts value in the place of old. It takes over the name, too: cJSON's own way to replace by name
 * does not notice where it gets no memory to copy that. */
static bool replace(cJSON *parent, cJSON *old, cJSON *value) {
    value->string = old->string;
    old->string = NULL;
    return cJSON_ReplaceItemViaPointer(parent, old, value);
}

static cJSON *child(const cJSON *parent, const char *part) {
    int index;
    if (cJSON_IsArray(parent)) {
        return is_index(part, &index) ? cJSON_GetArrayItem(parent, index) : NULL;
    }
    return cJSON_GetObjectItemCaseSensitive(parent, part);
}

/* Puts value (which it takes) at `part` of parent: a key of an object or a place in a list. */
static bool put(cJSON *parent, const char *part, cJSON *value) {
    int index;
    cJSON *old = child(parent, part);
    if (old && value) {
        return replace(parent, old, value);
    }
    if (cJSON_IsArray(parent) && is_index(part, &index) && index == cJSON_GetArraySize(parent)) {
        return cnn_json_append(parent, value);
    }
    return cnn_json_add(cJSON_IsObject(parent) ? parent : NULL, part, value);
}

cnn_status cnn_config_override(cJSON *root, const char *override, char place[CNN_CONFIG_PLACE_SIZE],
                               cnn_error *error) {
    const char *equals = strchr(override, '=');
    if (!equals || equals == override || !cnn_text_is_utf8(override)) {
        return cnn_fail(error, CNN_ERROR_CONFIG,
                        "command line: expected KEY=VALUE%s, got \"%.100s\"",
                        cnn_text_is_utf8(override) ? "" : " in UTF-8", override);
    }
    char *path = cnn_copy_string(override);
    if (!path) {
        return cnn_fail_memory(error, "an override");
    }
    path[equals - override] = '\0';
    size_t used = 0;
    cJSON *parent = root;
    cnn_status status = CNN_OK;
    char *rest = path;
    for (char *part = next_part(&rest); part && status == CNN_OK; part = next_part(&rest)) {
        int index;
        errno = 0;
        used += (size_t)snprintf(place + used, CNN_CONFIG_PLACE_SIZE - used,
                                 cJSON_IsArray(parent) && is_index(part, &index) ? "[%s]"
                                 : used                                          ? ".%s"
                                                                                 : "%s",
                                 part);
        if (used >= CNN_CONFIG_PLACE_SIZE || !*part) {
            status = cnn_fail(error, CNN_ERROR_CONFIG,
                              "command line: expected a key such as train.epochs, got \"%.100s\"",
                              override);
        } else if (rest) {
            cJSON *next = child(parent, part);
            if (!next && put(parent, part, cJSON_CreateObject())) {
                next = child(parent, part);
            }
            if (!next || (!cJSON_IsObject(next) && !cJSON_IsArray(next))) {
                status = next ? cnn_fail(error, CNN_ERROR_CONFIG,
                                         "command line: %s: there is nothing inside \"%s\" to set",
                                         override, place)
                              : fail_to_put(override, place, "", error);
            }
            parent = next;
        } else {
            bool no_memory;
            cJSON *value =
                cnn_json_parse(equals + 1, strlen(equals + 1) + 1, true, NULL, &no_memory);
            if (!value && !no_memory) {
                value = cJSON_CreateString(equals + 1);
            }
            if (!put(parent, part, value)) {
                status = fail_to_put(override, place, " to set", error);
            }
        }
    }
    cnn_free(path);
    return status;
}
