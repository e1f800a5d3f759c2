/* split.csv as a part of the record: images per split and class, groups, copies. */
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sort.h"
#include "report/record_parts.h"
#include "report/csv_table.h"

#include <stdlib.h>
#include <string.h>

enum { PATH, LABEL, SPLIT, GROUP, CONTENT, COLUMNS };

/* What is counted while split.csv is read. */
typedef struct split_counts {
    cnn_keyed *contents; /* [rows]: a hash of content and split */
    cnn_keyed *groups;   /* [group_rows]: a hash of the group, and its split */
    size_t group_rows;
    size_t taken; /* training paths */
} split_counts;

/* The split of the row: that in its column; in a set of runs, whose column is the fold, test. */
static cnn_status take_split(const cnn_table *t, bool is_set, size_t folds, int *split,
                             size_t *part) {
    *split = CNN_SPLIT_TEST;
    if (is_set) {
        CNN_TRY(cnn_table_count(t, SPLIT, part));
        return *part >= 1 && *part <= folds ? CNN_OK
                                            : cnn_table_fail(t, SPLIT, "the number of a fold");
    }
    for (*split = 0; *split < CNN_SPLIT_COUNT; ++*split) {
        if (strcmp(cnn_table_field(t, SPLIT), cnn_split_names[*split]) == 0) {
            *part = (size_t)*split;
            return CNN_OK;
        }
    }
    return cnn_table_fail(t, SPLIT, "train, validation or test");
}

/* *content: the sixteen digits in the column. */
static cnn_status take_content(const cnn_table *t, uint64_t *content) {
    const char *digits = cnn_table_field(t, CONTENT);
    char *end;
    *content = strtoull(digits, &end, 16);
    return strlen(digits) == 16 && !*end && strspn(digits, "0123456789abcdef") == 16
               ? CNN_OK
               : cnn_table_fail(t, CONTENT, "16 hexadecimal digits");
}

static void count_row(const cnn_table *t, size_t row, int split, size_t part, split_counts *counts,
                      cnn_report_run *run) {
    const char *group = cnn_table_field(t, GROUP), *content = cnn_table_field(t, CONTENT);
    uint64_t key = cnn_hash_bytes(CNN_HASH_START, content, strlen(content));
    counts->contents[row] = (cnn_keyed){.key = cnn_hash_bytes(key, &split, sizeof split)};
    if (*group) {
        counts->groups[counts->group_rows++] =
            (cnn_keyed){.key = cnn_hash_bytes(CNN_HASH_START, group, strlen(group)), .value = part};
    }
    if (split == CNN_SPLIT_TRAIN) {
        run->train_paths[counts->taken] = cnn_table_field(t, PATH);
        run->train_rows[counts->taken++] = row;
    }
}

/* Keys that are the same as an earlier one. Sorts. False if memory is refused. */
static bool count_repeated(cnn_keyed *items, size_t count, size_t *repeated) {
    *repeated = 0;
    if (!cnn_sort_by_key(items, count)) {
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        *repeated += items[i].key == items[i - 1].key;
    }
    return true;
}

/* Groups whose images, neighbours after sorting, are in several splits. */
static size_t count_mixed(const cnn_keyed *groups, size_t count) {
    size_t mixed = 0;
    bool counted = false;
    for (size_t i = 1; i < count; i++) {
        bool same = groups[i].key == groups[i - 1].key;
        bool other = same && groups[i].value != groups[i - 1].value;
        mixed += other && !counted;
        counted = same && (counted || other);
    }
    return mixed;
}

static cnn_status count_split(cnn_table *t, cnn_record *record, split_counts *counts) {
    cnn_report_run *run = &record->run;
    bool more;
    if (!counts->contents || !counts->groups || !run->train_paths || !run->train_rows ||
        !run->samples) {
        return cnn_fail_memory(t->error, t->path);
    }
    for (size_t row = 0; row < t->rows; row++) {
        int label, split;
        size_t part = 0;
        CNN_TRY(cnn_table_next(t, &more));
        CNN_TRY(cnn_table_class(t, LABEL, record->classes, &label));
        CNN_TRY(take_split(t, record->is_set, record->set.count, &split, &part));
        run->split_images[split][label]++;
        run->samples[row] = (cnn_sample){.path = cnn_table_field(t, PATH),
                                         .label = label,
                                         .split = (cnn_split)split,
                                         .row = row};
        CNN_TRY(take_content(t, &run->samples[row].content));
        run->rows = row + 1;
        count_row(t, row, split, part, counts, run);
    }
    size_t same_group;
    if (!count_repeated(counts->contents, t->rows, &run->repeated) ||
        !count_repeated(counts->groups, counts->group_rows, &same_group)) {
        return cnn_fail_memory(t->error, t->path);
    }
    run->groups = counts->group_rows - same_group;
    run->mixed_groups = count_mixed(counts->groups, counts->group_rows);
    return CNN_OK;
}

cnn_status cnn_record_read_split(cnn_record *record, cnn_error *error) {
    const char *const names[COLUMNS] = {"path", "label", record->is_set ? "fold" : "split", "group",
                                        "content"};
    cnn_table t;
    cnn_status status =
        cnn_table_open(record->directory.file[CNN_RUN_SPLIT], names, COLUMNS, &t, error);
    record->split_text = t.text;
    if (status != CNN_OK) {
        return status;
    }
    split_counts counts = {.contents = cnn_alloc(t.rows, sizeof *counts.contents),
                           .groups = cnn_alloc(t.rows, sizeof *counts.groups)};
    record->run.train_paths = cnn_alloc(t.rows, sizeof *record->run.train_paths);
    record->run.samples = cnn_alloc(t.rows, sizeof *record->run.samples);
    record->run.train_rows = cnn_alloc(t.rows, sizeof *record->run.train_rows);
    status = count_split(&t, record, &counts);
    cnn_free(counts.contents);
    cnn_free(counts.groups);
    return status;
}
