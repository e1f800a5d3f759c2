/* Rules about the measured images (advice.h). */
#include "report/rules.h"

#include "report/figures.h"
#include "report/validation_use.h"

#include <math.h>

bool cnn_applies_wide(const cnn_report *report) {
    const cnn_measured *measured = cnn_report_measured(report, NULL);
    if (!measured) {
        return false;
    }
    const cnn_interval *accuracy = &measured->intervals[CNN_METRIC_accuracy];
    return 100.0 * (accuracy->high - accuracy->low) > CNN_WIDE_POINTS;
}

void cnn_describe_wide(cnn_html *html, const cnn_report *report) {
    const char *part;
    const cnn_measured *measured = cnn_report_measured(report, &part);
    cnn_html_text(html, "The model was measured on only ");
    cnn_figure_count(html, part, "images", measured->metrics.count);
    cnn_html_text(html, cnn_plural(measured->metrics.count, " image", " images"));
    cnn_html_text(html, ". Its accuracy on others may be anything from ");
    cnn_figure_interval(html, part, CNN_METRIC_accuracy, &measured->intervals[CNN_METRIC_accuracy],
                        true);
    cnn_html_text(html, ".");
}

/* The share of the larger class. */
static double larger_share(const cnn_measured *measured) {
    double of[2] = {(double)cnn_measured_images(measured, 0),
                    (double)cnn_measured_images(measured, 1)};
    return fmax(of[0], of[1]) / (of[0] + of[1]);
}

/* Does the interval of the accuracy reach down to the share of the larger class? With one class,
 * any would. */
bool cnn_applies_no_better(const cnn_report *report) {
    const cnn_measured *measured = cnn_report_measured(report, NULL);
    return measured && larger_share(measured) < 1.0 &&
           measured->intervals[CNN_METRIC_accuracy].low <= larger_share(measured);
}

void cnn_describe_no_better(cnn_html *html, const cnn_report *report) {
    const char *part;
    const cnn_measured *measured = cnn_report_measured(report, &part);
    const cnn_interval *auc = &measured->intervals[CNN_METRIC_auc];
    bool first = cnn_measured_images(measured, 0) >= cnn_measured_images(measured, 1);
    cnn_html_text(html, "Always answering ");
    cnn_class_name(html, report, first ? 0 : 1);
    cnn_html_text(html, " would be right for ");
    cnn_share(html, larger_share(measured));
    cnn_html_text(html, " of these images. The model's accuracy may be no better (");
    cnn_figure_interval(html, part, CNN_METRIC_accuracy, &measured->intervals[CNN_METRIC_accuracy],
                        true);
    cnn_html_text(html,
                  auc->low > 0.5
                      ? "), although its probabilities do separate the classes (ROC AUC "
                      : "), and its probabilities may not separate the classes at all (ROC AUC ");
    cnn_figure_interval(html, part, CNN_METRIC_auc, auc, false);
    cnn_html_text(html, ").");
}

/* Are all images predicted as one class, although there are two? */
bool cnn_applies_one_sided(const cnn_report *report) {
    const cnn_measured *measured = cnn_report_measured(report, NULL);
    if (!measured || larger_share(measured) >= 1.0) {
        return false;
    }
    const cnn_metrics *m = &measured->metrics;
    return m->true_positives + m->false_positives == 0 ||
           m->true_negatives + m->false_negatives == 0;
}

void cnn_describe_one_sided(cnn_html *html, const cnn_report *report) {
    const cnn_metrics *m = &cnn_report_measured(report, NULL)->metrics;
    cnn_html_text(html, "The model classifies every image as ");
    cnn_class_name(html, report, m->true_positives + m->false_positives > 0);
    cnn_html_text(html, ".");
}

bool cnn_applies_lacks_class(const cnn_report *report) {
    const cnn_measured *measured = cnn_report_measured(report, NULL);
    return measured && larger_share(measured) >= 1.0;
}

void cnn_describe_lacks_class(cnn_html *html, const cnn_report *report) {
    const cnn_measured *measured = cnn_report_measured(report, NULL);
    cnn_html_text(html, "The model was measured on no image of the class ");
    cnn_class_name(html, report, cnn_measured_images(measured, 0) > 0);
    cnn_html_text(html, ", so most metrics cannot be computed.");
}

/* --- probabilities --- */

/* The test of Spiegelhalter 1986: z = sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p (1 - p)). */
static double calibration_z(const cnn_report_images *images) {
    double sum = 0.0, variance = 0.0;
    for (size_t i = 0; i < images->count; i++) {
        double p = images->probabilities[i];
        sum += (images->labels[i] - p) * (1.0 - 2.0 * p);
        variance += (1.0 - 2.0 * p) * (1.0 - 2.0 * p) * p * (1.0 - p);
    }
    return variance > 0.0 ? sum / sqrt(variance) : sum == 0.0 ? 0.0 : copysign(HUGE_VAL, sum);
}

bool cnn_applies_miscalibrated(const cnn_report *report) {
    return report->images_count > 0 && report->images[0].measured.metrics.ece > CNN_OFF_ERROR &&
           fabs(calibration_z(&report->images[0])) > CNN_OFF_Z;
}

void cnn_describe_miscalibrated(cnn_html *html, const cnn_report *report) {
    const cnn_report_images *images = &report->images[0];
    const char *part;
    const cnn_measured *measured = cnn_report_measured(report, &part);
    double sure = 0.0, right = 0.0;
    for (size_t i = 0; i < images->count; i++) {
        double p = images->probabilities[i];
        sure += fmax(p, 1.0 - p);
        right += (p >= 0.5) == (images->labels[i] == 1);
    }
    cnn_html_text(html, "On average, the model gives the likelier class a probability of ");
    cnn_share(html, sure / (double)images->count);
    cnn_html_text(html, ", but that class is right for ");
    cnn_share(html, right / (double)images->count);
    cnn_html_text(html, " of the images (calibration error ");
    cnn_figure(html, part, "ece", measured->metrics.ece, 4);
    cnn_html_text(html, ").");
}

/* --- validation and test --- */

/* Is the difference of two independent metrics above 0: the lower bound of its 95 % interval
 * (Newcombe 1998, method 10; for metrics in general Zou and Donner 2008)? */
static bool is_clearly_higher(const cnn_measured *higher, const cnn_measured *lower,
                              cnn_metric_id id) {
    double a = cnn_metric_value(&higher->metrics, id), b = cnn_metric_value(&lower->metrics, id);
    double down = a - higher->intervals[id].low, up = lower->intervals[id].high - b;
    return a - b - sqrt(down * down + up * up) > 0.0; /* false for NaN */
}

bool cnn_applies_validation_better(const cnn_report *report) {
    if (!report->run || report->set) {
        return false;
    }
    const cnn_measured *validation = &report->run->measured[CNN_SPLIT_VALIDATION];
    const cnn_measured *test = &report->run->measured[CNN_SPLIT_TEST];
    return is_clearly_higher(validation, test, CNN_METRIC_accuracy) ||
           is_clearly_higher(validation, test, CNN_METRIC_auc);
}

void cnn_describe_validation_better(cnn_html *html, const cnn_report *report) {
    const cnn_metrics *validation = &report->run->measured[CNN_SPLIT_VALIDATION].metrics;
    const cnn_metrics *test = &report->run->measured[CNN_SPLIT_TEST].metrics;
    cnn_html_text(html, "The model is clearly better on the validation images than on the test "
                        "images: accuracy ");
    cnn_figure_share(html, "validation", "accuracy", validation->accuracy);
    cnn_html_text(html, " and ");
    cnn_figure_share(html, "test", "accuracy", test->accuracy);
    cnn_html_text(html, ", ROC AUC ");
    cnn_figure(html, "validation", "auc", validation->auc, 4);
    cnn_html_text(html, " and ");
    cnn_figure(html, "test", "auc", test->auc, 4);
    cnn_html_text(html, ".");
}

/* Was the model measured on nothing but validation images, which have chosen something? */
bool cnn_applies_no_test(const cnn_report *report) {
    return report->run && !report->set && cnn_validation_use(report->run) != 0 &&
           report->run->measured[CNN_SPLIT_TEST].metrics.count == 0;
}

void cnn_describe_no_test(cnn_html *html, const cnn_report *report) {
    cnn_html_text(html, "The validation images also chose ");
    cnn_validation_use_write(html, cnn_validation_use(report->run));
    cnn_html_text(html, ", so the model may be a little worse on new images.");
}

bool cnn_applies_unmeasured(const cnn_report *report) {
    return !cnn_report_measured(report, NULL);
}

void cnn_describe_unmeasured(cnn_html *html, const cnn_report *report) {
    (void)report;
    cnn_html_text(html, "There are no validation images and no test images, so nothing is known "
                        "about how good the model is.");
}
