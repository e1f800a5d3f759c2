#include "report/plot.h"

#include "base/elementary.h"
#include "report/plot_ticks.h"

#include <math.h>
#include <string.h>

/* In units of the drawing, which are CSS pixels where it is 400 wide. The style sheet has the same
 * size of text. */
enum {
    WIDTH = 400,
    HEIGHT = 260,
    CHARACTER = 8, /* the width of a digit */
    TOP = 36,      /* above the area of the data, for the label of y and the texts of rules */
    BOTTOM = 40,   /* below, for numbers and the label of x */
    BLEED = 6,     /* markers and lines at the ends of the axes reach this far beyond the area */
    FAR = 100000,  /* coordinates outside the area are not farther away */
};

/* What was drawn of a series, for the legend. */
enum { SHAPE_BAND = 1, SHAPE_LINE = 2, SHAPE_POINTS = 4, SHAPE_BARS = 8, SHAPE_RANGE = 16 };

/* The marker of a series, from its middle on. */
static const char *const markers[CNN_PLOT_SERIES_MAX] = {
    "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z", /* a circle */
    "m-3 -3h6v6h-6z",                                /* a square */
    "m0 -4.5l4.2 7.5h-8.4z",                         /* a triangle */
    "m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z",           /* a diamond */
};

/* --- coordinates --- */

static double fraction(const cnn_plot_axis *axis, double value) {
    if (axis->is_log) {
        double low = cnn_log(axis->low);
        return value > 0 ? (cnn_log(value) - low) / (cnn_log(axis->high) - low) : -FAR;
    }
    return (value - axis->low) / (axis->high - axis->low);
}

static double limit(double coordinate) {
    return fmin(fmax(coordinate, -FAR), FAR);
}

static double x_of(const cnn_plot *plot, double x) {
    return limit(plot->left + fraction(&plot->x, x) * (plot->right - plot->left));
}

static double y_of(const cnn_plot *plot, double y) {
    return limit(plot->bottom - fraction(&plot->y, y) * (plot->bottom - plot->top));
}

void cnn_plot_fit(cnn_plot_axis *axis, const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]) || (axis->is_log && !(values[i] > 0))) {
            continue;
        }
        axis->low = axis->is_fitted ? fmin(axis->low, values[i]) : values[i];
        axis->high = axis->is_fitted ? fmax(axis->high, values[i]) : values[i];
        axis->is_fitted = true;
    }
}

/* --- elements --- */

static void write_path(cnn_plot *plot, const char *shape, int series, cnn_text *path) {
    plot->html->text->failed |= path->failed;
    if (path->length > 0) {
        cnn_html_begin(plot->html, "path");
        cnn_html_attribute_format(plot->html, "class", "%s series-%d", shape, series + 1);
        cnn_html_attribute(plot->html, "d", path->data);
        cnn_html_end(plot->html);
    }
    cnn_text_free(path);
}

static const char *line_class(const cnn_plot *plot, int series) {
    return plot->is_faint[series] ? "line faint" : "line";
}

static void write_segment(cnn_plot *plot, const char *class_name, const double from[2],
                          const double to[2]) {
    cnn_html_begin_class(plot->html, "path", class_name);
    cnn_html_attribute_format(plot->html, "d", "M%.1f %.1fL%.1f %.1f", from[0], from[1], to[0],
                              to[1]);
    cnn_html_end(plot->html);
}

/* anchor: "start", "middle" or "end", a class. */
static void write_text(cnn_plot *plot, const char *class_name, double x, double y,
                       const char *anchor, const char *text) {
    cnn_html_begin(plot->html, "text");
    cnn_html_attribute_format(plot->html, "class", "%s %s", class_name, anchor);
    cnn_html_attribute_number(plot->html, "x", x, 1);
    cnn_html_attribute_number(plot->html, "y", y, 1);
    cnn_html_text(plot->html, text);
    cnn_html_end(plot->html);
}

/* --- the axes --- */

/* Characters of a text in UTF-8. */
static int characters(const char *text) {
    int count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

static void place(cnn_plot *plot, const cnn_ticks *x, const cnn_ticks *y) {
    int widest = 1;
    for (int i = 0; i < y->count; i++) {
        int width = characters(y->texts[i]);
        widest = width > widest ? width : widest;
    }
    int last = x->count > 0 ? characters(x->texts[x->count - 1]) : 1;
    plot->left = widest * CHARACTER + 9;
    plot->right = plot->width - (last * CHARACTER / 2 > BLEED ? last * CHARACTER / 2 : BLEED);
    plot->top = TOP;
    const int below = plot->x.label ? BOTTOM : 22;
    if (plot->is_square) {
        plot->height = (int)(plot->top + plot->right - plot->left) + below;
    }
    plot->bottom = plot->height - below;
}

static void draw_axes(cnn_plot *plot, const cnn_ticks *x, const cnn_ticks *y) {
    for (int i = 0; i < y->count; i++) {
        double at = y_of(plot, y->values[i]);
        write_segment(plot, "grid", (double[]){plot->left, at}, (double[]){plot->right, at});
        write_text(plot, "tick", plot->left - 6, at + 4, "end", y->texts[i]);
    }
    for (int i = 0; i < x->count; i++) {
        double at = x_of(plot, x->values[i]);
        write_segment(plot, "axis", (double[]){at, plot->bottom}, (double[]){at, plot->bottom + 4});
        write_text(plot, "tick", at, plot->bottom + 17, "middle", x->texts[i]);
    }
    write_segment(plot, "axis", (double[]){plot->left, plot->bottom},
                  (double[]){plot->right, plot->bottom});
    if (plot->x.label) {
        write_text(plot, "label", plot->right, plot->height - 5, "end", plot->x.label);
    }
    if (plot->y.label) {
        write_text(plot, "label", 0, 12, "start", plot->y.label);
    }
}

/* An inner <svg> cuts off what is outside, and needs no name that is unique in the page, as a
 * <clipPath> does. */
static void begin_area(cnn_plot *plot) {
    cnn_html_begin_class(plot->html, "svg", "area");
    double x = plot->left - BLEED, y = plot->top - BLEED;
    double width = plot->right - plot->left + 2 * BLEED;
    double height = plot->bottom - plot->top + 2 * BLEED;
    cnn_html_attribute_number(plot->html, "x", x, 1);
    cnn_html_attribute_number(plot->html, "y", y, 1);
    cnn_html_attribute_number(plot->html, "width", width, 1);
    cnn_html_attribute_number(plot->html, "height", height, 1);
    cnn_html_attribute_format(plot->html, "viewBox", "%.1f %.1f %.1f %.1f", x, y, width, height);
}

void cnn_plot_begin(cnn_plot *plot, cnn_html *html) {
    plot->html = html;
    memset(plot->shapes, 0, sizeof plot->shapes);
    plot->has_reference = false;
    plot->width = plot->width > 0 ? plot->width : WIDTH;
    plot->height = plot->height > 0 ? plot->height : HEIGHT;
    cnn_ticks x, y;
    cnn_ticks_choose(&plot->x, plot->width / 80, &x);
    cnn_ticks_choose(&plot->y, plot->height / 50, &y);
    place(plot, &x, &y);

    cnn_html_begin_class(html, "figure", "plot");
    cnn_html_element(html, "figcaption", plot->title);
    cnn_html_begin(html, "svg");
    cnn_html_attribute_format(html, "viewBox", "0 0 %d %d", plot->width, plot->height);
    cnn_html_attribute(html, "role", "img");
    cnn_html_attribute_format(html, "aria-label", "%s. %s", plot->title, plot->description);
    draw_axes(plot, &x, &y);
    begin_area(plot);
}

/* --- the legend --- */

/* A drawing in the legend. */
static void begin_key(cnn_html *html) {
    cnn_html_begin(html, "svg");
    cnn_html_attribute(html, "viewBox", "0 0 28 12");
    cnn_html_attribute(html, "width", "28");
    cnn_html_attribute(html, "height", "12");
    cnn_html_attribute(html, "aria-hidden", "true");
}

/* What a series looks like. */
static void draw_key(cnn_plot *plot, int series) {
    cnn_html *html = plot->html;
    unsigned shapes = plot->shapes[series];
    begin_key(html);
    static const struct {
        unsigned shape;
        const char *name, *path;
    } keys[] = {{SHAPE_BARS, "bars", "M6 1H22V11H6Z"},
                {SHAPE_BAND, "band", "M0 1H28V11H0Z"},
                {SHAPE_RANGE, "range", "M14 0V12"},
                {SHAPE_LINE, "line", "M0 6H28"},
                {SHAPE_POINTS, "points", "M14 6"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (shapes & keys[i].shape) {
            cnn_text path = {0};
            cnn_text_format(&path, "%s%s", keys[i].path,
                            keys[i].shape == SHAPE_POINTS ? markers[series] : "");
            write_path(plot, keys[i].shape == SHAPE_LINE ? line_class(plot, series) : keys[i].name,
                       series, &path);
        }
    }
    cnn_html_end(html);
}

static void draw_reference_key(cnn_plot *plot) {
    begin_key(plot->html);
    write_segment(plot, "reference", (double[]){2, 6}, (double[]){26, 6});
    cnn_html_end(plot->html);
}

/* The last entry is that of the reference. */
enum { ENTRIES = CNN_PLOT_SERIES_MAX + 1 };

static const char *entry_of(const cnn_plot *plot, int entry) {
    if (entry == CNN_PLOT_SERIES_MAX) {
        return plot->has_reference ? plot->reference : NULL;
    }
    return plot->shapes[entry] ? plot->series[entry] : NULL;
}

static void write_legend(cnn_plot *plot) {
    bool has_legend = false;
    for (int i = 0; i < ENTRIES; i++) {
        const char *name = entry_of(plot, i);
        if (!name) {
            continue;
        }
        if (!has_legend) {
            cnn_html_begin_class(plot->html, "ul", "legend");
            has_legend = true;
        }
        cnn_html_begin(plot->html, "li");
        if (i == CNN_PLOT_SERIES_MAX) {
            draw_reference_key(plot);
        } else {
            draw_key(plot, i);
        }
        cnn_html_text(plot->html, name);
        cnn_html_end(plot->html);
    }
    if (has_legend) {
        cnn_html_end(plot->html);
    }
}

void cnn_plot_end(cnn_plot *plot) {
    cnn_html *html = plot->html;
    cnn_html_end(html); /* the area */
    cnn_html_end(html); /* the drawing */
    write_legend(plot);
    cnn_html_end(html); /* the figure */
}

/* --- data --- */

void cnn_plot_line(cnn_plot *plot, const double *x, const double *y, size_t count, int series) {
    cnn_text path = {0};
    bool is_down = false;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i])) {
            is_down = false;
            continue;
        }
        cnn_text_format(&path, "%s%.1f %.1f", is_down ? "L" : "M", x_of(plot, x[i]),
                        y_of(plot, y[i]));
        is_down = true;
    }
    plot->shapes[series] |= SHAPE_LINE;
    write_path(plot, line_class(plot, series), series, &path);
}

void cnn_plot_band(cnn_plot *plot, const double *x, const double *low, const double *high,
                   size_t count, int series) {
    cnn_text path = {0};
    size_t start = 0;
    for (size_t i = 0; i <= count; i++) {
        if (i < count && isfinite(x[i]) && isfinite(low[i]) && isfinite(high[i])) {
            continue;
        }
        for (size_t j = start; j < i; j++) {
            cnn_text_format(&path, "%s%.1f %.1f", j == start ? "M" : "L", x_of(plot, x[j]),
                            y_of(plot, high[j]));
        }
        for (size_t j = i; j > start; j--) {
            cnn_text_format(&path, "L%.1f %.1f", x_of(plot, x[j - 1]), y_of(plot, low[j - 1]));
        }
        cnn_text_format(&path, "%s", i > start ? "Z" : "");
        start = i + 1;
    }
    plot->shapes[series] |= SHAPE_BAND;
    write_path(plot, "band", series, &path);
}

void cnn_plot_points(cnn_plot *plot, const double *x, const double *y, size_t count, int series) {
    cnn_text path = {0};
    for (size_t i = 0; i < count; i++) {
        if (isfinite(x[i]) && isfinite(y[i])) {
            cnn_text_format(&path, "M%.1f %.1f%s", x_of(plot, x[i]), y_of(plot, y[i]),
                            markers[series]);
        }
    }
    plot->shapes[series] |= SHAPE_POINTS;
    write_path(plot, "points", series, &path);
}

void cnn_plot_bars(cnn_plot *plot, const double *left, const double *right, const double *height,
                   size_t count, int series) {
    cnn_text path = {0};
    double base = fmin(fmax(y_of(plot, 0), plot->top), plot->bottom);
    for (size_t i = 0; i < count; i++) {
        if (isfinite(left[i]) && isfinite(right[i]) && isfinite(height[i]) && height[i] != 0) {
            cnn_text_format(&path, "M%.1f %.1fV%.1fH%.1fV%.1fZ", x_of(plot, left[i]), base,
                            y_of(plot, height[i]), x_of(plot, right[i]), base);
        }
    }
    plot->shapes[series] |= SHAPE_BARS;
    write_path(plot, "bars", series, &path);
}

void cnn_plot_ranges(cnn_plot *plot, const double *x, const double *low, const double *high,
                     size_t count, int series) {
    cnn_text path = {0};
    for (size_t i = 0; i < count; i++) {
        if (isfinite(x[i]) && isfinite(low[i]) && isfinite(high[i])) {
            cnn_text_format(&path, "M%.1f %.1fV%.1f", x_of(plot, x[i]), y_of(plot, low[i]),
                            y_of(plot, high[i]));
        }
    }
    plot->shapes[series] |= SHAPE_RANGE;
    write_path(plot, "range", series, &path);
}

/* --- notes --- */

void cnn_plot_reference(cnn_plot *plot, double x0, double y0, double x1, double y1) {
    plot->has_reference = true;
    write_segment(plot, "reference", (double[]){x_of(plot, x0), y_of(plot, y0)},
                  (double[]){x_of(plot, x1), y_of(plot, y1)});
}

/* What is written between these is not cut off: a text may reach out of the area. */
static void leave_area(cnn_plot *plot) {
    cnn_html_end(plot->html);
}

void cnn_plot_rule(cnn_plot *plot, double x, const char *text) {
    double at = x_of(plot, x);
    if (!isfinite(x) || at < plot->left - 1 || at > plot->right + 1) {
        return;
    }
    double half = characters(text) * CHARACTER / 2.0;
    bool is_left = at - half<plot->left, is_right = at + half> plot->right;
    leave_area(plot);
    write_segment(plot, "rule", (double[]){at, plot->top - 2}, (double[]){at, plot->bottom});
    write_text(plot, "remark", at, plot->top - 7,
               is_left    ? "start"
               : is_right ? "end"
                          : "middle",
               text);
    begin_area(plot);
}

void cnn_plot_mark(cnn_plot *plot, double x, double y, const char *text) {
    double at[] = {x_of(plot, x), y_of(plot, y)};
    if (!isfinite(x) || !isfinite(y) || at[0] < plot->left - 1 || at[0] > plot->right + 1 ||
        at[1] < plot->top - 1 || at[1] > plot->bottom + 1) {
        return;
    }
    bool is_right = at[0] > plot->left + 0.6 * (plot->right - plot->left);
    bool is_low = at[1] > plot->bottom - 24;
    leave_area(plot);
    cnn_html_begin_class(plot->html, "circle", "mark");
    cnn_html_attribute_number(plot->html, "cx", at[0], 1);
    cnn_html_attribute_number(plot->html, "cy", at[1], 1);
    cnn_html_attribute(plot->html, "r", "4.5");
    cnn_html_end(plot->html);
    write_text(plot, "remark", is_right ? at[0] - 9 : at[0] + 9, is_low ? at[1] - 8 : at[1] + 15,
               is_right ? "end" : "start", text);
    begin_area(plot);
}
