/* checkpoint.bin: everything that the rest of a run depends on. Random numbers are not in it: they
 * are a pure function of seed and epoch. */
#ifndef CNN_RUN_CHECKPOINT_H
#define CNN_RUN_CHECKPOINT_H

#include "cnn/status.h"

#include <stddef.h>
#include <stdint.h>

/* Where a run stands: `epochs` are finished, and `batches` of the next one. */
typedef struct cnn_checkpoint_state {
    int64_t epochs, batches;
    double loss_sum; /* over the images of those batches */
    int64_t right;   /* of them, predicted right */
    int64_t best_epoch;
    double best_loss; /* validation loss of the best epoch; infinite where there is none */
    double train_loss, train_accuracy;            /* of the last finished epoch */
    double seconds, training_seconds;             /* of the finished epochs */
    double epoch_seconds, epoch_training_seconds; /* of the epoch at work, before the checkpoint */
    uint64_t data;                                /* cnn_dataset_fingerprint */
} cnn_checkpoint_state;

/* parameters: [parameter_count]; optimizer_state: [state_count], may be empty. config: the resolved
 * config's JSON. */
CNN_MUST_USE cnn_status cnn_checkpoint_write(const char *path, const cnn_checkpoint_state *state,
                                             const char *config, const float *parameters,
                                             size_t parameter_count, const float *optimizer_state,
                                             size_t state_count, cnn_error *error);

/* Reads a checkpoint of a run with this config (but for keys that may change) and this data
 * (state->data is compared, not read); CNN_ERROR_CONFIG, naming the difference, for another.
 * CNN_ERROR_MODEL for a damaged file. */
CNN_MUST_USE cnn_status cnn_checkpoint_read(const char *path, cnn_checkpoint_state *state,
                                            const char *config, float *parameters,
                                            size_t parameter_count, float *optimizer_state,
                                            size_t state_count, cnn_error *error);

/* Reads how many epochs are finished, and compares the config, but not the data. */
CNN_MUST_USE cnn_status cnn_checkpoint_peek(const char *path, const char *config, int64_t *epochs,
                                            cnn_error *error);

#endif
