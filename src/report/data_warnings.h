/* What may be wrong with the image files of a run, as a list of a page. */
#ifndef CNN_REPORT_DATA_WARNINGS_H
#define CNN_REPORT_DATA_WARNINGS_H

#include "report/data_facts.h"

/* A sentence in place of the list if there is nothing. CNN_ERROR_RUNTIME if memory is refused. */
CNN_MUST_USE cnn_status cnn_data_warnings_write(cnn_html *html, const cnn_report *report,
                                                const cnn_data_facts *facts, cnn_error *error);

#endif
