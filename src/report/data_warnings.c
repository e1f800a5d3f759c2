#include "report/data_warnings.h"

#include "base/error.h"
#include "base/memory.h"
#include "report/figures.h"

#include <string.h>

/* Images of a warning that are named. */
enum { NAMED = 3 };

typedef struct list {
    cnn_html *html;
    size_t items;
} list;

static void begin_item(list *l) {
    if (l->items++ == 0) {
        cnn_html_begin_class(l->html, "ul", "watch");
    }
    cnn_html_begin(l->html, "li");
}

/* Begins "3 of 40 images <text>" */
static void begin_images(list *l, size_t count, size_t of, const char *text) {
    begin_item(l);
    cnn_html_begin(l->html, "strong");
    cnn_count(l->html, count);
    cnn_html_text(l->html, " of ");
    cnn_count(l->html, of);
    cnn_html_text(l->html, of == 1 ? " image" : " images");
    cnn_html_end(l->html);
    cnn_html_format(l->html, " %s: ", text);
}

static void write_name(list *l, size_t number, const char *path, const char *reason) {
    if (number > NAMED) {
        return;
    }
    cnn_html_text(l->html, number == 0 ? "" : ", ");
    if (number == NAMED) {
        cnn_html_text(l->html, "…");
        return;
    }
    cnn_html_begin_class(l->html, "bdi", "path");
    cnn_html_text(l->html, path);
    cnn_html_end(l->html);
    if (reason) {
        cnn_html_format(l->html, " (%s)", reason);
    }
}

/* --- problems of images --- */

static const char *text_of(cnn_data_problem what, bool from_table) {
    return what == CNN_DATA_UNREADABLE && !from_table ? "cannot be read any more"
                                                      : cnn_data_problem_text(what);
}

static void write_problem(list *l, const cnn_data_look *look, cnn_data_problem what,
                          bool from_table) {
    const cnn_data_report *images = look->images;
    size_t count = 0, named = 0;
    for (size_t i = 0; i < images->list.count; i++) {
        count += look->problems[i] >> what & 1u;
    }
    if (count == 0 || !cnn_data_problem_text(what)) {
        return;
    }
    begin_images(l, count, images->list.count, text_of(what, from_table));
    for (size_t i = 0; i < images->list.count; i++) {
        if (look->problems[i] >> what & 1u) {
            write_name(l, named++, images->list.samples[i].path, images->reasons[i]);
        }
    }
    cnn_html_end(l->html);
}

static void write_look(list *l, const cnn_data_look *look, bool from_table) {
    for (int what = 0; what < CNN_DATA_PROBLEMS; what++) {
        write_problem(l, look, (cnn_data_problem)what, from_table);
    }
}

static void write_changed(list *l, const cnn_file_sample *sample) {
    const cnn_data_report *images = &sample->pixels;
    if (sample->changed > 0) {
        begin_images(l, sample->changed, images->list.count, "have changed since the run");
        write_name(l, 0, images->list.samples[sample->first_changed].path, NULL);
        cnn_html_end(l->html);
    }
}

/* --- copies, which training has left in on demand --- */

static void write_copies_of_kind(list *l, const cnn_report_run *run, const cnn_sharing *sharing,
                                 cnn_shared kind, cnn_data_problem what) {
    size_t count = 0, named = 0;
    for (size_t i = 0; i < run->rows; i++) {
        count += (sharing[i].shared & kind) != 0;
    }
    if (count == 0) {
        return;
    }
    begin_images(l, count, run->rows, cnn_data_problem_text(what));
    for (size_t i = 0; i < run->rows; i++) {
        if (sharing[i].shared & kind) {
            write_name(l, named++, run->samples[i].path, NULL);
        }
    }
    cnn_html_end(l->html);
}

static cnn_status write_copies(list *l, const cnn_report_run *run, cnn_error *error) {
    cnn_sharing *sharing = cnn_alloc(run->rows, sizeof *sharing);
    cnn_status status = sharing ? cnn_duplicates_find(run->samples, run->rows, sharing, error)
                                : cnn_fail_memory(error, "the copies");
    if (status == CNN_OK) {
        write_copies_of_kind(l, run, sharing, CNN_COPY_OTHER_LABEL, CNN_DATA_COPY_OTHER_LABEL);
        write_copies_of_kind(l, run, sharing, CNN_COPY_OTHER_SPLIT, CNN_DATA_COPY_OTHER_SPLIT);
    }
    cnn_free(sharing);
    return status;
}

/* --- what is true of many images --- */

/* Width, height and size of the file are known from headers, brightness from pixels. */
static void write_shortcuts(list *l, const cnn_data_facts *facts) {
    for (int i = 0; i < CNN_SHORTCUTS; i++) {
        const cnn_shortcut what = (cnn_shortcut)i;
        const cnn_data_look *look =
            what == CNN_SHORTCUT_BRIGHTNESS ? &facts->pixels : &facts->headers;
        const double auc = look->images->auc[what];
        if (cnn_shortcut_is_one(look->images, what)) {
            begin_item(l);
            cnn_html_begin(l->html, "strong");
            cnn_html_format(l->html, "The %s alone", cnn_shortcut_name(what));
            cnn_html_end(l->html);
            cnn_html_format(l->html,
                            " tells the classes apart (AUC %.3f): the network may have learned "
                            "that instead of what the images show.",
                            auc);
            cnn_html_end(l->html);
        }
    }
}

/* Lines of the text of --check-data on 16 bits and alpha. A table does not have the values, so they
 * are those of the sample. */
static cnn_status write_hidden(list *l, const cnn_data_facts *facts, cnn_error *error) {
    cnn_text text = {0};
    const cnn_data_report *images = &facts->sample.pixels;
    if (images->list.count == 0) {
        return CNN_OK;
    }
    (void)cnn_data_report_hidden(images, &text);
    if (text.failed) {
        cnn_text_free(&text);
        return cnn_fail_memory(error, "the report");
    }
    for (char *line = text.length > 0 ? text.data : NULL; line && *line;) {
        const size_t length = strcspn(line, "\n");
        const bool more = line[length] == '\n';
        line[length] = '\0';
        begin_item(l);
        cnn_html_text(l->html, line + strspn(line, " "));
        if (facts->from_table) {
            cnn_html_format(l->html, " (as %zu of the images show)", images->list.count);
        }
        cnn_html_end(l->html);
        line += length + more;
    }
    cnn_text_free(&text);
    return CNN_OK;
}

cnn_status cnn_data_warnings_write(cnn_html *html, const cnn_report *report,
                                   const cnn_data_facts *facts, cnn_error *error) {
    list l = {.html = html};
    write_look(&l, &facts->headers, facts->from_table);
    if (!facts->from_table) {
        write_changed(&l, &facts->sample);
        write_look(&l, &facts->pixels, false);
        CNN_TRY(write_copies(&l, report->run, error));
    }
    CNN_TRY(write_hidden(&l, facts, error));
    write_shortcuts(&l, facts);
    if (l.items == 0) {
        cnn_html_element(html, "p", "Nothing was found.");
    } else {
        cnn_html_end(html);
    }
    return CNN_OK;
}
