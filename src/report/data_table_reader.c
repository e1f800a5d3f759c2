/* data_report.csv, which --check-data has written, read back for the report of a run. */
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sort.h"
#include "inspect/data_reading.h"
#include "report/csv_table.h"
#include "report/data_facts.h"
#include "run/directory.h"

#include <stdio.h>
#include <string.h>

enum {
    PATH,
    LABEL,
    FORMAT,
    MODE,
    WIDTH,
    HEIGHT,
    ORIENTATION,
    BYTES,
    BRIGHTNESS,
    CONTENT,
    ISSUES,
    REASON,
    COLUMNS
};

/* --- fields --- */

/* False, here and below: the field is not what --check-data writes. */
static bool take_mode(const char *text, cnn_image_facts *facts) {
    for (int mode = 0; mode < 8; mode++) {
        if (strcmp(text, cnn_image_mode_name(mode % 4 + 1, mode >= 4)) == 0) {
            facts->channels = mode % 4 + 1;
            facts->deep = mode >= 4;
            return true;
        }
    }
    return false;
}

/* An integer from 1 to 2^31 - 1. */
static bool take_int(const cnn_table *t, int column, int *value) {
    size_t number;
    const bool fits =
        cnn_table_count(t, column, &number) == CNN_OK && number >= 1 && number <= INT32_MAX;
    *value = fits ? (int)number : 1;
    return fits;
}

static bool take_facts(const cnn_table *t, cnn_image_facts *facts) {
    return cnn_image_format_of_name(cnn_table_field(t, FORMAT), &facts->format) &&
           take_mode(cnn_table_field(t, MODE), facts) && take_int(t, WIDTH, &facts->width) &&
           take_int(t, HEIGHT, &facts->height) && take_int(t, ORIENTATION, &facts->orientation) &&
           cnn_table_count(t, BYTES, &facts->file_size) == CNN_OK &&
           cnn_table_number(t, BRIGHTNESS, &facts->brightness) == CNN_OK;
}

static bool take_label(const cnn_table *t, const cnn_report *report, int *label) {
    *label = strcmp(cnn_table_field(t, LABEL), report->classes[0]) != 0;
    return strcmp(cnn_table_field(t, LABEL), report->classes[*label]) == 0;
}

/* The problems in a field: names with spaces between them. */
static bool take_problems(char *text, uint32_t *problems) {
    while (*text) {
        const size_t length = strcspn(text, " ");
        const bool more = text[length] == ' ';
        int what = 0;
        text[length] = '\0';
        while (what < CNN_DATA_PROBLEMS &&
               strcmp(text, cnn_data_problem_name((cnn_data_problem)what)) != 0) {
            what++;
        }
        if (what == CNN_DATA_PROBLEMS) {
            return false;
        }
        *problems |= 1u << what;
        text += length + more;
    }
    return true;
}

/* Path and pixels of an image. */
static uint64_t key_of(const char *path, const char *content) {
    const uint64_t key = cnn_hash_bytes(CNN_HASH_START, path, strlen(path) + 1);
    return cnn_hash_bytes(key, content, strlen(content));
}

/* --- rows --- */

typedef struct reading {
    const cnn_report *report;
    cnn_table t;
    cnn_data_facts *facts;
    cnn_keyed *keys; /* [readable rows], then sorted */
    size_t readable;
} reading;

/* Rows of readable images come first, as --check-data writes them. */
static bool take_row(reading *r) {
    cnn_data_report *table = &r->facts->table;
    const size_t i = table->list.count;
    cnn_sample *sample = &table->list.samples[i];
    bool more;
    if (cnn_table_next(&r->t, &more) != CNN_OK || !more) {
        return false;
    }
    *sample = (cnn_sample){.path = cnn_table_field(&r->t, PATH)};
    if (!take_label(&r->t, r->report, &sample->label) ||
        !take_problems(cnn_table_field(&r->t, ISSUES), &r->facts->headers.problems[i])) {
        return false;
    }
    table->list.count++;
    if (r->facts->headers.problems[i] & 1u << CNN_DATA_UNREADABLE) {
        table->reasons[i] = cnn_table_field(&r->t, REASON);
        return true;
    }
    if (r->readable != i || !take_facts(&r->t, &table->facts[i])) {
        return false;
    }
    r->keys[i].key = key_of(sample->path, cnn_table_field(&r->t, CONTENT));
    table->readable = ++r->readable;
    return true;
}

/* Problems that depend on keys of the config, which may have been others. */
static void correct_problems(const cnn_report *report, cnn_data_facts *facts) {
    const bool drop = report->run->config->image.alpha == CNN_ALPHA_DROP;
    for (size_t i = 0; i < facts->table.readable; i++) {
        uint32_t *problems = &facts->headers.problems[i];
        const bool is_small = cnn_data_problem_has(&facts->table, i, CNN_DATA_SMALL);
        *problems &= ~(1u << CNN_DATA_SMALL | (drop ? 0u : 1u << CNN_DATA_SHAPE_IN_ALPHA));
        *problems |= is_small ? 1u << CNN_DATA_SMALL : 0u;
    }
}

/* --- is it about the same images? --- */

/* keys[count]: room. *all: has the table each image of the run, with its pixels? */
static cnn_status compare(reading *r, cnn_keyed *keys, bool *all, cnn_error *error) {
    const cnn_report_run *run = r->report->run;
    size_t at = 0;
    for (size_t i = 0; i < run->rows; i++) {
        char content[17];
        (void)snprintf(content, sizeof content, "%016llx",
                       (unsigned long long)run->samples[i].content);
        keys[i].key = key_of(run->samples[i].path, content);
    }
    if (!cnn_sort_by_key(keys, run->rows) || !cnn_sort_by_key(r->keys, r->readable)) {
        return cnn_fail_memory(error, CNN_DATA_REPORT);
    }
    *all = true;
    for (size_t i = 0; i < run->rows && *all; i++) {
        while (at < r->readable && r->keys[at].key < keys[i].key) {
            at++;
        }
        *all = at < r->readable && r->keys[at].key == keys[i].key;
    }
    return CNN_OK;
}

static cnn_status is_of_run(reading *r, bool *all, cnn_error *error) {
    cnn_keyed *keys = cnn_alloc(r->report->run->rows, sizeof *keys);
    const cnn_status status =
        keys ? compare(r, keys, all, error) : cnn_fail_memory(error, CNN_DATA_REPORT);
    cnn_free(keys);
    return status;
}

/* --- */

static cnn_status make_room(reading *r, cnn_error *error) {
    const size_t rows = r->t.rows;
    cnn_data_report *table = &r->facts->table;
    *table = (cnn_data_report){.config = r->report->run->config, .seen = r->report->run->seen};
    table->list.samples = cnn_alloc(rows, sizeof *table->list.samples);
    table->facts = cnn_alloc(rows, sizeof *table->facts);
    table->reasons = cnn_alloc(rows, sizeof *table->reasons);
    r->facts->headers.problems = cnn_alloc(rows, sizeof *r->facts->headers.problems);
    r->keys = cnn_alloc(rows, sizeof *r->keys);
    return table->list.samples && table->facts && table->reasons && r->facts->headers.problems &&
                   r->keys
               ? CNN_OK
               : cnn_fail_memory(error, CNN_DATA_REPORT);
}

static cnn_status read_rows(reading *r, bool *used, cnn_error *error) {
    CNN_TRY(make_room(r, error));
    for (size_t i = 0; i < r->t.rows; i++) {
        if (!take_row(r)) {
            (void)snprintf(r->facts->table_unused, sizeof r->facts->table_unused,
                           "line %zu is not as --check-data writes it", r->t.csv.line);
            return CNN_OK;
        }
    }
    CNN_TRY(is_of_run(r, used, error));
    if (!*used) {
        (void)snprintf(r->facts->table_unused, sizeof r->facts->table_unused,
                       "it is about other images");
        return CNN_OK;
    }
    correct_problems(r->report, r->facts);
    r->facts->from_table = true;
    r->facts->headers.images = &r->facts->table;
    r->facts->pixels = r->facts->headers;
    return cnn_data_measure_shortcuts(&r->facts->table, error);
}

/* Paths and reasons are parts of the text. */
void cnn_data_facts_release_table(cnn_data_facts *facts) {
    cnn_free(facts->table.list.samples);
    cnn_free(facts->table.facts);
    cnn_free(facts->table.reasons);
    cnn_free(facts->table_text);
    facts->table = (cnn_data_report){0};
    facts->table_text = NULL;
}

/* What has been read of a table that is not used. */
static void drop(cnn_data_facts *facts) {
    cnn_free(facts->headers.problems);
    facts->headers = (cnn_data_look){0};
    cnn_data_facts_release_table(facts);
}

cnn_status cnn_data_facts_read_table(const cnn_report *report, const char *path,
                                     cnn_data_facts *facts, bool *used, cnn_error *error) {
    static const char *const names[COLUMNS] = {"path",       "label",   "format",      "mode",
                                               "width",      "height",  "orientation", "bytes",
                                               "brightness", "content", "problems",    "reason"};
    reading r = {.report = report, .facts = facts};
    cnn_error reason;
    cnn_status status = cnn_table_open(path, names, COLUMNS, &r.t, &reason);
    facts->table_text = r.t.text;
    if (status == CNN_OK) {
        status = read_rows(&r, used, error);
    } else if (r.t.text) { /* it could be read, but is no such table */
        (void)snprintf(facts->table_unused, sizeof facts->table_unused,
                       "it is no table of --check-data");
        status = CNN_OK;
    } else {
        *error = reason;
    }
    cnn_free(r.keys);
    if (!*used) {
        drop(facts);
    }
    return status;
}
