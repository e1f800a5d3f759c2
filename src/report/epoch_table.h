/* metrics.csv of a run, read back. */
#ifndef CNN_REPORT_EPOCH_TABLE_H
#define CNN_REPORT_EPOCH_TABLE_H

#include "run/tables.h"

#include <stddef.h>
#include <stdint.h>

#define CNN_EPOCHS_ANY SIZE_MAX

/* Reads the table `path`: *rows[*count], those of epochs 1, 2, … in order; values that are not
 * there are NaN. expected: how many there are, as in summary.json, or CNN_EPOCHS_ANY. Free *rows
 * with cnn_free, also after a failure, which is CNN_ERROR_RUNTIME with path, line, and what was
 * expected and found. */
CNN_MUST_USE cnn_status cnn_epoch_table_read(const char *path, size_t expected,
                                             cnn_epoch_row **rows, size_t *count, cnn_error *error);

#endif
