/* What interrupts a training: Ctrl-C (options->should_stop), --max-seconds and train.minutes; and
 * the checkpoints inside an epoch, from which a killed run is resumed. */
#include "base/error.h"
#include "base/log.h"
#include "run/trainer.h"

#include <math.h>

static cnn_status fail_stopped(const cnn_trainer *t, cnn_error *error) {
    return cnn_fail(error, CNN_STOPPED,
                    "stopped in epoch %lld after batch %lld of %lld; checkpoint written to %s: "
                    "continue with --resume",
                    (long long)t->state.epochs + 1, (long long)t->state.batches,
                    (long long)cnn_trainer_batches(t),
                    t->session.directory.file[CNN_RUN_CHECKPOINT]);
}

/* The time to measure an epoch that is cut short, and then the best model, on the validation
 * images, and the model on the test images. Estimated from the speed of training, which takes three
 * times the work per image; at least what was measured, if there is a budget. */
static double seconds_to_finish(const cnn_trainer *t) {
    static const double share = 0.5; /* more than a third, as a margin */
    const size_t *count = t->setup.dataset->split_count;
    double images = (double)cnn_trainer_images(t);
    double in_epoch = (double)t->state.batches * (double)t->config->train.batch_size;
    double trained = (double)t->state.epochs * images + (in_epoch < images ? in_epoch : images);
    double seconds = t->state.training_seconds + t->state.epoch_training_seconds;
    double left = 2.0 * (double)count[CNN_SPLIT_VALIDATION] + (double)count[CNN_SPLIT_TEST];
    return fmax(trained > 0.0 ? share * left * seconds / trained : 0.0, t->end_seconds);
}

/* The time of the next batch, if it takes as long as those of the epoch so far. */
static double seconds_of_batch(const cnn_trainer *t) {
    return t->state.batches > 0 ? t->state.epoch_training_seconds / (double)t->state.batches : 0.0;
}

/* True if training must end now, so that the run ends in time. */
static bool time_is_up(const cnn_trainer *t) {
    return cnn_clock_seconds() + seconds_of_batch(t) + seconds_to_finish(t) >= t->deadline;
}

static void log_time_is_up(const cnn_trainer *t) {
    const cnn_log_sink *log = &t->options->common.log;
    if (t->limited_by_minutes) {
        cnn_log_message(log, CNN_LOG_WARNING,
                        "the time of train.minutes is up after epoch %lld of %lld, batch %lld; "
                        "with more, --resume continues from there",
                        (long long)t->state.epochs, (long long)t->config->train.epochs,
                        (long long)t->state.batches);
        return;
    }
    cnn_log_message(log, CNN_LOG_INFO,
                    "the time of --max-seconds is up after epoch %lld, batch %lld; without it, "
                    "--resume continues from there",
                    (long long)t->state.epochs, (long long)t->state.batches);
}

/* From here on, a run that train.minutes ends counts as finished, unless it gets more. */
static void mark_time_is_up(cnn_trainer *t) {
    log_time_is_up(t);
    if (t->limited_by_minutes) {
        t->state.ended_by_minutes = t->config->train.minutes;
    }
}

/* The seconds of the epoch so far are for the checkpoint only: cnn_epoch_end counts them again. */
static cnn_status write_checkpoint_in_epoch(cnn_trainer *t, const cnn_epoch *epoch,
                                            cnn_error *error) {
    double earlier_seconds = t->state.epoch_seconds;
    t->state.epoch_seconds += cnn_clock_seconds() - epoch->begin;
    cnn_status status = cnn_trainer_write_checkpoint(t, error);
    t->state.epoch_seconds = earlier_seconds;
    return status;
}

/* What to do after a batch. Each process may have been told to stop; only the first one looks at
 * the clock. */
typedef struct decision {
    bool stop, cut, checkpoint;
} decision;

static decision decide(const cnn_trainer *t, size_t left) {
    enum { STOP = 1, CUT = 2, CHECKPOINT = 4 };
    const cnn_common_options *options = &t->options->common;
    bool writes = cnn_trainer_writes(t);
    unsigned wanted = 0;
    if (options->should_stop && options->should_stop(options->user)) {
        wanted |= STOP;
    }
    if (writes && left > 0 && time_is_up(t)) {
        wanted |= CUT;
    }
    if (writes && cnn_clock_seconds() >= t->checkpoint_due) {
        wanted |= CHECKPOINT;
    }
    wanted = cnn_ranks_or(&t->ranks, wanted);
    return (decision){.stop = (wanted & STOP) != 0,
                      .cut = (wanted & (STOP | CUT)) == CUT,
                      .checkpoint = wanted != 0};
}

cnn_status cnn_interruption_after_batch(cnn_trainer *t, const cnn_epoch *epoch, cnn_error *error) {
    size_t left = cnn_trainer_images(t) - (epoch->first + epoch->count);
    const decision now = decide(t, left);
    if (now.cut) {
        mark_time_is_up(t);
        t->left_out = left;
    }
    if (now.checkpoint) {
        CNN_TRY(cnn_trainer_agree(t, write_checkpoint_in_epoch(t, epoch, error), error));
    }
    return now.stop ? cnn_trainer_agree(t, fail_stopped(t, error), error) : CNN_OK;
}

cnn_status cnn_interruption_before_epoch(cnn_trainer *t, bool *over, cnn_error *error) {
    *over = t->state.epochs > 0 && t->state.batches == 0 && time_is_up(t);
    cnn_ranks_broadcast(&t->ranks, 0, over, sizeof *over);
    if (!*over) {
        return CNN_OK;
    }
    mark_time_is_up(t);
    /* the checkpoint of the epoch does not have the mark */
    bool writes = t->limited_by_minutes;
    return cnn_trainer_agree(t, writes ? cnn_trainer_write_checkpoint(t, error) : CNN_OK, error);
}
