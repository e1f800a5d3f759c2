#include "cli/rows.h"

#include <math.h>

const char *const cnn_row_format_names[] = {"tsv", "csv", "jsonl", NULL};

/* What stands in front of a field. */
static void begin(cnn_text *rows, cnn_row_format format, int column, const char *key) {
    if (format == CNN_ROWS_JSONL) {
        cnn_text_format(rows, "%s\"%s\":", column == 0 ? "{" : ",", key);
    } else if (column > 0) {
        cnn_text_append(rows, format == CNN_ROWS_TSV ? "\t" : ",", 1);
    }
}

static void add_tsv_field(cnn_text *rows, const char *field) {
    for (const char *c = field; *c; c++) {
        const char *escape = *c == '\t' ? "\\t" : *c == '\n' ? "\\n" : *c == '\r' ? "\\r" : NULL;
        escape = *c == '\\' ? "\\\\" : escape;
        cnn_text_append(rows, escape ? escape : c, escape ? 2 : 1);
    }
}

void cnn_row_text(cnn_text *rows, cnn_row_format format, int column, const char *key,
                  const char *field) {
    begin(rows, format, column, key);
    switch (format) {
    case CNN_ROWS_TSV:
        add_tsv_field(rows, field);
        break;
    case CNN_ROWS_CSV:
        cnn_text_csv_field(rows, field);
        break;
    case CNN_ROWS_JSONL:
        if (*field) {
            cnn_text_json_string(rows, field);
        } else {
            cnn_text_format(rows, "null");
        }
        break;
    }
}

void cnn_row_number(cnn_text *rows, cnn_row_format format, int column, const char *key,
                    float number) {
    begin(rows, format, column, key);
    if (!isnan(number)) {
        cnn_text_format(rows, "%.9g", (double)number);
    } else if (format == CNN_ROWS_JSONL) {
        cnn_text_format(rows, "null");
    }
}

void cnn_row_end(cnn_text *rows, cnn_row_format format) {
    cnn_text_format(rows, "%s\n", format == CNN_ROWS_JSONL ? "}" : "");
}
