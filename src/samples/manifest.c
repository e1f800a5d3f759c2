#include "samples/manifest.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_LIMIT ((size_t)1 << 30)

enum { PATH, LABEL, SPLIT, GROUP, COLUMN_KINDS };
static const char *const column_names[] = {"path", "label", "split", "group", NULL};

/* One row as text. Columns that the manifest lacks, and empty splits and groups, are NULL. */
typedef struct manifest_row {
    char *field[COLUMN_KINDS];
    size_t number; /* from 1, which is the header */
} manifest_row;

typedef struct manifest {
    const char *path;
    cnn_error *error;
    cnn_status status;        /* of the calls by libcsv; after a failure they do nothing */
    int column[COLUMN_KINDS]; /* the meaning of each column of the file */
    int columns, field;       /* columns of the header; number of the field being read */
    size_t row_number;
    manifest_row current;
    manifest_row *rows;
    size_t count, capacity;
} manifest;

static void free_row(manifest_row *row) {
    for (int i = 0; i < COLUMN_KINDS; i++) {
        cnn_free(row->field[i]);
        row->field[i] = NULL;
    }
}

/* Is one of the first `columns` columns of this kind? */
static bool has_column(const manifest *m, int columns, int kind) {
    for (int i = 0; i < columns; i++) {
        if (m->column[i] == kind) {
            return true;
        }
    }
    return false;
}

static cnn_status read_header_field(manifest *m, const char *name) {
    for (int kind = 0; kind < COLUMN_KINDS; kind++) {
        if (strcmp(name, column_names[kind]) == 0) {
            if (has_column(m, m->field, kind)) {
                return cnn_fail(m->error, CNN_ERROR_DATA,
                                "%s: row 1: column \"%s\" stands here twice", m->path, name);
            }
            m->column[m->field] = kind;
            return CNN_OK;
        }
    }
    const char *nearest = cnn_text_nearest(name, column_names);
    return cnn_fail(m->error, CNN_ERROR_DATA, "%s: row 1: unknown column \"%.60s\"; %s%s%s",
                    m->path, name,
                    nearest ? "did you mean \"" : "expected path, label, split or group",
                    nearest ? nearest : "", nearest ? "\"?" : "");
}

static cnn_status read_field(manifest *m, const char *text, size_t length) {
    if (strlen(text) != length && length > 0) {
        return cnn_fail(m->error, CNN_ERROR_DATA, "%s: row %zu: expected text, found a zero byte",
                        m->path, m->row_number);
    }
    if (m->row_number == 1) {
        return m->field < COLUMN_KINDS
                   ? read_header_field(m, text)
                   : cnn_fail(m->error, CNN_ERROR_DATA,
                              "%s: row 1: expected at most the columns path,label,split,group",
                              m->path);
    }
    if (m->field < m->columns) {
        int kind = m->column[m->field];
        bool optional = kind == SPLIT || kind == GROUP;
        if (!optional || length > 0) {
            m->current.field[kind] = cnn_copy_string(text);
            return m->current.field[kind] ? CNN_OK : cnn_fail_memory(m->error, "a manifest");
        }
    }
    return CNN_OK;
}

/* libcsv calls this for each field. A '\0' follows the bytes (CSV_APPEND_NULL). */
static void on_field(void *bytes, size_t length, void *context) {
    manifest *m = context;
    if (m->status == CNN_OK) {
        m->status = read_field(m, bytes ? bytes : "", length);
        m->field++;
    }
}

static cnn_status end_header(manifest *m) {
    m->columns = m->field;
    for (int kind = PATH; kind <= LABEL; kind++) {
        if (!has_column(m, m->columns, kind)) {
            return cnn_fail(m->error, CNN_ERROR_DATA,
                            "%s: row 1: expected a header path,label[,split][,group], found no "
                            "column \"%s\"",
                            m->path, column_names[kind]);
        }
    }
    return CNN_OK;
}

static cnn_status end_data_row(manifest *m) {
    if (m->field != m->columns) {
        return cnn_fail(m->error, CNN_ERROR_DATA, "%s: row %zu: expected %d fields, found %d",
                        m->path, m->row_number, m->columns, m->field);
    }
    for (int kind = PATH; kind <= LABEL; kind++) {
        if (!*m->current.field[kind]) {
            return cnn_fail(m->error, CNN_ERROR_DATA,
                            "%s: row %zu: %s: expected text, found nothing", m->path, m->row_number,
                            column_names[kind]);
        }
    }
    void *rows = m->rows;
    if (!cnn_grow(&rows, &m->capacity, m->count + 1, sizeof *m->rows)) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    m->rows = rows;
    m->current.number = m->row_number;
    m->rows[m->count++] = m->current;
    m->current = (manifest_row){0};
    return CNN_OK;
}

/* libcsv calls this at the end of each row that is not empty. */
static void on_row(int terminator, void *context) {
    (void)terminator;
    manifest *m = context;
    if (m->status == CNN_OK) {
        m->status = m->row_number == 1 ? end_header(m) : end_data_row(m);
        free_row(&m->current);
        m->field = 0;
        m->row_number++;
    }
}

static cnn_status parse_all(manifest *m, struct csv_parser *parser, const char *text, size_t size) {
    bool parsed = csv_parse(parser, text, size, on_field, on_row, m) == size &&
                  csv_fini(parser, on_field, on_row, m) == 0;
    CNN_TRY(m->status);
    if (!parsed && csv_error(parser) == CSV_ENOMEM) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    if (!parsed) {
        return cnn_fail(m->error, CNN_ERROR_DATA, "%s: row %zu: expected valid CSV: %s", m->path,
                        m->row_number, csv_strerror(csv_error(parser)));
    }
    if (m->row_number == 1) {
        return cnn_fail(m->error, CNN_ERROR_DATA,
                        "%s: expected a header path,label[,split][,group], found an empty file",
                        m->path);
    }
    return CNN_OK;
}

static cnn_status parse(manifest *m, const char *text, size_t size) {
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    cnn_status status = parse_all(m, &parser, text, size);
    csv_free(&parser);
    return status;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sets classes from the labels of all rows. */
static cnn_status find_classes(const manifest *m, char *classes[2]) {
    char **labels = cnn_alloc(m->count, sizeof *labels);
    if (!labels) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    for (size_t i = 0; i < m->count; i++) {
        labels[i] = m->rows[i].field[LABEL];
    }
    qsort(labels, m->count, sizeof *labels, by_text);
    size_t different = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (different == 0 || strcmp(labels[different - 1], labels[i]) != 0) {
            labels[different++] = labels[i];
        }
    }
    cnn_status status =
        cnn_classes_from_names(labels, different, m->path, "labels", classes, m->error);
    cnn_free(labels);
    return status;
}

/* The split that a row names. */
static cnn_status read_split(const manifest *m, const manifest_row *row, bool allowed,
                             cnn_split *split) {
    const char *name = row->field[SPLIT];
    if (!allowed) {
        return cnn_fail(
            m->error, CNN_ERROR_DATA,
            "%s: row %zu: split: only the manifest of data.train can split, found \"%.60s\"",
            m->path, row->number, name);
    }
    for (int i = 0; i < CNN_SPLIT_COUNT; i++) {
        if (strcmp(name, cnn_split_names[i]) == 0) {
            *split = (cnn_split)i;
            return CNN_OK;
        }
    }
    return cnn_fail(m->error, CNN_ERROR_DATA,
                    "%s: row %zu: split: expected train, validation or test, found \"%.60s\"",
                    m->path, row->number, name);
}

static cnn_status add_row(const manifest *m, const manifest_row *row, const char *folder,
                          cnn_split split, bool splits_allowed, char *const *classes,
                          cnn_sample_list *list) {
    int label = strcmp(row->field[LABEL], classes[0]) == 0   ? 0
                : strcmp(row->field[LABEL], classes[1]) == 0 ? 1
                                                             : -1;
    if (label < 0) {
        list->other_labels++;
        return CNN_OK;
    }
    if (row->field[SPLIT]) {
        CNN_TRY(read_split(m, row, splits_allowed, &split));
    }
    char *group = row->field[GROUP] ? cnn_copy_string(row->field[GROUP]) : NULL;
    if (row->field[GROUP] && !group) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    return cnn_sample_list_add(list, cnn_path_join(folder, row->field[PATH]), group, label, split,
                               m->error);
}

static cnn_status add_rows(const manifest *m, const char *folder, cnn_split split,
                           bool splits_allowed, char *const *classes, cnn_sample_list *list) {
    if (!folder) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    for (size_t i = 0; i < m->count; i++) {
        CNN_TRY(add_row(m, &m->rows[i], folder, split, splits_allowed, classes, list));
    }
    return CNN_OK;
}

static cnn_status read_all(manifest *m, const char *text, size_t size, cnn_split split,
                           bool splits_allowed, char *classes[2], cnn_sample_list *list) {
    bool has_byte_order_mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    size_t start = has_byte_order_mark ? 3 : 0;
    CNN_TRY(parse(m, text + start, size - start));
    if (!classes[0]) {
        CNN_TRY(find_classes(m, classes));
    }
    char *folder = cnn_path_folder(m->path);
    cnn_status status = add_rows(m, folder, split, splits_allowed, classes, list);
    cnn_free(folder);
    return status;
}

cnn_status cnn_sample_list_read_manifest(const char *path, cnn_split split, bool splits_allowed,
                                         char *classes[2], cnn_sample_list *list,
                                         cnn_error *error) {
    manifest m = {.path = path, .error = error, .row_number = 1};
    char *text;
    size_t size;
    cnn_status status = cnn_file_read(path, MANIFEST_LIMIT, CNN_ERROR_DATA, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    status = read_all(&m, text, size, split, splits_allowed, classes, list);
    for (size_t i = 0; i < m.count; i++) {
        free_row(&m.rows[i]);
    }
    free_row(&m.current);
    cnn_free(m.rows);
    cnn_free(text);
    return status;
}
