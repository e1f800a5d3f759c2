#include "samples/manifest.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "samples/manifest_text.h"

#include <csv.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MANIFEST_LIMIT ((size_t)1 << 30)

/* Columns that messages list. */
enum { LISTED_COLUMNS = 10 };

/* CONTENT marks a table that a run wrote (split.csv); its values are not used. */
enum { PATH, LABEL, SPLIT, GROUP, CONTENT, COLUMN_KINDS };
enum { NEEDED = LABEL + 1, KEPT = GROUP + 1 };

/* The names of each column. If a file has several of them, the first one is used. */
static const char *const column_names[COLUMN_KINDS][6] = {
    [PATH] = {"path", "file_name", "filename", "file", "image"},
    [LABEL] = {"label", "class"},
    [SPLIT] = {"split"},
    [GROUP] = {"group"},
    [CONTENT] = {"content"},
};

/* One row as text. Columns that the manifest lacks, and empty fields, are NULL. */
typedef struct manifest_row {
    char *field[KEPT];
    size_t number; /* from 1; blank rows count */
} manifest_row;

typedef struct manifest {
    const char *path;
    cnn_error *error;
    cnn_status status;        /* of the calls by libcsv; after a failure they do nothing */
    char **names;             /* [columns]: the header; "" for a column without a name */
    int column[COLUMN_KINDS]; /* where each column is; -1: nowhere */
    size_t columns, names_capacity;
    bool has_header;                  /* was it read? */
    size_t field, filled, row_number; /* of the row being read: fields; those up to the last one
                                       * that is not empty */
    bool after_return;                /* did a carriage return end the row before? */
    manifest_row current;
    manifest_row *rows;
    size_t count, capacity;
} manifest;

static void free_row(manifest_row *row) {
    for (int i = 0; i < KEPT; i++) {
        cnn_free(row->field[i]);
        row->field[i] = NULL;
    }
}

/* --- the header --- */

static cnn_status add_name(manifest *m, const char *name) {
    void *names = m->names;
    if (!cnn_grow(&names, &m->names_capacity, m->columns + 1, sizeof *m->names)) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    m->names = names;
    m->names[m->columns] = cnn_copy_string(name);
    return m->names[m->columns++] ? CNN_OK : cnn_fail_memory(m->error, "a manifest");
}

/* Sets where the column of this kind is. */
static cnn_status find_column(manifest *m, int kind) {
    m->column[kind] = -1;
    for (const char *const *name = column_names[kind]; *name && m->column[kind] < 0; name++) {
        for (size_t i = 0; i < m->columns; i++) {
            if (strcasecmp(m->names[i], *name) != 0) {
                continue;
            }
            if (m->column[kind] >= 0) {
                return cnn_fail(m->error, CNN_ERROR_DATA,
                                "%s: row %zu: column \"%s\" is given twice", m->path, m->row_number,
                                *name);
            }
            m->column[kind] = (int)i;
        }
    }
    return CNN_OK;
}

/* The kind of column i, or COLUMN_KINDS if it has none. */
static int kind_of(const manifest *m, size_t i) {
    int kind = 0;
    while (kind < COLUMN_KINDS && m->column[kind] != (int)i) {
        kind++;
    }
    return kind;
}

/* Lists the names of all columns, or of those that are not used, with a hint where one looks like a
 * column that is missing. Returns how many there are. */
static size_t list_columns(const manifest *m, bool unused, cnn_text *text) {
    size_t listed = 0;
    for (size_t i = 0; i < m->columns; i++) {
        if ((unused && kind_of(m, i) < COLUMN_KINDS) || listed++ >= LISTED_COLUMNS) {
            continue;
        }
        cnn_text_append(text, ", ", listed > 1 ? 2 : 0);
        if (!*m->names[i]) {
            cnn_text_format(text, "column %zu, which has no name", i + 1);
            continue;
        }
        cnn_text_format(text, "\"%.60s\"", m->names[i]);
        for (int kind = PATH; kind <= GROUP; kind++) {
            const char *const words[] = {column_names[kind][0], NULL};
            if (m->column[kind] < 0 && cnn_text_nearest(m->names[i], words)) {
                cnn_text_format(text, " (did you mean \"%s\"?)", words[0]);
            }
        }
    }
    if (listed > LISTED_COLUMNS) {
        cnn_text_append(text, ", …", strlen(", …"));
    }
    return listed;
}

static cnn_status fail_column(const manifest *m, int kind) {
    cnn_text others = {0}, found = {0};
    for (const char *const *name = column_names[kind] + 1; *name; name++) {
        cnn_text_format(&others, "%s%s", others.length > 0 ? ", " : "", *name);
    }
    (void)list_columns(m, false, &found);
    cnn_status status =
        others.failed || found.failed
            ? cnn_fail_memory(m->error, "a manifest")
            : cnn_fail(m->error, CNN_ERROR_DATA,
                       "%s: row %zu: expected a header path,label[,split][,group], found no column "
                       "\"%s\" (or %s) among %s",
                       m->path, m->row_number, column_names[kind][0], others.data, found.data);
    cnn_text_free(&others);
    cnn_text_free(&found);
    return status;
}

static cnn_status end_header(manifest *m) {
    for (int kind = 0; kind < COLUMN_KINDS; kind++) {
        CNN_TRY(find_column(m, kind));
    }
    for (int kind = 0; kind < NEEDED; kind++) {
        if (m->column[kind] < 0) {
            return fail_column(m, kind);
        }
    }
    m->has_header = true;
    return CNN_OK;
}

static cnn_status log_unused(const manifest *m, const cnn_log_sink *log) {
    cnn_text names = {0};
    size_t unused = list_columns(m, true, &names);
    cnn_status status = names.failed ? cnn_fail_memory(m->error, "a manifest") : CNN_OK;
    if (unused > 0 && status == CNN_OK) {
        cnn_log_message(log, CNN_LOG_INFO, "%s: not used: %s", m->path, names.data);
    }
    cnn_text_free(&names);
    return status;
}

/* --- rows --- */

static cnn_status read_field(manifest *m, const char *text, size_t length) {
    if (strlen(text) != length && length > 0) {
        return cnn_fail(m->error, CNN_ERROR_DATA,
                        "%s: row %zu: expected text in UTF-8 or UTF-16, found a zero byte", m->path,
                        m->row_number);
    }
    if (!m->has_header) {
        return add_name(m, text);
    }
    int kind = kind_of(m, m->field);
    if (kind < KEPT && length > 0) {
        m->current.field[kind] = cnn_copy_string(text);
        return m->current.field[kind] ? CNN_OK : cnn_fail_memory(m->error, "a manifest");
    }
    return CNN_OK;
}

/* libcsv calls this for each field. A '\0' follows the bytes (CSV_APPEND_NULL). */
static void on_field(void *bytes, size_t length, void *context) {
    manifest *m = context;
    if (m->status == CNN_OK) {
        m->status = read_field(m, bytes ? bytes : "", length);
        m->field++;
        m->filled = length > 0 ? m->field : m->filled;
    }
}

/* Programs add empty fields at the end of rows, and leave empty ones out. */
static cnn_status check_fields(const manifest *m) {
    bool complete = m->filled <= m->columns;
    for (int kind = 0; kind < NEEDED; kind++) {
        complete = complete && m->column[kind] < (int)m->field;
    }
    if (!complete) {
        return cnn_fail(m->error, CNN_ERROR_DATA, "%s: row %zu: expected %zu fields, found %zu",
                        m->path, m->row_number, m->columns, m->field);
    }
    for (int kind = 0; kind < NEEDED; kind++) {
        if (!m->current.field[kind]) {
            return cnn_fail(m->error, CNN_ERROR_DATA,
                            "%s: row %zu: %s: expected text, found nothing", m->path, m->row_number,
                            m->names[m->column[kind]]);
        }
    }
    return CNN_OK;
}

static cnn_status end_data_row(manifest *m) {
    CNN_TRY(check_fields(m));
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

static void free_names(manifest *m) {
    for (size_t i = 0; i < m->columns; i++) {
        cnn_free(m->names[i]);
    }
    m->columns = 0;
}

/* A row without any text, as spreadsheets write for cleared cells, is left out. */
static cnn_status end_row(manifest *m) {
    if (m->filled == 0) {
        if (!m->has_header) {
            free_names(m);
        }
        return CNN_OK;
    }
    return m->has_header ? end_data_row(m) : end_header(m);
}

/* libcsv calls this at the end of each row, also for the second character of a line end
 * (CSV_REPALL_NL). */
static void on_row(int terminator, void *context) {
    manifest *m = context;
    bool same_end = m->after_return && terminator == '\n' && m->field == 0;
    m->after_return = terminator == '\r';
    if (m->status == CNN_OK && !same_end) {
        m->status = end_row(m);
        free_row(&m->current);
        m->field = 0;
        m->filled = 0;
        m->row_number++;
    }
}

static cnn_status parse_all(manifest *m, struct csv_parser *parser, const char *text, size_t size) {
    bool parsed = csv_parse(parser, text, size, on_field, on_row, m) == size;
    bool ended = parsed && csv_fini(parser, on_field, on_row, m) == 0;
    CNN_TRY(m->status);
    if (!ended && csv_error(parser) != CSV_EPARSE) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    if (!ended) {
        return cnn_fail(m->error, CNN_ERROR_DATA,
                        "%s: row %zu: expected valid CSV, found a quote that %s", m->path,
                        m->row_number,
                        parsed ? "is not closed in the rest of the file"
                               : "is not closed at the end of its field, or not doubled inside it");
    }
    if (!m->has_header) {
        return cnn_fail(m->error, CNN_ERROR_DATA,
                        "%s: expected a header path,label[,split][,group], found an empty file",
                        m->path);
    }
    return CNN_OK;
}

static cnn_status parse(manifest *m, const char *text, size_t size) {
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL | CSV_REPALL_NL) != 0) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    size_t skip;
    csv_set_delim(&parser, (unsigned char)cnn_manifest_separator(text, size, &skip));
    cnn_status status = parse_all(m, &parser, text + skip, size - skip);
    csv_free(&parser);
    return status;
}

/* --- samples --- */

/* Sets classes from the labels of all rows. */
static cnn_status find_classes(const manifest *m, char *classes[2]) {
    char **labels = cnn_alloc(m->count, sizeof *labels);
    if (!labels) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    for (size_t i = 0; i < m->count; i++) {
        labels[i] = m->rows[i].field[LABEL];
    }
    cnn_status status = cnn_classes_from_labels(labels, m->count, m->path, classes, m->error);
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
    if (!cnn_split_from_word(name, split)) {
        return cnn_fail(m->error, CNN_ERROR_DATA,
                        "%s: row %zu: split: expected train, validation or test, found \"%.60s\"",
                        m->path, row->number, name);
    }
    return CNN_OK;
}

/* An image in a container counts as there: its reader says if it is not. */
static bool is_missing(const char *path) {
    size_t length;
    return access(path, F_OK) != 0 &&
           (errno == ENOENT ||
            (errno == ENOTDIR && cnn_container_of(path, &length) == CNN_CONTAINER_NONE));
}

/* *path: the path of a row, to be freed, as it can be opened from the working directory. A
 * backslash separates folders unless there is a file with the backslash in its name. */
static cnn_status find_path(const manifest *m, const char *folder, const char *written,
                            char **path) {
    *path = cnn_path_join(folder, written);
    if (*path && strchr(written, '\\') && is_missing(*path)) {
        char *slashes = cnn_copy_string(written);
        for (char *c = slashes; c && *c; c++) {
            *c = *c == '\\' ? '/' : *c;
        }
        cnn_free(*path);
        *path = slashes ? cnn_path_join(folder, slashes) : NULL;
        cnn_free(slashes);
    }
    return *path ? CNN_OK : cnn_fail_memory(m->error, "a manifest");
}

/* Paths are relative to the manifest. In a table that a run wrote they are as the run opened them:
 * relative to the working directory, unless the first image that exists in one of the two places is
 * next to the manifest. Sets *folder to "" if it is the working directory. */
static cnn_status choose_folder(const manifest *m, char *folder) {
    for (size_t i = 0; i < m->count && m->column[CONTENT] >= 0 && *folder; i++) {
        char *beside;
        CNN_TRY(find_path(m, folder, m->rows[i].field[PATH], &beside));
        bool found = !is_missing(beside);
        cnn_free(beside);
        if (found) {
            return CNN_OK;
        }
        if (!is_missing(m->rows[i].field[PATH])) {
            *folder = '\0';
        }
    }
    return CNN_OK;
}

static cnn_status add_row(const manifest *m, const manifest_row *row, const char *folder,
                          const cnn_list_source *source, char *const *classes,
                          cnn_sample_list *list) {
    const int label = cnn_class_of(row->field[LABEL], classes);
    if (label < 0) {
        list->other_labels++;
        return CNN_OK;
    }
    cnn_split split = source->split;
    if (row->field[SPLIT]) {
        CNN_TRY(read_split(m, row, source->splits_allowed, &split));
    }
    char *path;
    CNN_TRY(find_path(m, folder, row->field[PATH], &path));
    char *group = row->field[GROUP] ? cnn_copy_string(row->field[GROUP]) : NULL;
    if (row->field[GROUP] && !group) {
        cnn_free(path);
        return cnn_fail_memory(m->error, "a manifest");
    }
    return cnn_sample_list_add(list, path, group, label, split, m->error);
}

static cnn_status add_rows(const manifest *m, char *folder, const cnn_list_source *source,
                           char *const *classes, cnn_sample_list *list) {
    if (!folder) {
        return cnn_fail_memory(m->error, "a manifest");
    }
    CNN_TRY(choose_folder(m, folder));
    for (size_t i = 0; i < m->count; i++) {
        CNN_TRY(add_row(m, &m->rows[i], folder, source, classes, list));
    }
    return CNN_OK;
}

static cnn_status read_all(manifest *m, char **text, size_t size, const cnn_list_source *source,
                           char *classes[2], cnn_sample_list *list) {
    CNN_TRY(cnn_manifest_to_utf8(m->path, text, &size, m->error));
    CNN_TRY(parse(m, *text, size));
    CNN_TRY(log_unused(m, source->log));
    if (!classes[0]) {
        CNN_TRY(find_classes(m, classes));
    }
    char *folder = cnn_path_folder(m->path);
    cnn_status status = add_rows(m, folder, source, classes, list);
    cnn_free(folder);
    return status;
}

cnn_status cnn_sample_list_read_manifest(const cnn_list_source *source, char *classes[2],
                                         cnn_sample_list *list, cnn_error *error) {
    manifest m = {.path = source->path, .error = error, .row_number = 1};
    char *text;
    size_t size;
    cnn_status status =
        cnn_file_read(source->path, MANIFEST_LIMIT, CNN_ERROR_DATA, &text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", source->path);
    }
    status = read_all(&m, &text, size, source, classes, list);
    for (size_t i = 0; i < m.count; i++) {
        free_row(&m.rows[i]);
    }
    free_row(&m.current);
    free_names(&m);
    cnn_free(m.names);
    cnn_free(m.rows);
    cnn_free(text);
    return status;
}
