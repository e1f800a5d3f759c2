#include "base/json.h"

#include <errno.h>

cJSON *cnn_json_parse(const char *text, size_t size, const char **end, bool to_the_end,
                      bool *no_memory) {
    errno = 0; /* malloc sets it, and the parser ends there */
    cJSON *json = cJSON_ParseWithLengthOpts(text, size, end, to_the_end);
    *no_memory = !json && errno == ENOMEM;
    return json;
}

bool cnn_json_add(cJSON *object, const char *name, cJSON *item) {
    if (!object || !item || !cJSON_AddItemToObject(object, name, item)) {
        cJSON_Delete(item);
        return false;
    }
    return true;
}

bool cnn_json_append(cJSON *list, cJSON *item) {
    if (!list || !item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    return true;
}
