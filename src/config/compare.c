/* The config that a run was started with, and the one that it is to continue with: their
 * difference, and what is taken over. */
#include "config/keys.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Returns the value at a dotted path, or NULL if there is none. */
static const cJSON *value_at(const cJSON *root, const char *path) {
    for (const char *dot; root && (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        char section[32];
        (void)snprintf(section, sizeof section, "%.*s", (int)(dot - path), path);
        root = cJSON_GetObjectItemCaseSensitive(root, section);
    }
    return cJSON_GetObjectItemCaseSensitive(root, path);
}

/* Writes "KEY: WAS, now IS"; for two lists, the first items that differ. */
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

/* True if the string is one of the words, which end with NULL. */
static bool is_among(const cJSON *item, const char *const *words) {
    for (; cJSON_IsString(item) && *words; words++) {
        if (strcmp(item->valuestring, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* True if a run that was started with the config `before` may continue with another value of the
 * key. */
static bool may_change(const char *name, const cJSON *before, const cJSON *was, const cJSON *is) {
    for (const cnn_resume_rule *rule = cnn_resume_rules; rule->key; rule++) {
        if (strcmp(rule->key, name) == 0) {
            return (!rule->left_to_data || !is) &&
                   (!rule->path_to_path || (cJSON_IsString(was) && cJSON_IsString(is))) &&
                   !(rule->unless_key &&
                     is_among(value_at(before, rule->unless_key), rule->unless_values));
        }
    }
    return false;
}

/* Finds the first key in which the two differ. False if memory is refused. */
static bool compare(const cJSON *before, const cJSON *after, char difference[256]) {
    const cnn_key *key;
    for (int i = 0; (key = cnn_config_key(i)); i++) {
        const cJSON *was = value_at(before, key->name);
        const cJSON *is = value_at(after, key->name);
        if ((was || is) && !cJSON_Compare(was, is, true) &&
            !may_change(key->name, before, was, is)) {
            return describe_difference(key->name, was, is, difference);
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
    if (!no_memory && !cJSON_IsObject(before)) {
        status = cnn_fail(error, CNN_ERROR_MODEL, "expected a config as JSON, found other text");
    } else if (no_memory || no_memory_now || !compare(before, after, difference)) {
        status = cnn_fail_memory(error, "comparing configs");
    }
    cJSON_Delete(before);
    cJSON_Delete(after);
    return status;
}

/* The value of a number at a dotted path; 0 if there is none. */
static double number_at(const cJSON *root, const char *path) {
    const cJSON *item = value_at(root, path);
    return cJSON_IsNumber(item) ? item->valuedouble : 0.0;
}

cnn_status cnn_config_take_over(const char *started, cnn_config *now, cnn_error *error) {
    bool no_memory;
    cJSON *before = cnn_json_parse(started, strlen(started) + 1, NULL, true, &no_memory);
    cnn_status status =
        no_memory ? cnn_fail_memory(error, "comparing configs")
        : !cJSON_IsObject(before)
            ? cnn_fail(error, CNN_ERROR_MODEL, "expected a config as JSON, found other text")
            : CNN_OK;
    double epochs = number_at(before, "train.epochs");
    if (status == CNN_OK && number_at(before, "train.minutes") > 0.0 && now->train.minutes > 0.0 &&
        epochs > 0.0 && epochs < (double)now->train.epochs) {
        now->train.epochs = (int64_t)epochs;
    }
    cJSON_Delete(before);
    return status;
}
