#include "report/gallery.h"

#include "base/error.h"
#include "report/data_uri.h"
#include "report/figures.h"
#include "report/thumbnails.h"
#include "run/evaluate_model.h"

#include <string.h>

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
    cnn_html_text(html, ". The strongest colour is that of the strongest part of the same picture, "
                        "so colours of two pictures cannot be compared.");
    cnn_html_end(html);
}

/* "label shirt, probability of shirt 0.0123". */
static void write_caption(cnn_html *html, const cnn_report *report, const cnn_report_images *from,
                          size_t i) {
    cnn_html_begin(html, "figcaption");
    cnn_html_text(html, "label ");
    cnn_class_name(html, report, from->labels[i]);
    cnn_html_text(html, ", taken for ");
    cnn_class_name(html, report, from->predicted[i]);
    cnn_html_begin(html, "br");
    cnn_html_end(html);
    cnn_html_text(html, "probability of ");
    cnn_class_name(html, report, 1);
    cnn_html_format(html, " %.4f", from->probabilities[i]);
    cnn_html_begin(html, "br");
    cnn_html_end(html);
    cnn_html_begin_class(html, "bdi", "path");
    cnn_html_text(html, cnn_shown_path(report, from->paths[i]));
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

/* Paths in a manifest start from its folder. */
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

const char *cnn_shown_path(const cnn_report *report, const char *path) {
    return report->evaluation ? path + folder_length(report->evaluation->data, path) : path;
}

double cnn_threshold_of(const cnn_report *report, const cnn_report_images *images, size_t i) {
    return images->fold && report->set ? report->set->members[images->fold[i]].threshold
                                       : images->threshold;
}
