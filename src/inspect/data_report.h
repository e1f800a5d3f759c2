/* The findings of --check-data, as text and as a table. */
#ifndef CNN_INSPECT_DATA_REPORT_H
#define CNN_INSPECT_DATA_REPORT_H

#include "base/text.h"
#include "config/config.h"
#include "image/facts.h"
#include "samples/dataset.h"
#include "samples/duplicates.h"
#include "samples/flaws.h"
#include "samples/near_copies.h"

/* An AUC of at least this, or at most 1 - this, is a shortcut: a network may learn it instead of
 * what the images show. It must also be so many standard deviations from 0.5, which chance exceeds
 * in 1 % of the cases: of few images, any number may tell the classes apart. */
#define CNN_SHORTCUT_AUC 0.9
#define CNN_SHORTCUT_Z 2.576

/* Properties of an image that are known without its content. */
typedef enum cnn_shortcut {
    CNN_SHORTCUT_WIDTH,
    CNN_SHORTCUT_HEIGHT,
    CNN_SHORTCUT_FILE_SIZE,
    CNN_SHORTCUT_BRIGHTNESS,
    CNN_SHORTCUTS,
} cnn_shortcut;

/* "width" */
const char *cnn_shortcut_name(cnn_shortcut what);

double cnn_shortcut_value(const cnn_image_facts *facts, cnn_shortcut what);

typedef struct cnn_data_report {
    const cnn_config *config;
    cnn_image_settings seen; /* the config's, with the ends of its range once they are known */
    cnn_hidden hidden;       /* what the readable files hold besides what the network sees */
    char *classes[2];
    cnn_sample_list list; /* readable samples first, both parts in the order of files */
    size_t readable;
    char **reasons;            /* [list.count]: why an image cannot be read; NULL if it can */
    cnn_image_facts *facts;    /* [list.count]; from here on: only for readable images */
    cnn_sharing *sharing;      /* [readable] */
    cnn_near_copy *near;       /* [readable] */
    uint8_t *flaws;            /* [readable]: bits of cnn_flaw */
    double auc[CNN_SHORTCUTS]; /* NaN if a class has no image */
} cnn_data_report;

/* Is the property a shortcut in these images? */
bool cnn_shortcut_is_one(const cnn_data_report *report, cnn_shortcut what);

/* Does training leave out readable image i, because of its copies? report->sharing must be known.
 */
bool cnn_data_report_leaves_out(const cnn_data_report *report, size_t i);

/* The report as text. table: the path of the table, or NULL. *refused: number of findings for which
 * training would refuse the data. */
void cnn_data_report_describe(const cnn_data_report *report, const char *table, cnn_text *text,
                              size_t *refused);

/* What the files hold that the network does not see, as lines of the warnings. Returns the number
 * of findings. (hidden_report.c) */
size_t cnn_data_report_hidden(const cnn_data_report *report, cnn_text *text);

/* Adds lines on the values of 16-bit images, on shapes in alpha, and on the range, if there are
 * any. */
void cnn_data_report_range(const cnn_data_report *report, cnn_text *text);

/* A CSV table with one row per image. */
void cnn_data_report_tabulate(const cnn_data_report *report, cnn_text *text);

#endif
