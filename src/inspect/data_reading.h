/* Reads and compares the images of a list, for --check-data. */
#ifndef CNN_INSPECT_DATA_READING_H
#define CNN_INSPECT_DATA_READING_H

#include "inspect/data_report.h"

#include "cnn/options.h"

/* Decodes all images of report->list: sets facts and reasons, moves the readable images to the
 * front, and makes room for what compares them. config and seen must be set. Free with
 * cnn_data_report_free, also after a failure: CNN_ERROR_RUNTIME, CNN_STOPPED. */
CNN_MUST_USE cnn_status cnn_data_read_all(cnn_data_report *report,
                                          const cnn_common_options *options, cnn_error *error);

/* The same from the headers of the files (cnn_image_facts_read_header). */
CNN_MUST_USE cnn_status cnn_data_read_headers(cnn_data_report *report,
                                              const cnn_common_options *options, cnn_error *error);

/* Sets the facts of the readable images again, when the ends of report->seen are known. */
CNN_MUST_USE cnn_status cnn_data_read_again(cnn_data_report *report,
                                            const cnn_common_options *options, cnn_error *error);

/* Finds near-copies, flaws and shortcuts among the readable images. */
CNN_MUST_USE cnn_status cnn_data_compare(cnn_data_report *report, int threads, cnn_error *error);

/* Only the shortcuts: of each readable image, the list and the facts must be known. */
CNN_MUST_USE cnn_status cnn_data_measure_shortcuts(cnn_data_report *report, cnn_error *error);

void cnn_data_report_free(cnn_data_report *report);

#endif
