/* A training in progress: shared by the files of the trainer, and not included elsewhere.
 *
 *   trainer.c          the loop: epochs, batches, steps
 *   start_or_resume.c  sets the trainer to the state of the run
 *   interruption.c     Ctrl-C, --max-seconds, and checkpoints inside an epoch
 *   divergence.c       a loss or a weight that is not finite
 *   epoch_end.c        measures an epoch and writes its files
 *   finish.c           measures the model and writes the files of a finished run */
#ifndef CNN_RUN_TRAINER_H
#define CNN_RUN_TRAINER_H

#include "nn/schedule.h"
#include "nn/step.h"
#include "run/checkpoint.h"
#include "run/clock.h"
#include "run/session.h"
#include "run/setup.h"

typedef struct cnn_trainer {
    const cnn_train_options *options;
    cnn_session session;
    cnn_setup setup;
    const cnn_config *config; /* setup's */
    char *config_json;
    cnn_split predicted; /* the images of predictions.csv */

    cnn_minibatch *minibatch;
    cnn_optimizer optimizer;
    cnn_schedule schedule;
    size_t *order;   /* [training images] of the epoch */
    float *logits;   /* [the largest split, or a batch] */
    uint8_t *labels; /* [batch_size] */

    cnn_checkpoint_values values;
    cnn_checkpoint_state state;
    /* With frozen layers, an epoch can take less time than writing its models, most of whose bytes
     * are always the same: then they are written from time to time. */
    struct {
        bool best, last;        /* model.bin, last.bin: still to be written */
        double due;             /* when, by cnn_clock_seconds */
        float *last_parameters; /* [parameter_count]: of last.bin; NULL without frozen layers */
    } unwritten;
    bool synced;           /* true if the first files of the run are on disk */
    double checkpoint_due; /* the next one inside an epoch, by cnn_clock_seconds */
    double deadline;       /* of --max-seconds, by cnn_clock_seconds; infinite if there is none */
    size_t left_out;       /* images of the last epoch for which --max-seconds left no time */
} cnn_trainer;

/* The current epoch. */
typedef struct cnn_epoch {
    double begin;            /* in this process, by cnn_clock_seconds */
    double training_begin;   /* the same, after the images were put in order */
    double training_seconds; /* by an earlier process */
    cnn_dataset_source images;
    cnn_sample_source source;
    size_t first, count; /* the current batch: positions in the order of the images */
} cnn_epoch;

/* --- trainer.c --- */

size_t cnn_trainer_images(const cnn_trainer *t);   /* training images of an epoch */
int64_t cnn_trainer_batches(const cnn_trainer *t); /* of an epoch */
int64_t cnn_trainer_steps(const cnn_trainer *t);   /* done so far */

/* The weights that are evaluated and kept: their average, if there is one. */
float *cnn_trainer_kept(const cnn_trainer *t);

/* The epoch of model.bin. */
int64_t cnn_trainer_model_epoch(const cnn_trainer *t);

/* Writes model.bin or last.bin. */
CNN_MUST_USE cnn_status cnn_trainer_write_model(const cnn_trainer *t, cnn_run_file file,
                                                const float *parameters, cnn_error *error);

/* Writes checkpoint.bin; the first time, syncs the first files of the run before that. */
CNN_MUST_USE cnn_status cnn_trainer_write_checkpoint(cnn_trainer *t, cnn_error *error);

/* --- start_or_resume.c --- */

/* Before images are read: CNN_ERROR_CONFIG if the run in the directory cannot be resumed with this
 * config, network and process. */
CNN_MUST_USE cnn_status cnn_trainer_check_start(const cnn_trainer *t, const cnn_config *config,
                                                cnn_error *error);

/* Sets the trainer to the state of the run: the weights of the seed, or the checkpoint. From here
 * on, the directory belongs to the run. */
CNN_MUST_USE cnn_status cnn_trainer_start(cnn_trainer *t, cnn_error *error);

/* --- interruption.c --- */

/* After a batch: writes a checkpoint if one is due. CNN_STOPPED, after a checkpoint, if the caller
 * wants training to stop (options->should_stop: Ctrl-C). If the time of --max-seconds is over, a
 * checkpoint is written, and t->left_out is the number of images that the epoch is cut by. */
CNN_MUST_USE cnn_status cnn_interruption_after_batch(cnn_trainer *t, const cnn_epoch *epoch,
                                                     cnn_error *error);

/* Before an epoch: true, with a message, if --max-seconds leaves no time for it. */
bool cnn_interruption_before_epoch(const cnn_trainer *t);

/* --- divergence.c --- */

/* CNN_ERROR_DIVERGED if the loss of a batch is not finite. */
CNN_MUST_USE cnn_status cnn_divergence_of_batch(const cnn_trainer *t, double loss,
                                                cnn_error *error);

/* The same for the validation loss at the end of an epoch (0 if there is none), and for the
 * weights. */
CNN_MUST_USE cnn_status cnn_divergence_of_epoch(const cnn_trainer *t, double loss,
                                                cnn_error *error);

/* --- epoch_end.c --- */

/* Measures the epoch that was trained; writes models, the row of metrics.csv, and the checkpoint,
 * in this order. */
CNN_MUST_USE cnn_status cnn_epoch_end(cnn_trainer *t, const cnn_epoch *epoch, cnn_error *error);

/* Writes the models that are still to be written. */
CNN_MUST_USE cnn_status cnn_epoch_end_models(cnn_trainer *t, cnn_error *error);

/* --- finish.c --- */

/* Chooses temperature and threshold, measures model.bin on validation and test images, writes
 * predictions.csv, test_predictions.csv and summary.json. Warns if the model gives all images the
 * same probability. */
CNN_MUST_USE cnn_status cnn_trainer_finish(cnn_trainer *t, cnn_error *error);

#endif
