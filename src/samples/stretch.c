#include "samples/stretch.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "samples/share.h"

#include <inttypes.h>

/* Counting the values of the training images. */
typedef struct counting {
    const cnn_sample *samples;
    const cnn_image_settings *image;
    const cnn_reading *reading;
    cnn_histogram *histogram;
    cnn_containers *containers;
    size_t *order;     /* [count]: in which images are read; NULL: as listed */
    atomic_bool ended; /* no further image is read */
    cnn_error why;     /* written by the thread that set `ended` */
} counting;

/* Ends the counting for a reason that is not the fault of an image. The first reason counts. */
static void end(counting *c, const char *path, cnn_status status, const char *why) {
    if (!atomic_exchange(&c->ended, true)) {
        (void)cnn_fail(&c->why, status, "%s: %s", path, why);
    }
}

static cnn_status count_values(const counting *c, const char *path, cnn_error *error) {
    cnn_image image;
    const cnn_pixel_limit limit = {.megapixels = c->image->max_megapixels};
    CNN_TRY(cnn_image_read_from(c->containers, path, &limit, &image, error));
    cnn_status status = cnn_histogram_add(c->histogram, &image, c->image->alpha, error);
    cnn_image_release(&image);
    return status;
}

static void count_image(void *context, size_t i, int thread) {
    (void)thread;
    counting *c = context;
    const cnn_sample *sample = &c->samples[c->order ? c->order[i] : i];
    const cnn_reading *reading = c->reading;
    cnn_error error;
    size_t number = (size_t)(sample - c->samples);
    if (sample->split != CNN_SPLIT_TRAIN || atomic_load(&c->ended) ||
        cnn_share_holder(reading->ranks, number) != cnn_rank(reading->ranks)) {
        return;
    }
    if (reading->should_stop && reading->should_stop(reading->user)) {
        end(c, sample->path, CNN_STOPPED, "stopped before it was read; nothing has changed");
        return;
    }
    if (count_values(c, sample->path, &error) == CNN_ERROR_RUNTIME) {
        end(c, sample->path, CNN_ERROR_RUNTIME, error.message);
    }
}

cnn_status cnn_stretch_find(const cnn_sample *samples, size_t count,
                            const cnn_image_settings *image, const cnn_reading *reading,
                            cnn_range *ends, cnn_error *error) {
    counting c = {.samples = samples,
                  .image = image,
                  .reading = reading,
                  .histogram = cnn_histogram_create(),
                  .containers = cnn_containers_create()};
    if (!c.histogram || !c.containers) {
        cnn_free(c.histogram);
        cnn_containers_free(c.containers);
        return cnn_fail_memory(error, "the values of images");
    }
    atomic_init(&c.ended, false);
    cnn_status status = cnn_samples_order(samples, count, c.containers, &c.order, error);
    if (status == CNN_OK) {
        cnn_parallel_for(count, reading->threads, count_image, &c);
    }
    if (status == CNN_OK && atomic_load(&c.ended)) {
        status = cnn_fail(error, c.why.status, "%s", c.why.message);
    }
    status = cnn_ranks_agree(reading->ranks, status, error);
    if (status == CNN_OK) {
        cnn_histogram_add_ranks(c.histogram, reading->ranks);
    }
    *ends = cnn_histogram_range(c.histogram);
    cnn_free(c.histogram);
    cnn_containers_free(c.containers);
    cnn_free(c.order);
    return status;
}

cnn_status cnn_dataset_stretch(cnn_dataset *dataset, const cnn_data_settings *data,
                               const cnn_reading *reading, cnn_error *error) {
    if (dataset->seen.range != CNN_RANGE_STRETCH || reading->ends.high > 0) {
        return CNN_OK;
    }
    cnn_image_settings image = dataset->seen;
    CNN_TRY(
        cnn_stretch_find(dataset->samples, dataset->count, &image, reading, &image.ends, error));
    cnn_log_message(reading->log, CNN_LOG_INFO,
                    "image.range: %" PRId64 " to %" PRId64 " of 65535 (0.1 and 99.9 percentile of "
                    "the training images) becomes 0 to 255",
                    image.ends.low, image.ends.high);
    return cnn_dataset_load_again(dataset, data, &image, reading, error);
}
