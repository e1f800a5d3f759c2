#include "cnn/rows.h"

#include "base/error.h"
#include "base/json_writer.h"
#include "base/memory.h"

#include <math.h>

const char *const cnn_row_format_names[] = {"tsv", "csv", "jsonl", NULL};

struct cnn_rows {
    cnn_row_format format;
    const char *const *columns;
    int column; /* of the next field; 0: a row begins */
    cnn_text text;
    cnn_json_writer json; /* of the current row */
};

cnn_rows *cnn_rows_create(cnn_row_format format, const char *const *columns) {
    cnn_rows *rows = cnn_alloc(1, sizeof *rows);
    if (rows) {
        *rows = (cnn_rows){.format = format, .columns = columns};
        for (int i = 0; format == CNN_ROWS_CSV && columns[i]; i++) {
            cnn_rows_text(rows, columns[i]);
        }
    }
    return rows;
}

void cnn_rows_free(cnn_rows *rows) {
    if (rows) {
        cnn_text_free(&rows->text);
        cnn_free(rows);
    }
}

/* What comes before a field … */
static void begin_field(cnn_rows *rows) {
    if (rows->format == CNN_ROWS_JSONL) {
        if (rows->column == 0) {
            rows->json = cnn_json_writer_start(&rows->text, CNN_JSON_COMPACT);
            cnn_json_begin_object(&rows->json);
        }
        (void)cnn_json_key(&rows->json, rows->columns[rows->column]);
    } else if (rows->column > 0) {
        cnn_text_append(&rows->text, rows->format == CNN_ROWS_TSV ? "\t" : ",", 1);
    }
}

/* … and after it. */
static void end_field(cnn_rows *rows) {
    if (rows->columns[++rows->column]) {
        return;
    }
    rows->column = 0;
    if (rows->format == CNN_ROWS_JSONL) {
        cnn_json_end(&rows->json);
    }
    cnn_text_append(&rows->text, "\n", 1);
}

static void add_tsv_field(cnn_text *text, const char *field) {
    for (const char *c = field; *c; c++) {
        const char *escape = *c == '\t' ? "\\t" : *c == '\n' ? "\\n" : *c == '\r' ? "\\r" : NULL;
        escape = *c == '\\' ? "\\\\" : escape;
        cnn_text_append(text, escape ? escape : c, escape ? 2 : 1);
    }
}

static void add_field(cnn_rows *rows, const char *field, bool is_path) {
    begin_field(rows);
    switch (rows->format) {
    case CNN_ROWS_TSV:
        add_tsv_field(&rows->text, field);
        break;
    case CNN_ROWS_CSV:
        cnn_text_csv_field(&rows->text, field);
        break;
    case CNN_ROWS_JSONL:
        if (is_path && *field) {
            cnn_json_path(&rows->json, field);
        } else {
            cnn_json_string_or_null(&rows->json, field);
        }
        break;
    }
    end_field(rows);
}

void cnn_rows_text(cnn_rows *rows, const char *field) {
    add_field(rows, field, false);
}

void cnn_rows_path(cnn_rows *rows, const char *path) {
    add_field(rows, path, true);
}

void cnn_rows_number(cnn_rows *rows, float number) {
    begin_field(rows);
    if (rows->format == CNN_ROWS_JSONL) {
        cnn_json_float(&rows->json, number);
    } else if (!isnan(number)) {
        cnn_text_float(&rows->text, number);
    }
    end_field(rows);
}

cnn_status cnn_rows_look(const cnn_rows *rows, const char **text, size_t *length,
                         cnn_error *error) {
    *text = rows->text.data ? rows->text.data : "";
    *length = rows->text.length;
    return rows->text.failed ? cnn_fail_memory(error, "the rows") : CNN_OK;
}

void cnn_rows_clear(cnn_rows *rows) {
    cnn_text_free(&rows->text);
    rows->text = (cnn_text){0};
}
