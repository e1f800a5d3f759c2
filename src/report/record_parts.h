/* The parts of a record (record.h), each a reader of its files. All messages start with the file's
 * path. */
#ifndef CNN_REPORT_RECORD_PARTS_H
#define CNN_REPORT_RECORD_PARTS_H

#include "report/record.h"

/* summary.json: classes, is_set, and what run, set and measured images have from there. */
CNN_MUST_USE cnn_status cnn_record_read_summary(cnn_record *record, cnn_error *error);

/* The CSV tables, after summary.json. */
CNN_MUST_USE cnn_status cnn_record_read_split(cnn_record *record, cnn_error *error);
CNN_MUST_USE cnn_status cnn_record_read_epochs(cnn_record *record, cnn_error *error);
CNN_MUST_USE cnn_status cnn_record_read_folds(cnn_record *record, cnn_error *error);

/* The predictions in `file` become the next images of the report. */
CNN_MUST_USE cnn_status cnn_record_read_predictions(cnn_record *record, cnn_run_file file,
                                                    const char *name, const cnn_measured *measured,
                                                    cnn_error *error);

#endif
