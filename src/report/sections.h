/* The sections of a page. Each writes what is below its heading; page.c writes the <section> and
 * the <h2> with its name. A section that has nothing to show writes nothing, and is left out of the
 * page and of its contents.
 *
 * A section's own headings are h3. page.h lists the classes of the style sheet; there are no style
 * attributes, which the page's policy does not allow. A user's name inside a sentence is an element
 * `bdi`, so that a Hebrew name does not change the order of the words around it.
 *
 * A section fails only if memory is refused. A picture that cannot be read is a sentence in its
 * place. */
#ifndef CNN_REPORT_SECTIONS_H
#define CNN_REPORT_SECTIONS_H

#include "report/report.h"

/* In the order of the page. */
CNN_MUST_USE cnn_status cnn_report_verdict(cnn_html *html, const cnn_report *report,
                                           cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_evaluation(cnn_html *html, const cnn_report *report,
                                              cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_members(cnn_html *html, const cnn_report *report,
                                           cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_curves(cnn_html *html, const cnn_report *report,
                                          cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_threshold(cnn_html *html, const cnn_report *report,
                                             cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_pictures(cnn_html *html, const cnn_report *report,
                                            cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_labels(cnn_html *html, const cnn_report *report,
                                          cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_data(cnn_html *html, const cnn_report *report, cnn_error *error);
CNN_MUST_USE cnn_status cnn_report_made(cnn_html *html, const cnn_report *report, cnn_error *error);

#endif
