/* Which models of a sweep have been measured on the test images? A sweep that grows, or is gathered
 * again, may choose another run. Each choice that is measured makes the test images a little less
 * new for whoever reads the results, so all are counted. */
#include "run/sweep_set.h"

#include "base/error.h"
#include "base/memory.h"
#include "run/tables.h"

#include <stdio.h>
#include <string.h>

#define TABLE_LIMIT ((size_t)1 << 20)

/* Rows below the header. */
static int count_rows(const char *table) {
    int lines = 0;
    for (; *table; table++) {
        lines += *table == '\n';
    }
    return lines - 1;
}

/* Frees the table. */
static cnn_status add_row(const char *path, const char *row, cnn_text *table, int *count,
                          cnn_error *error) {
    const bool is_new = !table->failed && !strstr(table->data, row);
    if (is_new) {
        cnn_text_format(table, "%s", row + 1); /* the line before it has ended */
    }
    if (table->failed) {
        cnn_text_free(table);
        return cnn_fail_memory(error, path);
    }
    *count = count_rows(table->data);
    if (is_new) {
        return cnn_table_write(path, table, true, error);
    }
    cnn_text_free(table);
    return CNN_OK;
}

cnn_status cnn_sweep_add_tested(const cnn_run_directory *directory, int member, double epochs,
                                int *count, cnn_error *error) {
    char *before;
    size_t size;
    char row[64];
    cnn_text table = {0};
    CNN_TRY(cnn_run_read_file(directory, CNN_RUN_TESTED, TABLE_LIMIT, &before, &size, error));
    cnn_text_format(&table, "%s", before ? before : "member,epochs\n");
    cnn_free(before);
    (void)snprintf(row, sizeof row, "\n%d,%.0f\n", member, epochs);
    return add_row(directory->file[CNN_RUN_TESTED], row, &table, count, error);
}
