#include "report/html_table.h"

static void write_heads(cnn_html *html, const char *const *heads) {
    cnn_html_begin(html, "thead");
    cnn_html_begin(html, "tr");
    for (size_t i = 0; heads[i]; i++) {
        bool is_text = i == 0 || heads[i][0] == ' ';
        const char *head = heads[i] + (heads[i][0] == ' ');
        if (*head == '\0') {
            cnn_html_element(html, "td", ""); /* an empty head would be announced */
            continue;
        }
        cnn_html_begin_class(html, "th", is_text ? NULL : "number");
        cnn_html_attribute(html, "scope", "col");
        cnn_html_text(html, head);
        cnn_html_end(html);
    }
    cnn_html_end(html);
    cnn_html_end(html);
}

void cnn_html_table_begin(cnn_html *html, const char *caption, const char *class_name,
                          const char *const *heads) {
    /* a box that scrolls must be reachable by the keyboard, and then needs a role and a name */
    cnn_html_begin_class(html, "div", "scroll");
    cnn_html_attribute(html, "role", "group");
    cnn_html_attribute(html, "tabindex", "0");
    cnn_html_attribute(html, "aria-label", caption);
    cnn_html_begin_class(html, "table", class_name);
    cnn_html_element(html, "caption", caption);
    write_heads(html, heads);
    cnn_html_begin(html, "tbody");
}

void cnn_html_table_end(cnn_html *html) {
    cnn_html_end(html);
    cnn_html_end(html);
    cnn_html_end(html);
}

void cnn_html_table_row(cnn_html *html, const char *head) {
    cnn_html_begin(html, "tr");
    cnn_html_begin(html, "th");
    cnn_html_attribute(html, "scope", "row");
    cnn_html_text(html, head);
    cnn_html_end(html);
}

void cnn_html_table_number(cnn_html *html, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cnn_html_begin_class(html, "td", "number");
    cnn_html_format_list(html, format, arguments);
    cnn_html_end(html);
    va_end(arguments);
}

void cnn_html_table_text(cnn_html *html, const char *text) {
    cnn_html_element(html, "td", text);
}
