/* Writes JSON step by step, without building a tree. The writer adds commas, indentation and
 * escapes.
 *
 *     cnn_text text = {0};
 *     cnn_json_writer json = cnn_json_writer_start(&text, CNN_JSON_COMPACT);
 *     cnn_json_begin_object(&json);
 *     cnn_json_integer(cnn_json_key(&json, "images"), 25);
 *     cnn_json_begin_array(cnn_json_key(&json, "interval"));
 *     cnn_json_number(&json, 0.25);
 *     cnn_json_number(&json, 0.75);
 *     cnn_json_end(&json);
 *     cnn_json_end(&json);                           {"images":25,"interval":[0.25,0.75]}
 *
 * No call returns a status. If memory is refused, text.failed becomes true and stays true; the
 * caller checks it once, at the end. Every object and array that is begun must be ended. */
#ifndef CNN_BASE_JSON_WRITER_H
#define CNN_BASE_JSON_WRITER_H

#include "base/text.h"

typedef enum cnn_json_style {
    CNN_JSON_COMPACT, /* no white space: one line */
    CNN_JSON_LINES,   /* each member of the outermost object on a separate line */
    CNN_JSON_PRETTY,  /* each member of every object on a separate line, indented by tabs */
} cnn_json_style;

/* The deepest nesting. A config needs the most: three values for each residual in a residual. */
enum { CNN_JSON_DEPTH_MAX = 64 };

typedef struct cnn_json_writer {
    cnn_text *text;
    cnn_json_style style;
    int depth;        /* objects and arrays that are begun and not ended */
    uint64_t objects; /* bit d - 1: what was begun at depth d is an object */
    bool follows;     /* the current object or array has a value already */
    bool has_key;     /* a key was written, and its value is next */
} cnn_json_writer;

/* Appends to *text, which is owned by the caller. */
cnn_json_writer cnn_json_writer_start(cnn_text *text, cnn_json_style style);

/* Writes the key of the next value. Returns json, so that a member is one statement. */
cnn_json_writer *cnn_json_key(cnn_json_writer *json, const char *key);

void cnn_json_begin_object(cnn_json_writer *json);
void cnn_json_begin_array(cnn_json_writer *json);
/* Ends the object or array that was begun last. */
void cnn_json_end(cnn_json_writer *json);

/* Quotes, backslashes and control characters are escaped; bytes that are not valid UTF-8 become
 * U+FFFD. */
void cnn_json_string(cnn_json_writer *json, const char *string);
/* The same for a path: a byte XX that is not valid UTF-8 becomes \udcXX, the lone surrogate that
 * stands for it in Python's strings (PEP 383), so that different paths stay different. */
void cnn_json_path(cnn_json_writer *json, const char *path);
/* A string, or null if it is NULL or empty. */
void cnn_json_string_or_null(cnn_json_writer *json, const char *string);
void cnn_json_integer(cnn_json_writer *json, int64_t number);
/* The shortest digits that read back to the same double (number_text.h). This and the next two
 * write null if the number is not finite. */
void cnn_json_number(cnn_json_writer *json, double number);
/* Nine digits, which read back to the same float. */
void cnn_json_float(cnn_json_writer *json, float number);
/* A fixed number of digits after the point, for times and rates. */
void cnn_json_fixed(cnn_json_writer *json, double number, int decimals);
void cnn_json_boolean(cnn_json_writer *json, bool value);
void cnn_json_null(cnn_json_writer *json);
/* A value that is JSON already. */
void cnn_json_raw(cnn_json_writer *json, const char *value);

#endif
