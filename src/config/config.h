/* The config: the settings of a run, as checked values. It is read from JSON (read.c) and KEY=VALUE
 * overrides (override.c), written as JSON (write.c), compared (compare.c), and described as help,
 * manual and completions (help.c) and as a schema (schema.c), all from one table of keys (keys.h).
 */
#ifndef CNN_CONFIG_CONFIG_H
#define CNN_CONFIG_CONFIG_H

#include "base/json_writer.h"
#include "base/value_kind.h"
#include "config/metric_names.h"
#include "image/load.h"
#include "nn/loss.h"
#include "nn/network.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
#include "samples/augment.h"
#include "samples/data_settings.h"

#include "cnn/config.h"

#include <sys/types.h>

typedef enum cnn_normalize {
    CNN_NORMALIZE_UNIT,        /* x / 255 */
    CNN_NORMALIZE_STANDARDIZE, /* (x / 255 - mean) / deviation of the training set's channel */
} cnn_normalize;

/* Which parameters of a pretrained network are trained. A number N above 0: those of its last N
 * layers. */
enum { CNN_PRETRAINED_NONE = 0, CNN_PRETRAINED_ALL = -1 };

/* How the best epoch is chosen, and when a run ends early. */
typedef struct cnn_early_stopping {
    cnn_metric_id metric; /* measured on the validation images */
    int64_t patience;     /* epochs without an improvement after which the run ends; 0: none */
    double smoothing;     /* weight of the earlier epochs, 0 <= smoothing < 1 */
    bool restore;         /* model.bin is the best epoch, not the last */
} cnn_early_stopping;

struct cnn_config {
    struct {
        bool known; /* true if cnn_config_load read the config from a file */
        dev_t device;
        ino_t inode;
    } source;
    cnn_data_settings data;
    cnn_image_settings image;
    cnn_normalize normalize;
    cnn_augment_settings augment;
    struct {
        char *file;                  /* NULL: no network to start from */
        int train;                   /* CNN_PRETRAINED_NONE, CNN_PRETRAINED_ALL, or the last N */
        double learning_rate_factor; /* of its parameters */
        int64_t variants;            /* of each training image that are computed and kept */
    } pretrained;
    cnn_network_spec network; /* with pretrained.file: the layers after those of the file */
    struct {
        int64_t epochs;
        double minutes; /* the budget that chooses the epochs, which are then a limit; 0: none */
        int64_t batch_size;
        cnn_optimizer optimizer;
        cnn_schedule schedule;         /* the run fills in `epochs` and `steps_an_epoch` */
        cnn_objective objective;       /* the run fills in `pos_weight` */
        double clip_norm;              /* 0: no clipping */
        cnn_number_or_text pos_weight; /* as a text: "balanced" */
        double ema_decay;              /* 0: no average of the weights */
        bool shuffle;
        int64_t seed;
        double checkpoint_seconds;
        cnn_early_stopping early_stopping;
        cnn_number_or_text threshold; /* as a text: a cnn_threshold_rule */
        bool calibrate;
    } train;
    char *output; /* NULL if not given */
};

/* cnn_config_load for JSON text in memory: `size` bytes, followed by '\0'. Messages call it `name`.
 */
CNN_MUST_USE cnn_status cnn_config_parse(const char *name, const char *text, size_t size,
                                         const char *const *overrides, size_t override_count,
                                         cnn_config **config, cnn_error *error);

/* KEY=VALUE rows, applied in their order. The last ones may be those of a sweep file. */
typedef struct cnn_config_overrides {
    const char *const *rows; /* [count] */
    size_t count;
    size_t swept;      /* rows of the sweep file */
    const char *sweep; /* its name, for messages */
} cnn_config_overrides;

/* The same with overrides of a sweep file. A row of the sweep file that would replace the value of
 * an earlier row is refused. */
CNN_MUST_USE cnn_status cnn_config_parse_with(const char *name, const char *text, size_t size,
                                              const cnn_config_overrides *overrides,
                                              cnn_config **config, cnn_error *error);

/* The largest config that is read from a file. */
#define CNN_CONFIG_FILE_LIMIT ((size_t)16 << 20)

/* Notes that the config was read from the file `path`. */
void cnn_config_note_source(cnn_config *config, const char *path);

/* Writes the value of one key as JSON; null if it is not given. */
void cnn_config_write_key(const cnn_config *config, const char *name, cnn_json_writer *json);

/* Fails if the config has a value that a cross-validation cannot use. */
CNN_MUST_USE cnn_status cnn_config_check_folds(const cnn_config *config, cnn_error *error);

/* Writes the first difference between the config that a run was started with and the config to
 * continue with, such as "train.seed: 1, now 2"; "" if there is none. Both are texts of
 * cnn_config_to_json. Ignores keys that a resumed run may change (cnn_resume_rules in
 * config/keys.h). CNN_ERROR_MODEL, with a message that names no file, if `started` is not JSON;
 * CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_config_difference(const char *started, const char *now,
                                              char difference[256], cnn_error *error);

/* Takes over what a run chose when it was started, from the text of its config
 * (cnn_config_to_json): the number of epochs, if both configs have train.minutes, and `now` allows
 * more epochs. The same failures. */
CNN_MUST_USE cnn_status cnn_config_take_over(const char *started, cnn_config *now,
                                             cnn_error *error);

/* The part of a config that a model file contains. Writing adds members to the current object:
 * "image": …, "layers": …. Reading takes them from the object `json` and does not change other
 * values of the config. */
void cnn_config_write_model_part(const cnn_config *config, cnn_json_writer *json);
struct cJSON;
CNN_MUST_USE cnn_status cnn_config_read_model_part(const struct cJSON *json, cnn_config *config,
                                                   cnn_error *error);
/* The same for a config, which messages call `name`: other keys are checked, but not read. If
 * config->network.features is set, the layers need not end in a classifier. */
CNN_MUST_USE cnn_status cnn_config_read_image_and_layers(const char *name, const struct cJSON *json,
                                                         cnn_config *config, cnn_error *error);

#endif
