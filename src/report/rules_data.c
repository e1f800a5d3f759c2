/* Rules about the images of a run (advice.h). Their numbers are rules of thumb, unless a source is
 * given: they decide what the report mentions. */
#include "report/rules.h"

#include "report/figures.h"

#include <math.h>

/* The images to learn from: in a cross-validation, all of them. */
static const size_t *learned_from(const cnn_report *report) {
    return report->run->split_images[report->set ? CNN_SPLIT_TEST : CNN_SPLIT_TRAIN];
}

/* Has the smaller class fewer training images than this, with a network that starts from random
 * weights? */
enum { FEW_IMAGES = 100 };

bool cnn_applies_few_images(const cnn_report *report) {
    if (!report->run || report->run->config->pretrained.file) {
        return false;
    }
    const size_t *images = learned_from(report);
    return images[0] < FEW_IMAGES || images[1] < FEW_IMAGES;
}

void cnn_describe_few_images(cnn_html *html, const cnn_report *report) {
    const size_t *images = learned_from(report);
    cnn_html_text(html, "The network, which knew nothing before, learned from ");
    cnn_count(html, images[0]);
    cnn_html_text(html, " images of ");
    cnn_class_name(html, report, 0);
    cnn_html_text(html, " and ");
    cnn_count(html, images[1]);
    cnn_html_text(html, " of ");
    cnn_class_name(html, report, 1);
    cnn_html_text(html, ".");
}

/* Is less than this share of the training images of the smaller class? */
#define RARE_CLASS 0.1

static double rare_share(const size_t images[2]) {
    double all = (double)images[0] + (double)images[1];
    return fmin((double)images[0], (double)images[1]) / all; /* NaN: none */
}

bool cnn_applies_rare_class(const cnn_report *report) {
    return report->run && rare_share(learned_from(report)) < RARE_CLASS;
}

void cnn_describe_rare_class(cnn_html *html, const cnn_report *report) {
    const size_t *images = learned_from(report);
    cnn_html_format(html, "Only %.1f %% of the training images are of the class ",
                    100.0 * rare_share(images));
    cnn_class_name(html, report, images[1] < images[0]);
    cnn_html_text(html, ". A high accuracy says little then.");
}

bool cnn_applies_mixed_groups(const cnn_report *report) {
    return report->run && report->run->mixed_groups > 0;
}

void cnn_describe_mixed_groups(cnn_html *html, const cnn_report *report) {
    cnn_count(html, report->run->mixed_groups);
    cnn_html_text(html, report->run->mixed_groups == 1 ? " group has" : " groups have");
    cnn_html_text(html,
                  " images in more than one of train, validation and test. The model may have "
                  "recognised what they have in common.");
}

bool cnn_applies_bad_images(const cnn_report *report) {
    return report->run && report->run->bad_images > 0;
}

void cnn_describe_bad_images(cnn_html *html, const cnn_report *report) {
    cnn_figure_count(html, "", "bad_images", report->run->bad_images);
    cnn_html_text(html, report->run->bad_images == 1 ? " image" : " images");
    cnn_html_text(html, " could not be read and were left out.");
}

bool cnn_applies_copies(const cnn_report *report) {
    return report->run && report->run->copies_left_out > 0;
}

void cnn_describe_copies(cnn_html *html, const cnn_report *report) {
    cnn_figure_count(html, "", "copies_left_out", report->run->copies_left_out);
    cnn_html_text(html,
                  " images were left out: they are copies of training images among validation "
                  "or test images, or copies with two labels.");
}
