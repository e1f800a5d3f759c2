#include "inspect/read_images.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "run/setup.h"

#include <stdatomic.h>

typedef struct reading {
    const cnn_sample_list *list;
    const cnn_common_options *options;
    cnn_read_image *read;
    void *context;
    char **reasons;
    size_t *order;     /* [list->count]; NULL: as listed */
    atomic_bool ended; /* stop reading images */
    cnn_error why;     /* written by the thread that ended it */
} reading;

/* Stops reading, for a reason that is not the fault of an image. The first reason counts. */
static void end(reading *r, const char *path, cnn_status status, const char *why) {
    if (!atomic_exchange(&r->ended, true)) {
        (void)cnn_fail(&r->why, status, "%s: %s", path, why);
    }
}

static void read_image(void *context, size_t at, int thread) {
    reading *r = context;
    const size_t i = r->order ? r->order[at] : at;
    const char *path = r->list->samples[i].path;
    cnn_error error;
    if (r->options->should_stop && r->options->should_stop(r->options->user)) {
        end(r, path, CNN_STOPPED, "stopped before it was read");
    }
    if (atomic_load(&r->ended)) {
        return;
    }
    cnn_status status = r->read(r->context, i, thread, &error);
    if (status == CNN_ERROR_DATA) {
        r->reasons[i] = cnn_copy_string(error.message);
    }
    if (status != CNN_OK && !r->reasons[i]) {
        end(r, path, CNN_ERROR_RUNTIME, status == CNN_ERROR_DATA ? "out of memory" : error.message);
    }
}

cnn_status cnn_read_images(const cnn_sample_list *list, const cnn_common_options *options,
                           cnn_containers *containers, cnn_read_image *read, void *context,
                           char **reasons, cnn_error *error) {
    reading r = {
        .list = list, .options = options, .read = read, .context = context, .reasons = reasons};
    CNN_TRY(cnn_samples_order(list->samples, list->count, containers, &r.order, error));
    atomic_init(&r.ended, false);
    cnn_parallel_for(list->count, cnn_setup_threads(options->threads), read_image, &r);
    cnn_free(r.order);
    return atomic_load(&r.ended) ? cnn_fail(error, r.why.status, "%s", r.why.message) : CNN_OK;
}
