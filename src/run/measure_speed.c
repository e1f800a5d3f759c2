#include "run/measure_speed.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/evaluate.h"
#include "run/tune.h"
#include "stats/intervals.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is_over_here(const cnn_trainer *t, double begin, double seconds) {
    const cnn_common_options *options = &t->options->common;
    return cnn_clock_seconds() - begin >= seconds ||
           (options->should_stop && options->should_stop(options->user));
}

/* The first process decides for all of them. */
static bool is_over(const cnn_trainer *t, double begin, double seconds) {
    bool over = is_over_here(t, begin, seconds);
    cnn_ranks_broadcast(&t->ranks, 0, &over, sizeof over);
    return over;
}

/* --- training --- */

/* A step of training, of the batch of this number in the first epoch. */
static void train_batch(cnn_trainer *t, cnn_epoch *epoch, int64_t batch) {
    int64_t right;
    t->state.batches = batch;
    (void)cnn_trainer_next_batch(t, epoch);
    cnn_trainer_fetch(t, epoch, false);
    cnn_step step = cnn_trainer_next_step(t);
    (void)cnn_step_gradients(&step, &epoch->source, epoch->first, epoch->count, &right);
    cnn_step_update(&step);
}

/* The first step finds no code, weights or images in the caches of the processor: it is counted
 * only if it takes all the time. */
static cnn_status measure_steps(cnn_trainer *t, double seconds, double *step, cnn_error *error) {
    cnn_epoch epoch;
    int64_t steps = 0;
    CNN_TRY(cnn_trainer_start_epoch(t, &epoch, error));
    double begin = cnn_clock_seconds();
    train_batch(t, &epoch, 0);
    *step = cnn_clock_seconds() - begin;
    cnn_ranks_broadcast(&t->ranks, 0, step, sizeof *step);
    for (begin = cnn_clock_seconds(); *step < seconds && !is_over(t, begin, seconds); steps++) {
        train_batch(t, &epoch, (steps + 1) % cnn_trainer_batches(t));
    }
    *step = steps > 0 ? (cnn_clock_seconds() - begin) / (double)steps : *step;
    t->state.batches = 0;
    memset(t->values.optimizer_state, 0, t->values.state_count * sizeof(float));
    return CNN_OK;
}

/* --- predicting --- */

/* Training images as validation images are predicted. Twice as many each time, because a few leave
 * threads without work. */
static cnn_status measure_forward(cnn_trainer *t, double seconds, double *forward,
                                  cnn_error *error) {
    const size_t *order = t->setup.dataset->split[CNN_SPLIT_TRAIN];
    size_t all = cnn_trainer_images(t);
    size_t count = 16;
    double begin = cnn_clock_seconds();
    cnn_minibatch_prepare(t->minibatch, t->values.parameters);
    do {
        count = 2 * count < all ? 2 * count : all;
        double pass = cnn_clock_seconds();
        CNN_TRY(cnn_predict_samples(&t->setup, t->minibatch, t->values.parameters, order, count,
                                    t->logits, error));
        *forward = (cnn_clock_seconds() - pass) / (double)count;
    } while (count < all && !is_over(t, begin, seconds));
    return CNN_OK;
}

/* --- intervals --- */

/* Images whose intervals are computed: enough to see what an image takes. */
enum { INTERVAL_IMAGES = 2000 };

static cnn_status measure_intervals_of(float *logits, uint8_t *labels, int threads, double *image,
                                       cnn_error *error) {
    cnn_scores scores;
    cnn_metrics metrics;
    cnn_interval intervals[CNN_METRIC_COUNT];
    for (size_t i = 0; i < INTERVAL_IMAGES; i++) { /* in no order, and some are wrong */
        logits[i] = (float)(i * 7919 % INTERVAL_IMAGES) / INTERVAL_IMAGES - 0.5f;
        labels[i] = (logits[i] > 0.0f) != (i % 10 == 0);
    }
    double begin = cnn_clock_seconds();
    cnn_status status =
        cnn_scores_from_logits(logits, labels, INTERVAL_IMAGES, 1.0, 0.5, &scores, error);
    if (status == CNN_OK) {
        cnn_metrics_measure(&scores, NULL, &metrics);
        status = cnn_intervals_measure(&scores, &metrics, threads, intervals, error);
    }
    *image = (cnn_clock_seconds() - begin) / INTERVAL_IMAGES;
    cnn_scores_free(&scores);
    return status;
}

static cnn_status measure_intervals(int threads, double *image, cnn_error *error) {
    float *logits = cnn_alloc(INTERVAL_IMAGES, sizeof *logits);
    uint8_t *labels = cnn_alloc(INTERVAL_IMAGES, sizeof *labels);
    cnn_status status = logits && labels
                            ? measure_intervals_of(logits, labels, threads, image, error)
                            : cnn_fail_memory(error, "intervals");
    cnn_free(logits);
    cnn_free(labels);
    return status;
}

/* --- files --- */

/* Writes a model, a checkpoint and a row of a table as `path`, and adds their times. */
static cnn_status write_files(const cnn_trainer *t, const char *path, double *model, double *others,
                              cnn_error *error) {
    char row[200] = "";
    double begin = cnn_clock_seconds();
    CNN_TRY(cnn_setup_write_model(&t->setup, path, t->values.parameters, error));
    double between = cnn_clock_seconds();
    CNN_TRY(cnn_checkpoint_write(path, &t->state, t->config_json, &t->values, error));
    CNN_TRY(cnn_file_write(path, row, sizeof row, error));
    *model += between - begin;
    *others += cnn_clock_seconds() - between;
    return CNN_OK;
}

/* The same several times, because waiting for a disk takes now less, now more. With frozen layers,
 * models are not written at the end of every epoch. */
static cnn_status write_often(const cnn_trainer *t, const char *path, double seconds,
                              cnn_run_speed *speed, cnn_error *error) {
    double models = cnn_start_is_frozen(t->setup.start) ? 0.0 : 2.0;
    double model = 0.0, others = 0.0, times = 0.0;
    double begin = cnn_clock_seconds();
    do {
        CNN_TRY(write_files(t, path, &model, &others, error));
        times += 1.0;
    } while (!is_over_here(t, begin, seconds));
    speed->model = model / times;
    speed->files = models * speed->model + others / times;
    return CNN_OK;
}

static cnn_status measure_files(const cnn_trainer *t, double seconds, cnn_run_speed *speed,
                                cnn_error *error) {
    cnn_text path = {0}; /* the name of an incomplete file, as a killed run leaves it */
    cnn_text_format(&path, "%s.tmp.measured", t->session.directory.file[CNN_RUN_CHECKPOINT]);
    cnn_status status = path.failed ? cnn_fail_memory(error, "the run directory")
                                    : write_often(t, path.data, seconds, speed, error);
    if (!path.failed && unlink(path.data) != 0 && status == CNN_OK) {
        status = cnn_fail_errno(error, path.data, errno);
    }
    cnn_text_free(&path);
    return status;
}

/* --- */

cnn_status cnn_measure_computing(cnn_trainer *t, double seconds, bool training,
                                 cnn_run_speed *speed, cnn_error *error) {
    *speed = (cnn_run_speed){0};
    cnn_start_weights(t->setup.start, t->setup.network, (uint64_t)t->config->train.seed,
                      t->values.parameters);
    if (training) {
        CNN_TRY(measure_steps(t, seconds, &speed->step, error));
    }
    CNN_TRY(measure_forward(t, seconds / 2.0, &speed->forward, error));
    return measure_intervals(t->setup.threads, &speed->intervals, error);
}

cnn_status cnn_measure_speed(cnn_trainer *t, double seconds, bool training, cnn_run_speed *speed,
                             cnn_error *error) {
    CNN_TRY(cnn_measure_computing(t, seconds, training, speed, error));
    cnn_status status =
        cnn_trainer_writes(t) ? measure_files(t, seconds / 2.0, speed, error) : CNN_OK;
    return cnn_trainer_agree(t, status, error);
}

cnn_run_work cnn_measure_work(const cnn_trainer *t) {
    const size_t *count = t->setup.dataset->split_count;
    size_t images = cnn_trainer_images(t);
    return (cnn_run_work){.batches = cnn_trainer_batches(t),
                          .validation = count[CNN_SPLIT_VALIDATION],
                          .test = t->options->no_test ? 0 : count[CNN_SPLIT_TEST],
                          .compared = images < CNN_COMPARED_MAX ? images : CNN_COMPARED_MAX,
                          .tunes = cnn_tune_wanted(t->config),
                          .gathered = t->part};
}
