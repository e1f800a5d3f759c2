/* The one table of config keys. A new key is a line here and a field in config.h. */
#ifndef CNN_CONFIG_KEYS_H
#define CNN_CONFIG_KEYS_H

#include "config/config.h"

typedef enum cnn_config_kind {
    CNN_CONFIG_PATH,           /* char *: a string that is not empty */
    CNN_CONFIG_INTEGER,        /* int64_t */
    CNN_CONFIG_NUMBER,         /* double, finite */
    CNN_CONFIG_BOOLEAN,        /* bool */
    CNN_CONFIG_CHOICE,         /* int64_t: index into choices */
    CNN_CONFIG_VALIDATION,     /* the struct data.validation: a path or a fraction */
    CNN_CONFIG_CLASSES,        /* char *[2]: two different names, or neither */
    CNN_CONFIG_NUMBER_OR_TEXT, /* cnn_number_or_text */
    CNN_CONFIG_LAYERS,         /* cnn_network_spec: its layers */
} cnn_config_kind;

typedef struct cnn_config_key {
    const char *path; /* "train.batch_size" */
    cnn_config_kind kind;
    size_t offset; /* of the field in cnn_config */
    bool required;
    double minimum, maximum;    /* of numbers */
    bool above_minimum;         /* the minimum itself is not allowed */
    bool ends_only;             /* minimum or maximum, nothing between */
    double fallback;            /* default of a number or boolean; index of a choice; paths: none */
    const char *const *choices; /* ends with NULL */
    /* of CNN_CONFIG_NUMBER_OR_TEXT: which texts it may be, for messages and help as words, for the
     * schema as a regular expression (ECMA-262) */
    bool (*is_text)(const char *text);
    const char *texts, *pattern;
    bool in_model;   /* the model file keeps it */
    bool may_change; /* a resumed run may differ in it */
    const char *help;
} cnn_config_key;

/* Ends with a NULL path. Keys of one section stand together, sections in the order they are
 * written. */
extern const cnn_config_key cnn_config_keys[];

#endif
