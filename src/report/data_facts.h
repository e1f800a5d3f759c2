/* What is known about the image files of a run: from data_report.csv, if --check-data has written
 * one about the same images, else from a sample of the files. */
#ifndef CNN_REPORT_DATA_FACTS_H
#define CNN_REPORT_DATA_FACTS_H

#include "inspect/data_problems.h"
#include "inspect/file_sample.h"
#include "report/report.h"

/* Images that were looked at, and what may be wrong with them. */
typedef struct cnn_data_look {
    const cnn_data_report *images;
    uint32_t *problems; /* [images->list.count]: bit `what` is cnn_data_problem `what` */
} cnn_data_look;

typedef struct cnn_data_facts {
    bool from_table;        /* data_report.csv */
    char table_unused[64];  /* why the data_report.csv that exists is not used; empty: there is none
                             */
    cnn_data_look headers;  /* what is in the headers of files; of the table, … */
    cnn_data_look pixels;   /* … this is the same look */
    cnn_file_sample sample; /* with a table: only if images have 16 bits or alpha, for what is in
                             * them; else all zero */
    cnn_data_report table;
    char *table_text; /* the file */
} cnn_data_facts;

/* Fails only if memory is refused, or with CNN_STOPPED. Free with cnn_data_facts_free, also after a
 * failure. The same result for any number of threads. */
CNN_MUST_USE cnn_status cnn_data_facts_find(const cnn_report *report, cnn_data_facts *facts,
                                            cnn_error *error);
void cnn_data_facts_free(cnn_data_facts *facts);

/* Frees what was read of a table. (data_table_reader.c) */
void cnn_data_facts_release_table(cnn_data_facts *facts);

/* Reads the table `path` into *facts if it is about all images of the run, with the same pixels.
 * *used: is it? If not, table_unused says why. (data_table_reader.c) */
CNN_MUST_USE cnn_status cnn_data_facts_read_table(const cnn_report *report, const char *path,
                                                  cnn_data_facts *facts, bool *used,
                                                  cnn_error *error);

#endif
