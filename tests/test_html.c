/* Tests the parts of a page: the writer of HTML and its escapes, tables, pictures, charts and their
 * ticks, and the page as a whole. tests/browser/ looks at pages in a browser. */
#include "test_support.h"

#include "report/data_uri.h"
#include "report/html_table.h"
#include "report/page.h"
#include "report/plot.h"
#include "report/plot_ticks.h"

#include <math.h>
#include <string.h>

static void expect_markup(cnn_text *text, const char *expected) {
    assert_false(text->failed);
    assert_string_equal(text->data, expected);
    cnn_text_free(text);
    *text = (cnn_text){0};
}

static void test_escapes(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"a < b & \"c\" > 'd'", "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;"},
        {"&amp;", "&amp;amp;"},
        {"</p><script>", "&lt;/p&gt;&lt;script&gt;"},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x88", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\x88"},
        {"\xd7\x97", "\xd7\x97"}, /* a Hebrew letter turns nothing but itself */
        {"\xff<", "\xef\xbf\xbd&lt;"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"a\t\nb\r\x01\x1b\x7f", "a\t\nb\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc2\x85\xc2\x9f\xc2\xa0", "\xef\xbf\xbd\xef\xbf\xbd\xc2\xa0"}, /* C1; a space */
        {"\xd8\x9c\xd8\x9b\xd8\x9d", "\xef\xbf\xbd\xd8\x9b\xd8\x9d"},
        {"\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x90",
         "\xe2\x80\x8d\xef\xbf\xbd\xef\xbf\xbd\xe2\x80\x90"},
        {"\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xac\xe2\x80\xac\xe2\x80\xaf",
         "\xe2\x80\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xe2\x80\xaf"},
        {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
         "\xe2\x81\xa5\xef\xbf\xbd\xef\xbf\xbd\xe2\x81\xaa"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_text text = {0}, expected = {0};
        cnn_html html = cnn_html_start(&text);
        cnn_html_begin(&html, "p");
        cnn_html_attribute(&html, "title", cases[i][0]);
        cnn_html_attribute_format(&html, "id", "%s", cases[i][0]);
        cnn_html_text(&html, cases[i][0]);
        cnn_html_format(&html, "-%s", cases[i][0]);
        cnn_html_element(&html, "b", cases[i][0]);
        cnn_html_element_format(&html, "i", "%s%d", cases[i][0], 1);
        cnn_html_end(&html);
        const char *e = cases[i][1];
        cnn_text_format(&expected, "<p title=\"%s\" id=\"%s\">%s-%s<b>%s</b><i>%s1</i></p>", e, e,
                        e, e, e, e);
        expect_markup(&text, expected.data);
        cnn_text_free(&expected);
    }
}

static void test_elements(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_html_begin_class(&html, "p", "note");
    cnn_html_attribute_number(&html, "x", 1.5, 2);
    cnn_html_attribute_number(&html, "y", 100, 1);
    cnn_html_attribute_number(&html, "z", -0.004, 2);
    cnn_html_begin(&html, "br");
    cnn_html_end(&html);
    cnn_html_begin_class(&html, "svg", NULL);
    cnn_html_end(&html);
    cnn_html_end(&html);
    expect_markup(&text, "<p class=\"note\" x=\"1.5\" y=\"100\" z=\"-0\"><br><svg></svg></p>");

    html = cnn_html_start(&text); /* an end without a beginning */
    cnn_html_end(&html);
    assert_true(text.failed);
    cnn_text_free(&text);

    text = (cnn_text){0}; /* too deep */
    html = cnn_html_start(&text);
    for (int i = 0; i < CNN_HTML_DEPTH_MAX; i++) {
        cnn_html_begin(&html, "b");
    }
    assert_false(text.failed);
    cnn_html_begin(&html, "b");
    assert_true(text.failed);
    cnn_text_free(&text);
}

static void test_table(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_html_table_begin(&html, "Images & \"more\"", "matrix",
                         (const char *[]){"split", "cat", " note", "", NULL});
    cnn_html_table_row(&html, "<train>");
    cnn_html_table_number(&html, "%d", 7);
    cnn_html_table_text(&html, "a&b");
    cnn_html_end(&html);
    cnn_html_table_end(&html);
    assert_int_equal(html.depth, 0);
    expect_markup(
        &text,
        "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"Images &amp; "
        "&quot;more&quot;\"><table class=\"matrix\"><caption>Images &amp; "
        "&quot;more&quot;</caption><thead><tr><th scope=\"col\">split</th><th "
        "class=\"number\" scope=\"col\">cat</th><th scope=\"col\">note</th><td></td></tr></thead>"
        "<tbody><tr><th scope=\"row\">&lt;train&gt;</th><td class=\"number\">7</td>"
        "<td>a&amp;b</td></tr></tbody></table></div>");
}

/* The examples of RFC 4648, and a length above one part. */
static void test_picture(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        cnn_text text = {0}, expected = {0};
        cnn_html html = cnn_html_start(&text);
        cnn_html_picture(&html, "image/png", (const uint8_t *)cases[i][0], strlen(cases[i][0]), 3,
                         4, "a \"b\"");
        cnn_text_format(&expected,
                        "<img width=\"3\" height=\"4\" alt=\"a &quot;b&quot;\" "
                        "src=\"data:image/png;base64,%s\">",
                        cases[i][1]);
        expect_markup(&text, expected.data);
        cnn_text_free(&expected);
    }
    uint8_t bytes[4000] = {0};
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_html_picture(&html, "image/png", bytes, sizeof bytes, 1, 1, "");
    const char *digits = strchr(text.data, ',') + 1;
    assert_int_equal(strspn(digits, "A"), 5334); /* 4000 bytes are 5333⅓ digits */
    assert_string_equal(digits + 5334, "==\">");
    cnn_text_free(&text);
}

/* --- charts --- */

static void expect_ticks(cnn_plot_axis axis, int target, double low, double high,
                         const char *texts) {
    cnn_ticks ticks;
    cnn_ticks_choose(&axis, target, &ticks);
    cnn_text text = {0};
    for (int i = 0; i < ticks.count; i++) {
        cnn_text_format(&text, "%s%s", i > 0 ? " " : "", ticks.texts[i]);
    }
    assert_string_equal(text.data, texts);
    assert_true(axis.low == low);
    assert_true(axis.high == high);
    cnn_text_free(&text);
}

static void test_ticks(void **state) {
    assert_int_equal(test_folder_enter(state), 0);
    (void)test_comma_locale_enter(); /* ticks are the same there */
    expect_ticks((cnn_plot_axis){.low = 0.13, .high = 0.68}, 5, 0, 0.8, "0.0 0.2 0.4 0.6 0.8");
    expect_ticks((cnn_plot_axis){.low = 0, .high = 1, .is_fixed = true}, 5, 0, 1,
                 "0.0 0.2 0.4 0.6 0.8 1.0");
    expect_ticks((cnn_plot_axis){.low = -3, .high = 12}, 5, -5, 15,
                 "\xe2\x88\x92"
                 "5 0 5 10 15");
    expect_ticks((cnn_plot_axis){.low = 1, .high = 30, .is_fixed = true, .is_whole = true}, 3, 1,
                 30, "1 10 20 30");
    expect_ticks((cnn_plot_axis){.low = 1, .high = 3, .is_fixed = true, .is_whole = true}, 5, 1, 3,
                 "1 2 3");
    expect_ticks((cnn_plot_axis){.low = 2, .high = 2}, 5, 1.8, 2.2, "1.8 1.9 2.0 2.1 2.2");
    expect_ticks((cnn_plot_axis){.low = NAN, .high = 3}, 2, 0, 1, "0.0 0.5 1.0");
    expect_ticks((cnn_plot_axis){.is_log = true}, 5, 0.5, 2, "0.5 1 2");
    expect_ticks((cnn_plot_axis){0}, 5, 0, 1, "0.0 0.2 0.4 0.6 0.8 1.0");
    expect_ticks((cnn_plot_axis){.low = 2e-8, .high = 5e-8}, 3, 2e-8, 5e-8,
                 "2e-08 3e-08 4e-08 5e-08");
    expect_ticks((cnn_plot_axis){.low = 0.003, .high = 0.04, .is_log = true}, 5, 0.002, 0.05,
                 "0.002 0.005 0.01 0.02 0.05");
    expect_ticks((cnn_plot_axis){.low = 2e-5, .high = 0.03, .is_log = true}, 5, 1e-5, 0.1,
                 "10\xe2\x81\xbb\xe2\x81\xb5 10\xe2\x81\xbb\xe2\x81\xb4 10\xe2\x81\xbb\xc2\xb3 "
                 "10\xe2\x81\xbb\xc2\xb2 10\xe2\x81\xbb\xc2\xb9");
    test_comma_locale_leave();
    assert_int_equal(test_folder_leave(state), 0);
}

static void test_fit(void **state) {
    (void)state;
    static const double values[] = {NAN, 0, -2, 5, INFINITY};
    cnn_plot_axis axis = {.low = 100, .high = 200}; /* replaced: it is not fitted yet */
    cnn_plot_fit(&axis, values, 5);
    assert_true(axis.low == -2 && axis.high == 5);
    cnn_plot_axis log = {.is_log = true};
    cnn_plot_fit(&log, values, 5);
    assert_true(log.low == 5 && log.high == 5);
    cnn_plot_fit(&log, (const double[]){7}, 1);
    assert_true(log.low == 5 && log.high == 7);
}

/* Where points are drawn, that gaps break a line, and what the legend lists. */
static void test_plot(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_plot plot = {.title = "T<",
                     .description = "D>",
                     .x = {.high = 4, .is_fixed = true},
                     .y = {.high = 1, .is_fixed = true},
                     .series = {"one", "two", "not drawn"}};
    cnn_plot_begin(&plot, &html);
    double x[] = {0, 1, 2, 3, 4}, y[] = {0, 0.5, NAN, 1, 0};
    cnn_plot_line(&plot, x, y, 5, 0);
    cnn_plot_band(&plot, x, y, y, 2, 1);
    cnn_plot_rule(&plot, 2, "r&");
    cnn_plot_rule(&plot, 9, "outside");
    cnn_plot_mark(&plot, 1, NAN, "nowhere");
    cnn_plot_end(&plot);
    assert_int_equal(html.depth, 0);
    assert_false(text.failed);
    double left = plot.left, width = plot.right - left, top = plot.top, bottom = plot.bottom;
    cnn_text line = {0};
    cnn_text_format(&line,
                    "<path class=\"line series-1\" d=\"M%.1f %.1fL%.1f %.1fM%.1f %.1fL%.1f "
                    "%.1f\"></path>",
                    left, bottom, left + width / 4, (top + bottom) / 2, left + width * 3 / 4, top,
                    left + width, bottom);
    assert_non_null(strstr(text.data, line.data));
    assert_non_null(strstr(text.data, "<figcaption>T&lt;</figcaption>"));
    assert_non_null(strstr(text.data, "role=\"img\" aria-label=\"T&lt;. D&gt;\""));
    assert_non_null(strstr(text.data, ">r&amp;</text>"));
    assert_non_null(strstr(text.data, "</svg>one</li>"));
    assert_non_null(strstr(text.data, "</svg>two</li>"));
    assert_null(strstr(text.data, "not drawn"));
    assert_null(strstr(text.data, "outside"));
    assert_null(strstr(text.data, "nowhere"));
    cnn_text_free(&line);
    cnn_text_free(&text);
}

/* A drawing of equal scales is as high as it needs to be. */
static void test_square(void **state) {
    (void)state;
    cnn_text text = {0};
    cnn_html html = cnn_html_start(&text);
    cnn_plot plot = {.title = "T",
                     .description = "D",
                     .x = {.high = 1, .is_fixed = true, .label = "x"},
                     .y = {.high = 1, .is_fixed = true},
                     .is_square = true};
    cnn_plot_begin(&plot, &html);
    cnn_plot_end(&plot);
    assert_true(plot.right - plot.left == plot.bottom - plot.top);
    assert_true(plot.right - plot.left > 300 && plot.height > plot.bottom);
    cnn_text_free(&text);
}

/* --- the page --- */

static cnn_status write_words(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)error;
    cnn_html_element(html, "p", report->title);
    return CNN_OK;
}

static cnn_status write_nothing(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)html;
    (void)report;
    (void)error;
    return CNN_OK;
}

static cnn_status write_unfinished(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)report;
    (void)error;
    cnn_html_begin(html, "p");
    return CNN_OK;
}

static cnn_status write_and_fail(cnn_html *html, const cnn_report *report, cnn_error *error) {
    (void)report;
    cnn_html_element(html, "p", "begun");
    return cnn_fail(error, CNN_ERROR_RUNTIME, "no memory");
}

static void test_page(void **state) {
    (void)state;
    static const cnn_page_section sections[] = {{"words", "Words", write_words},
                                                {"none", "None", write_nothing},
                                                {"more", "More", write_words}};
    const cnn_report report = {.title = "</title>", .classes = {"<a>", "b"}};
    cnn_text text = {0}, again = {0};
    cnn_error error;
    test_ok(cnn_page_write(&report, sections, 3, &text, &error), &error);
    test_ok(cnn_page_write(&report, sections, 3, &again, &error), &error);
    assert_string_equal(text.data, again.data);
    assert_non_null(strstr(text.data, "<title>&lt;/title&gt;"));
    assert_non_null(
        strstr(text.data, "<li><a href=\"#words\">Words</a></li><li><a href=\"#more\">More</a>"));
    assert_non_null(
        strstr(text.data, "<h2 id=\"more-title\">More</h2><p>&lt;/title&gt;</p></section>"));
    assert_null(strstr(text.data, "None"));
    const char *style = strstr(text.data, "<style>") + strlen("<style>");
    assert_ptr_equal(strchr(style, '<'), strstr(style, "</style>"));
    assert_non_null(strstr(text.data, "default-src &#39;none&#39;; style-src &#39;sha256-"));
    cnn_text_free(&again);

    again = (cnn_text){0};
    const cnn_page_section bad[] = {{"words", "Words", write_words},
                                    {"fails", "Fails", write_and_fail}};
    assert_int_equal(cnn_page_write(&report, bad, 2, &again, &error), CNN_ERROR_RUNTIME);
    assert_string_equal(error.message, "no memory");
    const cnn_page_section open[] = {{"open", "Open", write_unfinished}};
    assert_int_equal(cnn_page_write(&report, open, 1, &again, &error), CNN_ERROR_RUNTIME);
    cnn_text_free(&again);
    cnn_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes), cmocka_unit_test(test_elements),
        cmocka_unit_test(test_table),   cmocka_unit_test(test_picture),
        cmocka_unit_test(test_ticks),   cmocka_unit_test(test_fit),
        cmocka_unit_test(test_plot),    cmocka_unit_test(test_square),
        cmocka_unit_test(test_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
