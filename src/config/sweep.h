/* The sweep file: which keys of a config take which values, in which members of a set of runs.
 *
 *     {"grid": {"train.learning_rate": [0.01, 0.1], "layers.0": [{…}, {…}]}, "seeds": [1, 2, 3]}
 *
 * has a member for every combination of values, the last key changing fastest, and of each with
 * every seed.
 *
 *     {"random": {"train.learning_rate": {"log_uniform": [1e-4, 1e-1]}}, "runs": 40, "seed": 1}
 *
 * has `runs` combinations of drawn values. A value is a pure function of `seed`, the number of the
 * combination and the key's name: more runs, or more keys, change none of the others.
 *
 * sweep.c reads the file, sweep_member.c finds the values of a member. */
#ifndef CNN_CONFIG_SWEEP_H
#define CNN_CONFIG_SWEEP_H

#include "base/text.h"
#include "config/config.h"

/* Directories of members have four digits. */
enum { CNN_SWEEP_MEMBERS_MAX = 9999, CNN_SWEEP_KEYS_MAX = 24 };

/* The largest sweep file that is read. */
#define CNN_SWEEP_FILE_LIMIT ((size_t)1 << 20)

/* How the values of a key are found. */
typedef enum cnn_sweep_kind {
    CNN_SWEEP_LIST,        /* each value of a list, in turn */
    CNN_SWEEP_CHOICE,      /* one value of a list, drawn */
    CNN_SWEEP_UNIFORM,     /* a number from low to high, drawn */
    CNN_SWEEP_LOG_UNIFORM, /* the same, its logarithm being uniform */
    CNN_SWEEP_INTEGER,     /* an integer from low to high, both included, drawn */
} cnn_sweep_kind;

typedef struct cnn_sweep_key {
    char *name; /* a dotted path, as in KEY=VALUE */
    cnn_sweep_kind kind;
    char **values; /* [value_count], compact JSON; of a list or a choice */
    int value_count;
    double low, high; /* of the others */
} cnn_sweep_key;

/* A rule that ends bad combinations early: of those that have trained `epochs` epochs, the best 1
 * of `factor` continue, to `factor` times as many epochs, and so on. */
typedef struct cnn_sweep_halving {
    int64_t epochs; /* 0: none ends early */
    int64_t factor;
} cnn_sweep_halving;

typedef struct cnn_sweep {
    cnn_sweep_key
        *keys; /* [key_count], in the order of the file; train.seed last, if it has seeds */
    int key_count;
    int points;  /* combinations without the seeds */
    int seeds;   /* runs of each combination; 1 if the file has no "seeds" */
    int members; /* points × seeds. Members count from 1; the seeds of a point are neighbours */
    bool random;
    uint64_t seed; /* of random values */
    cnn_sweep_halving halving;
    char *text; /* the file */
} cnn_sweep;

/* Reads the file `path`. CNN_ERROR_CONFIG with a message "FILE: PLACE: …" for unknown, duplicate
 * and missing settings, types, ranges, and too many members. That keys and values are those of a
 * config is found by cnn_sweep_config. Free with cnn_sweep_free. */
CNN_MUST_USE cnn_status cnn_sweep_load(const char *path, cnn_sweep **sweep, cnn_error *error);
/* The same for text in memory: `size` bytes, followed by '\0'. */
CNN_MUST_USE cnn_status cnn_sweep_parse(const char *name, const char *text, size_t size,
                                        cnn_sweep **sweep, cnn_error *error);
void cnn_sweep_free(cnn_sweep *sweep); /* NULL is allowed */

/* Appends the value of a key in a member, as JSON. */
void cnn_sweep_value(const cnn_sweep *sweep, int member, const cnn_sweep_key *key, cnn_text *text);

/* The combination of a member, from 1. */
int cnn_sweep_point(const cnn_sweep *sweep, int member);

/* What all members' configs are made from. */
typedef struct cnn_sweep_base {
    const char *name; /* of the config, for messages */
    const char *text; /* its JSON: `size` bytes, followed by '\0' */
    size_t size;
    const char *const *overrides; /* of the command line */
    size_t override_count;
    const char *sweep_name;
} cnn_sweep_base;

/* The config of a member: what cnn_config_load makes of the base with the member's values as
 * further overrides. Messages name the sweep file as the origin of a value, and the member. Free
 * with cnn_config_free. */
CNN_MUST_USE cnn_status cnn_sweep_config(const cnn_sweep *sweep, const cnn_sweep_base *base,
                                         int member, cnn_config **config, cnn_error *error);

#endif
