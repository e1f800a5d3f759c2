/* Rows of results, one an image, in the formats that cnnpredict and cnneval have. */
#ifndef CNN_CLI_ROWS_H
#define CNN_CLI_ROWS_H

#include "base/json_writer.h"

typedef enum cnn_row_format {
    CNN_ROWS_TSV,   /* no header; tab, newline, return and backslash as \t, \n, \r and \\ */
    CNN_ROWS_CSV,   /* RFC 4180, with a header */
    CNN_ROWS_JSONL, /* an object a line */
} cnn_row_format;

/* "tsv", "csv" and "jsonl", in this order, and NULL. */
extern const char *const cnn_row_format_names[];

/* A row at work. */
typedef struct cnn_row {
    cnn_text *text;
    cnn_row_format format;
    cnn_json_writer json;
    bool follows; /* a field stands before */
} cnn_row;

/* Begins a row at the end of *text. */
void cnn_row_begin(cnn_row *row, cnn_text *text, cnn_row_format format);
/* The next field. An empty text is null in JSON. */
void cnn_row_text(cnn_row *row, const char *key, const char *field);
/* In up to 9 digits, which read back to the same float. A NaN is empty, or null. */
void cnn_row_number(cnn_row *row, const char *key, float number);
void cnn_row_end(cnn_row *row);

#endif
