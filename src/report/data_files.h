/* The image files of a run, on its page: their sizes, formats, and what may be wrong with them. */
#ifndef CNN_REPORT_DATA_FILES_H
#define CNN_REPORT_DATA_FILES_H

#include "report/report.h"

/* Fails only if memory is refused, or with CNN_STOPPED. A sentence says what cannot be read. */
CNN_MUST_USE cnn_status cnn_data_files_write(cnn_html *html, const cnn_report *report,
                                             cnn_error *error);

#endif
