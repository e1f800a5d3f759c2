/* What sections write into their sentences and tables: figures, and names of classes.
 *
 * A figure of summary.json is an element <data>: its value is the number with all digits, its
 * data-from the place of the number in that file ("test.accuracy", "test.interval_95.accuracy.0"),
 * its text what people read. tests/cli/reports.sh compares all of them with the file. */
#ifndef CNN_REPORT_FIGURES_H
#define CNN_REPORT_FIGURES_H

#include "report/report.h"

/* part and key: the place of the number, "test" and "accuracy"; part "": the file itself. A value
 * that is NaN is a dash. With 0 decimals, it has groups of digits as cnn_figure_count. */
void cnn_figure(cnn_html *html, const char *part, const char *key, double value, int decimals);
/* The same as "95.0 %", written as by cnn_share. */
void cnn_figure_share(cnn_html *html, const char *part, const char *key, double value);
/* The same with three groups of digits: "1,234,567". */
void cnn_figure_count(cnn_html *html, const char *part, const char *key, size_t count);
/* "0.8012 to 0.9876", or as shares; a dash if there is no interval. */
void cnn_figure_interval(cnn_html *html, const char *part, cnn_metric_id id,
                         const cnn_interval *interval, bool as_share);

/* A count that is not in summary.json: "1,234,567". */
void cnn_count(cnn_html *html, size_t count);
/* The same as a cell of a table. */
void cnn_count_cell(cnn_html *html, size_t count);

/* A share that is not in summary.json: "95.0 %", with more decimals where one would round it to
 * 0 % or 100 %: "99.95 %". These two stand only for none and for all. NaN is a dash. */
void cnn_share(cnn_html *html, double share);
/* The decimals that it writes. */
int cnn_share_decimals(double share);

/* The word that goes with a count: `one` with 1, else `many`. */
const char *cnn_plural(size_t count, const char *one, const char *many);

/* A sentence in which `options`, `keys` and `commands` between backquotes are elements <code>. */
void cnn_prose(cnn_html *html, const char *text);

/* The path of a file, in which a line may break after each slash. */
void cnn_path_text(cnn_html *html, const char *path);

/* The name of class 0 or 1, in its colour. */
void cnn_class_name(cnn_html *html, const cnn_report *report, int label);

/* Did the clock end the training of a run, --max-seconds or train.minutes, perhaps in the middle of
 * an epoch? Such a run cannot be repeated exactly. */
bool cnn_run_was_cut(const cnn_report_run *run);

/* --- the images that count most: test, else validation, or those of the folds or an evaluation ---
 */

/* NULL if nothing was measured. *part: their place in summary.json; may be NULL. */
const cnn_measured *cnn_report_measured(const cnn_report *report, const char **part);

/* The images of class 0 or 1 among them. */
size_t cnn_measured_images(const cnn_measured *measured, int label);

#endif
