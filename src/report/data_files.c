#include "report/data_files.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/sort.h"
#include "report/data_facts.h"
#include "report/data_warnings.h"
#include "report/figures.h"
#include "report/html_table.h"
#include "run/directory.h"

#include <string.h>

/* --- where all this is from --- */

/* "all 12 images", or "1,000 of 60,000 images, evenly spaced" */
static void write_extent(cnn_html *html, size_t looked_at, size_t all, const char *what) {
    cnn_html_text(html, looked_at < all ? "" : "all ");
    cnn_count(html, looked_at);
    if (looked_at < all) {
        cnn_html_text(html, " of ");
        cnn_count(html, all);
    }
    cnn_html_format(html, " %s%s", what, looked_at < all ? ", evenly spaced" : "");
}

static void write_source(cnn_html *html, const cnn_report *report, const cnn_data_facts *facts) {
    cnn_html_begin_class(html, "p", "note");
    if (facts->from_table) {
        cnn_prose(html, "From `" CNN_DATA_REPORT "`, in which `cnntrain --check-data` has listed ");
        cnn_count(html, facts->table.list.count);
        cnn_html_text(html, cnn_plural(facts->table.list.count, " image.", " images."));
    } else {
        cnn_html_text(html, "From the headers of ");
        write_extent(html, facts->headers.images->list.count, report->run->rows, "images");
        cnn_html_text(html, ", read when this page was made.");
    }
    if (facts->table_unused[0]) {
        cnn_prose(html, " There is also a `" CNN_DATA_REPORT "`, which was not used: ");
        cnn_html_format(html, "%s.", facts->table_unused);
    }
    cnn_html_end(html);
}

/* --- sizes --- */

/* Sorts by number of pixels, then by width; the same key is the same size. */
static uint64_t key_of(const cnn_image_facts *facts) {
    enum { WIDTH_BITS = 24 };
    const uint64_t width = (uint64_t)facts->width, height = (uint64_t)facts->height;
    return width * height << WIDTH_BITS | (width & ((1u << WIDTH_BITS) - 1));
}

static void write_size(cnn_html *html, const cnn_image_facts *facts) {
    cnn_html_table_number(html, "%d × %d", facts->width, facts->height);
}

/* A row about sizes[count], which it sorts. */
static cnn_status write_sizes_of(cnn_html *html, const char *name, const cnn_data_report *images,
                                 cnn_keyed *sizes, size_t count, cnn_error *error) {
    size_t different = count > 0;
    if (!cnn_sort_by_key(sizes, count)) {
        return cnn_fail_memory(error, "the sizes of the images");
    }
    for (size_t i = 1; i < count; i++) {
        different += sizes[i].key != sizes[i - 1].key;
    }
    if (count > 0) {
        cnn_html_table_row(html, name);
        write_size(html, &images->facts[sizes[0].value]);
        write_size(html, &images->facts[sizes[(count - 1) / 2].value]);
        write_size(html, &images->facts[sizes[count - 1].value]);
        cnn_html_table_number(html, "%zu", different);
        cnn_html_end(html);
    }
    return CNN_OK;
}

/* sizes: room for all readable images. label -1: all. */
static cnn_status write_class(cnn_html *html, const cnn_report *report,
                              const cnn_data_report *images, int label, cnn_keyed *sizes,
                              cnn_error *error) {
    size_t count = 0;
    for (size_t i = 0; i < images->readable; i++) {
        if (label < 0 || images->list.samples[i].label == label) {
            sizes[count++] = (cnn_keyed){.key = key_of(&images->facts[i]), .value = i};
        }
    }
    return write_sizes_of(html, label < 0 ? "all" : report->classes[label], images, sizes, count,
                          error);
}

static cnn_status write_sizes(cnn_html *html, const cnn_report *report,
                              const cnn_data_report *images, cnn_error *error) {
    static const char *const heads[] = {"",        "smallest",        "median",
                                        "largest", "different sizes", NULL};
    cnn_keyed *sizes = cnn_alloc(images->readable, sizeof *sizes);
    if (!sizes) {
        return cnn_fail_memory(error, "the sizes of the images");
    }
    cnn_html_table_begin(html, "Sizes of the images in their files, by number of pixels", NULL,
                         heads);
    cnn_status status = CNN_OK;
    for (int row = 0; row < 3 && status == CNN_OK; row++) {
        status = write_class(html, report, images, row < 2 ? row : -1, sizes, error);
    }
    cnn_html_table_end(html);
    cnn_free(sizes);
    return status;
}

/* --- kinds --- */

enum { MODES = 8 };

static void write_kind(cnn_html *html, size_t count, const char *name, bool *first) {
    if (count > 0) {
        cnn_html_text(html, *first ? "" : ", ");
        cnn_count(html, count);
        cnn_html_format(html, " %s", name);
        *first = false;
    }
}

static void write_kinds(cnn_html *html, const cnn_data_report *images) {
    size_t formats[CNN_IMAGE_FORMATS] = {0}, modes[MODES] = {0}, turned = 0;
    bool first = true;
    for (size_t i = 0; i < images->readable; i++) {
        const cnn_image_facts *facts = &images->facts[i];
        formats[facts->format]++;
        modes[(facts->deep ? MODES / 2 : 0) + facts->channels - 1]++;
        turned += facts->orientation != 1;
    }
    cnn_html_begin_class(html, "dl", "facts");
    cnn_html_element(html, "dt", "Formats");
    cnn_html_begin(html, "dd");
    for (int i = 0; i < CNN_IMAGE_FORMATS; i++) {
        const cnn_image_format format = (cnn_image_format)i;
        write_kind(html, formats[i], formats[i] > 0 ? cnn_image_format_name(format) : "", &first);
    }
    cnn_html_end(html);
    cnn_html_element(html, "dt", "Colours");
    cnn_html_begin(html, "dd");
    first = true;
    for (int i = 0; i < MODES; i++) {
        write_kind(html, modes[i], cnn_image_mode_name(i % 4 + 1, i >= MODES / 2), &first);
    }
    cnn_html_end(html);
    cnn_html_element(html, "dt", "Turned upright (EXIF orientation)");
    cnn_html_begin(html, "dd");
    cnn_count(html, turned);
    cnn_html_end(html);
    cnn_html_end(html);
}

/* --- what may be wrong --- */

static void write_looked_at(cnn_html *html, const cnn_report *report, const cnn_data_facts *facts) {
    cnn_html_begin_class(html, "p", "note");
    if (facts->from_table) {
        cnn_prose(html,
                  "This is what `--check-data` found. `" CNN_DATA_REPORT "` names all images.");
    } else {
        const cnn_data_report *headers = facts->headers.images;
        const size_t decoded = facts->pixels.images->list.count;
        const bool are_all = headers->list.count == report->run->rows &&
                             headers->readable < headers->list.count &&
                             headers->readable == decoded;
        cnn_html_text(html, "Pixels were checked in ");
        write_extent(html, decoded, are_all ? decoded : report->run->rows,
                     are_all ? "images that can be read" : "images");
        cnn_prose(html, ". `cnntrain --check-data` looks at every image, compares each with all "
                        "others, and names what it finds.");
    }
    cnn_html_end(html);
}

static cnn_status write(cnn_html *html, const cnn_report *report, const cnn_data_facts *facts,
                        cnn_error *error) {
    const cnn_data_report *images = facts->headers.images;
    cnn_html_element(html, "h3", "Files");
    write_source(html, report, facts);
    if (images->readable > 0) {
        CNN_TRY(write_sizes(html, report, images, error));
        write_kinds(html, images);
    }
    cnn_html_element(html, "h3", "Warnings about the files");
    CNN_TRY(cnn_data_warnings_write(html, report, facts, error));
    write_looked_at(html, report, facts);
    return CNN_OK;
}

/* Of a set, only its own page is about files: they are the same for each member. */
cnn_status cnn_data_files_write(cnn_html *html, const cnn_report *report, cnn_error *error) {
    cnn_data_facts facts;
    if (report->run->member > 0 || report->run->rows == 0) {
        return CNN_OK;
    }
    cnn_status status = cnn_data_facts_find(report, &facts, error);
    if (status == CNN_OK) {
        status = write(html, report, &facts, error);
    }
    cnn_data_facts_free(&facts);
    return status;
}
