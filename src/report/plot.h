/* Draws charts as SVG inside a page: lines, steps, bands, points and bars over two axes.
 *
 *     cnn_plot plot = {.title = "Loss",
 *                      .description = "Training loss falls from 0.7 to 0.2 in 10 epochs.",
 *                      .x = {.label = "epoch", .low = 1, .high = 10, .is_fixed = true},
 *                      .y = {.label = "loss"},
 *                      .series = {"training", "validation"}};
 *     cnn_plot_fit(&plot.y, losses, 10);
 *     cnn_plot_begin(&plot, html);
 *     cnn_plot_line(&plot, epochs, losses, 10, 0);
 *     cnn_plot_end(&plot);
 *
 * This writes <figure class="plot"> with title, drawing and legend. A drawing has a width of about
 * 400 CSS pixels, so that its text is as large as that of the page on a phone; it scales with the
 * column that it is in. Put several charts into <div class="plots">, which arranges them in
 * columns.
 *
 * Colours are classes of the style sheet (series-1 …), which has a dark and a print style. Series
 * also differ in their dashes, markers or fill. People who cannot see the drawing read its
 * description, so the figures that matter must be in the description, or in a text or table next to
 * the drawing. Coordinates are those of the axes. A value that is not finite is left out and breaks
 * the line; what is outside the axes is cut off. */
#ifndef CNN_REPORT_PLOT_H
#define CNN_REPORT_PLOT_H

#include "report/html.h"

typedef struct cnn_plot_axis {
    const char *label;
    double low, high; /* the smallest and the largest value; cnn_plot_fit makes them fit */
    bool is_fitted;   /* low and high are those of some values already */
    bool is_fixed;    /* the axis ends at low and high; false: at the next round numbers */
    bool is_whole;    /* ticks at whole numbers only */
    bool is_log;      /* logarithmic; low and high are positive */
} cnn_plot_axis;

/* The style sheet has this many series. */
enum { CNN_PLOT_SERIES_MAX = 4 };

typedef struct cnn_plot {
    const char *title;
    const char *description; /* what a reader who does not see the drawing needs to know */
    cnn_plot_axis x, y;
    const char *series[CNN_PLOT_SERIES_MAX]; /* names, for the legend; NULL: none */
    const char *reference; /* what the line of cnn_plot_reference is, for the legend; NULL: none */
    bool is_faint[CNN_PLOT_SERIES_MAX]; /* lines of a series are thin and grey: many lines that
                                           matter as a whole, around one that stands out */
    int width, height;                  /* of the drawing, in units; 0: 400 × 260 */
    bool is_square; /* the area of the data is as high as it is wide, whatever the height: for axes
                     * of the same values, on which a diagonal then has 45° */

    /* The rest is cnn_plot_begin's. */
    cnn_html *html;
    double left, top, right, bottom;      /* of the area of the data */
    unsigned shapes[CNN_PLOT_SERIES_MAX]; /* what was drawn of a series: bits of cnn_plot_shape */
    bool has_reference;
} cnn_plot;

/* Extends an axis so that it contains the finite ones (on a logarithmic axis: the positive ones) of
 * some values. */
void cnn_plot_fit(cnn_plot_axis *axis, const double *values, size_t count);

/* Begins the figure and draws the axes. *plot must stay until cnn_plot_end. */
void cnn_plot_begin(cnn_plot *plot, cnn_html *html);
/* Ends the figure and writes its legend: the series that have a name and were drawn. */
void cnn_plot_end(cnn_plot *plot);

/* --- data; x, y, …: [count]; series: from 0 --- */

/* Points joined by straight lines. */
void cnn_plot_line(cnn_plot *plot, const double *x, const double *y, size_t count, int series);
/* The area between two curves. */
void cnn_plot_band(cnn_plot *plot, const double *x, const double *low, const double *high,
                   size_t count, int series);
/* Single points, each a marker. */
void cnn_plot_points(cnn_plot *plot, const double *x, const double *y, size_t count, int series);
/* Bars from left to right and from the bottom (or 0, if it is on the axis) to height. */
void cnn_plot_bars(cnn_plot *plot, const double *left, const double *right, const double *height,
                   size_t count, int series);
/* Vertical lines from low to high, such as intervals. */
void cnn_plot_ranges(cnn_plot *plot, const double *x, const double *low, const double *high,
                     size_t count, int series);

/* --- notes --- */

/* A thin line between two points, for comparison: chance, perfect calibration. */
void cnn_plot_reference(cnn_plot *plot, double x0, double y0, double x1, double y1);
/* A vertical line at x with a text at its top, such as the epoch that was kept. */
void cnn_plot_rule(cnn_plot *plot, double x, const char *text);
/* A ring around a point with a text next to it, such as the operating point. */
void cnn_plot_mark(cnn_plot *plot, double x, double y, const char *text);

#endif
