/* Rows of results as text, one for each image, in the formats that cnnpredict and cnneval write. */
#ifndef CNN_ROWS_H
#define CNN_ROWS_H

#include "cnn/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cnn_row_format {
    CNN_ROWS_TSV,   /* no header; tab, newline, return and backslash as \t, \n, \r and \\ */
    CNN_ROWS_CSV,   /* RFC 4180, with a header */
    CNN_ROWS_JSONL, /* one object per line */
} cnn_row_format;

/* "tsv", "csv" and "jsonl", in this order, and NULL. */
extern const char *const cnn_row_format_names[];

typedef struct cnn_rows cnn_rows;

/* columns: their names, ending in NULL; they must outlive the rows. CSV starts with its
 * header. NULL if memory is refused. Free with cnn_rows_free. */
cnn_rows *cnn_rows_create(cnn_row_format format, const char *const *columns);
void cnn_rows_free(cnn_rows *rows); /* NULL is allowed */

/* Appends the next field. The field of the last column ends the row. An empty text is null in JSON.
 */
void cnn_rows_text(cnn_rows *rows, const char *field);
/* The same for a path, which may contain bytes that are not UTF-8. In JSON, such a byte XX is
 * written as \udcXX, a lone surrogate, so that two paths never become the same and every path can
 * be restored: Python's "surrogateescape" does (PEP 383). */
void cnn_rows_path(cnn_rows *rows, const char *path);
/* Up to 9 digits, which read back to the same float. NaN is empty, or null in JSON. */
void cnn_rows_number(cnn_rows *rows, float number);

/* *text: all rows since the last cnn_rows_clear, *length bytes, owned by the rows and valid until
 * the next call. CNN_ERROR_RUNTIME if memory was refused. */
CNN_MUST_USE cnn_status cnn_rows_look(const cnn_rows *rows, const char **text, size_t *length,
                                      cnn_error *error);
/* Removes what has been written. The next row follows without a header. */
void cnn_rows_clear(cnn_rows *rows);

#ifdef __cplusplus
}
#endif
#endif
