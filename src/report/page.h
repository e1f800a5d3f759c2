/* The page of a report: one file of HTML with its style and its pictures, which needs no script and
 * no network. Its content security policy allows nothing but that style and those pictures.
 *
 * Classes of the style sheet (page_style.c), for the sections:
 *
 *     p.lead                 the sentence that matters most
 *     p.note                 what explains the lines above it; smaller
 *     ul.watch > li          what to watch out for: <strong>rule</strong> and what to do about it
 *     dl.figures > div       key figures, large, side by side: <dt>accuracy</dt><dd>0.87</dd>,
 *                            then perhaps <dd class="note">0.85 to 0.89</dd>
 *     dl.facts > dt, dd      names and values, a line each
 *     div.plots              several charts (plot.h) in columns
 *     table.matrix           a confusion matrix; td.good and td.bad are the cells on and off the
 *                            diagonal, span.share in them a share
 *     table.meanings         the last column is a sentence
 *     tr.chosen              the row of a table that is in use, such as that of the threshold
 *     tr.mean                the first row after those of which it is the mean
 *     ul.gallery > li        pictures in columns: <figure> with one or two <img> (data_uri.h) and a
 *                            <figcaption>; bdi.path: the name of a file in it. With class single:
 *                            one picture each
 *     pre                    text of a program; give it tabindex="0", as a long line scrolls
 *     details > summary      what few readers want to see; opened on paper
 *     span.class-0, .class-1 a name of a class, with the colour that it has in charts
 */
#ifndef CNN_REPORT_PAGE_H
#define CNN_REPORT_PAGE_H

#include "report/report.h"

/* A section of a page: its place in the address (#curves), its heading, and what writes the rest.
 */
typedef struct cnn_page_section {
    const char *id, *title;
    cnn_status (*write)(cnn_html *html, const cnn_report *report, cnn_error *error);
} cnn_page_section;

/* Appends a page with these sections, at most CNN_PAGE_SECTIONS_MAX, to *text, which is empty.
 * Those that write nothing are left out. Fails if memory is refused, or a section fails. */
enum { CNN_PAGE_SECTIONS_MAX = 16 };
CNN_MUST_USE cnn_status cnn_page_write(const cnn_report *report, const cnn_page_section *sections,
                                       size_t count, cnn_text *text, cnn_error *error);

/* The page of a report: that with all sections of sections.h. Appends it to *text, which is empty.
 * The same report gives the same bytes. Fails if memory is refused. */
CNN_MUST_USE cnn_status cnn_report_page(const cnn_report *report, cnn_text *text, cnn_error *error);

/* The style sheet, in parts that follow each other; ends in NULL. */
extern const char *const cnn_page_style[];

#endif
