#include "report/html.h"

#include "base/c_locale.h"

#include <stdio.h>
#include <string.h>

/* Bytes of a formatted text that needs no memory, and of a number with up to 60 decimals. */
enum { SMALL = 256, NUMBER = 384 };

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static void add(cnn_html *html, const char *markup) {
    cnn_text_append(html->text, markup, strlen(markup));
}

/* --- escaping --- */

/* Does the valid UTF-8 character at s change the direction of the text around it? */
static bool is_directional(const unsigned char *s) {
    return memcmp(s, "\xd8\x9c", 2) == 0 ||                                    /* U+061C */
           (s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f)) || /* U+200E … */
           (s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||   /* U+202A … */
           (s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);     /* U+2066 … */
}

/* Control characters, those of C1 (U+0080 to U+009F) included. White space remains. */
static bool is_control(const unsigned char *s) {
    if (s[0] == '\t' || s[0] == '\n') {
        return false;
    }
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/* What stands for the valid UTF-8 character at s; NULL: itself. */
static const char *escape_of(const unsigned char *s) {
    switch (*s) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return is_control(s) || is_directional(s) ? REPLACEMENT : NULL;
    }
}

static void add_escaped(cnn_html *html, const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    const unsigned char *plain = s; /* what stays as it is begins here */
    while (*s) {
        size_t length = cnn_utf8_length(s);
        const char *escape = length == 0 ? REPLACEMENT : escape_of(s);
        if (escape) {
            cnn_text_append(html->text, (const char *)plain, (size_t)(s - plain));
            add(html, escape);
        }
        s += length > 0 ? length : 1;
        plain = escape ? s : plain;
    }
    cnn_text_append(html->text, (const char *)plain, (size_t)(s - plain));
}

/* Adds the text that printf makes, escaped. */
static void add_formatted(cnn_html *html, const char *format, va_list arguments) {
    char small[SMALL]; /* a page has thousands of numbers: most need no memory */
    va_list again;
    va_copy(again, arguments);
    locale_t before = cnn_c_locale_enter();
    int length = vsnprintf(small, sizeof small, format, again);
    cnn_c_locale_leave(before);
    va_end(again);
    if (length >= 0 && (size_t)length < sizeof small) {
        add_escaped(html, small);
        return;
    }
    cnn_text text = {0};
    cnn_text_format_list(&text, format, arguments);
    if (text.failed) {
        html->text->failed = true;
    } else if (text.data) {
        add_escaped(html, text.data);
    }
    cnn_text_free(&text);
}

/* --- elements --- */

cnn_html cnn_html_start(cnn_text *text) {
    return (cnn_html){.text = text};
}

static void close_tag(cnn_html *html) {
    if (html->in_tag) {
        add(html, ">");
        html->in_tag = false;
    }
}

static bool is_void(const char *name) {
    static const char *const names[] = {"br", "col", "hr", "img", "link", "meta", "wbr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void cnn_html_begin(cnn_html *html, const char *name) {
    close_tag(html);
    if (html->depth == CNN_HTML_DEPTH_MAX) {
        html->text->failed = true; /* treated like a lack of memory */
        return;
    }
    html->open[html->depth++] = name;
    add(html, "<");
    add(html, name);
    html->in_tag = true;
}

void cnn_html_end(cnn_html *html) {
    if (html->depth == 0) {
        html->text->failed = true;
        return;
    }
    close_tag(html);
    const char *name = html->open[--html->depth];
    if (!is_void(name)) {
        add(html, "</");
        add(html, name);
        add(html, ">");
    }
}

void cnn_html_attribute(cnn_html *html, const char *name, const char *value) {
    add(html, " ");
    add(html, name);
    add(html, "=\"");
    add_escaped(html, value);
    add(html, "\"");
}

void cnn_html_attribute_number(cnn_html *html, const char *name, double value, int decimals) {
    char text[NUMBER];
    locale_t before = cnn_c_locale_enter();
    int length = snprintf(text, sizeof text, "%.*f", decimals, value);
    cnn_c_locale_leave(before);
    if (length < 0 || (size_t)length >= sizeof text) {
        html->text->failed = true;
        return;
    }
    if (decimals > 0) {
        while (text[length - 1] == '0') {
            text[--length] = '\0';
        }
        if (text[length - 1] == '.') {
            text[--length] = '\0';
        }
    }
    cnn_html_attribute(html, name, text);
}

void cnn_html_attribute_format(cnn_html *html, const char *name, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add(html, " ");
    add(html, name);
    add(html, "=\"");
    add_formatted(html, format, arguments);
    add(html, "\"");
    va_end(arguments);
}

void cnn_html_text(cnn_html *html, const char *text) {
    close_tag(html);
    add_escaped(html, text);
}

void cnn_html_format(cnn_html *html, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cnn_html_format_list(html, format, arguments);
    va_end(arguments);
}

void cnn_html_format_list(cnn_html *html, const char *format, va_list arguments) {
    close_tag(html);
    add_formatted(html, format, arguments);
}

void cnn_html_raw(cnn_html *html, const char *markup) {
    close_tag(html);
    add(html, markup);
}

void cnn_html_begin_class(cnn_html *html, const char *name, const char *class_name) {
    cnn_html_begin(html, name);
    if (class_name) {
        cnn_html_attribute(html, "class", class_name);
    }
}

void cnn_html_element(cnn_html *html, const char *name, const char *text) {
    cnn_html_begin(html, name);
    cnn_html_text(html, text);
    cnn_html_end(html);
}

void cnn_html_element_format(cnn_html *html, const char *name, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cnn_html_begin(html, name);
    cnn_html_format_list(html, format, arguments);
    cnn_html_end(html);
    va_end(arguments);
}
