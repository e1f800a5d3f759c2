#include "report/figures.h"

#include "base/number_text.h"

#include <math.h>
#include <stdio.h>

static void begin(cnn_html *html, const char *part, const char *key, double value) {
    char digits[CNN_NUMBER_SIZE];
    (void)cnn_number_write(value, digits);
    cnn_html_begin(html, "data");
    cnn_html_attribute(html, "value", digits);
    cnn_html_attribute_format(html, "data-from", "%s%s%s", part, *part ? "." : "", key);
}

void cnn_figure(cnn_html *html, const char *part, const char *key, double value, int decimals) {
    if (!isfinite(value)) {
        cnn_html_text(html, "–");
        return;
    }
    begin(html, part, key, value);
    cnn_html_format(html, "%.*f", decimals, value);
    cnn_html_end(html);
}

void cnn_figure_share(cnn_html *html, const char *part, const char *key, double value) {
    if (!isfinite(value)) {
        cnn_html_text(html, "–");
        return;
    }
    begin(html, part, key, value);
    cnn_html_format(html, "%.1f %%", 100.0 * value);
    cnn_html_end(html);
}

void cnn_count(cnn_html *html, size_t count) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%zu", count);
    for (int i = 0; i < length; i++) {
        bool comma = i > 0 && (length - i) % 3 == 0;
        cnn_html_format(html, "%s%c", comma ? "," : "", digits[i]);
    }
}

void cnn_figure_count(cnn_html *html, const char *part, const char *key, size_t count) {
    begin(html, part, key, (double)count);
    cnn_count(html, count);
    cnn_html_end(html);
}

void cnn_figure_interval(cnn_html *html, const char *part, cnn_metric_id id,
                         const cnn_interval *interval, bool as_share) {
    if (isnan(interval->low)) {
        cnn_html_text(html, "–");
        return;
    }
    const double bounds[2] = {interval->low, interval->high};
    for (int i = 0; i < 2; i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "interval_95.%s.%d", cnn_metric_table[id].name, i);
        cnn_html_text(html, i == 0 ? "" : " to ");
        if (as_share) {
            cnn_figure_share(html, part, key, bounds[i]);
        } else {
            cnn_figure(html, part, key, bounds[i], 4);
        }
    }
}

void cnn_class_name(cnn_html *html, const cnn_report *report, int label) {
    cnn_html_begin_class(html, "bdi", label == 0 ? "class-0" : "class-1");
    cnn_html_text(html, report->classes[label]);
    cnn_html_end(html);
}

/* --- */

const cnn_measured *cnn_report_measured(const cnn_report *report, const char **part) {
    static const cnn_split splits[] = {CNN_SPLIT_TEST, CNN_SPLIT_VALIDATION};
    static const char *const names[] = {"test", "validation"};
    const cnn_measured *found = NULL;
    const char *name = "";
    for (int i = 0; i < 2 && report->run && !found; i++) {
        const cnn_measured *measured = &report->run->measured[splits[i]];
        found = measured->metrics.count > 0 ? measured : NULL;
        name = report->set ? "pooled" : names[i];
    }
    if (!report->run && report->images_count > 0) {
        found = &report->images[0].measured;
        name = "model"; /* in the JSON of cnneval */
    }
    if (part) {
        *part = name;
    }
    return found;
}

size_t cnn_measured_images(const cnn_measured *measured, int label) {
    const cnn_metrics *metrics = &measured->metrics;
    return label == 1 ? metrics->true_positives + metrics->false_negatives
                      : metrics->true_negatives + metrics->false_positives;
}
