#include "report/csv_table.h"

#include "base/error.h"
#include "base/file.h"
#include "base/number_text.h"

#include <math.h>
#include <string.h>

/* The largest table that is read. */
#define TABLE_LIMIT ((size_t)1 << 30)

static size_t count_rows(const char *text) {
    size_t rows = 0;
    bool quoted = false;
    for (const char *at = text; *at; at++) {
        quoted = *at == '"' ? !quoted : quoted;
        rows += *at == '\n' && !quoted;
    }
    return rows > 0 ? rows - 1 : 0;
}

/* Opens a table, which must have these columns: names[columns]. */
cnn_status cnn_table_open(const char *path, const char *const *names, int columns, cnn_table *t,
                          cnn_error *error) {
    size_t size;
    *t = (cnn_table){.path = path, .columns = columns, .error = error};
    cnn_status status = cnn_file_read(path, TABLE_LIMIT, CNN_ERROR_RUNTIME, &t->text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", path);
    }
    if (size == 0 || strlen(t->text) != size || t->text[size - 1] != '\n') {
        return cnn_fail(error, CNN_ERROR_RUNTIME,
                        "%s: damaged: expected a table that ends with a line end", path);
    }
    t->rows = count_rows(t->text);
    t->csv = cnn_csv_start(t->text);
    (void)cnn_csv_next(&t->csv);
    for (int i = 0; i < columns; i++) {
        t->column[i] = cnn_csv_column(&t->csv, names[i]);
        if (t->column[i] < 0) {
            return cnn_fail(error, CNN_ERROR_RUNTIME, "%s: expected a column \"%s\", found none",
                            path, names[i]);
        }
    }
    return CNN_OK;
}

/* The next row, which has all columns. *more: false after the last one. */
cnn_status cnn_table_next(cnn_table *t, bool *more) {
    *more = cnn_csv_next(&t->csv);
    for (int i = 0; i < t->columns && *more; i++) {
        if (t->column[i] >= t->csv.count) {
            return cnn_fail(t->error, CNN_ERROR_RUNTIME,
                            "%s: line %zu: expected at least %d fields, found %d", t->path,
                            t->csv.line, t->column[i] + 1, t->csv.count);
        }
    }
    return CNN_OK;
}

char *cnn_table_field(const cnn_table *t, int column) {
    return t->csv.field[t->column[column]];
}

cnn_status cnn_table_fail(const cnn_table *t, int column, const char *expected) {
    return cnn_fail(t->error, CNN_ERROR_RUNTIME, "%s: line %zu: expected %s, found \"%.60s\"",
                    t->path, t->csv.line, expected, cnn_table_field(t, column));
}

cnn_status cnn_table_fail_rows(const cnn_table *t, size_t expected, size_t found) {
    return cnn_fail(t->error, CNN_ERROR_RUNTIME,
                    "%s: expected %zu rows, as in summary.json, found %zu", t->path, expected,
                    found);
}

/* An empty field is NaN. */
cnn_status cnn_table_number(const cnn_table *t, int column, double *value) {
    const char *text = cnn_table_field(t, column);
    char *end;
    *value = *text ? cnn_number_read(text, &end) : (double)NAN;
    return !*text || (end != text && !*end && isfinite(*value))
               ? CNN_OK
               : cnn_table_fail(t, column, "a number");
}

cnn_status cnn_table_count(const cnn_table *t, int column, size_t *value) {
    double number;
    CNN_TRY(cnn_table_number(t, column, &number));
    if (!(number >= 0.0 && number <= 0x1p53) || number != floor(number)) {
        return cnn_table_fail(t, column, "an integer that is not negative");
    }
    *value = (size_t)number;
    return CNN_OK;
}

cnn_status cnn_table_class(const cnn_table *t, int column, char *const *classes, int *label) {
    for (*label = 0; *label < 2; ++*label) {
        if (strcmp(cnn_table_field(t, column), classes[*label]) == 0) {
            return CNN_OK;
        }
    }
    return cnn_table_fail(t, column, "one of the classes in summary.json");
}
