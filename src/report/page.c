#include "report/page.h"

#include "base/base64.h"
#include "base/error.h"
#include "base/hash.h"
#include "report/sections.h"

#include "cnn/version.h"

#include <string.h>

static const struct {
    const char *id, *title;
    cnn_status (*write)(cnn_html *html, const cnn_report *report, cnn_error *error);
} sections[] = {
    {"verdict", "Verdict", cnn_report_verdict},
    {"evaluation", "What was measured", cnn_report_evaluation},
    {"members", "Members", cnn_report_members},
    {"curves", "Training", cnn_report_curves},
    {"threshold", "At the threshold", cnn_report_threshold},
    {"pictures", "Pictures", cnn_report_pictures},
    {"labels", "Labels to check", cnn_report_labels},
    {"data", "Data", cnn_report_data},
    {"made", "How it was made", cnn_report_made},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* --- the head --- */

static void write_meta(cnn_html *html, const char *key, const char *name, const char *content) {
    cnn_html_begin(html, "meta");
    cnn_html_attribute(html, key, name);
    cnn_html_attribute(html, "content", content);
    cnn_html_end(html);
}

/* Allows the style sheet by its hash, and pictures in the page; nothing else, and nothing from
 * elsewhere (Content Security Policy Level 3). */
static void write_policy(cnn_html *html, const char *style) {
    uint8_t digest[32];
    cnn_sha256(style, strlen(style), digest);
    cnn_text policy = {0};
    cnn_text_format(&policy, "default-src 'none'; style-src 'sha256-");
    cnn_text_base64(&policy, digest, sizeof digest);
    cnn_text_format(&policy, "'; img-src data:; base-uri 'none'; form-action 'none'");
    html->text->failed |= policy.failed;
    write_meta(html, "http-equiv", "Content-Security-Policy", policy.failed ? "" : policy.data);
    cnn_text_free(&policy);
}

static void write_head(cnn_html *html, const cnn_report *report, const char *style) {
    cnn_html_begin(html, "head");
    cnn_html_begin(html, "meta");
    cnn_html_attribute(html, "charset", "utf-8");
    cnn_html_end(html);
    write_policy(html, style);
    write_meta(html, "name", "viewport", "width=device-width, initial-scale=1");
    write_meta(html, "name", "color-scheme", "light dark");
    write_meta(html, "name", "referrer", "no-referrer");
    cnn_html_element_format(html, "title", "%s: report by cnntrain", report->title);
    cnn_html_begin(html, "link"); /* else a browser asks the server, if there is one, for an icon */
    cnn_html_attribute(html, "rel", "icon");
    cnn_html_attribute(html, "href", "data:,");
    cnn_html_end(html);
    cnn_html_begin(html, "style");
    cnn_html_raw(html, style);
    cnn_html_end(html);
    cnn_html_end(html);
}

/* --- the body --- */

static void write_header(cnn_html *html, const cnn_report *report) {
    cnn_html_begin(html, "header");
    cnn_html_begin_class(html, "p", "kind");
    cnn_html_text(html, report->run ? "Training report" : "Evaluation report");
    cnn_html_end(html);
    cnn_html_element(html, "h1", report->title);
    cnn_html_begin_class(html, "p", "classes");
    for (int i = 0; i < 2; i++) {
        cnn_html_text(html, i == 0 ? "" : " or ");
        cnn_html_begin_class(html, "bdi", i == 0 ? "class-0" : "class-1");
        cnn_html_text(html, report->classes[i]);
        cnn_html_end(html);
    }
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_contents(cnn_html *html, const cnn_text contents[SECTIONS]) {
    cnn_html_begin(html, "nav");
    cnn_html_attribute(html, "aria-label", "Contents");
    cnn_html_begin(html, "ol");
    for (int i = 0; i < SECTIONS; i++) {
        if (contents[i].length > 0) {
            cnn_html_begin(html, "li");
            cnn_html_begin(html, "a");
            cnn_html_attribute_format(html, "href", "#%s", sections[i].id);
            cnn_html_text(html, sections[i].title);
            cnn_html_end(html);
            cnn_html_end(html);
        }
    }
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_sections(cnn_html *html, const cnn_text contents[SECTIONS]) {
    cnn_html_begin(html, "main");
    for (int i = 0; i < SECTIONS; i++) {
        if (contents[i].length > 0) {
            cnn_html_begin(html, "section");
            cnn_html_attribute(html, "id", sections[i].id);
            cnn_html_attribute_format(html, "aria-labelledby", "%s-title", sections[i].id);
            cnn_html_begin(html, "h2");
            cnn_html_attribute_format(html, "id", "%s-title", sections[i].id);
            cnn_html_text(html, sections[i].title);
            cnn_html_end(html);
            cnn_html_raw(html, contents[i].data);
            cnn_html_end(html);
        }
    }
    cnn_html_end(html);
}

static void write_page(cnn_html *html, const cnn_report *report, const char *style,
                       const cnn_text contents[SECTIONS]) {
    cnn_html_raw(html, "<!DOCTYPE html>\n");
    cnn_html_begin(html, "html");
    cnn_html_attribute(html, "lang", "en");
    write_head(html, report, style);
    cnn_html_begin(html, "body");
    write_header(html, report);
    write_contents(html, contents);
    write_sections(html, contents);
    cnn_html_begin(html, "footer");
    cnn_html_element_format(html, "p", "Made by cnntrain %s. Intervals are 95 %% intervals.",
                            cnn_version());
    cnn_html_end(html);
    cnn_html_end(html);
    cnn_html_end(html);
    cnn_html_raw(html, "\n");
}

/* contents: what each section wrote; empty: it has nothing to show. */
static cnn_status write_contents_of_sections(const cnn_report *report, cnn_text contents[SECTIONS],
                                             cnn_error *error) {
    for (int i = 0; i < SECTIONS; i++) {
        cnn_html html = cnn_html_start(&contents[i]);
        CNN_TRY(sections[i].write(&html, report, error));
        if (contents[i].failed || html.depth != 0) {
            return cnn_fail_memory(error, "the report");
        }
    }
    return CNN_OK;
}

cnn_status cnn_report_page(const cnn_report *report, cnn_text *text, cnn_error *error) {
    cnn_text contents[SECTIONS] = {{0}};
    cnn_status status = write_contents_of_sections(report, contents, error);
    if (status == CNN_OK) {
        cnn_text style = {0};
        for (const char *const *part = cnn_page_style; *part; part++) {
            cnn_text_append(&style, *part, strlen(*part));
        }
        cnn_html html = cnn_html_start(text);
        if (!style.failed) {
            write_page(&html, report, style.data, contents);
        }
        if (style.failed || text->failed) {
            status = cnn_fail_memory(error, "the report");
        }
        cnn_text_free(&style);
    }
    for (int i = 0; i < SECTIONS; i++) {
        cnn_text_free(&contents[i]);
    }
    return status;
}
