#include "base/json_writer.h"

#include "base/number_text.h"

#include <math.h>
#include <string.h>

static void add(cnn_json_writer *json, const char *text) {
    cnn_text_append(json->text, text, strlen(text));
}

static bool is_object(const cnn_json_writer *json, int depth) {
    return depth > 0 && (json->objects >> (depth - 1) & 1) != 0;
}

static void break_line(cnn_json_writer *json, int indent) {
    cnn_text_append(json->text, "\n", 1);
    for (int i = 0; json->style == CNN_JSON_PRETTY && i < indent; i++) {
        cnn_text_append(json->text, "\t", 1);
    }
}

/* True if each member of the current object is written on a separate line. */
static bool has_lines(const cnn_json_writer *json) {
    return json->style == CNN_JSON_PRETTY || (json->style == CNN_JSON_LINES && json->depth == 1);
}

/* Adds the separator between a value and the one before it. */
static void separate(cnn_json_writer *json) {
    if (json->has_key) { /* the key has added it */
        json->has_key = false;
    } else if (json->follows) {
        add(json, json->style == CNN_JSON_PRETTY ? ", " : ",");
    }
    json->follows = true;
}

/* Adds a string with its quotes. keep_bytes: bytes that are not UTF-8 can be restored. */
static void add_string(cnn_text *text, const char *string, bool keep_bytes) {
    cnn_text_append(text, "\"", 1);
    const unsigned char *s = (const unsigned char *)string;
    while (*s) {
        size_t length = cnn_utf8_length(s);
        if (length == 0) {
            if (keep_bytes) {
                cnn_text_format(text, "\\udc%02x", *s);
            } else {
                cnn_text_append(text, "\xef\xbf\xbd", 3);
            }
            length = 1;
        } else if (*s == '"' || *s == '\\') {
            cnn_text_format(text, "\\%c", *s);
        } else if (*s < 0x20 || *s == 0x7f) {
            cnn_text_format(text, "\\u%04x", *s);
        } else {
            cnn_text_append(text, (const char *)s, length);
        }
        s += length;
    }
    cnn_text_append(text, "\"", 1);
}

cnn_json_writer cnn_json_writer_start(cnn_text *text, cnn_json_style style) {
    return (cnn_json_writer){.text = text, .style = style};
}

cnn_json_writer *cnn_json_key(cnn_json_writer *json, const char *key) {
    if (json->follows) {
        cnn_text_append(json->text, ",", 1);
    }
    /* with CNN_JSON_LINES, the first member is on the line of the brace */
    if (json->style == CNN_JSON_PRETTY || (has_lines(json) && json->follows)) {
        break_line(json, json->depth);
    }
    add_string(json->text, key, false);
    add(json, !has_lines(json) ? ":" : json->style == CNN_JSON_PRETTY ? ":\t" : ": ");
    json->has_key = true;
    return json;
}

static void begin(cnn_json_writer *json, bool object) {
    separate(json);
    add(json, object ? "{" : "[");
    if (json->depth == CNN_JSON_DEPTH_MAX) {
        json->text->failed = true; /* treated like a lack of memory */
        return;
    }
    uint64_t bit = (uint64_t)1 << json->depth++;
    json->objects = object ? json->objects | bit : json->objects & ~bit;
    json->follows = false;
}

void cnn_json_begin_object(cnn_json_writer *json) {
    begin(json, true);
}

void cnn_json_begin_array(cnn_json_writer *json) {
    begin(json, false);
}

void cnn_json_end(cnn_json_writer *json) {
    bool object = is_object(json, json->depth);
    if (object && has_lines(json)) {
        break_line(json, json->depth - 1);
    }
    add(json, object ? "}" : "]");
    json->depth -= json->depth > 0;
    json->follows = true;
}

void cnn_json_string(cnn_json_writer *json, const char *string) {
    separate(json);
    add_string(json->text, string, false);
}

void cnn_json_path(cnn_json_writer *json, const char *path) {
    separate(json);
    add_string(json->text, path, true);
}

void cnn_json_string_or_null(cnn_json_writer *json, const char *string) {
    if (string && *string) {
        cnn_json_string(json, string);
    } else {
        cnn_json_null(json);
    }
}

void cnn_json_integer(cnn_json_writer *json, int64_t number) {
    separate(json);
    cnn_text_format(json->text, "%lld", (long long)number);
}

void cnn_json_number(cnn_json_writer *json, double number) {
    separate(json);
    cnn_text_number(json->text, number, "null");
}

void cnn_json_float(cnn_json_writer *json, float number) {
    char text[CNN_NUMBER_SIZE] = "null";
    if (isfinite(number)) {
        (void)cnn_number_write_rounded((double)number, 9, text);
    }
    cnn_json_raw(json, text);
}

void cnn_json_fixed(cnn_json_writer *json, double number, int decimals) {
    if (isfinite(number)) {
        separate(json);
        cnn_text_format(json->text, "%.*f", decimals, number);
    } else {
        cnn_json_null(json);
    }
}

void cnn_json_boolean(cnn_json_writer *json, bool value) {
    cnn_json_raw(json, value ? "true" : "false");
}

void cnn_json_null(cnn_json_writer *json) {
    cnn_json_raw(json, "null");
}

void cnn_json_raw(cnn_json_writer *json, const char *value) {
    separate(json);
    add(json, value);
}
