#include "inspect/file_sample.h"

#include "base/error.h"
#include "base/memory.h"
#include "inspect/data_reading.h"
#include "run/setup.h"

#include <sys/stat.h>

enum { HEADERS_MAX = 1000, DECODED_MAX = 200 };

#define BYTES_MAX ((double)((size_t)256 << 20))
#define PIXELS_MAX 32e6

/* --- choosing --- */

/* The index, of `count` things, of number i of `chosen` evenly spaced ones. */
static size_t spaced(size_t i, size_t chosen, size_t count) {
    return chosen > 0 ? (size_t)((double)i * (double)count / (double)chosen) : 0;
}

/* How many of `chosen` things, which cost `cost` together, may be taken if they may cost `most`? */
static size_t affordable(size_t chosen, double cost, double most) {
    const size_t fitting = cost > most ? (size_t)((double)chosen * most / cost) : chosen;
    return fitting == 0 && chosen > 0 ? 1 : fitting;
}

/* The size of a file on disk. An image in a container counts as empty: the container is read as a
 * whole or by positions, whatever the images. */
static double size_on_disk(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) ? (double)about.st_size : 0.0;
}

static size_t choose_headers(const cnn_file_source *source) {
    const size_t chosen = source->count < HEADERS_MAX ? source->count : HEADERS_MAX;
    double bytes = 0.0;
    for (size_t i = 0; i < chosen; i++) {
        bytes += size_on_disk(source->samples[spaced(i, chosen, source->count)].path);
    }
    return affordable(chosen, bytes, BYTES_MAX);
}

static size_t choose_decoded(const cnn_data_report *headers) {
    const size_t chosen = headers->readable < DECODED_MAX ? headers->readable : DECODED_MAX;
    double pixels = 0.0;
    for (size_t i = 0; i < chosen; i++) {
        const cnn_image_facts *facts = &headers->facts[spaced(i, chosen, headers->readable)];
        pixels += (double)facts->width * (double)facts->height;
    }
    return affordable(chosen, pixels, PIXELS_MAX);
}

/* Are all images that would be decoded in arrays, whose images have one size? */
static bool are_in_arrays(const cnn_file_source *source) {
    const size_t chosen = source->count < DECODED_MAX ? source->count : DECODED_MAX;
    bool all = true;
    for (size_t i = 0; i < chosen && all; i++) {
        size_t length;
        const cnn_container_kind kind =
            cnn_container_of(source->samples[spaced(i, chosen, source->count)].path, &length);
        all = kind == CNN_CONTAINER_NPZ || kind == CNN_CONTAINER_IDX;
    }
    return all;
}

/* --- reading --- */

static cnn_status start(const cnn_file_source *source, cnn_data_report *report, cnn_error *error) {
    *report = (cnn_data_report){.config = source->config, .seen = *source->seen};
    for (int i = 0; i < 2; i++) {
        report->classes[i] = cnn_copy_string(source->classes[i]);
        if (!report->classes[i]) {
            return cnn_fail_memory(error, "the images");
        }
    }
    return CNN_OK;
}

/* Adds `chosen` of samples[count] to the report. Their rows, numbers in the source, stay. */
static cnn_status add(const cnn_sample *samples, size_t count, size_t chosen,
                      cnn_data_report *report, cnn_error *error) {
    for (size_t i = 0; i < chosen; i++) {
        const cnn_sample *from = &samples[spaced(i, chosen, count)];
        char *path = cnn_copy_string(from->path);
        if (!path) {
            return cnn_fail_memory(error, "the images");
        }
        CNN_TRY(cnn_sample_list_add(&report->list, path, NULL, from->label, from->split, error));
        report->list.samples[i].row = from->row;
    }
    return CNN_OK;
}

static cnn_status read_headers(const cnn_file_source *source, const cnn_common_options *options,
                               cnn_data_report *report, cnn_error *error) {
    CNN_TRY(add(source->samples, source->count, choose_headers(source), report, error));
    CNN_TRY(cnn_data_read_headers(report, options, error));
    return cnn_data_measure_shortcuts(report, error);
}

/* Decodes `chosen` of samples[count]. */
static cnn_status read_pixels(const cnn_sample *samples, size_t count, size_t chosen,
                              const cnn_common_options *options, cnn_data_report *report,
                              cnn_error *error) {
    CNN_TRY(add(samples, count, chosen, report, error));
    CNN_TRY(cnn_data_read_all(report, options, error));
    if (report->seen.range == CNN_RANGE_STRETCH && report->seen.ends.high == 0) {
        report->seen.ends = cnn_histogram_range(report->hidden.values);
        CNN_TRY(cnn_data_read_again(report, options, error));
    }
    return cnn_data_compare(report, cnn_setup_threads(options->threads), error);
}

/* Reads from the start of a compressed array for its last image, so arrays are read once. */
static cnn_status read_arrays(const cnn_file_source *source, const cnn_common_options *options,
                              cnn_file_sample *sample, cnn_error *error) {
    const size_t chosen = source->count < DECODED_MAX ? source->count : DECODED_MAX;
    return read_pixels(source->samples, source->count, chosen, options, &sample->pixels, error);
}

static cnn_status read_files(const cnn_file_source *source, const cnn_common_options *options,
                             cnn_file_sample *sample, cnn_error *error) {
    const cnn_data_report *headers = &sample->headers;
    CNN_TRY(read_headers(source, options, &sample->headers, error));
    return read_pixels(headers->list.samples, headers->readable, choose_decoded(headers), options,
                       &sample->pixels, error);
}

static void count_changed(const cnn_file_source *source, cnn_file_sample *sample) {
    const cnn_data_report *pixels = &sample->pixels;
    for (size_t i = pixels->readable; i-- > 0;) {
        const cnn_sample *found = &pixels->list.samples[i];
        if (found->content != source->samples[found->row].content) {
            sample->changed++;
            sample->first_changed = i;
        }
    }
}

cnn_status cnn_file_sample_read(const cnn_file_source *source, const cnn_common_options *options,
                                cnn_file_sample *sample, cnn_error *error) {
    *sample = (cnn_file_sample){.in_arrays = are_in_arrays(source)};
    CNN_TRY(start(source, &sample->headers, error));
    CNN_TRY(start(source, &sample->pixels, error));
    CNN_TRY(sample->in_arrays ? read_arrays(source, options, sample, error)
                              : read_files(source, options, sample, error));
    count_changed(source, sample);
    return CNN_OK;
}

void cnn_file_sample_free(cnn_file_sample *sample) {
    cnn_data_report_free(&sample->headers);
    cnn_data_report_free(&sample->pixels);
}
