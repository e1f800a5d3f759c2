/* Keys and kinds of values. A key is a row of a table: the name of a value, the field of a struct
 * that stores it, and its range. A kind of value is a small interface. All code that handles values
 * (reading, writing, messages, help, schema, completions) calls it, and does not depend on the
 * kind. */
#ifndef CNN_BASE_VALUE_KIND_H
#define CNN_BASE_VALUE_KIND_H

#include "base/file.h"
#include "base/json_writer.h"

struct cJSON;
struct cnn_reader;
typedef struct cnn_key cnn_key;

typedef enum cnn_parse_result {
    CNN_PARSE_OK,
    CNN_PARSE_MISFIT,    /* the value is not of the kind, or out of range */
    CNN_PARSE_NO_MEMORY, /* memory was refused */
    CNN_PARSE_REPORTED,  /* a value inside it is wrong, and the reader has reported it */
} cnn_parse_result;

typedef struct cnn_value_kind {
    size_t size; /* of the field; at most that of a cnn_number_or_text if reset is not NULL */
    /* Sets the field to the key's default. NULL: there is no default, and a field of zero bytes has
     * no value. */
    void (*reset)(const cnn_key *key, void *field);
    /* Reads a value into the field. reader: used by kinds that contain other values to report
     * errors in these (config/reader.h). */
    cnn_parse_result (*parse)(const cnn_key *key, const struct cJSON *json,
                              const struct cnn_reader *reader, void *field);
    /* True if there is a value to write. NULL: always. */
    bool (*is_given)(const void *field);
    /* Writes the value, so that parse reads the same one. */
    void (*write)(const cnn_key *key, const void *field, cnn_json_writer *json);
    /* Appends a description of the allowed values: "an integer from 1 to 31". */
    void (*describe)(const cnn_key *key, cnn_text *text);
    /* Explains what is wrong with a string that is not of the kind, and what to write instead, if
     * more can be said than "expected" and the description. Writes to text and returns it, or
     * returns NULL. NULL: there are no explanations. */
    const char *(*explain)(const char *string, char text[CNN_TILDE_TEXT_SIZE]);
    /* Returns the value as a number. NULL: it is not a number. */
    double (*number)(const void *field);
    /* Adds its JSON Schema to the current object. */
    void (*schema)(const cnn_key *key, cnn_json_writer *json);
    /* Returns possible values for completions, ending with NULL; "@path" is the name of a file or
     * folder. NULL: none. */
    const char *const *(*words)(const cnn_key *key);
    /* Frees the memory of the field. NULL: there is none. */
    void (*release)(void *field);
} cnn_value_kind;

/* A number that has a name. */
typedef struct cnn_named_number {
    const char *name;
    int number;
} cnn_named_number;

/* Texts that are allowed instead of a number. */
typedef struct cnn_text_rule {
    bool (*matches)(const char *text);
    const char *described;    /* for messages and help */
    const char *pattern;      /* for the schema: a regular expression (ECMA-262) */
    const char *const *words; /* examples, for completions; ends with NULL */
} cnn_text_rule;

/* A row of a table of keys; the table ends with a NULL name. */
struct cnn_key {
    const char *name; /* "train.batch_size"; of a layer, "kernel" */
    const cnn_value_kind *kind;
    size_t offset;           /* of the field in the struct that the table is for */
    bool required;           /* has no default */
    bool in_model;           /* a model file keeps it */
    double minimum, maximum; /* of numbers */
    bool above_minimum;      /* the minimum itself is not allowed */
    bool below_maximum;      /* the maximum itself is not allowed */
    bool ends_only;          /* only minimum and maximum are allowed */
    bool omit_default;       /* not written where it has its default: keys that were added later, so
                                that the files of older configs keep their bytes */
    double fallback;         /* the default of a number or boolean, or the index of a choice … */
    const char *fallback_key;   /* … or, not NULL: the earlier key whose value is the default */
    const char *const *choices; /* of cnn_kind_choice; ends with NULL */
    const cnn_named_number
        *names; /* of cnn_kind_int, cnn_kind_sides; ends with a NULL name; NULL: none */
    const cnn_text_rule *texts; /* of cnn_kind_number_or_text */
    const char *also; /* other names that people try, separated by spaces; for hints. May be NULL */
    const char *help; /* a few words */
    const char *prose; /* for the manual, in the markup of cnn/mdoc.h; NULL: help */
};

/* A number, or a text for a number that is determined later ("f1"). */
typedef struct cnn_number_or_text {
    char *text; /* NULL: the number is used */
    double number;
} cnn_number_or_text;

/* The kinds, and their fields. */
extern const cnn_value_kind cnn_kind_path;            /* char *: not empty, no "~" to expand */
extern const cnn_value_kind cnn_kind_integer;         /* int64_t */
extern const cnn_value_kind cnn_kind_int;             /* int; some numbers may have names */
extern const cnn_value_kind cnn_kind_number;          /* double, finite */
extern const cnn_value_kind cnn_kind_optional_number; /* double above 0, finite; 0: none is given */
extern const cnn_value_kind cnn_kind_sides;   /* int[4]: top, left, bottom, right; or a number
                                                 for all, which may have a name */
extern const cnn_value_kind cnn_kind_boolean; /* bool */
extern const cnn_value_kind cnn_kind_choice;  /* int, or an enum: an index of choices */
extern const cnn_value_kind cnn_kind_number_or_text; /* cnn_number_or_text */

/* True if the number is in the key's range. */
bool cnn_key_allows(const cnn_key *key, double number);

/* Returns the key with this name, or NULL. */
const cnn_key *cnn_key_find(const cnn_key *keys, const char *name);

/* Sets the key's field in a struct to its default. Keys before it must have their values. */
void cnn_key_reset(const cnn_key *keys, const cnn_key *key, void *record);

/* Returns the key's field in a struct. */
void *cnn_key_field(const cnn_key *key, void *record);
const void *cnn_key_value(const cnn_key *key, const void *record);

/* True if the key is to be written: it has a value, and one that omit_default does not leave out.
 */
bool cnn_key_is_written(const cnn_key *key, const void *record);

/* True if the key has a default of its own, which cnn_key_write_default writes as JSON. */
bool cnn_key_has_default(const cnn_key *key);
void cnn_key_write_default(const cnn_key *key, cnn_json_writer *json);

/* Appends the value in a readable form: JSON, but strings without quotes. */
void cnn_key_print(const cnn_key *key, const void *record, cnn_text *text);

/* Appends "an integer from 1 to 31; default 1", or "…; required". */
void cnn_key_describe(const cnn_key *key, cnn_text *text);

/* Adds the description, type and bounds of the key to the current object, as JSON Schema. */
void cnn_key_schema(const cnn_key *key, cnn_json_writer *json);

/* Parts of schemas, for other kinds: "type": "string", not empty; or a number with its bounds. */
void cnn_schema_path(cnn_json_writer *json);
void cnn_schema_number(const cnn_key *key, const char *type, cnn_json_writer *json);

#endif
