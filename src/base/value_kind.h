/* Keys and kinds of values. A key is a row of a table: the name of a value, the field of a struct
 * that holds it, and what it may be. A kind of value is a small interface; everything that works
 * with values (reading, writing, messages, help, schema, completions) calls it and knows no kind.
 */
#ifndef CNN_BASE_VALUE_KIND_H
#define CNN_BASE_VALUE_KIND_H

#include "base/file.h"
#include "base/json_writer.h"

struct cJSON;
struct cnn_reader;
typedef struct cnn_key cnn_key;

typedef enum cnn_parse_result {
    CNN_PARSE_OK,
    CNN_PARSE_MISFIT,    /* the value is none of the kind, or out of range */
    CNN_PARSE_NO_MEMORY, /* memory was refused */
    CNN_PARSE_REPORTED,  /* a value inside it is wrong, which the reader has reported */
} cnn_parse_result;

typedef struct cnn_value_kind {
    size_t size; /* of the field; at most that of a cnn_number_or_text where reset is not NULL */
    /* Sets the field to the key's default. NULL: the key has none, and all bytes 0 are no value. */
    void (*reset)(const cnn_key *key, void *field);
    /* Reads a value into the field. reader: where kinds that hold other values report what is wrong
     * with these (config/reader.h). */
    cnn_parse_result (*parse)(const cnn_key *key, const struct cJSON *json,
                              const struct cnn_reader *reader, void *field);
    /* Is there a value to write? NULL: always. */
    bool (*is_given)(const void *field);
    /* Writes the value; what parse reads back to the same one. */
    void (*write)(const cnn_key *key, const void *field, cnn_json_writer *json);
    /* Appends what the value may be: "an integer from 1 to 31". */
    void (*describe)(const cnn_key *key, cnn_text *text);
    /* What is wrong with a string that is none of the kind, and what to write instead, where it can
     * say more than "expected" and the description: writes to text and returns it, or returns NULL.
     * NULL: never. */
    const char *(*explain)(const char *string, char text[CNN_TILDE_TEXT_SIZE]);
    /* The value as a number. NULL: it is none. */
    double (*number)(const void *field);
    /* Adds to the object that is begun: its JSON Schema. */
    void (*schema)(const cnn_key *key, cnn_json_writer *json);
    /* Words that the value may be, for completions, ended by NULL; "@path" is the name of a file or
     * folder. NULL: none. */
    const char *const *(*words)(const cnn_key *key);
    /* Frees what the field holds. NULL: nothing. */
    void (*release)(void *field);
} cnn_value_kind;

/* A number that has a name. */
typedef struct cnn_named_number {
    const char *name;
    int number;
} cnn_named_number;

/* Texts that may stand instead of a number. */
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
    size_t offset;            /* of the field in the struct that the table is for */
    bool required;            /* has no default */
    bool in_model;            /* a model file keeps it */
    double minimum, maximum;  /* of numbers */
    bool above_minimum;       /* the minimum itself is not allowed */
    bool below_maximum;       /* nor is the maximum */
    bool ends_only;           /* minimum or maximum, nothing between */
    double fallback;          /* the default of a number or boolean, or the index of a choice … */
    const char *fallback_key; /* … or, not NULL: the earlier key whose value is the default */
    const char *const *choices;    /* of cnn_kind_choice; ends with NULL */
    const cnn_named_number *names; /* of cnn_kind_int; ends with a NULL name; NULL: none */
    const cnn_text_rule *texts;    /* of cnn_kind_number_or_text */
    const char *also; /* other names that people try, separated by spaces; for hints. May be NULL */
    const char *help; /* in a few words */
    const char *prose; /* for the manual, in the markup of cnn/mdoc.h; NULL: help */
};

/* A number, or a text that stands for one which is found later ("f1"). */
typedef struct cnn_number_or_text {
    char *text; /* NULL: the number counts */
    double number;
} cnn_number_or_text;

/* The kinds, and their fields. */
extern const cnn_value_kind cnn_kind_path;           /* char *: not empty, nor one with a ~ */
extern const cnn_value_kind cnn_kind_integer;        /* int64_t */
extern const cnn_value_kind cnn_kind_int;            /* int; some numbers may have names */
extern const cnn_value_kind cnn_kind_number;         /* double, finite */
extern const cnn_value_kind cnn_kind_boolean;        /* bool */
extern const cnn_value_kind cnn_kind_choice;         /* int, or an enum: an index of choices */
extern const cnn_value_kind cnn_kind_number_or_text; /* cnn_number_or_text */

/* Does the number lie in the key's range? */
bool cnn_key_allows(const cnn_key *key, double number);

/* A key with this name, or NULL. */
const cnn_key *cnn_key_find(const cnn_key *keys, const char *name);

/* Sets the key's field in a struct to its default. Keys before it have their values. */
void cnn_key_reset(const cnn_key *keys, const cnn_key *key, void *record);

/* The key's field in a struct. */
void *cnn_key_field(const cnn_key *key, void *record);
const void *cnn_key_value(const cnn_key *key, const void *record);

/* Has the key a default of its own? Then cnn_key_write_default writes it as JSON. */
bool cnn_key_has_default(const cnn_key *key);
void cnn_key_write_default(const cnn_key *key, cnn_json_writer *json);

/* Appends the value as people write it: JSON, but a string without its quotes. */
void cnn_key_print(const cnn_key *key, const void *record, cnn_text *text);

/* Appends "an integer from 1 to 31; default 1", or "…; required". */
void cnn_key_describe(const cnn_key *key, cnn_text *text);

/* Adds to the object that is begun: the description, type and bounds of the key as JSON Schema. */
void cnn_key_schema(const cnn_key *key, cnn_json_writer *json);

/* Parts of schemas, for other kinds: "type": "string", not empty; or a number with its bounds. */
void cnn_schema_path(cnn_json_writer *json);
void cnn_schema_number(const cnn_key *key, const char *type, cnn_json_writer *json);

#endif
