#include "report/page.h"

#include "base/base64.h"
#include "base/error.h"
#include "base/hash.h"
#include "report/sections.h"

#include "cnn/version.h"

#include <string.h>

/* A section that has something to show. */
typedef struct section_text {
    const cnn_page_section *section;
    cnn_text text; /* what it wrote */
} section_text;

typedef struct page_text {
    const char *style;
    size_t count;
    section_text sections[CNN_PAGE_SECTIONS_MAX];
} page_text;

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

static void write_classes(cnn_html *html, const cnn_report *report) {
    cnn_html_begin_class(html, "p", "classes");
    for (int i = 0; i < 2; i++) {
        cnn_html_text(html, i == 0 ? "" : " or ");
        cnn_html_begin_class(html, "bdi", i == 0 ? "class-0" : "class-1");
        cnn_html_text(html, report->classes[i]);
        cnn_html_end(html);
    }
    cnn_html_end(html);
}

static void write_header(cnn_html *html, const cnn_report *report) {
    cnn_html_begin(html, "header");
    cnn_html_begin_class(html, "p", "kind");
    cnn_html_text(html, report->set     ? "Cross-validation report"
                        : report->run   ? "Training report"
                        : report->sweep ? "Sweep report"
                                        : "Evaluation report");
    if (report->run && report->run->chosen_of > 0) {
        cnn_html_format(html, " of run %d of %d, which was chosen in ", report->run->chosen,
                        report->run->chosen_of);
        cnn_html_begin(html, "a");
        cnn_html_attribute(html, "href", "../report.html");
        cnn_html_text(html, "a sweep");
        cnn_html_end(html);
    }
    cnn_html_end(html);
    cnn_html_element(html, "h1", report->title);
    if (*report->classes[0] || *report->classes[1]) {
        write_classes(html, report);
    }
    cnn_html_end(html);
}

static void write_contents(cnn_html *html, const page_text *page) {
    cnn_html_begin(html, "nav");
    cnn_html_attribute(html, "aria-label", "Contents");
    cnn_html_begin(html, "ol");
    for (size_t i = 0; i < page->count; i++) {
        cnn_html_begin(html, "li");
        cnn_html_begin(html, "a");
        cnn_html_attribute_format(html, "href", "#%s", page->sections[i].section->id);
        cnn_html_text(html, page->sections[i].section->title);
        cnn_html_end(html);
        cnn_html_end(html);
    }
    cnn_html_end(html);
    cnn_html_end(html);
}

static void write_section(cnn_html *html, const section_text *section) {
    cnn_html_begin(html, "section");
    cnn_html_attribute(html, "id", section->section->id);
    cnn_html_attribute_format(html, "aria-labelledby", "%s-title", section->section->id);
    cnn_html_begin(html, "h2");
    cnn_html_attribute_format(html, "id", "%s-title", section->section->id);
    cnn_html_text(html, section->section->title);
    cnn_html_end(html);
    cnn_html_raw(html, section->text.data);
    cnn_html_end(html);
    cnn_html_raw(html, "\n");
}

static void write_page(cnn_html *html, const cnn_report *report, const page_text *page) {
    cnn_html_raw(html, "<!DOCTYPE html>\n");
    cnn_html_begin(html, "html");
    cnn_html_attribute(html, "lang", "en");
    write_head(html, report, page->style);
    cnn_html_begin(html, "body");
    write_header(html, report);
    write_contents(html, page);
    cnn_html_begin(html, "main");
    for (size_t i = 0; i < page->count; i++) {
        write_section(html, &page->sections[i]);
    }
    cnn_html_end(html);
    cnn_html_begin(html, "footer");
    cnn_html_element_format(html, "p", "Made by cnntrain %s.", cnn_version());
    cnn_html_end(html);
    cnn_html_end(html);
    cnn_html_end(html);
    cnn_html_raw(html, "\n");
}

/* --- both --- */

/* Sections are written before the page, whose contents list names those that wrote something. */
static cnn_status write_sections(const cnn_report *report, const cnn_page_section *sections,
                                 size_t count, page_text *page, cnn_error *error) {
    for (size_t i = 0; i < count; i++) {
        section_text *section = &page->sections[page->count];
        section->section = &sections[i];
        cnn_html html = cnn_html_start(&section->text);
        cnn_status status = sections[i].write(&html, report, error);
        page->count += section->text.length > 0; /* and so it is freed */
        CNN_TRY(status);
        if (section->text.failed || html.depth != 0) {
            return cnn_fail_memory(error, "the report");
        }
    }
    return CNN_OK;
}

cnn_status cnn_page_write(const cnn_report *report, const cnn_page_section *sections, size_t count,
                          cnn_text *text, cnn_error *error) {
    page_text page = {0};
    cnn_status status = write_sections(report, sections, count, &page, error);
    if (status == CNN_OK) {
        cnn_text style = {0};
        for (const char *const *part = cnn_page_style; *part; part++) {
            cnn_text_append(&style, *part, strlen(*part));
        }
        page.style = style.failed ? "" : style.data;
        cnn_html html = cnn_html_start(text);
        write_page(&html, report, &page);
        if (style.failed || text->failed || html.depth != 0) {
            status = cnn_fail_memory(error, "the report");
        }
        cnn_text_free(&style);
    }
    for (size_t i = 0; i < page.count; i++) {
        cnn_text_free(&page.sections[i].text);
    }
    return status;
}

cnn_status cnn_report_page(const cnn_report *report, cnn_text *text, cnn_error *error) {
    static const cnn_page_section sections[] = {
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
    return cnn_page_write(report, sections, sizeof sections / sizeof *sections, text, error);
}
