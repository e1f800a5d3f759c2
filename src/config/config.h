/* The config: what a run is to do, as checked values. Read from JSON (read.c) and KEY=VALUE
 * overrides (override.c), written back as JSON (write.c), compared (compare.c), described as help,
 * manual and completions (help.c) and schema (schema.c), all by one table of keys (keys.h). */
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

/* Which epoch is the best one, and when to stop looking for a better one. */
typedef struct cnn_early_stopping {
    cnn_metric_id metric; /* of the validation images */
    int64_t patience;     /* epochs without an improvement after which the run ends; 0: none */
    double smoothing; /* share of the earlier epochs' value in each epoch's, 0 <= smoothing < 1 */
    bool restore;     /* model.bin is the best epoch, not the last */
} cnn_early_stopping;

struct cnn_config {
    struct {
        bool known; /* it was read from a file by cnn_config_load */
        dev_t device;
        ino_t inode;
    } source;
    cnn_data_settings data;
    cnn_image_settings image;
    cnn_normalize normalize;
    cnn_augment_settings augment;
    cnn_network_spec network;
    struct {
        int64_t epochs, batch_size;
        cnn_optimizer optimizer;
        cnn_schedule schedule;         /* `epochs` and `steps_an_epoch` are the run's to fill in */
        cnn_objective objective;       /* pos_weight likewise */
        double clip_norm;              /* 0: no clipping */
        cnn_number_or_text pos_weight; /* the text: "balanced" */
        double ema_decay;              /* 0: no average of the weights */
        bool shuffle;
        int64_t seed;
        double checkpoint_seconds;
        cnn_early_stopping early_stopping;
        cnn_number_or_text threshold; /* the text: a cnn_threshold_rule */
        bool calibrate;
    } train;
    char *output; /* NULL where not given */
};

/* cnn_config_load for JSON text in memory, of `size` bytes and one '\0' after them; `name` is what
 * messages call it. */
CNN_MUST_USE cnn_status cnn_config_parse(const char *name, const char *text, size_t size,
                                         const char *const *overrides, size_t override_count,
                                         cnn_config **config, cnn_error *error);

/* The value of one key as JSON; null where it is not given. */
void cnn_config_write_key(const cnn_config *config, const char *name, cnn_json_writer *json);

/* Fails where the config has a value that a cross-validation has no use for. */
CNN_MUST_USE cnn_status cnn_config_check_folds(const cnn_config *config, cnn_error *error);

/* The first difference between the config that a run was started with and the one with which it
 * should continue, both texts of cnn_config_to_json: "train.seed: 1, now 2"; "" where there is
 * none. Leaves out what a resumed run may change (cnn_resume_rules in config/keys.h).
 * CNN_ERROR_MODEL, with a message that names no file, where `started` is not JSON;
 * CNN_ERROR_RUNTIME where memory is refused. */
CNN_MUST_USE cnn_status cnn_config_difference(const char *started, const char *now,
                                              char difference[256], cnn_error *error);

/* What a model file keeps of a config, and how it gets it back. Writing adds members to the object
 * that the writer has begun: "image": …, "layers": …. Reading takes them from the object `json` and
 * leaves other values of the config alone. */
void cnn_config_write_model_part(const cnn_config *config, cnn_json_writer *json);
struct cJSON;
CNN_MUST_USE cnn_status cnn_config_read_model_part(const struct cJSON *json, cnn_config *config,
                                                   cnn_error *error);

#endif
