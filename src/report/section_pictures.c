/* The images that the model gets wrong with the most certainty, those it is least certain about,
 * and typical ones that it gets right. */
#include "report/figures.h"
#include "report/gallery.h"
#include "report/picture_choice.h"
#include "report/sections.h"

#include "base/error.h"

/* "shirt, classified as t-shirt". */
static void write_title(cnn_html *html, const cnn_report *report, cnn_picture_group group) {
    const int label = group == CNN_PICTURES_MISTAKES_1 || group == CNN_PICTURES_TYPICAL_1;
    cnn_html_begin(html, "h3");
    if (group == CNN_PICTURES_UNCERTAIN) {
        cnn_html_text(html, "Least certain");
    } else if (group == CNN_PICTURES_TYPICAL_0 || group == CNN_PICTURES_TYPICAL_1) {
        cnn_html_text(html, "Typical, correct: ");
        cnn_class_name(html, report, label);
    } else {
        cnn_class_name(html, report, label);
        cnn_html_text(html, ", classified as ");
        cnn_class_name(html, report, 1 - label);
    }
    cnn_html_end(html);
}

/* How many there are, and how these were chosen. */
static void write_rule(cnn_html *html, const cnn_report *report, cnn_picture_group group,
                       const cnn_picture_choice *choice) {
    const size_t found = choice->found[group], shown = choice->count[group];
    cnn_html_begin_class(html, "p", "note");
    if (group == CNN_PICTURES_UNCERTAIN) {
        cnn_html_text(html, "The other images whose probability is closest to the threshold.");
    } else if (group == CNN_PICTURES_TYPICAL_0 || group == CNN_PICTURES_TYPICAL_1) {
        cnn_html_text(html, found == 1 ? "The only one." : "Those in the middle when ");
        if (found > 1) {
            cnn_count(html, found);
            cnn_html_text(html, " such images are ordered by probability.");
        }
    } else if (found == 0) {
        cnn_html_text(html, "No image of ");
        cnn_class_name(html, report, group == CNN_PICTURES_MISTAKES_1);
        cnn_html_text(html, " is classified as the other class.");
    } else {
        cnn_count(html, found);
        cnn_html_text(html, cnn_plural(found, " mistake", " mistakes"));
        cnn_html_text(html, found > shown
                                ? "; these are the ones about which the model is most certain."
                                : ".");
    }
    cnn_html_end(html);
}

static cnn_status write_group(cnn_html *html, const cnn_report *report, cnn_picture_group group,
                              const cnn_picture_choice *choice, cnn_error *error) {
    const bool mistakes = group == CNN_PICTURES_MISTAKES_0 || group == CNN_PICTURES_MISTAKES_1;
    if (choice->found[group] == 0 && !mistakes) {
        return CNN_OK;
    }
    write_title(html, report, group);
    write_rule(html, report, group, choice);
    return cnn_gallery_write(html, report, &report->images[0], choice->image[group],
                             choice->count[group], true, error);
}

cnn_status cnn_report_pictures(cnn_html *html, const cnn_report *report, cnn_error *error) {
    if (report->images_count == 0) {
        return CNN_OK;
    }
    cnn_picture_choice choice;
    CNN_TRY(cnn_picture_choice_of_report(report, &choice, error));
    cnn_gallery_explain(html, report);
    for (int group = 0; group < CNN_PICTURES_GROUPS; group++) {
        CNN_TRY(write_group(html, report, (cnn_picture_group)group, &choice, error));
    }
    return CNN_OK;
}
