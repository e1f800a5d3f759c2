/* What --check-data found out, as a text and as a table. */
#ifndef CNN_INSPECT_DATA_REPORT_H
#define CNN_INSPECT_DATA_REPORT_H

#include "base/text.h"
#include "config/config.h"
#include "image/facts.h"
#include "samples/dataset.h"
#include "samples/duplicates.h"
#include "samples/near_copies.h"

/* An AUC of this or more, or of 1 - this or less, is a shortcut: a network may learn it instead of
 * what the images show. */
#define CNN_SHORTCUT_AUC 0.9

/* What an image knows of its class without being looked at. */
typedef enum cnn_shortcut {
    CNN_SHORTCUT_WIDTH,
    CNN_SHORTCUT_HEIGHT,
    CNN_SHORTCUT_FILE_SIZE,
    CNN_SHORTCUT_BRIGHTNESS,
    CNN_SHORTCUTS,
} cnn_shortcut;

double cnn_shortcut_value(const cnn_image_facts *facts, cnn_shortcut what);

typedef struct cnn_data_report {
    const cnn_config *config;
    char *classes[2];
    cnn_sample_list list; /* readable ones first, both parts in the order of files */
    size_t readable;
    char **reasons;            /* [list.count]: why an image cannot be read; NULL where it can */
    cnn_image_facts *facts;    /* [list.count] and below: only of readable ones */
    cnn_sharing *sharing;      /* [readable] */
    cnn_near_copy *near;       /* [readable] */
    double auc[CNN_SHORTCUTS]; /* NaN where a class has no image */
} cnn_data_report;

/* The text for people. table: where the table is, or NULL. *refused: findings for which training
 * would refuse the data. */
void cnn_data_report_describe(const cnn_data_report *report, const char *table, cnn_text *text,
                              size_t *refused);

/* A CSV table with a row an image. */
void cnn_data_report_tabulate(const cnn_data_report *report, cnn_text *text);

#endif
