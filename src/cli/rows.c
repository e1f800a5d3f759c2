#include "cli/rows.h"

#include <math.h>

const char *const cnn_row_format_names[] = {"tsv", "csv", "jsonl", NULL};

void cnn_row_begin(cnn_row *row, cnn_text *text, cnn_row_format format) {
    *row = (cnn_row){.text = text, .format = format};
    row->json = cnn_json_writer_start(text, CNN_JSON_COMPACT);
    if (format == CNN_ROWS_JSONL) {
        cnn_json_begin_object(&row->json);
    }
}

/* What stands between a field and the one before. */
static void begin_field(cnn_row *row, const char *key) {
    if (row->format == CNN_ROWS_JSONL) {
        (void)cnn_json_key(&row->json, key);
    } else if (row->follows) {
        cnn_text_append(row->text, row->format == CNN_ROWS_TSV ? "\t" : ",", 1);
    }
    row->follows = true;
}

static void add_tsv_field(cnn_text *rows, const char *field) {
    for (const char *c = field; *c; c++) {
        const char *escape = *c == '\t' ? "\\t" : *c == '\n' ? "\\n" : *c == '\r' ? "\\r" : NULL;
        escape = *c == '\\' ? "\\\\" : escape;
        cnn_text_append(rows, escape ? escape : c, escape ? 2 : 1);
    }
}

void cnn_row_text(cnn_row *row, const char *key, const char *field) {
    begin_field(row, key);
    switch (row->format) {
    case CNN_ROWS_TSV:
        add_tsv_field(row->text, field);
        break;
    case CNN_ROWS_CSV:
        cnn_text_csv_field(row->text, field);
        break;
    case CNN_ROWS_JSONL:
        cnn_json_string_or_null(&row->json, field);
        break;
    }
}

void cnn_row_number(cnn_row *row, const char *key, float number) {
    begin_field(row, key);
    if (row->format == CNN_ROWS_JSONL) {
        cnn_json_float(&row->json, number);
    } else if (!isnan(number)) {
        cnn_text_float(row->text, number);
    }
}

void cnn_row_end(cnn_row *row) {
    if (row->format == CNN_ROWS_JSONL) {
        cnn_json_end(&row->json);
    }
    cnn_text_append(row->text, "\n", 1);
}
