/* The specimen of a page: every element and class that a section can use, with hostile names, so
 * that the style sheet is tested as a whole, whatever the sections of a report use today. */
#include "report_sample.h"

#include "base/elementary.h"
#include "report/data_uri.h"
#include "report/html_table.h"
#include "report/plot.h"

#include <math.h>
#include <string.h>

/* --- words --- */

static void write_figure(cnn_html *html, const char *name, const char *value,
                         const char *interval) {
    cnn_html_begin(html, "div");
    cnn_html_element(html, "dt", name);
    cnn_html_element(html, "dd", value);
    cnn_html_begin_class(html, "dd", "note");
    cnn_html_text(html, interval);
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_watch(cnn_html *html) {
    cnn_html_begin_class(html, "ul", "watch");
    cnn_html_begin(html, "li");
    cnn_html_element(html, "strong", "Few images.");
    cnn_html_text(html, " Each class has fewer than 200 test images, so the accuracy may be off by "
                        "3 points either way. Add test images before you compare two models.");
    cnn_html_end(html);
    cnn_html_begin(html, "li");
    cnn_html_element(html, "strong", "Still improving.");
    cnn_html_text(html, " The last epoch was the best one. Train for longer: train.epochs=20.");
    cnn_html_end(html);
    cnn_html_end(html);
}

static cnn_status write_words(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)error;
    cnn_html_begin_class(html, "p", "lead");
    cnn_html_text(html, "The model tells ");
    cnn_html_begin_class(html, "bdi", "class-0");
    cnn_html_text(html, report->classes[0]);
    cnn_html_end(html);
    cnn_html_text(html, " from ");
    cnn_html_begin_class(html, "bdi", "class-1");
    cnn_html_text(html, report->classes[1]);
    cnn_html_end(html);
    cnn_html_text(html, " in 86.3 % of 2,000 test images. With other images of this kind, expect "
                        "84.7 to 87.7 %.");
    cnn_html_end(html);
    cnn_html_begin_class(html, "dl", "figures");
    write_figure(html, "accuracy", "0.8630", "0.8472 to 0.8774");
    write_figure(html, "ROC AUC", "0.9463", "0.9350 to 0.9556");
    write_figure(html, "log loss", "0.3015", "0.2716 to 0.3299");
    write_figure(html, "calibration error", "0.0213", "0.0162 to 0.0391");
    cnn_html_end(html);
    write_watch(html);
    cnn_html_element(html, "h3", "Facts");
    cnn_html_begin_class(html, "dl", "facts");
    for (size_t i = 0; i < SAMPLE_NAMES; i++) {
        cnn_html_element_format(html, "dt", "name %zu", i + 1);
        cnn_html_element(html, "dd", sample_names[i]);
    }
    cnn_html_end(html);
    cnn_html_begin_class(html, "p", "note");
    cnn_html_text(html, "A note explains what is above it. It is smaller and softer than text.");
    cnn_html_end(html);
    cnn_html_begin(html, "details");
    cnn_html_element(html, "summary", "The config");
    cnn_html_begin(html, "pre");
    cnn_html_attribute(html, "tabindex", "0");
    cnn_html_text(html, report->run->config_text);
    cnn_html_end(html);
    cnn_html_end(html);
    return CNN_OK;
}

/* --- charts --- */

enum { EPOCHS = 30, BINS = 10, CURVE = 60 };

static void draw_loss(cnn_html *html) {
    double epochs[EPOCHS], train[EPOCHS], validation[EPOCHS];
    for (int i = 0; i < EPOCHS; i++) {
        epochs[i] = i + 1;
        train[i] = 0.1 + 0.55 / (1 + 0.35 * i);
        validation[i] = i == 20 ? NAN : 0.2 + 0.45 / (1 + 0.4 * i) + 0.003 * i;
    }
    cnn_plot plot = {.title = "Loss",
                     .description = "Training loss falls to 0.15. Validation loss falls to 0.28 in "
                                    "epoch 19 and rises after it.",
                     .x = {.label = "epoch", .low = 1, .high = EPOCHS, .is_fixed = true},
                     .y = {.label = "log loss"},
                     .series = {"training", "validation"}};
    plot.x.is_whole = true;
    cnn_plot_fit(&plot.y, train, EPOCHS);
    cnn_plot_fit(&plot.y, validation, EPOCHS);
    cnn_plot_begin(&plot, html);
    cnn_plot_line(&plot, epochs, train, EPOCHS, 0);
    cnn_plot_line(&plot, epochs, validation, EPOCHS, 1);
    cnn_plot_rule(&plot, 19, "kept: epoch 19");
    cnn_plot_end(&plot);
}

/* Many curves, of which one stands out. */
static void draw_many(cnn_html *html) {
    enum { CURVES = 40 };
    double epochs[EPOCHS], losses[EPOCHS];
    cnn_plot plot = {.title = "Loss of all runs",
                     .description = "The chosen run ends with the lowest loss, 0.2.",
                     .x = {.label = "epoch", .low = 1, .high = EPOCHS, .is_fixed = true},
                     .y = {.label = "log loss", .high = 0.9, .is_fixed = true},
                     .series = {"chosen run", "other runs"},
                     .is_faint = {false, true}};
    cnn_plot_begin(&plot, html);
    for (int k = CURVES; k >= 0; k--) {
        for (int i = 0; i < EPOCHS; i++) {
            epochs[i] = i + 1;
            losses[i] = 0.15 + 0.01 * k + (0.4 + 0.005 * k) / (1 + 0.3 * i);
        }
        cnn_plot_line(&plot, epochs, losses, EPOCHS, k > 0);
    }
    cnn_plot_end(&plot);
}

static void draw_rate(cnn_html *html) {
    double epochs[EPOCHS], rates[EPOCHS];
    for (int i = 0; i < EPOCHS; i++) {
        epochs[i] = i + 1;
        rates[i] = i < 5 ? 0.002 * (i + 1) : 0.01 * cnn_exp(-0.22 * (i - 5));
    }
    cnn_plot plot = {.title = "Learning rate",
                     .description = "It rises to 0.01 in 5 epochs, then falls to 0.00005.",
                     .x = {.label = "epoch", .low = 1, .high = EPOCHS, .is_fixed = true},
                     .y = {.label = "learning rate", .is_log = true},
                     .series = {NULL, NULL, "</svg><script>alert(6)</script>"}};
    cnn_plot_fit(&plot.y, rates, EPOCHS);
    cnn_plot_begin(&plot, html);
    cnn_plot_line(&plot, epochs, rates, EPOCHS, 2);
    cnn_plot_end(&plot);
}

static void draw_roc(cnn_html *html) {
    double x[CURVE], y[CURVE], low[CURVE], high[CURVE];
    for (int i = 0; i < CURVE; i++) {
        x[i] = (double)i / (CURVE - 1);
        y[i] = 1 - cnn_exp(-9 * x[i]) * (1 - x[i]);
        low[i] = fmax(0, y[i] - 0.08 * (1 - x[i]));
        high[i] = fmin(1, y[i] + 0.06 * (1 - x[i]));
    }
    cnn_plot plot = {.title = "ROC curve",
                     .description =
                         "At the threshold, recall is 0.87 and the false positive rate 0.2.",
                     .x = {.label = "false positive rate", .high = 1, .is_fixed = true},
                     .y = {.label = "recall (true positive rate)", .high = 1, .is_fixed = true},
                     .series = {"ROC, area 0.946, with 95 % band"},
                     .height = 360};
    cnn_plot_begin(&plot, html);
    cnn_plot_band(&plot, x, low, high, CURVE, 0);
    cnn_plot_reference(&plot, 0, 0, 1, 1);
    cnn_plot_line(&plot, x, y, CURVE, 0);
    cnn_plot_mark(&plot, x[12], y[12], "threshold 0.52");
    cnn_plot_end(&plot);
}

static void draw_reliability(cnn_html *html) {
    double x[BINS], y[BINS], low[BINS], high[BINS];
    for (int i = 0; i < BINS; i++) {
        x[i] = (i + 0.5) / BINS;
        y[i] = i == 3 ? NAN : x[i] * x[i] * (3 - 2 * x[i]);
        low[i] = i == 3 ? NAN : fmax(0, y[i] - 0.07);
        high[i] = fmin(1, y[i] + 0.07);
    }
    cnn_plot plot = {.title = "Reliability",
                     .description = "Where the model says 0.25, 16 % are of class 1.",
                     .x = {.label = "probability", .high = 1, .is_fixed = true},
                     .y = {.label = "share of class 1", .high = 1, .is_fixed = true},
                     .series = {NULL, NULL, NULL, "share in a tenth, with 95 % interval"},
                     .height = 360};
    cnn_plot_begin(&plot, html);
    cnn_plot_reference(&plot, 0, 0, 1, 1);
    cnn_plot_ranges(&plot, x, low, high, BINS, 3);
    cnn_plot_points(&plot, x, y, BINS, 3);
    cnn_plot_end(&plot);
}

static void draw_histogram(cnn_html *html, const cnn_report *report) {
    double left[2][BINS], right[2][BINS], counts[2][BINS] = {{0}};
    for (size_t i = 0; i < 400; i++) {
        int label;
        double probability = sample_probability(i, &label);
        counts[label][(int)(probability * BINS)]++;
    }
    cnn_plot plot = {.title = "Probabilities",
                     .description = "Most images have a probability near 0 or 1.",
                     .x = {.label = "probability of class 1", .high = 1, .is_fixed = true},
                     .y = {.label = "images", .is_fitted = true, .is_whole = true},
                     .series = {report->classes[0], report->classes[1]}};
    for (int class = 0; class < 2; class ++) {
        for (int i = 0; i < BINS; i++) {
            left[class][i] = (i + (class ? 0.5 : 0.1)) / BINS;
            right[class][i] = (i + (class ? 0.9 : 0.5)) / BINS;
        }
        cnn_plot_fit(&plot.y, counts[class], BINS);
    }
    cnn_plot_begin(&plot, html);
    cnn_plot_bars(&plot, left[0], right[0], counts[0], BINS, 0);
    cnn_plot_bars(&plot, left[1], right[1], counts[1], BINS, 1);
    cnn_plot_rule(&plot, 0.52, "threshold");
    cnn_plot_end(&plot);
}

/* Nothing, one value, huge ones: the axes must still be drawn. */
static void draw_extremes(cnn_html *html) {
    static const double one[] = {3}, none[] = {NAN, INFINITY}, huge[] = {-1e300, 1e300, 1e-300};
    static const double x[] = {1, 2, 3};
    static const struct {
        const double *values;
        size_t count;
        bool is_log;
    } cases[] = {
        {one, 1, false}, {none, 2, false}, {none, 2, true}, {huge, 3, false}, {huge, 3, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_plot plot = {.title = sample_names[i + 1],
                         .description = sample_names[i + 2],
                         .x = {.label = sample_names[i + 3]},
                         .y = {.label = sample_names[i + 5], .is_log = cases[i].is_log},
                         .series = {NULL, sample_names[i + 7]},
                         .height = 180};
        cnn_plot_fit(&plot.x, x, 3);
        cnn_plot_fit(&plot.y, cases[i].values, cases[i].count);
        cnn_plot_begin(&plot, html);
        cnn_plot_line(&plot, x, cases[i].values, cases[i].count, 1);
        cnn_plot_points(&plot, x, cases[i].values, cases[i].count, 1);
        cnn_plot_rule(&plot, 2, sample_names[i + 4]);
        cnn_plot_end(&plot);
    }
}

static cnn_status write_charts(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)error;
    cnn_html_begin_class(html, "div", "plots");
    draw_loss(html);
    draw_many(html);
    draw_rate(html);
    draw_roc(html);
    draw_reliability(html);
    draw_histogram(html, report);
    draw_extremes(html);
    cnn_html_end(html);
    return CNN_OK;
}

/* --- tables --- */

static void write_matrix(cnn_html *html, const cnn_report *report) {
    const char *heads[] = {"label", report->classes[0], report->classes[1], NULL};
    cnn_html_table_begin(html, "Confusion matrix: labels in rows, predictions in columns", "matrix",
                         heads);
    for (int label = 0; label < 2; label++) {
        cnn_html_table_row(html, report->classes[label]);
        for (int predicted = 0; predicted < 2; predicted++) {
            cnn_html_begin(html, "td");
            cnn_html_attribute_format(html, "class", "number %s",
                                      label == predicted ? "good" : "bad");
            cnn_html_format(html, "%d ", label == predicted ? 863 : 137);
            cnn_html_begin_class(html, "span", "share");
            cnn_html_text(html, label == predicted ? "86.3 %" : "13.7 %");
            cnn_html_end(html);
            cnn_html_end(html);
        }
        cnn_html_end(html);
    }
    cnn_html_table_end(html);
}

static cnn_status write_tables(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)error;
    write_matrix(html, report);
    const char *heads[] = {"metric", "validation", "interval", "test", "interval", NULL};
    cnn_html_table_begin(html, "Metrics with 95 % intervals", NULL, heads);
    for (int i = 0; i < CNN_METRIC_COUNT; i++) {
        cnn_html_table_row(html, cnn_metric_table[i].text);
        for (int set = 0; set < 2; set++) {
            cnn_html_table_number(html, "%.4f", 0.87251 - 0.01 * i);
            cnn_html_table_number(html, "%.4f to %.4f", 0.8524 - 0.01 * i, 0.8902 - 0.01 * i);
        }
        cnn_html_end(html);
    }
    cnn_html_table_end(html);
    const char *wide[] = {"path",   "label",  " predicted", "probability",          "loss",
                          "fold 1", "fold 2", "fold 3",     "layers.0.kernel_size", NULL};
    cnn_html_table_begin(html, "A wide table, with names that others chose", NULL, wide);
    for (size_t i = 0; i < SAMPLE_NAMES; i++) {
        cnn_html_table_row_class(html,
                                 i == 3                  ? "chosen"
                                 : i + 1 == SAMPLE_NAMES ? "mean"
                                                         : NULL,
                                 sample_names[i]);
        cnn_html_table_number(html, "%d", (int)i % 2);
        cnn_html_table_text(html, sample_names[SAMPLE_NAMES - 1 - i]);
        for (int j = 0; j < 6; j++) {
            cnn_html_table_number(html, "%.6f", 0.1 * j);
        }
        cnn_html_end(html);
    }
    cnn_html_table_end(html);
    return CNN_OK;
}

/* --- pictures --- */

enum { SIDE = 160, HEADER = 54, ROW = SIDE * 3 };

static void put32(uint8_t *to, unsigned value) {
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
}

/* A BMP, which needs no library: a disc, with or without a map over it. */
static void write_bitmap(cnn_html *html, size_t number, int height, bool is_map) {
    static uint8_t bytes[HEADER + ROW * SIDE];
    size_t size = HEADER + (size_t)(ROW * height);
    memset(bytes, 0, HEADER);
    memcpy(bytes, "BM", 2);
    put32(bytes + 2, (unsigned)size);
    put32(bytes + 10, HEADER);
    put32(bytes + 14, 40);
    put32(bytes + 18, SIDE);
    put32(bytes + 22, (unsigned)height);
    put32(bytes + 26, 1 | 24 << 16);
    for (int i = 0; i < SIDE * height; i++) {
        int x = i % SIDE - 60 - 5 * (int)number, y = i / SIDE - height / 2;
        int distance = x * x + y * y;
        uint8_t grey = (uint8_t)(distance < 1600 ? 200 - distance / 16 : 40 + i % SIDE / 4);
        uint8_t *pixel = bytes + HEADER + 3 * i; /* blue, green, red */
        pixel[0] = pixel[1] = pixel[2] = grey;
        pixel[2] = (uint8_t)(is_map && distance < 3000 ? 255 - distance / 40 : grey);
    }
    cnn_html_picture(html, "image/bmp", bytes, size, SIDE, height, is_map ? "heat map" : "picture");
}

static void write_gallery(cnn_html *html, const cnn_report *report, bool with_maps, size_t count) {
    cnn_html_begin_class(html, "ul", with_maps ? "gallery" : "gallery single");
    for (size_t i = 0; i < count; i++) {
        int height = i % 3 == 1 ? 100 : SIDE;
        cnn_html_begin(html, "li");
        cnn_html_begin(html, "figure");
        write_bitmap(html, i, height, false);
        if (with_maps) {
            write_bitmap(html, i, height, true);
        }
        cnn_html_begin(html, "figcaption");
        cnn_html_format(html, "%.4f: labelled ", 0.999 - 0.01 * (double)i);
        cnn_html_begin_class(html, "bdi", "class-0");
        cnn_html_text(html, report->classes[0]);
        cnn_html_end(html);
        cnn_html_begin(html, "br");
        cnn_html_end(html);
        cnn_html_begin_class(html, "bdi", "path");
        cnn_html_text(html, sample_names[i]);
        cnn_html_end(html);
        cnn_html_end(html);
        cnn_html_end(html);
        cnn_html_end(html);
    }
    cnn_html_end(html);
}

static cnn_status write_pictures(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)error;
    cnn_html_element(html, "h3", "Mistakes");
    write_gallery(html, report, true, SAMPLE_NAMES);
    cnn_html_element(html, "h3", "Labels to check");
    write_gallery(html, report, false, SAMPLE_NAMES / 2);
    return CNN_OK;
}

const cnn_page_section specimen_sections[SPECIMEN_SECTIONS] = {
    {"words", "Words and names", write_words},
    {"charts", "Charts", write_charts},
    {"tables", "Tables", write_tables},
    {"pictures", "Pictures", write_pictures},
};
