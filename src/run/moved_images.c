#include "run/moved_images.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sort.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The largest table that is read. */
#define TABLE_LIMIT ((size_t)1 << 30)

enum { FIELDS_MAX = 8, PART_SIZE = 16 };

typedef struct field {
    const char *text; /* as in the file, with its quotes */
    size_t length;
} field;

/* The meaning of each field of a row, from the header. */
typedef struct columns {
    int label, part, content; /* -1: none */
} columns;

/* The table as it was written, and the current images. */
typedef struct matching {
    char *text; /* of the table */
    field *rows;
    size_t row_count, row_capacity;
    cnn_keyed *then; /* [row_count]: by the key of the row */
    cnn_keyed *now;  /* [dataset->count] */
    size_t *order;   /* [row_count]: the image of each row */
    cnn_text labels[2];
} matching;

/* --- the table --- */

/* The end of a CSV field: a comma, the end of the line, or of the text. */
static const char *field_end(const char *at) {
    bool quoted = false;
    for (; *at && (quoted || (*at != ',' && *at != '\n')); at++) {
        quoted = *at == '"' ? !quoted : quoted;
    }
    return at;
}

/* Splits a row into fields. Returns the start of the next row. */
static const char *read_row(const char *at, field fields[FIELDS_MAX], int *count) {
    for (*count = 0; *at; at++) {
        const char *end = field_end(at);
        if (*count < FIELDS_MAX) {
            fields[(*count)++] = (field){.text = at, .length = (size_t)(end - at)};
        }
        at = end;
        if (*at != ',') {
            break;
        }
    }
    return at + (*at == '\n');
}

static bool is_text(const field *f, const char *text, size_t length) {
    return f->length == length && memcmp(f->text, text, length) == 0;
}

static int find_column(const field *fields, int count, const char *name) {
    for (int i = 0; i < count; i++) {
        if (is_text(&fields[i], name, strlen(name))) {
            return i;
        }
    }
    return -1;
}

/* --- keys of images --- */

/* One number for content, label, and split or fold. */
static uint64_t key_of(uint64_t content, int label, int part) {
    uint8_t record[16] = {(uint8_t)label};
    for (int b = 0; b < 8; b++) {
        record[1 + b] = (uint8_t)(content >> (8 * b));
    }
    for (int b = 0; b < 4; b++) {
        record[9 + b] = (uint8_t)((unsigned)part >> (8 * b));
    }
    return cnn_hash_bytes(CNN_HASH_START, record, sizeof record);
}

/* The split of that name, or the fold of that number; -1 if there is none. */
static int read_part(const field *f, bool folds) {
    char text[PART_SIZE] = "";
    if (f->length >= sizeof text) {
        return -1;
    }
    (void)memcpy(text, f->text, f->length);
    if (folds) {
        return (int)strtol(text, NULL, 10) - 1;
    }
    for (int split = 0; split < CNN_SPLIT_COUNT; split++) {
        if (strcmp(text, cnn_split_names[split]) == 0) {
            return split;
        }
    }
    return -1;
}

/* The key of a row; 0, which no image has, if the row has none. */
static uint64_t key_of_row(const matching *m, const columns *where, const field *fields, int count,
                           bool folds) {
    int label = -1;
    for (int i = 0; i < 2 && where->label < count; i++) {
        bool same = is_text(&fields[where->label], m->labels[i].data, m->labels[i].length);
        label = same ? i : label;
    }
    if (label < 0 || where->part >= count || where->content >= count) {
        return 0;
    }
    uint64_t content = strtoull(fields[where->content].text, NULL, 16);
    return key_of(content, label, read_part(&fields[where->part], folds));
}

/* --- reading both --- */

static cnn_status add_row(matching *m, const char *at, const char *end, cnn_error *error) {
    void *rows = m->rows;
    if (!cnn_grow(&rows, &m->row_capacity, m->row_count + 1, sizeof *m->rows)) {
        return cnn_fail_memory(error, "the table of images");
    }
    m->rows = rows;
    m->rows[m->row_count++] = (field){.text = at, .length = (size_t)(end - at)};
    return CNN_OK;
}

/* The positions of the rows in the text, then their keys. */
static cnn_status read_table(matching *m, bool folds, cnn_error *error) {
    field fields[FIELDS_MAX];
    int count;
    const char *body = read_row(m->text, fields, &count);
    columns where = {.label = find_column(fields, count, "label"),
                     .part = find_column(fields, count, folds ? "fold" : "split"),
                     .content = find_column(fields, count, "content")};
    bool known = where.label >= 0 && where.part >= 0 && where.content >= 0;
    for (const char *at = body; *at;) {
        const char *next = read_row(at, fields, &count);
        CNN_TRY(add_row(m, at, next > at && next[-1] == '\n' ? next - 1 : next, error));
        at = next;
    }
    m->then = cnn_alloc(m->row_count, sizeof *m->then);
    m->order = cnn_alloc(m->row_count, sizeof *m->order);
    if (!m->then || !m->order) {
        return cnn_fail_memory(error, "the table of images");
    }
    for (size_t i = 0; i < m->row_count; i++) {
        (void)read_row(m->rows[i].text, fields, &count);
        m->then[i] =
            (cnn_keyed){.key = known ? key_of_row(m, &where, fields, count, folds) : 0, .value = i};
    }
    return CNN_OK;
}

static cnn_status read_images(matching *m, const cnn_dataset *dataset, const int *fold,
                              cnn_error *error) {
    m->now = cnn_alloc(dataset->count, sizeof *m->now);
    if (!m->now) {
        return cnn_fail_memory(error, "the table of images");
    }
    for (size_t i = 0; i < dataset->count; i++) {
        const cnn_sample *sample = &dataset->samples[i];
        int part = fold ? fold[i] : (int)sample->split;
        m->now[i] = (cnn_keyed){.key = key_of(sample->content, sample->label, part), .value = i};
    }
    return CNN_OK;
}

/* --- matching --- */

/* Pairs equal keys of the two sorted lists. *row and *image: the first that has no pair, SIZE_MAX
 * if each has one. */
static void pair(const matching *m, size_t images, size_t *row, size_t *image) {
    size_t i = 0, j = 0;
    *row = *image = SIZE_MAX;
    while (i < m->row_count || j < images) {
        bool has_row = i < m->row_count, has_image = j < images;
        if (has_row && has_image && m->then[i].key == m->now[j].key) {
            m->order[m->then[i++].value] = m->now[j++].value;
        } else if (has_row && (!has_image || m->then[i].key < m->now[j].key)) {
            size_t alone = m->then[i++].value;
            *row = alone < *row ? alone : *row;
        } else {
            size_t alone = m->now[j++].value;
            *image = alone < *image ? alone : *image;
        }
    }
}

/* An image as a row of the table. */
static void describe_image(const cnn_dataset *dataset, size_t i, const int *fold, cnn_text *text) {
    const cnn_sample *sample = &dataset->samples[i];
    if (fold) {
        cnn_text_format(text, "%d,", fold[i] + 1);
    }
    cnn_text_csv_field(text, sample->path);
    cnn_text_append(text, ",", 1);
    cnn_text_csv_field(text, dataset->classes[sample->label]);
    cnn_text_format(text, ",%s%s", fold ? "" : cnn_split_names[sample->split], fold ? "" : ",");
    cnn_text_csv_field(text, sample->group ? sample->group : "");
    cnn_text_format(text, ",%016" PRIx64, sample->content);
}

enum { SHOWN = 300 }; /* bytes of a row in a message */

static void describe_difference(const matching *m, const cnn_dataset *dataset, const int *fold,
                                size_t row, size_t image, cnn_text *difference) {
    if (row < SIZE_MAX) {
        size_t length = m->rows[row].length;
        cnn_text_format(difference, "\"%.*s\" then, ", length < SHOWN ? (int)length : SHOWN,
                        m->rows[row].text);
    } else {
        cnn_text_format(difference, "no such image then, ");
    }
    if (image < SIZE_MAX) {
        cnn_text now = {0};
        describe_image(dataset, image, fold, &now);
        cnn_text_format(difference, "\"%.*s\" now", SHOWN, now.failed ? "" : now.data);
        difference->failed = difference->failed || now.failed;
        cnn_text_free(&now);
    } else {
        cnn_text_format(difference, "no such image now");
    }
}

static cnn_status reorder(cnn_dataset *dataset, const size_t *order, int *fold, cnn_error *error) {
    int *moved = fold ? cnn_alloc(dataset->count, sizeof *moved) : NULL;
    if (fold && !moved) {
        return cnn_fail_memory(error, "the folds");
    }
    cnn_status status = cnn_dataset_reorder(dataset, order, error);
    for (size_t i = 0; i < dataset->count && fold && status == CNN_OK; i++) {
        moved[i] = fold[order[i]];
    }
    if (fold && status == CNN_OK) {
        (void)memcpy(fold, moved, dataset->count * sizeof *fold);
    }
    cnn_free(moved);
    return status;
}

static cnn_status match(matching *m, cnn_dataset *dataset, int *fold, cnn_text *difference,
                        cnn_error *error) {
    for (int i = 0; i < 2; i++) {
        cnn_text_csv_field(&m->labels[i], dataset->classes[i]);
        if (m->labels[i].failed) {
            return cnn_fail_memory(error, "class names");
        }
    }
    CNN_TRY(read_table(m, fold != NULL, error));
    CNN_TRY(read_images(m, dataset, fold, error));
    if (!cnn_sort_by_key(m->then, m->row_count) || !cnn_sort_by_key(m->now, dataset->count)) {
        return cnn_fail_memory(error, "the table of images");
    }
    size_t row, image;
    pair(m, dataset->count, &row, &image);
    if (row == SIZE_MAX && image == SIZE_MAX) {
        return reorder(dataset, m->order, fold, error);
    }
    describe_difference(m, dataset, fold, row, image, difference);
    return difference->failed ? cnn_fail_memory(error, "the table of images") : CNN_OK;
}

cnn_status cnn_moved_images_follow(const char *table, cnn_dataset *dataset, int *fold,
                                   cnn_text *difference, cnn_error *error) {
    matching m = {0};
    size_t size;
    *difference = (cnn_text){0};
    cnn_status status = cnn_file_read(table, TABLE_LIMIT, CNN_ERROR_RUNTIME, &m.text, &size, error);
    if (status != CNN_OK) {
        return cnn_fail_prefix(error, status, "%s: ", table);
    }
    status = match(&m, dataset, fold, difference, error);
    cnn_free(m.order);
    cnn_free(m.text);
    cnn_free(m.rows);
    cnn_free(m.then);
    cnn_free(m.now);
    cnn_text_free(&m.labels[0]);
    cnn_text_free(&m.labels[1]);
    return status;
}
