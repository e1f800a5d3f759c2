/* Rows of results, one an image, in the formats that cnnpredict and cnneval have. */
#ifndef CNN_CLI_ROWS_H
#define CNN_CLI_ROWS_H

#include "base/text.h"

typedef enum cnn_row_format {
    CNN_ROWS_TSV,   /* no header; tab, newline, return and backslash as \t, \n, \r and \\ */
    CNN_ROWS_CSV,   /* RFC 4180, with a header */
    CNN_ROWS_JSONL, /* an object a line */
} cnn_row_format;

/* "tsv", "csv" and "jsonl", in this order, and NULL. */
extern const char *const cnn_row_format_names[];

/* One field of a row and what separates it from the one before; column: which it is, from 0 on. An
 * empty text is null in JSON; a NaN is empty, or null. */
void cnn_row_text(cnn_text *rows, cnn_row_format format, int column, const char *key,
                  const char *field);
/* In up to 9 digits, which read back to the same float. */
void cnn_row_number(cnn_text *rows, cnn_row_format format, int column, const char *key,
                    float number);
void cnn_row_end(cnn_text *rows, cnn_row_format format);

#endif
