/* What differs between two resolved configs. */
#include "config/keys.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* The value at a dotted path; NULL where there is none. */
static const cJSON *value_at(const cJSON *root, const char *path) {
    for (const char *dot; root && (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        char section[32];
        (void)snprintf(section, sizeof section, "%.*s", (int)(dot - path), path);
        root = cJSON_GetObjectItemCaseSensitive(root, section);
    }
    return cJSON_GetObjectItemCaseSensitive(root, path);
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
    cnn_text left = {0}, right = {0};
    cnn_json_item(&left, was);
    cnn_json_item(&right, is);
    bool complete = !left.failed && !right.failed;
    (void)snprintf(difference, 256, "%s: %.70s, now %.70s", place, was ? left.data : "none",
                   is ? right.data : "none");
    cnn_text_free(&left);
    cnn_text_free(&right);
    return complete;
}

/* Does the learning rate of every step depend on the length of the run? */
static bool has_fixed_length(const cJSON *config) {
    const char *schedule = cJSON_GetStringValue(value_at(config, "train.schedule"));
    return schedule && (strcmp(schedule, "cosine") == 0 || strcmp(schedule, "one_cycle") == 0);
}

/* May a run that is resumed differ in the key, from `was` to `is` (NULL: none)? */
static bool may_change(const cnn_config_key *key, const cJSON *was, const cJSON *is,
                       const cJSON *before) {
    bool paths = key->kind == CNN_CONFIG_PATH || key->kind == CNN_CONFIG_VALIDATION;
    if (paths && strncmp(key->path, "data.", strlen("data.")) == 0) {
        return key->may_change && cJSON_IsString(was) && cJSON_IsString(is);
    }
    return key->may_change && !(strcmp(key->path, "train.epochs") == 0 && has_fixed_length(before));
}

/* Finds the first key in which the two differ; false where memory is refused. */
static bool compare(const cJSON *before, const cJSON *after, char difference[256]) {
    for (const cnn_config_key *key = cnn_config_keys; key->path; key++) {
        const cJSON *was = value_at(before, key->path);
        const cJSON *is = value_at(after, key->path);
        bool left_to_data = key->kind == CNN_CONFIG_CLASSES && !is;
        if ((was || is) && !left_to_data && !cJSON_Compare(was, is, true) &&
            !may_change(key, was, is, before)) {
            return describe_difference(key->path, was, is, difference);
        }
    }
    return true;
}

cnn_status cnn_config_difference(const char *started, const char *now, char difference[256],
                                 cnn_error *error) {
    bool no_memory, no_memory_now;
    difference[0] = '\0';
    cJSON *before = cnn_json_parse(started, strlen(started) + 1, NULL, true, &no_memory);
    cJSON *after = cnn_json_parse(now, strlen(now) + 1, NULL, true, &no_memory_now);
    cnn_status status = CNN_OK;
    bool parsed = !no_memory && !no_memory_now;
    if (parsed && !cJSON_IsObject(before)) {
        status = cnn_fail(error, CNN_ERROR_MODEL, "expected a config as JSON, found other text");
    } else if (!parsed || !compare(before, after, difference)) {
        status = cnn_fail_memory(error, "comparing configs");
    }
    cJSON_Delete(before);
    cJSON_Delete(after);
    return status;
}
