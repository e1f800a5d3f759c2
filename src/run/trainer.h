/* A training in progress: shared by the files of the trainer, and not included elsewhere.
 *
 *   trainer.c          the loop: epochs, batches, steps
 *   together.c         several processes: what the first one sends to the others
 *   start_or_resume.c  sets the trainer to the state of the run
 *   minutes.c          train.minutes: the number of epochs, and the time when the run ends
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
#include "samples/fetch.h"

typedef struct cnn_trainer {
    const cnn_train_options *options;
    bool part;       /* a member of a set of runs */
    int64_t pause;   /* as in cnn_training */
    cnn_ranks ranks; /* the processes that train together; the first one reads and writes files */
    cnn_background *background; /* fetches and adds up for several processes; NULL: one process */
    cnn_fetch *fetch;           /* NULL: one process */
    cnn_session session;        /* of the first process; the others know its directory's name */
    cnn_config planned; /* the config of the caller, with the epochs of a run that is resumed: a
                         * view, of which nothing is freed */
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
    double begin;          /* of this process, or member of a set, by cnn_clock_seconds */
    double seconds;        /* of train.minutes, since begin; 0: no budget */
    double end_seconds;    /* measured: what follows the last batch takes; 0 without a budget */
    double deadline;       /* the end of the run, by cnn_clock_seconds; infinite if there is none */
    bool limited_by_minutes; /* train.minutes set the deadline, and not --max-seconds */
    size_t left_out;         /* images of the last epoch, for which there was no time left */
} cnn_trainer;

/* The current epoch. */
typedef struct cnn_epoch {
    double begin;            /* in this process, by cnn_clock_seconds */
    double training_begin;   /* the same, after the images were put in order */
    double training_seconds; /* by an earlier process */
    cnn_dataset_source images;
    cnn_sample_source source;
    size_t first, count; /* the current batch: positions in the order of the images */
    bool fetching;       /* the images of the current batch are being fetched (cnn_trainer_fetch) */
} cnn_epoch;

/* --- trainer.c --- */

size_t cnn_trainer_images(const cnn_trainer *t);   /* training images of an epoch */
int64_t cnn_trainer_batches(const cnn_trainer *t); /* of an epoch */
int64_t cnn_trainer_steps(const cnn_trainer *t);   /* done so far */

/* Puts the images of the next epoch in order. */
CNN_MUST_USE cnn_status cnn_trainer_start_epoch(cnn_trainer *t, cnn_epoch *epoch, cnn_error *error);

/* Goes to the next batch; false after the last one of the epoch. */
bool cnn_trainer_next_batch(const cnn_trainer *t, cnn_epoch *epoch);

/* Fetches the images of the batch for the processes that compute with them. ahead: then starts to
 * fetch those of the next batch. */
void cnn_trainer_fetch(cnn_trainer *t, cnn_epoch *epoch, bool ahead);

/* The arguments of the next step. */
cnn_step cnn_trainer_next_step(cnn_trainer *t);

/* Sets the number of epochs, before the run starts. */
CNN_MUST_USE cnn_status cnn_trainer_set_epochs(cnn_trainer *t, int64_t epochs, cnn_error *error);

/* The weights that are evaluated and kept: their average, if there is one. */
float *cnn_trainer_kept(const cnn_trainer *t);

/* The epoch of model.bin. */
int64_t cnn_trainer_model_epoch(const cnn_trainer *t);

/* Writes model.bin or last.bin, if this process writes. */
CNN_MUST_USE cnn_status cnn_trainer_write_model(const cnn_trainer *t, cnn_run_file file,
                                                const float *parameters, cnn_error *error);

/* Writes checkpoint.bin, if this process writes; the first time, syncs the first files of the run
 * before that. */
CNN_MUST_USE cnn_status cnn_trainer_write_checkpoint(cnn_trainer *t, cnn_error *error);

/* --- together.c: called by all processes, in the same order --- */

/* Is this the process that reads and writes the files of the run? */
bool cnn_trainer_writes(const cnn_trainer *t);

/* cnn_ranks_agree. */
CNN_MUST_USE cnn_status cnn_trainer_agree(cnn_trainer *t, cnn_status status, cnn_error *error);

/* Opens the run directory, and claims it unless the run is finished; *end: its progress. */
CNN_MUST_USE cnn_status cnn_trainer_open(cnn_trainer *t, const cnn_config *config, cnn_run_end *end,
                                         cnn_error *error);

/* Warns if there are more processes than a batch can be divided among. */
void cnn_trainer_warn_of_idle(const cnn_trainer *t);

/* Sends the state of the run, which the first process has set, to the others. */
CNN_MUST_USE cnn_status cnn_trainer_spread_start(cnn_trainer *t, cnn_error *error);

/* CNN_ERROR_RUNTIME if the weights of the processes differ: a machine makes errors, or runs another
 * version of the program. */
CNN_MUST_USE cnn_status cnn_trainer_compare_weights(cnn_trainer *t, cnn_error *error);

/* --- start_or_resume.c --- */

/* Before images are read: CNN_ERROR_CONFIG if the run in the directory cannot be resumed with this
 * config, network and process. */
CNN_MUST_USE cnn_status cnn_trainer_check_start(const cnn_trainer *t, const cnn_config *config,
                                                cnn_error *error);

/* Sets the trainer to the state of the run: the weights of the seed, or the checkpoint. From here
 * on, the directory belongs to the run. */
CNN_MUST_USE cnn_status cnn_trainer_start(cnn_trainer *t, cnn_error *error);

/* --- minutes.c --- */

/* How many epochs fit into a budget, and why. */
typedef struct cnn_epoch_choice {
    int64_t epochs;       /* 0: not even one */
    double epoch_seconds; /* that one takes */
    double spent;         /* seconds, before the first epoch */
    double end_seconds;   /* that follow the last batch */
} cnn_epoch_choice;

/* Measures the run (measure_speed.h), and sets t->end_seconds. training: also finds how many epochs
 * fit into t->seconds; otherwise *choice stays as it is. */
CNN_MUST_USE cnn_status cnn_minutes_measure(cnn_trainer *t, bool training, cnn_epoch_choice *choice,
                                            cnn_error *error);

/* "37 epochs of 2.9 s fit into 2 minutes". members: of a set of runs, each with as many epochs. */
void cnn_minutes_log(const cnn_log_sink *log, const cnn_config *config, int members,
                     const cnn_epoch_choice *choice);

/* Before the start: if there is a budget, measures the run and, if it is a new one, sets the number
 * of its epochs. */
CNN_MUST_USE cnn_status cnn_minutes_plan(cnn_trainer *t, cnn_error *error);

/* After the start: when the run must end. */
void cnn_minutes_set_end(cnn_trainer *t);

/* --- interruption.c --- */

/* After a batch: writes a checkpoint if one is due. CNN_STOPPED, after a checkpoint, if the caller
 * wants training to stop (options->should_stop: Ctrl-C). If there is no time for another batch, a
 * checkpoint is written, and t->left_out is the number of images that the epoch is cut by. */
CNN_MUST_USE cnn_status cnn_interruption_after_batch(cnn_trainer *t, const cnn_epoch *epoch,
                                                     cnn_error *error);

/* Before an epoch: *over is true, with a message, if there is no time for it. */
CNN_MUST_USE cnn_status cnn_interruption_before_epoch(cnn_trainer *t, bool *over, cnn_error *error);

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

/* At the end, the probabilities of up to this many training images are compared. */
enum { CNN_COMPARED_MAX = 1000 };

/* Chooses temperature and threshold, measures model.bin on validation and test images, writes
 * predictions.csv, test_predictions.csv and summary.json. Warns if the model gives all images the
 * same probability. */
CNN_MUST_USE cnn_status cnn_trainer_finish(cnn_trainer *t, cnn_error *error);

#endif
