#include "base/json.h"

#include "base/c_locale.h"
#include "base/json_writer.h"

#include <errno.h>

cJSON *cnn_json_parse(const char *text, size_t size, const char **end, bool to_the_end,
                      bool *no_memory) {
    locale_t before = cnn_c_locale_enter(); /* cJSON reads numbers by strtod and localeconv */
    errno = 0;                              /* malloc sets it, and the parser ends there */
    cJSON *json = cJSON_ParseWithLengthOpts(text, size, end, to_the_end);
    *no_memory = !json && errno == ENOMEM;
    cnn_c_locale_leave(before);
    return json;
}

static void write_item(cnn_json_writer *json, const cJSON *item) {
    bool object = cJSON_IsObject(item);
    if (cJSON_IsString(item)) {
        cnn_json_string(json, item->valuestring);
    } else if (cJSON_IsNumber(item)) {
        cnn_json_number(json, item->valuedouble);
    } else if (cJSON_IsBool(item)) {
        cnn_json_boolean(json, cJSON_IsTrue(item));
    } else if ((object || cJSON_IsArray(item)) && json->depth < CNN_JSON_DEPTH_MAX) {
        object ? cnn_json_begin_object(json) : cnn_json_begin_array(json);
        for (const cJSON *child = item->child; child; child = child->next) {
            write_item(object ? cnn_json_key(json, child->string) : json, child);
        }
        cnn_json_end(json);
    } else {
        cnn_json_null(json);
    }
}

void cnn_json_item(cnn_text *text, const cJSON *item) {
    if (item) {
        cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
        write_item(&json, item);
    }
}
