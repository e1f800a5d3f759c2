/* Examines all images of a run as they are in their files, and reports possible problems. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cnn/inspect.h"
#include "inspect/data_reading.h"
#include "run/directory.h"
#include "run/setup.h"
#include "samples/stretch.h"

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
    return cnn_data_read_again(report, options, error);
}

static cnn_status examine(cnn_data_report *report, const cnn_common_options *options,
                          cnn_error *error) {
    const cnn_config *config = report->config;
    int threads = cnn_setup_threads(options->threads);
    CNN_TRY(cnn_dataset_list(&config->data, threads, &options->log, report->classes, &report->list,
                             error));
    CNN_TRY(cnn_data_read_all(report, options, error));
    cnn_sample *samples = report->list.samples;
    size_t count = report->readable;
    CNN_TRY(cnn_duplicates_find(samples, count, report->sharing, error));
    CNN_TRY(hold_back(report, &options->log, error));
    CNN_TRY(look_stretched(report, options, error));
    CNN_TRY(
        cnn_duplicates_find(samples, count, report->sharing, error)); /* in their final splits */
    return cnn_data_compare(report, threads, error);
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
    cnn_data_report_free(&report);
    return status;
}
