#include "base/csv.h"

#include <string.h>

cnn_csv cnn_csv_start(char *text) {
    return (cnn_csv){.at = text};
}

/* Removes the quotes of the field at `from`. Returns its end: a comma, the end of the line, or of
 * the text. *last: the end of what is left of it. */
static char *read_field(char *from, char **last) {
    bool quoted = false;
    char *to = from;
    for (; *from && (quoted || (*from != ',' && *from != '\n')); from++) {
        if (*from != '"') {
            *to++ = *from;
        } else if (quoted && from[1] == '"') {
            *to++ = *from++;
        } else {
            quoted = !quoted;
        }
    }
    *last = to;
    return from;
}

bool cnn_csv_next(cnn_csv *csv) {
    bool more = *csv->at != '\0';
    csv->count = 0;
    csv->line++;
    while (more) {
        char *last;
        char *field = csv->at;
        char *end = read_field(field, &last);
        char after = *end;
        *last = '\0';
        if (csv->count < CNN_CSV_FIELDS_MAX) {
            csv->field[csv->count++] = field;
        }
        csv->at = end + (after != '\0');
        more = after == ',';
    }
    return csv->count > 0;
}

int cnn_csv_column(const cnn_csv *csv, const char *name) {
    for (int i = 0; i < csv->count; i++) {
        if (strcmp(csv->field[i], name) == 0) {
            return i;
        }
    }
    return -1;
}
