/* Rules about the images of a run (advice.h). */
#include "report/rules.h"

#include "report/figures.h"

#include <math.h>

/* The images to learn from: in a cross-validation, all of them. */
static const size_t *learned_from(const cnn_report *report) {
    return report->run->split_images[report->set ? CNN_SPLIT_TEST : CNN_SPLIT_TRAIN];
}

/* Has a class few training images, with a network that starts from random weights? */
bool cnn_applies_few_images(const cnn_report *report) {
    if (!report->run || report->run->config->pretrained.file) {
        return false;
    }
    const size_t *images = learned_from(report);
    return images[0] < CNN_FEW_IMAGES || images[1] < CNN_FEW_IMAGES;
}

void cnn_describe_few_images(cnn_html *html, const cnn_report *report) {
    const size_t *images = learned_from(report);
    cnn_html_text(html, "The network, which started from random weights, learned from ");
    cnn_count(html, images[0]);
    cnn_html_text(html, cnn_plural(images[0], " image of ", " images of "));
    cnn_class_name(html, report, 0);
    cnn_html_text(html, " and ");
    cnn_count(html, images[1]);
    cnn_html_text(html, " of ");
    cnn_class_name(html, report, 1);
    cnn_html_text(html, ".");
}

/* The share of the smaller class. */
static double rare_share(const size_t images[2]) {
    double all = (double)images[0] + (double)images[1];
    return fmin((double)images[0], (double)images[1]) / all; /* NaN: none */
}

bool cnn_applies_rare_class(const cnn_report *report) {
    return report->run && 100.0 * rare_share(learned_from(report)) < CNN_RARE_PERCENT;
}

void cnn_describe_rare_class(cnn_html *html, const cnn_report *report) {
    const size_t *images = learned_from(report);
    cnn_html_text(html, "Only ");
    cnn_share(html, rare_share(images));
    cnn_html_text(html, " of the training images are of the class ");
    cnn_class_name(html, report, images[1] < images[0]);
    cnn_html_text(html, ", so a high accuracy says little.");
}

bool cnn_applies_mixed_groups(const cnn_report *report) {
    return report->run && report->run->mixed_groups > 0;
}

void cnn_describe_mixed_groups(cnn_html *html, const cnn_report *report) {
    cnn_count(html, report->run->mixed_groups);
    cnn_html_text(html, cnn_plural(report->run->mixed_groups, " group has", " groups have"));
    cnn_html_text(html, " images in more than one of train, validation and test. The model may "
                        "recognise what the images of a group have in common.");
}

bool cnn_applies_bad_images(const cnn_report *report) {
    return report->run && report->run->bad_images > 0;
}

void cnn_describe_bad_images(cnn_html *html, const cnn_report *report) {
    cnn_figure_count(html, "", "bad_images", report->run->bad_images);
    cnn_html_text(html,
                  cnn_plural(report->run->bad_images, " image could not be read and was left out.",
                             " images could not be read and were left out."));
}

bool cnn_applies_copies(const cnn_report *report) {
    return report->run && report->run->copies_left_out > 0;
}

void cnn_describe_copies(cnn_html *html, const cnn_report *report) {
    cnn_figure_count(html, "", "copies_left_out", report->run->copies_left_out);
    cnn_html_text(html, cnn_plural(report->run->copies_left_out, " image was", " images were"));
    cnn_html_text(html, " left out: validation and test images that are copies of training images, "
                        "and copies with different labels.");
}
