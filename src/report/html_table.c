#include "report/html_table.h"

#include <string.h>

/* With places where a line may break: names of keys, such as layers.0.kernel_size, are long. */
static void write_head(cnn_html *html, const char *head) {
    while (*head) {
        size_t length = strcspn(head, "._");
        length += head[length] != '\0';
        cnn_html_format(html, "%.*s", (int)length, head);
        head += length;
        if (*head && !(*head >= '0' && *head <= '9')) {
            cnn_html_begin(html, "wbr");
            cnn_html_end(html);
        }
    }
}

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
        write_head(html, head);
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
    cnn_html_table_row_class(html, NULL, head);
}

void cnn_html_table_row_class(cnn_html *html, const char *class_name, const char *head) {
    cnn_html_begin_class(html, "tr", class_name);
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
