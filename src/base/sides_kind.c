/* The kind of value of four numbers, one for each side: top, left, bottom, right. A number alone,
 * or a name, is for all of them. */
#include "base/value_kind.h"

#include <cJSON.h>

enum { SIDES = 4 };

static void set_all(int *sides, int number) {
    for (int i = 0; i < SIDES; i++) {
        sides[i] = number;
    }
}

static bool all_equal(const int *sides) {
    return sides[0] == sides[1] && sides[0] == sides[2] && sides[0] == sides[3];
}

static void reset_sides(const cnn_key *key, void *field) {
    set_all(field, (int)key->fallback);
}

static cnn_parse_result parse_sides(const cnn_key *key, const cJSON *json,
                                    const struct cnn_reader *reader, void *field) {
    int *sides = field, number = 0;
    if (!cJSON_IsArray(json)) {
        const cnn_parse_result result = cnn_kind_int.parse(key, json, reader, &number);
        set_all(sides, number);
        return result;
    }
    const cnn_key side = {.name = key->name, .minimum = key->minimum, .maximum = key->maximum};
    if (cJSON_GetArraySize(json) != SIDES) {
        return CNN_PARSE_MISFIT;
    }
    for (int i = 0; i < SIDES; i++) { /* names are for all sides only */
        const cJSON *item = cJSON_GetArrayItem(json, i);
        if (cnn_kind_int.parse(&side, item, reader, &sides[i]) != CNN_PARSE_OK) {
            return CNN_PARSE_MISFIT;
        }
    }
    return CNN_PARSE_OK;
}

static void write_sides(const cnn_key *key, const void *field, cnn_json_writer *json) {
    const int *sides = field;
    if (all_equal(sides)) {
        cnn_kind_int.write(key, sides, json);
        return;
    }
    cnn_json_begin_array(json);
    for (int i = 0; i < SIDES; i++) {
        cnn_json_integer(json, sides[i]);
    }
    cnn_json_end(json);
}

static void describe_sides(const cnn_key *key, cnn_text *text) {
    cnn_kind_int.describe(key, text);
    cnn_text_format(text, " or a list of four, [top, left, bottom, right]");
}

static void schema_sides(const cnn_key *key, cnn_json_writer *json) {
    const cnn_key side = {.name = key->name, .minimum = key->minimum, .maximum = key->maximum};
    cnn_json_begin_array(cnn_json_key(json, "anyOf"));
    cnn_json_begin_object(json);
    cnn_kind_int.schema(key, json);
    cnn_json_end(json);
    cnn_json_begin_object(json);
    cnn_json_string(cnn_json_key(json, "type"), "array");
    cnn_json_begin_object(cnn_json_key(json, "items"));
    cnn_kind_int.schema(&side, json);
    cnn_json_end(json);
    cnn_json_integer(cnn_json_key(json, "minItems"), SIDES);
    cnn_json_integer(cnn_json_key(json, "maxItems"), SIDES);
    cnn_json_end(json);
    cnn_json_end(json);
}

const cnn_value_kind cnn_kind_sides = {
    .size = SIDES * sizeof(int),
    .reset = reset_sides,
    .parse = parse_sides,
    .write = write_sides,
    .describe = describe_sides,
    .schema = schema_sides,
};
