/* Examines all images of a run as they are in their files, and reports possible problems. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cnn/train.h"
#include "inspect/data_report.h"
#include "run/directory.h"
#include "run/setup.h"
#include "stats/metrics.h"

#include <stdatomic.h>
#include <string.h>

/* Reading all images. */
typedef struct reading {
    cnn_data_report *report;
    const cnn_train_options *options;
    atomic_bool ended; /* stop reading images */
    cnn_error why;     /* written by the thread that ended it */
} reading;

/* Not the fault of an image. The first reason counts. */
static void end(reading *r, const char *path, cnn_status status, const char *why) {
    if (!atomic_exchange(&r->ended, true)) {
        (void)cnn_fail(&r->why, status, "%s: %s", path, why);
    }
}

static void read_facts(void *context, size_t i, int thread) {
    (void)thread;
    reading *r = context;
    cnn_data_report *report = r->report;
    cnn_sample *sample = &report->list.samples[i];
    cnn_error error;
    if (r->options->should_stop && r->options->should_stop(r->options->user)) {
        end(r, sample->path, CNN_STOPPED, "stopped before it was read");
    }
    if (atomic_load(&r->ended)) {
        return;
    }
    cnn_status status =
        cnn_image_facts_read(sample->path, &report->config->image, &report->facts[i], &error);
    if (status == CNN_OK) {
        sample->content = report->facts[i].content;
        return;
    }
    report->reasons[i] = cnn_copy_string(error.message);
    if (status != CNN_ERROR_DATA || !report->reasons[i]) {
        end(r, sample->path, CNN_ERROR_RUNTIME,
            status != CNN_ERROR_DATA ? error.message : "out of memory");
    }
}

/* Moves readable images to the front; both parts keep their order. */
static cnn_status put_readable_first(cnn_data_report *report, cnn_error *error) {
    size_t count = report->list.count;
    cnn_sample *samples = cnn_alloc(count, sizeof *samples);
    char **reasons = cnn_alloc(count, sizeof *reasons);
    if (!samples || !reasons) {
        cnn_free(samples);
        cnn_free(reasons);
        return cnn_fail_memory(error, "the list of images");
    }
    size_t unreadable = 0;
    for (size_t i = 0; i < count; i++) {
        if (report->reasons[i]) {
            samples[unreadable] = report->list.samples[i];
            reasons[unreadable++] = report->reasons[i];
        } else {
            report->list.samples[report->readable] = report->list.samples[i];
            report->facts[report->readable++] = report->facts[i];
        }
    }
    memset(report->reasons, 0, report->readable * sizeof *report->reasons);
    memcpy(report->list.samples + report->readable, samples, unreadable * sizeof *samples);
    memcpy(report->reasons + report->readable, reasons, unreadable * sizeof *reasons);
    cnn_free(samples);
    cnn_free(reasons);
    return CNN_OK;
}

static cnn_status decode_all(cnn_data_report *report, const cnn_train_options *options, int threads,
                             cnn_error *error) {
    size_t count = report->list.count;
    report->facts = cnn_alloc(count, sizeof *report->facts);
    report->reasons = cnn_alloc(count, sizeof *report->reasons);
    if (!report->facts || !report->reasons) {
        return cnn_fail_memory(error, "the images");
    }
    reading r = {.report = report, .options = options};
    atomic_init(&r.ended, false);
    cnn_parallel_for(count, threads, read_facts, &r);
    if (atomic_load(&r.ended)) {
        return cnn_fail(error, r.why.status, "%s", r.why.message);
    }
    return put_readable_first(report, error);
}

static cnn_status measure_shortcuts(cnn_data_report *report, cnn_error *error) {
    size_t count = report->readable;
    double *values = cnn_alloc(count, sizeof *values);
    uint8_t *labels = cnn_alloc(count, sizeof *labels);
    cnn_status status = values && labels ? CNN_OK : cnn_fail_memory(error, "the images");
    for (int k = 0; k < CNN_SHORTCUTS && status == CNN_OK; k++) {
        for (size_t i = 0; i < count; i++) {
            values[i] = cnn_shortcut_value(&report->facts[i], (cnn_shortcut)k);
            labels[i] = (uint8_t)report->list.samples[i].label;
        }
        status = cnn_area_under_curve(values, labels, count, &report->auc[k], error);
    }
    cnn_free(values);
    cnn_free(labels);
    return status;
}

static cnn_status examine(cnn_data_report *report, const cnn_train_options *options,
                          cnn_error *error) {
    int threads = cnn_setup_threads(options->threads);
    cnn_status status =
        cnn_dataset_list(&report->config->data, threads, report->classes, &report->list, error);
    if (status == CNN_OK) {
        status = decode_all(report, options, threads, error);
    }
    cnn_sample *samples = report->list.samples;
    if (status == CNN_OK) {
        status = cnn_dataset_hold_back(&report->config->data, (uint64_t)report->config->train.seed,
                                       samples, report->readable, &options->log, error);
    }
    if (status != CNN_OK) {
        return status;
    }
    report->sharing = cnn_alloc(report->readable, sizeof *report->sharing);
    report->near = cnn_alloc(report->readable, sizeof *report->near);
    if (!report->sharing || !report->near) {
        return cnn_fail_memory(error, "the images");
    }
    status = cnn_duplicates_find(samples, report->readable, report->sharing, error);
    if (status == CNN_OK) {
        status = cnn_near_copies_find(samples, report->facts, report->readable, threads,
                                      report->near, error);
    }
    return status == CNN_OK ? measure_shortcuts(report, error) : status;
}

/* Writes the table into the run directory. */
static cnn_status write_table(const cnn_data_report *report, const char *folder, const char *path,
                              cnn_error *error) {
    cnn_text table = {0};
    cnn_status status = cnn_folder_make(folder, error);
    if (status == CNN_OK) {
        cnn_data_report_tabulate(report, &table);
        status = table.failed ? cnn_fail_memory(error, path)
                              : cnn_file_write(path, table.data, table.length, error);
    }
    cnn_text_free(&table);
    return status;
}

static void free_report(cnn_data_report *report) {
    for (size_t i = 0; report->reasons && i < report->list.count; i++) {
        cnn_free(report->reasons[i]);
    }
    cnn_sample_list_free(&report->list);
    cnn_free(report->classes[0]);
    cnn_free(report->classes[1]);
    cnn_free(report->reasons);
    cnn_free(report->facts);
    cnn_free(report->sharing);
    cnn_free(report->near);
}

cnn_status cnn_check_data(const cnn_config *config, const cnn_train_options *options, char **out,
                          cnn_error *error) {
    *out = NULL;
    cnn_data_report report = {.config = config};
    cnn_text text = {0};
    size_t refused = 0;
    const char *folder = options->output ? options->output : config->output;
    char *path = folder ? cnn_path_join(folder, CNN_DATA_REPORT) : NULL;
    cnn_status status =
        folder && !path ? cnn_fail_memory(error, "a path") : examine(&report, options, error);
    if (status == CNN_OK && path) {
        status = write_table(&report, folder, path, error);
    }
    if (status == CNN_OK) {
        cnn_data_report_describe(&report, path, &text, &refused);
        status = text.failed ? cnn_fail_memory(error, "the report") : CNN_OK;
    }
    if (status == CNN_OK && refused > 0) {
        status = cnn_fail(error, CNN_ERROR_DATA,
                          "%s: training would refuse this data: see the errors "
                          "(data.bad_images and data.duplicates say what is one)",
                          config->data.train);
    }
    if (status == CNN_OK || refused > 0) {
        *out = text.data;
    } else {
        cnn_text_free(&text);
    }
    cnn_free(path);
    free_report(&report);
    return status;
}
