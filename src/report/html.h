/* Writes HTML, and SVG inside it, step by step, without building a tree. The writer closes tags and
 * escapes: this is the only place where text from outside (names of files and classes) becomes
 * markup.
 *
 *     cnn_text text = {0};
 *     cnn_html html = cnn_html_start(&text);
 *     cnn_html_begin(&html, "p");
 *     cnn_html_attribute(&html, "class", "note");
 *     cnn_html_text(&html, "a < b");
 *     cnn_html_end(&html);                                      <p class="note">a &lt; b</p>
 *
 * No call returns a status. If memory is refused, text.failed becomes true and stays true; the
 * caller checks it once, at the end. Every element that is begun must be ended. */
#ifndef CNN_REPORT_HTML_H
#define CNN_REPORT_HTML_H

#include "base/text.h"

/* The deepest nesting. */
enum { CNN_HTML_DEPTH_MAX = 32 };

typedef struct cnn_html {
    cnn_text *text;
    int depth;
    const char *open[CNN_HTML_DEPTH_MAX]; /* elements that are begun and not ended */
    bool in_tag;                          /* the last start tag still takes attributes */
} cnn_html;

/* Appends to *text, which is owned by the caller. */
cnn_html cnn_html_start(cnn_text *text);

/* Begins an element. The name must outlive the element, and is not escaped. */
void cnn_html_begin(cnn_html *html, const char *name);
/* Ends the element that was begun last. One of HTML's void elements (img, br, …) gets no end tag.
 */
void cnn_html_end(cnn_html *html);

/* Attributes of the element that was begun last, before its content. Names are not escaped. */
void cnn_html_attribute(cnn_html *html, const char *name, const char *value);
/* A number with at most this many digits after the point; zeros at the end are left out. */
void cnn_html_attribute_number(cnn_html *html, const char *name, double value, int decimals);
/* printf. */
void cnn_html_attribute_format(cnn_html *html, const char *name, const char *format, ...)
    CNN_PRINTF(3, 4);

/* Text, in which markup has no meaning. A byte that is not part of valid UTF-8, and a control
 * character, becomes U+FFFD. So does a character that changes the direction of the text around it
 * (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), so that a name cannot look like
 * another one. */
void cnn_html_text(cnn_html *html, const char *text);
/* printf. */
void cnn_html_format(cnn_html *html, const char *format, ...) CNN_PRINTF(2, 3);
/* The same with a list of arguments, as vprintf. */
void cnn_html_format_list(cnn_html *html, const char *format, va_list arguments) CNN_PRINTF(2, 0);
/* Markup that this project has written: a style sheet. */
void cnn_html_raw(cnn_html *html, const char *markup);

/* --- shortcuts --- */

/* cnn_html_begin with a class; NULL: none. */
void cnn_html_begin_class(cnn_html *html, const char *name, const char *class_name);
/* An element that contains only a text. */
void cnn_html_element(cnn_html *html, const char *name, const char *text);
/* printf. */
void cnn_html_element_format(cnn_html *html, const char *name, const char *format, ...)
    CNN_PRINTF(3, 4);

#endif
