#include "inspect/data_reading.h"

#include "base/error.h"
#include "base/memory.h"
#include "inspect/read_images.h"
#include "run/setup.h"
#include "stats/metrics.h"

#include <string.h>

/* --- reading --- */

typedef struct facts_reader {
    cnn_data_report *report;
    cnn_image_buffers *buffers; /* [threads] */
} facts_reader;

/* A cnn_read_image. */
static cnn_status read_facts(void *context, size_t i, int thread, cnn_error *error) {
    const facts_reader *reader = context;
    cnn_data_report *report = reader->report;
    cnn_sample *sample = &report->list.samples[i];
    CNN_TRY(cnn_image_facts_read(sample->path, &report->seen, &reader->buffers[thread],
                                 &report->hidden, &report->facts[i], error));
    sample->content = report->facts[i].content;
    return CNN_OK;
}

/* A cnn_read_image. */
static cnn_status read_header(void *context, size_t i, int thread, cnn_error *error) {
    const facts_reader *reader = context;
    cnn_data_report *report = reader->report;
    return cnn_image_facts_read_header(report->list.samples[i].path, &report->seen,
                                       &reader->buffers[thread], &report->facts[i], error);
}

/* Moves readable images to the front; both parts keep their order. */
static cnn_status put_readable_first(cnn_data_report *report, cnn_error *error) {
    size_t count = report->list.count;
    if (count == 0) {
        return CNN_OK;
    }
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
                           cnn_read_image *read, cnn_error *error) {
    size_t count = report->list.count;
    report->facts = cnn_alloc(count, sizeof *report->facts);
    report->reasons = cnn_alloc(count, sizeof *report->reasons);
    if (!report->facts || !report->reasons) {
        return cnn_fail_memory(error, "the images");
    }
    CNN_TRY(read_each(report, options, read, error));
    CNN_TRY(put_readable_first(report, error));
    report->sharing = cnn_alloc(report->readable, sizeof *report->sharing);
    report->near = cnn_alloc(report->readable, sizeof *report->near);
    report->flaws = cnn_alloc(report->readable, sizeof *report->flaws);
    return report->sharing && report->near && report->flaws ? CNN_OK
                                                            : cnn_fail_memory(error, "the images");
}

cnn_status cnn_data_read_all(cnn_data_report *report, const cnn_common_options *options,
                             cnn_error *error) {
    CNN_TRY(cnn_hidden_start(&report->hidden, error));
    return read_all(report, options, read_facts, error);
}

cnn_status cnn_data_read_headers(cnn_data_report *report, const cnn_common_options *options,
                                 cnn_error *error) {
    return read_all(report, options, read_header, error);
}

/* --- again, as the network sees them --- */

/* A cnn_read_image. */
static cnn_status measure_again(void *context, size_t i, int thread, cnn_error *error) {
    const facts_reader *reader = context;
    cnn_data_report *report = reader->report;
    return i < report->readable
               ? cnn_image_facts_read(report->list.samples[i].path, &report->seen,
                                      &reader->buffers[thread], NULL, &report->facts[i], error)
               : CNN_OK;
}

cnn_status cnn_data_read_again(cnn_data_report *report, const cnn_common_options *options,
                               cnn_error *error) {
    return read_each(report, options, measure_again, error);
}

/* --- comparing --- */

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
    if (!quality || !labels) {
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
    cnn_status status = find_each_flaw(report, quality, labels, error);
    cnn_free(quality);
    cnn_free(labels);
    return status;
}

cnn_status cnn_data_measure_shortcuts(cnn_data_report *report, cnn_error *error) {
    double *values = cnn_alloc(report->readable, sizeof *values);
    uint8_t *labels = cnn_alloc(report->readable, sizeof *labels);
    cnn_status status = measure_each(report, values, labels, error);
    cnn_free(values);
    cnn_free(labels);
    return status;
}

cnn_status cnn_data_compare(cnn_data_report *report, int threads, cnn_error *error) {
    CNN_TRY(cnn_near_copies_find(report->list.samples, report->facts, report->readable, threads,
                                 report->near, error));
    CNN_TRY(find_flaws(report, error));
    return cnn_data_measure_shortcuts(report, error);
}

/* --- */

void cnn_data_report_free(cnn_data_report *report) {
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
