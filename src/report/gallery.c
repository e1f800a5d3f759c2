#include "report/gallery.h"

#include "base/error.h"
#include "report/data_uri.h"
#include "report/figures.h"
#include "report/thumbnails.h"
#include "run/evaluate_model.h"
#include "run/predictor.h"

#include <string.h>

/* Does the network see only the middle of an image? */
static bool is_cropped(const cnn_report *report) {
    const cnn_config *config =
        report->model ? cnn_predictor_model(report->model)->config : report->run->config;
    return config->image.resize == CNN_RESIZE_CROP;
}

/* Where the paths of a run start. That of an evaluation's data is not told. */
static void write_folder(cnn_html *html, const cnn_report *report) {
    if (!report->run || report->images[0].count == 0) {
        return;
    }
    const char *path = report->images[0].paths[0];
    const ptrdiff_t length = cnn_shown_path(report, path) - path;
    if (length > 0) {
        cnn_html_text(html, " Files are named by their path in ");
        cnn_html_begin_class(html, "bdi", "path");
        cnn_html_format(html, "%.*s", (int)length, path);
        cnn_html_end(html);
        cnn_html_text(html, ".");
    }
}

void cnn_gallery_explain(cnn_html *html, const cnn_report *report) {
    if (!report->model && !report->set) {
        return;
    }
    cnn_html_begin(html, "p");
    cnn_html_text(html, "Next to each picture is a map of what the model looked at: parts in ");
    cnn_html_element(html, "strong", "orange");
    cnn_html_text(html, " speak for ");
    cnn_class_name(html, report, 1);
    cnn_html_text(html, ", parts in ");
    cnn_html_element(html, "strong", "blue");
    cnn_html_text(html, " for ");
    cnn_class_name(html, report, 0);
    cnn_html_text(html,
                  ". In each picture, the strongest part has the strongest colour, so colours "
                  "of two pictures cannot be compared.");
    if (is_cropped(report)) {
        cnn_prose(html, " The network does not see the pale parts at the edges: `image.resize` is "
                        "`crop`.");
    }
    write_folder(html, report);
    cnn_html_end(html);
}

/* "label shirt, classified as t-shirt, probability of shirt 0.0123". */
static void write_caption(cnn_html *html, const cnn_report *report, const cnn_report_images *from,
                          size_t i) {
    cnn_html_begin(html, "figcaption");
    cnn_html_text(html, "label ");
    cnn_class_name(html, report, from->labels[i]);
    cnn_html_text(html, ", classified as ");
    cnn_class_name(html, report, from->predicted[i]);
    cnn_html_begin(html, "br");
    cnn_html_end(html);
    cnn_html_text(html, "probability of ");
    cnn_class_name(html, report, 1);
    cnn_html_format(html, " %.4f", from->probabilities[i]);
    cnn_html_begin(html, "br");
    cnn_html_end(html);
    cnn_html_begin_class(html, "bdi", "path");
    cnn_path_text(html, cnn_shown_path(report, from->paths[i]));
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_picture(cnn_html *html, const cnn_thumbnail *thumbnail,
                          const cnn_thumbnail_file *file, const char *alternative) {
    if (file->bytes) {
        cnn_html_picture(html, file->media_type, file->bytes, file->size, thumbnail->width,
                         thumbnail->height, alternative);
    }
}

static void write_item(cnn_html *html, const cnn_report *report, const cnn_report_images *from,
                       size_t i, const cnn_thumbnail *thumbnail) {
    cnn_html_begin(html, "li");
    cnn_html_begin(html, "figure");
    write_picture(html, thumbnail, &thumbnail->picture, "the image");
    write_picture(html, thumbnail, &thumbnail->map, "the map of the image");
    if (thumbnail->reason[0]) {
        cnn_html_begin_class(html, "p", "missing");
        cnn_html_format(html, "Not shown: %s", thumbnail->reason);
        cnn_html_end(html);
    }
    write_caption(html, report, from, i);
    cnn_html_end(html);
    cnn_html_end(html);
}

cnn_status cnn_gallery_write(cnn_html *html, const cnn_report *report,
                             const cnn_report_images *from, const size_t *images, size_t count,
                             bool with_maps, cnn_error *error) {
    cnn_thumbnail thumbnails[CNN_GALLERY_MAX];
    if (count == 0) {
        return CNN_OK;
    }
    count = count < CNN_GALLERY_MAX ? count : CNN_GALLERY_MAX;
    const cnn_status status =
        cnn_thumbnails_make(report, from, images, count, with_maps, thumbnails, error);
    cnn_html_begin_class(html, "ul", with_maps ? "gallery" : "gallery single");
    for (size_t i = 0; i < count; i++) {
        if (status == CNN_OK) {
            write_item(html, report, from, images[i], &thumbnails[i]);
        }
        cnn_thumbnail_release(&thumbnails[i]);
    }
    cnn_html_end(html);
    return status;
}

/* The length of the part of `path` that is `data`, a folder, or the folder of `data`, a manifest,
 * whose paths start there; 0: the path does not start so. */
static size_t folder_length(const char *data, const char *path) {
    size_t length = strlen(data);
    if (strncmp(path, data, length) == 0 && (length == 0 || data[length - 1] == '/')) {
        return length;
    }
    if (strncmp(path, data, length) == 0 && path[length] == '/') {
        return length + 1;
    }
    const char *slash = strrchr(data, '/');
    length = slash ? (size_t)(slash - data) + 1 : 0;
    return strncmp(path, data, length) == 0 ? length : 0;
}

/* The folders that two paths have in common: the length, with the last slash. */
static size_t common_length(const char *a, const char *b) {
    size_t length = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
        length = a[i] == '/' ? i + 1 : length;
    }
    return length;
}

/* The folder that all images of a run have in common: that of the training images, or the one in
 * which these and those of the other splits are. */
static size_t common_folder(const cnn_data_settings *data, const char *path) {
    const char *const others[] = {data->validation.path, data->test};
    if (!data->train || (!others[0] && !others[1])) {
        return data->train ? folder_length(data->train, path) : 0;
    }
    size_t length = strlen(data->train);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const size_t shared = others[i] ? common_length(data->train, others[i]) : length;
        length = shared < length ? shared : length;
    }
    return strncmp(path, data->train, length) == 0 ? length : 0;
}

const char *cnn_shown_path(const cnn_report *report, const char *path) {
    return path + (report->evaluation ? folder_length(report->evaluation->data, path)
                   : report->run      ? common_folder(&report->run->config->data, path)
                                      : 0);
}

double cnn_threshold_of(const cnn_report *report, const cnn_report_images *images, size_t i) {
    return images->fold && report->set ? report->set->members[images->fold[i]].threshold
                                       : images->threshold;
}
