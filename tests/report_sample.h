/* A report that was invented to break a page: names that are markup, that change the direction of
 * text, that are long, empty or not UTF-8. report_sample writes pages with it, for tests in a
 * browser, which therefore need no training. */
#ifndef CNN_REPORT_SAMPLE_H
#define CNN_REPORT_SAMPLE_H

#include "report/page.h"

/* Names that others could have chosen; a page must show them as text. */
extern const char *const sample_names[];
enum { SAMPLE_NAMES = 12 };

/* Sections that show every element and class that page.h, plot.h and html_table.h offer. */
extern const cnn_page_section specimen_sections[];
enum { SPECIMEN_SECTIONS = 4 };

/* The probability of class 1 of image i, and its label: about one in eight is predicted wrongly. */
double sample_probability(size_t i, int *label);

#endif
