/* checkpoint.bin: everything that the rest of a run depends on. Random numbers are not in it: they
 * are a pure function of seed and epoch. */
#ifndef CNN_RUN_CHECKPOINT_H
#define CNN_RUN_CHECKPOINT_H

#include "run/best_epoch.h"

#include "cnn/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The progress of a run: `epochs` are finished, and `batches` of the next one. */
typedef struct cnn_checkpoint_state {
    int64_t epochs, batches;
    double loss_sum; /* over the images of those batches */
    int64_t right;   /* of them, classified correctly */
    cnn_best_epoch best;
    double train_loss, train_accuracy;            /* of the last finished epoch */
    double seconds, training_seconds;             /* of the finished epochs */
    double epoch_seconds, epoch_training_seconds; /* of the current epoch, before the checkpoint */
    double ended_by_minutes; /* the most train.minutes that have ended the run; 0: none have */
    int64_t direct_only;     /* 0 or 1: CNN_CONV=direct, which rounds differently */
    int64_t low, high;       /* the ends of image.range; 0, 0 unless it is "stretch" */
    uint64_t data;           /* cnn_dataset_fingerprint */
    uint64_t base;           /* a hash of the pretrained network; 0: none */
} cnn_checkpoint_state;

/* The arrays of a run. */
typedef struct cnn_checkpoint_values {
    size_t parameter_count, state_count;
    size_t average_count;   /* parameter_count, or 0: no average is kept */
    float *parameters;      /* [parameter_count] */
    float *best_parameters; /* [parameter_count]: the weights of model.bin */
    float *optimizer_state; /* [state_count], may be empty */
    float *average;         /* [average_count]: of the parameters over the steps */
} cnn_checkpoint_values;

/* config: the resolved config's JSON. */
CNN_MUST_USE cnn_status cnn_checkpoint_write(const char *path, const cnn_checkpoint_state *state,
                                             const char *config,
                                             const cnn_checkpoint_values *values, cnn_error *error);

/* Reads a checkpoint of a run with this config (except for keys that may change) into *state and
 * the arrays. *same_data: its data is that of state->data, which is compared, not read.
 * CNN_ERROR_CONFIG, naming the difference, for another config; CNN_ERROR_MODEL for a damaged file,
 * or one of other sizes. */
CNN_MUST_USE cnn_status cnn_checkpoint_read(const char *path, const char *config,
                                            cnn_checkpoint_state *state,
                                            const cnn_checkpoint_values *values, bool *same_data,
                                            cnn_error *error);

/* Reads what can be compared before images are read (how many epochs are finished, how many batches
 * of the next one, which epoch is the best one, direct_only, base, whether the time was up) into
 * *state, does not change the other values, and compares the config, but not the data. */
CNN_MUST_USE cnn_status cnn_checkpoint_peek(const char *path, const char *config,
                                            cnn_checkpoint_state *state, cnn_error *error);

/* cnn_config_take_over from the config in the checkpoint. */
CNN_MUST_USE cnn_status cnn_checkpoint_take_over(const char *path, cnn_config *config,
                                                 cnn_error *error);

#endif
