/* The record of a finished run, or set of runs: what the files of its run directory state. A report
 * shows nothing else, so it can be made at any time. */
#ifndef CNN_REPORT_RECORD_H
#define CNN_REPORT_RECORD_H

#include "report/report.h"
#include "run/directory.h"

typedef struct cnn_record {
    cnn_report report; /* for the sections of the page; what it points to is owned by the record */
    cnn_report_run run;
    cnn_report_set set;
    bool is_set;
    cnn_run_directory directory;
    char *title;
    char *classes[2];
    char *split_text, *predictions_text[CNN_REPORT_IMAGES_MAX]; /* tables, in which paths are */
    cnn_predictor *model;
    char sha256[65];
} cnn_record;

/* Reads the run directory `path`. Every file is checked, and compared with summary.json where both
 * state a number: CNN_ERROR_RUNTIME with file, place, and what was expected, CNN_ERROR_MODEL for
 * model.bin, CNN_ERROR_CONFIG for config.json. Free with cnn_record_free, also after a failure. */
CNN_MUST_USE cnn_status cnn_record_read(const char *path, cnn_record *record, cnn_error *error);
void cnn_record_free(cnn_record *record);

/* The test images of the run that a sweep has chosen, which the run itself has not measured. */
typedef struct cnn_chosen_test {
    const cnn_measured *measured;
    const char *predictions; /* the path of the sweep's test_predictions.csv */
} cnn_chosen_test;

/* cnn_record_read for that run. test: NULL if there are no test images. */
CNN_MUST_USE cnn_status cnn_record_read_chosen(const char *path, const cnn_chosen_test *test,
                                               cnn_record *record, cnn_error *error);

#endif
