/* Tables of a page: with a caption, with heads that screen readers announce, and inside a box of
 * their own that scrolls where the table is wider than the screen.
 *
 *     cnn_html_table_begin(html, "Images", NULL, (const char *[]){"split", "cat", "dog", NULL});
 *     cnn_html_table_row(html, "train");
 *     cnn_html_table_number(html, "%zu", cats);
 *     cnn_html_table_number(html, "%zu", dogs);
 *     cnn_html_end(html);
 *     cnn_html_table_end(html); */
#ifndef CNN_REPORT_HTML_TABLE_H
#define CNN_REPORT_HTML_TABLE_H

#include "report/html.h"

/* Begins a table. caption: what the table shows, in a few words. class_name: NULL: none. heads: the
 * heads of the columns, ended by NULL. Rows follow. Numbers are aligned to the right, and so is the
 * head of a column after the first, unless it starts with a space (which is not shown): that of a
 * column of text. A column without a head has "" or " ". */
void cnn_html_table_begin(cnn_html *html, const char *caption, const char *class_name,
                          const char *const *heads);
void cnn_html_table_end(cnn_html *html);

/* Begins a row with its head, the first column. Cells follow, then cnn_html_end. */
void cnn_html_table_row(cnn_html *html, const char *head);
/* The same, of a class (page.h); NULL: none. */
void cnn_html_table_row_class(cnn_html *html, const char *class_name, const char *head);

/* A cell. printf. */
void cnn_html_table_number(cnn_html *html, const char *format, ...) CNN_PRINTF(2, 3);
/* A cell of text, aligned to the left. */
void cnn_html_table_text(cnn_html *html, const char *text);

#endif
