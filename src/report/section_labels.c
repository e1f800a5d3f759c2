/* The labels that the model doubts most. */
#include "report/figures.h"
#include "report/gallery.h"
#include "report/html_table.h"
#include "report/sections.h"
#include "stats/confident_learning.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

/* The first ones are shown as pictures, more as a list. */
enum { PICTURES = 12, LISTED = 50 };

/* Views of all images that the models were not trained on. */
static void append(cnn_report_images *all, const cnn_report_images *images) {
    for (size_t i = 0; i < images->count; i++) {
        size_t place = all->count++;
        all->paths[place] = images->paths[i];
        all->labels[place] = images->labels[i];
        all->predicted[place] = images->predicted[i];
        all->probabilities[place] = images->probabilities[i];
        if (images->fold) {
            all->fold[place] = images->fold[i];
        }
    }
}

static void free_views(cnn_report_images *all) {
    cnn_free(all->paths);
    cnn_free(all->labels);
    cnn_free(all->predicted);
    cnn_free(all->probabilities);
    cnn_free(all->fold);
}

/* Test and validation images together. Free with free_views, also after a failure. */
static cnn_status gather(const cnn_report *report, cnn_report_images *all, cnn_error *error) {
    size_t count = 0;
    for (int k = 0; k < report->images_count; k++) {
        count += report->images[k].count;
    }
    *all = (cnn_report_images){.threshold = report->images[0].threshold,
                               .paths = cnn_alloc(count, sizeof *all->paths),
                               .labels = cnn_alloc(count, sizeof *all->labels),
                               .predicted = cnn_alloc(count, sizeof *all->predicted),
                               .probabilities = cnn_alloc(count, sizeof *all->probabilities)};
    if (report->images[0].fold) {
        all->fold = cnn_alloc(count, sizeof *all->fold);
    }
    if (!all->paths || !all->labels || !all->predicted || !all->probabilities ||
        (report->images[0].fold && !all->fold)) {
        return cnn_fail_memory(error, "the labels");
    }
    for (int k = 0; k < report->images_count; k++) {
        append(all, &report->images[k]);
    }
    return CNN_OK;
}

/* --- words --- */

static void write_lead(cnn_html *html, const cnn_report_images *all,
                       const cnn_label_doubts *doubts) {
    cnn_html_begin_class(html, "p", "lead");
    if (doubts->suspicious == 0) {
        cnn_html_text(html, "No label of ");
        cnn_count(html, all->count);
        cnn_html_text(html, cnn_plural(all->count, " image", " images"));
        cnn_html_text(html, " is suspicious.");
    } else {
        cnn_count(html, doubts->suspicious);
        cnn_html_text(html, " of ");
        cnn_count(html, all->count);
        cnn_html_text(html, cnn_plural(all->count, " label", " labels"));
        cnn_html_text(html, cnn_plural(doubts->suspicious, " is", " are"));
        cnn_html_text(html, " suspicious.");
    }
    cnn_html_end(html);
}

/* Which images could be checked. A model agrees with the labels that it was trained on. */
static void write_extent(cnn_html *html, const cnn_report *report) {
    cnn_html_begin(html, "p");
    if (report->set) {
        cnn_html_text(html, "Every image was checked by a model that was not trained on it.");
    } else if (report->run) {
        cnn_html_text(html, "Only ");
        for (int k = 0; k < report->images_count; k++) {
            cnn_html_format(html, "%s%s", k == 0 ? "" : " and ", report->images[k].name);
        }
        cnn_prose(html, " images were checked: a model that was trained on a label does not doubt "
                        "it. A cross-validation (`--folds 5`) checks all.");
    } else {
        cnn_html_text(html, "This is true of images that the model was not trained on: it does not "
                            "doubt labels that it was trained on.");
    }
    cnn_html_end(html);
}

static void write_method(cnn_html *html, const cnn_report *report, const cnn_label_doubts *doubts) {
    cnn_html_begin_class(html, "p", "note");
    cnn_html_text(html, "A label is suspicious if the model gives the other class at least the "
                        "probability that it gives to images of that class on average");
    if (doubts->joint[0][0] + doubts->joint[0][1] > 0 &&
        doubts->joint[1][0] + doubts->joint[1][1] > 0) {
        for (int label = 0; label < 2; label++) {
            cnn_html_format(html, "%s%.4f for ", label == 0 ? " (" : ", ",
                            doubts->threshold[label]);
            cnn_class_name(html, report, label);
        }
        cnn_html_text(html, ")");
    }
    cnn_html_text(html, ": confident learning (Northcutt, Jiang and Chuang 2021). ");
    if (report->set) { /* of one model on few images, the estimate is hardly more than its errors */
        cnn_html_text(html, "It estimates that ");
        cnn_share(html, doubts->share[0][1] + doubts->share[1][0]);
        cnn_html_text(html, " of all labels are wrong; that is too many if the model is often "
                            "wrong. ");
    }
    cnn_html_text(html, "Images that are only hard for the model are among them: look at each "
                        "before you change its label.");
    cnn_html_end(html);
}

/* --- the list --- */

static void write_row(cnn_html *html, const cnn_report *report, const cnn_report_images *all,
                      size_t i, size_t rank) {
    const int label = all->labels[i];
    const double p = all->probabilities[i];
    cnn_html_begin(html, "tr");
    cnn_html_begin_class(html, "td", "number");
    cnn_html_format(html, "%zu", rank);
    cnn_html_end(html);
    cnn_html_begin(html, "th");
    cnn_html_attribute(html, "scope", "row");
    cnn_html_begin(html, "bdi");
    cnn_path_text(html, cnn_shown_path(report, all->paths[i]));
    cnn_html_end(html);
    cnn_html_end(html);
    cnn_html_begin(html, "td");
    cnn_class_name(html, report, label);
    cnn_html_end(html);
    cnn_html_begin(html, "td");
    cnn_class_name(html, report, 1 - label);
    cnn_html_end(html);
    cnn_html_table_number(html, "%.4f", label == 1 ? 1.0 - p : p);
    cnn_html_end(html);
}

static void write_list(cnn_html *html, const cnn_report *report, const cnn_report_images *all,
                       const cnn_label_doubts *doubts) {
    const size_t count = doubts->suspicious < LISTED ? doubts->suspicious : LISTED;
    cnn_html_begin(html, "details");
    cnn_html_begin(html, "summary");
    cnn_html_format(
        html, count < doubts->suspicious ? "The first %zu as a list" : "All %zu as a list", count);
    cnn_html_end(html);
    cnn_html_table_begin(
        html, "Suspicious labels, the most suspicious first", NULL,
        (const char *[]){"", " file", " label", " more likely", "its probability", NULL});
    for (size_t i = 0; i < count; i++) {
        write_row(html, report, all, doubts->ranking[i], i + 1);
    }
    cnn_html_table_end(html);
    cnn_html_end(html);
}

static cnn_status write_doubts(cnn_html *html, const cnn_report *report,
                               const cnn_report_images *all, const cnn_label_doubts *doubts,
                               cnn_error *error) {
    const size_t pictures = doubts->suspicious < PICTURES ? doubts->suspicious : PICTURES;
    write_lead(html, all, doubts);
    write_extent(html, report);
    CNN_TRY(cnn_gallery_write(html, report, all, doubts->ranking, pictures, false, error));
    if (doubts->suspicious > 0) {
        write_list(html, report, all, doubts);
    }
    write_method(html, report, doubts);
    return CNN_OK;
}

cnn_status cnn_report_labels(cnn_html *html, const cnn_report *report, cnn_error *error) {
    cnn_report_images all;
    cnn_label_doubts doubts = {0};
    if (report->images_count == 0) {
        return CNN_OK;
    }
    cnn_status status = gather(report, &all, error);
    if (status == CNN_OK) {
        status = cnn_label_doubts_find(all.probabilities, all.labels, all.count, &doubts, error);
    }
    if (status == CNN_OK) {
        status = write_doubts(html, report, &all, &doubts, error);
    }
    cnn_label_doubts_free(&doubts);
    free_views(&all);
    return status;
}
