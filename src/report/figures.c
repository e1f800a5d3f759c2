#include "report/figures.h"

#include "base/number_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
    if (decimals == 0 && value >= 0.0) {
        cnn_count(html, (size_t)llround(value));
    } else {
        cnn_html_format(html, "%.*f", decimals, value);
    }
    cnn_html_end(html);
}

void cnn_figure_share(cnn_html *html, const char *part, const char *key, double value) {
    if (!isfinite(value)) {
        cnn_html_text(html, "–");
        return;
    }
    begin(html, part, key, value);
    cnn_share(html, value);
    cnn_html_end(html);
}

int cnn_share_decimals(double share) {
    enum { MOST = 9 };
    int decimals = 1;
    double half = 0.0005; /* of the last decimal, as a share */
    const double rest = fmin(share, 1.0 - share);
    while (rest > 0.0 && rest < half * 1.000001 && decimals < MOST) {
        half /= 10.0;
        decimals++;
    }
    return decimals;
}

void cnn_share(cnn_html *html, double share) {
    if (!isfinite(share)) {
        cnn_html_text(html, "–");
        return;
    }
    cnn_html_format(html, "%.*f %%", cnn_share_decimals(share), 100.0 * share);
}

void cnn_count(cnn_html *html, size_t count) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%zu", count);
    for (int i = 0; i < length; i++) {
        bool comma = i > 0 && (length - i) % 3 == 0;
        cnn_html_format(html, "%s%c", comma ? "," : "", digits[i]);
    }
}

void cnn_count_cell(cnn_html *html, size_t count) {
    cnn_html_begin_class(html, "td", "number");
    cnn_count(html, count);
    cnn_html_end(html);
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

const char *cnn_plural(size_t count, const char *one, const char *many) {
    return count == 1 ? one : many;
}

void cnn_prose(cnn_html *html, const char *text) {
    for (bool is_code = false; *text; is_code = !is_code) {
        const size_t length = strcspn(text, "`");
        if (is_code) {
            cnn_html_begin(html, "code");
        }
        if (length > 0) {
            cnn_html_format(html, "%.*s", (int)length, text);
        }
        if (is_code) {
            cnn_html_end(html);
        }
        text += length + (text[length] == '`');
    }
}

void cnn_path_text(cnn_html *html, const char *path) {
    while (*path) {
        size_t length = strcspn(path, "/");
        length += path[length] == '/';
        cnn_html_format(html, "%.*s", (int)length, path);
        path += length;
        if (*path) {
            cnn_html_begin(html, "wbr");
            cnn_html_end(html);
        }
    }
}

void cnn_class_name(cnn_html *html, const cnn_report *report, int label) {
    cnn_html_begin_class(html, "bdi", label == 0 ? "class-0" : "class-1");
    cnn_html_text(html, report->classes[label]);
    cnn_html_end(html);
}

/* --- */

bool cnn_run_was_cut(const cnn_report_run *run) {
    const size_t *images = run->split_images[CNN_SPLIT_TRAIN];
    const bool in_an_epoch = run->train.count > 0 && run->train.count < images[0] + images[1];
    return in_an_epoch ||
           (!run->stopped_early && (int64_t)run->epoch_count < run->config->train.epochs);
}

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
