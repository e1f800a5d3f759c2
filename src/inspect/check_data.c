/* Examines all images of a run as they are in their files, and reports possible problems. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cnn/inspect.h"
#include "inspect/data_report.h"
#include "inspect/read_images.h"
#include "run/directory.h"
#include "run/setup.h"
#include "samples/stretch.h"
#include "stats/metrics.h"

#include <string.h>

typedef struct facts_reader {
    cnn_data_report *report;
    cnn_image_buffers *buffers; /* [threads] */
} facts_reader;

static cnn_status read_facts(void *context, size_t i, int thread, cnn_error *error) {
    const facts_reader *reader = context;
    cnn_data_report *report = reader->report;
    cnn_sample *sample = &report->list.samples[i];
    CNN_TRY(cnn_image_facts_read(sample->path, &report->seen, &reader->buffers[thread],
                                 &report->hidden, &report->facts[i], error));
    sample->content = report->facts[i].content;
    return CNN_OK;
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

/* Calls `read`, whose context is a facts_reader, for each image. */
static cnn_status read_each(cnn_data_report *report, const cnn_common_options *options,
                            cnn_read_image *read, cnn_error *error) {
    int threads = cnn_setup_threads(options->threads);
    facts_reader reader = {.report = report};
    CNN_TRY(cnn_image_buffers_create(threads, &reader.buffers, error));
    cnn_status status = cnn_read_images(&report->list, options, reader.buffers[0].containers, read,
                                        &reader, report->reasons, error);
    cnn_image_buffers_free(reader.buffers, threads);
    return status;
}

static cnn_status read_all(cnn_data_report *report, const cnn_common_options *options,
                           cnn_error *error) {
    size_t count = report->list.count;
    report->facts = cnn_alloc(count, sizeof *report->facts);
    report->reasons = cnn_alloc(count, sizeof *report->reasons);
    if (!report->facts || !report->reasons) {
        return cnn_fail_memory(error, "the images");
    }
    CNN_TRY(read_each(report, options, read_facts, error));
    return put_readable_first(report, error);
}

/* values, labels: room for [report->readable]; may be NULL. */
static cnn_status measure_each(cnn_data_report *report, double *values, uint8_t *labels,
                               cnn_error *error) {
    if (!values || !labels) {
        return cnn_fail_memory(error, "the images");
    }
    for (int k = 0; k < CNN_SHORTCUTS; k++) {
        for (size_t i = 0; i < report->readable; i++) {
            values[i] = cnn_shortcut_value(&report->facts[i], (cnn_shortcut)k);
            labels[i] = (uint8_t)report->list.samples[i].label;
        }
        CNN_TRY(cnn_area_under_curve(values, labels, report->readable, &report->auc[k], error));
    }
    return CNN_OK;
}

/* quality, labels: room for [report->readable]; may be NULL. */
static cnn_status find_each_flaw(cnn_data_report *report, cnn_image_quality *quality,
                                 uint8_t *labels, cnn_error *error) {
    if (!quality || !labels || !report->flaws) {
        return cnn_fail_memory(error, "the images");
    }
    for (size_t i = 0; i < report->readable; i++) {
        quality[i] = report->facts[i].quality;
        labels[i] = (uint8_t)report->list.samples[i].label;
    }
    return cnn_flaws_find(quality, labels, report->readable, report->flaws, error);
}

static cnn_status find_flaws(cnn_data_report *report, cnn_error *error) {
    cnn_image_quality *quality = cnn_alloc(report->readable, sizeof *quality);
    uint8_t *labels = cnn_alloc(report->readable, sizeof *labels);
    report->flaws = cnn_alloc(report->readable, sizeof *report->flaws);
    cnn_status status = find_each_flaw(report, quality, labels, error);
    cnn_free(quality);
    cnn_free(labels);
    return status;
}

static cnn_status measure_shortcuts(cnn_data_report *report, cnn_error *error) {
    double *values = cnn_alloc(report->readable, sizeof *values);
    uint8_t *labels = cnn_alloc(report->readable, sizeof *labels);
    cnn_status status = measure_each(report, values, labels, error);
    cnn_free(values);
    cnn_free(labels);
    return status;
}

/* Holds images back as training does: of those that it does not leave out. used: room for
 * [report->readable]; may be NULL. */
static cnn_status hold_back_used(cnn_data_report *report, const cnn_log_sink *log, cnn_sample *used,
                                 cnn_error *error) {
    const cnn_config *config = report->config;
    cnn_sample *samples = report->list.samples;
    size_t count = 0;
    if (!used) {
        return cnn_fail_memory(error, "the images");
    }
    for (size_t i = 0; i < report->readable; i++) {
        if (!cnn_data_report_leaves_out(report, i)) {
            used[count++] = samples[i];
        }
    }
    CNN_TRY(cnn_dataset_hold_back(&config->data, (uint64_t)config->train.seed, used, count, log,
                                  error));
    for (size_t i = report->readable; i-- > 0;) {
        if (!cnn_data_report_leaves_out(report, i)) {
            samples[i].split = used[--count].split;
        }
    }
    return CNN_OK;
}

static cnn_status hold_back(cnn_data_report *report, const cnn_log_sink *log, cnn_error *error) {
    cnn_sample *used = cnn_alloc(report->readable, sizeof *used);
    cnn_status status = hold_back_used(report, log, used, error);
    cnn_free(used);
    return status;
}

/* A cnn_read_image. */
static cnn_status measure_again(void *context, size_t i, int thread, cnn_error *error) {
    const facts_reader *reader = context;
    cnn_data_report *report = reader->report;
    return i < report->readable
               ? cnn_image_facts_read(report->list.samples[i].path, &report->seen,
                                      &reader->buffers[thread], NULL, &report->facts[i], error)
               : CNN_OK;
}

/* used: room for [report->readable]; may be NULL. */
static cnn_status find_ends(cnn_data_report *report, const cnn_common_options *options,
                            cnn_sample *used, cnn_error *error) {
    const cnn_reading reading = cnn_setup_reading(options);
    size_t count = 0;
    if (!used) {
        return cnn_fail_memory(error, "the images");
    }
    for (size_t i = 0; i < report->readable; i++) {
        if (!cnn_data_report_leaves_out(report, i)) {
            used[count++] = report->list.samples[i];
        }
    }
    return cnn_stretch_find(used, count, &report->seen, &reading, &report->seen.ends, error);
}

/* With image.range "stretch": finds the ends in the training images, which are known only now, and
 * measures all images as the network sees them. */
static cnn_status look_stretched(cnn_data_report *report, const cnn_common_options *options,
                                 cnn_error *error) {
    if (report->seen.range != CNN_RANGE_STRETCH) {
        return CNN_OK;
    }
    cnn_sample *used = cnn_alloc(report->readable, sizeof *used);
    cnn_status status = find_ends(report, options, used, error);
    cnn_free(used);
    CNN_TRY(status);
    return read_each(report, options, measure_again, error);
}

static cnn_status examine(cnn_data_report *report, const cnn_common_options *options,
                          cnn_error *error) {
    const cnn_config *config = report->config;
    int threads = cnn_setup_threads(options->threads);
    CNN_TRY(cnn_dataset_list(&config->data, threads, &options->log, report->classes, &report->list,
                             error));
    CNN_TRY(cnn_hidden_start(&report->hidden, error));
    CNN_TRY(read_all(report, options, error));
    cnn_sample *samples = report->list.samples;
    size_t count = report->readable;
    report->sharing = cnn_alloc(count, sizeof *report->sharing);
    report->near = cnn_alloc(count, sizeof *report->near);
    if (!report->sharing || !report->near) {
        return cnn_fail_memory(error, "the images");
    }
    CNN_TRY(cnn_duplicates_find(samples, count, report->sharing, error));
    CNN_TRY(hold_back(report, &options->log, error));
    CNN_TRY(look_stretched(report, options, error));
    CNN_TRY(
        cnn_duplicates_find(samples, count, report->sharing, error)); /* in their final splits */
    CNN_TRY(cnn_near_copies_find(samples, report->facts, count, threads, report->near, error));
    CNN_TRY(find_flaws(report, error));
    return measure_shortcuts(report, error);
}

/* Writes the table into the run directory. */
static cnn_status write_table(const cnn_data_report *report, const char *folder, const char *path,
                              cnn_error *error) {
    cnn_text table = {0};
    CNN_TRY(cnn_folder_make(folder, error));
    cnn_data_report_tabulate(report, &table);
    cnn_status status = table.failed ? cnn_fail_memory(error, path)
                                     : cnn_file_write(path, table.data, table.length, error);
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
    cnn_hidden_free(&report->hidden);
    cnn_free(report->flaws);
}

/* path: of the table; NULL: none. *refused: set to the number of findings that training refuses. */
static cnn_status check(cnn_data_report *report, const cnn_common_options *options,
                        const char *folder, const char *path, cnn_text *text, size_t *refused,
                        cnn_error *error) {
    CNN_TRY(examine(report, options, error));
    if (path) {
        CNN_TRY(write_table(report, folder, path, error));
    }
    cnn_data_report_describe(report, path, text, refused);
    if (text->failed) {
        return cnn_fail_memory(error, "the report");
    }
    if (*refused > 0) {
        return cnn_fail(error, CNN_ERROR_DATA,
                        "%s: training would refuse this data: see the errors "
                        "(data.bad_images and data.duplicates decide what is an error)",
                        report->config->data.train);
    }
    return CNN_OK;
}

cnn_status cnn_check_data(const cnn_config *config, const cnn_check_data_options *options,
                          char **out, cnn_error *error) {
    *out = NULL;
    cnn_data_report report = {.config = config, .seen = config->image};
    cnn_text text = {0};
    size_t refused = 0;
    const char *folder = options->output ? options->output : config->output;
    char *path = folder ? cnn_path_join(folder, CNN_DATA_REPORT) : NULL;
    cnn_status status =
        folder && !path ? cnn_fail_memory(error, "a path")
                        : check(&report, &options->common, folder, path, &text, &refused, error);
    if (status == CNN_OK || refused > 0) {
        *out = text.data;
    } else {
        cnn_text_free(&text);
    }
    cnn_free(path);
    free_report(&report);
    return status;
}
