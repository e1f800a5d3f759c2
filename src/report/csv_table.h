/* A table of a run directory that is read row by row, and checked. A failure is CNN_ERROR_RUNTIME
 * with path, line, and what was expected and found. */
#ifndef CNN_REPORT_CSV_TABLE_H
#define CNN_REPORT_CSV_TABLE_H

#include "base/csv.h"

#include <stddef.h>

typedef struct cnn_table {
    const char *path;
    char *text; /* the file; fields are parts of it. Free with cnn_free, also after a failure */
    cnn_csv csv;
    size_t rows;                    /* without the header */
    int columns;                    /* that are read … */
    int column[CNN_CSV_FIELDS_MAX]; /* … and where they are in the file */
    cnn_error *error;
} cnn_table;

/* Opens the file `path`, which must have these columns, in any order: names[columns]. Column 0 is
 * then names[0]. The table keeps path and error. */
CNN_MUST_USE cnn_status cnn_table_open(const char *path, const char *const *names, int columns,
                                       cnn_table *t, cnn_error *error);

/* The next row. *more: false after the last one. */
CNN_MUST_USE cnn_status cnn_table_next(cnn_table *t, bool *more);

/* --- the current row --- */

char *cnn_table_field(const cnn_table *t, int column);
/* A finite number; NaN if the field is empty. */
CNN_MUST_USE cnn_status cnn_table_number(const cnn_table *t, int column, double *value);
CNN_MUST_USE cnn_status cnn_table_count(const cnn_table *t, int column, size_t *value);
/* The class of that name. */
CNN_MUST_USE cnn_status cnn_table_class(const cnn_table *t, int column, char *const *classes,
                                        int *label);

/* Fails: the field is not what was expected; the number of rows is not that in summary.json. */
cnn_status cnn_table_fail(const cnn_table *t, int column, const char *expected);
cnn_status cnn_table_fail_rows(const cnn_table *t, size_t expected, size_t found);

#endif
