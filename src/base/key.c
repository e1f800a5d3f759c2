/* A key, a row of a table: its field in a record, its default, its range, its description. */
#include "base/value_kind.h"

#include <math.h>
#include <string.h>

bool cnn_key_allows(const cnn_key *key, double number) {
    return isfinite(number) &&
           (key->above_minimum ? number > key->minimum : number >= key->minimum) &&
           (key->below_maximum ? number < key->maximum : number <= key->maximum) &&
           !(key->ends_only && number > key->minimum && number < key->maximum);
}

const cnn_key *cnn_key_find(const cnn_key *keys, const char *name) {
    for (; keys->name; keys++) {
        if (strcmp(keys->name, name) == 0) {
            return keys;
        }
    }
    return NULL;
}

void *cnn_key_field(const cnn_key *key, void *record) {
    return (char *)record + key->offset;
}

const void *cnn_key_value(const cnn_key *key, const void *record) {
    return (const char *)record + key->offset;
}

void cnn_key_reset(const cnn_key *keys, const cnn_key *key, void *record) {
    const cnn_key *other = key->fallback_key ? cnn_key_find(keys, key->fallback_key) : NULL;
    if (other) { /* the other key has the same kind */
        (void)memcpy(cnn_key_field(key, record), cnn_key_value(other, record), key->kind->size);
    } else if (key->kind->reset) {
        key->kind->reset(key, cnn_key_field(key, record));
    }
}

bool cnn_key_has_default(const cnn_key *key) {
    return !key->required && !key->fallback_key && key->kind->reset;
}

bool cnn_key_is_written(const cnn_key *key, const void *record) {
    const void *field = cnn_key_value(key, record);
    cnn_number_or_text fallback = {0}; /* as below */
    if (key->omit_default && cnn_key_has_default(key)) {
        key->kind->reset(key, &fallback);
        return memcmp(field, &fallback, key->kind->size) != 0;
    }
    return !key->kind->is_given || key->kind->is_given(field);
}

void cnn_key_write_default(const cnn_key *key, cnn_json_writer *json) {
    cnn_number_or_text field = {
        0}; /* large enough for the field of every kind that has a default */
    key->kind->reset(key, &field);
    key->kind->write(key, &field, json);
}

void cnn_key_print(const cnn_key *key, const void *record, cnn_text *text) {
    const size_t begin = text->length;
    cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
    key->kind->write(key, cnn_key_value(key, record), &json);
    if (!text->failed && text->data[begin] == '"') {
        text->length -= 2;
        (void)memmove(text->data + begin, text->data + begin + 1, text->length - begin);
        text->data[text->length] = '\0';
    }
}

void cnn_key_describe(const cnn_key *key, cnn_text *text) {
    key->kind->describe(key, text);
    if (key->required) {
        cnn_text_format(text, "; required");
    } else if (key->fallback_key) {
        cnn_text_format(text, "; default %s", key->fallback_key);
    } else if (cnn_key_has_default(key)) {
        cnn_json_writer json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
        cnn_text_format(text, "; default ");
        cnn_key_write_default(key, &json);
    }
}

void cnn_key_schema(const cnn_key *key, cnn_json_writer *json) {
    cnn_json_string(cnn_json_key(json, "description"), key->help);
    key->kind->schema(key, json);
}
