/* The writer of HTML, with names that anyone may have chosen: the bytes, as far as the first zero
 * byte, are an attribute, a text and an argument of printf. What the writer makes of them is
 * compared with what its header promises, by code that shares nothing with it. */
#include "fuzz.h"

#include "base/memory.h"
#include "report/html.h"

#include <string.h>

enum { REPLACEMENT = 0xfffd };

/* The code point of the valid UTF-8 character at *s, which moves past it; of a byte that belongs to
 * none, U+FFFD (Unicode, table 3-7). */
static unsigned next_character(const unsigned char **s) {
    static const struct {
        unsigned char low, high;               /* of the first byte */
        unsigned char second_low, second_high; /* of the second */
        int more;                              /* bytes after the first */
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
                 {0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2},
                 {0xee, 0xef, 0x80, 0xbf, 2}, {0xf0, 0xf0, 0x90, 0xbf, 3},
                 {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3}};
    const unsigned char *c = *s;
    *s = c + 1;
    if (*c < 0x80) {
        return *c;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (*c < forms[i].low || *c > forms[i].high || c[1] < forms[i].second_low ||
            c[1] > forms[i].second_high) {
            continue;
        }
        unsigned point = *c & (0x3fu >> forms[i].more);
        for (int j = 1; j <= forms[i].more; j++) {
            if ((c[j] & 0xc0) != 0x80) {
                return REPLACEMENT;
            }
            point = point << 6 | (c[j] & 0x3f);
        }
        *s = c + 1 + forms[i].more;
        return point;
    }
    return REPLACEMENT;
}

/* What a page may show of a character. */
static unsigned shown(unsigned point) {
    bool is_control =
        (point < 0x20 && point != '\t' && point != '\n') || (point >= 0x7f && point < 0xa0);
    bool turns = point == 0x61c || point == 0x200e || point == 0x200f ||
                 (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
    return is_control || turns ? REPLACEMENT : point;
}

/* The character at *s of the markup, which moves past it: a reference stands for one. */
static unsigned next_in_markup(const unsigned char **s) {
    static const struct {
        const char *reference;
        unsigned point;
    } references[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
    if (strchr("<>\"'", (char)**s)) {
        fuzz_fail("a character that is markup");
    }
    if (**s != '&') {
        return next_character(s);
    }
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        size_t length = strlen(references[i].reference);
        if (strncmp((const char *)*s, references[i].reference, length) == 0) {
            *s += length;
            return references[i].point;
        }
    }
    fuzz_fail("an ampersand that begins no reference");
}

/* Is the text before `end` in the markup the one that was given? Returns what follows `end`. */
static const char *expect_text(const char *markup, const char *given, const char *end) {
    const char *stop = strstr(markup, end);
    if (!stop) {
        fuzz_fail("an element that does not end");
    }
    const unsigned char *got = (const unsigned char *)markup, *want = (const unsigned char *)given;
    while (got < (const unsigned char *)stop) {
        if (*want == '\0' || next_in_markup(&got) != shown(next_character(&want))) {
            fuzz_fail("another text");
        }
    }
    if (*want != '\0') {
        fuzz_fail("a text that is cut off");
    }
    return stop + strlen(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *name = cnn_alloc(size + 4, 1); /* ends in zeros, which no character goes past */
    if (!name) {
        return 0;
    }
    memcpy(name, data, size);
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_html_begin(&html, "p");
    cnn_html_attribute(&html, "title", name);
    cnn_html_text(&html, name);
    cnn_html_begin(&html, "b");
    cnn_html_attribute_format(&html, "id", "%s", name);
    cnn_html_format(&html, "%s", name);
    cnn_html_end(&html);
    cnn_html_end(&html);
    if (text.failed || html.depth != 0) {
        fuzz_fail("the writer has failed");
    }
    const char *markup = text.data;
    if (strncmp(markup, "<p title=\"", 10) != 0) {
        fuzz_fail("another element");
    }
    markup = expect_text(markup + 10, name, "\">");
    markup = expect_text(markup, name, "<b id=\"");
    markup = expect_text(markup, name, "\">");
    markup = expect_text(markup, name, "</b></p>");
    if (*markup != '\0') {
        fuzz_fail("more than was written");
    }
    cnn_text_free(&text);
    cnn_free(name);
    return 0;
}
