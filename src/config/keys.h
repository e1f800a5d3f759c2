/* The tables of the config: keys, which of them a resumed run may change, and which exclude each
 * other. A new key is a row in keys.c or keys_train.c, and a field in config.h. */
#ifndef CNN_CONFIG_KEYS_H
#define CNN_CONFIG_KEYS_H

#include "config/config.h"

/* Keys that the manual explains together. */
typedef struct cnn_config_section {
    const char *title;   /* in the manual */
    const char *prose;   /* before the keys, in the markup of cnn/mdoc.h; NULL: nothing */
    const cnn_key *keys; /* fields of cnn_config; ends with a NULL name */
    bool has_layers;     /* the layers and their keys follow */
} cnn_config_section;

/* Ends with a NULL title. Keys of one JSON object are adjacent; files are written in this order. */
extern const cnn_config_section cnn_config_sections[];
extern const cnn_key cnn_config_train_keys[];

/* Key i of all sections; NULL after the last. */
const cnn_key *cnn_config_key(int i);

/* Keys that may have another value when a run is resumed. */
typedef struct cnn_resume_rule {
    const char *key;
    bool left_to_data; /* only if the config leaves the value to the data */
    bool path_to_path; /* only from one path to another; the images there are compared */
    /* not if this other key has one of these values, which end with NULL; NULL: always */
    const char *unless_key;
    const char *const *unless_values;
} cnn_resume_rule;

/* Ends with a NULL key. */
extern const cnn_resume_rule cnn_resume_rules[];

/* Two values that exclude each other, each allowed by itself. */
typedef struct cnn_config_conflict {
    const char *key;                         /* named in the message */
    const char *expected;                    /* what the message says is expected, and why */
    bool (*found)(const cnn_config *config); /* true if the config has this conflict */
    bool with_folds;                         /* only in a cross-validation */
} cnn_config_conflict;

/* Ends with a NULL key. */
extern const cnn_config_conflict cnn_config_conflicts[];

/* Kinds of values that only a config has. */
extern const cnn_value_kind cnn_kind_validation; /* cnn_validation_source */
extern const cnn_value_kind cnn_kind_classes;    /* char *[2]: two different names, or none */
extern const cnn_value_kind cnn_kind_layers;     /* cnn_network_spec: its layers (layers.c) */

#endif
