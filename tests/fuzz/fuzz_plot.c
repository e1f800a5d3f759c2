/* Charts of any numbers: the first byte says what kind of axes, the others are doubles. A drawing
 * needs two ticks at least on each axis, which rise, and coordinates that a browser can read. */
#include "fuzz.h"

#include "report/plot.h"
#include "report/plot_ticks.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { POINTS_MAX = 64, LOG_X = 1, LOG_Y = 2, FIXED = 4, WHOLE = 8, FITTED = 16 };

static cnn_plot_axis make_axis(unsigned kinds, unsigned log, const double *values, size_t count) {
    cnn_plot_axis axis = {.label = "axis",
                          .is_log = kinds & log,
                          .is_fixed = kinds & FIXED,
                          .is_whole = kinds & WHOLE};
    if (kinds & FITTED) {
        cnn_plot_fit(&axis, values, count);
    } else if (count >= 2) {
        axis.low = values[0];
        axis.high = values[1];
    }
    return axis;
}

static void check_ticks(cnn_plot_axis axis) {
    cnn_ticks ticks;
    cnn_ticks_choose(&axis, 5, &ticks);
    if (!isfinite(axis.low) || !isfinite(axis.high) || !(axis.low < axis.high)) {
        fuzz_fail("an axis without a length");
    }
    if (ticks.count > CNN_TICKS_MAX || (!axis.is_fixed && !axis.is_log && ticks.count < 2)) {
        fuzz_fail("an axis without two ticks");
    }
    for (int i = 1; i < ticks.count; i++) {
        if (!(ticks.values[i - 1] < ticks.values[i]) ||
            strcmp(ticks.texts[i - 1], ticks.texts[i]) == 0) {
            fuzz_fail("ticks that do not rise");
        }
    }
}

/* Paths are letters and plain numbers. */
static void check_paths(const char *markup) {
    for (const char *path = strstr(markup, " d=\""); path; path = strstr(path, " d=\"")) {
        for (path += 4; *path != '"'; path++) {
            if (!isdigit((unsigned char)*path) && !strchr("-. MLmlhvaVHZz", *path)) {
                fuzz_fail("a coordinate that is not a number");
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    double values[POINTS_MAX] = {0};
    size_t count = (size - 1) / sizeof *values;
    count = count > POINTS_MAX ? POINTS_MAX : count;
    memcpy(values, data + 1, count * sizeof *values);
    size_t half = count / 2;
    const double *x = values, *y = values + half;
    cnn_plot plot = {.title = "title",
                     .description = "description",
                     .x = make_axis(data[0], LOG_X, x, half),
                     .y = make_axis(data[0], LOG_Y, y, half),
                     .series = {"line"}};
    check_ticks(plot.x);
    check_ticks(plot.y);
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_plot_begin(&plot, &html);
    cnn_plot_line(&plot, x, y, half, 0);
    cnn_plot_band(&plot, x, y, values, half, 1);
    cnn_plot_bars(&plot, x, y, values, half, 2);
    cnn_plot_ranges(&plot, x, y, values, half, 3);
    cnn_plot_points(&plot, x, y, half, 0);
    cnn_plot_reference(&plot, values[0], values[1], values[2], values[3]);
    cnn_plot_rule(&plot, values[0], "rule");
    cnn_plot_mark(&plot, values[0], values[1], "mark");
    cnn_plot_end(&plot);
    if (text.failed || html.depth != 0) {
        fuzz_fail("the writer has failed");
    }
    check_paths(text.data);
    cnn_text_free(&text);
    return 0;
}
